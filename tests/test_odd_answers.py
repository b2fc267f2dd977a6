"""Answers that say something else of themselves than they are, and can be read all the same."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from PIL import Image
from test_scrape import crawl, img, photos, taken

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.answer import Fetched, Kind
from deepstyle.scraper.fetch import Fetcher


def fetch(url: str, kind: Kind) -> Fetched:
    """One answer from a fresh Fetcher."""
    with Fetcher(ScrapeConfig(rate=500, allow_private=True, retries=0)) as fetcher:
        return fetcher.get(url, kind)


def test_a_part_that_is_the_whole_counts_as_the_whole(tmp_path: Path) -> None:
    """A 206 whose Content-Range is all there is was meant as a 200; one that is less is no photo."""

    def part(x: Exchange, body: bytes, kind: str, size: int) -> None:
        x.send(body[:size], kind, 206, Content_Range=f"bytes 0-{size - 1}/{len(body)}")

    whole, other, shown = photo(1), photo(2), page(img("/a.jpg", "/b.jpg"))
    routes: Routes = {
        "/": lambda x: part(x, shown, "text/html", len(shown)),
        "/a.jpg": lambda x: part(x, whole, "image/jpeg", len(whole)),
        "/b.jpg": lambda x: part(x, other, "image/jpeg", 2_000),
    }
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/a.jpg"}
        assert summary.outcomes == {"kept": 1, "http-206": 1}


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
def test_a_body_that_is_said_to_be_packed_and_is_not(tmp_path: Path, encoding: str) -> None:
    """Pages, photos and robots.txt that a server has unpacked and still calls packed are taken, and obeyed, as they are."""

    def sent(body: bytes, kind: str, x: Exchange) -> None:
        x.send(body, kind, Content_Encoding=encoding)

    one, two = photo(1), photo(2)
    routes: Routes = {
        "/robots.txt": lambda x: sent(b"User-agent: *\nDisallow: /no/\n", "text/plain", x),
        "/": lambda x: sent(page(img("/a.jpg", "/b.jpg", "/no/c.jpg")), "text/html", x),
        "/a.jpg": lambda x: sent(one, "image/jpeg", x),
        "/b.jpg": lambda x: x.send(gzip.compress(two), "image/jpeg", Content_Encoding="gzip"),
        **photos("/no/c.jpg"),
    }
    with serve(routes) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg"}
        assert site.hits["/no/c.jpg"] == 0


def test_a_body_of_neither_kind_is_no_answer() -> None:
    """What is neither packed as it says nor text nor a picture is not read: a robots.txt of it forbids everything."""
    rubbish = bytes(range(128, 256)) * 3
    with serve({"/a": lambda x: x.send(rubbish, Content_Encoding="gzip")}) as site:
        assert fetch(site.url + "/a", "page").outcome == "bad-encoding"

        site.routes = {"/robots.txt": lambda x: x.send(rubbish, "text/plain", Content_Encoding="gzip"), "/a": b"<p>a"}

        assert fetch(site.url + "/a", "page").outcome == "host-busy"


@pytest.mark.parametrize("kind", ["application/octet-stream", "binary/octet-stream", "application/x-gzip", ""])
@pytest.mark.parametrize("encoding", [{}, {"Content_Encoding": "gzip"}, {"Content_Encoding": "x-gzip"}], ids=str)
def test_a_packed_sitemap_is_read_whatever_it_is_called(tmp_path: Path, kind: str, encoding: dict[str, str]) -> None:
    """sitemap.xml.gz as a file of any kind, with its packing told as an encoding or not."""
    routes: Routes = {
        "/robots.txt": lambda x: x.send(f"Sitemap: {site.url}/sitemap.xml.gz".encode(), "text/plain"),
        "/": page("nothing"),
        "/sitemap.xml.gz": lambda x: x.send(
            gzip.compress(f"<urlset><url><loc>{site.url}/look</loc></url></urlset>".encode()), kind, 200, **encoding
        ),
        "/look": page(img("/a.jpg")),
        **photos("/a.jpg"),
    }
    with serve(routes) as site:
        crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/a.jpg"}


def test_a_download_that_is_no_sitemap_is_not_read() -> None:
    """A packed file that no address calls a sitemap is left where it is."""
    body = gzip.compress(b"a price list")
    with serve({"/prices": lambda x: x.send(body, "application/octet-stream")}) as site:
        assert fetch(site.url + "/prices", "page").outcome == "not-page"


def test_a_dot_in_the_place_of_a_photo_is_not_taken_for_it(tmp_path: Path) -> None:
    """Where the larger picture that a page names is a dot, its thumbnail is kept; one that is small is left alone."""
    dot, small = io.BytesIO(), photo(9, 100, 100)
    Image.new("RGB", (1, 1)).save(dot, "GIF")
    routes: Routes = {
        "/": page(
            '<a href="/full/1.jpg"><img src="/thumb/1.jpg"></a>',
            '<img src="/thumb/2.jpg" data-src="/full/2.jpg">',
            '<a href="/full/3.jpg"><img src="/thumb/3.jpg"></a>',
        ),
        "/full/1.jpg": lambda x: x.send(dot.getvalue(), "image/gif"),
        "/full/2.jpg": lambda x: x.send(dot.getvalue(), "image/jpeg"),
        "/full/3.jpg": lambda x: x.send(small, "image/jpeg"),
        **photos("/thumb/1.jpg", "/thumb/2.jpg", "/thumb/3.jpg"),
    }
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert summary.outcomes == {"kept": 2, "too-small": 1}
        assert site.hits["/thumb/3.jpg"] == 0
