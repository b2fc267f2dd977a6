"""The plain ground that a garment lies on: its colour, how much of a picture the garment fills, and laying one there (pure).

A plain ground is what most of a picture's edge has in common: a garment that was cut along its mask, or laid on a floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

ALIKE = 12  # grey levels by which two colours of one ground may differ, in each channel
MOST = 0.5  # share of the edge that a plain ground has at least
LIGHT = (240, 240, 240)  # the colour of the ground that a garment is laid on
AROUND = 0.05  # of the garment's longer side, left free on each side
ONE_PART, FILLED = 0.8, 0.4  # least shares: of a mask that is connected; of its box that it fills: else it is hidden
HOLE = 0.02  # of a garment, up to which a hole is the mask's mistake

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


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


def ground_figures(pictures: Pixels) -> dict[str, float]:
    """``plain``: the share of N pictures that have a plain ground; ``filled``: how much of these is garment, if there are any."""
    found = filling(pictures)
    return {"plain": 0.0} if found is None else {"plain": found[0], "filled": found[1]}


def main_part(mask: Mask) -> Mask | None:
    """The largest connected part of a mask (H x W), its small holes filled; None when the garment is mostly hidden."""
    from scipy import ndimage  # here: `--help` must not pay for it

    parts, count = ndimage.label(mask)
    if not count:
        return None
    part = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    ys, xs = np.nonzero(part)
    box = (ys.max() + 1 - ys.min()) * (xs.max() + 1 - xs.min())
    if part.sum() < ONE_PART * mask.sum() or part.sum() < FILLED * box:
        return None
    holes, count = ndimage.label(~part)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    small = [hole for hole in range(1, count + 1) if sizes[hole] < HOLE * part.sum()]
    filled: Mask = part | np.isin(holes, small)
    return filled


def on_plain(pixels: Pixels, mask: Mask) -> Pixels:
    """What a mask covers, with soft edges, in the middle of a light square: H x W x 3 uint8 and H x W -> S x S x 3."""
    ys, xs = np.nonzero(mask)
    y0, y1, x0, x1 = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    side = round(max(y1 - y0, x1 - x0) * (1 + 2 * AROUND))
    alpha = Image.fromarray(mask[y0:y1, x0:x1].astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(1))
    square = Image.new("RGB", (side, side), LIGHT)
    square.paste(Image.fromarray(pixels[y0:y1, x0:x1]), ((side - (x1 - x0)) // 2, (side - (y1 - y0)) // 2), alpha)
    return np.asarray(square)
