"""When what is asked of which host: URLs wait by themselves, hosts take turns, scrapes of one workspace keep one rate."""

from __future__ import annotations

import io
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.config import ScrapeConfig
from deepstyle.errors import StorageError
from deepstyle.scraper import ledger, loop
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.pace import Pace
from deepstyle.scraper.patience import DOUBT, GIVE_UP, Doubts
from deepstyle.scraper.take import Errand
from deepstyle.scraper.together import SharedSlots


def busy_photos(times: int, count: int, wait: str) -> Routes:
    """Photos that answer 503 with Retry-After so many times before they come."""
    asked: Counter[str] = Counter()
    lock = threading.Lock()
    found = photos(*(f"/p{n}.jpg" for n in range(count)))

    def route(x: Exchange) -> None:
        with lock:
            asked[x.path] += 1
            again = asked[x.path] <= times
        body = found[x.path]
        assert isinstance(body, bytes)
        x.send(status=503, Retry_After=wait) if again else x.send(body, "image/jpeg")

    return {"/": page(img(*found)), **dict.fromkeys(found, route)}


def test_each_photo_waits_by_itself(tmp_path: Path) -> None:
    """Of 30 photos that each answer 503 with Retry-After: 1 twice all are kept, with three requests each."""
    with serve(busy_photos(2, 30, "1")) as site:
        summary = crawl(tmp_path, site.url, connections=8, retries=3)

        assert summary.outcomes == {"kept": 30}
        assert {site.hits[f"/p{n}.jpg"] for n in range(30)} == {3}


def test_one_busy_photo_does_not_hold_its_host(tmp_path: Path) -> None:
    """A 503 with Retry-After: 300 is about its URL: the others come, and a later call asks for it again."""
    routes: Routes = {"/": page(img("/busy.jpg", "/a.jpg", "/b.jpg")), **photos("/a.jpg", "/b.jpg")}
    routes["/busy.jpg"] = lambda x: x.send(status=503, Retry_After="300")
    with serve(routes) as site:
        say = io.StringIO()
        assert crawl(tmp_path, site.url, connections=1, retries=3, say=say).outcomes == {"kept": 2, "queued": 1}
        assert "must wait" in say.getvalue()
        routes["/busy.jpg"] = photo(5)
        assert crawl(tmp_path, site.url).outcomes == {"kept": 3}


def test_a_page_that_is_busy_waits_by_itself(tmp_path: Path) -> None:
    """A page's 503 costs the pages after it nothing; it is asked again, and is busy for as long as these have to wait."""
    asked: list[str] = []

    def route(x: Exchange) -> None:
        asked.append(x.path)
        busy = x.path == "/1" and (asked.count("/1") == 1 or "/2" not in asked)
        x.send(status=503, Retry_After="1") if busy else x.send(page(img(f"{x.path}.jpg")))

    routes: Routes = {"/": page('<a href="/1">1</a><a href="/2">2</a>'), "/1": route, "/2": route}
    with serve({**routes, **photos("/1.jpg", "/2.jpg")}) as site:
        assert crawl(tmp_path, site.url, retries=20).kept == 2

    assert asked[0] == asked[-1] == "/1"
    assert asked.count("/2") == 1


def test_slow_hosts_do_not_starve_another(tmp_path: Path) -> None:
    """Five hosts that hold all their connections leave the sixth its own: its photos come first."""
    fast_done = threading.Event()
    order: list[str] = []

    def slow(x: Exchange) -> None:
        fast_done.wait(60)
        order.append("slow")
        x.send(photo(hash(x.site.url + x.path) % 2**31), "image/jpeg")

    def fast(x: Exchange) -> None:
        order.append("fast")
        if order.count("fast") == 4:
            fast_done.set()
        x.send(photo(ord(x.path[1])), "image/jpeg")

    with ExitStack() as stack:
        names = [f"/{letter}.jpg" for letter in "abcd"]
        hosts = [
            stack.enter_context(serve({"/": page(img(*names)), **dict.fromkeys(names, slow)})).url for _ in range(5)
        ]
        quick = stack.enter_context(serve({"/": page(img(*names)), **dict.fromkeys(names, fast)})).url
        summary = crawl(tmp_path, *hosts, quick)

    assert summary.kept + summary.duplicates == 6 * 4
    assert order[:4] == ["fast"] * 4


def test_hosts_whose_robots_txt_is_slow_do_not_hold_another(tmp_path: Path) -> None:
    """Three start pages whose robots.txt does not come leave the fourth its own; sitemaps that it names are still read."""
    fast_done = threading.Event()
    order: list[str] = []

    def slow(x: Exchange) -> None:
        fast_done.wait(20)
        order.append("slow")
        x.send(status=404)

    def fast(x: Exchange) -> None:
        order.append("fast")
        fast_done.set()
        x.send(photo(1), "image/jpeg")

    with ExitStack() as stack:
        routes: Routes = {"/": page(), "/robots.txt": slow}
        hosts = [stack.enter_context(serve(routes)).url for _ in range(3)]
        quick = stack.enter_context(serve({"/": page(), "/2": page(img("/a.jpg")), "/a.jpg": fast}))
        quick.routes["/robots.txt"] = f"User-agent: *\nDisallow:\nSitemap: {quick.url}/s.txt\n".encode()
        quick.routes["/s.txt"] = lambda x: x.send(f"{quick.url}/2\n".encode(), "text/plain")
        summary = crawl(tmp_path, *hosts, quick.url)

    assert summary.kept == 1
    assert order == ["fast", "slow", "slow", "slow"]


def test_what_is_given_up_is_not_asked(tmp_path: Path) -> None:
    """After a folder's 24 errors, and nothing else, the rest of it costs no request; the reason is its outcome."""
    names = [f"/err/{n}.jpg" for n in range(GIVE_UP + 6)]
    routes: Routes = {"/": page(img("/a.jpg", *names)), **photos("/a.jpg")}
    with serve(routes | dict.fromkeys(names, lambda x: x.send(status=500))) as site:
        summary = crawl(tmp_path, site.url, connections=1)

    assert summary.outcomes == {"kept": 1, "http-500": GIVE_UP, "given-up": 6}
    assert summary.failed == GIVE_UP + 6


def test_a_site_whose_first_photos_fail_is_scraped(tmp_path: Path) -> None:
    """24 photos that never come, the first of all, and the later ones of their folder are asked for all the same."""
    bad, good = [f"/p/{n}.jpg" for n in range(24)], [f"/p/{n}.jpg" for n in range(24, 40)]
    routes: Routes = {"/": page(img(*bad, *good)), **photos(*good)}
    with serve(routes | dict.fromkeys(bad, lambda x: x.send(status=503))) as site:
        summary = crawl(tmp_path, site.url)

    assert summary.outcomes == {"kept": 16, "http-503": 24}


def test_photos_that_failed_while_a_site_was_down_are_asked_for_again(tmp_path: Path) -> None:
    """A folder's first photos fail, with their repeats; once another has come, they come, too."""
    asked: Counter[str] = Counter()
    found = photos(*(f"/p/{n}.jpg" for n in range(8)))

    def route(x: Exchange) -> None:
        with x.site.lock:
            asked[x.path] += 1
            down = asked.total() <= 10
        body = found[x.path]
        assert isinstance(body, bytes)
        x.send(status=503, Retry_After="0") if down else x.send(body, "image/jpeg")

    with serve({"/": page(img(*found)), **dict.fromkeys(found, route)}) as site:
        assert crawl(tmp_path, site.url, retries=1).outcomes == {"kept": 8}


def test_what_is_in_doubt_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long list of one folder that only fails, no more is lined up while a window of it waits in doubt."""
    for module, name, value in ((loop, "WINDOW", 8), (ledger, "WINDOW", 8), (ledger, "FEW", 2)):
        monkeypatch.setattr(module, name, value)
    most = [0]
    add = Doubts[Errand].add

    def counted(self: Doubts[Errand], *args: Any, **options: Any) -> None:
        add(self, *args, **options)
        most[0] = max(most[0], len(self))

    monkeypatch.setattr(Doubts, "add", counted)
    with serve({}) as site:
        (tmp_path / "list.txt").write_text("".join(f"{site.url}/p/{n}.jpg\n" for n in range(40)))
        summary = crawl(tmp_path / "w", str(tmp_path / "list.txt"))

    assert summary.outcomes == {"http-404": 40}
    assert most[0] <= 8 + 8 + 2


def test_what_only_fails_waits_for_the_rest(tmp_path: Path) -> None:
    """After a folder's first failures the others of it are asked for last, so that they hold nobody up."""
    bad, good = [f"/err/{n}.jpg" for n in range(12)], [f"/p/{n}.jpg" for n in range(12)]
    order: list[str] = []
    found = photos(*good)

    def route(x: Exchange) -> None:
        order.append(x.path)
        body = found.get(x.path)
        x.send(body, "image/jpeg") if isinstance(body, bytes) else x.send(status=404)

    with serve({"/": page(img(*bad, *good)), **dict.fromkeys(bad + good, route)}) as site:
        assert crawl(tmp_path, site.url, connections=1).outcomes == {"kept": 12, "http-404": 12}

    assert sum(path in bad for path in order[: order.index(good[-1])]) == DOUBT


def test_what_is_in_doubt_takes_one_connection_of_three(tmp_path: Path) -> None:
    """Where connections and not the rate hold a crawl up, less than half ask for what is in doubt meanwhile."""
    bad, good = [f"/err/{n}.jpg" for n in range(DOUBT + 4)], [f"/p/{n}.jpg" for n in range(40)]
    order: list[str] = []
    flying, most, found = [0], [0], photos(*good)

    def route(x: Exchange) -> None:
        with x.site.lock:
            order.append(x.path)
            flying[0] += x.path in bad[DOUBT:]
            most[0] = max(most[0], flying[0])
        time.sleep(0.05)
        with x.site.lock:
            flying[0] -= x.path in bad[DOUBT:]
        body = found.get(x.path)
        x.send(body, "image/jpeg") if isinstance(body, bytes) else x.send(status=404)

    names = [*bad[:DOUBT], *good[:8], *bad[DOUBT:], *good[8:]]
    with serve({"/": page(img(*names)), **dict.fromkeys(bad + good, route)}) as site:
        assert crawl(tmp_path, site.url, connections=3).outcomes == {"kept": 40, "http-404": len(bad)}

    assert set(order[: order.index(good[-1])]) & set(bad[DOUBT:])
    assert most[0] == 1


def test_two_scrapes_of_one_workspace_keep_one_rate(tmp_path: Path) -> None:
    """Whoever asks takes the host's next slot from one table; another host's is its own."""
    with closing(SharedSlots(tmp_path / ".pace")) as first, closing(SharedSlots(tmp_path / ".pace")) as second:
        waits = [one.take("a.example", 100.0) for one in (first, second, first, second)]
        assert second.take("b.example", 100.0) == 0
    assert waits == pytest.approx([0, 100, 200, 300], abs=90)
    with ExitStack() as stack:
        slots = [stack.enter_context(closing(SharedSlots(tmp_path / "w" / ".pace"))) for _ in range(2)]
        slept: list[float] = []
        paces = [Pace(100.0, longest=60, clock=lambda: 0.0, sleep=slept.append, slots=one) for one in slots]
        assert all(pace.wait("h") for pace in paces)
    assert slept == pytest.approx([100], abs=50)


def test_a_table_of_slots_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the workspace should be is named in the error."""
    (tmp_path / "w").write_bytes(b"")
    with pytest.raises(StorageError, match=r"\.pace: cannot be written"):
        SharedSlots(tmp_path / "w" / ".pace")


def test_a_name_server_that_does_not_answer_counts_in_the_deadline() -> None:
    """The lookup of a host's name ends with the time for connecting, whatever the system's resolver does."""
    ended = threading.Event()

    def silent(*_: object, **__: object) -> list[tuple[object, ...]]:
        ended.wait(60)
        return []

    config = ScrapeConfig.model_validate({"connect_timeout": 0.2, "retries": 0, "allow_private": True})
    started = time.monotonic()
    with Fetcher(config, resolve=silent) as fetcher:
        answer = fetcher.get("http://a.example/a.jpg", "image")
    assert answer.outcome == "timeout"
    assert time.monotonic() - started < 50
    ended.set()


def test_scrapes_leave_no_trace_beside_the_table(tmp_path: Path) -> None:
    """The crawl of the public function keeps its photos; the table of slots and two locks are the only new files."""
    from deepstyle.catalog import Catalog
    from deepstyle.progress import Reporter
    from deepstyle.scraper.scrape import scrape_urls

    with serve({"/": page(img("/a.jpg")), **photos("/a.jpg")}) as site, Catalog(tmp_path) as catalog:
        config = ScrapeConfig(rate=500, allow_private=True)
        scrape_urls([site.url], catalog, config, reporter=Reporter(quiet=True))
    assert taken(tmp_path) == {"/a.jpg"}
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} <= {
        ".pace",
        ".pace.lock",
        ".photos.lock",
    }


def test_pages_alone_wait_for_their_hosts_time(tmp_path: Path) -> None:
    """Where nothing is in flight and the host may not be asked yet, the crawl waits; it is not over."""
    routes: Routes = {"/": page('<a href="/look">one</a>'), "/look": page(img("/a.jpg")), **photos("/a.jpg")}
    with serve(routes) as site:
        assert crawl(tmp_path, site.url, rate=3).kept == 1
