"""A garment's pixels, once they are cut: on another ground along its shape, padded to a square, as the rules say (pure)."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor, ImageFilter

from deepstyle.config import CropConfig
from deepstyle.crop.rules import Choice
from deepstyle.images import Pixels
from deepstyle.shape import Alpha, lay

BLUR = 0.05  # radius of the background's blur, as a share of the piece's longer side


def piece_of(piece: Pixels, choice: Choice, config: CropConfig) -> Pixels:
    """A garment as the rules want it, of what was cut for it (uint8 HWC RGB); square unless ``aspect`` is ``tight``.

    With ``transparent`` the result has a fourth channel: 255 is garment, 0 is not.
    """
    pad: Pixels | None = None  # what a square is padded with, where that is one colour
    if config.background != "keep" or config.transparent:
        alpha = alpha_of(choice, piece.shape[0], piece.shape[1])
        ground = _ground(config.background)
        if config.background != "keep":
            around = _blurred(piece) if ground is None else np.broadcast_to(ground, piece.shape)
            piece, pad = mixed(piece, around, alpha), ground
        if config.transparent:
            piece = np.dstack([piece, alpha])
            pad = np.append(ground if ground is not None else np.zeros(3, np.uint8), np.uint8(0))
    if config.aspect == "tight":
        return piece
    if pad is None and config.aspect == "pad-mean":
        pad = piece.mean((0, 1)).round().astype(np.uint8)
    return pad_square(piece, pad)


def alpha_of(choice: Choice, height: int, width: int) -> Alpha:
    """Which of the piece's pixels are garment: along its shape, or along its own box when nobody knows that."""
    x0, y0 = int(choice.box.x0), int(choice.box.y0)
    if choice.shape:
        return lay(choice.shape, choice.own, (x0, y0, x0 + width, y0 + height))
    alpha = np.zeros((height, width), np.uint8)
    left, top, right, bottom = (
        max(0, round(v)) for v in (c - o for c, o in zip(choice.own, (x0, y0) * 2, strict=True))
    )
    alpha[top:bottom, left:right] = 255
    return alpha


def _ground(background: str) -> Pixels | None:
    """The colour behind a garment, uint8 3; None where it is the photo."""
    if background in {"keep", "blur"}:
        return None
    return np.array(ImageColor.getrgb("white" if background == "remove" else background)[:3], np.uint8)


def _blurred(piece: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(piece).filter(ImageFilter.GaussianBlur(BLUR * max(piece.shape[:2]))))


def mixed(piece: Pixels, ground: Pixels, alpha: Alpha) -> Pixels:
    """The piece where ``alpha`` is 255, the ground where it is 0, and in between a mean of both; all uint8, HWC and HW."""
    made = Image.composite(
        Image.fromarray(piece), Image.fromarray(np.ascontiguousarray(ground)), Image.fromarray(alpha)
    )
    return np.asarray(made)


def pad_square(piece: Pixels, colour: Pixels | None) -> Pixels:
    """Pad the shorter side of uint8 HWC pixels to the longer one, with a colour (C values) or, with None, the edge repeated."""
    height, width, channels = piece.shape
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    if colour is None:
        return np.pad(piece, ((top, side - height - top), (left, side - width - left), (0, 0)), mode="edge")
    padded = np.empty((side, side, channels), np.uint8)
    padded[:] = colour
    padded[top : top + height, left : left + width] = piece
    return padded
