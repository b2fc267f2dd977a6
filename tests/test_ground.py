"""The plain ground of a picture, padding with it, and how much of a cell is garment."""

from __future__ import annotations

import numpy as np
import pytest

from deepstyle.ground import filled, filling, ground_figures, ground_of
from deepstyle.images import Pixels, resize

GREY = 235


def garment(height: int, width: int) -> Pixels:
    """A red square of 20 x 20 pixels in the middle of light grey."""
    pixels = np.full((height, width, 3), GREY, np.uint8)
    top, left = (height - 20) // 2, (width - 20) // 2
    pixels[top : top + 20, left : left + 20] = (200, 20, 20)
    return pixels


def noise() -> Pixels:
    """A street."""
    return np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)


def test_the_share_of_a_garment_is_its_pixels() -> None:
    """On a plain ground everything else is garment; a picture without one has no share."""
    assert filled(garment(40, 40)) == pytest.approx(400 / 1600)
    assert filled(noise()) is None
    assert filling(np.stack([garment(40, 40), noise()])) == pytest.approx((0.5, 0.25))
    assert filling(noise()[None]) is None
    assert ground_figures(np.stack([garment(40, 40), noise()])) == pytest.approx({"plain": 0.5, "filled": 0.25})
    assert ground_figures(noise()[None]) == {"plain": 0.0}


def test_a_few_pixels_of_garment_at_the_edge_do_not_hide_the_ground() -> None:
    """The ground is what most of the edge has, wherever the garment touches it."""
    pixels = garment(40, 40)
    pixels[:, 10:16] = (200, 20, 20)

    assert ground_of(pixels).tolist() == [GREY] * 3
    assert filled(pixels) == pytest.approx((400 + 6 * 40 - 6 * 20) / 1600, abs=0.01)


def test_plain_padding_keeps_the_aspect_and_the_ground() -> None:
    """fit=plain leaves a garment's aspect alone and pads with the ground's colour, where pad would draw its edge out."""
    tall = garment(60, 30)
    tall[:, :3] = (200, 20, 20)
    plain, drawn = resize(tall, 32, "plain"), resize(tall, 32, "pad")

    assert plain.shape == (32, 32, 3)
    assert (plain[:, :7] == GREY).all()
    assert (plain[:, -7:] == GREY).all()
    assert (drawn[:, :7] != GREY).any()
    assert filled(resize(garment(60, 30), 60, "plain")) == pytest.approx(400 / 3600, abs=0.01)
