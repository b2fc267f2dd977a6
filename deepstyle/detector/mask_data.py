"""What the mask head learns from: photos, boxes that are a little off, and which cells of their grids are garment.

Garments without a mask are passed over, and photos without garments that have one.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet
from deepstyle.annotations.mask import decode
from deepstyle.config import MaskConfig
from deepstyle.detector.evaluate import opened_photo
from deepstyle.detector.light import relight
from deepstyle.detector.masks import grids, targets
from deepstyle.detector.photos import jitter_colour
from deepstyle.detector.resize import Sides, resized, to_network
from deepstyle.engine import seeded
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

MEMORY = 4_000_000_000  # bytes of resized photos and masks kept decoded; beyond that they are decoded on each visit


@dataclass(frozen=True, kw_only=True)
class MaskBatch:
    """Photos at network size (uint8 HWC), per photo the grids of its boxes (K x 4, in its pixels) and their cells.

    ``cells``: K x SIDE x SIDE in [0, 1], how much of each is garment.
    """

    photos: list[Pixels]
    regions: list[Tensor]
    cells: list[Tensor]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A photo at network size, its masks (K x H x W, 255 is garment) and boxes (K x 4 in its pixels)."""

    pixels: Pixels
    masks: NDArray[np.uint8]
    boxes: Tensor


class MaskPhotos:
    """Annotated photos (``with_masks``) at network size. ``batch`` is a pure function of (indices, seed, step)."""

    def __init__(self, data: AnnotatedSet, config: MaskConfig, sides: Sides, reporter: Reporter) -> None:
        self._data, self._config, self._sides = data, config, sides
        self._cache: dict[int, _Seen] = {}
        used = 0
        with ThreadPoolExecutor() as pool, reporter.task("decoding", total=len(data.images), unit="photos") as task:
            for start in range(0, len(data.images), 64):
                window = range(start, min(start + 64, len(data.images)))
                for index, made in zip(window, pool.map(self._decode, window), strict=True):
                    used += made.pixels.nbytes + made.masks.nbytes
                    if used <= MEMORY:
                        self._cache[index] = made
                    task.advance()

    def __len__(self) -> int:
        return len(self._data.images)

    def _decode(self, index: int) -> _Seen:
        return prepared(self._data.images[index], self._sides)

    def batch(self, indices: Iterable[int], seed: int, step: int, first: int = 0) -> MaskBatch:
        """Augmented photos; ``first`` is the place of the first one in the step's whole batch."""
        rows = [self._one(int(index), seeded(seed, step, place)) for place, index in enumerate(indices, start=first)]
        photos, regions, cells = zip(*rows, strict=True)
        return MaskBatch(photos=list(photos), regions=list(regions), cells=list(cells))

    def _one(self, index: int, random: torch.Generator) -> tuple[Pixels, Tensor, Tensor]:
        """In other light and colours, mirrored half of the time, zoomed; boxes are moved before cells are read."""
        seen, config = self._cache.get(index) or self._decode(index), self._config
        photo = torch.from_numpy(seen.pixels.copy()).permute(2, 0, 1).float().div_(255)  # CHW float32 in [0, 1]
        photo = relight(jitter_colour(photo, config.colour_jitter, random), config.light_jitter, random)
        pixels: Pixels = (photo * 255).round_().to(torch.uint8).permute(1, 2, 0).numpy()
        which = torch.arange(len(seen.boxes)).repeat(config.boxes)
        regions = grids(jitter_boxes(seen.boxes[which], config.box_jitter, random))
        cells = targets(torch.from_numpy(seen.masks), which, regions)
        height, width = pixels.shape[:2]
        flip, zoom = torch.rand(2, generator=random).tolist()
        if flip < 0.5:
            pixels, cells = np.ascontiguousarray(pixels[:, ::-1]), cells.flip(2)
            regions = torch.stack([width - regions[:, 2], regions[:, 1], width - regions[:, 0], regions[:, 3]], 1)
        factor = 1 + config.scale_jitter * (2 * zoom - 1)
        new = max(1, round(height * factor)), max(1, round(width * factor))
        return resized(pixels, *new), regions * torch.tensor([new[1] / width, new[0] / height] * 2), cells


def prepared(image: AnnotatedImage, sides: Sides) -> _Seen:
    """A photo and its masks as the network sees them. Raises InputError when the masks are of other proportions."""
    with opened_photo(image) as pixels:
        small = to_network(pixels, sides)
    height, width = small.shape[:2]
    masks = np.stack([_shrunk(a.mask, image, height, width) for a in image.annotations])
    boxes = torch.tensor([a.box for a in image.annotations])
    return _Seen(
        pixels=small, masks=masks, boxes=boxes * torch.tensor([width / image.width, height / image.height] * 2)
    )


def _shrunk(counts: str, image: AnnotatedImage, height: int, width: int) -> NDArray[np.uint8]:
    grid = Image.fromarray(decode(counts, image.height, image.width).astype(np.uint8) * 255)
    return np.asarray(grid.resize((width, height), Image.Resampling.BILINEAR))


def jitter_boxes(boxes: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Move each corner by up to ``strength`` of the box's side: detections are that much off. K x 4 -> K x 4."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + (2 * torch.rand(boxes.shape, generator=random) - 1) * strength * sides
