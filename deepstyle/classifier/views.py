"""The views of an image whose mean is its judgement: itself, its mirror image, and crops of both (pure).

``ten`` are Krizhevsky's (NIPS 2012): the corners and the middle, and their mirror images. ``eighteen`` are nine places,
three by three, and their mirror images, as a team of the FashionAI challenge had it. A crop shows the same share of the
image as the middle of a training view does; what each more costs is one more look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor
from torch.nn import functional

from deepstyle.classifier.augment import SLACK

Tta = Literal["none", "mirror", "ten", "eighteen"]
PLACES = {
    "ten": ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5)),
    "eighteen": tuple((down / 2, right / 2) for down in range(3) for right in range(3)),
}  # of a crop: shares of the room that there is, down and to the right


def views(images: Tensor, size: int, tta: Tta) -> Iterator[Tensor]:
    """Each view of NCHW images, N x C x size x size: the whole ones first where there are no crops."""
    for one in _crops(images, size, tta):
        yield one
        if tta != "none":
            yield one.flip(3)


def _crops(images: Tensor, size: int, tta: Tta) -> Iterator[Tensor]:
    if tta in {"none", "mirror"}:
        yield resized(images, size)
        return
    wide = round(size * SLACK)
    large, room = resized(images, wide), wide - size
    for down, right in PLACES[tta]:
        top, left = round(down * room), round(right * room)
        yield large[:, :, top : top + size, left : left + size]


def resized(images: Tensor, side: int) -> Tensor:
    """NCHW of any size as squares, with an anti-aliasing filter."""
    if images.shape[-2:] == (side, side):
        return images
    planes = images.contiguous()  # a CPU resizes planes in half the time
    return functional.interpolate(planes, (side, side), mode="bilinear", antialias=True, align_corners=False)
