"""Whole crawls of sites that mislead: endless relative links, addresses that act, bodies without an end, sizes in JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.scraper.deeds import acts
from deepstyle.scraper.pages import parse

HERE = "http://a.example/looks"


def links(*urls: str) -> str:
    """Plain links."""
    return "".join(f'<a href="{url}">{url}</a>' for url in urls)


def test_relative_links_on_every_address_are_no_endless_site(tmp_path: Path) -> None:
    """A server that answers each address with one page of relative links is left after a few pages, whatever the page says."""

    def same(x: Exchange) -> None:
        x.send(page(f"<h1>{x.path}</h1>", img("/a.jpg"), links("looks/", "press/", "about/")))

    routes: Routes = {**photos("/a.jpg"), "/robots.txt": b"", "/.well-known/tdmrep.json": b"[]"}
    with serve(routes) as site:
        site.routes = {**dict.fromkeys(_paths(4), same), **routes}
        crawl(tmp_path, site.url + "/")

        assert taken(tmp_path) == {"/a.jpg"}
        assert sum(site.hits.values()) < 20


def _paths(depth: int) -> list[str]:
    """The addresses to which the relative links lead."""
    found = level = ["/"]
    for _ in range(depth):
        level = [f"{one}{name}/" for one in level for name in ("looks", "press", "about")]
        found = found + level
    return found


def test_folders_of_the_same_names_with_photos_of_their_own_are_visited(tmp_path: Path) -> None:
    """Seasons that hold houses of the same names below one another are no circle while each page shows a new photo."""
    routes: Routes = {
        "/": page(links("more/")), "/more/": page(img("/1.jpg"), links("more/")),
        "/more/more/": page(img("/2.jpg"), links("more/")), **photos("/1.jpg", "/2.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/")

        assert taken(tmp_path) == {"/1.jpg", "/2.jpg"}


@pytest.mark.parametrize("path", [
    "cart?add=5", "look/3/delete", "delete.php?id=3", "?action=remove&id=3", "vote?up=1&id=3", "unsubscribe?u=1", "a?do=like",
])  # fmt: skip
def test_an_address_at_which_something_happens_is_left_alone(path: str) -> None:
    """Links that delete, vote, unsubscribe or fill a cart are never followed."""
    assert acts(f"http://a.example/{path}")


@pytest.mark.parametrize(
    "path", ["cart", "votes/2026?page=2", "add-to-style/1", "likes?page=2", "a?action=view", "coats?remove=red"]
)
def test_an_address_that_only_sounds_like_a_deed_is_a_page(path: str) -> None:
    """Pages that list votes, or a filter that is taken away, are visited."""
    assert not acts(f"http://a.example/{path}")


def test_a_photo_that_ends_with_its_connection_is_asked_for_again(tmp_path: Path) -> None:
    """Without a Content-Length only the photo's own end says that it was cut; one that stays cut is broken."""

    def cut(x: Exchange) -> None:
        whole = x.path == "/a.jpg" and x.site.hits[x.path] > 1
        x.send_response(200)
        x.send_header("Content-Type", "image/jpeg")
        x.end_headers()
        x.wfile.write(photo(1) if whole else photo(1)[:3000])
        x.close_connection = True

    with serve({"/": page(img("/a.jpg", "/b.jpg")), "/a.jpg": cut, "/b.jpg": cut}) as site:
        summary = crawl(tmp_path, site.url + "/", retries=1)

        assert taken(tmp_path) == {"/a.jpg"}
        assert summary.outcomes == {"kept": 1, "broken": 1}
        assert site.hits["/b.jpg"] == 2


def test_the_first_page_waits_its_turn_after_the_files_of_its_host(tmp_path: Path) -> None:
    """A Crawl-delay lies between tdmrep.json and the first page as between any two requests."""
    asked: list[float] = []

    def noted(x: Exchange) -> None:
        asked.append(time.monotonic())
        x.send(page(img("/a.jpg")) if x.path == "/" else b"[]")

    robots = b"User-agent: *\nCrawl-delay: 0.3\n"
    routes: Routes = {"/robots.txt": robots, "/.well-known/tdmrep.json": noted, "/": noted, **photos("/a.jpg")}
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/")

        assert asked[1] - asked[0] > 0.25


def test_what_failed_is_asked_again_though_a_host_still_was_busy(tmp_path: Path) -> None:
    """The same command asks for pages that failed for a while also when the crawl had to leave others for later."""
    up: list[bool] = []

    def busy(x: Exchange) -> None:
        x.send(photo(7), "image/jpeg") if up else x.send(status=503, Retry_After="9000")

    def failing(x: Exchange) -> None:
        x.send(page(img("/c.jpg")), status=200 if up else 500)

    routes: Routes = {"/": page(img("/a.jpg", "/b.jpg"), links("/more")), "/b.jpg": busy, "/more": failing}
    with serve({**routes, **photos("/a.jpg", "/c.jpg")}) as site:
        crawl(tmp_path, site.url + "/", retries=1)
        assert taken(tmp_path) == {"/a.jpg"}
        up.append(True)
        crawl(tmp_path, site.url + "/", retries=1)

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/c.jpg"}
        assert site.hits["/a.jpg"] == 1


def listed(*images: dict[str, object]) -> list[str]:
    """What a JSON answer with these images lists."""
    body = json.dumps({"items": [{"images": images}]}).encode()
    found = parse(body, HERE, content_type="application/json")[1].listings
    return [one.image_url.removeprefix("http://a.example") for one in found]


def sized(url: str, width: int, height: int, **more: object) -> dict[str, object]:
    """An image as JSON has it."""
    return {"url": url, "width": width, "height": height} | more


def test_sizes_of_one_shape_are_one_picture() -> None:
    """Objects that hold only an address and a size, each a width of its own and one shape, are one picture's sizes."""
    sizes = [sized("/9f.jpg", 160, 240), sized("/3c.jpg", 1000, 1500), sized("/7a.jpg", 640, 960)]

    assert listed(*sizes) == ["/3c.jpg"]
    assert listed(sized("/aa.jpg", 300, 400), sized("/bb.jpg", 800, 1067)) == ["/bb.jpg"]
    assert listed(*(sized(f"/{look}-{w}.jpg", w, 2 * w) for look in "ab" for w in (300, 800))) == [
        "/a-800.jpg",
        "/b-800.jpg",
    ]


def test_photos_of_other_shapes_or_with_titles_stay_apart() -> None:
    """Two large photos, photos of different shapes, and those that say what they show are pictures of their own."""
    for images in (
        [sized("/1.jpg", 1000, 1500), sized("/2.jpg", 2000, 3000)],
        [sized("/1.jpg", 300, 400), sized("/2.jpg", 800, 800), sized("/3.jpg", 900, 1500)],
        [sized("/1.jpg", 300, 400, title="Front"), sized("/2.jpg", 900, 1200, title="Back")],
    ):
        assert listed(*images) == [one["url"] for one in images]


def test_a_page_behind_a_gate_is_read_once_the_gate_lets_in(tmp_path: Path) -> None:
    """A page that led to a gate is the crawl's own when a link of the gate sets a cookie and leads back; once, and no more."""

    def gated(x: Exchange) -> None:
        if "in=1" in (x.headers["Cookie"] or ""):
            x.send(page(img("/a.jpg"), links("/more", "/looks")))
        else:
            x.send(status=302, Location="/gate")

    def enter(x: Exchange) -> None:
        x.send(status=302, Location="/looks", Set_Cookie="in=1; Path=/")

    routes: Routes = {"/looks": gated, "/gate": page(links("/enter", "/enter?again=1")), "/enter": enter}
    with serve({**routes, "/more": page(img("/b.jpg")), **photos("/a.jpg", "/b.jpg")}) as site:
        crawl(tmp_path, site.url + "/looks")

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}
        assert site.hits["/more"] == 1


def test_the_posts_of_a_json_feed_are_visited(tmp_path: Path) -> None:
    """An item's page is followed as that of an RSS feed is; other JSON with addresses in it is no feed."""
    items: list[object] = [{"id": "1", "url": "/post"}, {"id": "2", "url": 7}, "3"]
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}).encode()
    routes: Routes = {"/feed.json": feed, "/post": page(img("/a.jpg")), **photos("/a.jpg")}
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/feed.json")

        assert taken(tmp_path) == {"/a.jpg"}
    assert parse(json.dumps({"version": 1, "items": items}).encode(), HERE)[1].links == ()
