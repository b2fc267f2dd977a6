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


IMAGES = "".join(f'<img class="lazy" src="blank.gif" data-sku="A{n}" data-in-season="f{n % 2}">' for n in range(3))


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("base = '/skus/'; all.forEach(function (e) { e.src = base + e.dataset.sku + '_1.jpg'; });", "skus/A{n}_1.jpg"),
        ("all.forEach(e => { e.src = `/s/${e.dataset.inSeason}/${e.dataset.sku}.jpg` });", "s/f{m}/A{n}.jpg"),
        ("var sku = img.getAttribute('data-sku'); img.src = '/s/' + sku + '.jpg';", "s/A{n}.jpg"),
        ("$(this).attr('src', '/s/' + $(this).data('sku') + '.jpg');", "s/A{n}.jpg"),
        ("e.src = '/s/' + e.dataset.colour + '.jpg';", ""),
        ("e.dataset.sku = '/s/' + n + '.jpg';", ""),
    ],
)
def test_photos_of_what_lazy_images_carry_are_found(script: str, found: str) -> None:
    """A script that puts an address together of what each image has in an attribute: one photo an image."""
    page = parse_html(f"{IMAGES}<script>{script}</script>".encode(), "http://a.example/looks/")
    expected = [found.format(n=n, m=n % 2) for n in range(3)] if found else []

    assert [one.image_url.removeprefix("http://a.example/") for one in page.listings] == expected


def test_an_image_that_shows_its_photo_is_left_as_it_is() -> None:
    """What a script makes of the attributes of images with a photo may be another size of it, or no photo at all."""
    script = "<script>e.onclick = zoom('/zoom/' + e.dataset.sku + '.jpg');</script>"
    page = parse_html(f'<img src="/1.jpg" data-sku="A1">{script}'.encode(), "http://a.example/")

    assert [one.image_url for one in page.listings] == ["http://a.example/1.jpg"]
