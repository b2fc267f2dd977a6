"""Images from two seeds, and the seed nearest to a photo: work on a trained generator's inside (pure).

A generator here meets z only at its first layer, so that seeds are mixed by the statistics of later ones: the places of
things come from one, how strong each feature is over the whole image from the other (Huang and Belongie 2017, AdaIN, arXiv
1703.06868, which StyleGAN's mixing builds on).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.residual import Residual
from deepstyle.dcgan.sample import CHUNK, filled, labels_of, latents

FINE = 16  # pixels: layers of this side and above are the fine ones
TRIES = 256  # seeds of which the nearest begin the search
STARTS = 4  # that many
STEPS = 150  # of the search, each with a gradient
RATE = 0.05
LEVELS = 4  # of the pyramid on which images are compared: S, S / 2, S / 4, S / 8
TYPICAL = 0.02  # weight of z's distance from lengths that drawn vectors have

Hook = Callable[[nn.Module, object, Tensor], Tensor | None]


@contextmanager
def _watched(generator: AnyGenerator, hook: Hook) -> Iterator[None]:
    """Have ``hook`` called after each block of layers."""
    blocks = [module for module in generator.modules() if isinstance(module, nn.ReLU | Residual)]
    handles = [block.register_forward_hook(hook) for block in blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each map's mean and standard deviation over its pixels: N x C x 1 x 1 each."""
    return x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True)


@torch.inference_mode()
def mixed(generator: AnyGenerator, coarse: Tensor, fine: Tensor, labels: Tensor | None) -> Tensor:
    """N images in [-1, 1] with the coarse layers of N ``coarse`` latents and the manner of the fine ones of N ``fine``.

    ``labels``: N int64 for a generator that is told labels, else None. A latent mixed with itself gives its own image.
    """
    manners: list[tuple[Tensor, Tensor]] = []

    def learn(_: nn.Module, __: object, x: Tensor) -> None:
        if x.shape[2] >= FINE:
            manners.append(_statistics(x))

    def take(_: nn.Module, __: object, x: Tensor) -> Tensor | None:
        if x.shape[2] < FINE:
            return None
        (mean, spread), (own_mean, own_spread) = manners.pop(0), _statistics(x)
        return (x - own_mean) / (own_spread + 1e-6) * (spread + 1e-6) + mean

    parts = []
    for start in range(0, len(coarse), CHUNK):
        part = slice(start, start + CHUNK)
        told = None if labels is None else filled(labels[part])
        with _watched(generator, learn):
            generator(filled(fine[part]), told)
        with _watched(generator, take):
            parts.append(generator(filled(coarse[part]), told)[: len(coarse[part])])
    return torch.cat(parts)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The latent (1 x latent) nearest to a picture, its label (1 int64; None without labels), and how far its image is."""

    z: Tensor
    label: Tensor | None
    distance: float


def distance(made: Tensor, wanted: Tensor) -> Tensor:
    """N numbers: mean absolute difference of N images to one (both in [-1, 1]), over LEVELS sizes, each half of the last."""
    far = torch.zeros(len(made), device=made.device)
    for level in range(LEVELS):
        if level:
            made, wanted = F.avg_pool2d(made, 2), F.avg_pool2d(wanted, 2)
        far = far + (made - wanted).abs().mean((1, 2, 3))
    return far / LEVELS


def nearest_latent(generator: AnyGenerator, wanted: Tensor, *, label: int | None = None, steps: int = STEPS) -> Found:
    """The latent whose image is nearest to ``wanted`` (1 x 3 x S x S in [-1, 1]): the best of many seeds, then downhill.

    ``label``: the one to keep to; None: each seed's own. The same picture gives the same latent.
    """
    z = latents(range(TRIES), generator.latent).to(wanted.device)
    labels = None
    if generator.told.vectors is not None:
        labels = labels_of(z, generator.told.shares) if label is None else torch.full((TRIES,), label)
    with torch.no_grad():
        tried = torch.cat([
            distance(generator(z[k : k + CHUNK], None if labels is None else labels[k : k + CHUNK]), wanted)
            for k in range(0, TRIES, CHUNK)
        ])  # fmt: skip
    first = tried.argsort(stable=True)[:STARTS]
    z, labels = z[first].clone().requires_grad_(), None if labels is None else labels[first]
    best, best_z = tried[first].clone(), z.detach().clone()
    optimizer = torch.optim.Adam([z], lr=RATE)
    for _ in range(steps):
        far = distance(generator(z, labels), wanted)
        with torch.no_grad():
            better = far < best
            best, best_z = torch.where(better, far, best), torch.where(better[:, None], z, best_z)
        length = z.square().mean(1)
        (z.grad,) = torch.autograd.grad((far + TYPICAL * (length - 1).square()).sum(), z)
        optimizer.step()
    winner = int(best.argmin())
    return Found(
        z=best_z[winner : winner + 1], label=None if labels is None else labels[winner : winner + 1],
        distance=float(best[winner]),
    )  # fmt: skip
