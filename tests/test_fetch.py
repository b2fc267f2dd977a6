"""fetch.py against a real server on loopback: politeness, safety, limits; every failure is an outcome."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from loopback import Exchange, Routes, page, photo, serve

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.manners import read_robots, retry_after, robots_directives
from deepstyle.scraper.pace import KEEPS, Pace
from deepstyle.scraper.reservations import product_token


def config(**changes: object) -> ScrapeConfig:
    """Settings for loopback: a high rate, and time enough for a machine that is busy with other tests."""
    patient = {"deadline": 300, "read_timeout": 300, "connect_timeout": 300}
    values = {"rate": 500, "allow_private": True, "retries": 1, "max_bytes": 200_000}
    return ScrapeConfig.model_validate(values | patient | changes)


def fetch(url: str, kind: str = "image", **changes: object) -> Fetched:
    """One answer from a fresh Fetcher."""
    with Fetcher(config(**changes)) as fetcher:
        return fetcher.get(url, kind)  # type: ignore[arg-type]


def test_a_whole_answer_is_ok() -> None:
    """Body, type, charset, final URL and time are reported."""
    with serve({"/a": lambda x: x.send(page("x"), "text/html; charset=UTF-8")}) as site:
        answer = fetch(site.url + "/a", "page")

    assert (answer.outcome, answer.status, answer.content_type, answer.charset) == ("ok", 200, "text/html", "UTF-8")
    assert answer.body == page("x")
    assert answer.seconds > 0


def test_robots_txt_is_asked_once_and_obeyed() -> None:
    """A forbidden URL is never requested; the rules of another robot are not ours."""
    rules = b"User-agent: otherbot\nDisallow: /\n\nUser-agent: DeepStyle\nDisallow: /private/\nSitemap: /s.xml\n"
    with serve(
        {"/robots.txt": lambda x: x.send(rules, "text/plain"), "/a.jpg": photo(1), "/private/b.jpg": photo(2)}
    ) as site:
        with Fetcher(config()) as fetcher:
            assert [fetcher.get(site.url + path, "image").outcome for path in ("/a.jpg", "/private/b.jpg")] == [
                "ok",
                "robots",
            ]
            assert fetcher.sitemaps(site.url) == [site.url + "/s.xml"]
            assert [one.url.removeprefix(site.url) for one in fetcher.log] == [
                "/robots.txt",
                "/.well-known/tdmrep.json",
            ]

        assert site.hits["/private/b.jpg"] == 0
        assert site.hits["/robots.txt"] == 1


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "ok"), (403, "ok"), (500, "host-busy"), (503, "host-busy"), (429, "host-busy")]
)
def test_a_missing_robots_txt_allows_and_a_broken_one_forbids(status: int, outcome: str) -> None:
    """RFC 9309: 4xx means no rules, 5xx (and 429) means that nothing may be fetched until it answers."""
    with serve({"/robots.txt": lambda x: x.send(status=status), "/a.jpg": photo(1)}) as site:
        answer = fetch(site.url + "/a.jpg", retries=0)

    assert answer.outcome == outcome


def test_noai_answers_are_not_downloaded() -> None:
    """The header is enough: the body is not read, for pictures and pages, and for a TDM reservation."""
    routes: Routes = {
        "/a.jpg": lambda x: x.send(photo(1), "image/jpeg", X_Robots_Tag="noai"),
        "/b.jpg": lambda x: x.send(photo(1), "image/jpeg", TDM_Reservation="1"),
        "/c": lambda x: x.send(page(), X_Robots_Tag="noimageai"),
        "/d.jpg": lambda x: x.send(photo(1), "image/jpeg", X_Robots_Tag="otherbot: noai"),
    }
    with serve(routes) as site:
        answers = [
            fetch(site.url + path, kind) for path, kind in (("/a.jpg", "image"), ("/b.jpg", "image"), ("/c", "page"))
        ]
        other = fetch(site.url + "/d.jpg")

    assert [(one.outcome, one.body) for one in answers] == [("noai", b"")] * 3
    assert other.outcome == "ok"


@pytest.mark.parametrize(
    ("headers", "noai"),
    [
        (["noai, noimageai"], True), (["index"], False), (["otherbot: noai"], False), (["deepstyle: noai"], True),
        (["otherbot: noindex, noai"], False), (["otherbot: noindex", "noai"], True), (["*: noai"], True),
        (["noai, unavailable_after: Wed, 03 Dec 2025 15:00:00 GMT"], True),
        (["unavailable_after: Wed, 03 Dec 2025 15:00:00 GMT, noai"], True),
        (["unavailable_after: 2025-12-03T15:00:00Z, NoAI"], True), (["max-image-preview: none"], False),
        (["otherbot: unavailable_after: Wed, 03 Dec 2025 15:00:00 GMT, noai"], False), (["", ":,:", "::noai"], False),
    ],
)  # fmt: skip
def test_x_robots_tag(headers: list[str], *, noai: bool) -> None:
    """Lists, several headers, prefixes and dates with commas and colons."""
    assert ("noai" in robots_directives(headers, "deepstyle")) == noai


def test_a_redirect_may_reserve_what_it_leads_to() -> None:
    """A noai or TDM reservation of the answer that sends on holds for the picture; noindex is about the address alone."""
    said = {"noai": {"X_Robots_Tag": "noai"}, "tdm": {"TDM_Reservation": "1"}, "noindex": {"X_Robots_Tag": "noindex"}}

    def hop(exchange: Exchange) -> None:
        exchange.send(b"", "text/html", 302, Location="/a.jpg", **said[exchange.path[1:]])

    with serve({"/a.jpg": photo(1), **{f"/{name}": hop for name in said}}) as site:
        outcomes = {name: fetch(f"{site.url}/{name}", "image").outcome for name in said}
        assert outcomes == {"noai": "noai", "tdm": "noai", "noindex": "ok"}
        assert site.hits["/a.jpg"] == 1


def test_retry_after_is_waited_for() -> None:
    """A 429 pauses the host as long as it asks, then the same URL is tried again."""
    times: list[float] = []

    def busy(x: Exchange) -> None:
        times.append(time.monotonic())
        x.send(status=429, Retry_After="1") if len(times) == 1 else x.send(photo(1), "image/jpeg")

    with serve({"/a.jpg": busy}) as site:
        answer = fetch(site.url + "/a.jpg")

    assert answer.outcome == "ok"
    assert times[1] - times[0] >= 1


def test_a_host_that_asks_for_too_long_a_wait_is_left_alone() -> None:
    """Beyond max_retry_wait a URL is not asked again; when its host keeps saying so, no URL of it is."""
    with serve({"/a.jpg": lambda x: x.send(status=503, Retry_After="3600"), "/b.jpg": photo(1)}) as site:
        with Fetcher(config(retries=3)) as fetcher:
            assert fetcher.get(site.url + "/a.jpg", "image").outcome == "host-busy"
            assert fetcher.get(site.url + "/b.jpg", "image").outcome == "ok"
            for number in range(KEEPS):
                assert fetcher.get(f"{site.url}/a.jpg?{number}", "image").outcome == "host-busy"
            assert fetcher.get(site.url + "/b.jpg?2", "image").outcome == "host-busy"

        assert (site.hits["/a.jpg"], site.hits["/b.jpg?2"]) == (1, 0)


def test_retry_after_values() -> None:
    """Seconds and HTTP dates are understood, anything else is not."""
    assert retry_after("120", 0) == 120
    assert retry_after(formatdate(1_000_060, usegmt=True), 1_000_000) == 60
    assert retry_after(formatdate(10, usegmt=True), 1_000_000) == 0
    assert [retry_after(text, 0) for text in (None, "", "soon", "-5")] == [None] * 4


def test_a_server_error_is_retried_with_growing_waits() -> None:
    """500, 502, 503, 504 are tried again; the last status is the outcome; a 404 is final."""
    slept: list[float] = []
    with serve({"/a.jpg": lambda x: x.send(status=500)}) as site:
        with Fetcher(config(retries=3), sleep=slept.append) as fetcher:
            assert fetcher.get(site.url + "/a.jpg", "image").outcome == "http-500"
            assert fetcher.get(site.url + "/none.jpg", "image").outcome == "http-404"

        assert site.hits["/a.jpg"] == 4
        assert site.hits["/none.jpg"] == 1
    waits = [wait for wait in slept if wait > 0.1]
    assert len(waits) == 3
    assert waits == sorted(waits)


def test_one_rate_and_crawl_delay_a_host() -> None:
    """Slots are a fixed interval apart, whatever thread asks; a Crawl-delay or Request-rate widens it."""
    now, slept = [0.0], list[float]()
    pace = Pace(0.25, longest=60, clock=lambda: now[0], sleep=slept.append)
    assert all(pace.wait("h") for _ in range(3))
    assert slept == [0.25, 0.5]
    assert pace.wait("other")
    assert len(slept) == 2
    assert read_robots(b"User-agent: *\nCrawl-delay: 2.5\n", "deepstyle/1").delay == 2.5
    assert read_robots(b"User-agent: *\nRequest-rate: 1/10\n", "deepstyle/1").delay == 10
    assert product_token("DeepStyle/0.1 (+https://github.com/x)") == "deepstyle"


@pytest.mark.parametrize("name", ["DeepStyle", "deepstyle/0.1", "deepstyle/*", "deepstyle (+https://a.example)",
                                  "GPTBot, deepstyle", '"deepstyle"', "deepstyle*", "deepstyle # a comment"])  # fmt: skip
def test_a_group_is_ours_however_the_site_writes_our_name(name: str) -> None:
    """With a version, in quotes or in a row of names: its rules hold for us, and those for all do not."""
    refused = read_robots(f"User-agent: {name}\r\nDisallow: /\r\n".encode(), "deepstyle/0.1 (+https://b.example)")
    assert not refused.allows("http://a.example/1.jpg")
    text = f"User-Agent: other\nuser-agent:{name}\nDisallow: /x\n\nUser-agent: *\nDisallow: /\n"
    allowed = read_robots(text.encode(), "deepstyle/0.1")
    assert allowed.allows("http://a.example/1.jpg")
    assert not allowed.allows("http://a.example/x")


@pytest.mark.parametrize("name", ["deepstylebot", "deepstyle-images", "other/deepstyle", "my deepstyle"])
def test_a_group_of_another_is_not_ours(name: str) -> None:
    """A longer name, and ours in what stands behind another's, address another."""
    assert read_robots(f"User-agent: {name}\nDisallow: /\n".encode(), "deepstyle/0.1").allows("http://a.example/1.jpg")


def test_the_longest_pause_is_waited_for() -> None:
    """A pause of exactly ``longest`` is slept through, a longer one is refused; a pause that is over costs nothing."""
    now, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(0.5, longest=60, clock=lambda: now[0], sleep=sleep)
    pace.pause("h", 60)
    assert pace.wait("h")
    assert slept == [60]
    pace.pause("h", 60.5)
    assert not pace.wait("h")
    assert slept == [60]
    now[0] += 60.5
    assert pace.wait("h")
    assert slept == [60]
    pace.pause("h", 5)
    pace.pause("h", 1)
    assert pace.wait("h")
    assert slept == [60, 5]


def test_redirects_are_followed_and_checked_at_each_hop() -> None:
    """Hops obey robots.txt, the scheme and the address guard; circles end."""
    routes: Routes = {
        "/robots.txt": lambda x: x.send(b"User-agent: *\nDisallow: /no/", "text/plain"),
        "/ok": lambda x: x.send(status=302, Location="/a.jpg"),
        "/a.jpg": photo(1),
        "/robots": lambda x: x.send(status=301, Location="/no/a.jpg"),
        "/ftp": lambda x: x.send(status=302, Location="ftp://127.0.0.1/a.jpg"),
        "/bad": lambda x: x.send(status=302, Location="http://["),
        "/metadata": lambda x: x.send(status=302, Location="http://169.254.169.254/latest/"),
        "/loop": lambda x: x.send(status=302, Location="/loop?again"),
        "/long": lambda x: x.send(status=302, Location=f"/long?{x.path}x"),
    }
    wanted = {"ok": "ok", "robots": "robots", "ftp": "bad-url", "bad": "bad-url", "metadata": "private-address",
              "loop": "too-many-redirects", "long": "too-many-redirects"}  # fmt: skip
    with serve(routes) as site:
        with Fetcher(config()) as fetcher:
            answers = {name: fetcher.get(f"{site.url}/{name}", "image") for name in wanted}

        assert {name: one.outcome for name, one in answers.items()} == wanted
        assert answers["ok"].final_url == site.url + "/a.jpg"
        assert site.hits["/no/a.jpg"] == 0


def test_urls_that_cannot_be_fetched() -> None:
    """No http URL, no such host, nobody listening."""
    urls = {"ftp://a.example/": "bad-url", "http://[": "bad-url", "http://no-such-host.invalid/": "connection",
            "http://127.0.0.1:9/": "connection"}  # fmt: skip
    assert {url: fetch(url, retries=0).outcome for url in urls} == urls


def test_pages_are_only_downloaded_when_they_are_text() -> None:
    """A link that leads to a picture or a film is told by its type; its body is not read."""
    with serve({"/a": photo(1), "/b": lambda x: x.send(b"x", "video/mp4")}) as site:
        assert [fetch(site.url + path, "page").outcome for path in ("/a", "/b")] == ["image", "not-page"]


def test_a_stopped_fetcher_answers_at_once() -> None:
    """Ctrl-C must not wait for a slow server's deadline."""
    with serve({"/a.jpg": photo(1)}) as site, Fetcher(config()) as fetcher:
        fetcher.stop()
        assert fetcher.get(site.url + "/a.jpg", "image").outcome == "stopped"


def test_a_redirect_back_is_followed_once_where_a_cookie_was_set() -> None:
    """As pages do that ask for consent; without a cookie, or with the same one again, it is a loop."""

    def gallery(x: Exchange) -> None:
        if "seen=1" in (x.headers["Cookie"] or ""):
            x.send(page("looks"))
        else:
            x.send(status=302, Location="/consent")

    def stubborn(x: Exchange) -> None:
        x.send(status=302, Location="/stubborn", Set_Cookie="never=enough")

    routes: Routes = {
        "/gallery": gallery,
        "/consent": lambda x: x.send(status=302, Location="/gallery", Set_Cookie="seen=1; Path=/"),
        "/stubborn": stubborn,
        "/plain": lambda x: x.send(status=302, Location="/plain"),
    }
    with serve(routes) as site:
        assert fetch(site.url + "/gallery", "page").outcome == "ok"
        assert fetch(site.url + "/stubborn", "page").outcome == "too-many-redirects"
        assert fetch(site.url + "/plain", "page").outcome == "too-many-redirects"
        assert (site.hits["/stubborn"], site.hits["/plain"]) == (2, 1)
