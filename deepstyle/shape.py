"""A garment's shape as data: how far each cell of a grid over its box is garment, and what that is on a photo (pure).

A shape is ``SIDE * SIDE`` bytes, row by row: 255 is garment for sure, 0 is not. The grid covers the garment's box with some
of its surroundings (``around``), so that a box that is a little too small cuts nothing off. It is what the mask head says,
kept as it is: pixels of any size are made of it without asking the network again. Empty bytes: nobody knows the shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepstyle.boxes import Corners

SIDE = 28  # cells a side, as Mask R-CNN has them (He et al. 2017, arXiv 1703.06870)
CONTEXT = 0.1  # of the box's side, that the grid covers beyond it on each side
SHARP = 0.7  # steepness of an edge, so that it is two to three pixels wide however large a cell is

Alpha = NDArray[np.uint8]  # height x width: 255 garment, 0 not, between them the soft edge


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
