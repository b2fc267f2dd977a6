"""JSON answers that say by a number or a cursor that there is more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, Routes, page, serve
from test_scrape import crawl, photos, taken

from deepstyle.scraper.pages import parse_json
from deepstyle.scraper.series import ends, guessed_part, next_part

URL = "http://a.example/api"
CASES: list[tuple[str, Any, str]] = [
    ("?page=1", {"next_page": 2}, "?page=2"),
    ("?x=1&page=1&y=2", {"meta": {"pagination": {"nextPage": "2"}}}, "?x=1&page=2&y=2"),
    ("?page=1", {"page": 1, "total_pages": 9}, "?page=2"),
    ("?page=9", {"page": 9, "total_pages": 9}, ""),
    ("?p=1", {"pagination": {"current_page": 1, "last_page": 3}}, "?p=2"),
    ("?page=0", {"page": 0, "totalPages": 2}, "?page=1"),
    ("/page/2/", {"collection": {"currentPage": 2, "pageCount": 4}}, "/page/3/"),
    ("?paged=2", {"max_num_pages": 3}, "?paged=3"),
    ("?page=2", {"page": 2, "per_page": 24, "total": 60}, "?page=3"),
    ("?page=3", {"page": 3, "per_page": 24, "total": 60}, ""),
    ("?page=3", {"has_more": True}, "?page=4"),
    ("?page=3", {"hasMore": False, "total_pages": 9}, ""),
    ("?page=1", {"next_page": None, "page": 1}, ""),
    ("?page=2", {"next": 17}, ""),
    ("?page=2", {"page": 5, "total_pages": 9}, ""),
    ("?offset=0", {"next_offset": 20}, "?offset=20"),
    ("?limit=24&offset=48", {"offset": 48, "limit": 24, "total": 90}, "?limit=24&offset=72"),
    ("?limit=24&offset=72", {"offset": 72, "limit": 24, "total": 90}, ""),
    ("?cursor=", {"data": {"page_info": {"end_cursor": "QV/=", "has_next_page": True}}}, "?cursor=QV%2F%3D"),
    ("?cursor=QV", {"pageInfo": {"endCursor": "QW", "hasNextPage": False}}, ""),
    ("?after=a", {"paging": {"cursors": {"before": "a", "after": "b"}}}, "?after=b"),
    ("?cursor=a", {"cursor": "a", "next": True}, ""),
    ("?id=1", {"next_page": 2}, ""),
    ("?page=1", [{"next_page": 2}], ""),
    ("?page=x", {"next": {"page": 2}}, ""),
]


@pytest.mark.parametrize(("asked", "answer", "following"), CASES)
def test_the_next_part_is_the_url_with_its_parameter_changed(asked: str, answer: Any, following: str) -> None:
    """Pages, offsets and cursors, by the names that sites give them, lead on, even where all pictures are known; ends do not."""
    assert next_part(answer, URL + asked).removeprefix(URL) == following
    found = parse_json(json.dumps(answer).encode(), URL + asked).next_links
    assert [one.removeprefix(URL) for one in found] == ([following] if following else [])


def test_a_count_of_pages_is_a_guess_where_the_url_has_no_page() -> None:
    """Without a page in its URL an answer's usual parameter is guessed; one that says that it is the last guesses nothing."""
    assert parse_json(b'{"next_page": 2}', URL).guesses == (f"{URL}?page=2",)
    assert parse_json(b'{"page": 1, "pages": 3}', f"{URL}?a=b").guesses == (f"{URL}?a=b&page=2",)
    assert parse_json(b'{"page": 3, "pages": 3}', f"{URL}?page=3").guesses == ()
    assert parse_json(b'{"meta": {"has_more": false}}', f"{URL}?page=3").guesses == ()
    assert parse_json(b"[]", f"{URL}?page=3").guesses == (f"{URL}?page=4",)


def test_a_load_more_endpoint_that_counts_is_read_to_its_end(tmp_path: Path) -> None:
    """All pages of an endpoint come, and none after the last, though the first shows only what its page showed."""

    def looks(x: Exchange) -> None:
        number = int(x.path.partition("=")[2])
        x.send(
            json.dumps({"page": number, "total_pages": 3, "looks": [{"image": f"/{number}.jpg"}]}).encode(),
            "application/json",
        )

    routes: Routes = {"/": page('<img src="/1.jpg"><button data-url="/api?page=1">More</button>'), "/api": looks}
    with serve(routes | photos("/1.jpg", "/2.jpg", "/3.jpg")) as site:
        crawl(tmp_path, site.url)
        assert taken(tmp_path) == {"/1.jpg", "/2.jpg", "/3.jpg"}
        assert [site.hits[f"/api?page={n}"] for n in range(1, 5)] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "asked", ["?page=1", "?offset=0", "?cursor=a", "/page/1", "?page=", "?page=%FF", "?" + "page=" * 999, ""]
)
def test_no_answer_raises(asked: str) -> None:
    """Whatever an answer holds, it has a next part or none."""
    odd: list[Any] = [
        None,
        True,
        -1,
        10**18,
        1.5,
        float("nan"),
        "",
        "\ud800",
        "\u0662",
        "9" * 5_000,
        [],
        {},
        [{}],
        {"page": {}},
    ]
    for name in ("next_page", "page", "total", "limit", "per_page", "offset", "cursor", "has_more", "pages", "meta"):
        for one in odd:
            value = {name: one, "page": 1, "total": 9, "limit": 0, "meta": {"meta": {name: one}}}
            assert isinstance(next_part(value, URL + asked) + guessed_part(value, URL + asked), str)
            assert ends(value) in {True, False}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"products": [{"node": {"image": {"src": "https://c.example/i/abc1?w=800"}}}]}, ["https://c.example/i/abc1?w=800"]),
        ({"looks": [{"featuredImage": {"url": "//c.example/i/abc1"}}]}, ["http://c.example/i/abc1"]),
        ({"photos": [{"src": "https://c.example/1"}, {"src": "https://c.example/2"}]},
         ["https://c.example/1", "https://c.example/2"]),
        ({"photo": {"url": "https://a.example/look/1", "src": "https://c.example/2"}}, []),
        ({"image": {"url": "https://a.example/"}, "link": {"url": "https://a.example/look/1"}}, []),
        ({"userImage": {"href": "/u", "src": "https://c.example/face"}}, []),
    ],
)  # fmt: skip
def test_addresses_without_an_extension_under_a_key_of_a_picture(value: object, found: list[str]) -> None:
    """An object that is called a picture tells its address at its host, whatever that looks like."""
    body = json.dumps(value).encode()

    assert [one.image_url for one in parse_json(body, "http://a.example/api").listings] == found


def test_sizes_that_are_told_by_short_names_are_one_photo() -> None:
    """Renditions whose sides are ``w`` and ``h``: the largest is taken; shares of it, as those of a crop, are no pixels."""
    sizes = [{"w": 320, "h": 400, "uri": "/r/1_400.jpg"}, {"w": 1280, "h": 1600, "uri": "/r/1_1600.jpg"}]
    crop = {"src": "/r/2.jpg", "w": 0.5, "h": 1}
    found = parse_json(json.dumps({"looks": [{"renditions": sizes}, {"image": crop}]}).encode(), URL)

    assert [one.image_url.partition("/r/")[2] for one in found.listings] == ["1_1600.jpg", "2.jpg"]
