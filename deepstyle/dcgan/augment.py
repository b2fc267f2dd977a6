"""What the discriminator sees of an image: mirroring, DiffAugment (Zhao et al. 2020, arXiv 2006.10738), ADA's strength (pure).

The same random policies are applied to real and generated images, and gradients pass through them, so that the
generator does not learn the augmentation. All images are NCHW float in [-1, 1]; all chances are uniform numbers in
[0, 1) that the caller draws, so that several processes can share the chances of one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FEW = 10_000  # images below which augmentation matters more than anything else (Zhao et al. 2020, Karras et al. 2020)
COLUMNS = {"color": slice(0, 3), "translation": slice(3, 5), "cutout": slice(5, 7)}  # of the chances, by policy
CHANCES = 7 + len(COLUMNS)  # numbers per image: what policies draw, then whether each is applied
SIGNS_EVERY = 4  # steps over which ADA averages the sign of D (Karras et al. 2020, section 3)


def policies_for(wanted: str | Sequence[str], count: int) -> tuple[str, ...]:
    """The policies to use for ``count`` real images: those ``wanted``, or for "auto" translation when images are few."""
    if wanted == "auto":
        return ("translation",) if count < FEW else ()
    return tuple(wanted)


def augment(images: Tensor, policies: Sequence[str], chances: Tensor, strength: Tensor | float = 1.0) -> Tensor:
    """Apply the named policies, always in the order color, translation, cutout; none returns the images themselves.

    ``chances``: N x CHANCES. Each image gets each policy with probability ``strength`` in [0, 1], a tensor when it adapts.
    """
    for number, policy in enumerate(COLUMNS):
        if policy not in policies:
            continue
        changed = {"color": color, "translation": translation, "cutout": cutout}[policy](
            images, chances[:, COLUMNS[policy]]
        )
        if isinstance(strength, float) and strength == 1.0:
            images = changed
        else:
            images = torch.where(_per_image(chances[:, 7 + number]) < strength, changed, images)
    return images


def adapted(strength: Tensor, sign: Tensor, target: float, change: float) -> Tensor:
    """ADA's next strength: ``change`` more when D's mean sign on real images is above ``target``, else less; in [0, 1].

    A D that is sure of nearly every real image has begun to know them by heart (Karras et al. 2020, 2006.06676, eq. 1).
    """
    return (strength + torch.sign(sign - target) * change).clamp(0.0, 1.0)


def _per_image(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]


def flip(images: Tensor, chances: Tensor) -> Tensor:
    """Mirror each image left to right where its chance (N numbers) is at least one half."""
    return torch.where(_per_image(chances) < 0.5, images, images.flip(3))


def color(images: Tensor, chances: Tensor) -> Tensor:
    """Brightness + U(-0.5, 0.5), saturation x U(0, 2), contrast x U(0.5, 1.5), as in the paper's code; N x 3 chances."""
    images = images + _per_image(chances[:, 0]) - 0.5
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * (2 * _per_image(chances[:, 1])) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * (_per_image(chances[:, 2]) + 0.5) + mean


def _shift(chances: Tensor, reach: int) -> Tensor:
    """Whole numbers from -reach to reach."""
    return (chances * (2 * reach + 1)).floor().long() - reach


def translation(images: Tensor, chances: Tensor, ratio: float = 0.125) -> Tensor:
    """Shift by up to ``ratio`` of the side in both directions; what comes in is 0 (mid-grey); N x 2 chances."""
    count, _, height, width = images.shape
    down, right = _shift(chances[:, 0], round(height * ratio)), _shift(chances[:, 1], round(width * ratio))
    rows = torch.arange(height, device=images.device)[None, :, None] + down[:, None, None]
    columns = torch.arange(width, device=images.device)[None, None, :] + right[:, None, None]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    picked = images.permute(0, 2, 3, 1)[
        torch.arange(count, device=images.device)[:, None, None], rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    ]
    return picked.permute(0, 3, 1, 2) * inside[:, None]


def cutout(images: Tensor, chances: Tensor, ratio: float = 0.5) -> Tensor:
    """Blank a square of ``ratio`` of the side at a random place (it may reach over the edge); N x 2 chances."""
    height, width = images.shape[2:]
    half_y, half_x = int(height * ratio + 0.5) // 2, int(width * ratio + 0.5) // 2
    centre_y, centre_x = (chances[:, 0, None, None] * height).floor(), (chances[:, 1, None, None] * width).floor()
    rows = (torch.arange(height, device=images.device)[None, :, None] - centre_y).abs()
    columns = (torch.arange(width, device=images.device)[None, None, :] - centre_x).abs()
    return images * ~((rows <= half_y) & (columns <= half_x))[:, None]
