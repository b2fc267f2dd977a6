"""The second judge: textures compared without a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from deepstyle.errors import InputError
from deepstyle.images import Pixels
from deepstyle.metrics.patches import patch_distance, sliced_wasserstein


def _pictures(count: int, seed: int) -> Pixels:
    """Coloured grounds with a brighter rectangle and fine stripes."""
    random = np.random.default_rng(seed)
    pictures = np.empty((count, 32, 32, 3), np.uint8)
    pictures[:] = random.integers(40, 120, (count, 1, 1, 3))
    for one in pictures:
        x, y = random.integers(2, 14, 2)
        one[y : y + 14, x : x + 14] += np.uint8(60)
        one[y : y + 14 : 2, x : x + 14] += np.uint8(40)
    return pictures


def test_it_is_the_mean_of_distances_along_lines() -> None:
    """The sliced distance agrees with scipy's distance of the projections, averaged over the directions."""
    random = np.random.default_rng(0)
    first, second = random.standard_normal((60, 5)), random.standard_normal((60, 5)) * 2 + 1
    directions = random.standard_normal((5, 40))
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.mean([wasserstein_distance(first @ one, second @ one) for one in directions.T])
    found = sliced_wasserstein(*(torch.from_numpy(one) for one in (first, second, directions)))

    assert found == pytest.approx(expected)


def test_a_set_is_nearest_to_itself_then_to_its_like() -> None:
    """A second draw of the same pictures is nearer than blurred, greyed or noisy ones, and damage grows with its degree."""
    real, fresh = _pictures(60, 0), _pictures(60, 1)
    rows = fresh.astype(np.float32)
    blurred = ((rows + np.roll(rows, 1, axis=1) + np.roll(rows, 1, axis=2)) / 3).astype(np.uint8)
    grey = rows.mean(axis=3, keepdims=True).repeat(3, axis=3).astype(np.uint8)
    noise = np.random.default_rng(2).normal(0, 1, rows.shape)
    noisy = [(rows + strength * noise).clip(0, 255).astype(np.uint8) for strength in (8, 32)]
    like = patch_distance(real, fresh)

    assert patch_distance(real, real[::-1].copy()) < patch_distance(real, blurred)
    assert all(like < patch_distance(real, one) for one in (blurred, grey, *noisy))
    assert patch_distance(real, noisy[0]) < patch_distance(real, noisy[1])
    assert like == patch_distance(real, fresh)


def test_other_shapes_are_told() -> None:
    """Images of another size, or too small for patches, are an error that says so."""
    with pytest.raises(InputError, match="2 x 16 x 16 x 3"):
        patch_distance(_pictures(2, 0), _pictures(2, 0)[:, ::2, ::2])
    with pytest.raises(InputError, match="at least 16"):
        patch_distance(_pictures(2, 0)[:, ::4, ::4], _pictures(2, 0)[:, ::4, ::4])
