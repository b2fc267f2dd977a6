"""A garment's shape as data: how far each cell of a grid over its box is garment, and what that is on a photo (pure).

A shape is ``SIDE * SIDE`` bytes, row by row: 255 is garment for sure, 0 is not. The grid covers the garment's box with some
of its surroundings (``around``), so that a box that is a little too small cuts nothing off. It is what the mask head says,
kept as it is: pixels of any size are made of it without asking the network again. Empty bytes: nobody knows the shape.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepstyle.boxes import Corners
from deepstyle.errors import InputError
from deepstyle.ground import main_part, on_plain

SIDE = 28  # cells a side, as Mask R-CNN has them (He et al. 2017, arXiv 1703.06870)
CONTEXT = 0.1  # of the box's side, that the grid covers beyond it on each side
HALF = 128  # from which a cell, or a pixel, is garment
SHARP = 0.7  # steepness of an edge, so that it is two to three pixels wide however large a cell is

Alpha = NDArray[np.uint8]  # height x width: 255 garment, 0 not, between them the soft edge


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Where a garment is on a picture cut out of a photo: its packed ``shape``, its ``box``, and the ``window`` that was cut.

    Both in the photo's pixels.
    """

    shape: bytes
    box: Corners
    window: tuple[int, int, int, int]

    def laid(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The garment alone, in the middle of a plain square: H x W x 3 uint8 -> S x S x 3.

        Raises InputError when little of it is seen, when the picture has another size than what was cut, or when the shape
        cannot be read.
        """
        mask = lay(unpack(self.shape), self.box, self.window) >= HALF
        if mask.shape != picture.shape[:2]:
            raise InputError(f"is of {picture.shape[1]} x {picture.shape[0]} pixels, not as it was cut; crop again")
        part = main_part(mask)
        if part is None:
            raise InputError("little of the garment is seen")
        return on_plain(picture, part)


def around(box: Corners) -> Corners:
    """What the grid of a box covers, in the box's pixels; it may reach over the photo's edge."""
    dx, dy = CONTEXT * (box[2] - box[0]), CONTEXT * (box[3] - box[1])
    return box[0] - dx, box[1] - dy, box[2] + dx, box[3] + dy


def lay(shape: bytes, box: Corners, window: tuple[int, int, int, int]) -> Alpha:
    """The shape of the garment in ``box`` on the whole pixels of ``window`` (x0, y0, x1, y1 of the same photo).

    Cells are interpolated, then the edge is drawn where they pass one half, a few pixels soft.
    """
    x0, y0, x1, y1 = around(box)
    left, top, right, bottom = window
    cell_x, cell_y = (x1 - x0) / SIDE, (y1 - y0) / SIDE
    grid = Image.frombytes("L", (SIDE, SIDE), shape)
    framed = Image.new("L", (SIDE + 2, SIDE + 2))  # a ring of nothing: outside the grid there is no garment
    framed.paste(grid, (1, 1))
    # pixel centres of the window, in cells of the framed grid; Pillow adds the half pixel itself
    data = (1 / cell_x, 0, (left - x0) / cell_x + 1, 0, 1 / cell_y, (top - y0) / cell_y + 1)
    size = (right - left, bottom - top)
    soft = framed.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=0)
    gain = max(1.0, SHARP * min(cell_x, cell_y))
    levels = ((np.arange(256) - 127.5) * gain + 127.5).round().clip(0, 255).astype(np.uint8)
    alpha: Alpha = levels[np.asarray(soft)]
    return alpha


def on_photo(shape: bytes, box: Corners, width: int, height: int) -> NDArray[np.bool_]:
    """Which pixels of a whole photo are the garment in ``box``: height x width."""
    found: NDArray[np.bool_] = lay(shape, box, (0, 0, width, height)) >= HALF
    return found


def share_of(shape: bytes, box: Corners, window: Corners) -> float:
    """How much of ``window`` (x0, y0, x1, y1 in pixels) is the garment in ``box``, in [0, 1]: cells above one half, by area."""
    x0, y0, x1, y1 = around(box)
    across = np.diff(np.linspace(x0, x1, SIDE + 1).clip(window[0], window[2]))
    down = np.diff(np.linspace(y0, y1, SIDE + 1).clip(window[1], window[3]))
    cells = np.frombuffer(shape, np.uint8).reshape(SIDE, SIDE) >= HALF
    area = (window[2] - window[0]) * (window[3] - window[1])
    return min(1.0, float(down @ cells @ across) / area)


def pack(shape: bytes) -> bytes:
    """A shape as the catalog keeps it, in a third of the bytes; nothing stays nothing."""
    return zlib.compress(shape, 6) if shape else b""


def unpack(kept: bytes) -> bytes:
    """The shape that ``pack`` made these bytes of. Raises InputError for others."""
    if not kept:
        return b""
    try:
        shape = zlib.decompressobj().decompress(kept, SIDE * SIDE + 1)
    except zlib.error as error:
        raise InputError(
            f"the catalog holds a garment's shape that cannot be read ({error}); crop in a new workspace"
        ) from error
    if len(shape) != SIDE * SIDE:
        raise InputError(
            f"the catalog holds a garment's shape of {len(shape)} cells, not {SIDE} x {SIDE}; crop in a new workspace"
        )
    return shape
