"""The plain ground that a garment lies on, where it has one: its colour, and how much of a picture the garment fills (pure).

A plain ground is what most of a picture's edge has in common: a garment that was cut along its mask, or laid on a floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ALIKE = 12  # grey levels by which two colours of one ground may differ, in each channel
MOST = 0.5  # share of the edge that a plain ground has at least

Pixels = NDArray[np.uint8]


def edge_of(pixels: Pixels) -> Pixels:
    """The outermost pixels of H x W x 3 uint8: N x 3."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def ground_of(pixels: Pixels) -> Pixels:
    """The colour (3 uint8) that the edge of a picture has in the middle of all, channel by channel."""
    middle: Pixels = np.median(edge_of(pixels), axis=0).round().astype(np.uint8)
    return middle


def filled(pixels: Pixels) -> float | None:
    """The share of H x W x 3 uint8 that is not its plain ground, in [0, 1]; None where it has none."""
    ground = ground_of(pixels).astype(np.int16)
    if _alike(edge_of(pixels), ground).mean() < MOST:
        return None
    return float(1 - _alike(pixels, ground).mean())


def _alike(pixels: Pixels, ground: NDArray[np.int16]) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = (np.abs(pixels.astype(np.int16) - ground) <= ALIKE).all(-1)
    return close


def filling(pictures: Pixels, most: int = 2_000) -> tuple[float, float] | None:
    """Of N pictures, ``most`` of them evenly spaced: the share with a plain ground, and how much of these garments fill.

    None where no picture has a plain ground.
    """
    some = np.linspace(0, len(pictures) - 1, min(len(pictures), most)).astype(np.int64)
    shares = [filled(pictures[one]) for one in some]
    plain = [share for share in shares if share is not None]
    return (len(plain) / len(shares), float(np.mean(plain))) if plain else None
