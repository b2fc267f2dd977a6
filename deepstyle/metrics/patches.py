"""How far the textures of two sets of images are apart: patches' sliced Wasserstein distance. Pure; needs no network.

Karras et al. 2018, arXiv 1710.10196, section 5: patches of 7 x 7 pixels at each level of a Laplacian pyramid, compared
by the Wasserstein distance of their projections on random directions. Here both sets are put to the scale of the real
patches (there: each to its own), so that paler or differently coloured samples do not pass. It sees texture and colour
and knows nothing of garments: a second judge beside features, with which it shares no weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepstyle.errors import InputError
from deepstyle.images import Pixels

SIDE = 7  # pixels of a patch
PATCHES = 64  # of an image and level
DIRECTIONS = 256
MOST = 1_000  # images of a side that are looked at: memory must not grow with the sets
LEAST = 16  # pixels: the coarsest level is at least this large
SEED = 0  # of patches and directions: the same images give the same number


def patch_distance(real: Pixels, fake: Pixels) -> float:
    """The distance of N x S x S x 3 uint8 to M x S x S x 3, in thousandths of a real patch value's deviation; 0 or more.

    The mean over the pyramid's levels (S, S / 2, ... down to ``LEAST``). Of the larger set as many images are taken as
    the smaller has (``MOST`` at most), because few images are further apart: compare at equal counts only. Raises
    InputError for other shapes.
    """
    for side, images in (("real", real), ("generated", fake)):
        if images.ndim != 4 or images.shape[1:] != real.shape[1:] or images.shape[3] != 3 or not len(images):
            shape = " x ".join(map(str, images.shape))
            raise InputError(f"the {side} images must be N x S x S x 3 of one size, not {shape}")
    if min(real.shape[1:3]) < LEAST:
        raise InputError(f"images must be at least {LEAST} pixels wide to compare their patches, not {real.shape[1]}")
    count = min(len(real), len(fake), MOST)
    random = np.random.default_rng(SEED)
    first, second = (one[np.sort(random.permutation(len(one))[:count])] for one in (real, fake))
    directions = torch.from_numpy(_directions(3 * SIDE * SIDE, random))
    levels = []
    for one, other in zip(_pyramid(first), _pyramid(second), strict=True):
        a, b = _patches(one, random), _patches(other, random)
        mean, deviation = a.mean(dim=(0, 2), keepdim=True), a.std(dim=(0, 2), keepdim=True).clamp(min=1e-6)
        a, b = (((x - mean) / deviation).flatten(1) for x in (a, b))
        levels.append(sliced_wasserstein(a, b, directions))
    return 1000 * float(np.mean(levels))


def sliced_wasserstein(first: Tensor, second: Tensor, directions: Tensor) -> float:
    """The mean Wasserstein-1 distance of two N x D sets, projected on each column of D x K unit ``directions``.

    NumPy sorts a row of floats in a tenth of the time that torch takes, which keeps track of their places.
    """
    total = 0.0
    for start in range(0, directions.shape[1], 32):
        part = directions[:, start : start + 32].T
        a, b = (np.sort((part @ one.T).numpy(), axis=1) for one in (first, second))
        total += float(np.abs(a - b).mean(axis=1, dtype=np.float64).sum())
    return total / directions.shape[1]


def _directions(size: int, random: np.random.Generator) -> NDArray[np.float32]:
    values = random.standard_normal((size, DIRECTIONS))
    unit: NDArray[np.float32] = (values / np.linalg.norm(values, axis=0)).astype(np.float32)
    return unit


def _pyramid(images: Pixels) -> Iterator[Tensor]:
    """Band-passed levels, finest first, NCHW float32; the last one holds what is left. One is there at a time."""
    level = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    for _ in range(int(math.log2(min(images.shape[1:3]) / LEAST))):
        small = functional.interpolate(level, scale_factor=0.5, mode="bilinear", antialias=True, align_corners=False)
        large = functional.interpolate(small, level.shape[-2:], mode="bilinear", align_corners=False)
        yield level - large
        level = small
    yield level


def _patches(level: Tensor, random: np.random.Generator) -> Tensor:
    """``PATCHES`` random patches of each image: N * PATCHES x 3 x SIDE * SIDE."""
    count, _, high, wide = level.shape
    y = torch.from_numpy(random.integers(0, high - SIDE + 1, (count, PATCHES)))
    x = torch.from_numpy(random.integers(0, wide - SIDE + 1, (count, PATCHES)))
    step = torch.arange(SIDE)
    image = torch.arange(count).view(-1, 1, 1, 1)
    rows, columns = y[..., None, None] + step.view(-1, 1), x[..., None, None] + step
    found = level.permute(0, 2, 3, 1)[image, rows, columns]  # N x PATCHES x SIDE x SIDE x 3
    return found.flatten(0, 1).flatten(1, 2).transpose(1, 2)
