"""A bound on what threads hold at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """A bound on what threads hold at a time: ``taken`` waits until there is room. What is larger than all goes alone.

    A thread that has taken some is inside: what it takes then is not counted, or it would wait for itself.
    """

    def __init__(self, size: int) -> None:
        self.size = self._free = size
        self._changed = threading.Condition()
        self._thread = threading.local()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Hold ``amount`` while the block runs."""
        if getattr(self._thread, "inside", False):
            yield
            return
        need = min(amount, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= need)
            self._free -= need
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = False
            with self._changed:
                self._free += need
                self._changed.notify_all()
