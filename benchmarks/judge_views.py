"""The views of a photo that the judge trains on: squared somehow, zoomed, moved, turned, mirrored, in other light (pure)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from deepstyle.classifier.augment import COLOUR, recolour

SIDE = 224  # pixels of the stored, stretched photos
VIEW = 160  # pixels of a training view


def squares(pixels: Tensor, aspects: Tensor, size: int, share: Tensor) -> Tensor:
    """Photos as squares: stretched (share 0), their edges repeated (1), or between; NCHW in [0, 1] -> N x 3 x size x size."""
    wide, high = aspects.clamp(max=1) ** -share, aspects.clamp(min=1) ** share
    zero = torch.zeros_like(wide)
    return _resample(pixels, torch.stack([wide, zero, zero, zero, high, zero], dim=1).view(-1, 2, 3), size)


def _resample(pixels: Tensor, matrix: Tensor, size: int) -> Tensor:
    if size < SIDE:
        pixels = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True, align_corners=False)
    grid = functional.affine_grid(matrix, [len(pixels), 3, size, size], align_corners=False)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def views(pixels: Tensor, aspects: Tensor, random: torch.Generator) -> Tensor:
    """Random views of NCHW float32 in [0, 1]: squared somehow, zoomed, moved, turned, mirrored, other light."""

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(len(pixels)).uniform_(low, high, generator=random)

    share = draw(-0.5, 1.5).clamp(0, 1)  # a quarter stretched, a quarter padded
    wide, high = aspects.clamp(max=1) ** -share, aspects.clamp(min=1) ** share
    zoom, stretch, angle = draw(math.log(0.65), math.log(1.08)).exp(), draw(-0.1, 0.1).exp(), draw(-0.26, 0.26)
    mirror = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    slack = (1 - zoom).abs()
    x, y = slack * draw(-1, 1) * wide, slack * draw(-1, 1) * high
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    rows = [cos * stretch * mirror * wide, -sin * wide, x, sin * mirror * high, cos / stretch * high, y]
    seen = _resample(pixels, torch.stack(rows, dim=1).view(-1, 2, 3), VIEW)
    return recolour(seen, *(draw(1 - COLOUR, 1 + COLOUR) for _ in range(3)))
