"""Pages on disk as sources; pages that have not changed; and the dry run that asks for no photo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.errors import InputError
from deepstyle.files import put_file
from deepstyle.records import KeptAnswer
from deepstyle.scraper.keep import kept
from deepstyle.scraper.pages import parse_html
from deepstyle.scraper.saved import Saved


def test_a_saved_page_is_read_from_disk(tmp_path: Path) -> None:
    """Pictures of its folder are taken without asking for them, others from the site; the page it came from is recorded."""
    with serve(photos("/far.jpg")) as site:
        noted = f"<!-- saved from url=(0021){site.url}/show -->".encode()
        body = noted + page(img("./My%20show_files/a.jpg", "/far.jpg"), '<a href="/never">n</a>')
        put_file(tmp_path / "in" / "My show.html", body)
        put_file(tmp_path / "in" / "My show_files" / "a.jpg", photo(1))
        crawl(tmp_path / "w", str(tmp_path / "in" / "My show.html"))

        assert taken(tmp_path / "w") == {"/My%20show_files/a.jpg", "/far.jpg"}
        assert set(site.hits) == {"/robots.txt", "/.well-known/tdmrep.json", "/far.jpg"}
        with Catalog(tmp_path / "w") as catalog:
            assert {one.page_url for one in catalog.photos()} == {site.url + "/show"}


ARCHIVE = b"""From: <Saved by Blink>
Snapshot-Content-Location: http://a.invalid/show
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="X"

--X
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable
Content-Location: http://a.invalid/show

<html><body><img src=3D"cid:one@x"><img src=3D"http://a.invalid/b.jpg"></body></html>
--X
Content-Type: image/jpeg
Content-ID: <one@x>
Content-Transfer-Encoding: base64

%s
--X
Content-Type: image/jpeg
Content-Location: http://a.invalid/b.jpg
Content-Transfer-Encoding: base64

%s
--X--
"""


def test_files_of_a_saved_page_are_found_however_their_names_are_spelt(tmp_path: Path) -> None:
    """Brackets, commas and accents stand in a page as they are or escaped, in one piece or in two."""
    names = ("look(1).jpg", "a,b & c.jpg", "e\u0301te\u0301.jpg", "it's.jpg", "50%.jpg")
    for name in names:
        put_file(tmp_path / "g_files" / name, photos(name)[name])  # type: ignore[arg-type]
    shown = ("look(1).jpg", "a%2Cb%20&amp;%20c.jpg", "\u00e9t\u00e9.jpg", "it%27s.jpg", "50%25.jpg")
    body = page(*(f'<img src="./g_files/{name}">' for name in shown), head='<meta charset="utf-8">')
    put_file(tmp_path / "g.html", b"<!-- saved from url=(0019)http://127.0.0.1:9/ -->" + body)

    assert crawl(tmp_path / "w", str(tmp_path / "g.html")).outcomes == {"kept": 5}


def test_an_archive_is_read_from_disk(tmp_path: Path) -> None:
    """The parts of an .mht are found by their address and by their number; a folder stands for the pages in it."""
    import base64

    parts = tuple(base64.encodebytes(photo(seed)) for seed in (1, 2))
    put_file(tmp_path / "in" / "show.mht", ARCHIVE % parts)
    put_file(tmp_path / "in" / "plain.html", page(img("plain_files/c.jpg")))
    put_file(tmp_path / "in" / "plain_files" / "c.jpg", photo(3))
    crawl(tmp_path / "w", str(tmp_path / "in"))

    assert len(taken(tmp_path / "w")) == 3
    with Catalog(tmp_path / "w") as catalog:
        pages = {one.page_url.partition("/in/")[2] or one.page_url for one in catalog.photos()}
    assert pages == {"http://a.invalid/show", "plain.html"}


def test_numbers_of_an_archive_that_begin_alike(tmp_path: Path) -> None:
    """``cid:img1`` is not the beginning of ``cid:img10``; percent escapes stand for what they stand for."""
    page_part = (
        b'Content-Type: text/html\n\n<img src="cid:img10"><img src=cid:img1><img src="cid:a%40b"><img src="cid:none">'
    )
    parts = [f"Content-Type: image/jpeg\nContent-ID: <{name}>\n\n{name}".encode() for name in ("img1", "img10", "a@b")]
    head = b'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="X"\n\n--X\n'
    put_file(tmp_path / "a.mht", head + b"\n--X\n".join([page_part, *parts]) + b"\n--X--\n")
    saved = Saved()
    saved.add(tmp_path / "a.mht")
    answer = saved.get(saved.pages[0], "page", 10_000)
    assert answer is not None
    found = [saved.get(one.image_url, "image", 99) for one in parse_html(answer.body, saved.pages[0]).listings]

    assert [one.body.strip() for one in found if one is not None] == [b"img10", b"img1", b"a@b"]
    assert b"cid:none" in answer.body


def test_an_archive_without_a_page_is_told(tmp_path: Path) -> None:
    """The error names the file."""
    put_file(tmp_path / "a.mht", b"Subject: hello\n\nno page")
    with pytest.raises(InputError, match=r"a\.mht: holds no page"):
        Saved().add(tmp_path / "a.mht")


def test_pages_that_have_not_changed_are_not_sent_again(tmp_path: Path) -> None:
    """A fresh crawl asks with ETag and Last-Modified; a 304 means the page as it was, with its links and its pictures."""
    bodies = {"/": page(img("/a.jpg"), '<a href="/2">2</a>'), "/2": page(img("/b.jpg"))}
    sent: list[tuple[str, int]] = []

    def validated(x: Exchange) -> None:
        tag = f'"{hash(bodies[x.path])}"'
        status = 304 if x.headers.get("If-None-Match") == tag and x.headers.get("If-Modified-Since") else 200
        sent.append((x.path, status))
        x.send(b"" if status == 304 else bodies[x.path], status=status, ETag=tag,
               Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT")  # fmt: skip

    routes: Routes = {"/": validated, "/2": validated, **photos("/a.jpg", "/b.jpg", "/c.jpg")}
    with serve(routes) as site:
        crawl(tmp_path, site.url)
        assert crawl(tmp_path, site.url, fresh=True).kept == 2
        bodies["/2"] = page(img("/b.jpg", "/c.jpg"))
        assert crawl(tmp_path, site.url, fresh=True).kept == 3

    assert sent == [("/", 200), ("/2", 200), ("/", 304), ("/2", 304), ("/", 304), ("/2", 200)]


@pytest.mark.parametrize("record", [("{", b""), ("{}", b""), ('{"type": "", "charset": null}', b"xx")])
def test_a_damaged_page_is_fetched_anew(record: tuple[str, bytes]) -> None:
    """What was kept of a page and cannot be read is as good as nothing."""
    assert kept(KeptAnswer(url="http://a.example/", etag="x", modified="", about=record[0], body=record[1])) is None


def test_a_dry_run_asks_for_no_photo(tmp_path: Path) -> None:
    """It lists what would be fetched, what is there already, what is refused and why; nothing is changed."""
    routes: Routes = {
        "/robots.txt": b"User-agent: *\nDisallow: /private/\nContent-Usage: /mine/ train-ai=n\n",
        "/": page(img("/a.jpg", "/private/b.jpg", "/mine/c.jpg"), '<a href="/private/more">m</a><a href="/2">2</a>'),
        "/2": page(img("/d.jpg")), **photos("/a.jpg", "/private/b.jpg", "/mine/c.jpg", "/d.jpg"),
    }  # fmt: skip
    with serve(routes) as site:
        crawl(tmp_path, site.url, max_photos=1, connections=1)
        kept_before = taken(tmp_path)
        site.hits.clear()
        words = ["-q", "-w", str(tmp_path), "scrape", site.url, "--allow-private", "--rate", "500", "--dry-run"]
        told = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)["planned"]
        text = CliRunner().invoke(main, words).output

        assert not [path for path in site.hits if path.endswith(".jpg")]
        assert taken(tmp_path) == kept_before
    found = {one["url"].removeprefix(site.url): one["outcome"] for one in told}
    assert found == {
        "/a.jpg": "have", "/private/b.jpg": "robots", "/mine/c.jpg": "noai", "/d.jpg": "fetch", "/private/more": "robots",
    }  # fmt: skip
    assert "1 photos would be fetched, 4 photos and pages not" in text


def test_a_dry_run_of_a_page_and_standard_input(tmp_path: Path) -> None:
    """What both name is listed."""
    with serve({"/": page(img("/a.jpg"))}) as site:
        words = ["-q", "-w", str(tmp_path), "scrape", site.url, "-", "--allow-private", "--rate", "500", "--dry-run"]
        text = CliRunner().invoke(main, words, input=f"{site.url}/b.jpg\n").output

    assert "2 photos would be fetched" in text
