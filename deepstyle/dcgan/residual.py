"""A convolution stack with what was learned since 2015: residual blocks, no normalisation, skip output (pure).

Residual blocks without normalisation start as the identity (Zhang et al. 2019, Fixup, arXiv 1901.09321; R3GAN, Huang et
al. 2024, uses the same idea); each resolution adds its share to the image, and reads its share of it in the discriminator
(skip output of Karras et al. 2019, arXiv 1912.04958; input pyramid: the same). Resampling is bilinear and apart from the
convolutions, so no checkerboard; every activation is LeakyReLU 0.2.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.dcgan.networks import Projection, Told, bound

GROUP = 4  # images whose variation the discriminator is shown (Karras et al. 2017, section 3)


def residual_maps(size: int, width: int, most: int) -> list[int]:
    """Feature maps per resolution from 4 x 4 up to ``size``: ``width`` at the last, doubled below it, ``most`` at most."""
    return [min(most, width * 2**i) for i in reversed(range(int(math.log2(size)) - 1))]


class Residual(nn.Module):
    """x + convolution(activation(convolution(activation(x)))), the second one 0 at the start. Keeps N x C x H x W."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.first.weight, 0.0, math.sqrt(2 / (9 * channels) / blocks))  # He, by Fixup's L^(-1/2)
        for zero in (self.first.bias, self.second.weight, self.second.bias):
            nn.init.zeros_(zero)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W -> the same shape."""
        y: Tensor = self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))
        return x + y


def _plain(before: int, after: int, kernel: int = 1) -> nn.Conv2d:
    """A convolution that keeps the variance of what it gets."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    nn.init.normal_(layer.weight, 0.0, 1 / math.sqrt(before * kernel**2))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class ResidualGenerator(nn.Module):
    """z -> image. ``forward``: N x latent float32 ~ N(0, 1) -> N x 3 x size x size, about [-1, 1] (nothing clips it)."""

    def __init__(self, size: int, latent: int, width: int, most: int, shares: Tensor | None = None) -> None:
        super().__init__()
        self.size, self.latent = size, latent
        maps = residual_maps(size, width, most)
        self.told = Told(latent, shares)
        self.start = nn.Linear(self.told.size, maps[0] * 16)
        self.blocks = nn.ModuleList(Residual(channels, len(maps)) for channels in maps)
        self.widths = nn.ModuleList(_plain(*pair) for pair in pairwise(maps))
        self.colours = nn.ModuleList(_plain(channels, 3) for channels in maps)
        nn.init.normal_(self.start.weight, 0.0, 1 / math.sqrt(self.told.size))
        for channels, colour in zip(maps, self.colours, strict=True):
            nn.init.normal_(colour.get_parameter("weight"), 0.0, 0.3 / math.sqrt(channels * len(maps)))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """N x latent (and N labels) -> N x 3 x size x size."""
        x = self.start(self.told(z, labels)).unflatten(1, (-1, 4, 4)).contiguous(memory_format=torch.channels_last)
        image = torch.zeros(1, 3, 4, 4, device=z.device)
        for i, (block, colour) in enumerate(zip(self.blocks, self.colours, strict=True)):
            if i:
                x, image = _double(self.widths[i - 1](x)), _double(image)
            x = block(x)
            image = image + colour(F.leaky_relu(x, 0.2))
        return image


class ResidualDiscriminator(nn.Module):
    """image -> logit. ``forward``: N x 3 x size x size -> N logits, positive for real.

    ``norm``: "spectral" or "none"; ``labels``: how many labels it is told, 0 for none; ``spread``: minibatch stddev.
    """

    def __init__(
        self, size: int, width: int, most: int, norm: str = "none", labels: int = 0, *, spread: bool = False
    ) -> None:
        super().__init__()
        maps = residual_maps(size, width, most)[::-1]
        self.spread = spread
        self.colours = nn.ModuleList(_plain(3, channels) for channels in maps)
        self.blocks = nn.ModuleList(Residual(channels, len(maps)) for channels in maps)
        self.widths = nn.ModuleList(_plain(*pair) for pair in pairwise(maps))
        self.last = _plain(maps[-1] + spread, maps[-1], 3)
        self.features = nn.Linear(maps[-1] * 16, maps[-1])
        self.logit = nn.Linear(maps[-1], 1)
        self.projection = Projection(labels, maps[-1])
        if norm == "spectral":
            for block in self.blocks:  # a matrix of zeros has no largest singular value
                nn.init.normal_(block.get_parameter("second.weight"), 0.0, 1e-3)
            bound(self)

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Tensor:
        """N x 3 x size x size (and N labels) -> N logits."""
        x = self.blocks[0](self.colours[0](image))
        for width, colour, block in zip(self.widths, self.colours[1:], self.blocks[1:], strict=True):
            image = F.avg_pool2d(image, 2)
            x = block(width(F.avg_pool2d(x, 2)) + colour(image))
        x = with_spread(x) if self.spread else x
        x = F.leaky_relu(self.last(F.leaky_relu(x, 0.2)), 0.2)
        features = F.leaky_relu(self.features(x.flatten(1)), 0.2)
        logits: Tensor = self.logit(features).flatten() + self.projection(features, labels)
        return logits


def with_spread(x: Tensor) -> Tensor:
    """Append a map with the mean standard deviation over groups of GROUP neighbours in the batch (Karras et al. 2017).

    N x C x H x W -> N x (C + 1) x H x W; GROUP divides N.
    """
    groups = x.float().reshape(-1, GROUP, *x.shape[1:])  # N / 4 x 4 x C x H x W
    deviation = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    each = deviation.repeat_interleave(GROUP)[:, None, None, None]
    return torch.cat([x, each.expand(-1, 1, *x.shape[2:]).to(x)], 1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
