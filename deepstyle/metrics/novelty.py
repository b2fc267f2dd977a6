"""How new samples are: how near each is to the real garments, beside how near those are to one another (pure).

Novelty against the nearest real garment belongs beside realism where design is concerned (Sbai et al. 2018, arXiv
1804.00921). What "too near" means is taken from the real garments themselves, as the data-copying test of Meehan et al.
2020 (arXiv 2004.05675) takes it from held-out data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepstyle.dataset import PackedDataset
from deepstyle.images import Pixels
from deepstyle.metrics.distance import nearest
from deepstyle.metrics.score import (
    MANIFOLD,
    NEIGHBOURS,
    Embed,
    Neighbour,
    Provenance,
    Vectors,
    neighbour_sheet,
    neighbours,
    subset,
)

SHOWN = 64  # samples on the sheet, at most: the nearest ones


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """The nearest real garments of N samples. ``usual``: how far a real garment is from its nearest other, the median.

    A sample's ``ratios`` entry is its distance to the nearest real garment, in such medians: 0 is a copy. ``near`` is
    the share of samples below 1; of real garments it is one half, so much more than that is a reason to look for copies
    (or for blur: features of a blurred image lie in the middle of all).
    """

    nearest: list[list[Neighbour]]
    usual: float
    ratios: list[float]

    @property
    def near(self) -> float:
        """The share of samples that are nearer to a real garment than real garments usually are to one another."""
        return float(np.mean([ratio < 1 for ratio in self.ratios]))


def novelty(
    samples: Pixels, real: PackedDataset, *, embed: Embed, provenance: Provenance, names: Sequence[str]
) -> tuple[Novelty, Pixels]:
    """Measure N x S x S x 3 uint8 samples; also a sheet of those nearest to real garments, beside these, nearest first.

    ``names`` stand below the samples, with their ratios. Raises InputError with the counts for fewer than three real garments.
    """
    vectors, _ = embed(samples)
    real_vectors, _ = embed(real.images)
    indices, distances = nearest(vectors, real_vectors, NEIGHBOURS)
    usual = usual_distance(real_vectors)
    ratios = distances[:, 0] / max(usual, 1e-12)
    first = np.argsort(ratios, kind="stable")[:SHOWN]
    captions = [f"{names[i]} ({ratios[i]:.2f})" for i in first]
    sheet = neighbour_sheet(samples[first], real.images, indices[first], distances[first], captions)
    found = neighbours(real.sources, indices, distances, provenance)
    return Novelty(nearest=found, usual=usual, ratios=ratios.tolist()), sheet


def usual_distance(real: Vectors) -> float:
    """The median distance (1 - cosine) of N x D features to the nearest other of them, N >= 2; over 10,000, at most."""
    _, distances = nearest(
        subset(real, MANIFOLD), real, 2
    )  # the first is the garment itself, or one that looks exactly like it
    return float(np.median(distances[:, 1]))
