"""The DCGAN's strided convolutions on few pixels as one matrix product: on a CPU three times faster there than oneDNN's.

The same layers, weights and names as ``nn.Conv2d`` and ``nn.ConvTranspose2d``; results differ by rounding only. Between
4 x 4 and 8 x 8 pixels a convolution of many channels is nearly all weights, which a matrix product reads once. From a vector to
4 x 4 pixels and back (``Open``, ``Close``) it is nothing else. Weights in channels_last memory need no copy for it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

KERNEL, STRIDE, PADDING = 4, 2, 1
SMALL = 4  # side in pixels, on the coarser side of the layer, up to which the product is faster


class _Patches(Function):
    """N x 2H x 2W x C -> N x H x W x 4 x 4 x C: what the kernel sees at each place. Its gradient is ``_Fold``."""

    @staticmethod
    def forward(_: Any, images: Tensor) -> Tensor:
        """All patches, copied."""
        padded = F.pad(images, (0, 0, *[PADDING] * 4))
        return padded.unfold(1, KERNEL, STRIDE).unfold(2, KERNEL, STRIDE).permute(0, 1, 2, 4, 5, 3).contiguous()

    @staticmethod
    def backward(_: Any, *grads: Tensor) -> Tensor:
        """The gradient of the images."""
        folded: Tensor = _Fold.apply(grads[0])
        return folded


class _Fold(Function):
    """N x H x W x 4 x 4 x C -> N x 2H x 2W x C: patches laid on an image, sums where they overlap."""

    @staticmethod
    def forward(_: Any, patches: Tensor) -> Tensor:
        """The sums."""
        n, h, w, _, _, c = patches.shape
        padded = patches.new_zeros(n, STRIDE * h + 2 * PADDING, STRIDE * w + 2 * PADDING, c)
        for y in range(KERNEL):
            for x in range(KERNEL):
                padded[:, y : y + STRIDE * h : STRIDE, x : x + STRIDE * w : STRIDE] += patches[:, :, :, y, x]
        return padded[:, PADDING:-PADDING, PADDING:-PADDING].contiguous()

    @staticmethod
    def backward(_: Any, *grads: Tensor) -> Tensor:
        """The gradient of the patches."""
        patches: Tensor = _Patches.apply(grads[0])
        return patches


def _here(images: Tensor, side: int) -> bool:
    return images.device.type == "cpu" and max(images.shape[2:]) <= side and not torch.compiler.is_compiling()


class Open(nn.ConvTranspose2d):
    """A vector becomes 4 x 4 pixels: a transposed 4 x 4 convolution of one pixel. ``forward``: N x C x 1 x 1 -> N x D x 4 x 4."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, KERNEL, bias=False)

    def forward(self, vectors: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As ``nn.ConvTranspose2d``."""
        if output_size is not None:
            return super().forward(vectors, output_size)
        pixels = vectors.flatten(1) @ self.weight.permute(0, 2, 3, 1).flatten(1)
        return pixels.view(vectors.shape[0], KERNEL, KERNEL, -1).permute(0, 3, 1, 2)


class Close(nn.Conv2d):
    """4 x 4 pixels become a number: a 4 x 4 convolution of them. ``forward``: N x C x 4 x 4 -> N x 1 x 1 x 1."""

    def __init__(self, before: int) -> None:
        super().__init__(before, 1, KERNEL)

    def forward(self, images: Tensor) -> Tensor:
        """As ``nn.Conv2d``."""
        seen = images.permute(0, 2, 3, 1).flatten(1)
        return F.linear(seen, self.weight.permute(0, 2, 3, 1).flatten(1), self.bias)[:, :, None, None]


class Down(nn.Conv2d):
    """Half the side: a 4 x 4 convolution with stride 2. ``forward``: N x C x 2H x 2W -> N x D x H x W."""

    def __init__(self, before: int, after: int, *, bias: bool = True) -> None:
        super().__init__(before, after, KERNEL, STRIDE, PADDING, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """As ``nn.Conv2d``; a matrix product where that is faster."""
        if not _here(images, STRIDE * SMALL):
            return super().forward(images)
        patches: Tensor = _Patches.apply(images.permute(0, 2, 3, 1))
        return F.linear(patches.flatten(3), self.weight.permute(0, 2, 3, 1).flatten(1), self.bias).permute(0, 3, 1, 2)


class Up(nn.ConvTranspose2d):
    """Twice the side: a transposed 4 x 4 convolution with stride 2. ``forward``: N x C x H x W -> N x D x 2H x 2W."""

    def __init__(self, before: int, after: int, *, bias: bool = True) -> None:
        super().__init__(before, after, KERNEL, STRIDE, PADDING, bias=bias)

    def forward(self, images: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As ``nn.ConvTranspose2d``; a matrix product where that is faster."""
        if output_size is not None:
            return super().forward(images, output_size)
        return up(images, self.weight, self.bias)


def up(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The transposed convolution of ``Up`` with a weight of C x D x 4 x 4."""
    if not _here(images, SMALL):
        return F.conv_transpose2d(images, weight, bias, STRIDE, PADDING)
    patches = F.linear(images.permute(0, 2, 3, 1), weight.permute(2, 3, 1, 0).flatten(0, 2))
    image: Tensor = _Fold.apply(patches.view(*patches.shape[:3], KERNEL, KERNEL, -1))
    image = image.permute(0, 3, 1, 2)
    return image if bias is None else image + bias[:, None, None]
