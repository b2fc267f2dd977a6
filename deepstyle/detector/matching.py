"""Which detections are right: pure matching of boxes with the truth, as COCO does it at one IoU.

Lin et al. 2014, arXiv 1405.0312; Everingham et al. 2010 for the rule: best score first, each true box is found once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations.coco import AnnotatedSet, Annotation
from deepstyle.boxes import Box, area, inner, iou


@dataclass(frozen=True, kw_only=True)
class Matched:
    """One photo's outcome: detections with the garment that each found, false alarms, and garments that nobody found."""

    pairs: tuple[tuple[Box, Annotation], ...]
    wrong: tuple[Box, ...]
    missed: tuple[Annotation, ...]

    @property
    def right(self) -> tuple[Box, ...]:
        """The detections that found a garment."""
        return tuple(box for box, _ in self.pairs)


def match(truth: Sequence[Annotation], found: Sequence[Box], *, min_iou: float = 0.5) -> Matched:
    """Give each detection, best score first, the yet unfound garment of its label that it overlaps most (IoU in [0, 1])."""
    free = list(truth)
    pairs: list[tuple[Box, Annotation]] = []
    wrong: list[Box] = []
    for box in sorted(found, key=lambda one: -one.score):
        fits = [(iou(box.corners, one.box), k) for k, one in enumerate(free) if one.label == box.label]
        best, k = max(fits, default=(0.0, -1))
        if best >= min_iou:
            pairs.append((box, free.pop(k)))
        else:
            wrong.append(box)
    return Matched(pairs=tuple(pairs), wrong=tuple(wrong), missed=tuple(free))


def in_crowd(box: Box, crowds: Sequence[Annotation], *, min_share: float = 0.5) -> bool:
    """Whether so much of a detection lies in a crowd of its label that it is neither right nor wrong, as COCO has it."""
    share = max((inner(box.corners, one.box) for one in crowds if one.label == box.label), default=0.0)
    return share >= min_share * area(box.corners) > 0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts at each score threshold of ``thresholds``, int64: found rightly, found wrongly, missed."""

    thresholds: NDArray[np.float64]
    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    missed: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the detections that are right, in [0, 1]; 1 where there is no detection."""
        found = self.right + self.wrong
        share: NDArray[np.float64] = np.where(found > 0, self.right / np.maximum(found, 1), 1.0)
        return share

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the garments that are found, in [0, 1]; 0 where there is no garment."""
        share: NDArray[np.float64] = self.right / np.maximum(self.right + self.missed, 1)
        return share


def counts(truth: AnnotatedSet, found: Sequence[Sequence[Box]], label: str, *, steps: int = 101) -> Counts:
    """Count over all photos for one label at ``steps`` thresholds from 0 to 1, at IoU 0.5."""
    outcomes = [
        match([a for a in image.annotations if a.label == label], [b for b in boxes if b.label == label])
        for image, boxes in zip(truth.images, found, strict=True)
    ]
    right = np.array([box.score for one in outcomes for box in one.right])
    wrong = np.array([box.score for one in outcomes for box in one.wrong])
    garments = sum(len(one.right) + len(one.missed) for one in outcomes)
    thresholds = np.linspace(0, 1, steps)
    hits = (right[None] >= thresholds[:, None]).sum(1)
    return Counts(
        thresholds=thresholds, right=hits, wrong=(wrong[None] >= thresholds[:, None]).sum(1), missed=garments - hits
    )


def plausible(boxes: Sequence[Box], *, min_score: float, worn: Mapping[str, int] | None) -> list[Box]:
    """The detections of a photo that may serve as its annotations; none when they would be incomplete.

    ``worn`` is the number of garments of each label that the photo shows: of each label so many are kept, best first,
    and if one is lacking the photo gives nothing. Where it is None, all detections of ``min_score`` or more are kept.
    """
    found = sorted((box for box in boxes if box.score >= min_score), key=lambda box: -box.score)
    if worn is None:
        return found
    kept = [box for label, count in worn.items() for box in [b for b in found if b.label == label][:count]]
    return kept if len(kept) == sum(worn.values()) else []
