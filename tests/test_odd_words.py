"""What sites and lists say in words that no file, header or clock can hold: it never stops the crawl."""

from __future__ import annotations

import io
import json
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, serve
from test_fetch import config
from test_scrape import crawl, img, photos

from deepstyle.catalog import Catalog
from deepstyle.errors import InputError
from deepstyle.scraper.cookies import cookie_header, keep_cookies
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.manners import MAX_DELAY, read_robots


def test_half_a_character_in_tdmrep_is_no_error(tmp_path: Path) -> None:
    """A policy with half of a surrogate pair is recorded without it, and the photo is kept."""
    file = rb'[{"location":"/","tdm-reservation":0,"tdm-policy":"\ud800"}]'
    routes: Routes = {"/": page(img("/a.jpg")), "/.well-known/tdmrep.json": file, **photos("/a.jpg")}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).outcomes == {"kept": 1}

        with Catalog(tmp_path) as catalog:
            [found] = catalog.rights.standings()
    assert found.reservation == "tdmrep.json: tdm-reservation: 0, tdm-policy: ?"


def test_half_a_character_in_a_list_is_no_error(tmp_path: Path) -> None:
    """Titles and columns of a .jsonl list keep what can be written."""
    with serve(photos("/a.jpg") | {"/p": page(img("/b.jpg")), **photos("/b.jpg")}) as site:
        rows = [
            {"url": f"{site.url}/a.jpg", "title": "a\ud800", "x": "\udfff"},
            {"url": f"{site.url}/p", "x": "\ud800"},
        ]
        source = tmp_path / "list.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert crawl(tmp_path / "w", str(source)).outcomes == {"kept": 2}

    with Catalog(tmp_path / "w") as catalog:
        assert {(row["title"], row["more"]) for row in catalog.rights.rows(10)} == {
            ("a?", '{"title": "a?", "x": "?"}'), ("", '{"x": "?"}'),
        }  # fmt: skip


@pytest.mark.parametrize(
    "line", ["Crawl-delay: 1000000000000", "Request-rate: 1/99999999999d", "Request-rate: 1/" + "9" * 4_000]
)
def test_a_host_that_wants_to_be_asked_once_a_year_is_not_asked(tmp_path: Path, line: str) -> None:
    """Its pages and photos have an outcome, those of other hosts are taken, and nobody waits."""
    slow: Routes = {"/robots.txt": f"User-agent: *\n{line}\n".encode(), "/": page(), **photos("/b.jpg")}
    with serve(slow) as other, serve({"/": page(img("/a.jpg", f"{other.url}/b.jpg")), **photos("/a.jpg")}) as site:
        said = io.StringIO()
        assert crawl(tmp_path, site.url, other.url, say=said).outcomes == {"kept": 1, "crawl-delay": 1}
        assert "more than an hour between two requests" in said.getvalue()
        assert set(other.hits) == {"/robots.txt", "/.well-known/tdmrep.json"}
        with pytest.raises(InputError, match="crawl-delay"):
            crawl(tmp_path / "2", other.url)


def test_an_hour_between_two_requests_is_kept() -> None:
    """The longest delay that is waited for."""
    assert read_robots(b"User-agent: *\nCrawl-delay: 3600\n", "deepstyle/1").delay == MAX_DELAY


def test_a_cookie_that_no_header_may_hold_is_not_sent() -> None:
    """A control character in one cookie leaves the others, and the host can still be asked."""

    def odd(x: Exchange) -> None:
        x.wfile.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=x\x01y\r\nSet-Cookie: b=1\r\nContent-Length: 0\r\n\r\n")

    told: list[str | None] = []

    def route(x: Exchange) -> None:
        told.append(x.headers["Cookie"])
        x.send()

    with serve({"/odd": odd, "/a": route}) as site, Fetcher(config()) as fetcher:
        assert [fetcher.get(site.url + path, "page").outcome for path in ("/odd", "/a")] == ["ok", "ok"]
    assert told == ["b=1"]


def test_no_cookie_header_without_a_cookie_to_send() -> None:
    """An odd cookie alone gives no header at all."""
    jar = CookieJar()

    class Headers(dict[str, str]):
        def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
            return [self[name]] if name in self else default

    keep_cookies(jar, "http://a.example/", Headers({"Set-Cookie": "a=\x7f"}))
    assert len(jar) == 1
    assert cookie_header(jar, "http://a.example/") == {}
