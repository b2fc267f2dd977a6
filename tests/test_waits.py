"""Waits of minutes are told: once a host and reason, when they begin, with how long, why and what to do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos

from deepstyle.scraper import waits
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.hosts import Hosts
from deepstyle.scraper.pace import Pace
from deepstyle.scraper.waits import Waits, words


def delayed(url: str) -> Fetched:
    """A robots.txt that asks for five minutes between two requests."""
    return Fetched(outcome="ok", kind="robots", url=url, final_url=url, body=b"User-agent: *\nCrawl-delay: 300\n")


def test_a_wait_is_told_once_a_host_and_reason() -> None:
    """A Crawl-delay when the second request must wait, a Retry-After that is longer by itself; never twice."""
    said: list[str] = []
    pace, hosts = Pace(0.25, longest=60, clock=lambda: 0.0), Hosts(delayed, "x", lambda: 0.0)
    told = Waits(pace, hosts)
    told.say = said.append
    hosts.rules("https://a.example/")
    told.host("a.example", 14)
    assert not said
    pace.wait("a.example", 300)
    for left in (14, 13):
        told.host("a.example", left)
    [text] = said
    assert text.startswith(
        "a.example: robots.txt asks for 5 minutes between two requests (Crawl-delay); 14 of its addresses wait, 70 minutes in all"
    )
    pace.pause("a.example", 45)
    told.host("a.example", 13)
    told.url("a.example", 30)
    told.url("b.example", 9)
    assert [one[:66] for one in said[1:]] == ["a.example: is busy, or asks to be left alone (Retry-After): the ne"]


def test_a_long_crawl_delay_is_told_while_it_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, before the last photo is asked for; a host without one is not named."""
    monkeypatch.setattr(waits, "NOTICE", 0.01)
    said, before = io.StringIO(), [""]

    def looks(x: Exchange) -> None:
        before.append(said.getvalue())
        x.send(photo(len(before)), "image/jpeg")

    with serve(photos("/z.jpg")) as other:
        routes: Routes = {"/": page(img("/a.jpg", "/b.jpg", f"{other.url}/z.jpg")), "/a.jpg": looks, "/b.jpg": looks}
        routes["/robots.txt"] = lambda x: x.send(b"User-agent: *\nCrawl-delay: 1.5\n", "text/plain")
        with serve(routes) as site:
            assert crawl(tmp_path, site.url, say=said).kept == 3

    place = site.url.removeprefix("http://")
    assert f"{place}: robots.txt asks for 1.5 seconds between two requests" in before[-1]
    assert said.getvalue().count("(Crawl-delay)") == said.getvalue().count("Ctrl-C is safe") == 1


@pytest.mark.parametrize(("path", "status"), [("/robots.txt", 503), ("/", 503), ("/a.jpg", 429)])
def test_a_long_retry_after_is_told_when_nothing_else_is_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    """Of robots.txt, a page or a photo, as it begins."""
    monkeypatch.setattr(waits, "NOTICE", 0.01)
    said, before = io.StringIO(), []
    bodies = {"/": page(img("/a.jpg")), "/a.jpg": photo(1), "/robots.txt": b"User-agent: *\n"}

    def busy(x: Exchange) -> None:
        if x.site.hits[path] == 1:
            x.send(status=status, Retry_After="1")
            return
        before.append(said.getvalue())
        x.send(bodies[path], "image/jpeg" if path == "/a.jpg" else "text/html")

    with serve({**bodies, path: busy}) as site:
        assert crawl(tmp_path, site.url, say=said, retries=2).kept == 1

    place = site.url.removeprefix("http://")
    assert f"{place}: is busy, or asks to be left alone (Retry-After): the next try is in " in before[0]
    assert said.getvalue().count("Retry-After") == 1


def test_what_the_user_asked_for_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow --rate is waited for without a word, and a Crawl-delay that is shorter changes nothing."""
    monkeypatch.setattr(waits, "NOTICE", 0.1)
    said = io.StringIO()
    routes: Routes = {"/": page(img("/a.jpg")), **photos("/a.jpg")}
    routes["/robots.txt"] = lambda x: x.send(b"User-agent: *\nCrawl-delay: 0.15\n", "text/plain")
    with serve(routes) as site:
        assert crawl(tmp_path, site.url, say=said, rate=5).kept == 1

    assert "Ctrl-C" not in said.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (1.5, "1.5 seconds"),
        (10.4, "10 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (330, "5.5 minutes"),
        (9e3, "2.5 hours"),
    ],
)
def test_lengths_of_time_are_said_as_people_do(seconds: float, text: str) -> None:
    """Seconds up to two minutes, minutes up to two hours."""
    assert words(seconds) == text
