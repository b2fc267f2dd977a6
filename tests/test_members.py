"""members.py: addresses that scripts put together of the members of an object that they state."""

from __future__ import annotations

import time

import pytest

from deepstyle.scraper.members import spelled
from deepstyle.scraper.pages import parse_html

STATED = (
    "var book = {path: '/pages/', 'ext': \".jpg\", total: 3};", "const book={total:3,ext:'.jpg',path:'/pages/'}\n",
)  # fmt: skip
LOOPS = {
    "sum": "for (var i = 1; i <= book.total; i++) { add(book.path + i + book.ext); }",
    "markup": "for (var i = 1; i <= book.total; i++) { $('#b').append('<img src=\"' + book.path + i + book.ext + '\">'); }",
    "template": "for (let i = 1; i <= book.total; i++) { add(`${book.path}${i}${book.ext}`); }",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("stated", STATED)
def test_photos_that_an_object_and_a_loop_describe_are_found(stated: str, loop: str) -> None:
    """A folder, an ending and how many there are, as viewers of lookbooks are set up: each photo once."""
    found = parse_html(f"<script>{stated} {loop}</script>".encode(), "http://a.example/looks/")

    assert [one.image_url for one in found.listings] == [f"http://a.example/pages/{n}.jpg" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a = {b: 'x'}; f(a.b)", "a = {b: 'x'}; f(\"x\")"),
        ("a = {b: 'x'}; a.b = y; f(a.b)", "a = {b: 'x'}; a.b = y; f(a.b)"),
        ("a = {b: 'x'}; a = {b: 'z'}; f(a.b)", "a = {b: 'x'}; a = {b: 'z'}; f(a.b)"),
        ("a = {b: 'x'}; f(a.b.c, c.a.b, a.b(), a.b[0])", "a = {b: 'x'}; f(a.b.c, c.a.b, a.b(), a.b[0])"),
        ("a = {b: c, d: [1], e: 5}; f(a.b, a.d, a.e)", "a = {b: c, d: [1], e: 5}; f(a.b, a.d, 5)"),
    ],
)
def test_only_what_is_certain_is_written_out(text: str, written: str) -> None:
    """Members that something else is assigned to, and those of an object that is stated twice, stay as they are."""
    assert spelled(text) == written


@pytest.mark.parametrize("piece", ["a={", "a={b:'x'};a.b ", "a={b:1,", "${a.b", "a.b=a={b:'"])
def test_a_long_script_is_read_once(piece: str) -> None:
    """What begins as an object or a member again and again costs as much as any script of its length."""
    started = time.process_time()
    spelled("a = {b: 'x'};" + piece * (300_000 // len(piece)))

    assert time.process_time() - started < 10
