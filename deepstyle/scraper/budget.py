"""What one page may cost (pure): bytes, elements, values of its scripts, seconds. Reading stops there and says so.

No page that people look at comes near these limits; pages that were made to hold a crawler do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_BYTES = 10_000_000  # of a page, after decompression
MAX_ELEMENTS = 300_000
MAX_VALUES = 1_000_000  # of JSON and JavaScript literals, and characters of them / 8
MAX_FOUND = 20_000  # pictures, and as many links
MAX_SECONDS = 10.0


class Budget:
    """Counts down while a page is read. ``cut`` names the first limit that was reached, or is empty."""

    def __init__(
        self, *, elements: int = MAX_ELEMENTS, values: int = MAX_VALUES, seconds: float = MAX_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.elements, self.values, self.found = elements, values, MAX_FOUND
        self._clock, self._end = clock, clock() + seconds
        self.cut = ""

    def element(self) -> bool:
        """Count an element; False when there have been too many."""
        self.elements -= 1
        if self.elements < 0:
            self.cut = self.cut or "elements"
        return self.elements >= 0

    def value(self, number: int = 1) -> bool:
        """Count values of scripts; False when there have been too many."""
        self.values -= number
        if self.values < 0:
            self.cut = self.cut or "values"
        return self.values >= 0

    def picture(self) -> bool:
        """Count something that was found, a picture or a link; False when there have been too many."""
        self.found -= 1
        if self.found < 0:
            self.cut = self.cut or "pictures"
        return self.found >= 0

    def in_time(self) -> bool:
        """Whether there are elements and seconds left."""
        if self._clock() > self._end:
            self.cut = self.cut or "seconds"
        return self.elements >= 0 and self.cut != "seconds"
