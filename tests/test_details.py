"""details.py and what becomes of thumbnails: pages whose large picture links to the next page, AMP pages, pictures as starts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from loopback import Routes, page, serve
from test_scrape import crawl, img, photos, taken

LARGE = tuple(f"/large/{n}.jpg" for n in range(3))
SMALL = tuple(f"/small/{n}.jpg" for n in range(3))


@pytest.mark.parametrize("name", ["look-{}.html", "{}"])
def test_a_large_picture_that_links_to_the_next_page_is_that_of_its_own(tmp_path: Path, name: str) -> None:
    """As galleries do for a click through: each look is kept once, large, and no thumbnail is asked for."""
    pages = [f"/show/{name.format(word)}" for word in ("coat", "dress", "suit")]
    strip = "".join(f'<a href="{url}"><img src="{small}"></a>' for url, small in zip(pages, SMALL, strict=True))
    following = [*pages[1:], pages[0]]
    routes: Routes = {"/": page(img("/logo.jpg"), strip), **photos(*LARGE, *SMALL, "/logo.jpg")}
    for url, onward, large in zip(pages, following, LARGE, strict=True):
        routes[url] = page(img("/logo.jpg"), f'<a href="{onward}"><img src="{large}"></a>', strip)
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert taken(tmp_path) == {*LARGE, "/logo.jpg"}
        assert summary.outcomes["thumbnail"] == 3
        assert not any(site.hits[small] for small in SMALL)


def test_a_large_picture_that_links_back_is_that_of_its_own(tmp_path: Path) -> None:
    """A click on the look leads to the gallery again, whose folder it shares."""
    links = "".join(f'<a href="/show/{n}.html"><img src="{small}"></a>' for n, small in enumerate(SMALL))
    routes: Routes = {"/show/": page(links), **photos(*LARGE, *SMALL)}
    routes |= {f"/show/{n}.html": page(f'<a href="/show/"><img src="{large}"></a>') for n, large in enumerate(LARGE)}
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/show/")

    assert taken(tmp_path) == set(LARGE)


def test_a_look_beside_thumbnails_of_others_is_told_from_them(tmp_path: Path) -> None:
    """Where a page shows a picture without a link, those that link on are thumbnails as ever."""
    routes: Routes = {"/": page('<a href="/show/1"><img src="/small/0.jpg"></a>'), **photos(*LARGE, *SMALL)}
    for n, onward in ((1, 2), (2, 1)):
        routes[f"/show/{n}"] = page(
            img(f"/large/{n}.jpg"), f'<a href="/show/{onward}"><img src="/small/{onward}.jpg"></a>'
        )
    with serve(routes) as site:
        crawl(tmp_path, site.url)

    assert taken(tmp_path) == {"/large/1.jpg", "/large/2.jpg"}


def test_the_amp_page_of_a_page_that_shows_nothing_by_itself(tmp_path: Path) -> None:
    """It is looked at where scripts would show the pictures, and not where they are there."""
    amp = '<link rel="amphtml" href="{}">'
    routes: Routes = {
        "/": page('<a href="/full"><img src="/logo.jpg"></a><div id="root"></div>', head=amp.format("/amp")),
        "/amp": page('<amp-img src="/a.jpg" width="300" height="320"></amp-img>'),
        "/full": page(img("/b.jpg"), head=amp.format("/full/amp")),
        **photos("/logo.jpg", "/a.jpg", "/b.jpg"),
    }
    with serve(routes) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}
        assert "/full/amp" not in site.hits


def test_the_address_of_a_picture_needs_no_other_page(tmp_path: Path) -> None:
    """Given as a start it is taken without a word of reproach."""
    said = io.StringIO()
    with serve({**photos("/a.jpg")}) as site:
        assert crawl(tmp_path, site.url + "/a.jpg", say=said).kept == 1

    assert "give the page" not in said.getvalue()


def test_a_download_link_is_the_original_of_its_thumbnail(tmp_path: Path) -> None:
    """Its bytes tell, where the server calls it a file of no kind, a text, or nothing at all; an archive is no picture."""
    names = ("/download/1", "/download/2", "/download/3")
    kinds = ("application/octet-stream", "text/plain", "")
    links = "".join(f'<a href="{url}"><img src="{small}"></a>' for url, small in zip(names, SMALL, strict=True))
    large = photos(*names, width=900)
    routes: Routes = {"/": page(links, '<a href="/zip">all</a>'), **photos(*SMALL)}
    routes["/zip"] = lambda x: x.send(b"PK\3\4" * 9, "application/octet-stream")
    for name, kind in zip(names, kinds, strict=True):
        routes[name] = lambda x, kind=kind: x.send(large[x.path], kind)  # type: ignore[misc]
    with serve(routes) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == set(names)
        assert not any(site.hits[small] for small in SMALL)


def test_a_click_through_that_is_entered_in_its_middle_loses_no_look(tmp_path: Path) -> None:
    """No thumbnail waits for the first page; its look is not taken for one of the next page."""
    routes: Routes = {**photos(*LARGE), "/show/3": page("the end", '<a href="/show/0">again</a>')}
    routes |= {f"/show/{n}": page(f'<a href="/show/{n + 1}"><img src="{large}"></a>') for n, large in enumerate(LARGE)}
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/show/1")

    assert taken(tmp_path) == set(LARGE)


def test_a_strip_of_thumbnails_on_every_page_costs_no_look(tmp_path: Path) -> None:
    """A page's own thumbnail in the strip is not the picture for which the look before it would be dropped."""
    strip = "".join(f'<a href="/show/{n}"><img src="{small}"></a>' for n, small in enumerate(SMALL))
    routes: Routes = photos(*LARGE, *SMALL)
    for n, large in enumerate(LARGE):
        routes[f"/show/{n}"] = page(f'<a href="/show/{(n + 1) % 3}"><img src="{large}"></a>', strip)
    with serve(routes) as site:
        crawl(tmp_path, site.url + "/show/1")

    assert taken(tmp_path) >= set(LARGE)
