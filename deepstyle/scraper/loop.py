"""The main thread of a crawl (loop): what is asked of which host and when, and what comes back, to the ledger.

Nobody sleeps until a URL may be asked again: it waits in an agenda. Each host has its own connections, and hosts take turns.
Pages of a host are applied in the order in which they were found, but for those that must be asked again.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from queue import Empty
from typing import Any

from deepstyle.progress import Reporter, Task
from deepstyle.scraper import settling
from deepstyle.scraper.agenda import Agenda
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.frontier import Waiting
from deepstyle.scraper.gentle import FORBIDDEN, Decision, Forbidden
from deepstyle.scraper.keep import kept
from deepstyle.scraper.ledger import WINDOW, Ledger
from deepstyle.scraper.patience import PASSING, PAUSE, Doubts, Patience
from deepstyle.scraper.take import Errand, Render, Taken, Visit, look, take, visit, visit_given
from deepstyle.scraper.urls import host

AGAIN = frozenset({"stopped", "host-busy"})  # not an outcome of the page or photo: it stays queued
ANSWERED = frozenset({"ok", "noai", "robots", "crawl-delay", "wanted"})  # of a URL whose folder is not hopeless
MAX_WORKERS = 64
LATE = 1.0  # seconds between two looks at what could be asked for, were there a connection
SOON = 0.25  # seconds that a worker may wait for a host's next slot
HOPELESS = "the URLs of its folder only failed"
Held = tuple[Callable[[float], None], Callable[[], None]]  # asks once more at a time, or ends what a host forbade


class Loop:
    """One crawl's work. ``left``: pages and photos that must be asked for by a later call."""

    def __init__(
        self, starts: list[str], ledger: Ledger, fetcher: Fetcher, reporter: Reporter, *, look_only: bool = False,
        render: Render | None = None,
    ) -> None:  # fmt: skip
        self.look_only, self.render = look_only, render
        self.starts, self.ledger, self.fetcher, self.reporter = starts, ledger, fetcher, reporter
        self.config, self.given = ledger.config, frozenset(starts)
        self.left = 0
        self.busy: Counter[str] = Counter()  # host -> pages and photos in flight
        self.images: Counter[str] = Counter()  # host -> photos in flight
        self.flying: dict[Future[Taken], tuple[str, Errand]] = {}
        self.pages: dict[
            str, deque[tuple[Waiting, int, Future[Visit]]]
        ] = {}  # host -> page, tries before, in their order
        self.again: Agenda[tuple[Waiting, int]] = Agenda()  # pages that must be asked again
        self.patience = Patience()
        self.doubts: Doubts[Errand] = Doubts()
        self.forbidden: Forbidden[Held] = Forbidden()
        self.ended = 0  # pictures, since that was told
        self.done = ledger.landed  # something has come back, from the net or the disk

    def run(self) -> None:
        """Work until nothing is left, or a limit is reached."""
        pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="deepstyle-scrape")
        try:
            if not self.ledger.crawl.begun():
                self.ledger.begin(self.starts)
            with self.reporter.task("scrape", total=self.ledger.listed, unit="images") as task:
                task.advance(self.ledger.listed - self.ledger.waiting)
                while self._submit(pool):
                    self._wait()
                    self._collect(task)
                    self.ledger.settling.step(more=bool(self.flying))
        except BaseException:
            self.fetcher.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self.ledger.settling.finish()
            self.ledger.log_robots(self.fetcher.log)

    # ---- handing out --------------------------------------------------------------------------------------------

    def _submit(self, pool: ThreadPoolExecutor) -> bool:
        """Fill the free connections of each host; False when nothing is in flight and nothing left to do."""
        if self.ledger.full():
            return bool(self.pages)  # what has been asked for is recorded
        if len(self.doubts) < WINDOW:  # what waits in doubt is in memory, too
            self.ledger.refill()
        now = time.monotonic()
        for folder in self.doubts.places() if self.config.connections > 1 else ():
            if self.doubts.asked(host(folder)) < self.config.connections // 2 and not self.fetcher.ready(host(folder)):
                self._doubt(pool, folder, now, idle=False)
        while self._room() and (found := self.ledger.photos.next(now, self._free_for_photo, self.busy)) is not None:
            self._take(pool, *found)
        idle = not (self.flying or self.pages or len(self.again) or len(self.ledger.photos))
        for folder in self.doubts.places():
            self._doubt(pool, folder, now, idle=idle)
        while self.busy.total() < MAX_WORKERS and (later := self.again.next(now, self._free, self.busy)) is not None:
            self._visit(pool, *later[1])
        while self.busy.total() < MAX_WORKERS and (entry := self.ledger.frontier.next(self._free_for_page)) is not None:
            self._visit(pool, entry, 0)
        left = len(self.ledger.photos) + len(self.doubts)
        waiting = self.pages or len(self.again) or self.ledger.frontier.places()  # the last for their hosts' time
        if self.flying or waiting or (left and self._wanted()):
            return True
        if held := list(self.forbidden.rest()):
            for place, decision in held:
                self._decided(place, decision)
            return True
        return self.left == 0 and self.ledger.release_all()

    def _free(self, place: str) -> bool:
        """Whether this host may be asked for one thing more, and soon."""
        return self.busy[place] < self.config.connections and self.fetcher.ready(place) <= SOON

    def _free_for_photo(self, place: str) -> bool:
        """As ``_free``; a connection is kept for pages, which must not wait for photos."""
        reserve = self.config.connections > 1 and place not in self.pages and self.ledger.frontier.waits(place)
        return self.busy[place] + reserve < self.config.connections and self._free(place)

    def _free_for_page(self, place: str) -> bool:
        ahead = 1 if self.config.connections > 1 and self.images[place] else self.config.connections
        return len(self.pages.get(place, ())) < ahead and self._free(place)

    def _wanted(self) -> bool:
        limit = self.config.max_photos
        return limit is None or self.ledger.kept + len(self.flying) < limit

    def _room(self) -> bool:
        """Whether one more photo may be asked for: a worker is free, ``max_photos`` would not be passed, the disk keeps up."""
        return self._wanted() and self.busy.total() < MAX_WORKERS and not self.ledger.settling.full

    def _take(self, pool: ThreadPoolExecutor, place: str, errand: Errand) -> None:
        if self.patience.hopeless(errand.url):
            self._give_up(errand)
        elif self.patience.doubtful(errand.url):
            self.doubts.add(errand.url, errand)
        else:
            self._fly(pool, place, errand)

    def _give_up(self, errand: Errand) -> None:
        """End a picture without asking for it, as it ended when it was asked for."""
        answer = Fetched(outcome="given-up", kind="image", url=errand.url, final_url=errand.url, detail=HOPELESS)
        self._end(errand.url, errand.failed or Taken(answer=answer))

    def _doubt(self, pool: ThreadPoolExecutor, folder: str, now: float, *, idle: bool) -> None:
        """Ask for one picture of a folder in doubt, give all of them up, or hope for all; ``idle``: nothing else is left."""
        url = self.doubts.peek(folder).url
        if self.patience.good(url):
            for errand in self.doubts.all_of(folder):
                self.ledger.photos.add(host(errand.url), errand)
        elif self.patience.hopeless(url) or (idle and not self.patience.doubtful(url)):
            for errand in self.doubts.all_of(folder):
                self._give_up(errand)
        elif (
            self.patience.doubtful(url)
            and self.doubts.ready(folder, now)
            and self._room()
            and self._free_for_photo(host(url))
        ):
            self._fly(pool, host(url), self.doubts.take(folder))

    def _fly(self, pool: ThreadPoolExecutor, place: str, errand: Errand) -> None:
        retries = 0 if self.patience.once(errand.url) else None
        one, known = self.ledger.listing(errand.url), self.ledger.shelf.known
        if self.look_only:
            future = pool.submit(look, self.fetcher, one)
        else:
            future = pool.submit(take, self.fetcher, one, self.config, known, errand, retries=retries)
        self.flying[future] = place, errand
        self.images[place] += 1
        self._watch(place, future)

    def _visit(self, pool: ThreadPoolExecutor, entry: Waiting, tries: int) -> None:
        before = self.ledger.crawl.kept_answer(entry.url)
        known = None if before is None else kept(before)
        work = visit_given if entry.url in self.given and tries == 0 else visit
        future, place = pool.submit(work, self.fetcher, entry.url, tries, known, self.render), host(entry.url)
        self.pages.setdefault(place, deque()).append((entry, tries, future))
        self._watch(place, future)

    def _watch(self, place: str, future: Future[Any]) -> None:
        self.busy[place] += 1
        future.add_done_callback(lambda _: self.done.put(None))

    # ---- taking back --------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Wait until something is done, or may be asked for."""
        now = time.monotonic()
        dues = [due for due in (self.ledger.photos.due(), self.again.due(), self.doubts.due()) if due is not None]
        times = [due - now if due > now else LATE for due in dues]  # late: its host has no connection free
        for place in {*self.ledger.photos.hosts_due(now), *self.again.hosts_due(now), *self.ledger.frontier.places()}:
            ready = self.fetcher.ready(place)
            if self.busy[place] < self.config.connections and ready > SOON:
                times.append(ready - SOON)
                self.fetcher.waits.host(place, self.ledger.photos.waiting(place) + self.ledger.frontier.waiting(place))
        times += [settling.SOON] if self.ledger.settling.gathers else []
        timeout = max(0.0, min(times)) if times else None
        if timeout is None and not self.busy.total() and not self.ledger.settling.busy:
            return
        if timeout and not self.busy.total():  # nothing else is to be had
            for agenda in (self.ledger.photos, self.again):
                for place, due in agenda.dues().items():
                    self.fetcher.waits.url(place, due - now)
        with suppress(Empty):
            self.done.get(timeout=timeout)
            while True:
                self.done.get_nowait()

    def _collect(self, task: Task) -> None:
        """Take what the pool has finished to the ledger: photos as they come, each host's pages in their order."""
        self.ledger.log_robots(self.fetcher.log)
        for future in [one for one in self.flying if one.done()]:
            place, errand = self.flying.pop(future)
            self.images[place] -= 1
            self.busy[place] -= 1
            self._taken(place, errand, future.result())
        if self.ended:
            task.advance(self.ended, total=self.ledger.listed, note=f"{self.ledger.kept:,} kept")
            self.ended = 0
        for place in list(self.pages):
            pages = self.pages[place]
            while pages and pages[0][2].done():
                entry, tries, page = pages.popleft()
                self.busy[place] -= 1
                self._page(place, entry, tries, page.result())
            if not pages:
                del self.pages[place]

    def _taken(self, place: str, errand: Errand, taken: Taken) -> None:
        """A picture came back: to be asked for again, or as it ends."""
        now, passing = time.monotonic(), taken.outcome in PASSING and self.config.retries > 0
        self.doubts.answered(errand.url, now + PAUSE * passing)
        if taken.again is not None:
            self.patience.tried(errand.url, taken.outcome, seconds=taken.answer.seconds)
            self.ledger.photos.add(place, taken.again, now + taken.after)
        elif taken.outcome in AGAIN:
            self.left += 1
        elif taken.outcome == FORBIDDEN and self.forbidden.doubted(place) and self.patience.good(errand.url):
            once_more = replace(errand, failed=taken)
            held = (lambda due: self.ledger.photos.add(place, once_more, due), lambda: self._end(errand.url, taken))
            self._decided(place, self.forbidden.refused(place, held))
        else:
            if taken.answer.outcome == "ok":
                self._decided(place, self.forbidden.answered(place, again=errand.failed is not None))
            failed = taken.answer.outcome not in ANSWERED or taken.outcome == "bomb"
            self.patience.note(errand.url, taken.outcome, failed=failed, seconds=taken.answer.seconds)
            if passing and errand.failed is None and not self.patience.good(errand.url):
                self.doubts.add(errand.url, Errand(url=errand.url, failed=taken), first=False)
            else:
                self._end(errand.url, taken)

    def _end(self, url: str, taken: Taken) -> None:
        self.ledger.photo(url, taken)
        self.ended += 1

    def _decided(self, place: str, decision: Decision[Held] | None) -> None:
        """A host may mean that it is asked too much by what it forbids, or has shown that it does not."""
        if decision is None:
            return
        if decision.pause:
            self.fetcher.spare(place, decision.pause)
        for again, _ in decision.again:
            again(time.monotonic())  # the host is not asked before its pause is over
        for _, end in decision.over:
            end()

    def _page(self, place: str, entry: Waiting, tries: int, found: Visit) -> None:
        if found.sitemaps:
            self.ledger.sitemaps(entry.url, found.sitemaps)
        if found.again is not None:
            self.again.add(place, (entry, tries + 1), time.monotonic() + found.again)
        elif found.answer.outcome in AGAIN:
            self.left += 1
        elif found.answer.outcome == FORBIDDEN and self.forbidden.doubted(place):
            once_more = entry, tries + 1
            held = (lambda due: self.again.add(place, once_more, due), lambda: self.ledger.page(entry, found))
            self._decided(place, self.forbidden.refused(place, held))
        else:
            if found.answer.outcome == "ok":
                self._decided(place, self.forbidden.answered(place, again=tries > 0))
            self.ledger.page(entry, found)
