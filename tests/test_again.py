"""Known hosts are asked again after a day: those that photos were sent on to as well, beside the crawl, not before it."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_audit import DAY, audited, crawl
from test_scrape import img, photos, taken

REFUSED = b"User-agent: *\nContent-Signal: ai-train=no\n"


@pytest.mark.parametrize("who", ["the host between", "the last host"])
def test_hosts_that_a_photo_was_sent_on_to_are_asked_again(tmp_path: Path, who: str) -> None:
    """Their files are read again after a day, and what they reserve now is named, in a scrape and in the audit."""
    last: Routes = {"/c.jpg": photo(1)}
    with serve(last) as cdn:
        between: Routes = {"/b.jpg": lambda x: x.send(status=302, Location=f"{cdn.url}/c.jpg")}
        with serve(between) as middle:
            routes: Routes = {
                "/": page(img("/a.jpg")),
                "/a.jpg": lambda x: x.send(status=302, Location=f"{middle.url}/b.jpg"),
            }
            with serve(routes) as site:
                crawl(tmp_path, site.url)
                assert (audited(tmp_path).silent, audited(tmp_path).reserved) == (1, ())
                (last if who == "the last host" else between)["/robots.txt"] = lambda x: x.send(REFUSED, "text/plain")
                said = io.StringIO()
                crawl(tmp_path, site.url, later=DAY + 600, say=said)

                assert [one.hits["/robots.txt"] for one in (site, middle, cdn)] == [2, 2, 2]
                assert f"{site.url}/a.jpg is kept and has become reserved" in said.getvalue()
                [found] = audited(tmp_path).reserved
                place = f"{cdn.url}/c.jpg" if who == "the last host" else f"{middle.url}/b.jpg"
                assert found.words == f"it is from {place}: robots.txt: Content-Signal: ai-train=no"


def test_a_host_that_gives_another_size_is_asked_again(tmp_path: Path) -> None:
    """The host of the URL that a photo was taken from, where its best one gave none, is one of the photo's hosts."""
    with serve(photos("/small.jpg")) as cdn:
        sizes = f'<img src="/large.jpg" srcset="/large.jpg 2000w, {cdn.url}/small.jpg 500w">'
        with serve({"/": page(sizes)}) as site:
            assert crawl(tmp_path, site.url).kept == 1
            crawl(tmp_path, site.url, later=DAY + 600)

    assert cdn.hits["/robots.txt"] == 2


def test_a_crawl_waits_for_no_host_that_is_asked_again(tmp_path: Path) -> None:
    """While one known host keeps its robots.txt back, what others have is fetched; the scrape ends with its answer."""
    fetched = threading.Event()

    def held(x: Exchange) -> None:
        if x.site.hits["/robots.txt"] > 1:
            assert fetched.wait(60)
        x.send(REFUSED if x.site.hits["/robots.txt"] > 1 else b"", "text/plain")

    def new(x: Exchange) -> None:
        fetched.set()
        x.send(photo(7), "image/jpeg")

    with serve(photos("/old.jpg") | {"/robots.txt": held}) as slow:
        routes: Routes = {
            "/": page(img(f"{slow.url}/old.jpg"), '<a href="/more">more</a>'),
            "/more": page(),
            "/new.jpg": new,
        }
        with serve(routes) as site:
            crawl(tmp_path, site.url, max_pages=1)
            routes["/more"] = page(img("/new.jpg"))
            said = io.StringIO()
            crawl(tmp_path, site.url, later=DAY + 600, say=said)

    assert taken(tmp_path) == {"/old.jpg", "/new.jpg"}
    assert "old.jpg is kept and has become reserved" in said.getvalue()
