"""The crawl (loop): start pages -> pages -> photos in the catalog. The same call resumes; nothing done is done twice.

Outcomes of a photo, as ``listings.outcome`` (besides those of ``fetch.py``, such as robots, noai, http-404, too-large):
    kept            stored under its hash
    duplicate       the same bytes are in the catalog already
    near-duplicate  looks like a photo that is kept, and ``drop_near`` is on
    forgotten       `deepstyle forget` was told that it must never come back
    too-small       its shorter side has fewer than ``min_side`` pixels
    not-image, empty, broken, bomb    what ``images.py`` says of the bytes
    thumbnail       never fetched: the page it links to shows the picture itself
    deferred        a thumbnail that waits until the page it links to (``detail_url``) has been looked at
    queued          not done yet

Outcomes of a page: ``ok``, those of ``fetch.py``, and
    redirect  it leads to another page of the crawl
    off-site  it leads to another site
    trap      one of an endless series without new photos: not fetched

Worker threads fetch, parse and decode (``take.py``); only the main thread touches the catalog. A page's outcome, its
links and its listings are committed together, as are a photo's row, its fetch and its outcome.
"""

from __future__ import annotations

import os
import shlex
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from deepstyle.catalog import Catalog
from deepstyle.catalog_crawl import Crawl
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError, UsageError
from deepstyle.files import shown
from deepstyle.progress import Reporter, Task
from deepstyle.scraper.again import ask_again, name_reserved
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.frontier import Frontier, Waiting
from deepstyle.scraper.ledger import Ledger
from deepstyle.scraper.take import Taken, Visit, take, visit
from deepstyle.scraper.urls import host, normalise

AGAIN = frozenset({"stopped", "host-busy"})  # not an outcome of the page or photo: it stays queued
MAX_WORKERS = 32
REMEDIES = {
    "private-address": "add --allow-private if this is your own server",
    "robots": "the site's robots.txt does not want it; ask its owner, or choose another start page",
    "noai": "the site reserves its content from AI use; choose another",
    "connection": "check the address and your network",
    "timeout": "try again later, or raise --set read_timeout=60",
    "too-slow": "try again later, or raise --set deadline=300",
    "host-busy": "the server asks to be left alone for a while; run the same command later",
    "image": "this is a picture, not a page; give the page that shows it",
    "not-page": "this is not a web page; give the page that shows the pictures",
    "ok": "the page shows no pictures that can be found without running its scripts; try another page of the site",
}


@dataclass(frozen=True, kw_only=True)
class ScrapeSummary:
    """The whole crawl as the catalog records it, however many calls it took; ``seconds`` is the time of this call.

    ``found``: distinct image URLs, thumbnails of found pictures left out. ``near_duplicates`` are among ``kept`` unless
    ``drop_near``. ``failed``: neither kept, duplicate, near duplicate, refused, too small, forgotten, nor still to do.
    """

    pages: int
    found: int
    kept: int
    duplicates: int
    near_duplicates: int
    refused_robots: int
    refused_noai: int
    too_small: int
    forgotten: int
    failed: int
    seconds: float
    outcomes: dict[str, int]


def scrape_urls(
    urls: Sequence[str], catalog: Catalog, config: ScrapeConfig, *, reporter: Reporter, fresh: bool = False
) -> ScrapeSummary:
    """``scrape`` over the network, with a Fetcher of its own."""
    with Fetcher(config) as fetcher:
        return scrape(urls, catalog, config, fetcher=fetcher, reporter=reporter, fresh=fresh)


def scrape(
    urls: Sequence[str], catalog: Catalog, config: ScrapeConfig, *, fetcher: Fetcher, reporter: Reporter,
    fresh: bool = False,
) -> ScrapeSummary:  # fmt: skip
    """Crawl the sites of ``urls`` into the catalog, or go on with the crawl of the same URLs that was interrupted.

    ``fresh`` starts a new crawl: pages are visited again, photos that are kept already are not downloaded again.
    Raises UsageError for a URL that is no http(s) URL, InputError when the start pages gave nothing at all.
    """
    started = time.monotonic()
    starts = [checked(url) for url in dict.fromkeys(urls)]
    if not starts:
        raise UsageError("URL: give the address of a gallery, e.g. https://a-gallery.example/fall-2026/")
    crawl = catalog.open_crawl(" ".join(starts), fresh=fresh)
    if lost := crawl.requeue_lost():
        reporter.say(f"{lost:,} photos are gone from {catalog.root / 'photos'}; they are fetched again")
    ledger = Ledger(catalog, crawl, config, Frontier(crawl, config, starts))
    ask_again(ledger, fetcher, starts, reporter)
    if crawl.finished():
        reporter.say("this crawl is complete already; no photo was fetched (--fresh crawls again)")
        return summarise(crawl, started)
    loop = _Crawl(starts, ledger, fetcher, reporter)
    loop.run()
    name_reserved(ledger, reporter)
    summary = summarise(crawl, started)
    loop.conclude(summary)
    return summary


def checked(url: str) -> str:
    """The URL in normal form. Raises UsageError when it is not an http or https URL."""
    normal = normalise(url)
    if not normal:
        path = url.removeprefix("file://")
        if os.path.lexists(path):
            raise UsageError(
                f"URL {shown(url)}: a place on this machine; use `deepstyle add {shlex.quote(shown(path))}`"
            )
        hint = f"write https://{url.strip()}" if "://" not in url else "it must start with http:// or https://"
        raise UsageError(f"URL {shown(url)!r}: not a web address; {hint}")
    return normal


def summarise(crawl: Crawl, started: float) -> ScrapeSummary:
    """Count the crawl's rows; ``started`` on the monotonic clock."""
    counts = Counter(crawl.outcomes())
    named = ("kept", "duplicate", "near-duplicate", "robots", "noai", "too-small", "forgotten", "thumbnail", "deferred",
             "queued")  # fmt: skip
    return ScrapeSummary(
        pages=crawl.pages_read(),
        found=counts.total() - counts["thumbnail"], kept=counts["kept"], duplicates=counts["duplicate"],
        near_duplicates=crawl.near_duplicates(), refused_robots=counts["robots"], refused_noai=counts["noai"],
        too_small=counts["too-small"], forgotten=counts["forgotten"], failed=counts.total() - sum(counts[name] for name in named),
        seconds=time.monotonic() - started, outcomes=dict(counts),
    )  # fmt: skip


class _Crawl:
    """The main thread's side: hands work to the pool and results to the ledger."""

    def __init__(self, starts: list[str], ledger: Ledger, fetcher: Fetcher, reporter: Reporter) -> None:
        self.starts, self.ledger, self.fetcher, self.reporter = starts, ledger, fetcher, reporter
        self.config = ledger.config
        self.left = 0  # pages and photos that must be asked for again later
        self.images: Counter[str] = Counter()  # host -> photos in flight
        self.flying: dict[Future[Any], str] = {}  # photo -> its URL
        self.pages: deque[tuple[Waiting, Future[Visit]]] = deque()  # in the order in which they are applied

    def run(self) -> None:
        """Work until nothing is left, or a limit is reached."""
        pool = ThreadPoolExecutor(min(MAX_WORKERS, 4 * self.config.connections), thread_name_prefix="deepstyle-scrape")
        try:
            if not self.ledger.crawl.begun():
                self.ledger.begin(self.starts, {url: self.fetcher.sitemaps(url) for url in self.starts})
            with self.reporter.task("scrape", total=self.ledger.listed, unit="images") as task:
                task.advance(self.ledger.listed - self.ledger.waiting)
                while self._submit(pool):
                    running = [*self.flying, *(future for _, future in self.pages if not future.done())]
                    if not self.pages or not self.pages[0][1].done():
                        wait(running, return_when=FIRST_COMPLETED)
                    self._collect(task)
        except BaseException:
            self.fetcher.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self.ledger.log_robots(self.fetcher.log)

    def _submit(self, pool: ThreadPoolExecutor) -> bool:
        """Fill the free connections of each host; False when nothing is in flight and nothing left to do."""
        if self.ledger.full():
            return bool(self.pages)  # what has been asked for is recorded
        config, busy = self.config, Counter(self.images)
        busy.update(host(entry.url) for entry, _ in self.pages)
        reserve = 1 if config.connections > 1 and len(self.ledger.frontier) else 0  # pages must not wait for photos
        for name, queue in self.ledger.photos.items():
            reserved = max(0, reserve - sum(host(entry.url) == name for entry, _ in self.pages))
            while queue and busy[name] + reserved < config.connections and self._room(busy):
                url = queue.popleft()
                self.flying[
                    pool.submit(take, self.fetcher, self.ledger.listing(url), config, self.ledger.shelf.known)
                ] = url
                self.images[name] += 1
                busy[name] += 1
        ahead = reserve if self.images.total() else config.connections
        while len(self.pages) < ahead and busy.total() < MAX_WORKERS:
            entry = self.ledger.frontier.next()
            if entry is None:
                break
            self.pages.append((entry, pool.submit(visit, self.fetcher, entry.url)))
            busy[host(entry.url)] += 1
        if not self.flying and not self.pages:
            return self.left == 0 and self.ledger.release_all()
        return True

    def _room(self, busy: Counter[str]) -> bool:
        """Whether one more photo may be asked for: a worker is free, and ``max_photos`` would not be passed."""
        limit = self.config.max_photos
        wanted = limit is None or self.ledger.kept + len(self.flying) < limit
        return wanted and busy.total() < MAX_WORKERS

    def _collect(self, task: Task) -> None:
        """Take what the pool has finished to the ledger: photos as they come, pages in their order."""
        self.ledger.log_robots(self.fetcher.log)
        for future in [one for one in self.flying if one.done()]:
            url = self.flying.pop(future)
            self.images[host(url)] -= 1
            taken: Taken = future.result()
            if taken.outcome in AGAIN:
                self.left += 1
            else:
                self.ledger.photo(url, taken)
                task.advance(1, total=self.ledger.listed, note=f"{self.ledger.kept:,} kept")
        while self.pages and self.pages[0][1].done():
            entry, page = self.pages.popleft()
            if page.result().answer.outcome in AGAIN:
                self.left += 1
            else:
                self.ledger.page(entry, page.result())

    def conclude(self, summary: ScrapeSummary) -> None:
        """Close the crawl if it is complete; say what is missing if it is not. Raises InputError when nothing came."""
        failed = [
            (url, outcome)
            for url in self.starts
            if (outcome := self.ledger.crawl.page_outcome(url)) not in {"ok", "redirect"}
        ]
        if summary.found == 0 and (failed or summary.pages):
            url, outcome = failed[0] if failed else (self.starts[0], "ok")
            outcome = "host-busy" if outcome == "queued" else outcome
            self.ledger.requeue(self.starts)
            raise InputError(f"{url}: {outcome}, no picture found; {REMEDIES.get(outcome, 'check the address')}")
        for url, outcome in failed:
            self.reporter.say(f"{url}: {outcome}; {REMEDIES.get(outcome, 'check the address')}")
        if self.ledger.crawl.finish():
            return
        if self.ledger.full():
            self.reporter.say(f"stopped at max_photos={self.config.max_photos}; a larger one goes on from here")
        elif self.left:
            self.reporter.say(
                f"{self.left} pages or photos must wait, a host is busy; run the same command again later"
            )
        else:
            self.reporter.say(f"stopped at max_pages={self.config.max_pages}; a larger one goes on from here")
