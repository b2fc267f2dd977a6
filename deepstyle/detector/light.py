"""Photos in other light than the training set's: dark, coloured, moving; and the way back from coloured light (pure)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

GAMMA = 2.2  # the darkest and, as its inverse, the palest curve
CAST = 0.65  # the most that one-colour light takes from a channel
BLUR = 4  # pixels of the longest motion, at the network's size
ONE_COLOUR = 2.0  # brightness of a photo's brightest channel by its darkest's from which its light is coloured
NORM = 6  # of a channel's brightness; 1: its mean, infinite: its brightest pixel


def relight(photo: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Show a ``share`` of the photos under another gamma and colour cast, half of those blurred by motion.

    CHW float32 in [0, 1] -> the same.
    """
    if share == 0:
        return photo
    drawn, curve, blurred, length, upright, *gains = torch.rand(8, generator=random).tolist()
    if drawn >= share:
        return photo
    photo = photo.clamp(min=1e-4) ** (GAMMA ** (2 * curve - 1))
    photo = photo * torch.tensor([1 - CAST * gain**2 for gain in gains])[:, None, None]
    if blurred < 0.5:
        photo = motion_blur(photo, 2 + int(length * (BLUR - 1)), upright=upright < 0.5)
    return photo


def motion_blur(photo: Tensor, length: int, *, upright: bool) -> Tensor:
    """The mean of ``length`` neighbours along one direction, mirrored at the edges: CHW -> CHW."""
    before, after = (length - 1) // 2, length // 2
    padding = (0, 0, before, after) if upright else (before, after, 0, 0)
    padded = F.pad(photo[None], padding, mode="reflect")
    kernel = (length, 1) if upright else (1, length)
    return F.avg_pool2d(padded, kernel, stride=1)[0]


def balanced(photo: Tensor) -> Tensor:
    """Take one-colour light off a photo: HWC uint8, or float32 in [0, 255] -> HWC float32 in [0, 255].

    All channels get the same brightness, their Minkowski norm over every fourth pixel (shades of grey, Finlayson and Trezzi
    2004), where one channel's is ``ONE_COLOUR`` times another's. Under milder light the photo stays as it is: a dress of one
    colour does not do that much while anything beside it is white or grey, since the norm follows what is brightest.
    """
    photo = photo.float()
    light = (photo[::2, ::2] / 255).pow(NORM).mean((0, 1)).pow(1 / NORM).clamp(min=1 / 255)
    if light.max() < ONE_COLOUR * light.min():
        return photo
    return (photo * (light.mean() / light)).clamp(max=255)
