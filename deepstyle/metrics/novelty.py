"""How new samples are: how near each is to the real garments, beside how near those are to one another (pure).

Novelty against the nearest real garment belongs beside realism where design is concerned (Sbai et al. 2018, arXiv
1804.00921). What "too near" means is taken from the real garments themselves, as the data-copying test of Meehan et al.
2020 (arXiv 2004.05675) takes it from held-out data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepstyle.images import Pixels
from deepstyle.metrics.copies import Match, find_copies, find_repeats
from deepstyle.metrics.distance import nearest
from deepstyle.metrics.score import (
    MANIFOLD,
    NEIGHBOURS,
    Embed,
    Neighbour,
    Provenance,
    Real,
    Vectors,
    neighbours,
    subset,
)
from deepstyle.metrics.sheet import neighbour_sheet

SHOWN = 64  # samples on the sheet, at most: the nearest ones


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """The nearest real garments of N samples. ``usual``: how far a real garment is from its nearest other, the median.

    A sample's ``ratios`` entry is its distance to the nearest real garment, in such medians: 0 is a copy. ``near`` is
    the share of samples below 1; of real garments it is one half, so much more than that is a reason to look for copies
    (or for blur: features of a blurred image lie in the middle of all). ``copies`` holds the best match of each sample
    among the real garments, ``repeats`` that among the samples before it; the source of a copy stands first in ``nearest``.
    """

    nearest: list[list[Neighbour]]
    usual: float
    ratios: list[float]
    copies: list[Match] = field(default_factory=list)
    repeats: list[Match] = field(default_factory=list)

    @property
    def near(self) -> float:
        """The share of samples that are nearer to a real garment than real garments usually are to one another."""
        return float(np.mean([ratio < 1 for ratio in self.ratios]))


def novelty(
    samples: Pixels, real: Real, *, embed: Embed, provenance: Provenance, names: Sequence[str]
) -> tuple[Novelty, Pixels]:
    """Measure N x S x S x 3 uint8 samples; also a sheet of those nearest to real garments beside these, copies first.

    ``names`` stand below the samples, with their ratios. Raises InputError with the counts for fewer than three real garments.
    """
    vectors, _ = embed(samples)
    real_vectors, _ = embed(real.images)
    copies = find_copies(samples, real.images, vectors, real_vectors)
    indices, distances = nearest(vectors, real_vectors, NEIGHBOURS)
    usual = usual_distance(real_vectors)
    ratios = distances[:, 0] / max(usual, 1e-12)
    _sources_first(copies, indices, distances, vectors, real_vectors)
    copied = np.array([one.copied for one in copies])
    first = np.lexsort((ratios, ~copied))[:SHOWN]
    captions = [f"{names[i]} ({'copy' if copied[i] else f'{ratios[i]:.2f}'})" for i in first]
    sheet = neighbour_sheet(samples[first], real.images, indices[first], distances[first], captions)
    found = neighbours(real.sources, indices, distances, provenance)
    repeats = find_repeats(samples, vectors)
    return Novelty(nearest=found, usual=usual, ratios=ratios.tolist(), copies=copies, repeats=repeats), sheet


def _sources_first(
    copies: Sequence[Match], indices: NDArray[np.int64], distances: NDArray[np.float64], vectors: Vectors,
    real_vectors: Vectors,
) -> None:  # fmt: skip
    """Put what a sample is a copy of before its nearest garments by features, with its distance."""
    for k, one in enumerate(copies):
        if one.copied and one.index != indices[k, 0]:
            place = next((n for n, index in enumerate(indices[k]) if index == one.index), indices.shape[1] - 1)
            far = nearest(vectors[k : k + 1], real_vectors[one.index : one.index + 1], 1)[1][0, 0]
            indices[k, 1 : place + 1], distances[k, 1 : place + 1] = indices[k, :place], distances[k, :place]
            indices[k, 0], distances[k, 0] = one.index, far


def usual_distance(real: Vectors) -> float:
    """The median distance (1 - cosine) of N x D features to the nearest other of them, N >= 2; over 10,000, at most."""
    _, distances = nearest(
        subset(real, MANIFOLD), real, 2
    )  # the first is the garment itself, or one that looks exactly like it
    return float(np.median(distances[:, 1]))
