"""What tests of the crop share: hand-written detectors, photos of noise, a crop by given rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.cut import CropSummary, crop
from deepstyle.images import Pixels
from deepstyle.progress import Reporter
from deepstyle.shape import SIDE

QUIET = Reporter(quiet=True)


class FakeDetector:
    """Sees the upper and the lower half of every photo; counts its work."""

    labels: tuple[str, ...] = ("upper", "lower")

    def __init__(self, name: str = "fake@1") -> None:
        self.name = name
        self.seen = 0

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        self.seen += len(photos)
        return [
            [
                Box(x0=10, y0=0, x1=width - 10, y1=height / 2, label="upper", score=0.9),
                Box(x0=10, y0=height / 2, x1=width - 10, y1=height, label="lower", score=0.6),
            ]
            for height, width in (photo.shape[:2] for photo in photos)
        ]


def fill(catalog: Catalog, count: int, *, height: int = 200, width: int = 120, jpeg: bool = False) -> None:
    random = np.random.default_rng(0)
    for i in range(count):
        pixels = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        data = images.encode(pixels[:height, :width], "JPEG" if jpeg else "PNG")
        catalog.add_photo(
            images.sha256(data), data, extension="jpg" if jpeg else "png", width=width, height=height, dhash="0",
            image_url=f"u{i}", page_url=f"p{i}",
        )  # fmt: skip


def cut(catalog: Catalog, detector: FakeDetector, *overrides: str) -> CropSummary:
    return crop(catalog, detector, load_config(CropConfig, None, overrides), reporter=QUIET)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.glob("garments/*/*")}


class Outliner(FakeDetector):
    """Knows that the left half of every garment's box is garment; of the lower ones it knows nothing."""

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        cells = np.zeros((SIDE, SIDE), np.uint8)
        cells[:, : SIDE // 2] = 255
        return [[replace(first, shape=cells.tobytes()), second] for first, second in super().detect(photos)]
