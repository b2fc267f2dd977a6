"""Figures of the crops, against counts by hand and an independent computation."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation
from deepstyle.boxes import Box
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.figures import crop_figures, surest_rules
from deepstyle.crop.rules import choose, contained

LABELS = ("upper", "lower", "full")
Corners = tuple[float, float, float, float]


def rules(*overrides: str) -> CropConfig:
    return load_config(CropConfig, None, ["min_side=1", "max_per_label=null", *overrides])


def photos(*garments: list[tuple[str, Corners]]) -> AnnotatedSet:
    images = tuple(
        AnnotatedImage(
            path=Path(f"{k}.png"), width=200, height=200,
            annotations=tuple(Annotation(box=box, label=label) for label, box in row),
        )
        for k, row in enumerate(garments)
    )  # fmt: skip
    return AnnotatedSet(labels=LABELS, images=images)


def found(label: str, score: float, corners: Corners) -> Box:
    return Box(x0=corners[0], y0=corners[1], x1=corners[2], y1=corners[3], label=label, score=score)


def test_figures_by_hand() -> None:
    """One right crop, one with the wrong label on the same cloth, a missed garment, a shoe photo with and without a crop."""
    whole = (0.0, 0.0, 100.0, 100.0)
    truth = photos([("upper", whole)], [("lower", whole)], [], [])
    boxes = [
        [found("upper", 0.9, whole), found("full", 0.6, (0, 0, 100, 95)), found("lower", 0.2, whole)],
        [],
        [found("full", 0.8, whole)],
        [found("full", 0.3, whole)],
    ]
    seen = crop_figures(truth, boxes, rules("min_score=0.5", "max_overlap=1"))

    assert (seen.crops, seen.doubles, seen.singles, seen.bare) == (3, 1, 2, 2)
    assert seen.precision == pytest.approx(1 / 3)
    assert (seen.recall, seen.main, seen.empty) == (0.5, 0.5, 0.5)


def test_no_photos_of_a_kind_have_no_share() -> None:
    """Without crops there is no precision, without garments no recall: None, and not a number that flatters."""
    seen = crop_figures(photos([]), [[]], rules())

    assert (seen.precision, seen.recall, seen.main, seen.empty) == (None, None, None, 1.0)


def test_precision_and_recall_against_an_independent_computation() -> None:
    """On random boxes apart from one another the right crops are those of the best assignment, by torchvision's IoU."""
    random = np.random.default_rng(0)
    truth_rows, boxes, wanted, total = [], [], 0, 0
    for _ in range(30):
        corners = [
            tuple(float(v) for v in (60 * k, y, 60 * k + 40, y + 60)) for k, y in enumerate(random.uniform(0, 90, 3))
        ]
        garments = [(LABELS[random.integers(3)], c) for c in corners]
        moved = [(LABELS[random.integers(3)], tuple(np.array(c) + random.uniform(-12, 12))) for c in corners]
        row = [found(label, float(random.uniform(0.5, 1)), c) for label, c in moved]
        overlap = box_iou(torch.tensor([b.corners for b in row]), torch.tensor(corners)).numpy()
        fits = [[overlap[i, k] >= 0.5 and row[i].label == garments[k][0] for k in range(3)] for i in range(3)]
        wanted += max(sum(fits[i][k] for i, k in enumerate(order)) for order in permutations(range(3)))
        total += len(row)
        truth_rows.append(garments)
        boxes.append(row)
    seen = crop_figures(photos(*truth_rows), boxes, rules("min_score=0"))  # type: ignore[arg-type]

    assert 0 < wanted < total
    assert seen.precision == pytest.approx(wanted / total)
    assert seen.recall == pytest.approx(wanted / total)


def test_one_cloth_is_cut_once_by_containment() -> None:
    """A box inside a surer one of another label goes where max_inside says so, though their IoU is small; a neighbour stays."""
    dress, top, shoe = (
        found("full", 0.9, (0, 0, 100, 300)),
        found("upper", 0.7, (10, 0, 90, 90)),
        found("lower", 0.6, (110, 0, 190, 90)),
    )
    kept = choose([dress, top, shoe], rules("min_score=0.1", "max_inside=0.8"), 400, 400)
    all_of_them = choose([dress, top, shoe], rules("min_score=0.1"), 400, 400)

    assert [one.k for one in kept] == [0, 2]
    assert [one.k for one in all_of_them] == [0, 1, 2]
    assert contained((0, 0, 10, 10), (5, 0, 105, 10)) == 0.5
    assert contained((0, 0, 10, 10), (20, 20, 30, 30)) == contained((3, 3, 3, 9), (0, 0, 10, 10)) == 0.0


def test_rules_are_chosen_for_precision_at_a_recall() -> None:
    """The surest rules drop the wrong crops and keep the recall asked for."""
    whole = (0.0, 0.0, 100.0, 100.0)
    truth = photos(*[[("upper", whole)]] * 4)
    boxes = [[found("upper", 0.5 + k / 10, whole), found("full", 0.42, (0, 0, 100, 180))] for k in range(4)]
    chosen, seen = surest_rules(truth, boxes, rules(), recall=0.9)

    assert (seen.precision, seen.recall) == (1.0, 1.0)
    assert chosen.min_score > 0.42 or chosen.max_inside < 1
