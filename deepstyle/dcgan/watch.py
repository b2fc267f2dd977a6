"""Is the game still being played? The rules by which a training notices that it went wrong (pure).

Three things end a game: a number that is not finite, a discriminator that is sure of everything (D collapse: the
generator learns nothing from it), a generator that makes one picture (mode collapse). A rule looks at a whole window of
log points, because each of them happens for a moment in a healthy game.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WINDOW = 20  # log points that must all be bad
SURE = 0.995  # D(real) above it and D(fake) below 1 - SURE: D is sure of everything
ALIKE = 0.1  # generated images this share as far apart as real ones are all alike


@dataclass(frozen=True, kw_only=True)
class Point:
    """One report of the game: mean D(real) and D(fake) in [0, 1], and how varied the images are (generated over real)."""

    real: float
    fake: float
    variety: float

    @property
    def sure(self) -> bool:
        """D is sure of everything here."""
        return self.real > SURE and self.fake < 1 - SURE

    @property
    def alike(self) -> bool:
        """The generated images are all alike here."""
        return self.variety < ALIKE


def not_finite(values: Mapping[str, float]) -> str | None:
    """The complaint about values of which one is not finite, naming it; None when all are."""
    bad = [f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)]
    return ", ".join(bad) or None


def collapse(points: Sequence[Point], window: int = WINDOW) -> str | None:
    """The complaint about a game whose last ``window`` points are all bad; None when it goes on.

    A generator that has not begun to vary yet is no collapse: it must have varied once, at the point before the window
    or earlier.
    """
    last = points[-window:]
    if len(last) < window:
        return None
    if all(point.sure for point in last):
        return (
            f"discriminator collapse: D(real) {last[-1].real:.4f}, D(fake) {last[-1].fake:.4f} for {window} log points"
        )
    if all(point.alike for point in last) and any(not point.alike for point in points[:-window]):
        return f"mode collapse: samples are {last[-1].variety:.0%} as far apart as real images for {window} log points"
    return None


def healthy(points: Sequence[Point]) -> bool:
    """Whether the game looked well at its last point; a game not looked at yet does."""
    return not points or not (points[-1].sure or (points[-1].alike and any(not point.alike for point in points)))


def remembered(points: Sequence[Point], window: int = WINDOW) -> list[Point]:
    """What must be kept of the points for later verdicts: the last window, and one earlier point that varied."""
    varied = [point for point in points[:-window] if not point.alike]
    return [*varied[-1:], *points[-window:]]


def spread(images: Tensor) -> Tensor:
    """Mean Euclidean distance between two of (the first 64 of) N x 3 x S x S images; a 0-dimensional float32 tensor."""
    flat = images[:64].detach().flatten(1).float()
    return torch.pdist(flat).mean()
