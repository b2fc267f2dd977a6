"""Training photos of the detector: decoded and resized once, augmented on every visit.

Beside the photo and its boxes there is a parsing map, when the annotations have masks: the category of each pixel.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_area, clip_boxes_to_image

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet
from deepstyle.annotations.mask import decode
from deepstyle.config import DetectorConfig
from deepstyle.detector.evaluate import opened_photo
from deepstyle.detector.light import relight
from deepstyle.detector.mosaic import Marked, mosaic
from deepstyle.detector.networks import UNKNOWN
from deepstyle.detector.resize import network_size, to_network
from deepstyle.engine import seeded
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

Target = dict[str, Tensor]  # boxes float32 K x 4 in pixels, labels int64 K from 1, map uint8 H x W (categories from 1)

MEMORY = 6_000_000_000  # bytes of resized photos kept decoded; beyond that photos are decoded again on each visit


def categories_of(data: AnnotatedSet) -> tuple[str, ...]:
    """The categories that masks are of, sorted; a map's 1 is the first of them."""
    return tuple(sorted({a.category or a.label for im in data.images for a in im.annotations if a.mask}))


class TrainingPhotos:
    """The annotated photos at network size. ``batch`` is a pure function of (indices, seed, step)."""

    def __init__(self, data: AnnotatedSet, config: DetectorConfig, reporter: Reporter) -> None:
        self._data, self._config = data, config
        number = {label: i for i, label in enumerate(data.labels, start=1)}
        self._labels = [np.array([number[a.label] for a in im.annotations], np.int64) for im in data.images]
        self._boxes = [np.array([a.box for a in im.annotations], np.float32).reshape(-1, 4) for im in data.images]
        self._categories = categories_of(data)
        place: dict[AnnotatedImage, int] = {}
        self._place = [place.setdefault(image, k) for k, image in enumerate(data.images)]  # a repeated photo: its first
        self._cache: dict[int, tuple[Pixels, NDArray[np.uint8]]] = {}
        used, first = 0, sorted(place.values())
        with ThreadPoolExecutor() as pool, reporter.task("decoding", total=len(first), unit="photos") as task:
            for start in range(0, len(first), 64):
                window = first[start : start + 64]
                for index, made in zip(window, pool.map(self._decode, window), strict=True):
                    if used + made[0].nbytes + made[1].nbytes <= MEMORY:
                        self._cache[index] = made
                        used += made[0].nbytes + made[1].nbytes
                    task.advance()

    def __len__(self) -> int:
        return len(self._data.images)

    def _decode(self, index: int) -> tuple[Pixels, NDArray[np.uint8]]:
        """The photo at network size, uint8 HWC RGB, and its map, uint8 HW."""
        image = self._data.images[index]
        with opened_photo(image) as pixels:
            height, width = network_size(pixels.shape[0], pixels.shape[1], self._config)
            if not any(a.mask for a in image.annotations):
                return to_network(pixels, self._config), np.full((height, width), UNKNOWN, np.uint8)
            categories = Image.fromarray(self._map(image)).resize((width, height), Image.Resampling.NEAREST)
            return to_network(pixels, self._config), np.asarray(categories)

    def _map(self, image: AnnotatedImage) -> NDArray[np.uint8]:
        """Category of each pixel of a photo of which some garments have masks."""
        number = {category: i for i, category in enumerate(self._categories, start=1)}
        found = np.zeros((image.height, image.width), np.uint8)
        for one in image.annotations:
            if one.mask:
                found[decode(one.mask, image.height, image.width)] = number[one.category or one.label]
        return found

    def batch(self, indices: Iterable[int], seed: int, step: int, first: int = 0) -> tuple[list[Tensor], list[Target]]:
        """Augmented photos (float32 CHW in [0, 1]) and their targets, in pixels of those tensors.

        ``first`` is the place of the first one in the step's whole batch, which decides how it is augmented.
        """
        rows = [self._one(int(index), seeded(seed, step, place)) for place, index in enumerate(indices, start=first)]
        return [photo for photo, _ in rows], [target for _, target in rows]

    def _one(self, index: int, random: torch.Generator) -> tuple[Tensor, Target]:
        marked = self._marked(index)
        if self._config.mosaic and float(torch.rand((), generator=random)) < self._config.mosaic:
            others = torch.randint(len(self), (3,), generator=random).tolist()
            marked = mosaic([marked, *map(self._marked, others)], UNKNOWN)
        photo = torch.from_numpy(marked.pixels.copy()).permute(2, 0, 1).float().div_(255)  # CHW float32 in [0, 1]
        boxes, labels = torch.from_numpy(marked.boxes), torch.from_numpy(marked.labels)
        photo = relight(jitter_colour(photo, self._config.colour_jitter, random), self._config.light_jitter, random)
        target = {"boxes": boxes, "labels": labels, "map": torch.from_numpy(marked.map.copy())}
        return zoom_and_flip(photo, target, self._config.scale_jitter, random)

    def _marked(self, index: int) -> Marked:
        pixels, categories = self._cache.get(self._place[index]) or self._decode(index)
        image, (height, width) = self._data.images[index], pixels.shape[:2]
        scale = np.array([width / image.width, height / image.height] * 2, np.float32)
        return Marked(pixels=pixels, map=categories, boxes=self._boxes[index] * scale, labels=self._labels[index])


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


def zoom_and_flip(photo: Tensor, target: Target, strength: float, random: torch.Generator) -> tuple[Tensor, Target]:
    """Zoom by a factor in [1 - strength, 1 + strength] about a random point, mirror half of the time.

    CHW float32 and its target -> the same size of photo and its target. Boxes are clipped; one of which less than 40 % is
    still inside is dropped. What the photo does not reach is mid-grey, and background in the map.
    """
    height, width = photo.shape[1:]
    zoom, cx, cy, flip = torch.rand(4, generator=random).tolist()
    factor = 1 + strength * (2 * zoom - 1)
    left, top = (width - width * factor) * cx, (height - height * factor) * cy  # where the zoomed photo's corner lands
    boxes, categories = target["boxes"], target["map"]
    if strength:
        shift_x = (width - 2 * left) / (width * factor) - 1
        shift_y = (height - 2 * top) / (height * factor) - 1
        theta = torch.tensor([[[1 / factor, 0, shift_x], [0, 1 / factor, shift_y]]])
        grid = F.affine_grid(theta, [1, 3, height, width], align_corners=False)
        photo = F.grid_sample(photo[None] - 0.5, grid, align_corners=False).squeeze(0) + 0.5
        moved = F.grid_sample(categories[None, None].float(), grid, mode="nearest", align_corners=False)
        categories = moved.squeeze().to(torch.uint8)
        boxes = boxes * factor + boxes.new_tensor([left, top, left, top])
    if flip < 0.5:
        photo, categories = photo.flip(2), categories.flip(1)
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    inside = clip_boxes_to_image(boxes, (height, width))
    kept = (box_area(inside) >= 0.4 * box_area(boxes)) & ((inside[:, 2:] - inside[:, :2]).amin(1) >= 2)
    return photo, {"boxes": inside[kept], "labels": target["labels"][kept], "map": categories}
