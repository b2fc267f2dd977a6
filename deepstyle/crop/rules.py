"""The rules of the cut: which detections become garments, and the box that is cut for each (pure)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from deepstyle.boxes import Box, Corners, area, iou
from deepstyle.config import CropConfig


def expand(box: Corners, margin: float, width: int, height: int) -> Corners:
    """Grow a box by ``margin`` of its own side on each side, clipped to a ``width`` x ``height`` photo, whole pixels."""
    dx, dy = (box[2] - box[0]) * margin, (box[3] - box[1]) * margin
    return (
        float(max(0, round(box[0] - dx))), float(max(0, round(box[1] - dy))),
        float(min(width, round(box[2] + dx))), float(min(height, round(box[3] + dy))),
    )  # fmt: skip


def square(box: Corners, width: int, height: int) -> Corners:
    """The square around a whole-pixel box, moved into the photo; where the photo is too small, all of that side."""
    side = max(box[2] - box[0], box[3] - box[1])
    x0, x1 = _stretch(box[0], box[2], side, width)
    y0, y1 = _stretch(box[1], box[3], side, height)
    return x0, y0, x1, y1


def _stretch(start: float, stop: float, side: float, limit: int) -> tuple[float, float]:
    side = min(side, limit)
    start = float(min(max(0, round((start + stop - side) / 2)), limit - side))
    return start, start + side


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A detection that becomes a garment: its rank ``k``, the ``box`` to cut, and the garment's ``own`` box inside it.

    ``shape``: which part of its own box is garment (``shape.py``); empty when nobody knows.
    """

    k: int
    box: Box
    own: Corners
    shape: bytes = b""


def choose(boxes: Sequence[Box], config: CropConfig, width: int, height: int) -> list[Choice]:
    """The detections of one photo that the rules turn into garments, by their rank in ``boxes``.

    Best score first, until the rules have enough; boxes to cut have margin and context and lie inside the photo.
    """
    chosen: list[Choice] = []
    for k in sorted(range(len(boxes)), key=lambda k: (-boxes[k].score, k)):
        box = boxes[k]
        if config.max_per_photo is not None and len(chosen) >= config.max_per_photo:
            break
        if box.score < config.min_score or (config.labels and box.label not in config.labels):
            continue
        same = sum(other.box.label == box.label for other in chosen)
        if config.max_per_label is not None and same >= config.max_per_label:
            continue
        if any(_same_cloth(box.corners, other.own, config) for other in chosen):
            continue
        corners = expand(box.corners, config.margin, width, height)
        if min(corners[2] - corners[0], corners[3] - corners[1]) < config.min_side:
            continue
        x0, y0, x1, y1 = square(corners, width, height) if config.aspect == "square" else corners
        cut = Box(x0=x0, y0=y0, x1=x1, y1=y1, label=box.label, score=box.score)
        chosen.append(Choice(k=k, box=cut, own=box.corners, shape=box.shape))
    return sorted(chosen, key=lambda choice: choice.k)


def _same_cloth(box: Corners, surer: Corners, config: CropConfig) -> bool:
    """Whether a box shows what a surer one shows already: they overlap too much, or the smaller lies in the larger."""
    return iou(box, surer) > config.max_overlap or contained(box, surer) > config.max_inside


def contained(first: Corners, second: Corners) -> float:
    """The share of the smaller box that lies inside the other, in [0, 1]."""
    both = area(
        (max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3]))
    )
    smaller = min(area(first), area(second))
    return min(1.0, both / smaller) if smaller > 0 else 0.0


def rule_of(config: CropConfig) -> str:
    """The rules that shape a garment's pixels, as a canonical text: garments cut by another rule are cut again.

    Rules at their default are left out, so that a rule added to deepstyle later changes no text of an older workspace.
    """
    shaping = {
        "aspect": (config.aspect, "tight"), "background": (config.background, "keep"),
        "transparent": (config.transparent, False),
    }  # fmt: skip
    later = {name: value for name, (value, default) in shaping.items() if value != default}
    return json.dumps({"margin": config.margin, **later}, sort_keys=True)
