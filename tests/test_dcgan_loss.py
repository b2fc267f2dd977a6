"""The adversarial losses and the gradient penalty, against torch's own functions and analytic gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from deepstyle.dcgan.loss import discriminator_loss, generator_loss, relative, slope


def test_losses_are_binary_cross_entropy() -> None:
    """Both losses equal torch's binary cross entropy with the paper's targets."""
    real, fake = torch.randn(16), torch.randn(16)
    expected = F.binary_cross_entropy_with_logits(real, torch.ones(16)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros(16)
    )

    assert torch.allclose(discriminator_loss(real, fake), expected)
    assert torch.allclose(generator_loss(fake), F.binary_cross_entropy_with_logits(fake, torch.ones(16)))
    assert discriminator_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(2 * math.log(2))


def test_the_hinge_loss() -> None:
    """D's hinge loss counts only logits inside the margins; G's is the negative mean logit."""
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-2.0, 0.0, 1.0])

    assert discriminator_loss(real, fake, "hinge").item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3)
    assert generator_loss(fake, real, "hinge").item() == pytest.approx(1 / 3)


def test_the_relativistic_loss_compares_pairs() -> None:
    """It is the binary cross entropy of D(x) - D(G(z)), G's with the roles changed; a constant added to D changes neither."""
    real, fake = torch.randn(16), torch.randn(16)
    expected = F.binary_cross_entropy_with_logits(real - fake, torch.ones(16))
    other = F.binary_cross_entropy_with_logits(fake - real, torch.ones(16))

    assert torch.allclose(discriminator_loss(real, fake, "relativistic"), expected)
    assert torch.allclose(generator_loss(fake, real, "relativistic"), other)
    assert torch.allclose(discriminator_loss(real + 7, fake + 7, "relativistic"), expected, atol=1e-6)


def test_the_penalty_is_the_squared_gradient() -> None:
    """For D(x) = w . x + b the squared gradient is |w|^2 at every image, and its derivative by w is 2 w."""
    weight = torch.randn(3 * 4 * 4, requires_grad=True)
    images = torch.randn(5, 3, 4, 4, requires_grad=True)
    squares = slope(images, images.flatten(1) @ weight + 3).square().sum((1, 2, 3))
    squares.mean().backward()  # type: ignore[no-untyped-call]

    assert torch.allclose(squares, weight.square().sum().expand(5))
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * weight)


def test_relative_logits() -> None:
    """A relativistic D is judged by differences, any other by its logits."""
    real, fake = torch.tensor([3.0]), torch.tensor([1.0])

    assert [float(part) for part in relative(real, fake, "relativistic")] == [2.0, -2.0]
    assert [float(part) for part in relative(real, fake, "hinge")] == [3.0, 1.0]
