"""When to stop hoping (pure): folders of URLs that only fail are not asked again and again.

A folder is a URL without its last segment, numbers alike. Once something came of it, all of it is hoped for. Until then it is
in doubt after a few failures: what is left of it is asked for when there is nothing better to do, or on half of the
connections where they and not the rate hold a crawl up; one URL at a time and the last found first, for a site's first photos
may fail and the others not.
"""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from deepstyle.scraper.answer import BUSY
from deepstyle.scraper.urls import host, shape

DOUBT = 4  # failures of a folder, and nothing else, after which it waits for all others
NO_RETRIES = 8  # failures of a folder, and nothing else, after which its URLs are asked once each
GIVE_UP = 24  # what failures must have cost, with nothing else, for its URLs not to be asked
PASSING = BUSY | {"timeout", "connection"}
PAUSE = 0.5  # seconds between two URLs of a folder in doubt whose failures may pass
SLOW = 10.0  # seconds that cost 1 more, and after which a try counts as a failure though it is repeated
COST = {  # of a failure: half for what is not there, 1 for what may pass, 2 for what costs much, 3 for what also takes long
    "timeout": 1, "connection": 1, "http-500": 1, "http-502": 1, "http-503": 1, "http-504": 1, "too-slow": 3,
    "too-large": 2, "truncated": 2, "bad-encoding": 2, "bomb": 2, "http-404": 0.5, "http-403": 0.5, "http-410": 0.5,
}  # fmt: skip

T = TypeVar("T")
_shape = functools.lru_cache(1024)(shape)  # asked for five times a photo, and its neighbours share it


class Patience:
    """What came of the folders so far."""

    def __init__(self) -> None:
        self._failed: Counter[str] = Counter()
        self._costly: dict[str, float] = {}
        self._good: set[str] = set()

    def note(self, url: str, outcome: str, *, failed: bool, seconds: float = 0.0) -> None:
        """A URL is done, after so many seconds; ``failed``: no answer with a body came, whatever it held, or a bomb."""
        place = folder(url)
        if not failed:
            self._good.add(place)
        elif place not in self._good:
            self._failed[place] += 1
            cost = COST.get(outcome, 0) + int(seconds // SLOW)
            self._costly[place] = self._costly.get(place, 0.0) + cost

    def tried(self, url: str, outcome: str, *, seconds: float) -> None:
        """A URL will be asked for again; what took long is a failure all the same, for it held a connection."""
        if seconds >= SLOW:
            self.note(url, outcome, failed=True, seconds=seconds)

    def good(self, url: str) -> bool:
        """Whether something came of this URL's folder."""
        return folder(url) in self._good

    def doubtful(self, url: str) -> bool:
        """Whether this URL waits until there is nothing better to ask for."""
        place = folder(url)
        return place not in self._good and self._failed[place] >= DOUBT

    def once(self, url: str) -> bool:
        """Whether this URL is asked once only."""
        place = folder(url)
        return place not in self._good and self._failed[place] >= NO_RETRIES

    def hopeless(self, url: str) -> bool:
        """Whether this URL is not asked at all."""
        place = folder(url)
        return place not in self._good and self._costly.get(place, 0.0) >= GIVE_UP


class Doubts(Generic[T]):
    """What waits of folders in doubt, and when each may be asked for something. Times are seconds on one clock."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}
        self._due: dict[str, float] = {}
        self._asked: set[str] = set()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, url: str, thing: T, *, first: bool = True) -> None:
        """Let something wait; ``first``: it is the next to be asked for."""
        queue = self._waiting.setdefault(folder(url), deque())
        queue.append(thing) if first else queue.appendleft(thing)
        self._size += 1

    def places(self) -> list[str]:
        """The folders of which something waits."""
        return list(self._waiting)

    def all_of(self, place: str) -> Iterator[T]:
        """Take out all that waits of a folder."""
        found = self._waiting.pop(place, deque())
        self._size -= len(found)
        yield from found

    def peek(self, place: str) -> T:
        """What ``take`` would give."""
        return self._waiting[place][-1]

    def ready(self, place: str, now: float) -> bool:
        """Whether a folder may be asked for something: one URL at a time."""
        return place not in self._asked and self._due.get(place, 0.0) <= now

    def take(self, place: str) -> T:
        """The next of a folder, which is being asked for from here on, until it is ``answered``."""
        queue = self._waiting.pop(place)
        self._asked.add(place)
        thing = queue.pop()
        self._size -= 1
        if queue:
            self._waiting[place] = queue  # behind the others
        return thing

    def asked(self, place: str) -> int:
        """How many folders of a host (name and port) have something on its way."""
        return sum(host(one) == place for one in self._asked)

    def answered(self, url: str, due: float) -> None:
        """A folder's URL was answered; the next may be asked for at ``due``."""
        place = folder(url)
        self._asked.discard(place)
        self._due[place] = due

    def due(self) -> float | None:
        """When the first folder may be asked for something of which nothing is on its way; None when there is none."""
        return min((self._due.get(place, 0.0) for place in self._waiting if place not in self._asked), default=None)


def folder(url: str) -> str:
    """The URL's folder, numbers alike.

    >>> folder("http://a.example/looks/2017/17.jpg?w=3")
    'http://a.example/looks/#'
    """
    return _shape(url.partition("?")[0].rpartition("/")[0])
