"""A garment's pixels: cut from the photo, its background blurred, padded to a square, as the rules say (pure)."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from deepstyle import images
from deepstyle.boxes import Corners
from deepstyle.config import CropConfig
from deepstyle.crop.rules import Choice
from deepstyle.images import Pixels

BLUR = 0.05  # radius of the background's blur, as a share of the piece's longer side


def piece_of(pixels: Pixels, choice: Choice, config: CropConfig) -> Pixels:
    """Cut one chosen garment out of its photo (uint8 HWC RGB); square unless ``aspect`` is ``tight``."""
    piece = images.crop(pixels, choice.box.corners)
    if config.background == "blur":
        x0, y0 = choice.box.x0, choice.box.y0
        piece = blur_around(piece, (choice.own[0] - x0, choice.own[1] - y0, choice.own[2] - x0, choice.own[3] - y0))
    if config.aspect == "tight":
        return piece
    return pad_square(piece, mean=config.aspect == "pad-mean")


def blur_around(piece: Pixels, own: Corners) -> Pixels:
    """Blur what lies outside the box ``own`` (pixels of the piece). The box is the garment: there is no mask to follow."""
    blurred = Image.fromarray(piece).filter(ImageFilter.GaussianBlur(BLUR * max(piece.shape[:2])))
    mixed = np.array(blurred)
    x0, y0, x1, y1 = (max(0, round(value)) for value in own)
    mixed[y0:y1, x0:x1] = piece[y0:y1, x0:x1]
    return mixed


def pad_square(piece: Pixels, *, mean: bool) -> Pixels:
    """Pad the shorter side of uint8 HWC pixels to the longer one, with the edge repeated or the mean colour."""
    height, width = piece.shape[:2]
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    around = ((top, side - height - top), (left, side - width - left), (0, 0))
    if not mean:
        return np.pad(piece, around, mode="edge")
    padded = np.empty((side, side, 3), np.uint8)
    padded[:] = piece.mean((0, 1)).round().astype(np.uint8)
    padded[top : top + height, left : left + width] = piece
    return padded
