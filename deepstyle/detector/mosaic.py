"""Four annotated photos in one: smaller garments, several people, other neighbours (pure).

Bochkovskiy et al. 2020, arXiv 2004.10934 (Mosaic), with four equal cells and the photos' aspect kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from deepstyle.images import Pixels

GREY = 127  # of what no photo covers


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A photo (uint8 HWC RGB), its parsing map (uint8 HW), its boxes (float32 K x 4, pixels) and labels (int64 K)."""

    pixels: Pixels
    map: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def mosaic(four: Sequence[Marked], unknown: int) -> Marked:
    """Four photos as the quarters of one of the first one's size; ``unknown`` in the map where no photo is."""
    height, width = four[0].pixels.shape[:2]
    canvas = np.full((height, width, 3), GREY, np.uint8)
    categories = np.full((height, width), unknown, np.uint8)
    boxes = []
    for k, one in enumerate(four):
        high, wide = one.pixels.shape[:2]
        cell_high, cell_wide = height // 2, width // 2
        scale = min(cell_high / high, cell_wide / wide)
        new_high, new_wide = max(1, round(high * scale)), max(1, round(wide * scale))
        top = k // 2 * cell_high + (cell_high - new_high) // 2
        left = k % 2 * cell_wide + (cell_wide - new_wide) // 2
        place = (slice(top, top + new_high), slice(left, left + new_wide))
        canvas[place] = _resized(one.pixels, new_high, new_wide)
        rows, columns = np.arange(new_high) * high // new_high, np.arange(new_wide) * wide // new_wide
        categories[place] = one.map[rows[:, None], columns]
        stretch = np.array([new_wide / wide, new_high / high] * 2, np.float32)
        boxes.append(one.boxes * stretch + np.array([left, top] * 2, np.float32))
    labels = np.concatenate([one.labels for one in four])
    return Marked(pixels=canvas, map=categories, boxes=np.concatenate(boxes), labels=labels)


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    planes = torch.from_numpy(np.require(pixels, requirements=("C", "W"))).permute(2, 0, 1)[None]
    small = F.interpolate(planes, size=[height, width], mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).numpy()
