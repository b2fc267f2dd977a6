"""lists.py and what becomes of listed addresses: columns and their marks, words behind an address, headers, Referer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, photo, serve
from test_fetch import config
from test_scrape import crawl

from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.lists import read_list

X, Y = "http://a.example/x.jpg", "http://a.example/y.jpg"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"{X};Look 1\n{Y};Look 2\n", [(X, ""), (Y, "")]),
        (f"url;title\n{X};Look, one\n", [(X, "Look, one")]),
        (f"look|src\n7|{X}\n", [(X, "")]),
        (f"{X},a;b\n", [(X, "")]),
        (f"{X};v=2\n", [(f"{X};v=2", "")]),
        (f'"{X}","a;b"\n', [(X, "")]),
        (f"url\n{X};v=2\n", [(f"{X};v=2", "")]),
    ],
)
def test_what_parts_the_columns_of_a_csv_file(tmp_path: Path, text: str, rows: list[tuple[str, str]]) -> None:
    """Commas, or what the first line shows in their place; a semicolon that belongs to an address stays in it."""
    (tmp_path / "l.csv").write_text(text)

    assert [(row.url, row.title) for row in read_list(str(tmp_path / "l.csv"))] == rows


def test_words_behind_an_address(tmp_path: Path) -> None:
    """They are its title; a blank inside the name of a picture is part of the address."""
    (tmp_path / "l.txt").write_text(
        f"{X} Look one\nhttp://a.example/show  Fall 2017\nhttp://a.example/my look.jpg\n{Y}\tTwo\n"
    )

    assert [(row.url, row.title) for row in read_list(str(tmp_path / "l.txt"))] == [
        (X, "Look one"), ("http://a.example/show", "Fall 2017"), ("http://a.example/my%20look.jpg", ""), (Y, "Two"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_a_list_may_be_written_on_windows(tmp_path: Path, encoding: str) -> None:
    """UTF-16, which spreadsheets and PowerShell write with a byte order mark, is read as UTF-8 is, with or without one."""
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    (tmp_path / "l.tsv").write_bytes(
        f"{mark}url\ttitle\r\n{X}\tRobe d\u2019\u00e9t\u00e9\r\n{Y}\t\u30c9\u30ec\u30b9\r\n".encode(encoding)
    )

    assert [(row.url, row.title) for row in read_list(str(tmp_path / "l.tsv"))] == [
        (X, "Robe d\u2019\u00e9t\u00e9"), (Y, "\u30c9\u30ec\u30b9"),
    ]  # fmt: skip


def test_hosts_of_a_list_are_sent_the_headers_and_no_referer(tmp_path: Path) -> None:
    """The addresses of a list were given, as those of the command line are; a file on this machine is nobody's business."""
    seen: list[tuple[str | None, str | None]] = []

    def shop(x: Exchange) -> None:
        seen.append((x.headers.get("X-Key"), x.headers.get("Referer")))
        x.send(photo(1), "image/jpeg")

    with serve({"/a.jpg": shop, "/b.jpg": shop}) as site:
        (tmp_path / "l.txt").write_text(f"{site.url}/a.jpg\n")
        crawl(tmp_path / "w", str(tmp_path / "l.txt"), headers={"X-Key": "7"})
        with Fetcher(config()) as fetcher:
            fetcher.get(site.url + "/b.jpg", "image", referer="http://saved.invalid/home/me/page.html")

    assert seen == [("7", None), (None, None)]


def test_a_broken_line_costs_no_other(tmp_path: Path) -> None:
    """What is no JSON counts as a row without an address."""
    (tmp_path / "l.jsonl").write_text(f'{{"url": "{X}"}}\n{{"url": "htt\n{{"url": "{Y}"}}\n')

    assert [row.url for row in read_list(str(tmp_path / "l.jsonl"))] == [X, "", Y]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"node": {"image": {"src": X}}}, [(X, True)]),
        ({"node": {"image": {"src": "http://a.example/i/7?w=3"}}}, [("http://a.example/i/7?w=3", True)]),
        ({"id": 7, "node": {"url": "http://a.example/p/7", "images": [{"src": X}, {"src": Y}]}}, [(X, True), (Y, True)]),
        ({"look": {"photo": {"small": "http://a.example/s/1.jpg", "large": "http://a.example/l/1.jpg"}}},
         [("http://a.example/l/1.jpg", True)]),
        ({"node": {"link": "http://a.example/show"}}, [("http://a.example/show", False)]),
        ({"node": {"image": {"src": "/1.jpg"}, "words": ["a", 2]}}, [("", False)]),
        ({"url": X, "node": {"image": {"src": Y}}}, [(X, True)]),
    ],
)  # fmt: skip
def test_addresses_in_the_objects_of_a_row(tmp_path: Path, row: dict[str, Any], found: list[tuple[str, bool]]) -> None:
    """Where no column holds an address, all pictures that the row's objects name are taken, else the first page."""
    (tmp_path / "l.jsonl").write_text(json.dumps({"title": "Look", **row}) + "\n")

    rows = list(read_list(str(tmp_path / "l.jsonl")))

    assert [(one.url, one.picture) for one in rows] == found
    assert {one.title for one in rows if one.url} <= {"Look"}


def test_photos_of_rows_with_objects_are_taken(tmp_path: Path) -> None:
    """Lines as shops' interfaces give them: each names its photo two objects deep."""
    with serve({f"/{n}.jpg": photo(n) for n in range(3)}) as site:
        lines = [json.dumps({"node": {"image": {"src": f"{site.url}/{n}.jpg"}}}) for n in range(3)]
        (tmp_path / "l.jsonl").write_text("\n".join(lines))

        assert crawl(tmp_path / "w", str(tmp_path / "l.jsonl")).outcomes == {"kept": 3}
