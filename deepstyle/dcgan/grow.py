"""A network of twice the side that begins as a trained one: its images, smoothly enlarged (pure).

In the spirit of Net2Net (Chen et al. 2015, arXiv 1511.05641) and progressive growing (Karras et al. 2018, arXiv
1710.10196): with half the width all layers but the outermost have the same shapes, so that they are kept, and the two new
outer layers are set to pass the image through. The generator then makes its former image with each side doubled
linearly, but for a ring of one pixel at the border, where convolutions look at zeros; the discriminator says of an image what
it said of its 2 x 2 means. Nothing need be faded in. What the new layers have beyond that starts at random on one side
and at zero on the other: it says nothing yet, but learns.

A colour needs two maps, its positive and its negative part: relu(x) - relu(-x) = x.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepstyle.dcgan.networks import Generator

COLOURS = 3
PASSED = 2 * COLOURS  # maps that pass the image through: each colour's positive part, then each one's negative part
LEAK = 0.2  # of the discriminator's LeakyReLU: leaky(x) - leaky(-x) = (1 + LEAK) x
State = Mapping[str, Tensor]


def outermost(size: int) -> int:
    """The number of the generator's layer that makes colours, among ``layers``."""
    return 3 * int(math.log2(size) - 2)


def larger_generator(own: State, given: State, size: int) -> dict[str, Tensor]:
    """The state of a generator of twice the side, from ``own`` (fresh) and the trained one of ``size`` pixels (``given``).

    Its new norm still has to be set: see ``settle``.
    """
    last = outermost(size)
    made = {key: value for key, value in given.items() if not key.startswith(f"layers.{last}.")}
    made |= {key: value.clone() for key, value in own.items() if key not in made}
    colours = given[f"layers.{last}.weight"]  # 3 x C x 3 x 3
    made[f"layers.{last}.weight"][:PASSED] = torch.cat([colours, -colours])
    tent = torch.tensor([1.0, 2.0, 1.0]) / 4  # after nearest neighbours: linear interpolation
    outer = torch.zeros_like(made[f"layers.{last + 3}.weight"])
    for colour in range(COLOURS):
        outer[colour, colour] = tent[:, None] * tent
        outer[colour, colour + COLOURS] = -outer[colour, colour]
    made[f"layers.{last + 3}.weight"] = outer
    made[f"layers.{last + 3}.bias"] = torch.zeros(COLOURS)
    return made


@torch.no_grad()
def settle(generator: Generator, shift: Tensor, z: Tensor, labels: Tensor | None) -> None:
    """Let the new norm give back what it takes, and add ``shift`` (3 numbers), the former layer's bias.

    Its gain and bias become the deviation and the mean of its input over the images of ``z`` (N x latent) and ``labels``.
    """
    last = outermost(generator.size // 2)
    inner = copy.deepcopy(generator.layers[: last + 1]).train()
    seen = inner(generator.told(z, labels)[:, :, None, None])[:, :PASSED]
    norm = generator.layers[last + 1]
    assert isinstance(norm, nn.BatchNorm2d | nn.SyncBatchNorm)
    mean, variance = seen.mean((0, 2, 3)), seen.var((0, 2, 3), correction=0)
    norm.weight[:PASSED] = (variance + norm.eps).sqrt()
    norm.bias[:PASSED] = mean + torch.cat([shift, -shift]).to(mean)


def larger_discriminator(own: State, given: State) -> dict[str, Tensor]:
    """The state of a discriminator without norms of twice the side, from ``own`` (fresh) and the trained one (``given``)."""
    made = {_moved(key): value for key, value in given.items()}
    colours, shift = made.pop("layers.2.weight"), made.pop("layers.2.bias")  # D x 3 x 4 x 4
    made |= {key: value.clone() for key, value in own.items() if key not in made}
    means = torch.zeros(4, 4)
    means[1:3, 1:3] = 0.25
    made["layers.0.bias"][:PASSED] = 0.0
    made["layers.0.weight"][:PASSED] = 0.0
    for colour in range(COLOURS):
        made["layers.0.weight"][colour, colour] = means
        made["layers.0.weight"][colour + COLOURS, colour] = -means
    made["layers.2.weight"][:] = 0.0
    made["layers.2.weight"][:, :PASSED] = torch.cat([colours, -colours], 1) / (1 + LEAK)
    made["layers.2.bias"] = shift
    return made


def _moved(key: str) -> str:
    """What a discriminator's parameter is called when a convolution and its activation come before all others."""
    kind, _, rest = key.partition(".")
    number, _, name = rest.partition(".")
    return f"layers.{int(number) + 2}.{name}" if kind == "layers" else key
