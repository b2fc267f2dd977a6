"""How far a training is, by images and by minutes (pure but for the clock)."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """How far a training is: by images seen and by minutes spent, whichever is further.

    ``clock`` gives seconds; ``spent`` are seconds that earlier processes of the same run used.
    """

    def __init__(
        self, images: int, minutes: float | None, *, spent: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.images, self.minutes = images, minutes
        self._clock, self._start = clock, clock() - spent

    @property
    def seconds(self) -> float:
        """Seconds this run has trained, all its processes together."""
        return self._clock() - self._start

    def progress(self, images: int) -> float:
        """Share of the budget that is used, in [0, 1]."""
        by_time = self.seconds / (self.minutes * 60) if self.minutes else 0.0
        return min(1.0, max(images / self.images, by_time))
