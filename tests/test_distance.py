"""The distances, against independent implementations and against what is known analytically."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from deepstyle.errors import InputError
from deepstyle.metrics.distance import (
    CHUNK,
    FrechetReference,
    coverage,
    frechet_distance,
    kernel_distance,
    nearest,
    precision_recall,
)


def _two_sets(seed: int, count: int = 60, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(size, size))
    return rng.normal(size=(count, size)) @ mix, rng.normal(0.3, 1.2, size=(count + 15, size))


def _naive_frechet(real: np.ndarray, fake: np.ndarray) -> float:
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    return float(((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root.real))


def _naive_mmd(real: np.ndarray, fake: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    n, m = len(real), len(fake)
    own = sum(kernel(real[i], real[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    other = sum(kernel(fake[i], fake[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return own + other - 2 * sum(kernel(x, y) for x in real for y in fake) / (n * m)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_frechet_agrees_with_scipy(seed: int) -> None:
    """The Frechet distance is the one computed with scipy's matrix square root."""
    real, fake = _two_sets(seed)

    assert frechet_distance(real, fake) == pytest.approx(_naive_frechet(real, fake), rel=1e-6, abs=1e-6)


def test_frechet_of_a_shift_is_its_square() -> None:
    """Moving every feature by a vector gives that vector's squared length, also far from the origin in float32."""
    rng = np.random.default_rng(1)
    real = (rng.normal(size=(200, 16)) + 50).astype(np.float32)
    shift = np.linspace(0, 1, 16, dtype=np.float32)

    assert frechet_distance(real, real + shift) == pytest.approx(float((shift**2).sum()), rel=1e-3)


def test_frechet_of_equal_sets_is_zero() -> None:
    """Equal sets have distance 0, even with fewer images than feature dimensions."""
    real = np.random.default_rng(2).normal(size=(20, 64))

    assert frechet_distance(real, real[::-1]) == pytest.approx(0, abs=1e-4)


def test_reference_forgets_former_samples() -> None:
    """A reference compared with one set, then another, gives what a new one gives."""
    real, fake = _two_sets(3)
    reference = FrechetReference(real)
    reference.distance(real + 5)

    assert reference.distance(fake) == frechet_distance(real, fake)


def test_kernel_distance_agrees_with_a_naive_one() -> None:
    """With subsets of half a side the mean over many subsets comes close to the naive estimate on all images."""
    real, fake = _two_sets(4, count=30, size=4)
    mean, deviation = kernel_distance(real, fake, subsets=600)

    assert mean == pytest.approx(_naive_mmd(real, fake), abs=4 * deviation / np.sqrt(600) + 1e-9)
    assert deviation > 0


def test_kernel_distance_is_the_naive_one_on_its_own_subset() -> None:
    """When all rows of a side are alike, every subset gives exactly the closed form."""
    real, fake = np.tile([1.0, 2.0], (10, 1)), np.tile([0.5, -1.0], (8, 1))
    mean, deviation = kernel_distance(real, fake)

    assert mean == pytest.approx(_naive_mmd(real, fake), rel=1e-9)
    assert deviation == pytest.approx(0, abs=1e-9)


def test_kernel_distance_repeats() -> None:
    """The same features give the same number, and torch's global randomness is left as it was."""
    import torch

    real, fake = _two_sets(5)
    before = torch.get_rng_state()
    first = kernel_distance(real, fake)

    assert first == kernel_distance(real, fake)
    assert torch.equal(before, torch.get_rng_state())


def _naive_inside(points: np.ndarray, manifold: np.ndarray, k: int) -> float:
    def far(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.linalg.norm(x - y))

    radii = [sorted(far(x, y) for j, y in enumerate(manifold) if j != i)[k - 1] for i, x in enumerate(manifold)]
    return float(np.mean([any(far(p, x) <= r for x, r in zip(manifold, radii, strict=True)) for p in points]))


def test_precision_recall_agree_with_a_naive_one() -> None:
    """Precision and recall are those of the paper's definition, written out with loops."""
    real, fake = _two_sets(6, count=40, size=3)

    assert precision_recall(real, fake, k=3) == (_naive_inside(fake, real, 3), _naive_inside(real, fake, 3))


def test_precision_and_recall_of_known_cases() -> None:
    """Equal sets score 1 and 1, distant sets 0 and 0, one mode of two keeps the precision and halves the recall."""
    rng = np.random.default_rng(7)
    left, right = rng.normal(size=(50, 4)), rng.normal(100, 1, size=(50, 4))
    both = np.concatenate([left, right])

    assert precision_recall(both, both) == (1.0, 1.0)
    assert precision_recall(left, right) == (0.0, 0.0)
    assert precision_recall(both, left) == (1.0, 0.5)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_coverage_agrees_with_a_naive_one(seed: int) -> None:
    """Coverage is that of the paper's definition, written out with loops, also when it is looked at in chunks."""
    real, fake = _two_sets(seed, count=40, size=3)
    radii = [np.sort(np.linalg.norm(real - one, axis=1))[3] for one in real]  # the first is its own
    naive = np.mean([(np.linalg.norm(fake - one, axis=1) <= far).any() for one, far in zip(real, radii, strict=True)])

    assert coverage(real, fake, k=3) == naive
    wide = np.tile(real, (CHUNK // len(real) + 2, 1)) + np.arange((CHUNK // len(real) + 2) * len(real))[:, None] * 1e3
    assert coverage(wide, wide[: len(wide) // 2], k=1) == pytest.approx(0.5, abs=2 / len(wide))


def test_coverage_of_known_cases() -> None:
    """Equal sets score 1, distant ones 0, one mode of two a half; samples that are few, or all alike, cover what is near them."""
    rng = np.random.default_rng(7)
    left, right = rng.normal(size=(50, 4)), rng.normal(100, 1, size=(50, 4))
    both = np.concatenate([left, right])

    assert (coverage(both, both), coverage(left, right), coverage(both, left)) == (1.0, 0.0, 0.5)
    assert 0 < coverage(both, left[:1] + 0.01) <= 0.2
    assert coverage(both, (left[:1] + 0.01).repeat(100, axis=0)) == coverage(both, left[:1] + 0.01)
    assert (
        coverage(left, 40 * left) < 0.2 < precision_recall(left, 40 * left)[1]
    )  # balls of samples far apart hold everything


def test_nearest_finds_the_smallest_cosine_distances() -> None:
    """Indices and distances are those of the full matrix, also when it is looked at in chunks."""
    rng = np.random.default_rng(8)
    queries, real = rng.normal(size=(CHUNK + 9, 5)), rng.normal(size=(2 * CHUNK + 5, 5))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, real)]
    matrix = 1 - unit[0] @ unit[1].T

    indices, distances = nearest(queries, real, 4)

    assert np.array_equal(indices, np.argsort(matrix, axis=1)[:, :4])
    assert np.allclose(distances, np.sort(matrix, axis=1)[:, :4])


def test_the_least_that_is_refused_is_one_too_few() -> None:
    """Two images a side have a Frechet distance, four a kernel distance, k + 1 precision, recall, coverage: one fewer not."""
    rng = np.random.default_rng(9)
    few = [rng.normal(size=(count, 3)) for count in range(8)]
    calls: list[tuple[int, Callable[[int], object]]] = [
        (2, lambda n: frechet_distance(few[n], few[n])), (4, lambda n: kernel_distance(few[n], few[n], subsets=2)),
        (4, lambda n: precision_recall(few[n], few[n], k=3)), (4, lambda n: coverage(few[n], few[1], k=3)),
        (3, lambda n: nearest(few[5], few[n], 3)),
    ]  # fmt: skip
    for least, call in calls:
        call(least)
        with pytest.raises(InputError, match=f"{least - 1} "):
            call(least - 1)


def test_a_ball_reaches_to_its_neighbour() -> None:
    """A point at exactly the distance of the k-th neighbour is inside: four points of a line, whole numbers apart."""
    line = np.array([[0.0], [1.0], [2.0], [3.0]])

    assert precision_recall(line, np.array([[4.0], [4.0], [4.0], [9.0]]), k=1) == (0.75, 0.0)
    assert precision_recall(line, np.array([[-1.0], [4.0], [5.0], [3.5]]), k=1)[0] == 0.75


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: frechet_distance(np.zeros((1, 3)), np.zeros((5, 3))), "1 real images"),
        (lambda: frechet_distance(np.zeros((5, 3)), np.zeros((5, 4))), "N x 3"),
        (lambda: kernel_distance(np.zeros((5, 3)), np.zeros((3, 3))), "3 generated images"),
        (lambda: precision_recall(np.zeros((9, 3)), np.zeros((5, 3))), "5 generated images"),
        (lambda: coverage(np.zeros((9, 3)), np.zeros((0, 3))), "0 generated images"),
        (lambda: nearest(np.zeros((2, 3)), np.zeros((2, 3)), 3), "2 real images"),
        (lambda: frechet_distance(np.full((5, 3), np.nan), np.zeros((5, 3))), "not finite"),
    ],
)
def test_too_little_is_refused_with_the_counts(call: Callable[[], object], words: str) -> None:
    """Too few images, another feature size and values that are not finite are refused with a message that says so."""
    with pytest.raises(InputError, match=words):
        call()
