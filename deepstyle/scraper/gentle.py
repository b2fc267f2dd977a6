"""A gentler pace for hosts that refuse one URL after another (pure): they mean how often they are asked, not the URLs.

429 and 503 without a Retry-After: the pace is halved while more than a third of the answers are such, and eased after EASE
others in a row. Where halving it brings far less, it was not the pace (each URL fails now and then), and where it brings nothing
VAIN times, the host is down: its pace is what it was.
403: a site's guard says so, too, when it has been asked too much, but so does a server of files for what is not there. What a
host that answered well before forbids is held; BURST in a row are asked for once more after a pause, at half the pace. A host
that forbids them after each of PAUSES means them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

BURST = 4.0  # refusals, less half of the other answers since, after which the host means the pace
SLOWEST = 8.0  # seconds between two requests, up to which a pace is halved
EASE = 20  # other answers after which it is eased
EASIER = 1.5  # times as fast
VAIN = 6  # halvings without another answer
FIRST = 0.05  # seconds between two requests, at the least, when a pace is halved
WORTH = 0.5  # share of the other answers a second, below which a halving has cost more than it brought
TRUSTED = 300  # answers of a host, whose pace was not meant, before it may be
PAUSES = (5.0, 15.0, 40.0)  # seconds for which a host that forbids one URL after another is left alone
FORBIDDEN = "http-403"

T = TypeVar("T")


@dataclass(kw_only=True)
class _Host:
    """What one host has answered. Intervals are seconds between two requests; 0: as everybody is asked."""

    pressure: float = 0.0
    interval: float = 0.0
    vain: int = 0  # halvings since anything but refusals came
    calm: int = 0  # other answers since the last refusal
    good: int = 0  # other answers since the last halving
    since: float = 0.0  # when that was
    best: float = 0.0  # the most other answers a second between two halvings
    worse: int = 0  # halvings in a row after which far fewer came
    trusted: int = 0  # answers to come that say nothing of the pace


class Gentle:
    """How far apart hosts are asked, where that is more than ``least`` seconds. Safe to use from several threads."""

    def __init__(self, least: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._least, self._clock = least, clock
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def interval(self, place: str) -> float:
        """Seconds between two requests of a host (name and port); 0 where it is asked as any other."""
        one = self._hosts.get(place)
        return 0.0 if one is None else one.interval

    def refused(self, place: str) -> None:
        """The host answered 429 or 503, and did not say when it wants to be asked again."""
        with self._lock:
            one = self._hosts.setdefault(place, _Host(since=self._clock()))
            one.calm = 0
            if one.trusted:
                one.trusted -= 1
                return
            one.pressure += 1
            if one.pressure >= BURST:
                self._pressed(one)

    def slow(self, place: str) -> None:
        """Ask the host half as often from here on."""
        with self._lock:
            one = self._hosts.setdefault(place, _Host(since=self._clock()))
            one.calm = 0
            self._halve(one)

    def answered(self, place: str) -> None:
        """The host answered something else."""
        one = self._hosts.get(place)
        if one is None:
            return
        with self._lock:
            one.pressure = max(0.0, one.pressure - 0.5)
            one.vain = 0
            one.good += 1
            one.calm += 1
            one.trusted = max(0, one.trusted - 1)
            if one.calm >= EASE:
                one.calm, one.interval = 0, one.interval / EASIER
                one.interval *= one.interval > max(self._least, FIRST / 2)

    def _pressed(self, one: _Host) -> None:
        """Halve the pace, unless that has brought less for a while, or nothing at all."""
        one.pressure = 0.0
        one.vain += 1
        rate = one.good / max(self._clock() - one.since, self._least)
        one.worse = one.worse + 1 if one.good and rate < one.best * WORTH else 0
        one.best = max(one.best, rate) if one.interval else 0.0
        if one.worse > 1 or one.vain > VAIN:
            one.interval, one.best, one.worse, one.trusted = 0.0, 0.0, 0, TRUSTED * (one.worse > 1)
        else:
            self._halve(one)

    def _halve(self, one: _Host) -> None:
        one.interval = max(one.interval, min(max(2 * max(one.interval, self._least), FIRST), SLOWEST))
        one.good, one.since = 0, self._clock()


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[T]):
    """What becomes of what was forbidden: ``over``: it was meant. ``again``: ask once more, after ``pause`` seconds."""

    over: list[T] = field(default_factory=list)
    again: list[T] = field(default_factory=list)
    pause: float = 0.0


class Forbidden(Generic[T]):
    """What hosts answered 403 for, until it is known whether they mean it."""

    def __init__(self) -> None:
        self._held: dict[str, list[T]] = {}
        self._pressure: dict[str, float] = {}
        self._pauses: dict[str, int] = {}  # of the hosts that have answered well
        self._meant: set[str] = set()
        self._paced: set[str] = set()  # hosts that gave what they had forbidden

    def doubted(self, place: str) -> bool:
        """Whether a 403 of this host (name and port) may be about the pace."""
        return place in self._pauses and place not in self._meant

    def refused(self, place: str, thing: T) -> Decision[T]:
        """A ``doubted`` host forbids something, too."""
        self._held.setdefault(place, []).append(thing)
        self._pressure[place] = self._pressure.get(place, 0.0) + 1
        if self._pressure[place] < BURST:
            return Decision()
        self._pressure[place] = 0.0
        count = self._pauses[place]
        if count == len(PAUSES):
            self._meant.add(place)
            return Decision(over=self._held.pop(place))
        self._pauses[place] = count + 1
        return Decision(again=self._held.pop(place), pause=PAUSES[count])

    def answered(self, place: str, *, again: bool) -> Decision[T] | None:
        """A host answered well; ``again``: for what it had forbidden, and the others that are held may be had, too."""
        count = self._pauses.setdefault(place, 0)
        if again and count:
            self._paced.add(place)
            self._pauses[place] = 0
        if place not in self._pressure:
            return None
        pressure = self._pressure[place] = max(0.0, self._pressure[place] - 0.5)
        if again and count:
            return Decision(again=self._held.pop(place, []))
        if not pressure:
            del self._pressure[place]
            return Decision(over=self._held.pop(place, []))
        return None

    def rest(self) -> Iterator[tuple[str, Decision[T]]]:
        """Take out all that is held, when nothing else is left: what a host forbade that has meant the pace is asked again."""
        held, self._held = self._held, {}
        for place, things in held.items():
            count = self._pauses[place]
            if place in self._paced and count < len(PAUSES):
                self._pauses[place] = count + 1
                yield place, Decision(again=things, pause=PAUSES[count])
            else:
                yield place, Decision(over=things)
