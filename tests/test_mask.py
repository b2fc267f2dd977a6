"""Masks as COCO's run lengths: the same as the reference implementation's, and safe against broken text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as reference
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from deepstyle.annotations.mask import decode, encode, from_coco, from_polygons
from deepstyle.errors import InputError


def grid(seed: int, height: int = 40, width: int = 30, share: float = 0.5) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.random.default_rng(seed).random((height, width)) < share


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.integers(0, 10**6))
def test_round_trip(height: int, width: int, share: float, seed: int) -> None:
    """Whatever the grid, decode reads what encode wrote, and agrees with the reference implementation's decoder."""
    drawn = grid(seed, height, width, share)
    counts = encode(drawn)

    assert (decode(counts, height, width) == drawn).all()
    assert (reference.decode({"size": [height, width], "counts": counts.encode()}) == drawn).all()


def test_long_runs() -> None:
    """Runs of more than 5 bits, with positive and negative differences, are read right."""
    drawn = np.zeros((2000, 1500), bool)
    drawn[:, 700:900] = drawn[100:103, :] = True

    assert (decode(encode(drawn), 2000, 1500) == drawn).all()


@pytest.mark.parametrize("counts", ["", "P", "~", "é", "1", "0" * 99 + "!", "oooooooooooooooo0", encode(grid(0))[:-1]])
def test_broken_text_is_refused(counts: str) -> None:
    """Text that is no run lengths, or fills another grid, is an InputError, not a crash nor a wrong mask."""
    with pytest.raises(InputError):
        decode(counts, 40, 30)


def test_polygons_fill_as_drawn() -> None:
    """Two polygons are filled and joined; against Pillow's filling they differ on the outline only."""
    polygons = [[10, 10, 60, 12, 50, 70, 12, 60], [70, 20, 95, 20, 95, 90]]
    drawn = Image.new("1", (100, 100))
    for one in polygons:
        ImageDraw.Draw(drawn).polygon(one, fill=1, outline=1)
    found = decode(from_polygons([*polygons, [1, 1, 2, 2]], 100, 100), 100, 100)
    outline = sum(np.hypot(a - c, b - d) for a, b, c, d in [(10, 10, 60, 12), (60, 12, 50, 70), (50, 70, 12, 60)])

    assert found[40, 30]
    assert found[30, 90]
    assert not found[80, 40]
    assert (found != np.asarray(drawn)).sum() < 3 * outline


def test_every_form_of_a_segmentation() -> None:
    """Polygons, compressed and plain run lengths of one rectangle are the same mask; none at all is the empty text."""
    drawn = np.zeros((20, 10), bool)
    drawn[5:15, 2:8] = True
    counts = encode(drawn)
    flat = drawn.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = [int(n) for n in np.diff(np.concatenate(([0], edges, [flat.size])))]

    assert from_coco({"size": [20, 10], "counts": counts}, 20, 10) == counts
    assert from_coco({"size": [20, 10], "counts": runs}, 20, 10) == counts
    assert from_coco([[2, 5, 8, 5, 8, 15, 2, 15]], 20, 10) == counts
    assert from_coco(None, 20, 10) == from_coco([], 20, 10) == ""


@pytest.mark.parametrize(
    "value",
    [
        "text", [3], [[1, 2, 3]], [[0, 0, 1, 1]], [[0, 0, 1, 1, 9, float("nan")]], [[0, 0, 1, 1, 1e9, 5]],
        [["a"] * 6], [[500, 500, 540, 500, 540, 540]], {"size": [20, 10]}, {"counts": "0"}, {"size": 3, "counts": ""},
        {"size": [10, 20], "counts": encode(np.ones((10, 20), bool))}, {"size": [20, 10], "counts": [100]},
        {"size": [20, 10], "counts": [-1, 201]}, {"size": [20, 10], "counts": [1.5, 198.5]},
        {"size": [20, 10], "counts": [200]}, {"size": [20, 10], "counts": {"a": 1}},
    ],
)  # fmt: skip
def test_broken_segmentations_are_refused(value: Any) -> None:
    """Another form, size or number of pixels, vertices far outside, and a mask without a pixel are InputErrors."""
    with pytest.raises(InputError):
        from_coco(value, 20, 10)
