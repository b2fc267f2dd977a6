"""What a person sees of a detector in training: its AP, boxes on photos, its worst mistakes, precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from deepstyle.annotations.coco import AnnotatedSet, Annotation
from deepstyle.annotations.sheet import contact_sheet
from deepstyle.board import SHEET
from deepstyle.boxes import Box, Detector
from deepstyle.detector.evaluate import Evaluation, average_precision, find_all
from deepstyle.detector.matching import counts, match
from deepstyle.images import Pixels
from deepstyle.progress import Reporter
from deepstyle.run import Run

SHOWN = 0.5  # score from which a detection is drawn


def validate(
    run: Run[Any], detector: Detector, truth: AnnotatedSet, images: int, reporter: Reporter, *, batch_size: int = 8
) -> Evaluation:
    """AP of a detector at ``images`` photos seen; figures, pictures and curves go into its run."""
    found = find_all(detector, truth, batch_size=batch_size, reporter=reporter)
    result = average_precision(truth, found)
    figures = {"ap/all": result.ap, "ap/50": result.ap50, "ap/75": result.ap75}
    run.log(images, figures | {f"ap/{label}": value for label, value in result.per_label.items() if value is not None})
    run.picture("validation", boxes_sheet(truth, found), images, file=f"boxes-{images:08d}.png")
    run.picture("mistakes", errors_sheet(truth, found), images, file=f"mistakes-{images:08d}.png")
    show_curves(run.writer, truth, found, images)
    reporter.say(f"  at {images:,} photos: AP {result.ap:.3f}, AP50 {result.ap50:.3f}")
    return result


def _sheet(truth: AnnotatedSet, found: Sequence[Sequence[Box]], chosen: Sequence[int]) -> Pixels:
    """Each chosen photo twice: with its annotations, then with what was found."""
    cells = []
    for k in chosen:
        image = truth.images[k]
        seen = (
            Annotation(box=b.corners, label=b.label, category=f"{b.score:.2f}") for b in found[k] if b.score >= SHOWN
        )
        cells += [image, replace(image, annotations=tuple(seen))]
    return contact_sheet(cells, columns=SHEET)


def boxes_sheet(truth: AnnotatedSet, found: Sequence[Sequence[Box]], *, count: int = 12) -> Pixels:
    """The first ``count`` photos, each with its annotations and beside it with what was found (score 0.5 or more)."""
    return _sheet(truth, found, range(min(count, len(truth.images))))


def errors_sheet(truth: AnnotatedSet, found: Sequence[Sequence[Box]], *, count: int = 12) -> Pixels:
    """The ``count`` photos with the most mistakes (garments missed, false alarms), the worst first; drawn as above."""
    mistakes = []
    for image, boxes in zip(truth.images, found, strict=True):
        outcome = match(image.annotations, [box for box in boxes if box.score >= SHOWN])
        mistakes.append(len(outcome.missed) + len(outcome.wrong))
    return _sheet(truth, found, sorted(range(len(mistakes)), key=lambda k: (-mistakes[k], k))[:count])


def show_curves(writer: SummaryWriter, truth: AnnotatedSet, found: Sequence[Sequence[Box]], images: int) -> None:
    """One precision-recall curve a label (IoU 0.5) under TensorBoard's PR CURVES, at ``images`` seen."""
    for label in truth.labels:
        one = counts(truth, found, label)
        unknown = np.zeros_like(one.right)  # true negatives: there is no such thing as a box rightly not found
        writer.add_pr_curve_raw(
            f"precision and recall/{label}", one.right, one.wrong, unknown, one.missed, one.precision, one.recall,
            global_step=images, num_thresholds=len(one.thresholds),
        )  # fmt: skip
