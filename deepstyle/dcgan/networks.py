"""Generator and discriminator of Radford, Metz and Chintala 2015 (arXiv 1511.06434), for 32, 64 and 128 pixels.

The paper's rules: strided convolutions instead of pooling, batch normalisation everywhere but at the generator's output
and the discriminator's input, ReLU and Tanh in the generator, LeakyReLU 0.2 in the discriminator, weights N(0, 0.02).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


def feature_maps(size: int, width: int) -> list[int]:
    """Feature maps per resolution from 4 x 4 up to ``size / 2``: halved at each step, ``width`` at the last.

    The paper's 64 px network with ``width`` 128 has 1024, 512, 256, 128.
    """
    return [width * 2**i for i in reversed(range(int(math.log2(size)) - 2))]


class Generator(nn.Module):
    """z -> image. ``forward``: N x latent float32 ~ N(0, 1) -> N x 3 x size x size in [-1, 1]."""

    def __init__(self, size: int, latent: int, width: int) -> None:
        super().__init__()
        self.size, self.latent = size, latent
        maps = feature_maps(size, width)
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent, maps[0], 4, bias=False), nn.BatchNorm2d(maps[0]), nn.ReLU(inplace=True)
        ]  # fmt: skip
        for before, after in pairwise(maps):
            layers += [
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
            ]  # fmt: skip
        layers += [nn.ConvTranspose2d(maps[-1], 3, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, z: Tensor) -> Tensor:
        """N x latent -> N x 3 x size x size in [-1, 1]."""
        image: Tensor = self.layers(z[:, :, None, None])
        return image


class Discriminator(nn.Module):
    """image -> logit. ``forward``: N x 3 x size x size in [-1, 1] -> N logits, positive for real."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        maps = feature_maps(size, width)[::-1]
        layers: list[nn.Module] = [nn.Conv2d(3, maps[0], 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in pairwise(maps):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, inplace=True)
            ]  # fmt: skip
        layers.append(nn.Conv2d(maps[-1], 1, 4))
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """N x 3 x size x size in [-1, 1] -> N logits."""
        logits: Tensor = self.layers(image)
        return logits.flatten()


def initialise(module: nn.Module) -> None:
    """The paper's initialisation: N(0, 0.02) for weights, N(1, 0.02) for batch norm gains, 0 for biases."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


@torch.no_grad()
def calibrate(generator: Generator, z: Tensor, batch: int) -> None:
    """Set the batch norm statistics to those of the present weights over ``z`` (N x latent), then switch to eval.

    A moving average of weights never saw the activations that the trained network's running statistics describe.
    """
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    generator.train()
    for start in range(0, len(z), batch):
        generator(z[start : start + batch])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    generator.eval()
