"""Random views of training images, a whole batch at once on the device. Pure: tensors in, tensors out."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepstyle.images import Pixels

SLACK = 1.15  # how much larger than a view an image should be, so that a zoomed view loses no detail
ZOOM = (0.78, 1.1)  # smallest and largest share of the image's side that a view shows; above 1: its edges are repeated
ASPECT = 0.12  # largest change of log(width / height), either way
DEGREES = 10.0  # largest rotation, either way
COLOUR = 0.25  # largest relative change of brightness, contrast and saturation
LIMITS = (
    (math.log(ZOOM[0]), math.log(ZOOM[1])), (-ASPECT, ASPECT), (-DEGREES, DEGREES), (0.0, 1.0), (-1.0, 1.0), (-1.0, 1.0),
    *((1 - COLOUR, 1 + COLOUR),) * 3,
)  # fmt: skip  # lowest and highest of what is drawn for an image, in the order in which it is drawn

FEW = 16  # images that a CPU looks at together: their floats stay in its cache, and no memory is asked for anew


def to_float(pixels: Pixels, device: torch.device) -> Tensor:
    """N x H x W x 3 uint8 in [0, 255] -> NCHW float32 in [0, 1] on the device; the bytes travel, not the floats."""
    return (
        torch.from_numpy(np.require(pixels, requirements=("C", "W"))).to(device).permute(0, 3, 1, 2).float().div_(255)
    )


def random_views(
    stored: Pixels, chosen: NDArray[np.int64], size: int, device: torch.device, generator: torch.Generator,
    share: tuple[int, slice] | None = None,
) -> Tensor:  # fmt: skip
    """Random views of the ``chosen`` N of stored images (S x S x 3 uint8): N x 3 x size x size float32 in [0, 1], on the device.

    What is much larger than the views is first made smaller with an anti-aliasing filter. The random numbers come from
    ``generator`` on the CPU, so every device sees the same views. ``share``: how many images the whole batch has, and
    which of them these are; they look as they would in the whole batch. On a CPU a few are made at a time, the same views in
    two thirds of the time.
    """
    few = FEW if device.type == "cpu" else len(chosen)
    plan = _plan(len(chosen), generator, share)
    parts = [slice(start, start + few) for start in range(0, len(chosen), few)]
    return torch.cat([_look(to_float(stored[chosen[part]], device), size, plan[:, part]) for part in parts])


def _plan(count: int, generator: torch.Generator, share: tuple[int, slice] | None) -> Tensor:
    """How each image is seen, 9 x N: zoom, stretch, angle, mirror, two moves; brightness, contrast, saturation."""
    whole, mine = share or (count, slice(None))
    return torch.stack([torch.empty(whole).uniform_(*limits, generator=generator)[mine] for limits in LIMITS])


def _look(images: Tensor, size: int, plan: Tensor) -> Tensor:
    """The views that a plan says."""
    near = round(size * SLACK)
    if images.shape[-1] > near:
        images = functional.interpolate(images, (near, near), mode="bilinear", antialias=True, align_corners=False)
    return recolour(_affine(images, size, plan[:6]), *plan[6:])


def _affine(images: Tensor, size: int, plan: Tensor) -> Tensor:
    """One interpolation for crop, zoom, stretch, rotation and mirror."""
    zoom, stretch = plan[0].exp(), (plan[1] / 2).exp()
    angle = plan[2] * math.pi / 180
    mirror = torch.where(plan[3] < 0.5, -1.0, 1.0)
    slack = (1 - zoom).abs()
    move_x, move_y = slack * plan[4], slack * plan[5]
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    matrix = torch.stack(
        [
            cos * stretch * mirror, -sin / stretch, move_x,
            sin * stretch * mirror, cos / stretch, move_y,
        ],
        dim=1,
    ).view(len(images), 2, 3)  # fmt: skip
    grid = places(matrix.to(images.device), size)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def places(matrix: Tensor, size: int) -> Tensor:
    """Where N affine views (N x 2 x 3) look: ``functional.affine_grid``'s N x size x size x 2, without its matrix products.

    What a column and what a row adds is worked out once; on a CPU that takes a tenth of the time.
    """
    line = ((torch.arange(size, device=matrix.device) * 2 + 1) / size - 1)[None, :, None]
    across, down = line * matrix[:, None, :, 0], line * matrix[:, None, :, 1] + matrix[:, None, :, 2]
    return across[:, None] + down[:, :, None]


def recolour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Brightness, then contrast around the image's mean, then saturation around its grey, each by its own factor (N).

    All three are linear: a pixel becomes its own colour times one number, plus its grey times another, plus a third.
    """
    own, other, lift = (
        factor.view(-1, 1, 1, 1).to(images.device)
        for factor in (brightness * contrast * saturation, brightness * contrast * (1 - saturation), brightness * (1 - contrast))
    )  # fmt: skip
    grey = images.mean(dim=1, keepdim=True)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    return torch.addcmul(grey * other + mean * lift, images, own).clamp_(0, 1)


def mix(images: Tensor, targets: Tensor, how: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each image with something of the next one in the batch, and as much of its N x L target.

    ``mixup`` blends them (Zhang et al. 2017, arXiv 1710.09412), ``cutmix`` puts a patch of one into the other (Yun et al.
    2019, arXiv 1905.04899). How much is drawn once a batch, evenly from 0 to 1.
    """
    share, x, y = torch.rand(3, generator=generator).tolist()
    others = images.roll(1, dims=0)
    if how == "mixup":
        mixed = share * images + (1 - share) * others
    else:
        height, width = images.shape[-2:]
        high, wide = (round(side * math.sqrt(1 - share)) for side in (height, width))
        top, left = round(y * (height - high)), round(x * (width - wide))
        mixed = images.clone()
        mixed[:, :, top : top + high, left : left + wide] = others[:, :, top : top + high, left : left + wide]
        share = 1 - high * wide / (height * width)
    return mixed, share * targets + (1 - share) * targets.roll(1, dims=0)
