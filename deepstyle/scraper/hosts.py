"""What each host says before it is asked for anything: robots.txt and tdmrep.json, fetched once and kept (loop's memory)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from deepstyle.scraper.answer import BUSY
from deepstyle.scraper.manners import MAX_DELAY, MAX_ROBOTS, Robots, read_robots
from deepstyle.scraper.reservations import robots_statements, tdmrep_statements
from deepstyle.scraper.urls import origin

PASSING = BUSY | {"truncated", "bad-encoding"}
AGAIN = 60.0  # seconds after which a file that could not be had is asked for again
STALE = 24 * 3600.0  # seconds after which one that was read is asked for again: RFC 9309 2.4
UNKNOWN = PASSING | {"connection", "timeout", "too-slow", "host-busy", "stopped"}  # of a file that may be there
A = TypeVar("A", bound=Any)  # the fetcher's answer: ``outcome``, ``body`` and ``detail``


def missing(outcome: str) -> bool:
    """Whether an answer means that there is no such file (RFC 9309 2.3.1.3)."""
    return outcome.startswith("http-4") and outcome != "http-429"


class Hosts(Generic[A]):
    """The rules of every host (scheme, name and port). ``fetch(url)`` gets a file; several threads may ask.

    ``log`` holds the answers that nobody has recorded yet.
    """

    def __init__(self, fetch: Callable[[str], A], user_agent: str, clock: Callable[[], float]) -> None:
        self._fetch, self._user_agent, self._clock = fetch, user_agent, clock
        self._known: dict[str, Robots] = {}
        self._until: dict[str, float] = {}  # when to ask again
        self._told: dict[str, float] = {}  # seconds between two requests, as soon as robots.txt has been read
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.log: deque[A] = deque()

    def rules(self, url: str) -> Robots:
        """What the URL's host says: robots.txt (RFC 9309 2.3.1), and with it what it states of AI and of data mining."""
        key = origin(url)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            known = self._known.get(key)
            if known is not None and self._clock() < self._until[key]:
                return known
            robots = self._read(key)
            if robots.outcome not in {"stopped", "host-busy"}:
                self._known[key] = robots
                self._until[key] = self._clock() + (STALE if robots.outcome == "ok" else AGAIN)
            return robots

    def delay(self, place: str) -> float:
        """Seconds between two requests that a host (name and port) asks for, as far as it has been asked."""
        return max(self._told.get(f"{scheme}://{place}", 0.0) for scheme in ("http", "https"))

    def _read(self, key: str) -> Robots:
        """Ask for both files. One that fails leaves the host's rules unknown: then nothing may be fetched for a while."""
        answer = self._get(f"{key}/robots.txt")
        if answer.outcome == "ok":
            robots = read_robots(answer.body, self._user_agent)
            text = answer.body[:MAX_ROBOTS].decode("utf-8-sig", "replace")
            robots = replace(robots, statements=tuple(robots_statements(text, robots.agent)))
        elif missing(answer.outcome):
            robots = Robots()  # "unavailable": everything is allowed
        else:
            return Robots(outcome=answer.outcome, detail=f"robots.txt: {answer.outcome} {answer.detail}".strip())
        self._told[key] = robots.delay if robots.delay <= MAX_DELAY else 0.0  # of more nothing else is asked for
        file = self._get(f"{key}/.well-known/tdmrep.json")
        if file.outcome in UNKNOWN:
            return Robots(outcome=file.outcome, detail=f"tdmrep.json: {file.outcome} {file.detail}".strip())
        stated = tdmrep_statements(file.body) if file.outcome == "ok" else []
        return replace(robots, statements=(*robots.statements, *stated))

    def _get(self, url: str) -> A:
        answer = self._fetch(url)
        self.log.append(answer)
        return answer
