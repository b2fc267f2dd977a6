"""How far two sets of images are apart, as functions of feature arrays. Pure; accumulated in float64.

A distance means something only together with the features it was computed on and the number of images on both sides:
report all three. Frechet distances of few images are biased upwards; compare them at equal counts only.

Every function sees the features of one process: where several train together, one of them judges alone while the others
go on, so nothing here may wait for them (torchmetrics does, unless ``sync_on_compute`` is off).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from deepstyle.errors import InputError

Features = NDArray[np.float32] | NDArray[np.float64]  # N x D, one row an image
CHUNK = 1024  # rows of a distance matrix held at a time
SEED = 0  # of the kernel distance's subsets: the same features give the same number


class _Given(nn.Module):
    """Stands where torchmetrics wants an Inception network: the features are there already."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.num_features = size

    def forward(self, features: Tensor) -> Tensor:
        """N x D in, the same out."""
        return features


class FrechetReference:
    """The real side of a Frechet distance, summed up once and compared with many sets of samples.

    ``real`` is N x D, N >= 2. Heusel et al. 2017, arXiv 1706.08500, equation 6, on any features.
    """

    def __init__(self, real: Features) -> None:
        _check("real", real, least=2)
        self._size = real.shape[1]
        self._centre = real.mean(axis=0, dtype=np.float64)  # a shift of both sides changes nothing and keeps precision
        self._metric = FrechetInceptionDistance(
            feature=_Given(self._size), reset_real_features=False, sync_on_compute=False
        )
        self._metric.set_dtype(torch.float64)
        self._metric.update(_tensor(real, self._centre), real=True)

    def distance(self, fake: Features) -> float:
        """The squared Frechet distance to M x D features, M >= 2; 0 or more. Raises InputError for a wrong shape."""
        _check("generated", fake, least=2, size=self._size)
        self._metric.reset()  # forgets the former samples only
        self._metric.update(_tensor(fake, self._centre), real=False)
        return max(0.0, float(self._metric.compute()))


def frechet_distance(real: Features, fake: Features) -> float:
    """The squared Frechet distance (FID when the features are Inception's) of N x D and M x D features; 0 or more.

    Heusel et al. 2017, arXiv 1706.08500. Raises InputError with the counts for fewer than two images on a side.
    """
    return FrechetReference(real).distance(fake)


def kernel_distance(
    real: Features, fake: Features, *, subsets: int = 100, subset_size: int = 1000
) -> tuple[float, float]:
    """The kernel distance (KID, Binkowski et al. 2018, arXiv 1801.01401) of N x D and M x D: (mean, deviation).

    The unbiased squared MMD with the kernel (x·y / D + 1)^3 over random subsets, at most half a side each, so that the
    deviation means something; the mean may be slightly below 0. Raises InputError for fewer than four images on a side.
    """
    _check("real", real, least=4)
    _check("generated", fake, least=4, size=real.shape[1])
    size = min(subset_size, min(len(real), len(fake)) // 2)
    with warnings.catch_warnings():
        # torchmetrics warns on construction that it keeps the features in memory: they are there already
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save all", UserWarning)
        metric = KernelInceptionDistance(
            feature=_Given(real.shape[1]), subsets=subsets, subset_size=size, sync_on_compute=False
        )
    metric.update(_tensor(real), real=True)
    metric.update(_tensor(fake), real=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)  # torchmetrics draws the subsets from the global generator
        mean, deviation = metric.compute()
    return float(mean), float(deviation)


def precision_recall(real: Features, fake: Features, k: int = 5) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019, arXiv 1904.06991) of N x D and M x D features.

    Precision is the share of samples inside the real manifold, recall the share of real images inside the samples'; a
    manifold is the union of balls around its points that reach to their ``k``-th neighbour. Both are in [0, 1].
    Raises InputError for ``k`` or fewer images on a side.
    """
    _check("real", real, least=k + 1)
    _check("generated", fake, least=k + 1, size=real.shape[1])
    centre = real.mean(axis=0, dtype=np.float64)
    first, second = _tensor(real, centre), _tensor(fake, centre)
    return _inside(second, first, k), _inside(first, second, k)


def coverage(real: Features, fake: Features, k: int = 5) -> float:
    """Coverage (Naeem et al. 2020, arXiv 2002.09797) of N x D and M x D features, in [0, 1].

    The share of real images with a sample no farther away than their ``k``-th real neighbour. Unlike recall's, its balls
    are those of real images: samples that are blurred or far apart do not widen them. Raises InputError for ``k`` or fewer
    real images, and for no samples.
    """
    _check("real", real, least=k + 1)
    _check("generated", fake, least=1, size=real.shape[1])
    centre = real.mean(axis=0, dtype=np.float64)
    first, second = _tensor(real, centre), _tensor(fake, centre)
    hits = 0
    for start, part in zip(range(0, len(first), CHUNK), _chunks(first), strict=True):
        hits += int((torch.cdist(part, second).amin(dim=1) <= _radii(first, start, k)).sum())
    return hits / len(first)


def _inside(points: Tensor, manifold: Tensor, k: int) -> float:
    """The share of ``points`` within the ``k``-neighbour ball of some point of the ``manifold``."""
    radii = torch.cat([_radii(manifold, start, k) for start in range(0, len(manifold), CHUNK)])
    hits = sum((torch.cdist(part, manifold) <= radii).any(dim=1).sum().item() for part in _chunks(points))
    return hits / len(points)


def _radii(manifold: Tensor, start: int, k: int) -> Tensor:
    """Distance of the points from ``start`` on, one chunk, to their ``k``-th nearest other point."""
    distances = torch.cdist(manifold[start : start + CHUNK], manifold)
    rows = torch.arange(len(distances))
    distances[rows, rows + start] = torch.inf  # a point is no neighbour of its own
    radii: Tensor = distances.kthvalue(k, dim=1).values
    return radii


def nearest(queries: Features, real: Features, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each of N x D ``queries`` the ``count`` nearest of M x D ``real``: indices and distances, each N x count.

    The distance is 1 - cosine, in [0, 2], nearest first. Memory does not grow with N x M. Raises InputError when there
    are fewer than ``count`` real rows.
    """
    _check("real", real, least=count)
    _check("query", queries, least=1, size=real.shape[1])
    first, second = _unit(_tensor(queries)), _unit(_tensor(real))
    found: list[tuple[Tensor, Tensor]] = []
    for part in _chunks(first):
        best = torch.full((len(part), count), -torch.inf, dtype=torch.float64)
        where = torch.zeros((len(part), count), dtype=torch.int64)
        for start in range(0, len(second), CHUNK):
            cosine = part @ second[start : start + CHUNK].T
            numbers = torch.arange(start, start + cosine.shape[1]).expand(len(part), -1)
            best, order = torch.cat([best, cosine], dim=1).topk(count, dim=1)
            where = torch.cat([where, numbers], dim=1).gather(1, order)
        found.append((where, (1 - best).clamp(min=0)))
    indices, distances = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return indices, distances


def _chunks(features: Tensor) -> Iterator[Tensor]:
    for start in range(0, len(features), CHUNK):
        yield features[start : start + CHUNK]


def _unit(features: Tensor) -> Tensor:
    lengths: Tensor = features.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return features / lengths


def _tensor(features: Features, centre: NDArray[np.float64] | None = None) -> Tensor:
    """N x D float64 on the CPU, with ``centre`` taken off; always a copy."""
    values = np.array(features, np.float64)
    return torch.from_numpy(values if centre is None else values - centre)


def _check(side: str, features: Features, *, least: int, size: int | None = None) -> None:
    if features.ndim != 2 or (size is not None and features.shape[1] != size):
        wanted = f"N x {size}" if size is not None else "N x D"
        raise InputError(f"{side} features must be {wanted}, not {' x '.join(map(str, features.shape))}")
    if len(features) < least:
        raise InputError(f"there are {len(features)} {side} images, this distance needs at least {least}")
    if not np.isfinite(features).all():
        raise InputError(f"some of the {len(features)} {side} features are not finite; the extractor is broken")
