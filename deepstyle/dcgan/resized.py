"""Upsampling without a weave: nearest neighbours and a 3 x 3 convolution in the place of a transposed one (pure).

A transposed 4 x 4 convolution with stride 2 gives neighbouring pixels different weights, and a generator that does not
balance them weaves a pattern into its images (Odena et al. 2016, Deconvolution and Checkerboard Artifacts). Copying each
pixel four times and convolving 3 x 3 cannot do that by itself. The two steps are together a transposed 4 x 4 convolution
whose kernel is made of the nine weights, and are computed as one: the same numbers in less than half the time.

What such kernels can still do is to prefer one diagonal to the other. That part of a kernel, its corners weighed against one
another, answers to frequencies as sin u sin v, most at a period of 4 pixels on the diagonals, and there trained generators
show a fine ribbing (docs/log.md). "balanced" kernels are what remains without it: eight numbers of nine.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.dcgan.patches import KERNEL, Up, up

SIDE = 3  # of the kernel, in pixels
SUMS = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))  # which of three weights each of four pixels sums up, in a line
CORNERS = ((0.5, 0.0, -0.5), (0.0, 0.0, 0.0), (-0.5, 0.0, 0.5))  # what of a kernel prefers one diagonal, of length 1
KEPT = 16  # pixels: "mixed" upsamples to this side and below by transposed convolutions


class Resized(nn.Conv2d):
    """Twice the side. ``forward``: N x C x H x W -> N x D x 2H x 2W.

    ``filtered``: what comes out passes a [1, 2, 1] filter both ways, as in Karras et al. 2018 (arXiv 1812.04948,
    appendix C). ``balanced``: the kernels weigh both diagonals alike.
    """

    taps: Tensor
    copies: Tensor

    def __init__(
        self, before: int, after: int, *, bias: bool = True, filtered: bool = False, balanced: bool = False
    ) -> None:
        super().__init__(before, after, SIDE, padding=SIDE // 2, bias=bias)
        self.filtered = filtered
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("taps", line[:, None] * line, persistent=False)
        sums = torch.tensor(SUMS, dtype=torch.float32)
        copies = torch.kron(sums, sums)  # 16 x 9
        if balanced:
            corners = torch.tensor(CORNERS).flatten()
            copies -= torch.outer(copies @ corners, corners)
        self.register_buffer("copies", copies, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """As nearest neighbours and this convolution."""
        if not self.filtered:
            return up(images, merged(self.weight, self.copies), self.bias)
        image = F.pad(up(images, merged(self.weight, self.copies), None), (1, 1, 1, 1), mode="replicate")
        taps = self.taps.expand(len(self.weight), 1, SIDE, SIDE)
        return F.conv2d(image, taps, self.bias, groups=len(self.weight))


def merged(weight: Tensor, copies: Tensor) -> Tensor:
    """The kernel (C x D x 4 x 4) of the transposed convolution that is nearest neighbours and a D x C x 3 x 3 convolution.

    Each weight stands on the four pixels that are copies of the one it looks at: a product with ``copies`` (16 x 9, zeros and
    ones where nothing is balanced), in float32, that leaves the kernel in the order in which ``up`` reads it.
    """
    after, before = weight.shape[:2]
    with torch.autocast(weight.device.type, enabled=False):
        kernel = copies @ weight.permute(2, 3, 0, 1).reshape(SIDE * SIDE, -1)  # 16 x D C
    return kernel.view(KERNEL, KERNEL, after, before).permute(3, 2, 0, 1)


def upsample(kind: str, before: int, after: int, side: int, *, bias: bool = True) -> nn.Module:
    """The layer of that ``kind`` (config's ``upsampling``) that ends at ``side`` pixels."""
    if kind == "transposed" or (kind == "mixed" and side <= KEPT):
        return Up(before, after, bias=bias)
    return Resized(before, after, bias=bias, filtered=kind == "filtered", balanced=kind == "balanced")
