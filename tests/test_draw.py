"""The drawn looks: deterministic, varied, and boxed to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from deepstyle.annotations.mask import decode
from deepstyle.demo import draw
from deepstyle.demo.cloth import Cloth, Rgb, hsv, solid
from deepstyle.demo.draw import CATEGORIES, Look, draw_look

MIX = range(60)


@pytest.fixture(scope="module")
def looks() -> list[Look]:
    """Sixty looks at the default size."""
    return [draw_look(seed) for seed in MIX]


def plain(colour: Rgb) -> Cloth:
    """Make an unshaded cloth with trim of the same colour."""
    return solid(colour, relief=0.0, trim=colour)


def dyed(monkeypatch: pytest.MonkeyPatch, seed: int, colours: list[Rgb], size: tuple[int, int]) -> np.ndarray:
    """Draw the same look with each garment in a given plain colour, int16 HWC."""
    left = iter(colours)
    monkeypatch.setattr(draw, "choose_cloth", lambda *_: plain(next(left)))
    pixels = draw_look(seed, width=size[0], height=size[1]).pixels.astype(np.int16)
    monkeypatch.undo()
    return pixels


def test_same_seed_same_look(looks: list[Look]) -> None:
    """The same seed draws the same bytes and the same boxes."""
    again = draw_look(3)

    assert np.array_equal(again.pixels, looks[3].pixels)
    assert again.garments == looks[3].garments


def test_different_seeds_differ(looks: list[Look]) -> None:
    """No two of sixty seeds draw the same picture."""
    assert len({look.pixels.tobytes() for look in looks}) == len(looks)


@pytest.mark.parametrize(("width", "height"), [(400, 600), (133, 201), (600, 600)])
def test_shape(width: int, height: int) -> None:
    """Pixels are uint8 RGB of the size asked for, odd sizes too."""
    look = draw_look(1, width=width, height=height)

    assert look.pixels.shape == (height, width, 3)
    assert look.pixels.dtype == np.uint8


def test_sizes_draw_the_same_look() -> None:
    """A look drawn at twice the size has the same garments with boxes twice as large, to a few pixels."""
    for seed in range(6):
        small, large = draw_look(seed, width=200, height=300), draw_look(seed, width=400, height=600)

        assert [g.category for g in small.garments] == [g.category for g in large.garments]
        for one, two in zip(small.garments, large.garments, strict=True):
            assert np.allclose(2 * np.array(one.box), two.box, atol=4)


def test_boxes_are_within_the_picture_and_substantial(looks: list[Look]) -> None:
    """Every box lies inside the picture, is wider and taller than 30 pixels and covers 2 to 60 % of it."""
    for look in looks:
        height, width = look.pixels.shape[:2]
        for garment in look.garments:
            x0, y0, x1, y1 = garment.box

            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert min(x1 - x0, y1 - y0) > 30
            assert 0.02 < (x1 - x0) * (y1 - y0) / (width * height) < 0.6


@pytest.mark.parametrize("seed", range(24))
def test_boxes_and_masks_bound_the_pixels_that_dyeing_a_garment_changes(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Dyeing one garment another colour changes pixels exactly up to the edges of its box and mask and none beyond."""
    size = (400, 600)
    look = draw_look(seed, width=size[0], height=size[1])
    white: Rgb = (250, 250, 250)
    for k, garment in enumerate(look.garments):
        white_only = dyed(monkeypatch, seed, [white] * 2, size)
        other = dyed(monkeypatch, seed, [(0, 0, 0) if j == k else white for j in range(2)], size)
        changed = np.abs(white_only - other).max(2) > 0
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))

        assert garment.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        mask = decode(garment.mask, size[1], size[0])
        assert not (mask & ~changed).any()
        assert not (
            binary_erosion(changed, np.ones((3, 3))) & ~mask
        ).any()  # what lacks is part of a pixel, at its edge


def test_labels_and_outfits(looks: list[Look]) -> None:
    """Labels follow CATEGORIES, and an outfit is a dress, a coat, or a top with a skirt or trousers."""
    outfits = {frozenset(g.category for g in look.garments) for look in looks}

    assert all(g.label == CATEGORIES[g.category] for look in looks for g in look.garments)
    assert outfits == {frozenset(s.split()) for s in ("dress", "coat", "top skirt", "top trousers")}


def test_mix_is_balanced(looks: list[Look]) -> None:
    """Sixty looks show all five categories, none fewer than six times."""
    names = [g.category for look in looks for g in look.garments]

    assert set(names) == set(CATEGORIES)
    assert min(names.count(name) for name in CATEGORIES) >= 6


def test_hsv_names_the_primaries() -> None:
    """Hues at thirds of a turn are red, green and blue, and hue is periodic."""
    assert [hsv(k / 3, 1, 1) for k in range(3)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert hsv(1.25, 0.5, 0.8) == hsv(0.25, 0.5, 0.8)
