"""The rules of the cut: which detections become garments, and the box that is cut for each (pure)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deepstyle.boxes import Box, Corners, contained, iou
from deepstyle.config import CropConfig

RULES = "crop.yaml"  # in the workspace: the settings of its last crop
PERSON = 1.5  # height of a person's photo, by its width
NEAR = 0.1  # of a score above the least: a garment that hardly counts as one
LIKELY = 0.3  # score from which a detection may be a garment
SMALLEST = 20  # pixels of a garment's shorter side, as the network sees it, below which it hardly sees any
RIVAL = 0.5  # of a garment's score: from where on another label is a rival


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
        if config.max_per_label is not None and same >= config.max_per_label * people(width, height):
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


def people(width: int, height: int) -> int:
    """How many people a photo has room for, side by side or one above another: one, where it is not over twice as long."""
    if max(width, height) <= 2 * min(width, height):
        return 1
    return max(1, round(width / height * PERSON if width > height else height / width / PERSON))


def too_small(boxes: Sequence[Box], width: int, height: int, side: int) -> bool:
    """Whether all that was found is so small, as a network sees it (``side``: its shorter side), that more was missed."""
    seen = side / min(width, height)
    sides = [seen * min(box.x1 - box.x0, box.y1 - box.y0) for box in boxes if box.score >= LIKELY]
    return bool(sides) and max(sides) < SMALLEST


def contested(chosen: Choice, boxes: Sequence[Box], config: CropConfig) -> bool:
    """Whether a garment is doubtful: its score is hardly above ``min_score``, or another label is seen there almost as surely."""
    score = chosen.box.score
    return score < config.min_score + NEAR or any(
        other.label != chosen.box.label and other.score > score * RIVAL and iou(other.corners, chosen.own) > 0.5
        for k, other in enumerate(boxes)
        if k != chosen.k
    )


def _same_cloth(box: Corners, surer: Corners, config: CropConfig) -> bool:
    """Whether a box shows what a surer one shows already: they overlap too much, or the smaller lies in the larger."""
    return iou(box, surer) > config.max_overlap or contained(box, surer) > config.max_inside


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


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a garment was cut. ``ground``: what is around it, the photo, the photo blurred, or a colour; ``tight``: not squared."""

    ground: Literal["photo", "blurred", "plain"] = "photo"
    tight: bool = True

    @property
    def untouched(self) -> bool:
        """Whether its picture is a part of the photo as it is: then its outline on the photo is one on the picture, too."""
        return self.ground == "photo" and self.tight


def cut_by(rule: str) -> Cut:
    """How the garments of a text of ``rule_of`` were cut; another text (of an older workspace) says nothing."""
    try:
        told = json.loads(rule)
    except json.JSONDecodeError:
        return Cut()
    if not isinstance(told, dict):
        return Cut()
    background = told.get("background")
    ground: Literal["photo", "blurred", "plain"] = "photo" if background is None else "plain"
    return Cut(ground="blurred" if background == "blur" else ground, tight="aspect" not in told)
