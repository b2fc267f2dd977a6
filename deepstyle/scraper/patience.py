"""When to stop hoping (pure): folders of URLs that only fail are not asked again and again.

A folder is a URL without its last segment, numbers alike. Once something came of it, all of it is hoped for.
"""

from __future__ import annotations

from collections import Counter

from deepstyle.scraper.urls import shape

NO_RETRIES = 8  # failures of a folder, and nothing else, after which its URLs are asked once each
GIVE_UP = 24  # what failures must have cost, with nothing else, for its URLs not to be asked
COST = {  # of a failure: 1 for what may pass, 2 for what costs much and will not be otherwise
    "timeout": 1, "connection": 1, "http-500": 1, "http-502": 1, "http-503": 1, "http-504": 1, "too-slow": 2,
    "too-large": 2, "truncated": 2, "bad-encoding": 2, "bomb": 2,
}  # fmt: skip


class Patience:
    """What came of the folders so far."""

    def __init__(self) -> None:
        self._failed: Counter[str] = Counter()
        self._costly: Counter[str] = Counter()
        self._good: set[str] = set()

    def note(self, url: str, outcome: str, *, failed: bool) -> None:
        """A URL is done; ``failed``: no answer with a body came, whatever it held, or a bomb."""
        place = folder(url)
        if not failed:
            self._good.add(place)
        elif place not in self._good:
            self._failed[place] += 1
            self._costly[place] += COST.get(outcome, 0)

    def once(self, url: str) -> bool:
        """Whether this URL is asked once only."""
        place = folder(url)
        return place not in self._good and self._failed[place] >= NO_RETRIES

    def hopeless(self, url: str) -> bool:
        """Whether this URL is not asked at all."""
        place = folder(url)
        return place not in self._good and self._costly[place] >= GIVE_UP


def folder(url: str) -> str:
    """The URL's folder, numbers alike.

    >>> folder("http://a.example/looks/2017/17.jpg?w=3")
    'http://a.example/looks/#'
    """
    return shape(url.partition("?")[0].rpartition("/")[0])
