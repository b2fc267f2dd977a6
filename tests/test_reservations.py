"""reservations.py: the forms in which sites reserve their content in 2026, and which of them holds for a URL."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Exchange, Routes, page, photo, serve
from test_fetch import config
from test_scrape import crawl, img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.errors import InputError
from deepstyle.scraper.audit import audit
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.reservations import (
    _matches,
    header_statements,
    meta_statements,
    robots_statements,
    tdmrep_statements,
    verdict,
)
from deepstyle.scraper.urls import normalise

URL = "http://a.example/shows/fall/1.jpg"
CLOUDFLARE = """# As a condition of accessing this website, you agree to abide by the following content signals:
# (a) If a content-signal = yes, you may collect content for the corresponding use.
# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF RIGHTS UNDER ARTICLE 4 OF DIRECTIVE 2019/790
# BEGIN Cloudflare Managed content

User-Agent: *
Content-signal: search=yes,ai-train=no
Allow: /

User-agent: Amazonbot
Disallow: /
"""

ROBOTS = [
    ("Cloudflare's managed file", CLOUDFLARE, True),
    ("yes to all", "User-agent: *\nContent-Signal: search=yes, ai-input=yes, ai-train=yes\n", False),
    ("search only", "User-agent: *\nContent-Signal: search=no\n", False),
    ("reference only", "User-agent: *\nContent-Signal: use=reference\n", True),
    ("upper case and spaces", "USER-AGENT: *\ncontent-SIGNAL :  AI-Train = NO \n", True),
    (
        "several lines, the most restrictive",
        "User-agent: *\nContent-Signal: ai-train=yes\nContent-Signal: ai-train=no\n",
        True,
    ),
    ("another robot's group", "User-agent: otherbot\nContent-Signal: ai-train=no\n\nUser-agent: *\nDisallow:\n", False),
    (
        "our own group",
        "User-agent: *\nContent-Signal: ai-train=yes\n\nUser-agent: DeepStyle\nContent-Signal: ai-train=no\n",
        True,
    ),
    (
        "our own group allows",
        "User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: deepstyle\nContent-Signal: ai-train=yes\n",
        False,
    ),
    ("a group of two robots", "User-agent: otherbot\nUser-agent: deepstyle\nContent-Usage: train-ai=n\n", True),
    (
        "a group begins again after a rule",
        "User-agent: deepstyle\nDisallow: /x\nUser-agent: otherbot\nContent-Usage: train-ai=n\n",
        False,
    ),
    ("no group at all", "Content-Signal: ai-train=no\n", True),
    ("usage", "User-agent: *\nContent-Usage: train-ai=n\n", True),
    ("usage allows", "User-agent: *\nContent-Usage: train-ai=y\n", False),
    ("usage of search", "User-agent: *\nContent-Usage: search=n\n", False),
    ("usage with a path that matches", "User-agent: *\nContent-Usage: /shows/ train-ai=n\n", True),
    ("usage with another path", "User-agent: *\nContent-Usage: /news/ train-ai=n\n", False),
    ("the longest path holds", "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /shows/ train-ai=y\n", False),
    ("a path with a star", "User-agent: *\nContent-Usage: /*.jpg$ train-ai=n\n", True),
    ("both, one reserves", "User-agent: *\nContent-Signal: ai-train=yes\nContent-Usage: train-ai=n\n", True),
    ("a tab behind the path", "User-agent: *\nContent-Usage: /shows/\ttrain-ai=n\n", True),
    ("escapes that are none", "User-agent: *\nContent-Usage: /%73hows/ train-ai=n\n", True),
    ("said twice in one line", "User-agent: *\nContent-Usage: train-ai=n, train-ai=y\n", True),
    ("signalled twice in one line", "User-agent: *\nContent-Signal: ai-train=no, ai-train=yes\n", True),
    ("our name with a version", "User-agent: DeepStyle/0.1\nContent-Signal: ai-train=no\n", True),
    ("behind 30,000 lines", "User-agent: *\n" + "\n" * 30_000 + "Content-Signal: ai-train=no\n", True),
    ("a comment", "User-agent: *\n# Content-Signal: ai-train=no\n", False),
    ("nonsense", "Content-Signal\nContent-Usage: \n\0: x\nUser-agent\n", False),
]


@pytest.mark.parametrize(("text", "reserved"), [case[1:] for case in ROBOTS], ids=[case[0] for case in ROBOTS])
def test_robots_lines(text: str, *, reserved: bool) -> None:
    """Content-Signal and Content-Usage lines of the groups that hold for us reserve what they say."""
    assert verdict(URL, robots_statements(text, "deepstyle")).reserved == reserved


def test_a_licence_is_recorded_and_decides_nothing() -> None:
    """An RSL License line holds for all, and is named in the record."""
    found = verdict(
        URL, robots_statements("License: https://a.example/rsl.xml\nUser-agent: *\nAllow: /\n", "deepstyle")
    )

    assert (found.reserved, found.words) == (False, "robots.txt: License: https://a.example/rsl.xml")


def tdmrep(*entries: tuple[str, object]) -> bytes:
    return json.dumps([{"location": where, "tdm-reservation": value} for where, value in entries]).encode()


TDMREP = [
    ("all", tdmrep(("/", 1)), True), ("none", tdmrep(("/", 0)), False), ("as text", tdmrep(("/", "1")), True),
    ("another folder", tdmrep(("/news/", 1)), False), ("the first match wins", tdmrep(("/shows/", 0), ("/", 1)), False),
    ("the first match wins, reserved", tdmrep(("/shows/fall/", 1), ("/shows/", 0)), True),
    ("a pattern", tdmrep(("/shows/*.jpg", 1)), True), ("a pattern's end", tdmrep(("/shows/*.png$", 1)), False),
    ("one object", b'{"location": "/", "tdm-reservation": 1}', True), ("no leading slash", tdmrep(("shows/", 1)), True),
    ("not JSON", b"<html>not found</html>", False), ("not an entry", b'[1, null, {}, {"location": 2}]', False),
    ("the last of many", tdmrep(*[("/news/", 0)] * 3_000, ("/", 1)), True), ("a list of both", tdmrep(("/", "0, 1")), True),
    ("longer than is read", tdmrep(*[("/" + "n" * 900, 0)] * 600)[:512_000], True), ("quoted", tdmrep(("/", '"1"')), True),
    ("deep", b"[" * 100_000, False), ("a byte order mark", b"\xef\xbb\xbf" + tdmrep(("/", 1)), True),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reserved"), [case[1:] for case in TDMREP], ids=[case[0] for case in TDMREP])
def test_tdmrep_files(body: bytes, *, reserved: bool) -> None:
    """The first location of tdmrep.json that matches decides; what is no such file says nothing."""
    assert verdict(URL, tdmrep_statements(body)).reserved == reserved


@pytest.mark.parametrize(
    ("file", "header", "meta", "reserved"),
    [(1, None, None, True), (1, "0", None, False), (0, "1", None, True), (1, "1", "0", False), (0, "0", "1", True),
     (None, None, "1", True), (None, "junk", None, False), (1, "junk", "junk", True),
     (0, "1, 1", None, True), (None, '"1"', None, True), (None, "0, 1", None, True), (None, "1", "0, 0", False),
     (0, "0", "0, 1", True)],
)  # fmt: skip
def test_a_meta_element_overrides_the_header_and_the_header_the_file(
    file: int | None, header: str | None, meta: str | None, *, reserved: bool
) -> None:
    """TDMRep's three places in their order; what is no 0 or 1 says nothing."""
    site = [] if file is None else tdmrep_statements(tdmrep(("/", file)))
    own = header_statements({} if header is None else {"TDM-Reservation": header, "tdm-policy": "http://a.example/p"})
    own += meta_statements([] if meta is None else [("tdm-reservation", meta)])

    assert verdict(URL, site, own).reserved == reserved


def test_content_usage_of_a_header_is_enough() -> None:
    """The most restrictive of robots.txt and header wins."""
    site = robots_statements("User-agent: *\nContent-Usage: train-ai=y\n", "deepstyle")
    found = verdict(URL, site, header_statements({"content-usage": "train-ai=n"}))

    assert found.reserved
    assert found.words == "header: Content-Usage: train-ai=n; robots.txt: Content-Usage: train-ai=y"


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [("", "/x", True), ("/", "/x", True), ("/a", "/b", False), ("/a$", "/a", True), ("/a$", "/ab", False), ("/*b", "/aab", True),
     ("*.jpg$", "/a.jpg", True), ("*.jpg$", "/a.jpg?x", False), ("/a*b*c", "/a1b2c3", True), ("/a*b*c$", "/a1b2c3", False),
     ("/aa*aa$", "/aaa", False)],
)  # fmt: skip
def test_path_patterns(pattern: str, path: str, *, matches: bool) -> None:
    """A star is anything, a dollar the end, as in RFC 9309 2.2.3."""
    assert _matches(pattern, path) == matches


@pytest.mark.parametrize(
    ("pattern", "address"),
    [("/mode \u00e9t\u00e9/*", "http://a.example/mode \u00e9t\u00e9/1.jpg"), ("/%7Eme/*", "http://a.example/~me/1.jpg"),
     ("/~me/", "http://a.example/%7eme/1.jpg"), ("/a%2fb", "http://a.example/a%2Fb/1.jpg"), ("/p?q='", "http://a.example/p?q='x")],
)  # fmt: skip
def test_patterns_are_compared_in_normal_form(pattern: str, address: str) -> None:
    """Escaped or not, as a person writes it, in tdmrep.json and behind Content-Usage (RFC 9309 2.2.2)."""
    lines = f"User-agent: *\nContent-Usage: {pattern} train-ai=n\n" if " " not in pattern else ""

    assert verdict(normalise(address), tdmrep_statements(tdmrep((pattern, 1)))).reserved
    assert verdict(normalise(address), robots_statements(lines, "deepstyle")).reserved == bool(lines)


@pytest.mark.parametrize(("contents", "reserved"), [("10", True), ("01", True), ("00", False), ("111", True)])
def test_of_several_meta_elements_any_reserves(contents: str, *, reserved: bool) -> None:
    """Two that contradict each other are as one that reserves."""
    metas = "".join(f'<meta name="tdm-reservation" content="{one}">' for one in contents)
    found = parse_html(page(head=metas), URL)

    assert verdict(URL, (), meta_statements(found.reservations)).reserved == reserved


@pytest.mark.parametrize(("value", "kept"), [("1", 0), ("0", 1)])
def test_a_header_that_is_sent_twice_holds(tmp_path: Path, value: str, kept: int) -> None:
    """urllib3 joins the two to one text; so does our own reader of heads."""

    def twice(x: Exchange) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n" + f"TDM-Reservation: {value}\r\n" * 2
        body = photo(7)
        x.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    with serve({"/": page(img("/a.jpg")), "/a.jpg": twice}) as site:
        summary = crawl(tmp_path, site.url)
    assert (summary.kept, summary.refused_noai) == (kept, 1 - kept)


def test_a_file_that_is_too_long_reserves_in_the_audit_as_well(tmp_path: Path) -> None:
    """What lies beyond the limit may reserve: nothing is taken, and the record says why."""
    file = tdmrep(*[("/" + "n" * 900, 0)] * 600)
    routes: Routes = {"/": page(img("/a.jpg")), **photos("/a.jpg")}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url).kept == 1
        routes["/.well-known/tdmrep.json"] = file
        with pytest.raises(InputError, match="noai"):
            crawl(tmp_path / "new", site.url)
        assert site.hits["/a.jpg"] == 1
        with Fetcher(config()) as fetcher, Catalog(tmp_path) as catalog:
            answer = fetcher.get(f"{site.url}/.well-known/tdmrep.json", "robots")
            catalog.rights.note_host(site.url, "/.well-known/tdmrep.json", answer.body.decode())
            [found] = audit(catalog, "deepstyle").reserved
    assert "longer than is read" in found.words


@given(st.text(alphabet="uUser-agnt:*\nContSigl=yoAitrUs/ ,;#\0", max_size=300))
def test_no_text_raises(text: str) -> None:
    """Whatever stands in the files and headers, a verdict comes of it."""
    site = [*robots_statements(text, "deepstyle"), *tdmrep_statements(text.encode())]
    verdict(URL, site, [*header_statements({"Content-Usage": text}), *meta_statements([("tdm-reservation", text)])])


def test_reserved_photos_are_neither_asked_for_nor_kept(tmp_path: Path) -> None:
    """robots.txt lines, tdmrep.json, a page's meta element and a photo's header each hold; the record says which."""
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nContent-Usage: /signalled/ train-ai=n\nLicense: http://a.example/rsl.xml\n",
        "/.well-known/tdmrep.json": lambda x: x.send(tdmrep(("/mined/", 1)), "application/json"),
        "/": page(
            img("/free.jpg", "/signalled/a.jpg", "/mined/b.jpg", "/mined/lifted.jpg", "/header.jpg"),
            '<a href="/meta">m</a>',
        ),
        "/meta": page(img("/on-meta.jpg"), head='<meta name="tdm-reservation" content="1">'),
        "/header.jpg": lambda x: x.send(photo(5), "image/jpeg", Content_Usage="train-ai=n"),
        "/mined/lifted.jpg": lambda x: x.send(photo(6), "image/jpeg", TDM_Reservation="0"),
        **photos("/free.jpg", "/signalled/a.jpg", "/mined/b.jpg", "/on-meta.jpg"),
    }
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url)

        assert site.hits["/signalled/a.jpg"] == site.hits["/on-meta.jpg"] == 0
        assert site.hits["/.well-known/tdmrep.json"] == 1
    assert taken(tmp_path) == {"/free.jpg", "/mined/lifted.jpg"}
    assert (summary.refused_noai, summary.failed) == (3, 0)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as database:
        said = {url.rpartition("/")[2]: text for url, text in database.execute("SELECT url, reservation FROM fetches")}
    assert said["free.jpg"] == "robots.txt: License: http://a.example/rsl.xml"
    assert said["a.jpg"].startswith("robots.txt: Content-Usage: /signalled/ train-ai=n")
    assert said["b.jpg"].startswith("tdmrep.json: tdm-reservation: 1")
    assert said["lifted.jpg"].startswith("header: tdm-reservation: 0")
    assert said["header.jpg"].startswith("header: Content-Usage: train-ai=n")
    assert said["meta"].startswith("meta: tdm-reservation: 1")


def test_a_host_that_sends_a_photo_on_may_reserve_it(tmp_path: Path) -> None:
    """What a host that says nothing shows is not kept where the address that led to it, or to its page, is reserved."""
    shown = {**photos("/free.jpg", "/sent.jpg", "/on-page.jpg"), "/page": page(img("/on-page.jpg"))}
    with serve(shown) as other:
        routes: Routes = {
            "/.well-known/tdmrep.json": lambda x: x.send(tdmrep(("/mined/", 1)), "application/json"),
            "/": page(img("/free.jpg", "/mined/sent.jpg"), '<a href="/mined/page">more</a>'),
            "/free.jpg": lambda x: x.send(status=302, Location=f"{other.url}/free.jpg"),
            "/mined/sent.jpg": lambda x: x.send(status=302, Location=f"{other.url}/sent.jpg"),
            "/mined/page": lambda x: x.send(status=302, Location=f"{other.url}/page"),
        }
        with serve(routes) as site:
            crawl(tmp_path, site.url, also_hosts=[other.url])

    assert taken(tmp_path) == {"/free.jpg"}
    with Catalog(tmp_path) as catalog:
        assert audit(catalog, "deepstyle").reserved == ()
