"""One resizing of photos for a detector, in training and in use alike (pure)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from deepstyle.images import Pixels


class Sides(Protocol):
    """What the resizing needs of a detector's config, in pixels."""

    @property
    def image_size(self) -> int:
        """What the shorter side becomes."""

    @property
    def max_size(self) -> int:
        """What the longer side does not pass."""


def scale_of(height: int, width: int, config: Sides) -> float:
    """The factor that brings the shorter side to ``image_size`` without the longer one passing ``max_size``."""
    return min(config.image_size / min(height, width), config.max_size / max(height, width))


def network_size(height: int, width: int, config: Sides) -> tuple[int, int]:
    """Height and width in pixels of a photo as the network sees it."""
    scale = scale_of(height, width, config)
    return max(1, round(height * scale)), max(1, round(width * scale))


def to_network(pixels: Pixels, config: Sides) -> Pixels:
    """Resize one photo (uint8 HWC RGB) for the network: to its ``network_size``."""
    return resized(pixels, *network_size(pixels.shape[0], pixels.shape[1], config))


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize uint8 HWC RGB pixels, antialiased bilinear."""
    pixels = np.require(pixels, requirements=("C", "W"))  # torch shares only memory that it may write
    if (height, width) == pixels.shape[:2]:
        return pixels
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    changed = F.interpolate(
        planes, size=[height, width], mode="bilinear", antialias=True
    )  # on bytes: 3x Pillow's speed
    return changed[0].permute(1, 2, 0).contiguous().numpy()
