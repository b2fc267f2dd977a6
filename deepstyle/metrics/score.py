"""Scoring a generator's samples against real garments: distances, labels, and where the nearest garments are from.

Pure but for what is handed in: ``embed`` looks at pixels (a classifier's method, say), ``provenance`` asks the catalog.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations.worn import possible
from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError
from deepstyle.ground import ground_figures
from deepstyle.images import Pixels
from deepstyle.metrics.copies import find_copies, find_repeats
from deepstyle.metrics.distance import FrechetReference, coverage, kernel_distance, nearest, precision_recall
from deepstyle.metrics.patches import SEED, patch_distance
from deepstyle.metrics.sheet import neighbour_sheet
from deepstyle.metrics.verdict import verdict
from deepstyle.metrics.weave import weave
from deepstyle.traces import place_of

Vectors = NDArray[np.float32]
Rows = TypeVar("Rows", NDArray[np.float32], NDArray[np.uint8])
Embed = Callable[[Pixels], tuple[Vectors, Vectors]]  # N x S x S x 3 uint8 -> N x D features, N x L probabilities


class Real(Protocol):
    """Real images: a packed dataset, say. N x S x S x 3 uint8, and the name that each goes by."""

    @property
    def images(self) -> Pixels:
        """The pixels."""

    @property
    def sources(self) -> Sequence[str]:
        """The names."""


class Origin(Protocol):
    """Where a real image is from, as a ``Garment`` tells it; empty where nobody knows."""

    @property
    def page_url(self) -> str:
        """The page that shows it."""

    @property
    def image_url(self) -> str:
        """The picture, or its file."""

    @property
    def licence(self) -> str:
        """What its owner allows."""

    @property
    def credit(self) -> str:
        """Whom to name."""


Provenance = Callable[[str], Origin]  # the name of a real image -> where it is from

PATCHES = "sliced Wasserstein distance of patches"
EQUAL, EQUAL_LEAST = 1_000, 16  # images of a side in figures at equal counts: at most, at least
CHECKED = 64  # samples that are held against real ones and one another, at most: 50 ms each
NEIGHBOURS = 3  # real garments named for each traced sample
MANIFOLD = 10_000  # real images that precision, recall and coverage look at, at most: their cost grows with the square


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
class Copy:
    """A sample (by number, from 1) that looks like a copy of a real image: which, where it is from, their correlation."""

    sample: int
    source: str
    page_url: str
    image_url: str
    likeness: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """Figures of ``samples`` generated against ``real`` real images, on the features of the extractor ``features``.

    ``frechet``, ``kid``: lower is better; ``precision``, ``recall``, ``coverage`` in [0, 1]: higher is better, on
    ``manifold`` real images. ``histogram`` and ``real_histogram`` are the shares of images called each label (they sum to 1),
    ``confidence`` and ``real_confidence`` the mean probabilities of the called label. ``weave`` and ``real_weave`` are
    the strengths of patterns by their period in pixels (1: none). ``ground`` and ``real_ground`` tell what share lies on a
    plain ground, and how much of their square these garments fill (``ground_figures``). ``nearest`` holds one list for each
    of the first samples. ``patches`` is a second judge's distance, which uses no network (``metrics/patches.py``; lower is
    better): "better" needs both. ``judges`` names both, with all that their figures depend on. Of the first ``checked``
    samples ``copies`` look like real images, ``repeats`` like an earlier sample (their numbers). ``equal`` holds the figures
    of equally many samples and other real images against the same real ones: distances of few images are biased. ``said``
    is what all this comes to, in words; ``names``: the files of the checked samples, where they are files.
    """

    samples: int
    real: int
    features: str
    frechet: float
    kid: float
    kid_std: float
    precision: float
    recall: float
    coverage: float
    manifold: int
    confidence: float
    real_confidence: float
    histogram: dict[str, float]
    real_histogram: dict[str, float]
    weave: dict[int, float]
    real_weave: dict[int, float]
    ground: dict[str, float]
    real_ground: dict[str, float]
    nearest: list[list[Neighbour]]
    patches: float
    checked: int
    copies: list[Copy]
    repeats: list[int]
    equal: dict[str, dict[str, float]]
    said: list[str]
    judges: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def _called(number: int, names: Sequence[str]) -> str:
    return f"sample {number} ({names[number - 1]})" if names else f"sample {number}"


def score_samples(
    samples: Pixels, real: Real, *, embed: Embed, labels: Sequence[str], features_name: str,
    provenance: Provenance, nearest_of: int = 8, judge: Mapping[str, Any] | None = None, names: Sequence[str] = (),
) -> tuple[Score, Pixels]:  # fmt: skip
    """Score N x S x S x 3 uint8 samples against real garments.

    ``labels`` names the columns of the probabilities, ``nearest_of`` is the number of samples whose nearest real
    garments are named and shown, ``judge`` describes the extractor (weights, preprocessing), ``names`` are the samples'
    files. Returns the score and a sheet (H x W x 3 uint8): each of these samples beside its three nearest real garments,
    with their distances.
    Raises InputError with the counts when there are too few images on a side.
    """
    check_samples(samples)
    vectors, probabilities = embed(samples)
    real_vectors, real_probabilities = embed(real.images)
    traced, checked = min(nearest_of, len(samples)), min(CHECKED, len(samples))
    indices, distances = nearest(vectors[:traced], real_vectors, min(NEIGHBOURS, len(real_vectors)))
    manifold = subset(real_vectors, MANIFOLD)
    precision, recall = precision_recall(manifold, vectors)
    kid, kid_std = kernel_distance(real_vectors, vectors)
    matches = find_copies(samples[:checked], real.images, vectors[:checked], real_vectors)
    copies = [
        _copy(k, real.sources[one.index], one.likeness, provenance) for k, one in enumerate(matches) if one.copied
    ]
    repeated = find_repeats(samples[:checked], vectors[:checked])
    repeats, equal = [k for k, one in enumerate(repeated, 1) if one.copied], at_equal_count(vectors, real_vectors)
    worn = real.label_names if isinstance(real, PackedDataset) else ()
    score = Score(
        samples=len(samples), real=len(real_vectors), features=features_name,
        frechet=FrechetReference(real_vectors).distance(vectors), kid=kid, kid_std=kid_std,
        precision=precision, recall=recall, coverage=coverage(manifold, vectors), manifold=len(manifold),
        confidence=float(probabilities.max(axis=1).mean()),
        real_confidence=float(real_probabilities.max(axis=1).mean()),
        histogram=histogram(probabilities, labels, worn), real_histogram=histogram(real_probabilities, labels, worn),
        weave=weave(samples), real_weave=weave(real.images),
        ground=ground_figures(samples), real_ground=ground_figures(real.images),
        nearest=neighbours(real.sources, indices, distances, provenance),
        patches=patch_distance(real.images, samples),
        checked=checked, copies=copies, repeats=repeats, equal=equal,
        said=verdict(checked, [(_called(one.sample, names), place_of(one.page_url, one.image_url)) for one in copies],
                     repeats, equal), names=list(names[:checked]),
        judges={"features": {"name": features_name, **(judge or {})}, "patches": {"name": PATCHES, "seed": SEED}},
    )  # fmt: skip
    return score, neighbour_sheet(samples[:traced], real.images, indices, distances)


def at_equal_count(vectors: Vectors, real: Vectors) -> dict[str, dict[str, float]]:
    """Figures of equally many samples, and of real images that are others, against the same real ones.

    Halves of the real images drawn with a fixed seed; empty with fewer than ``EQUAL_LEAST`` on a side.
    """
    count = min(len(vectors), len(real) // 2, EQUAL)
    if count < EQUAL_LEAST:
        return {}
    order = np.random.default_rng(1).permutation(len(real))
    reference, others = real[order[:count]], real[order[count : 2 * count]]
    known, told = FrechetReference(reference), {}
    for name, one in (("samples", subset(vectors, count)), ("real", others)):
        precision, recall = precision_recall(reference, one)
        kid, _ = kernel_distance(reference, one, subsets=10)
        told[name] = {
            "count": count, "frechet": known.distance(one), "kid": kid, "precision": precision, "recall": recall,
            "coverage": coverage(reference, one),
        }  # fmt: skip
    return told


def _copy(number: int, source: str, likeness: float, provenance: Provenance) -> Copy:
    of = provenance(source)
    return Copy(
        sample=number + 1, source=source, page_url=of.page_url, image_url=of.image_url, likeness=round(likeness, 3)
    )


def to_json(score: Score) -> str:
    """The score as JSON text, indented, in the order of its fields."""
    return json.dumps(asdict(score), indent=2, ensure_ascii=False, allow_nan=False)


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


def histogram(probabilities: Vectors, labels: Sequence[str], worn: Collection[str] = ()) -> dict[str, float]:
    """The share of images called each label, from N x L probabilities; InputError when these are not the labels.

    ``worn``: what a detector calls the garments; none of them, nor a sample like them, is called what it cannot be (a shoe).
    """
    if probabilities.shape[1] != len(labels):
        raise InputError(f"embed gives {probabilities.shape[1]} probabilities an image, there are {len(labels)} labels")
    fits = np.any([possible(labels, one) for one in worn], axis=0) if worn else np.ones(len(labels), np.bool_)
    counts = np.bincount(np.where(fits, probabilities, -1.0).argmax(axis=1), minlength=len(labels))
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
