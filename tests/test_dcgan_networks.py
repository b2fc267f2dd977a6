"""The DCGAN's networks, losses and augmentation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deepstyle.dcgan import augment
from deepstyle.dcgan.loss import discriminator_loss, generator_loss
from deepstyle.dcgan.networks import Discriminator, Generator, calibrate, feature_maps
from deepstyle.engine import seeded


@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes(size: int) -> None:
    """A z of N x 100 becomes N x 3 x size x size in [-1, 1], which becomes N logits."""
    image = Generator(size, 100, 8)(torch.randn(4, 100))

    assert image.shape == (4, 3, size, size)
    assert image.abs().max() <= 1
    assert Discriminator(size, 8)(image).shape == (4,)


def test_the_papers_feature_maps() -> None:
    """At 64 px and width 128 the maps are those of the paper's figure 1: 1024, 512, 256, 128."""
    assert feature_maps(64, 128) == [1024, 512, 256, 128]
    weights = [tuple(m.weight.shape) for m in Generator(64, 100, 128).modules() if isinstance(m, nn.ConvTranspose2d)]

    assert weights == [(100, 1024, 4, 4), (1024, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 3, 4, 4)]


def test_the_papers_rules() -> None:
    """No batch norm at G's output and D's input, ReLU and Tanh in G, LeakyReLU 0.2 in D, weights N(0, 0.02)."""
    torch.manual_seed(0)
    g, d = list(Generator(64, 100, 32).layers), list(Discriminator(64, 32).layers)

    assert isinstance(g[-1], nn.Tanh)
    assert isinstance(g[-2], nn.ConvTranspose2d)
    assert isinstance(d[1], nn.LeakyReLU)
    assert all(layer.negative_slope == 0.2 for layer in d if isinstance(layer, nn.LeakyReLU))
    weights = torch.cat([layer.weight.flatten() for layer in g if isinstance(layer, nn.ConvTranspose2d)])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    assert weights.mean().item() == pytest.approx(0.0, abs=1e-3)


def test_losses_are_binary_cross_entropy() -> None:
    """Both losses equal torch's binary cross entropy with the paper's targets."""
    real, fake = torch.randn(16), torch.randn(16)
    expected = F.binary_cross_entropy_with_logits(real, torch.ones(16)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros(16)
    )

    assert torch.allclose(discriminator_loss(real, fake), expected)
    assert torch.allclose(generator_loss(fake), F.binary_cross_entropy_with_logits(fake, torch.ones(16)))
    assert discriminator_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(2 * math.log(2))


def test_calibration_gives_the_statistics_of_the_weights() -> None:
    """After calibration the first batch norm holds the mean and variance of its inputs over all of z."""
    torch.manual_seed(0)
    generator = Generator(32, 10, 4)
    z = torch.randn(64, 10)
    calibrate(generator, z, 16)
    convolution, norm = generator.layers[0], generator.layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        inputs = convolution(z[:, :, None, None])

    assert not generator.training
    assert norm.running_mean is not None
    assert torch.allclose(norm.running_mean, inputs.mean((0, 2, 3)), atol=1e-6)
    assert norm.momentum == 0.1


def test_flip_mirrors_about_half() -> None:
    """Each image is either itself or its mirror, about half of them mirrored."""
    images = torch.randn(200, 3, 8, 8)
    flipped = augment.flip(images, seeded(0))
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)

    assert (same | mirrored).all()
    assert 60 < int(mirrored.sum()) < 140


def test_translation_moves_by_whole_pixels() -> None:
    """Every translated image is a shift of the original by at most an eighth, with zeros coming in."""
    images = torch.arange(1.0, 1 + 5 * 3 * 16 * 16).reshape(5, 3, 16, 16)
    moved = augment.translation(images, seeded(3))
    for before, after in zip(images, moved, strict=True):
        shifts = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                padded = F.pad(before, (2, 2, 2, 2))
                shifts.append(torch.equal(padded[:, 2 + dy : 18 + dy, 2 + dx : 18 + dx], after))

        assert sum(shifts) == 1


def test_cutout_blanks_a_quarter_at_most() -> None:
    """Cutout zeroes one rectangle, at most half the side each way (plus its odd pixel), and nothing else."""
    cut = augment.cutout(torch.ones(50, 3, 32, 32), seeded(1))
    for image in cut[:, 0]:
        rows, columns = (image == 0).any(1).sum(), (image == 0).any(0).sum()

        assert (image == 0).sum() == rows * columns
        assert max(rows, columns) <= 17
    assert (cut == 0).any()


@pytest.mark.parametrize("policy", ["color", "translation", "cutout"])
def test_gradients_pass_through(policy: str) -> None:
    """DiffAugment is differentiable: the generator gets a gradient through every policy."""
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    augment.augment(images, [policy], seeded(0)).square().sum().backward()  # type: ignore[no-untyped-call]

    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_no_policy_changes_nothing() -> None:
    """Without policies the very same images come back."""
    images = torch.randn(2, 3, 8, 8)

    assert augment.augment(images, (), seeded(0)) is images


def test_auto_augments_when_images_are_few() -> None:
    """Auto means translation below 10,000 images and none above; a list means itself; an empty one none."""
    assert augment.policies_for("auto", 700) == ("translation",)
    assert augment.policies_for("auto", 10_000) == ()
    assert augment.policies_for(["color"], 700) == ("color",)
    assert augment.policies_for((), 700) == ()
