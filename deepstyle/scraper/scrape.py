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

A crawl that is called again asks for what is left, and for what failed for a reason that may be over (``MAY_PASS``).

Worker threads fetch, parse and decode (``take.py``); only the main thread (``loop.py``) touches the catalog. A page's
outcome, its links and its listings are committed together, as are a photo's row, its fetch and its outcome.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from deepstyle.catalog import Catalog
from deepstyle.catalog_crawl import Crawl
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError
from deepstyle.files import shown
from deepstyle.progress import Reporter
from deepstyle.scraper.again import asking_again
from deepstyle.scraper.answer import RETRIED
from deepstyle.scraper.browser import Browser
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.frontier import Frontier
from deepstyle.scraper.ledger import Ledger
from deepstyle.scraper.loop import Loop
from deepstyle.scraper.reach import Reach
from deepstyle.scraper.sources import Sources, enlist, read_sources
from deepstyle.scraper.take import Render
from deepstyle.scraper.together import SharedSlots, taking_photos

# How pages and photos fail that a complete crawl, called again, asks for once more.
MAY_PASS = RETRIED | {"too-slow", "given-up"}
REMEDIES = {
    "private-address": "add --allow-private if this is your own server",
    "robots": "the site's robots.txt does not want it; ask its owner, or choose another start page",
    "crawl-delay": "the site's robots.txt wants more than an hour between two requests; ask its owner, or choose another",
    "noai": "the site reserves its content from AI use; choose another",
    "connection": "check the address and your network",
    "timeout": "try again later, or raise --set read_timeout=60",
    "too-slow": "try again later, or raise --set deadline=300",
    "host-busy": "the server asks to be left alone for a while; run the same command later",
    "http-401": "it wants a login: give your browser's --cookies, or --header 'Authorization: ...'",
    "http-403": "the site refuses it; if you see it in a browser with a login, give that browser's --cookies",
    "image": "this is a picture, not a page; give the page that shows it",
    "not-page": "this is not a web page; give the page that shows the pictures",
    "ok": "the page shows no pictures that can be found without running its scripts; try --render, or another page",
}


def remedy(outcome: str, config: ScrapeConfig) -> str:
    """What can be done about a start page that ended so, in words."""
    if config.proxy and outcome in {"connection", "timeout"}:
        return "check the proxy (--proxy), the address and your network"
    if config.render and outcome == "ok":
        return "the page shows no pictures; try another page of the site"
    return REMEDIES.get(outcome, "check the address")


@dataclass(frozen=True, kw_only=True)
class ScrapeSummary:
    """The whole crawl as the catalog records it, however many calls it took; ``seconds`` is the time of this call.

    ``found``: distinct image URLs, thumbnails of found pictures left out. ``near_duplicates`` are among ``kept`` unless
    ``drop_near``. ``failed``: pictures neither kept, duplicate, near duplicate, refused, too small, forgotten, nor still to do.
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
    page_outcomes: dict[str, int]


def scrape_urls(
    urls: Sequence[str], catalog: Catalog, config: ScrapeConfig, *, reporter: Reporter, fresh: bool = False
) -> ScrapeSummary:
    """``scrape`` over the network, with a Fetcher of its own; scrapes of one workspace keep one rate a host together."""
    with (
        taking_photos(catalog.root), closing(SharedSlots(catalog.root / ".pace")) as slots,
        Fetcher(config, slots=slots) as fetcher, rendering(fetcher) as render,
    ):  # fmt: skip
        return scrape(urls, catalog, config, fetcher=fetcher, reporter=reporter, fresh=fresh, render=render)


@contextmanager
def rendering(fetcher: Fetcher) -> Iterator[Render | None]:
    """A browser's ``render`` where the settings ask for one, else None. Raises UsageError where there is no browser."""
    if not fetcher.config.render:
        yield None
        return
    with Browser(fetcher) as browser:
        yield browser.render


def scrape(
    urls: Sequence[str], catalog: Catalog, config: ScrapeConfig, *, fetcher: Fetcher, reporter: Reporter,
    fresh: bool = False, look_only: bool = False, render: Render | None = None,
) -> ScrapeSummary:  # fmt: skip
    """Crawl the sites and lists of ``urls`` into the catalog, or go on with the crawl of the same that was interrupted.

    ``fresh`` starts a new crawl: pages are visited again, photos that are kept already are not downloaded again.
    ``look_only``: pages are visited, and of photos it is only noted what would become of them (``wanted``).
    ``render``: runs a page's scripts and gives its DOM.
    Raises UsageError for what is no http(s) URL and no list, InputError when the start pages gave nothing at all.
    """
    started = time.monotonic()
    sources = read_sources(urls)
    starts = list(sources.starts)
    fetcher.at_home(starts)
    fetcher.serve(sources.saved)
    fetcher.waits.say = reporter.say
    crawl = _opened(sources, catalog, config, reporter, fresh=fresh)
    if lost := crawl.requeue_lost():
        reporter.say(f"{lost:,} photos are gone from {catalog.root / 'photos'}; they are fetched again")
    if failed := crawl.requeue_failed(MAY_PASS):
        reporter.say(f"{failed:,} pages and photos failed for reasons that may be over; they are asked for again")
    frontier = Frontier(crawl, config, starts)
    _enlist(sources, crawl, frontier, fetcher, reporter)
    ledger = Ledger(catalog, crawl, config, frontier)
    loop = None
    with asking_again(ledger, fetcher, starts, reporter):
        if crawl.finished():
            reporter.say("this crawl is complete already; no photo was fetched (--fresh crawls again)")
        else:
            loop = Loop(starts, ledger, fetcher, reporter, look_only=look_only, render=render)
            loop.run()
    summary = summarise(crawl, started)
    if loop is None:
        return summary
    conclude(loop, summary)
    return summary


def _opened(sources: Sources, catalog: Catalog, config: ScrapeConfig, reporter: Reporter, *, fresh: bool) -> Crawl:
    """The crawl of these sources; a new one where it may go farther than the one that is there: links were left out of that."""
    crawl = catalog.open_crawl(sources.key, fresh=fresh)
    now = Reach.of(config, links=bool(sources.starts))
    before = Reach.read(catalog.reach(crawl))
    if before is not None and not now.within(before):
        reporter.say("the crawl may go farther than before: its pages are visited again")
        crawl = catalog.open_crawl(sources.key, fresh=True)
    if not crawl.finished():
        catalog.note_reach(crawl, now.text())
    return crawl


def _enlist(sources: Sources, crawl: Crawl, frontier: Frontier, fetcher: Fetcher, reporter: Reporter) -> None:
    """Take lists and saved pages into the catalog, and say what came of it."""
    if not sources.lists and not sources.saved.pages:
        return
    if sources.lists:
        reporter.say(f"reading {', '.join(map(shown, sources.lists))}")
    new, strange = enlist(sources, crawl, frontier, fetcher.at_home if fetcher.config.headers else None)
    reporter.say(f"{new:,} addresses are new" + (f"; rows without one: {strange:,}" if strange else ""))


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
        page_outcomes=crawl.page_outcomes(),
    )  # fmt: skip


def conclude(loop: Loop, summary: ScrapeSummary) -> None:
    """Close the crawl if it is complete; say what is missing if it is not. Raises InputError when nothing came."""
    failed = [
        (url, outcome)
        for url in loop.starts
        if (outcome := loop.ledger.crawl.page_outcome(url)) not in {"ok", "redirect"}
        and not (outcome == "image" and loop.ledger.crawl.listing_outcome(url))  # a picture's address: it was taken
    ]
    if summary.found == 0 and (failed or summary.pages):
        url, outcome = failed[0] if failed else (next(iter(loop.starts), "the list"), "ok")
        outcome = "host-busy" if outcome == "queued" else outcome
        loop.ledger.requeue(loop.starts)
        raise InputError(f"{url}: {outcome}, no picture found; {remedy(outcome, loop.config)}")
    for url, outcome in failed:
        loop.reporter.say(f"{url}: {outcome}; {remedy(outcome, loop.config)}")
    if loop.ledger.crawl.finish():
        again = sum(summary.outcomes.get(one, 0) + summary.page_outcomes.get(one, 0) for one in MAY_PASS)
        if again:
            loop.reporter.say(
                f"{again:,} pages and photos failed for reasons that may pass; the same command asks again"
            )
        return
    if loop.ledger.full():
        loop.reporter.say(f"stopped at max_photos={loop.config.max_photos}; a larger one goes on from here")
    elif loop.left:
        loop.reporter.say(f"{loop.left} pages or photos must wait, a host is busy; run the same command again later")
    elif loop.ledger.frontier.spent:
        loop.reporter.say(f"stopped at max_pages={loop.config.max_pages}; a larger one goes on from here")
    else:
        loop.reporter.say(
            "what is left was found by another `scrape` of this crawl; run the same command again when that has ended"
        )
