"""What is to be asked for, and when (pure): a queue a host, with a time of its own for each URL that must wait.

Hosts take turns: the one with the least in flight is next, so that a few slow hosts never hold what others could have.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class _Queue(Generic[T]):
    """What is to be asked of one host: at once, in order, and not before a time."""

    def __init__(self) -> None:
        self.now: deque[T] = deque()
        self.later: list[tuple[float, int, T]] = []

    def due(self, now: float) -> bool:
        """Whether something may be asked for."""
        return bool(self.now) or (bool(self.later) and self.later[0][0] <= now)

    def take(self, now: float) -> T:
        """What is to be asked for next; what has waited comes first."""
        return heapq.heappop(self.later)[2] if self.later and self.later[0][0] <= now else self.now.popleft()


class Agenda(Generic[T]):
    """Things to ask of hosts. Times are seconds on one clock."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Queue[T]] = {}  # the one whose turn it is comes first
        self._number = itertools.count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, host: str, thing: T, due: float | None = None) -> None:
        """Line something up; ``due``: not before this time."""
        self._size += 1
        queue = self._hosts.setdefault(host, _Queue())
        if due is None:
            queue.now.append(thing)
        else:
            heapq.heappush(queue.later, (due, next(self._number), thing))

    def next(self, now: float, free: Callable[[str], bool], busy: Mapping[str, int]) -> tuple[str, T] | None:
        """The next thing that is due of a host that is ``free``; of those the one with the least in flight, in turn."""
        best: str | None = None
        for host, queue in self._hosts.items():
            if (best is None or busy.get(host, 0) < busy.get(best, 0)) and queue.due(now) and free(host):
                best = host
                if not busy.get(host, 0):
                    break
        if best is None:
            return None
        queue = self._hosts.pop(best)
        thing = queue.take(now)
        self._size -= 1
        if queue.now or queue.later:
            self._hosts[best] = queue  # behind the others
        return best, thing

    def waiting(self, host: str) -> int:
        """How much is to be asked of a host."""
        queue = self._hosts.get(host)
        return 0 if queue is None else len(queue.now) + len(queue.later)

    def dues(self) -> dict[str, float]:
        """When the first thing that waits of each host may be asked for."""
        return {host: queue.later[0][0] for host, queue in self._hosts.items() if queue.later}

    def due(self) -> float | None:
        """When the first thing that waits may be asked for; None when nothing waits."""
        return min(self.dues().values(), default=None)

    def hosts_due(self, now: float) -> list[str]:
        """The hosts of which something is due."""
        return [host for host, queue in self._hosts.items() if queue.due(now)]
