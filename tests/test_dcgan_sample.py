"""Seeds -> latents and labels."""

from __future__ import annotations

import pytest
import scipy.stats
import torch

from deepstyle.dcgan.sample import columns_of, labels_of, latents, truncated


def test_truncated_latents_keep_their_rank() -> None:
    """Truncated at 0.5 every number lies within, in the same order, spread as a truncated normal is; far away nothing changes."""
    z = latents(range(200), 100)
    near = truncated(z, 0.5)

    assert near.abs().max() < 0.5
    assert near.flatten()[z.flatten().argsort()].diff().min() >= 0
    assert near.std().item() == pytest.approx(float(scipy.stats.truncnorm(-0.5, 0.5).std()), rel=0.01)
    assert torch.allclose(truncated(z, 8.0), z, atol=1e-4)


def test_labels_nobody_asked_for_are_those_of_the_data() -> None:
    """A seed picks its own label, the same alone and among others, in the proportions of the training data."""
    z, shares = latents(range(3000), 16), torch.tensor([0.7, 0.2, 0.1])
    picked = labels_of(z, shares)

    assert torch.equal(labels_of(z[5:6], shares), picked[5:6])
    assert (picked.bincount(minlength=3) / 3000).tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_grids_are_at_least_as_wide_as_high() -> None:
    """Eight images stand in three columns, square numbers in a square, one alone."""
    assert [columns_of(count) for count in (1, 2, 4, 5, 8, 9, 63, 64)] == [1, 2, 2, 3, 3, 3, 8, 8]
    assert all(columns_of(count) >= -(-count // columns_of(count)) for count in range(1, 200))
