"""A gentler pace for hosts that refuse one URL after another (pure): they mean how often they are asked, not the URLs.

429 and 503: the pace is halved while more than a third of the answers are such; it is eased again after EASE other answers.
Where halving it VAIN times brings nothing at all, the host is down, and its pace is what it was.
403: a site's guard says so, too, when it has been asked too much, but so does a server of files for what is not there. What a
host that answered well before forbids is held; BURST in a row are asked for once more after a pause, at half the pace. A host
that forbids them after each of PAUSES means them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

BURST = 4.0  # refusals, less half of the other answers since, after which the host means the pace
SLOWEST = 8.0  # seconds between two requests, up to which a pace is halved
EASE = 50  # other answers after which it is eased
EASIER = 1.5  # times as fast
VAIN = 4  # halvings without another answer
PAUSES = (5.0, 15.0, 40.0)  # seconds for which a host that forbids one URL after another is left alone
FORBIDDEN = "http-403"

T = TypeVar("T")


@dataclass(kw_only=True)
class _Host:
    """What one host has answered."""

    pressure: float = 0.0
    interval: float = 0.0  # seconds between two requests; 0: as everybody
    before: float = 0.0  # what it was when something else than refusals came last
    vain: int = 0  # halvings since
    calm: int = 0  # other answers since the last refusal


class Gentle:
    """How far apart hosts are asked, where that is more than ``least`` seconds. Safe to use from several threads."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def interval(self, place: str) -> float:
        """Seconds between two requests of a host (name and port); 0 where it is asked as any other."""
        one = self._hosts.get(place)
        return 0.0 if one is None else one.interval

    def refused(self, place: str) -> None:
        """The host answered 429 or 503."""
        with self._lock:
            one = self._hosts.setdefault(place, _Host())
            one.calm = 0
            one.pressure += 1
            if one.pressure >= BURST:
                one.pressure = 0.0
                one.vain += 1
                one.interval = one.before if one.vain > VAIN else self._halved(one)

    def slow(self, place: str) -> None:
        """Ask the host half as often from here on."""
        with self._lock:
            one = self._hosts.setdefault(place, _Host())
            one.calm, one.interval = 0, self._halved(one)

    def answered(self, place: str) -> None:
        """The host answered something else."""
        one = self._hosts.get(place)
        if one is None:
            return
        with self._lock:
            one.pressure = max(0.0, one.pressure - 0.5)
            one.before, one.vain = one.interval, 0
            one.calm += 1
            if one.calm >= EASE:
                one.calm, one.interval = 0, one.interval / EASIER
                one.interval *= one.interval > self._least

    def _halved(self, one: _Host) -> float:
        return max(one.interval, min(2 * max(one.interval, self._least), SLOWEST))


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
