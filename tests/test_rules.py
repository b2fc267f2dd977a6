"""Box geometry and the rules of the cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstyle.boxes import Box, Corners, area, iou
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.rules import Cut, choose, cut_by, expand, rule_of, square

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
    apart = (200, 0, 300, 200)
    found = [box("full", 0.6, *apart), box("upper", 0.9), box("full", 0.8, *apart), box("lower", 0.3)]

    assert [(c.k, c.box.label) for c in choose(found, config(), 500, 500)] == [(1, "upper"), (2, "full")]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("min_score=0.2", [1, 2, 3]),
        ("min_score=0.85", [1]),
        ("labels=full", [2]),
        ("max_per_label=null", [0, 1, 2]),
        ("min_side=101", []),
        ("max_per_photo=1", [1]),
        ("max_overlap=0.5", [1]),
    ],
)
def test_each_rule_selects(override: str, expected: list[int]) -> None:
    """Score, label, number and size rules each select what they say."""
    found = [box("full", 0.6), box("upper", 0.9), box("full", 0.8), box("lower", 0.3)]

    loose = () if "overlap" in override else ("max_overlap=1",)
    assert [c.k for c in choose(found, config(override, *loose), 500, 500)] == expected


def test_one_cloth_is_cut_once() -> None:
    """By default a box that overlaps a surer one by an IoU over 0.6 is no garment, whatever its label; one below is."""
    found = [box("upper", 0.9, 0, 0, 100, 100), box("full", 0.8, 0, 0, 100, 160), box("lower", 0.7, 0, 80, 100, 180)]

    assert [c.k for c in choose(found, config(), 500, 500)] == [0, 2]


@pytest.mark.parametrize(
    ("override", "chosen"),
    [
        ("min_score=0.75", 1), ("min_score=0.7500001", 0), ("min_side=100", 1), ("min_side=101", 0), ("margin=0.2", 1),
    ],
)  # fmt: skip
def test_a_limit_itself_is_enough(override: str, chosen: int) -> None:
    """A box of exactly the least score and the least side becomes a garment, one below either does not."""
    assert len(choose([box("full", 0.75, 0, 0, 100, 200)], config(override), 500, 500)) == chosen


def test_an_overlap_at_the_limit_is_allowed() -> None:
    """Boxes whose IoU is exactly ``max_overlap`` both become garments; a little more, and only the surer one does."""
    first, second = box("upper", 0.9, 0, 0, 10, 10), box("full", 0.8, 0, 0, 10, 5)

    assert [c.k for c in choose([first, second], config("max_overlap=0.5"), 500, 500)] == [0, 1]
    assert [c.k for c in choose([first, second], config("max_overlap=0.49"), 500, 500)] == [0]


def test_overlap_is_with_surer_garments_only() -> None:
    """A box that overlaps a surer garment of any label is passed over; one that overlaps a passed-over box is not."""
    found = [box("upper", 0.9, 0, 0, 100, 100), box("full", 0.8, 0, 0, 100, 150), box("lower", 0.7, 0, 100, 100, 200)]

    assert [c.k for c in choose(found, config("max_overlap=0.5"), 500, 500)] == [0, 2]
    assert [c.k for c in choose(found, config("max_overlap=0.7"), 500, 500)] == [0, 1, 2]


@given(boxes, st.integers(1, 500), st.integers(1, 500))
def test_square_is_inside_the_photo_and_holds_the_box(corners: Corners, width: int, height: int) -> None:
    """The square lies in the photo, holds the box, and has equal sides wherever the photo has room for them."""
    x0, x1 = sorted((min(corners[0], width), min(corners[2], width)))
    y0, y1 = sorted((min(corners[1], height), min(corners[3], height)))
    inner = expand((x0, y0, x1, y1), 0, width, height)
    outer = square(inner, width, height)

    assert outer[0] >= 0
    assert outer[1] >= 0
    assert outer[2] <= width
    assert outer[3] <= height
    assert (outer[0] <= inner[0], outer[1] <= inner[1], outer[2] >= inner[2], outer[3] >= inner[3]) == (True,) * 4
    sides = outer[2] - outer[0], outer[3] - outer[1]
    longer = max(inner[2] - inner[0], inner[3] - inner[1])
    assert sides == (min(longer, width), min(longer, height))


def test_only_rules_that_shape_pixels_name_the_rule() -> None:
    """Score and labels change no pixel; margin, aspect and background do; a workspace of the first version stays valid."""
    assert rule_of(config("margin=0.05")) == '{"margin": 0.05}'
    assert rule_of(config("min_score=0.9", "labels=full", "max_overlap=0.2")) == rule_of(config())
    assert (
        len({rule_of(config(one)) for one in ("margin=1", "aspect=square", "aspect=pad-mean", "background=blur")}) == 4
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), Cut()),
        (("margin=0.3", "background=keep", "aspect=tight"), Cut()),
        (("background=blur",), Cut(ground="blurred")),
        (("background=remove",), Cut(ground="plain")),
        (("aspect=square",), Cut(tight=False)),
        (("aspect=pad-mean", "background=red"), Cut(ground="plain", tight=False)),
    ],
)
def test_a_rule_says_how_a_garment_was_cut(settings: tuple[str, ...], expected: Cut) -> None:
    """From a rule's text it is known what is around a garment, and whether its picture is a part of the photo as it is."""
    cut = cut_by(rule_of(config(*settings)))

    assert cut == expected
    assert cut.untouched == (cut == Cut())


@pytest.mark.parametrize("text", ["an older one", "[1]", "", "3"])
def test_a_text_that_is_no_rule_says_nothing(text: str) -> None:
    """What an older workspace holds in a rule's place is taken for a cut at the defaults."""
    assert cut_by(text) == Cut()
