"""When a game is lost: the rules, on made-up histories."""

from __future__ import annotations

import pytest
import torch

from deepstyle.dcgan.watch import Point, collapse, healthy, not_finite, remembered, spread

GOOD = Point(real=0.7, fake=0.3, variety=0.9)
SURE = Point(real=0.999, fake=0.001, variety=0.9)
ALIKE = Point(real=0.7, fake=0.3, variety=0.01)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], None),
        ([GOOD] * 50, None),
        ([SURE] * 19, None),
        ([SURE] * 20, "discriminator collapse"),
        ([SURE] * 19 + [GOOD] + [SURE] * 19, None),
        ([GOOD] + [ALIKE] * 20, "mode collapse"),
        ([GOOD] + [ALIKE] * 19, None),
        ([ALIKE] * 60, None),
        ([Point(real=0.999, fake=0.5, variety=0.9)] * 20, None),
    ],
)
def test_a_whole_window_must_be_bad(points: list[Point], words: str | None) -> None:
    """Only 20 bad points in a row are a collapse; images that never varied are a generator that has not begun."""
    complaint = collapse(points)

    assert (complaint is None) == (words is None)
    assert words is None or words in str(complaint)


@pytest.mark.parametrize(
    ("point", "sure", "alike"),
    [
        (Point(real=0.995, fake=0.001, variety=0.5), False, False),
        (Point(real=0.9951, fake=0.001, variety=0.5), True, False),
        (Point(real=0.999, fake=1 - 0.995, variety=0.5), False, False),
        (Point(real=0.999, fake=0.0049, variety=0.1), True, False),
        (Point(real=0.5, fake=0.5, variety=0.0999), False, True),
    ],
)
def test_what_is_bad_begins_beyond_the_limits(point: Point, *, sure: bool, alike: bool) -> None:
    """D is sure above 0.995 and below 0.005, images are alike below a tenth of the real ones' spread; not at the limits."""
    assert (point.sure, point.alike) == (sure, alike)


def test_memory_keeps_every_verdict() -> None:
    """Forgetting all but what is remembered, after each point, changes no verdict of a long history."""
    history = [ALIKE] * 5 + [GOOD] * 30 + [ALIKE] * 10 + [GOOD] * 3 + [ALIKE] * 30
    kept: list[Point] = []
    for number in range(len(history)):
        kept.append(history[number])

        assert collapse(kept) == collapse(history[: number + 1])
        kept = remembered(kept)
    assert len(kept) <= 21


def test_a_number_that_is_not_finite_is_named() -> None:
    """NaN and infinity are named with their figure."""
    assert not_finite({"a": 1.0, "b": -3.0}) is None
    assert not_finite({"loss/d": float("nan"), "b": 1.0, "loss/g": float("inf")}) == "loss/d is nan, loss/g is inf"


def test_health_is_that_of_the_last_point() -> None:
    """A game not looked at, or good at last, is healthy; one that is sure or all alike again is not."""
    assert healthy([])
    assert healthy([SURE, GOOD])
    assert healthy([ALIKE])
    assert not healthy([GOOD, SURE])
    assert not healthy([GOOD, ALIKE])


def test_spread_is_the_mean_distance() -> None:
    """The spread of a batch equals the mean over all pairs, computed pair by pair; equal images have none."""
    images = torch.randn(5, 3, 4, 4)
    pairs = [(images[i] - images[j]).norm().item() for i in range(5) for j in range(i)]

    assert spread(images).item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-5)
    assert spread(images[:1].repeat(4, 1, 1, 1)).item() == pytest.approx(0, abs=1e-3)
