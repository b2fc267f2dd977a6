"""What makes a crawl wait for long, said once a host and reason when it begins: how long, why, what to do (loop's words)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from deepstyle.scraper.hosts import Hosts
from deepstyle.scraper.pace import Pace

NOTICE = 9.5  # seconds: a wait of 10 is told, though a part of it may have passed
SAFE = "Ctrl-C is safe: the same command goes on from there"


class Waits:
    """Tells of long waits through ``say``, in any thread. What the user set (``rate``) is nothing new to them."""

    def __init__(self, pace: Pace, hosts: Hosts[Any]) -> None:
        self._pace, self._hosts = pace, hosts
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.say: Callable[[str], object] = lambda _: None

    def host(self, place: str, left: int = 0) -> None:
        """A host (name and port) is to be asked for something; ``left``: how many of its addresses wait, as far as known."""
        if self._pace.ready(place) < NOTICE:
            return
        delay = self._hosts.delay(place)
        if (paused := self._pace.paused(place)) >= NOTICE:
            self.url(place, paused)
        elif delay >= NOTICE and delay > self._pace.interval:
            long = f"; {left:,} of its addresses wait, {words(left * delay)} in all" if left > 1 else ""
            self._tell(place, "delay", (
                f"{place}: robots.txt asks for {words(delay)} between two requests (Crawl-delay){long}. Other hosts go on "
                f"meanwhile; take fewer with --max-photos, or ask its owner for more. {SAFE}"
            ))  # fmt: skip

    def url(self, place: str, seconds: float) -> None:
        """Something of a host is asked for again after so many seconds, as it said or because it is busy."""
        if seconds >= NOTICE:
            self._tell(place, "busy", (
                f"{place}: is busy, or asks to be left alone (Retry-After): the next try is in {words(seconds)}. "
                f"A lower --rate may spare it, --set max_retry_wait=SECONDS waits less. {SAFE}"
            ))  # fmt: skip

    def _tell(self, place: str, reason: str, text: str) -> None:
        with self._lock:
            if (place, reason) in self._told:
                return
            self._told.add((place, reason))
        self.say(text)


def words(seconds: float) -> str:
    """A length of time as people say it.

    >>> words(90), words(300), words(9000)
    ('90 seconds', '5 minutes', '2.5 hours')
    """
    for unit, name in ((3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.1f}".removesuffix(".0") + f" {name}"
    return (
        "1 second"
        if round(seconds, 1) == 1
        else f"{seconds:.{0 if seconds >= 10 else 1}f}".removesuffix(".0") + " seconds"
    )
