"""scrape.py on a real site and a real catalog: what is taken, what is left alone, and that nothing is done twice."""

from __future__ import annotations

import hashlib
import io
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, Routes, page, photo, serve

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError, UsageError
from deepstyle.progress import Reporter
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.scrape import ScrapeSummary, scrape

PATIENT = {"deadline": 300, "read_timeout": 300}  # seconds: the machine may be busy with other tests


def crawl(
    root: Path, *urls: str, fresh: bool = False, say: io.StringIO | None = None, **changes: object
) -> ScrapeSummary:
    """One call of scrape on the workspace ``root``."""
    config = ScrapeConfig.model_validate({"rate": 500, "allow_private": True, "retries": 0} | PATIENT | changes)
    with Fetcher(config) as fetcher, Catalog(root) as catalog:
        reporter = Reporter(quiet=say is None, stream=say)
        return scrape(urls, catalog, config, fetcher=fetcher, reporter=reporter, fresh=fresh)


def taken(root: Path) -> set[str]:
    """The paths of the image URLs of all photos, with every file checked against its hash."""
    with Catalog(root) as catalog:
        rows = catalog.photos()
        for row in rows:
            assert hashlib.sha256(catalog.path(row.path).read_bytes()).hexdigest() == row.sha256
    return {re.sub(r"^http://[^/]*", "", row.image_url) for row in rows}


def img(*paths: str) -> str:
    """Plain img elements."""
    return "".join(f'<img src="{path}">' for path in paths)


def photos(*names: str, width: int = 300) -> Routes:
    """A different photo for each path."""
    return {name: photo(hash_of(name), width) for name in names}


def hash_of(name: str) -> int:
    """A seed that stays the same between processes."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def test_the_whole_site_is_found_from_any_page(tmp_path: Path) -> None:
    """Links, rel=next, sitemap and feed are followed on the site; pictures may be elsewhere; other sites are not crawled."""
    feed = b'<rss><channel><item><enclosure url="/d.jpg" type="image/jpeg"/></item></channel></rss>'
    cdn_routes: Routes = {**photos("/c.jpg"), "/": page(img("/never.jpg"))}
    with serve(cdn_routes) as cdn:
        routes: Routes = {
            "/robots.txt": b"User-agent: *\nDisallow: /private/\nSitemap: /map.xml\n",
            "/map.xml": lambda x: x.send(f"<urlset><url><loc>{site.url}/hidden</loc></url></urlset>".encode(), "text/xml"),
            "/feed": feed,
            "/shows/1": page(img("/a.jpg"), '<a href="/">home</a>', f'<a href="{cdn.url}/">elsewhere</a>'),
            "/": page('<a href="/shows/1?utm_source=x">1</a>',
                      head='<link rel="alternate" type="application/rss+xml" href="/feed">'),
            "/hidden": page(img("/b.jpg", f"{cdn.url}/c.jpg", "/private/p.jpg", "/none.jpg")),
            **photos("/a.jpg", "/b.jpg", "/d.jpg", "/private/p.jpg"),
        }  # fmt: skip
        with serve(routes) as site:
            summary = crawl(tmp_path, site.url + "/shows/1")

            assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/c.jpg", "/d.jpg"}
            assert (summary.kept, summary.refused_robots, summary.failed, summary.found) == (4, 1, 1, 6)
            assert summary.outcomes == {"kept": 4, "robots": 1, "http-404": 1}
            assert site.hits["/private/p.jpg"] == 0
            assert max(site.hits.values()) == 1
            assert "/" not in cdn.hits


THUMBS = ("/t1.jpg", "/t2.jpg", "/t3.jpg", "/t4.jpg", "/t5.jpg", "/t6.jpg", "/t7.jpg")


def test_thumbnails_wait_for_the_page_they_link_to(tmp_path: Path) -> None:
    """Dropped if that page shows a picture, whatever becomes of it, or is refused; taken if it fails or shows none."""
    logo = img("/banner.jpg")
    links = "".join(f'<a href="/look/{n}"><img src="/t{n}.jpg"></a>' for n in range(1, 8))
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /look/4\nDisallow: /private/\n",
        "/": page(logo, links),
        "/look/1": page(logo, head='<meta property="og:image" content="/f1.jpg">'),  # shows it
        "/look/2": page(logo, img("/gone.jpg")),  # shows it, but it is gone
        "/look/3": page(logo, "text only"),  # shows none, only the banner of every page
        "/look/5": page(img("/f5.jpg"), head='<meta name="robots" content="noai">'),
        "/look/6": lambda x: x.send(status=500),
        "/look/7": page(img("/private/f7.jpg")),
        **photos(*THUMBS, "/f1.jpg", "/f5.jpg", "/private/f7.jpg", "/banner.jpg"),
    }
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url + "/")

        assert taken(tmp_path) == {"/f1.jpg", "/banner.jpg", "/t3.jpg", "/t6.jpg"}
        assert summary.outcomes["thumbnail"] == 3
        assert (summary.refused_robots, summary.refused_noai) == (2, 1)
        assert site.hits["/private/f7.jpg"] == site.hits["/look/4"] == site.hits["/f5.jpg"] == 0
        assert site.hits["/t1.jpg"] == site.hits["/t2.jpg"] == site.hits["/t4.jpg"] == site.hits["/t5.jpg"] == 0


def test_a_thumbnail_that_a_page_shows_by_itself_is_a_picture(tmp_path: Path) -> None:
    """The same URL linked here and shown plainly there is taken; a link to a picture without extension is its original."""
    routes: Routes = {
        "/": page('<a href="/look"><img src="/a.jpg"></a><a href="/raw/7"><img src="/t.jpg"></a>'),
        "/look": page(img("/a.jpg", "/b.jpg")),
        "/raw/7": lambda x: x.send(photo(7), "image/jpeg"),
        **photos("/a.jpg", "/b.jpg", "/t.jpg"),
    }
    with serve(routes) as site:
        crawl(tmp_path, site.url)

    assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/raw/7"}


def test_what_is_no_good_is_counted_and_never_stops_the_crawl(tmp_path: Path) -> None:
    """Duplicates, small ones, HTML called .jpg, broken, empty and reserved pictures each have their outcome."""
    routes: Routes = {
        "/": page(img(*(f"/{n}.jpg" for n in ("a", "same", "small", "html", "broken", "empty", "noai", "err")))),
        "/a.jpg": photo(1), "/same.jpg": photo(1), "/small.jpg": photo(2, 200, 300),
        "/html.jpg": lambda x: x.send(page("please log in"), "image/jpeg"),
        "/broken.jpg": photo(3)[:3000],
        "/empty.jpg": lambda x: x.send(b"", "image/jpeg"),
        "/noai.jpg": lambda x: x.send(photo(4), "image/jpeg", X_Robots_Tag="noai"),
        "/err.jpg": lambda x: x.send(status=500),
    }  # fmt: skip
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url, connections=1)

    assert taken(tmp_path) == {"/a.jpg"}
    assert summary.outcomes == {
        "kept": 1, "duplicate": 1, "too-small": 1, "not-image": 1, "broken": 1, "empty": 1, "noai": 1, "http-500": 1,
    }  # fmt: skip
    assert (summary.duplicates, summary.too_small, summary.refused_noai, summary.failed) == (1, 1, 1, 4)
    assert not list(tmp_path.glob("photos/*/.tmp-*"))
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db:
        [(size,)] = db.execute("SELECT size FROM fetches WHERE kind = 'image' AND outcome = 'noai'").fetchall()
        assert size == 0


@pytest.mark.parametrize(("drop_near", "kept"), [(False, 2), (True, 1)])
def test_near_duplicates_are_noted_or_dropped(tmp_path: Path, *, drop_near: bool, kept: int) -> None:
    """A smaller copy of a photo points to it; with drop_near it is not kept."""
    routes: Routes = {"/": page(img("/a.jpg", "/b.jpg")), "/a.jpg": photo(1, 600, 640), "/b.jpg": photo(1, 300, 320)}
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url, connections=1, drop_near=drop_near)

    assert (summary.kept, summary.near_duplicates) == (kept, 1)
    with Catalog(tmp_path) as catalog:
        rows = {row.width: row for row in catalog.photos()}
    assert rows[600].near_of is None
    assert drop_near or rows[300].near_of == rows[600].sha256


def test_noai_and_nofollow_pages(tmp_path: Path) -> None:
    """The pictures of a noai page are not asked for, its links are; nofollow ends the way."""
    routes: Routes = {
        "/": page(img("/a.jpg"), '<a href="/next">n</a>', head='<meta name="robots" content="noimageai">'),
        "/next": page(img("/b.jpg"), '<a href="/far">n</a>', head='<meta name="robots" content="nofollow">'),
        "/far": page(img("/c.jpg")), **photos("/a.jpg", "/b.jpg", "/c.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/b.jpg"}
        assert site.hits["/a.jpg"] == site.hits["/far"] == 0


def calendar(x: Exchange) -> None:
    """A month without photos, and a link to the next, for ever."""
    year, month = (int(part) for part in x.path.partition("?")[0].split("/")[2:4])
    step = year * 12 + month
    later, same = f"/calendar/{step // 12}/{step % 12 + 1:02d}", f"/calendar/{year}/{month:02d}?s={step}"
    x.send(page(f'<a href="{later}">next</a><a href="{same}">same</a>'))


def test_crawler_traps_end(tmp_path: Path) -> None:
    """An endless calendar, permuted and session parameters and relative-link loops cost a bounded number of pages."""

    class Endless(Routes):
        def get(self, path: str, default: Any = None) -> Any:
            if path.startswith("/x/"):
                return page('<a href="x/">deeper</a>')
            return calendar if path.startswith("/calendar/") else super().get(path, default)

    routes = Endless(photos("/a.jpg"))
    routes["/"] = page(img("/a.jpg"), *(f'<a href="/?{q}">q</a>' for q in ("a=1&b=2", "b=2&a=1", "a=1&b=2&sid=9")),
                       '<a href="/calendar/2017/1">c</a><a href="/x/">x</a>')  # fmt: skip
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert summary.kept == 1
        assert 25 <= sum(count for path, count in site.hits.items() if path.startswith("/calendar")) < 120
        assert sum(path.startswith("/?") for path in site.hits) == 1
        assert sum(path.startswith("/x/") for path in site.hits) < 10


def test_a_long_series_is_followed_to_its_end(tmp_path: Path) -> None:
    """Pagination costs no depth: fifteen pages are reached with max_depth=2."""

    def series(x: Exchange) -> None:
        number = int((x.path.partition("=")[2]) or 1)
        following = f'<link rel="next" href="/?page={number + 1}">' if number < 15 else ""
        x.send(page(img(f"/p{number}.jpg"), head=following))

    routes: Routes = {"/": series, **photos(*(f"/p{n}.jpg" for n in range(1, 16)))}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url, max_depth=2).kept == 15


@pytest.mark.parametrize("url", ["a.example/gallery", "ftp://a.example/", "http://[", "", "file:///no/such"])
def test_start_urls_that_are_no_web_addresses(tmp_path: Path, url: str) -> None:
    """Refused by name before anything happens, with the remedy."""
    with pytest.raises(UsageError, match=re.escape(repr(url)) + ".*(write https://|must start with|it has no host)"):
        crawl(tmp_path, url)


def test_a_place_on_this_machine_is_for_add(tmp_path: Path) -> None:
    """Given a folder or a file URL instead of a web address, scrape names the command that takes it."""
    for url in (str(tmp_path), f"file://{tmp_path}"):
        with pytest.raises(UsageError, match=re.escape(f"use `deepstyle add {tmp_path}`")):
            crawl(tmp_path / "w", url)


def test_a_start_page_that_fails(tmp_path: Path) -> None:
    """The error names URL, outcome and remedy; the same command can be tried again when the cause is gone."""
    with serve({"/robots.txt": b"Sitemap: /s.txt", "/s.txt": lambda x: x.send(f"{x.site.url}/b".encode(), "text/plain"),
                "/b": page(img("/b.jpg")), "/": page(img("/a.jpg")), "/text": page("nothing"),
                **photos("/a.jpg", "/b.jpg")}) as site:  # fmt: skip
        with pytest.raises(InputError, match=r"private-address.*--allow-private"):
            crawl(tmp_path, site.url, allow_private=False)
        assert crawl(tmp_path, site.url).kept == 2
    with serve({"/text": page("nothing"), "/club": lambda x: x.send(status=401)}) as site:
        with pytest.raises(InputError, match=r"/club: http-401.*--cookies, or --header 'Authorization"):
            crawl(tmp_path, site.url + "/club")
        with pytest.raises(InputError, match=r"/none: http-404"):
            crawl(tmp_path, site.url + "/none")
        with pytest.raises(InputError, match=r"/text: ok, no picture found; the page shows no pictures .* --render"):
            crawl(tmp_path, site.url + "/text")


def test_a_redirected_start_page_moves_the_site(tmp_path: Path) -> None:
    """example.com -> www.example.com is the same crawl; links that leave the site by redirect are not followed."""
    links = '<a href="/out">o</a><a href="/more">m</a>'
    routes: Routes = {"/": page(img("/a.jpg"), links), "/more": page(img("/b.jpg")), **photos("/a.jpg", "/b.jpg")}
    with serve(routes) as site, serve({"/x": page(img("/never.jpg"))}) as away, serve({}) as start:
        routes["/out"] = lambda x: x.send(status=302, Location=away.url + "/x")
        start.routes["/"] = lambda x: x.send(status=301, Location=site.url + "/")
        crawl(tmp_path, start.url)

        assert away.hits["/never.jpg"] == 0
    assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}


def test_a_deleted_photo_is_fetched_again(tmp_path: Path) -> None:
    """A complete crawl whose photo was deleted fetches that one again, and no other."""
    with serve({"/": page(img("/a.jpg", "/b.jpg")), **photos("/a.jpg", "/b.jpg")}) as site:
        crawl(tmp_path, site.url)
        gone = next(tmp_path.glob("photos/*/*.jpg"))
        gone.unlink()
        said = io.StringIO()
        summary = crawl(tmp_path, site.url, say=said)

        assert "are gone" in said.getvalue()
        assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}
        assert (summary.kept, summary.outcomes) == (2, {"kept": 2})
        assert sorted(site.hits[path] for path in ("/", "/a.jpg", "/b.jpg")) == [1, 1, 2]
        before = site.hits.total()
        crawl(tmp_path, site.url)
        assert site.hits.total() == before


def test_a_deleted_photo_that_another_crawl_knows_is_fetched_again(tmp_path: Path) -> None:
    """A new crawl of the same pictures does not take the word of the old one for a file that is gone."""
    with serve({"/": page(img("/a.jpg")), "/2": page(img("/a.jpg")), **photos("/a.jpg")}) as site:
        crawl(tmp_path, site.url)
        next(tmp_path.glob("photos/*/*.jpg")).unlink()

        assert crawl(tmp_path, site.url + "/2", max_depth=0).kept == 1
        assert taken(tmp_path) == {"/a.jpg"}
