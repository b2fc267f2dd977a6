"""Perceptual hashes of a picture (pure): which of 9 x 8 grey cells is brighter than that on its left (dHash), 64 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EDGE = 0.05  # of a photo, left off each side of its middle


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Perceptual hashes of a photo: its own, that of its middle (5 % off each side), and that of its mirror image."""

    dhash: str
    inner: str
    mirror: str


def looks(image: Image.Image) -> Looks:
    """The three hashes of an RGB image that is loaded."""
    by = max(1, min(image.size) // 64)  # a box filter first: ten times faster
    x, y = round(image.width * EDGE), round(image.height * EDGE)
    cells = _cells(image.reduce(by))
    inner = _cells(image.reduce(by, box=(x, y, image.width - x, image.height - y)))
    three = np.stack([cells, inner, cells[:, ::-1]])  # 3 x 8 x 9
    bits = np.packbits(three[:, :, 1:] > three[:, :, :-1]).tobytes().hex()
    return Looks(dhash=bits[:16], inner=bits[16:32], mirror=bits[32:])


def _cells(image: Image.Image) -> NDArray[np.uint8]:
    """8 x 9 grey values."""
    return np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS))
