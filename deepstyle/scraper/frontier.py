"""Which page comes next (loop's memory): the site's borders, depth, the page limit, crawler traps.

The catalog holds the frontier; this is the same in memory, rebuilt from the catalog when a crawl resumes. It is apart from
``scrape.py`` because what to visit can be understood without what to download.

Traps: a chain of pages of one shape (URLs equal but for digits) that brought no new image for CHAIN pages, or SHAPE such
pages in a row anywhere on the site, or SHAPE filters upon filters in a row (pages of one path that add parameters to their
parent's: there are as many shapes of them as sets of parameters); relative-link loops, by their words or by the same names on
the page above; permuted, tracking and session
parameters. A part that no link names is not guessed after CHAIN parts whose photos do not exist; one that is slow, or fails
for a while, does not count. Of pages of one shape one such guess is made, the others wait for what comes of it; of pages beside
one another no more than GUESSES, until one is right.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from deepstyle.catalog_crawl import Crawl
from deepstyle.config import ScrapeConfig
from deepstyle.scraper.hosts import missing
from deepstyle.scraper.pages import Page
from deepstyle.scraper.parts import is_part
from deepstyle.scraper.urls import below, host, hosts_of, narrows, origin, page_key, runaway, shape

CHAIN = 25  # pages of one shape, each linked from the one before, without a new image
GUESSES = 3  # guesses of a next part, of pages beside one another, after which no others are made
SHAPE = 200  # pages of one shape in a row without a new image, however they are linked


@dataclass(frozen=True)
class Waiting:
    """A page to visit: normal URL, the page that linked to it, and its distance from the start page."""

    url: str
    parent: str | None
    depth: int


class Frontier:
    """The pages of one crawl, breadth first. ``starts`` are normal URLs; the site is their scheme, host and port."""

    def __init__(self, crawl: Crawl, config: ScrapeConfig, starts: list[str]) -> None:
        self._crawl, self._config = crawl, config
        self.site = {origin(url) for url in starts}
        self.deepest = config.max_depth
        self.visited: set[str] = set()
        self._keys: set[str] = set()
        self._barren: dict[str, int] = {}
        self._shapes: Counter[str] = Counter()
        self._vain: dict[str, set[str]] = {}  # shape -> pages with photos that do not exist, since one was kept
        self._trying: dict[str, str] = {}  # shape -> the part that was guessed first
        self._open: Counter[str] = Counter()  # pages beside one another -> such guesses on their way
        self._later: dict[str, list[tuple[str, Waiting]]] = {}  # pages beside one another -> guesses that wait
        self._fruitful: set[str] = set()  # shapes, and pages beside one another, of which a guess was right
        self._vainly: Counter[str] = Counter()  # the same -> guesses that were not
        self.moved: set[str] = set()  # visited pages that led to another one: they may answer later, with its cookie
        self._below: dict[str, frozenset[str]] = {}  # page of this call -> what it links to below itself, as names
        self._fetched = 0
        self._queues: dict[str, deque[tuple[int, Waiting]]] = {}  # host -> its pages, numbered as they came
        self._number = itertools.count()
        self.wanted: set[str] = set()  # keys of pages that thumbnails wait for: no trap
        for page in crawl.visited_pages():
            self._keys.add(page_key(page.url))
            self.note(page.url, page.parent, page.outcome, page.images)
            if page.depth == 0:
                self.site.add(origin(page.url))
        for page in crawl.queued_pages():
            self._keys.add(page_key(page.url))
            self._line_up(Waiting(page.url, page.parent, page.depth))

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def _line_up(self, entry: Waiting) -> None:
        self._queues.setdefault(host(entry.url), deque()).append((next(self._number), entry))

    @property
    def spent(self) -> bool:
        """Whether ``max_pages`` is reached."""
        return self._fetched >= self._config.max_pages

    def places(self) -> list[str]:
        """The hosts (name and port) of which pages wait; none when ``max_pages`` is reached."""
        return [] if self.spent else list(self._queues)

    def waiting(self, place: str) -> int:
        """How many pages of this host (name and port) wait."""
        return len(self._queues.get(place, ()))

    def waits(self, place: str) -> bool:
        """Whether pages of this host (name and port) wait."""
        return place in self._queues and not self.spent

    def knows(self, url: str) -> bool:
        """Whether the page is queued or done."""
        return page_key(url) in self._keys

    def within(self, url: str) -> bool:
        """Whether a normal URL is on the site, or on a host that is to be visited, too: one without a port is meant at any."""
        return origin(url) in self.site or not hosts_of(url).isdisjoint(self._config.also_hosts)

    def add(self, url: str, parent: str | None, depth: int, *, anywhere: bool = False) -> bool:
        """Queue a page in the catalog and here, if it is new and on the site (or ``anywhere``); whether it was."""
        key = page_key(url)
        if key in self._keys or depth > self._config.max_depth or runaway(url):
            return False
        if not anywhere and not self.within(url):
            return False
        self._keys.add(key)
        self._crawl.queue_page(url, parent=parent, depth=depth)
        self._line_up(Waiting(url, parent, depth))
        return True

    def next(self, free: Callable[[str], bool] = lambda _: True) -> Waiting | None:
        """The page to visit now, of a host that is ``free``, counted as visited; None without one, or at ``max_pages``."""
        while not self.spent:
            first = min(((queue[0][0], place) for place, queue in self._queues.items() if free(place)), default=None)
            if first is None:
                break
            queue = self._queues[first[1]]
            entry = queue.popleft()[1]
            if not queue:
                del self._queues[first[1]]
            if entry.url in self.visited:
                continue
            if self._trap(entry):
                self._crawl.finish_page(entry.url, "trap")
                continue
            self._fetched += 1
            return entry
        return None

    def onward(self, here: Waiting, page: Page) -> tuple[str, ...]:
        """A page's links without those that lead on in a circle of relative links.

        They are when it names the same pages below itself as the page that led to it, which is above it, does below that
        one, and shows no new image: ``looks/`` and ``press/`` on every page there is, whatever its path.
        """
        names = self._below[here.url] = below(here.url, page.links)
        above = "" if here.parent is None else here.parent.partition("?")[0].rpartition("/")[0] + "/"
        deeper = above and here.url.startswith(above) and "/" in here.url.partition("?")[0][len(above) :]
        if not names or not deeper or self._below.get(here.parent or "") != names:
            return page.links
        if any(self._crawl.listing_outcome(one.image_url) is None for one in page.listings):
            return page.links
        base = here.url.partition("?")[0].rpartition("/")[0] + "/"
        return tuple(one for one in page.links if not one.startswith(base))

    def photo(self, page: str, outcome: str) -> None:
        """A photo that this page showed has ended."""
        if outcome == "kept":
            self._vain.pop(shape(page), None)
        elif missing(outcome):
            self._vain.setdefault(shape(page), set()).add(page)

    def vain(self, url: str) -> bool:
        """Whether many pages of this one's shape in a row have named photos that do not exist, and none that was kept."""
        return len(self._vain.get(shape(url), ())) >= CHAIN

    def _trap(self, entry: Waiting) -> bool:
        if page_key(entry.url) in self.wanted:
            return False
        here, parent = shape(entry.url), entry.parent
        chained = parent is not None and shape(parent) == here and self._barren.get(parent, 0) >= CHAIN
        return chained or any(self._shapes[one] >= SHAPE for one in _counted(entry.url, parent))

    def link_depth(self, url: str, entry: Waiting, *, following: bool) -> int:
        """How deep a link leads: another part of a series is no deeper than the one that links to it."""
        return entry.depth if following or is_part(entry.url, url) else entry.depth + 1

    def guess(self, url: str, here: Waiting) -> None:
        """Queue a part that no link names; others of its shape, and most beside it, wait for what comes of the first."""
        one, around = shape(url), _around(url)
        hoped = around in self._fruitful or self._vainly[around] < GUESSES
        if one in self._fruitful:
            self.add(url, here.url, here.depth)
        elif self._vainly[one] or not hoped:
            return
        elif one in self._trying or (
            around not in self._fruitful and self._open[around] + self._vainly[around] >= GUESSES
        ):
            self._later.setdefault(around, []).append((url, here))
        elif self.add(url, here.url, here.depth):
            self._trying[one] = url
            self._open[around] += 1

    def _tried(self, url: str, images: int) -> None:
        """Take into account how a page ended that may have been such a guess."""
        one, around = shape(url), _around(url)
        if self._trying.get(one) != url:
            return
        del self._trying[one]
        self._open[around] -= 1
        if images:
            self._fruitful |= {one, around}
        else:
            self._vainly[one] += 1
            self._vainly[around] += 1
        for guess, here in self._later.pop(around, []):
            self.guess(guess, here)

    def done(self, entry: Waiting, outcome: str, images: int) -> None:
        """A page that ``next`` gave is done; ``images``: how many new ones it listed."""
        self._fetched -= 1
        self._tried(entry.url, images)
        self.note(entry.url, entry.parent, outcome, images)

    def note(self, url: str, parent: str | None, outcome: str, images: int) -> None:
        """Take a finished page into account."""
        self._keys.add(page_key(url))
        self.visited.add(url)
        self.moved.discard(url)
        if outcome in {"trap", "redirect"}:
            self.moved |= {url} if outcome == "redirect" else set()
            return
        self._fetched += 1
        here = shape(url)
        chain = self._barren.get(parent, 0) if parent is not None and shape(parent) == here else 0
        self._barren[url] = 0 if images else chain + 1
        for one in _counted(url, parent):
            self._shapes[one] = 0 if images else self._shapes[one] + 1


def _around(url: str) -> str:
    """What pages beside one another share: their folder and the parameters' names."""
    head, _, names = shape(url).partition("?")
    return f"{head.rpartition('/')[0]}/*?{names}"


def _counted(url: str, parent: str | None) -> list[str]:
    """As what a page without a new image counts: its shape, and as one of its path's filters if it narrows its parent."""
    filters = parent is not None and narrows(url, parent)
    return [shape(url), *([f"{url.partition('?')[0]}?*"] if filters else [])]
