"""Box geometry and the rules of the cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstyle.config import CropConfig, load_config
from deepstyle.crop.boxes import Box, Corners, area, choose, expand, iou

corner = st.floats(0, 500, allow_nan=False)
boxes = st.tuples(corner, corner, corner, corner)


def config(*overrides: str) -> CropConfig:
    return load_config(CropConfig, None, ["margin=0", "min_side=1", *overrides])


def box(label: str, score: float, *corners: float) -> Box:
    x0, y0, x1, y1 = corners or (0, 0, 100, 200)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1, label=label, score=score)


@given(boxes, boxes)
def test_iou_is_symmetric_and_bounded(first: Corners, second: Corners) -> None:
    """IoU does not depend on the order and lies in [0, 1]."""
    assert iou(first, second) == iou(second, first)
    assert 0 <= iou(first, second) <= 1 + 1e-9


def test_iou_of_known_boxes() -> None:
    """Half-overlapping squares have IoU 1/3, equal ones 1, touching ones 0."""
    assert iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert area((5, 5, 1, 9)) == 0


def test_margin_is_clipped_to_the_photo() -> None:
    """A margin grows each side by a share of it, never beyond the photo."""
    assert expand((10, 20, 110, 220), 0.1, 500, 500) == (0, 0, 120, 240)
    assert expand((0, 0, 100, 100), 0.5, 120, 110) == (0, 0, 120, 110)


def test_best_of_each_label_is_chosen() -> None:
    """By default one garment per label: the surest; the rank in the detections is kept."""
    found = [box("full", 0.6), box("upper", 0.9), box("full", 0.8), box("lower", 0.3)]

    assert [(k, b.label) for k, b in choose(found, config(), 500, 500)] == [(1, "upper"), (2, "full")]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("min_score=0.2", [1, 2, 3]),
        ("min_score=0.85", [1]),
        ("labels=full", [2]),
        ("max_per_label=null", [0, 1, 2]),
        ("min_side=101", []),
    ],
)
def test_each_rule_selects(override: str, expected: list[int]) -> None:
    """Score, label, number and size rules each select what they say."""
    found = [box("full", 0.6), box("upper", 0.9), box("full", 0.8), box("lower", 0.3)]

    assert [k for k, _ in choose(found, config(override), 500, 500)] == expected
