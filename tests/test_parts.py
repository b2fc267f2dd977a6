"""Pages that are parts of a series: pagers with gaps, parts that no link names, and how deep they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.scraper.parts import gap, is_part

MORE = '<button class="load-more">Load more</button>'


def links(*urls: str) -> str:
    """Links that say their number alone, as those of a pager do."""
    return "".join(f'<a href="{url}">{re.findall("[0-9]+|$", url)[0]}</a>' for url in urls)


@pytest.mark.parametrize("way", ["/looks?page={}", "/looks-{}/", "/shop/page/{}"])
@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "moving"])
def test_a_pager_with_gaps_leads_to_all_parts(tmp_path: Path, way: str, *, fixed: bool) -> None:
    """Of 1 2 3 ... 20, the same on each page or around its number, every part is visited, and none that is not there."""
    addresses = {way.format(n): n for n in range(1, 21)}

    def part(x: Exchange) -> None:
        number = addresses[x.path]
        near = (1, 2, 3, 20) if fixed else (1, number - 1, number + 1, 20)
        x.send(page(img(f"/{number}.jpg"), links(*(way.format(n) for n in near if 0 < n <= 20 and n != number))))

    routes: Routes = {
        "/": page(links(way.format(1), way.format(2))),
        **{one.partition("?")[0]: part for one in addresses},
    }
    with serve(routes | {f"/{n}.jpg": photo(n) for n in range(1, 21)}) as site:
        summary = crawl(tmp_path, site.url)

        assert summary.outcomes == {"kept": 20}
        assert summary.page_outcomes == {"ok": 21}


def test_a_gap_is_filled_between_parts_only() -> None:
    """Between parts that are linked; not behind the last, nor where the numbers are those of single things."""
    assert gap("http://a.example/l?page=5", [f"http://a.example/l?page={n}" for n in (1, 2, 20)]).endswith("page=6")
    assert gap("http://a.example/look-05", [f"http://a.example/look-{n:02}" for n in (4, 9)]).endswith("look-06")
    assert gap("http://a.example/l?page=20", [f"http://a.example/l?page={n}" for n in (1, 2, 19)]) == ""
    assert gap("http://a.example/look/57", ["http://a.example/look/3", "http://a.example/look/99"]) == ""


def test_a_part_that_no_link_names_is_tried_once_a_shape_of_address(tmp_path: Path) -> None:
    """Of 30 pages that look as if they went on, and do not, a few are asked for a second part."""
    names = [f"/look/{n}" for n in range(30)] + [
        f"/coat/{word}" for word in ("red", "blue", "long", "short", "warm", "new")
    ]
    routes: Routes = {"/": page(links(*names))}
    for name in names:
        routes |= {name: page(img(f"{name}.jpg"), MORE), f"{name}.jpg": photo(len(routes))}
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert summary.kept == len(names)
        assert sum(count for path, count in site.hits.items() if "page=2" in path) == 1 + 3


def test_parts_that_no_link_names_are_found_where_they_are(tmp_path: Path) -> None:
    """Where the first guess brings photos, all lists of its shape are gone through, each until nothing new comes."""

    def shown(x: Exchange) -> None:
        path, _, number = x.path.partition("?page=")
        x.send(page(img(*(f"{path}-{number or 1}-{n}.jpg" for n in range(2))) if int(number or 1) <= 4 else "", MORE))

    lists = [f"/list/{n}" for n in range(3)]
    names = [f"{one}-{part}-{n}.jpg" for one in lists for part in range(1, 5) for n in range(2)]
    with serve({"/": page(links(*lists)), **dict.fromkeys(lists, shown), **photos(*names)}) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == set(names)
        assert sum(count for path, count in site.hits.items() if "page=" in path) == 3 * 4


def test_dots_of_a_slider_are_no_pager(tmp_path: Path) -> None:
    """What Swiper calls pagination shows slides: no second part of the page is asked for."""
    with serve({"/": page(img("/a.jpg"), '<div class="swiper-pagination"></div>'), **photos("/a.jpg")}) as site:
        crawl(tmp_path, site.url)

        assert site.hits["/?page=2"] == 0


@pytest.mark.parametrize("way", ["/list?page={}", "/list-{}.html", "/list/page/{}/"])
def test_parts_are_as_deep_as_the_first(tmp_path: Path, way: str) -> None:
    """With depth 1 the looks of all parts of a list are visited, however the parts are linked."""
    pager = links(*(way.format(n) for n in range(2, 6)))
    routes = photos(*(f"/{size}-{n}.jpg" for size in ("large", "small") for n in range(1, 6)))

    def part(x: Exchange) -> None:
        number = addresses[x.path]
        x.send(page(f'<a href="/look-{"abcdef"[number]}"><img src="/small-{number}.jpg"></a>', pager))

    addresses = {way.format(n): n for n in range(2, 6)} | {"/list": 1}
    routes |= {one.partition("?")[0]: part for one in addresses}
    routes |= {f"/look-{'abcdef'[n]}": page(img(f"/large-{n}.jpg")) for n in range(1, 6)}
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/list", max_depth=1)

        assert taken(tmp_path) == {f"/large-{n}.jpg" for n in range(1, 6)}


def test_pages_of_one_shape_are_links_like_others(tmp_path: Path) -> None:
    """With depth 1 a site whose addresses are numbers is left after the pages that the first one links to."""
    routes: Routes = {
        f"/p/{n}": page(img(f"/{n}.jpg"), f'<a href="/p/{n * 3}">also</a>') for n in (100, 300, 900, 2700)
    }
    with serve(routes | {f"/{n}.jpg": photo(n) for n in (100, 300, 900, 2700)}) as site:
        crawl(tmp_path, site.url + "/p/100", max_depth=1)

        assert taken(tmp_path) == {"/100.jpg", "/300.jpg"}


@pytest.mark.parametrize(
    ("here", "url", "part"),
    [
        ("/looks", "/looks?page=7", True), ("/looks?page=2", "/looks?page=9", True), ("/looks/page/3/", "/looks/page/9/", True),
        ("/look/7", "/look/8", True), ("/look/7", "/look/9", False), ("/look/7?a=1", "/look/8?a=2", False),
        ("/coats?page=2", "/shoes?page=2", False), ("/look/7", "/look/7", False),
    ],
)  # fmt: skip
def test_parts_of_a_series(here: str, url: str, *, part: bool) -> None:
    """Addresses that are the same but for a page's number, or whose one number follows upon the other's."""
    assert is_part(f"http://a.example{here}", f"http://a.example{url}") == part
