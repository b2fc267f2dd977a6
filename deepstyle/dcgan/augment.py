"""What the discriminator sees of an image: mirroring, and DiffAugment (Zhao et al. 2020, arXiv 2006.10738), pure.

The same random policies are applied to real and generated images, and gradients pass through them, so that the
generator does not learn the augmentation. All images are NCHW float in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FEW = 10_000  # images below which augmentation matters more than anything else (Zhao et al. 2020, Karras et al. 2020)


def policies_for(wanted: str | Sequence[str], count: int) -> tuple[str, ...]:
    """The policies to use for ``count`` real images: those ``wanted``, or for "auto" translation when images are few."""
    if wanted == "auto":
        return ("translation",) if count < FEW else ()
    return tuple(wanted)


def augment(images: Tensor, policies: Sequence[str], random: torch.Generator) -> Tensor:
    """Apply the named policies (color, translation, cutout) in their order; none returns the images themselves."""
    for policy in policies:
        images = {"color": color, "translation": translation, "cutout": cutout}[policy](images, random)
    return images


def _uniform(images: Tensor, random: torch.Generator) -> Tensor:
    """N x 1 x 1 x 1 uniform numbers in [0, 1)."""
    return torch.rand(len(images), 1, 1, 1, generator=random, device=random.device).to(images)


def flip(images: Tensor, random: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability one half."""
    return torch.where(_uniform(images, random) < 0.5, images, images.flip(3))


def color(images: Tensor, random: torch.Generator) -> Tensor:
    """Brightness + U(-0.5, 0.5), saturation x U(0, 2), contrast x U(0.5, 1.5), as in the paper's code."""
    images = images + _uniform(images, random) - 0.5
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * (2 * _uniform(images, random)) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * (_uniform(images, random) + 0.5) + mean


def _shifts(images: Tensor, limit: int, random: torch.Generator) -> Tensor:
    drawn = torch.randint(-limit, limit + 1, (len(images), 1, 1), generator=random, device=random.device)
    return drawn.to(images.device)


def translation(images: Tensor, random: torch.Generator, ratio: float = 0.125) -> Tensor:
    """Shift by up to ``ratio`` of the side in both directions; what comes in is 0 (mid-grey)."""
    count, _, height, width = images.shape
    dy, dx = _shifts(images, round(height * ratio), random), _shifts(images, round(width * ratio), random)
    rows = torch.arange(height, device=images.device)[None, :, None] + dy
    columns = torch.arange(width, device=images.device)[None, None, :] + dx
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    picked = images.permute(0, 2, 3, 1)[
        torch.arange(count, device=images.device)[:, None, None], rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    ]
    return picked.permute(0, 3, 1, 2) * inside[:, None]


def cutout(images: Tensor, random: torch.Generator, ratio: float = 0.5) -> Tensor:
    """Blank a square of ``ratio`` of the side at a random place (it may reach over the edge)."""
    height, width = images.shape[2:]
    half_y, half_x = int(height * ratio + 0.5) // 2, int(width * ratio + 0.5) // 2
    places = torch.rand(2, len(images), 1, 1, generator=random, device=random.device).to(images.device)
    centre_y, centre_x = (places[0] * height).floor(), (places[1] * width).floor()
    rows = (torch.arange(height, device=images.device)[None, :, None] - centre_y).abs()
    columns = (torch.arange(width, device=images.device)[None, None, :] - centre_x).abs()
    return images * ~((rows <= half_y) & (columns <= half_x))[:, None]
