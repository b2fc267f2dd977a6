"""What is found on a photo: Box, its geometry, and the Detector that finds boxes, whatever library does the work (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Corners = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels; x1, y1 exclusive


@dataclass(frozen=True, kw_only=True)
class Box:
    """One detection on a photo: corners in pixels, a label, a confidence in [0, 1].

    ``shape`` says which part of the box is garment (see ``shape.py``); empty when nobody knows.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    label: str
    score: float
    shape: bytes = b""

    @property
    def corners(self) -> Corners:
        """(x0, y0, x1, y1) in pixels."""
        return self.x0, self.y0, self.x1, self.y1

    def scaled(self, x: float, y: float) -> Self:
        """The same box on the photo at ``x`` times its width and ``y`` times its height."""
        return replace(self, x0=self.x0 * x, y0=self.y0 * y, x1=self.x1 * x, y1=self.y1 * y)


def iou(first: Corners, second: Corners) -> float:
    """Intersection over union of two boxes, in [0, 1]; 0 for an empty union."""
    both = inner(first, second)
    union = area(first) + area(second) - both
    return both / union if union > 0 else 0.0


def inner(first: Corners, second: Corners) -> float:
    """The area in pixels that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def area(box: Corners) -> float:
    """Width times height in pixels; 0 for an inverted box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def contained(first: Corners, second: Corners) -> float:
    """The share of the smaller box that lies inside the other, in [0, 1]."""
    smaller = min(area(first), area(second))
    return min(1.0, inner(first, second) / smaller) if smaller > 0 else 0.0


class Detector(Protocol):
    """What the crop loop needs of a detector."""

    @property
    def name(self) -> str:
        """Identity of the weights, ``<model>@<digest>``: detections in the catalog are kept under it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The garment labels it can say."""

    def detect(self, photos: Sequence[NDArray[np.uint8]]) -> list[list[Box]]:
        """Boxes of each photo, best score first, in pixels of the photo as given (uint8 HWC RGB, any sizes)."""
