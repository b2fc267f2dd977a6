"""Pure geometry and rules: which detections become garments, and the box that is cut for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from deepstyle.config import CropConfig

Corners = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels; x1, y1 exclusive


@dataclass(frozen=True, kw_only=True)
class Box:
    """One detection on a photo: corners in pixels, a label, a confidence in [0, 1]."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str
    score: float

    @property
    def corners(self) -> Corners:
        """(x0, y0, x1, y1) in pixels."""
        return self.x0, self.y0, self.x1, self.y1


def iou(first: Corners, second: Corners) -> float:
    """Intersection over union of two boxes, in [0, 1]; 0 for an empty union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    inner = max(0.0, width) * max(0.0, height)
    union = area(first) + area(second) - inner
    return inner / union if union > 0 else 0.0


def area(box: Corners) -> float:
    """Width times height in pixels; 0 for an inverted box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def expand(box: Corners, margin: float, width: int, height: int) -> Corners:
    """Grow a box by ``margin`` of its own side on each side, clipped to a ``width`` x ``height`` photo, whole pixels."""
    dx, dy = (box[2] - box[0]) * margin, (box[3] - box[1]) * margin
    return (
        float(max(0, round(box[0] - dx))), float(max(0, round(box[1] - dy))),
        float(min(width, round(box[2] + dx))), float(min(height, round(box[3] + dy))),
    )  # fmt: skip


def choose(boxes: Sequence[Box], config: CropConfig, width: int, height: int) -> list[tuple[int, Box]]:
    """The detections of one photo that the rules turn into garments, as (rank k in ``boxes``, box to cut).

    Best score first within a label; the returned boxes have the margin and are clipped to the photo.
    """
    chosen: list[tuple[int, Box]] = []
    per_label: dict[str, int] = {}
    for k in sorted(range(len(boxes)), key=lambda k: (-boxes[k].score, k)):
        box = boxes[k]
        if box.score < config.min_score or (config.labels and box.label not in config.labels):
            continue
        if config.max_per_label is not None and per_label.get(box.label, 0) >= config.max_per_label:
            continue
        x0, y0, x1, y1 = expand(box.corners, config.margin, width, height)
        if min(x1 - x0, y1 - y0) < config.min_side:
            continue
        per_label[box.label] = per_label.get(box.label, 0) + 1
        chosen.append((k, Box(x0=x0, y0=y0, x1=x1, y1=y1, label=box.label, score=box.score)))
    return sorted(chosen, key=lambda pair: pair[0])


def rule_of(config: CropConfig) -> str:
    """The rules that shape a garment's pixels, as a canonical text: garments cut by another rule are cut again."""
    return json.dumps({"margin": config.margin}, sort_keys=True)
