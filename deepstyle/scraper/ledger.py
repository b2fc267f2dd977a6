"""What the crawl knows and writes (loop): results of the workers -> rows of the catalog, each step one transaction.

It is apart from ``scrape.py``, which schedules: here is what a result means.
A thumbnail that links to a page of the site waits for that page (``Crawl.defer_listing``). It is dropped when the page
shows a picture of its own (its og:image, or one that the thumbnail's page does not show as well), whatever becomes of that
picture, and when robots.txt or noai refuse the page. It is taken when the page fails otherwise or shows none.
A picture that a sitemap or feed names for a page of the crawl waits for that page, too: it is taken unless the page is refused.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from queue import SimpleQueue

from deepstyle.catalog import Catalog
from deepstyle.catalog_crawl import Crawl
from deepstyle.catalog_rights import ASKED
from deepstyle.config import ScrapeConfig
from deepstyle.records import Listing
from deepstyle.scraper.agenda import Agenda
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.candidates import decodable
from deepstyle.scraper.details import Series, to_list
from deepstyle.scraper.frontier import Frontier, Waiting
from deepstyle.scraper.hosts import missing
from deepstyle.scraper.keep import to_keep, worth_keeping
from deepstyle.scraper.manners import MAX_ROBOTS
from deepstyle.scraper.pages import Page
from deepstyle.scraper.settling import Settling
from deepstyle.scraper.shelf import Placed, Shelf
from deepstyle.scraper.take import Errand, Taken, Visit
from deepstyle.scraper.urls import host, hosts_of, origin, page_key

REFUSED = frozenset({"robots", "noai"})
WINDOW, FEW = 20_000, 5_000  # pictures lined up at a time, and how few are left then


class Ledger:
    """One crawl's state, in the catalog and in memory. Only the main thread may use it."""

    def __init__(self, catalog: Catalog, crawl: Crawl, config: ScrapeConfig, frontier: Frontier) -> None:
        self.catalog, self.crawl, self.config, self.frontier = catalog, crawl, config, frontier
        self.photos: Agenda[Errand] = Agenda()  # pictures to download
        self._of_url: dict[str, Listing] = {}  # image URL -> where it was seen, until it is done
        self._waiting: dict[str, dict[str, Listing]] = {}  # page key -> thumbnails that wait for it
        self._released: set[str] = set()  # thumbnails that were taken after all
        self._shown: dict[str, set[str]] = {}  # page key -> images that the visited page shows by itself
        self._series = Series()
        self._refused: dict[str, str] = {}  # page key -> robots or noai
        self.changed: set[str] = set()  # hosts whose robots.txt or tdmrep.json says something else than before
        gone = catalog.rights.forgotten()
        self._gone = {kind: {one.what for one in gone if one.kind == kind} for kind in ("url", "host")}
        counts = crawl.outcomes()
        self.kept, self.listed = counts.get("kept", 0), sum(counts.values())
        self.shelf = Shelf(catalog, config)
        self.landed: SimpleQueue[None] = SimpleQueue()  # wakes who waits for work: a batch of photos is on the disk
        self.settling = Settling(catalog, lambda: self.landed.put(None))
        for page_url, image_url in crawl.sightings():
            self._shown.setdefault(page_key(page_url), set()).add(image_url)
        for page in crawl.visited_pages():
            if page.outcome in REFUSED:
                self._refused[page_key(page.url)] = page.outcome
        for one in crawl.deferred_listings():
            self._wait_for(one)
        self._read = 0  # the row up to which queued pictures have been lined up
        self._more = True
        self.refill()

    @property
    def waiting(self) -> int:
        """Images that are not done yet."""
        counts = self.crawl.outcomes()
        return counts.get("queued", 0) + counts.get("deferred", 0)

    def refill(self) -> None:
        """Line up more of the queued pictures when few are left: a list may have millions."""
        while self._more and len(self.photos) < FEW:
            with self.catalog.transaction():
                found, self._read = self.crawl.queued_listings(self._read, WINDOW)
                self._more = len(found) == WINDOW
                for one in found:
                    if one.image_url not in self._of_url:
                        self._push(one)

    def full(self) -> bool:
        """Whether ``max_photos`` is reached."""
        return self.config.max_photos is not None and self.kept >= self.config.max_photos

    # ---- begin and end ------------------------------------------------------------------------------------------

    def begin(self, starts: list[str]) -> None:
        """Queue the start pages."""
        with self.catalog.transaction():
            for url in starts:
                self.frontier.add(url, None, 0)

    def sitemaps(self, url: str, found: tuple[str, ...]) -> None:
        """Queue the sitemaps that the robots.txt of a start page's host names."""
        with self.catalog.transaction():
            for sitemap in found:
                self.frontier.add(sitemap, f"{origin(url)}/robots.txt", 1, anywhere=True)

    def requeue(self, urls: list[str]) -> None:
        """Let the next call try these pages again."""
        with self.catalog.transaction():
            for url in urls:
                self.crawl.finish_page(url, "queued")

    def release_all(self) -> bool:
        """Take the thumbnails whose page will never be visited; whether there was any, with every page done."""
        groups = dict(self._waiting)
        if not groups or len(self.frontier):
            return False
        with self.catalog.transaction():
            for key in groups:
                self._settle(key, lead=False)
        return True

    def log_robots(self, log: deque[Fetched]) -> None:
        """Record the answers for robots.txt and tdmrep.json that the fetcher has met, and what the files say."""
        while log:
            known = (answer := log.popleft()).outcome == "ok" or missing(answer.outcome)
            with self.catalog.transaction():
                self._log(answer, "robots", answer.outcome, detail=ASKED + self.config.agent if known else "")
                if known:
                    text = answer.body[:MAX_ROBOTS].decode("utf-8-sig", "replace").replace("\0", "")
                    place = origin(answer.url)
                    if self.catalog.rights.note_host(place, answer.url.removeprefix(place), text):
                        self.changed.add(place)

    # ---- pages --------------------------------------------------------------------------------------------------

    def page(self, entry: Waiting, visit: Visit) -> None:
        """Record a visited page, its links and its listings, all or nothing."""
        with self.catalog.transaction():
            self._log(visit.answer, visit.kind, visit.answer.outcome)
            if worth_keeping(visit.answer):
                self.crawl.keep_answer(to_keep(visit.answer))
            outcome, page, here = self._settle_visit(entry, visit)
            images, pictured = 0, outcome == "image" and decodable(here.url, visit.answer.content_type)
            if page is not None:
                if not (page.nofollow or visit.answer.nofollow):
                    self._follow(here, page, deeper=visit.kind == "page")
                listings = page.listings if outcome == "ok" else ()
                small = self._waiting.get(page_key(here.url), {}).values()
                own = self._series.own(listings, here.url, small, self.crawl.listing_outcome)
                images = sum(self._list(to_list(one, here.url, own)) for one in listings)
                going_on = images and not page.nofollow and not self.frontier.vain(here.url)
                for guess in page.guesses if going_on else ():  # until nothing new comes
                    self.frontier.guess(guess, here)
                self._shown.setdefault(page_key(here.url), set()).update(
                    one.image_url for one in page.listings if one.detail_url is None and one.page_url == here.url
                )
            elif pictured:  # a link without an extension led to the picture itself
                images = self._list(Listing(image_url=visit.answer.final_url, page_url=entry.parent or entry.url))
            self._end_page(entry, here, outcome, page, images)
            for url in {entry.url, here.url}:
                if outcome in REFUSED:
                    self._refused[page_key(url)] = outcome
                self._settle(page_key(url), lead=pictured or bool(page and page.lead_image))

    def _settle_visit(self, entry: Waiting, visit: Visit) -> tuple[str, Page | None, Waiting]:
        """The page's outcome, what to use of it, and where it really is after redirects."""
        answer, page = visit.answer, visit.page
        here = Waiting(answer.final_url, entry.parent, entry.depth)
        if page is None or here.url == entry.url:
            outcome = "noai" if page is not None and page.noai else answer.outcome
            return outcome, page, entry if page is None else here
        if not self.frontier.within(here.url) and visit.kind == "page":
            if entry.depth > 0:
                return "off-site", None, entry
            self.frontier.site.add(origin(here.url))  # http -> https, example.com -> www.example.com
        if here.url in self.frontier.visited and here.url not in self.frontier.moved:
            self._shown[page_key(entry.url)] = self._shown.get(page_key(here.url), set())
            if refusal := self._refused.get(page_key(here.url)):
                self._refused[page_key(entry.url)] = refusal
            return "redirect", None, entry
        return "noai" if page.noai else "ok", page, here

    def _end_page(self, entry: Waiting, here: Waiting, outcome: str, page: Page | None, images: int) -> None:
        title = page.title if page is not None else None
        if here.url != entry.url:
            self.crawl.queue_page(here.url, parent=entry.url, depth=entry.depth)
            self.crawl.finish_page(here.url, outcome, title=title)
            self.frontier.note(here.url, entry.parent, outcome, images)
            outcome = "redirect"
        self.crawl.finish_page(entry.url, outcome, title=title)
        self.frontier.done(entry, outcome, images)

    def _follow(self, here: Waiting, page: Page, *, deeper: bool) -> None:
        """Queue the page's links; those of a sitemap or feed (not ``deeper``) count as if the start page had them."""
        following = {*page.next_links, *page.parts}
        for url in (*self.frontier.onward(here, page), *page.feeds):
            depth = self.frontier.link_depth(url, here, following=not deeper or url in following)
            self.frontier.add(url, here.url, depth)

    # ---- listings -----------------------------------------------------------------------------------------------

    def _list(self, one: Listing) -> int:
        """Queue a picture, or let it wait for the page it links to; 1 when it is new, else 0."""
        detail = one.detail_url
        if detail is not None and self.frontier.within(detail) and self.frontier.knows(detail):
            new = self.crawl.defer_listing(one)
            if new:
                self.listed += 1
                self._wait_for(one)
                if self._visited(page_key(detail)) or detail in self.frontier.visited:
                    self._settle(page_key(detail), lead=False)
            return int(new)
        if self.crawl.queue_listing(one):
            self.listed += 1
            self._push(one)
            return 1
        if self.crawl.listing_outcome(one.image_url) in {"thumbnail", "deferred"}:
            self._release(one)  # a page shows it by itself, so it is a picture of its own
        return 0

    def _visited(self, key: str) -> bool:
        return key in self._shown or key in self._refused

    def _release(self, one: Listing) -> None:
        self._released.add(one.image_url)
        self.crawl.queue_listing(one)
        self.crawl.finish_listing(one.image_url, "queued")
        self._push(one)

    def _wait_for(self, one: Listing) -> None:
        key = page_key(one.detail_url or "")
        self._waiting.setdefault(key, {})[one.image_url] = one
        self.frontier.wanted.add(key)

    def _settle(self, key: str, *, lead: bool) -> None:
        """Decide on the thumbnails that wait for a page, now that it is known what the page shows."""
        shown, refusal = self._shown.get(key, set()), self._refused.get(key)
        for one in (waiting := self._waiting.pop(key, {}).values()):
            new = shown - self._shown.get(page_key(one.page_url), set())
            if one.image_url in self._released:
                continue
            if refusal:
                self.crawl.finish_listing(one.image_url, refusal)
            elif one.detail_url == one.page_url:  # a sitemap or feed has named it
                self._release(one)
            elif lead or self._series.leads(key, one, new, waiting):
                self.crawl.finish_listing(one.image_url, "thumbnail")
            else:
                self._release(one)

    # ---- photos -------------------------------------------------------------------------------------------------

    def _forgotten(self, one: Listing) -> bool:
        """Whether this picture must never come back, by its address, its host or its page's."""
        hosts = hosts_of(one.image_url) | hosts_of(one.page_url)
        return one.image_url in self._gone["url"] or bool(hosts & self._gone["host"])

    def _push(self, one: Listing) -> None:
        """Line an image up for download, unless an earlier crawl has its photo, or it is forgotten."""
        if any(self._gone.values()):
            if self._forgotten(one):
                self.crawl.finish_listing(one.image_url, "forgotten")
                return
            others = [url for url in one.fallbacks if not self._forgotten(replace(one, image_url=url))]
            one = replace(one, fallbacks=tuple(others))
        earlier = self.crawl.image_fetched(one.image_url)
        if earlier is not None:
            self.kept += earlier == "kept"
            self.crawl.finish_listing(one.image_url, earlier)
            return
        self._of_url[one.image_url] = one
        self.photos.add(host(one.image_url), Errand(url=one.image_url))

    def listing(self, url: str) -> Listing:
        """The picture of an image URL that is to be fetched."""
        return self._of_url[url]

    def photo(self, url: str, taken: Taken) -> None:
        """Decide what becomes of an image; it is on record once ``settling`` has it."""
        one, photo, answer = self._of_url.pop(url), taken.photo, taken.answer
        placed = self.shelf.place(photo) if photo is not None and taken.outcome == "ok" else Placed(taken.outcome)
        kept = photo if placed.outcome == "kept" else None

        def record() -> None:
            if kept is not None:
                self.shelf.enter(replace(one, image_url=taken.source or one.image_url), kept, placed, stored=True)
            sha256, detail = (None, "") if photo is None else (photo.sha256, photo.detail)
            self._log(answer, "image", placed.outcome, sha256=sha256, detail=detail)
            if taken.source:
                self._log(answer.but(url=taken.source), "image", placed.outcome, sha256=sha256, detail=detail)
            self.crawl.finish_listing(url, placed.outcome)

        self.settling.add(record, None if kept is None else self.shelf.file(kept))
        self.kept += kept is not None
        self.frontier.photo(one.page_url, placed.outcome)

    def _log(self, answer: Fetched, kind: str, outcome: str, *, sha256: str | None = None, detail: str = "") -> None:
        size = 0 if answer.status == 304 else len(answer.body)
        self.crawl.add_fetch(
            answer.url, kind, outcome, status=answer.status, size=size, seconds=answer.seconds, sha256=sha256,
            detail=detail or answer.detail, reservation=answer.reservation, led_to=answer.led_to,
        )  # fmt: skip
