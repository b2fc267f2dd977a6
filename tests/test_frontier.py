"""Which page comes next: the traps at their limits, depth, borders, and what a resumed crawl remembers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Routes, page, serve
from pydantic import ValidationError
from test_scrape import crawl, img, photos

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.scraper.frontier import Frontier
from deepstyle.scraper.urls import host, page_key

SITE = "http://a.example"


@pytest.fixture
def frontier(tmp_path: Path) -> Iterator[Frontier]:
    """The frontier of a new crawl."""
    with Catalog(tmp_path) as catalog, catalog.transaction():
        yield Frontier(catalog.open_crawl(SITE + "/"), ScrapeConfig(max_depth=3), [SITE + "/"])


def visit_all(frontier: Frontier, *, images_at: int | None = None) -> int:
    """Visit what there is, none of it with an image but the page of that number; how many pages were visited."""
    count = 0
    while (entry := frontier.next()) is not None:
        count += 1
        frontier.done(entry, "ok", int(count == images_at))
    return count


@pytest.mark.parametrize(("images_at", "visited"), [(None, 200), (100, 300), (200, 400), (201, 200)])
def test_two_hundred_pages_of_one_shape_without_an_image_are_a_trap(
    frontier: Frontier, images_at: int | None, visited: int
) -> None:
    """The 201st in a row is not visited, however they are linked; one image starts the count again."""
    for number in range(500):
        frontier.add(f"{SITE}/item/{number}", None, 1)

    assert visit_all(frontier, images_at=images_at) == visited


@pytest.mark.parametrize(("base", "images_at", "visited"), [
    ("/coats?s=a", None, 200), ("/coats?s=a", 100, 300), ("/coats?", None, 480),
])  # fmt: skip
def test_two_hundred_filters_upon_filters_without_an_image_are_a_trap(
    frontier: Frontier, base: str, images_at: int | None, visited: int
) -> None:
    """Whatever parameters they add to their parent's; a page's first parameter counts by its shape alone."""
    for number in range(480):
        frontier.add(f"{SITE}{base}&{'abcd'[number % 4]}={number}", SITE + base.rstrip("?"), 1)

    assert visit_all(frontier, images_at=images_at) == visited


def follow_chain(frontier: Frontier, *, images_at: int | None = None, most: int = 100) -> int:
    """Visit pages that each link to the next one, as far as they lead; how many pages were visited."""
    count = 0
    frontier.add(f"{SITE}/month/0", None, 1)
    while count < most and (entry := frontier.next()) is not None:
        count += 1
        frontier.add(f"{SITE}/month/{count}", entry.url, 1)
        frontier.done(entry, "ok", int(count == images_at))
    return count


@pytest.mark.parametrize(("images_at", "visited"), [(None, 25), (10, 35), (25, 50), (26, 25)])
def test_a_chain_of_twenty_five_pages_without_an_image_is_a_trap(
    frontier: Frontier, images_at: int | None, visited: int
) -> None:
    """The 26th page of one shape, each linked from the one before, is not visited; one image starts the count again."""
    assert follow_chain(frontier, images_at=images_at) == visited


def test_a_page_that_thumbnails_wait_for_is_no_trap(frontier: Frontier) -> None:
    """The page a thumbnail links to is visited at the end of any chain."""
    frontier.wanted.add(page_key(f"{SITE}/month/25"))

    assert follow_chain(frontier) == 26


def test_redirects_and_traps_are_no_barren_pages(frontier: Frontier) -> None:
    """Two hundred redirects of one shape leave the shape as good as new, and cost nothing of ``max_pages``."""
    for number in range(300):
        frontier.add(f"{SITE}/go/{number}", None, 1)
    count = 0
    while (entry := frontier.next()) is not None:
        count += 1
        frontier.done(entry, "redirect", 0)

    assert count == 300


def test_depth_and_borders(frontier: Frontier) -> None:
    """A page at ``max_depth`` is visited, one beyond it or on another site is not, unless it is wanted from anywhere."""
    frontier.add(f"{SITE}/deep", None, 3)
    frontier.add(f"{SITE}/deeper", None, 4)
    frontier.add("http://b.example/", None, 1)
    frontier.add("http://c.example/", None, 1, anywhere=True)
    frontier.add(f"{SITE}/deep?utm_source=x", None, 1)

    seen = []
    while (entry := frontier.next()) is not None:
        seen.append(entry.url)
        frontier.done(entry, "ok", 0)
    assert seen == [f"{SITE}/deep", "http://c.example/"]


def test_max_pages_is_exact(tmp_path: Path) -> None:
    """With max_pages=3 three pages are given, and a fourth only after the limit is raised."""
    with Catalog(tmp_path) as catalog:
        crawl = catalog.open_crawl(SITE + "/")
        for limit, expected in ((3, 3), (5, 2)):
            frontier = Frontier(crawl, ScrapeConfig(max_pages=limit), [SITE + "/"])
            for number in range(9):
                frontier.add(f"{SITE}/{'abcdefghi'[number]}", None, 1)
            given = []
            while (entry := frontier.next()) is not None:
                given.append(entry)
                crawl.finish_page(entry.url, "ok")
                frontier.done(entry, "ok", 1)

            assert len(given) == expected


def test_a_series_is_no_deeper_than_its_first_page(frontier: Frontier) -> None:
    """The next page of a series, and a page of the same shape, have the depth of the page before; others are one deeper."""
    frontier.add(f"{SITE}/list/1", None, 2)
    entry = frontier.next()
    assert entry is not None

    assert frontier.link_depth(f"{SITE}/list/2", entry, following=False) == 2
    assert frontier.link_depth(f"{SITE}/other", entry, following=True) == 2
    assert frontier.link_depth(f"{SITE}/other", entry, following=False) == 3


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "http://a.example:8443/x", "https://xn--mnchen-3ya.example/", "http://[::1]/"]
)
def test_a_host_may_be_written_as_people_do(url: str) -> None:
    """A named host is what its pages' normal URLs have: no scheme, default port, capitals, final dot, other script."""
    ways = {
        "a.example": ["A.Example", "a.example.", "a.example:443", "a.example:80", "https://a.example:443", "HTTP://a.example/",
                      "http://a.example.:80/", " a.example "],
        "a.example:8443": ["a.example:8443", "http://A.example.:8443/"],
        "xn--mnchen-3ya.example": ["münchen.example", "https://MÜNCHEN.example:443/"],
        "[::1]": ["[::1]", "http://[::1]:80"],
    }  # fmt: skip
    for way in ways[host(url)]:
        assert ScrapeConfig(also_hosts=(way,)).also_hosts == (host(url),), way


@pytest.mark.parametrize(
    "text",
    ["https://a.example/folder", "ftp://a.example", "a b.example", "", ".", "a..example", "-", "a.example:0",
     "a.example:70000", "me@a.example", "*.a.example", "https://", "[x]", "a" * 300, "http:/a.example", "a.example:x"],
)  # fmt: skip
def test_what_can_be_no_host_is_refused(text: str) -> None:
    """A value of --also-host that no page's address can have is refused by the flag's name."""
    with pytest.raises(ValidationError) as refused:
        ScrapeConfig(also_hosts=("a.example", text))

    assert f"{text!r} is no host; write --also-host" in str(refused.value)


def test_a_host_without_a_port_is_meant_at_any(tmp_path: Path) -> None:
    """Pages of --also-host 127.0.0.1 are visited at the port they have, also where they redirect; with a port at that alone."""
    routes: Routes = {
        "/": lambda x: x.send(status=302, Location="/looks"),
        "/looks": page(img("/b.jpg")),
        **photos("/b.jpg"),
    }
    with (
        serve(routes) as other,
        serve({"/": page(img("/a.jpg"), f'<a href="{other.url}/">b</a>'), **photos("/a.jpg")}) as site,
    ):
        for number, (hosts, kept) in enumerate([((), 1), (("127.0.0.1",), 2), (("127.0.0.1:9",), 1)]):
            assert crawl(tmp_path / str(number), site.url, also_hosts=hosts).kept == kept
