"""Training photos of the detector: decoded and resized once, augmented on every visit."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.config import DetectorConfig
from deepstyle.crop.evaluate import load_photo
from deepstyle.crop.torchvision_detector import scale_of
from deepstyle.engine import seeded
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

Target = dict[str, Tensor]  # boxes float32 K x 4 in pixels, labels int64 K from 1

MEMORY = 6_000_000_000  # bytes of resized photos kept decoded; beyond that photos are decoded again on each visit


class TrainingPhotos:
    """The annotated photos at network size. ``batch`` is a pure function of (indices, seed, step)."""

    def __init__(self, data: AnnotatedSet, config: DetectorConfig, reporter: Reporter) -> None:
        self._data, self._config = data, config
        number = {label: i for i, label in enumerate(data.labels, start=1)}
        self._labels = [np.array([number[a.label] for a in im.annotations], np.int64) for im in data.images]
        self._boxes = [np.array([a.box for a in im.annotations], np.float32).reshape(-1, 4) for im in data.images]
        self._cache: dict[int, Pixels] = {}
        used = 0
        with ThreadPoolExecutor() as pool, reporter.task("decoding", total=len(data.images), unit="photos") as task:
            for start in range(0, len(data.images), 64):
                window = range(start, min(start + 64, len(data.images)))
                for index, pixels in zip(window, pool.map(self._decode, window), strict=True):
                    if used + pixels.nbytes <= MEMORY:
                        self._cache[index] = pixels
                        used += pixels.nbytes
                    task.advance()

    def __len__(self) -> int:
        return len(self._data.images)

    def _decode(self, index: int) -> Pixels:
        pixels = load_photo(self._data.images[index])
        height, width = pixels.shape[:2]
        scale = scale_of(height, width, self._config)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))

    def batch(self, indices: Iterable[int], seed: int, step: int) -> tuple[list[Tensor], list[Target]]:
        """Augmented photos (float32 CHW in [0, 1]) and their targets, in pixels of those tensors."""
        rows = [self._one(int(index), seeded(seed, step, place)) for place, index in enumerate(indices)]
        return [photo for photo, _ in rows], [target for _, target in rows]

    def _one(self, index: int, random: torch.Generator) -> tuple[Tensor, Target]:
        cached = self._cache.get(index)
        pixels = cached if cached is not None else self._decode(index)
        image = self._data.images[index]
        photo = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(255)  # CHW float32 in [0, 1]
        boxes = self._boxes[index] * (pixels.shape[1] / image.width)
        photo = jitter_colour(photo, self._config.colour_jitter, random)
        photo, boxes, kept = zoom_and_flip(photo, boxes, self._config.scale_jitter, random)
        return photo, {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(self._labels[index][kept])}


def jitter_colour(photo: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation by factors in [1 - strength, 1 + strength]; CHW in [0, 1] stays so."""
    if strength == 0:
        return photo
    brightness, contrast, saturation = (1 + strength * (2 * torch.rand(3, generator=random) - 1)).tolist()
    grey = photo.mean(0, keepdim=True)
    photo = grey + (photo - grey) * saturation
    mean = photo.mean()
    changed: Tensor = ((photo - mean) * contrast + mean) * brightness
    return changed.clamp_(0, 1)


def zoom_and_flip(
    photo: Tensor, boxes: NDArray[np.float32], strength: float, random: torch.Generator
) -> tuple[Tensor, NDArray[np.float32], NDArray[np.bool_]]:
    """Zoom by a factor in [1 - strength, 1 + strength] about a random point, mirror half of the time.

    CHW float32 and boxes K x 4 in pixels -> the same size of photo, the surviving boxes, and which of the K survived
    (a box less than 40 % of which is still inside is dropped).
    """
    height, width = photo.shape[1:]
    zoom, cx, cy, flip = torch.rand(4, generator=random).tolist()
    factor = 1 + strength * (2 * zoom - 1)
    left, top = (width - width * factor) * cx, (height - height * factor) * cy  # where the zoomed photo's corner lands
    if strength:
        shift_x = (width - 2 * left) / (width * factor) - 1
        shift_y = (height - 2 * top) / (height * factor) - 1
        theta = torch.tensor([[[1 / factor, 0, shift_x], [0, 1 / factor, shift_y]]])
        grid = F.affine_grid(theta, [1, 3, height, width], align_corners=False)
        photo = F.grid_sample(photo[None] - 0.5, grid, align_corners=False).squeeze(0) + 0.5  # outside becomes mid-grey
    moved = boxes * factor + np.array([left, top, left, top], np.float32) if strength else boxes.copy()
    if flip < 0.5:
        photo = photo.flip(2)
        moved = np.stack([width - moved[:, 2], moved[:, 1], width - moved[:, 0], moved[:, 3]], 1)
    limit = np.array([width, height, width, height], np.float32)
    inside = np.clip(moved, 0, limit)
    areas = (moved[:, 2] - moved[:, 0]) * (moved[:, 3] - moved[:, 1])
    left_over = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1])
    kept = (left_over >= 0.4 * areas) & (inside[:, 2] - inside[:, 0] >= 2) & (inside[:, 3] - inside[:, 1] >= 2)
    return photo, np.ascontiguousarray(inside[kept], np.float32), kept
