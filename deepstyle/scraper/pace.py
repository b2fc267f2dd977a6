"""The pace: one rate a host, and pauses for hosts that keep saying that they are busy.

A 503, or a 429, is first of all about the URL that was asked for, which waits as long as its answer says (``agenda.py``). The
host is paused when it is meant: at once by a 429 with a short Retry-After (there were too many requests), unless ALONE other
answers came since the last one, which came from a URL of its own then; else when KEEPS answers in a row say so, each with a
long Retry-After or to a URL that has waited twice before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from deepstyle.scraper.gentle import Gentle

SHORT = 10.0  # seconds: a Retry-After up to this is short
KEEPS = 5  # answers in a row
ALONE = 12  # other answers between the short 429s of two URLs, after which the URL is meant and not its host
PATIENT = 2  # tries of a URL after which its host is meant


class Slots(Protocol):
    """When a host was promised its next request, as several processes share it."""

    def take(self, host: str, interval: float) -> float:
        """Take the host's next slot, ``interval`` seconds before the one after it: seconds to wait for it."""
        ...


class Pace:
    """One rate a host: each call of ``wait`` takes the host's next slot. Safe to use from several threads."""

    def __init__(
        self, interval: float, *, longest: float, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep, slots: Slots | None = None,
    ) -> None:  # fmt: skip
        self.interval, self._longest, self._clock, self._sleep = interval, longest, clock, sleep
        self.gentle = Gentle(interval, clock=clock)
        self._lock = threading.Lock()
        self._shared = slots
        self._slots: dict[str, float] = {}
        self._paused: dict[str, float] = {}
        self._streaks: dict[str, int] = {}
        self._since: dict[str, int] = {}  # host -> other answers since its last short 429; nothing before its first

    def wait(self, host: str, delay: float = 0.0) -> bool:
        """Sleep until the host's next slot; ``delay`` in seconds is its Crawl-delay. False: paused for too long."""
        while True:
            with self._lock:
                now = self._clock()
                paused = self._paused.get(host, 0.0)
                if paused - now > self._longest:
                    return False
                if paused <= now:
                    slot = self._take(host, now, max(self.interval, delay, self.gentle.interval(host)))
                    break
            self._sleep(paused - now)
        if slot > now:
            self._sleep(slot - now)
        with self._lock:
            again = self._paused.get(host, 0.0) > self._clock()
        return self.wait(host, delay) if again else True

    def _take(self, host: str, now: float, interval: float) -> float:
        slot = max(now, self._slots.get(host, 0.0)) if self._shared is None else now + self._shared.take(host, interval)
        self._slots[host] = slot + interval
        return slot

    def ready(self, host: str) -> float:
        """Seconds until the host's next slot, or the end of its pause; 0 when that is farther than ``longest``."""
        with self._lock:
            now = self._clock()
            paused = self._paused.get(host, 0.0) - now
            return 0.0 if paused > self._longest else max(0.0, paused, self._slots.get(host, 0.0) - now)

    def paused(self, host: str) -> float:
        """Seconds for which this host is left alone because it said so."""
        with self._lock:
            return max(0.0, self._paused.get(host, 0.0) - self._clock())

    def busy(self, host: str, status: int, seconds: float, tries: int) -> None:
        """A URL that was asked for ``tries`` times before answered 429 or 503, with this Retry-After."""
        if not seconds:
            self.gentle.refused(host)
        with self._lock:
            means_host = seconds > SHORT or tries >= PATIENT
            streak = self._streaks[host] = self._streaks.get(host, 0) + means_host
            short = status == 429 and seconds <= SHORT
            too_many = short and (tries > 0 or self._since.get(host, 0) < ALONE)
            if short:
                self._since[host] = 0
        if streak >= KEEPS or too_many:
            self._forget_streak(host)
            self.pause(host, seconds)

    def answered(self, host: str, status: int = 200) -> None:
        """The host answered something else: it is not busy."""
        if status != 403:  # which may be said of the pace, too
            self.gentle.answered(host)
        with self._lock:
            if host in self._since:
                self._since[host] += 1
        self._forget_streak(host)

    def _forget_streak(self, host: str) -> None:
        with self._lock:
            self._streaks.pop(host, None)

    def pause(self, host: str, seconds: float) -> None:
        """Nobody asks this host anything for ``seconds``."""
        with self._lock:
            self._paused[host] = max(self._paused.get(host, 0.0), self._clock() + seconds)
