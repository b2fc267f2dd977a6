"""What each host says before it is asked for anything: robots.txt and tdmrep.json, fetched once and kept (loop's memory)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from deepstyle.scraper.manners import MAX_ROBOTS, Robots, read_robots
from deepstyle.scraper.reservations import robots_statements, tdmrep_statements
from deepstyle.scraper.urls import origin

PASSING = frozenset({"http-429", "http-500", "http-502", "http-503", "http-504", "truncated", "bad-encoding"})
AGAIN = 60.0  # seconds after which a robots.txt that could not be had is asked for again
A = TypeVar("A", bound=Any)  # the fetcher's answer: ``outcome``, ``body`` and ``detail``


class Hosts(Generic[A]):
    """The rules of every host (scheme, name and port). ``fetch(url)`` gets a file; several threads may ask.

    ``log`` holds the answers that nobody has recorded yet.
    """

    def __init__(self, fetch: Callable[[str], A], user_agent: str, clock: Callable[[], float]) -> None:
        self._fetch, self._user_agent, self._clock = fetch, user_agent, clock
        self._known: dict[str, Robots] = {}
        self._again: dict[str, float] = {}  # when to ask again for one that could not be had
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
            if known is not None and (known.outcome not in PASSING or self._clock() < self._again[key]):
                return known
            answer = self._get(f"{key}/robots.txt")
            if answer.outcome == "ok":
                robots = read_robots(answer.body, self._user_agent)
                text = answer.body[:MAX_ROBOTS].decode("utf-8-sig", "replace")
                robots = replace(robots, statements=tuple(robots_statements(text, robots.agent)))
            elif answer.outcome.startswith("http-4") and answer.outcome != "http-429":
                robots = Robots()  # "unavailable": everything is allowed
            else:
                robots = Robots(outcome=answer.outcome, detail=f"{answer.outcome} {answer.detail}".strip())
                self._again[key] = self._clock() + AGAIN
            if robots.outcome == "ok":
                file = self._get(f"{key}/.well-known/tdmrep.json")
                stated = tdmrep_statements(file.body) if file.outcome == "ok" else []
                robots = replace(robots, statements=(*robots.statements, *stated))
            if answer.outcome not in {"stopped", "host-busy"}:
                self._known[key] = robots
            return robots

    def _get(self, url: str) -> A:
        answer = self._fetch(url)
        self.log.append(answer)
        return answer
