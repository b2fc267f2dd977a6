"""Scoring a generator's samples against real garments: distances, labels, and where the nearest garments are from.

Pure but for what is handed in: ``embed`` looks at pixels (a classifier's method, say), ``provenance`` asks the catalog.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError
from deepstyle.images import Pixels, resize
from deepstyle.metrics.distance import FrechetReference, kernel_distance, nearest, precision_recall
from deepstyle.metrics.patches import SEED, patch_distance
from deepstyle.metrics.weave import weave
from deepstyle.records import Garment

Vectors = NDArray[np.float32]
Rows = TypeVar("Rows", NDArray[np.float32], NDArray[np.uint8])
Embed = Callable[[Pixels], tuple[Vectors, Vectors]]  # N x S x S x 3 uint8 -> N x D features, N x L probabilities
Provenance = Callable[[str], Garment]  # a garment's source in the dataset -> what the catalog knows of it

PATCHES = "sliced Wasserstein distance of patches"
NEIGHBOURS = 3  # real garments named for each traced sample
MANIFOLD = 10_000  # real images that precision and recall look at, at most: their cost grows with the square
TILE, LINE, GAP = 128, 16, 4  # pixels: side of an image on the sheet, height of a caption, space between


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A real garment near a sample: its source in the dataset, where it came from, 1 - cosine of the features.

    ``licence`` and ``credit`` as the photo's owner gave them, or empty.
    """

    source: str
    page_url: str
    image_url: str
    distance: float
    licence: str = ""
    credit: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Figures of ``samples`` generated against ``real`` real images, on the features of the extractor ``features``.

    ``frechet``, ``kid``: lower is better; ``precision``, ``recall`` in [0, 1]: higher is better, on ``manifold`` real
    images. ``histogram`` and ``real_histogram`` are the shares of images called each label (they sum to 1),
    ``confidence`` and ``real_confidence`` the mean probabilities of the called label. ``weave`` and ``real_weave`` are
    the strengths of patterns by their period in pixels (1: none). ``nearest`` holds one list for each of the first
    samples. ``patches`` is a second judge's distance, which uses no network (``metrics/patches.py``; lower is better):
    "better" needs both. ``judges`` names both, with all that their figures depend on.
    """

    samples: int
    real: int
    features: str
    frechet: float
    kid: float
    kid_std: float
    precision: float
    recall: float
    manifold: int
    confidence: float
    real_confidence: float
    histogram: dict[str, float]
    real_histogram: dict[str, float]
    weave: dict[int, float]
    real_weave: dict[int, float]
    nearest: list[list[Neighbour]]
    patches: float
    judges: dict[str, Any] = field(default_factory=dict)


def score_samples(
    samples: Pixels, real: PackedDataset, *, embed: Embed, labels: Sequence[str], features_name: str,
    provenance: Provenance, nearest_of: int = 8, judge: Mapping[str, Any] | None = None,
) -> tuple[Score, Pixels]:  # fmt: skip
    """Score N x S x S x 3 uint8 samples against a packed dataset of real garments.

    ``labels`` names the columns of the probabilities, ``nearest_of`` is the number of samples whose nearest real
    garments are named and shown, ``judge`` describes the extractor (weights, preprocessing). Returns the score and a
    sheet (H x W x 3 uint8): each of these samples beside its three nearest real garments, with their distances.
    Raises InputError with the counts when there are too few images on a side.
    """
    check_samples(samples)
    vectors, probabilities = embed(samples)
    real_vectors, real_probabilities = embed(real.images)
    traced = min(nearest_of, len(samples))
    indices, distances = nearest(vectors[:traced], real_vectors, min(NEIGHBOURS, len(real)))
    manifold = subset(real_vectors, MANIFOLD)
    precision, recall = precision_recall(manifold, vectors)
    kid, kid_std = kernel_distance(real_vectors, vectors)
    score = Score(
        samples=len(samples), real=len(real), features=features_name,
        frechet=FrechetReference(real_vectors).distance(vectors), kid=kid, kid_std=kid_std,
        precision=precision, recall=recall, manifold=len(manifold),
        confidence=float(probabilities.max(axis=1).mean()),
        real_confidence=float(real_probabilities.max(axis=1).mean()),
        histogram=histogram(probabilities, labels), real_histogram=histogram(real_probabilities, labels),
        weave=weave(samples), real_weave=weave(real.images),
        nearest=neighbours(real.sources, indices, distances, provenance),
        patches=patch_distance(real.images, samples),
        judges={"features": {"name": features_name, **(judge or {})}, "patches": {"name": PATCHES, "seed": SEED}},
    )  # fmt: skip
    return score, neighbour_sheet(samples[:traced], real.images, indices, distances)


def to_json(score: Score) -> str:
    """The score as JSON text, indented, in the order of its fields."""
    return json.dumps(asdict(score), indent=2, ensure_ascii=False, allow_nan=False)


def neighbour_sheet(
    samples: Pixels, real: Pixels, indices: NDArray[np.int64], distances: NDArray[np.float64],
    names: Sequence[str] = (),
) -> Pixels:  # fmt: skip
    """Lay each sample beside its nearest real images, two samples a row, as H x W x 3 uint8 with captions.

    ``names``: what each sample is called; by number otherwise.
    """
    wide = (1 + indices.shape[1]) * (TILE + GAP) + 3 * GAP  # one sample and its neighbours
    rows = -(-len(samples) // 2)
    size = (wide * min(2, len(samples)), rows * (TILE + LINE + GAP))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for n, sample in enumerate(samples):
        x, y = (n % 2) * wide + GAP, (n // 2) * (TILE + LINE + GAP) + GAP
        cells = [(sample, names[n] if names else f"sample {n + 1}")]
        cells += [(real[i], f"real, {far:.3f}") for i, far in zip(indices[n], distances[n], strict=True)]
        for k, (pixels, caption) in enumerate(cells):
            left = x + k * (TILE + GAP) + (2 * GAP if k else 0)
            sheet.paste(Image.fromarray(resize(np.asarray(pixels), TILE)), (left, y))
            draw.text((left, y + TILE + 1), caption, fill=(190, 0, 0) if not k else (60, 60, 60), font=font)
    return np.asarray(sheet)


def check_samples(samples: Pixels) -> None:
    """Raise InputError unless the samples are N x S x S x 3 uint8."""
    if samples.dtype != np.uint8 or samples.ndim != 4 or samples.shape[3] != 3:
        shape = " x ".join(map(str, samples.shape))
        raise InputError(f"samples must be N x S x S x 3 uint8, not {shape} {samples.dtype}")


def subset(vectors: Rows, most: int) -> Rows:
    """All rows of N x D (or of images), or ``most`` of them drawn with a fixed seed."""
    if len(vectors) <= most:
        return vectors
    return vectors[np.sort(np.random.default_rng(0).permutation(len(vectors))[:most])]


def histogram(probabilities: Vectors, labels: Sequence[str]) -> dict[str, float]:
    """The share of images called each label, from N x L probabilities; InputError when these are not the labels."""
    if probabilities.shape[1] != len(labels):
        raise InputError(f"embed gives {probabilities.shape[1]} probabilities an image, there are {len(labels)} labels")
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(labels))
    return {label: float(count / len(probabilities)) for label, count in zip(labels, counts, strict=True)}


def neighbours(
    sources: Sequence[str], indices: NDArray[np.int64], distances: NDArray[np.float64], provenance: Provenance
) -> list[list[Neighbour]]:
    """N x K ``indices`` into the real garments' ``sources`` and their distances -> N lists of K Neighbours."""
    return [
        [_neighbour(sources[i], float(d), provenance) for i, d in zip(row, far, strict=True)]
        for row, far in zip(indices, distances, strict=True)
    ]


def _neighbour(source: str, distance: float, provenance: Provenance) -> Neighbour:
    of = provenance(source)
    return Neighbour(
        source=source,
        page_url=of.page_url,
        image_url=of.image_url,
        distance=distance,
        licence=of.licence,
        credit=of.credit,
    )
