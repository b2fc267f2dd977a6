"""The DCGAN's networks against the paper, and their younger options."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from deepstyle.dcgan.networks import Discriminator, Generator, calibrate, feature_maps


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_shapes(size: int) -> None:
    """A z of N x 100 becomes N x 3 x size x size in [-1, 1], which becomes N logits."""
    image = Generator(size, 100, 4)(torch.randn(4, 100))

    assert image.shape == (4, 3, size, size)
    assert image.abs().max() <= 1
    assert Discriminator(size, 4)(image).shape == (4,)


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


def test_the_papers_volumes() -> None:
    """The generator's volumes are those of figure 1: 4 x 4 x 1024, 8 x 8 x 512, 16 x 16 x 256, 32 x 32 x 128, 64 x 64 x 3."""
    x, seen = torch.randn(2, 100, 1, 1), []
    for layer in Generator(64, 100, 128).layers:
        x = layer(x)
        if isinstance(layer, nn.ConvTranspose2d):
            seen.append(tuple(x.shape[1:]))

    assert seen == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]


@pytest.mark.parametrize("width", [64, 128])
def test_the_papers_parameter_counts(width: int) -> None:
    """Both networks have the parameters that the paper's layers add up to; at width 64 those of PyTorch's example, and biases."""
    maps = [8 * width, 4 * width, 2 * width, width]
    between = sum(16 * before * after for before, after in pairwise(maps))
    g = 16 * 100 * maps[0] + between + 2 * sum(maps) + 16 * width * 3 + 3
    d = 16 * 3 * width + width + between + 2 * sum(maps[:-1]) + 16 * maps[0] + 1

    assert sum(p.numel() for p in Generator(64, 100, width).parameters()) == g
    assert sum(p.numel() for p in Discriminator(64, width).parameters()) == d
    if width == 64:
        assert (g, d) == (3_576_704 + 3, 2_765_568 + 64 + 1)


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_other_norms_take_the_place_of_batch_norm(norm: str) -> None:
    """Without batch norm an image's logit does not depend on the images beside it."""
    torch.manual_seed(0)
    d = Discriminator(32, 8, norm).eval()
    images = torch.randn(4, 3, 32, 32)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in d.modules())
    assert torch.allclose(d(images)[:1], d(images[:1]), atol=1e-5)


def test_spectral_norm_bounds_every_matrix() -> None:
    """After some power iterations each weight's largest singular value, by an independent SVD, is one."""
    torch.manual_seed(0)
    d = Discriminator(32, 8, "spectral")
    for _ in range(100):
        d(torch.randn(2, 3, 32, 32))
    values = [
        torch.linalg.svdvals(module.weight.flatten(1))[0].item()
        for module in d.modules()
        if isinstance(module, nn.Conv2d)
    ]

    assert values == pytest.approx([1.0] * len(values), abs=0.02)


def test_a_label_says_less_than_z_at_the_start() -> None:
    """A new generator's images differ at least three times as much between two z as between two labels."""
    torch.manual_seed(0)
    g, count = Generator(32, 100, 8, torch.full((4,), 0.25)), 32
    z = torch.randn(count, 100).repeat(4, 1)
    made = g(z, torch.arange(4).repeat_interleave(count)).detach().unflatten(0, (4, count))

    assert made.std(1).mean() > 3 * made.std(0).mean()


def test_labels_reach_both_networks() -> None:
    """Another label gives another image and another logit; without labels the networks have no weights for them."""
    torch.manual_seed(0)
    g, d = Generator(32, 8, 4, torch.tensor([0.5, 0.25, 0.25])).eval(), Discriminator(32, 4, "none", 3)
    z, image, labels = torch.randn(1, 8).repeat(3, 1), torch.randn(1, 3, 32, 32).repeat(3, 1, 1, 1), torch.arange(3)

    assert len({float(made.detach().sum()) for made in g(z, labels)}) == 3
    assert len({float(logit.detach()) for logit in d(image, labels)}) == 3
    assert not any(
        "vectors" in name for name in [*Generator(32, 8, 4).state_dict(), *Discriminator(32, 4).state_dict()]
    )


def test_the_projection_is_a_product_with_the_features() -> None:
    """The logit's part for the label is <vector(label), mean features> (Miyato and Koyama 2018)."""
    d = Discriminator(32, 4, "none", 3)
    image, labels = torch.randn(2, 3, 32, 32), torch.tensor([2, 0])
    features: Tensor = d.layers[:-1](image)
    vectors = d.projection.vectors
    assert vectors is not None
    expected = d.layers[-1](features).flatten() + (vectors.weight[labels] * features.mean((2, 3))).sum(1)

    assert torch.allclose(d(image, labels), expected, atol=1e-6)
