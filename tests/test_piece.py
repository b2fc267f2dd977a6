"""A garment's pixels: cut, blurred around, padded."""

from __future__ import annotations

import numpy as np
import pytest

from deepstyle.boxes import Box
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.piece import blur_around, pad_square, piece_of
from deepstyle.crop.rules import choose
from deepstyle.images import Pixels

NOISE = np.random.default_rng(0).integers(0, 256, (200, 120, 3), dtype=np.uint8)


def cut(*overrides: str, corners: tuple[int, int, int, int] = (40, 50, 80, 150), photo: Pixels = NOISE) -> Pixels:
    config = load_config(CropConfig, None, ["margin=0", "min_side=1", *overrides])
    x0, y0, x1, y1 = corners
    found = [Box(x0=x0, y0=y0, x1=x1, y1=y1, label="full", score=0.9)]
    (choice,) = choose(found, config, photo.shape[1], photo.shape[0])
    return piece_of(photo, choice, config)


def test_tight_is_the_box() -> None:
    """Without rules, the piece is the box's pixels."""
    assert (cut() == NOISE[50:150, 40:80]).all()


def test_square_takes_context_from_the_photo() -> None:
    """A square around the box, moved into the photo at a border."""
    assert (cut("aspect=square") == NOISE[50:150, 10:110]).all()
    assert (cut("aspect=square", corners=(0, 50, 40, 150)) == NOISE[50:150, 0:100]).all()


def test_square_of_a_narrow_photo_is_padded() -> None:
    """Where the photo is narrower than the box is tall, the square's rest repeats the edge."""
    piece = cut("aspect=square", corners=(10, 0, 110, 200))

    assert piece.shape == (200, 200, 3)
    assert (piece[:, 40:160] == NOISE).all()
    assert (piece[:, :40] == NOISE[:, :1]).all()


@pytest.mark.parametrize("aspect", ["pad-edge", "pad-mean"])
def test_padding_keeps_the_box_in_the_middle(aspect: str) -> None:
    """Padded pieces are square with the box in the middle and nothing of its surroundings."""
    piece = cut(f"aspect={aspect}")

    assert piece.shape == (100, 100, 3)
    assert (piece[:, 30:70] == NOISE[50:150, 40:80]).all()


def test_mean_padding_is_the_mean_colour() -> None:
    """The pad is the mean of the piece, each channel by itself."""
    pixels = np.zeros((4, 2, 3), np.uint8)
    pixels[:2] = (10, 20, 40)
    padded = pad_square(pixels, mean=True)

    assert padded[0, 0].tolist() == [5, 10, 20]
    assert (padded[:, 1:3] == pixels).all()


def test_blur_spares_the_garment() -> None:
    """Inside the garment's own box every pixel stays; outside, neighbours come closer to each other."""
    piece = blur_around(NOISE, (30, 40, 90, 160))

    assert (piece[40:160, 30:90] == NOISE[40:160, 30:90]).all()
    assert piece[:40].std() < NOISE[:40].std() / 4


def test_blur_follows_the_margin() -> None:
    """With a margin, the piece keeps its size, the box stays sharp and the margin does not."""
    plain, blurred = cut("margin=0.5"), cut("margin=0.5", "background=blur")

    assert plain.shape == blurred.shape == (200, 80, 3)
    assert (blurred[50:150, 20:60] == plain[50:150, 20:60]).all()
    assert not (blurred[:50] == plain[:50]).all(-1).any(-1).all()
