"""Going on: limits, a busy host, Ctrl-C and kill -9; the same call continues and nothing is done twice."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from loopback import Exchange, Route, Routes, Site, page, photo, serve
from test_scrape import crawl, img, photos, taken

from deepstyle.catalog import Catalog
from deepstyle.scraper.settling import MANY

PATIENCE = 300  # seconds that the machine may take for anything, busy as it is


def test_limits_and_going_on(tmp_path: Path) -> None:
    """max_photos and max_pages stop a crawl that a larger limit continues, without asking for anything twice."""
    routes: Routes = {f"/{n}": page(img(f"/{n}.jpg"), f'<a href="/x{n + 1}">n</a>') for n in range(1)}
    routes |= {f"/x{n}": page(img(f"/x{n}.jpg"), f'<a href="/x{n + 1}">n</a>') for n in range(1, 7)}
    routes |= photos("/0.jpg", *(f"/x{n}.jpg" for n in range(1, 7)))
    with serve(routes) as site:
        say = io.StringIO()
        assert crawl(tmp_path, site.url + "/0", max_pages=3, say=say).pages == 3
        assert "max_pages=3" in say.getvalue()
        assert crawl(tmp_path, site.url + "/0", max_photos=4, connections=1, say=say).kept == 4
        assert "max_photos=4" in say.getvalue()
        assert crawl(tmp_path, site.url + "/0").kept == 7
        rules = {"/robots.txt", "/.well-known/tdmrep.json"}  # a host's rules are read in each call
        assert {path: n for path, n in site.hits.items() if n > 1 and path not in rules} == {}


def test_what_another_scrape_found_is_not_put_down_to_a_limit(tmp_path: Path) -> None:
    """Pages that another process has queued in the same crawl are left to it, and the words say so."""

    def meanwhile(x: Exchange) -> None:
        with Catalog(tmp_path) as catalog:
            catalog.open_crawl(catalog.newest_start() or "").queue_page(f"{site.url}/more", parent=None, depth=1)
        x.send(photo(1), "image/jpeg")

    say = io.StringIO()
    with serve(
        {"/": page(img("/a.jpg")), "/a.jpg": meanwhile, "/more": page(img("/b.jpg")), **photos("/b.jpg")}
    ) as site:
        crawl(tmp_path, site.url, say=say)
        assert "max_pages" not in say.getvalue()
        assert "found by another `scrape` of this crawl; run the same command again" in say.getvalue()
        assert crawl(tmp_path, site.url).kept == 2


def test_a_finished_crawl_asks_nothing_and_fresh_asks_for_pages_only(tmp_path: Path) -> None:
    """Again: no request, and it says so. --fresh: pages are visited, kept photos are not downloaded again."""
    routes: Routes = {"/": page(img("/a.jpg", "/b.jpg")), **photos("/a.jpg", "/b.jpg")}
    with serve(routes) as site:
        first = crawl(tmp_path, site.url)
        before, say = dict(site.hits), io.StringIO()
        again = crawl(tmp_path, site.url, say=say)
        assert dict(site.hits) == before
        assert "complete already" in say.getvalue()
        assert again.outcomes == first.outcomes == {"kept": 2}

        routes["/"] = page(img("/a.jpg", "/c.jpg"))
        routes["/c.jpg"] = photo(99)
        renewed = crawl(tmp_path, site.url, fresh=True)
        assert renewed.outcomes == {"kept": 2}
        assert (site.hits["/"], site.hits["/a.jpg"], site.hits["/c.jpg"]) == (2, 1, 1)
    assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/c.jpg"}


def test_a_crawl_that_may_go_farther_than_before_does(tmp_path: Path) -> None:
    """A greater depth, a login or one more host: pages are visited again, kept photos are not; else nothing is asked."""
    names = ("/0.jpg", "/1.jpg", "/2.jpg")
    with serve({"/": page(img("/2.jpg"), '<a href="/never">x</a>'), **photos("/2.jpg")}) as other:
        women = page(img("/1.jpg"), f'<a href="{other.url}/">sister site</a>')
        routes: Routes = {"/": page(img("/0.jpg"), '<a href="/women">w</a>'), "/women": women, **photos(*names)}
        with serve(routes) as site:
            steps: list[tuple[dict[str, object], int]] = [
                ({"max_depth": 0}, 1),
                ({"max_depth": 1}, 2),
                ({"max_depth": 1}, 2),
                ({"max_depth": 0}, 2),
                ({"also_hosts": (other.url,)}, 3),
                ({"headers": {"Authorization": "Bearer x"}}, 3),
            ]
            for changes, kept in steps:
                crawl(tmp_path, site.url, fresh=False, say=None, **changes)
                assert len(taken(tmp_path)) == kept
            assert (site.hits["/"], site.hits["/women"], site.hits["/0.jpg"], site.hits["/1.jpg"]) == (4, 3, 1, 1)


def test_a_busy_host_leaves_the_rest_for_later(tmp_path: Path) -> None:
    """What asks to be left alone for longer than max_retry_wait is left for the next call, which finishes."""
    routes: Routes = {"/": page(img("/a.jpg", "/b.jpg")), "/a.jpg": lambda x: x.send(status=429, Retry_After="900"),
                      **photos("/b.jpg")}  # fmt: skip
    with serve(routes) as site:
        say = io.StringIO()
        first = crawl(tmp_path, site.url, connections=1, retries=1, say=say)
        assert first.outcomes == {"kept": 1, "queued": 1}
        assert "must wait" in say.getvalue()
        routes["/a.jpg"] = photo(5)
        assert crawl(tmp_path, site.url).outcomes == {"kept": 2}


KILLED = """
import signal, sys
from pathlib import Path
from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.progress import Reporter
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.scrape import scrape

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
config = ScrapeConfig(rate=500, allow_private=True, read_timeout=600, deadline=3600)
with Fetcher(config) as fetcher, Catalog(Path(sys.argv[1])) as catalog:
    scrape([sys.argv[2]], catalog, config, fetcher=fetcher, reporter=Reporter(quiet=True))
"""


class Gate:
    """Lets so many requests pass; the one after them waits, and with it whoever sent it, until the gate opens again."""

    def __init__(self) -> None:
        self._left, self._lock = 0, threading.Lock()
        self._opened = threading.Event()
        self.reached = threading.Event()
        self.open()

    def open(self) -> None:
        """Let everybody through."""
        self._left = 10**9
        self._opened.set()

    def close_after(self, count: int) -> None:
        """Let ``count`` more through."""
        self._opened.clear()
        self.reached.clear()
        self._left = count

    def wait(self) -> None:
        """Pass, or wait for the gate to open."""
        with self._lock:
            self._left -= 1
            shut = self._left < 0
        if shut:
            self.reached.set()
            self._opened.wait(PATIENCE)


def gallery(gate: Gate, site_photos: int = 120) -> Routes:
    """Ten pages of a dozen photos each behind the gate, thumbnails with detail pages on the odd ones."""

    def slow(body: bytes, kind: str) -> Route:
        def route(x: Exchange) -> None:
            gate.wait()
            x.send(body, kind)

        return route

    routes: Routes = {"/": page(*(f'<a href="/show/{k}">s</a>' for k in range(10)))}
    for k in range(10):
        here = [n for n in range(site_photos) if n % 10 == k]
        parts = [f'<a href="/look/{n}"><img src="/t/{n}.jpg"></a>' if k % 2 else img(f"/p/{n}.jpg") for n in here]
        routes[f"/show/{k}"] = slow(page(*parts), "text/html")
        routes |= {f"/look/{n}": slow(page(img(f"/p/{n}.jpg")), "text/html") for n in here if k % 2}
    routes |= {f"/p/{n}.jpg": slow(photo(n), "image/jpeg") for n in range(site_photos)}
    return routes


def start_scrape(site: Site, root: Path) -> subprocess.Popen[bytes]:
    """Scrape the site in another process."""
    paths = {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", KILLED, str(root), site.url + "/"]
    return subprocess.Popen(command, env=os.environ | paths, stderr=subprocess.DEVNULL)


def kill_in_the_middle(site: Site, gate: Gate, root: Path, after: int) -> None:
    """Start a scrape in another process and kill it while it waits for the answer after ``after`` more."""
    gate.close_after(after)
    process = start_scrape(site, root)
    try:
        assert gate.reached.wait(PATIENCE)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        gate.open()


def test_kill_nine_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """After two kills the same call ends with every photo; only what was in flight is asked for again."""
    gate = Gate()
    with serve(gallery(gate)) as site:
        for after in (20, 90):
            kill_in_the_middle(site, gate, tmp_path, after)
        summary = crawl(tmp_path, site.url + "/")

        assert taken(tmp_path) == {f"/p/{n}.jpg" for n in range(120)}
        assert (summary.kept, summary.failed) == (120, 0)
        assert json.loads(json.dumps(summary.outcomes)) == {"kept": 120, "thumbnail": 60}
        again = sum(count - 1 for path, count in site.hits.items() if path != "/robots.txt")
        assert again <= 2 * (
            4 + MANY + 4
        )  # two kills; four connections, what waits for the disk, and answers on their way there
        assert not any(path.startswith("/t/") for path in site.hits)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C until the process ends, long before its read_timeout: Python drops one that comes within a destructor."""
    for _ in range(PATIENCE // 30):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
            return
    process.kill()
    raise AssertionError("it waits for the servers")


def test_ctrl_c_does_not_wait_for_slow_servers(tmp_path: Path) -> None:
    """An interrupt ends the downloads in flight at once; they stay queued for the same call later."""

    def silent(x: Exchange) -> None:
        x.site.closing.wait(PATIENCE)

    routes: Routes = {"/": page(img("/a.jpg", "/b.jpg")), "/a.jpg": silent, "/b.jpg": silent}
    with serve(routes) as site:
        with start_scrape(site, tmp_path) as process:
            end = time.monotonic() + PATIENCE
            while not (site.hits["/a.jpg"] and site.hits["/b.jpg"]) and time.monotonic() < end:
                time.sleep(0.01)
            interrupt(process)
        routes |= photos("/a.jpg", "/b.jpg")

        assert crawl(tmp_path, site.url).outcomes == {"kept": 2}


def test_what_failed_while_a_server_was_down_is_asked_for_by_the_same_command(tmp_path: Path) -> None:
    """Photos and pages that got no answer come with the next call; what is gone or good is not asked for again."""
    down = True

    def shaky(body: bytes, kind: str) -> Route:
        return lambda x: x.send(status=503) if down else x.send(body, kind)

    routes: Routes = {
        "/": page(img("/a.jpg", "/b.jpg", "/gone.jpg"), '<a href="/2">2</a>'),
        "/2": shaky(page(img("/c.jpg")), "text/html"),
        "/b.jpg": shaky(photo(2), "image/jpeg"),
        **photos("/a.jpg", "/c.jpg"),
    }
    with serve(routes) as site:
        say = io.StringIO()
        crawl(tmp_path, site.url, say=say)
        assert taken(tmp_path) == {"/a.jpg"}
        assert "2 pages and photos failed" in say.getvalue()
        down = False
        summary = crawl(tmp_path, site.url)

        assert taken(tmp_path) == {"/a.jpg", "/b.jpg", "/c.jpg"}
        assert summary.outcomes == {"kept": 3, "http-404": 1}
        assert (site.hits["/"], site.hits["/a.jpg"], site.hits["/gone.jpg"], site.hits["/b.jpg"]) == (1, 1, 1, 2)
        before = site.hits.total()
        crawl(tmp_path, site.url)
        assert site.hits.total() == before
