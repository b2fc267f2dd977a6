"""What a page may cost: hostile pages are read in a time that grows with their length, and stop at the limits."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from deepstyle.scraper.budget import MAX_BYTES, Budget
from deepstyle.scraper.candidates import parse_css, parse_srcset
from deepstyle.scraper.literals import read_literal
from deepstyle.scraper.pages import Page, parse, parse_html
from deepstyle.scraper.state import flight_values, json_value, script_values

URL = "http://a.example/shows"
PIECES = (
    "<p>", "<picture>", "<a href=x><b>", "<div><img src=a.jpg>", "<noscript>", "<noscript>x<img src=a.jpg>",
    "<figure><figcaption>x", "<figure><img src=a.jpg>", "<b></i>", "<svg><image href=a.jpg>", "<table><tr><td>", "</p>",
    "<a href=a.jpg>", "<li data-src=a/b.jpg>", "<select><option value=/x>", "<form action=/a><input type=hidden name=b>",
    "<script>a=[", "<script>a={b:", "<style>a{background:url(", "<img srcset='", "<!--", "<template>", "<base href=a/>",
    "<iframe srcdoc='&lt;img src=a.jpg&gt;'></iframe>", "<div style='background:url(a.jpg)'>", "&lt;img src=a&gt;", "<title>",
    "<button>x", "<picture><source srcset='a.jpg 1x'>", "<div data-x='[1'>", "<script>__next_f.push([1,'a:[']", "\0<", "<a b=",
)  # fmt: skip


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("piece", PIECES)
def test_repeated_markup_costs_what_its_length_costs(piece: str) -> None:
    """50,000 characters of any one piece of markup is read in a moment, where squares and cubes took minutes."""
    body = (piece * (50_000 // len(piece))).encode()

    assert cpu(lambda: parse_html(body, URL)) < 60


@pytest.mark.parametrize("text", [",", "a,", "a (", "a ", ", a", "a 1", "(", "a 1w,"])
def test_srcset_is_read_once(text: str) -> None:
    """100,000 characters of commas, brackets or spaces: 2,000 commas took 89 s."""
    assert cpu(lambda: parse_srcset(text * (100_000 // len(text)))) < 30
    assert len(parse_srcset(text * 100_000)) <= 5_000


STYLES = ("background:url(", 'background:url("', "/*", "image-set(", "a", "a:", "a ", "type(", '"', "\\", "1", "{", "url( ",
          "background:image-set(", "--a:", "*/*", "'\\")  # fmt: skip


@pytest.mark.parametrize("text", STYLES)
def test_css_is_read_once(text: str) -> None:
    """So are style sheets, and what they list is bounded: half a million backgrounds took a gigabyte."""
    assert cpu(lambda: parse_css(text * (100_000 // len(text)))) < 30
    assert len(parse_css("a{background:url(x.jpg)}" * 20_000)) <= 5_000


LITERALS = ("[", "{a:", '["a",', "[[],", "/*", "/", '"', "\\", "a ", "'a'+", "{'a':'b',", "=[", "=[a,", "JSON.parse('", "(", "`",
            "__next_f.push([1,", "__NUXT__=(function(a){", "1.", "={a:'.jpg',", "\\u", '"\\u0041')  # fmt: skip


@pytest.mark.parametrize("text", LITERALS)
def test_scripts_are_read_once(text: str) -> None:
    """Whatever is repeated in a script, as JSON, as JavaScript, as Next.js' rows."""
    long = "a.jpg " + text * (50_000 // len(text))

    assert cpu(lambda: list(script_values(long, Budget()))) < 30
    assert cpu(lambda: list(flight_values(long, Budget()))) < 30
    assert cpu(lambda: read_literal("[" + long, 0, Budget())) < 30
    assert cpu(lambda: json_value("[" + long, Budget())) < 30


def test_elements_are_counted() -> None:
    """A page with more elements than allowed keeps what came before, and says so."""
    body = b"<img src=/a.jpg>" + b"<p>" * 500 + b"<img src=/b.jpg>" * 5_000
    found = parse_html(body, URL, budget=Budget(elements=400))

    assert [one.image_url for one in found.listings] == ["http://a.example/a.jpg"]
    assert found.cut == "elements"
    assert parse_html(body, URL).cut == ""


def test_bytes_are_counted() -> None:
    """Of a page longer than the limit the first part is read."""
    found = parse_html(b"<img src=/a.jpg>" + b" " * MAX_BYTES + b"<img src=/b.jpg>", URL)

    assert [one.image_url for one in found.listings] == ["http://a.example/a.jpg"]
    assert found.cut == "bytes"


def test_seconds_are_counted() -> None:
    """When the time is up, reading ends at the next piece: the clock is looked at between any two."""
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    body = b"".join(b"<img src=/%d.jpg>" % n + b" " * 1_000 for n in range(1_000))
    found = parse_html(body, URL, budget=Budget(seconds=5, clock=clock))

    assert found.cut == "seconds"
    assert 0 < len(found.listings) < 500


def test_values_and_pictures_are_counted() -> None:
    """A script with more values, and a page with more pictures than allowed, end there."""
    script = b"<script>a = ['/1.jpg'" + b",1" * 5_000 + b"]; b = ['/2.jpg']</script>"
    assert parse_html(script, URL, budget=Budget(values=1_000)).cut == "values"
    many = parse_html(b"".join(b"<img src=/%d.jpg>" % n for n in range(21_000)), URL)
    assert (len(many.listings), many.cut) == (20_000, "pictures")


def test_memory_does_not_grow_with_nesting() -> None:
    """A page of open elements takes a small multiple of its length: no tree is built."""
    body = b"<p><b>" * 150_000
    tracemalloc.start()
    parse_html(body, URL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 250_000_000


@pytest.mark.parametrize(
    "body", [b"{" * 100_000, b"[" * 100_000, b'{"a":' * 50_000, b'[{"a":"<img src=/x.jpg>"},' * 5_000]
)
def test_json_answers_are_read_within_the_same_limits(body: bytes) -> None:
    """What a load-more endpoint answers may be as hostile as a page."""
    assert isinstance(parse(body, URL, content_type="application/json")[1], Page)
