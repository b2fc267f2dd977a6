"""The residual networks: shapes, identity at the start, skip output, minibatch stddev."""

from __future__ import annotations

import pytest
import torch

from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.build import build_discriminator, build_generator
from deepstyle.dcgan.networks import Generator
from deepstyle.dcgan.residual import Residual, ResidualDiscriminator, ResidualGenerator, residual_maps, with_spread


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_shapes(size: int) -> None:
    """A z of N x 16 becomes N x 3 x size x size, which becomes N logits, with every option of the discriminator."""
    image = ResidualGenerator(size, 16, 4, 16)(torch.randn(4, 16))

    assert image.shape == (4, 3, size, size)
    for norm in ("none", "spectral"):
        logits = ResidualDiscriminator(size, 4, 16, norm, spread=True)(image)
        assert logits.shape == (4,)
        assert logits.isfinite().all()


def test_maps_double_down_to_a_limit() -> None:
    """From the image inwards the maps double until ``most``."""
    assert residual_maps(64, 16, 100) == [100, 100, 64, 32, 16]


def test_a_block_starts_as_the_identity() -> None:
    """Fixup: the second convolution of a residual block is zero, so a new block hands on what it gets."""
    x = torch.randn(2, 8, 4, 4)

    assert torch.equal(Residual(8, 3)(x), x)


def test_what_comes_out_at_the_start_is_tame() -> None:
    """New networks give images with a deviation between 0.1 and 1, and logits below 5."""
    torch.manual_seed(0)
    image = ResidualGenerator(64, 100, 16, 256)(torch.randn(16, 100))
    logits = ResidualDiscriminator(64, 16, 256)(torch.randn(16, 3, 64, 64))

    assert 0.1 < image.std().item() < 1
    assert logits.abs().max().item() < 5


def test_every_resolution_adds_its_share() -> None:
    """Taking away the share of one resolution after the other changes the image each time, and nothing is left at the end."""
    torch.manual_seed(0)
    g = ResidualGenerator(32, 16, 8, 32)
    z = torch.randn(2, 16)
    whole = g(z)
    with torch.no_grad():
        for number, colour in enumerate(g.colours):
            colour.get_parameter("weight").zero_()
            changed = g(z)

            assert not torch.allclose(changed, whole), number
            whole = changed
    assert whole.abs().max().item() == 0


def test_minibatch_stddev_is_the_deviation_of_neighbours() -> None:
    """The added map holds each group of four's mean standard deviation; equal images give nearly none."""
    x = torch.randn(8, 2, 4, 4)
    x[4:] = x[4]
    out = with_spread(x)

    assert out.shape == (8, 3, 4, 4)
    assert torch.equal(out[:, :2], x)
    assert out[0, 2, 0, 0].item() == pytest.approx(x[:4].std(0, unbiased=False).mean().item(), abs=1e-4)
    assert out[7, 2].abs().max().item() < 2e-4


def test_labels_reach_both_networks() -> None:
    """Another label gives another image and another logit."""
    torch.manual_seed(0)
    g, d = ResidualGenerator(32, 8, 4, 16, torch.full((3,), 1 / 3)), ResidualDiscriminator(32, 4, 16, labels=3)
    z, image, labels = torch.randn(1, 8).repeat(3, 1), torch.randn(1, 3, 32, 32).repeat(3, 1, 1, 1), torch.arange(3)

    assert len({float(made.detach().sum()) for made in g(z, labels)}) == 3
    assert len({float(logit.detach()) for logit in d(image, labels)}) == 3


def test_a_config_builds_its_networks() -> None:
    """Dcgan presets build the paper's networks, residual presets the residual ones, of the config's size."""
    plain = load_config(GanConfig, "dcgan-32", ["width=4"])
    residual = load_config(GanConfig, "residual-64", ["width=4", "max_width=8"])

    assert isinstance(build_generator(plain), Generator)
    assert isinstance(build_discriminator(residual, 2), ResidualDiscriminator)
    made = build_generator(residual, torch.tensor([0.5, 0.5]))
    assert isinstance(made, ResidualGenerator)
    assert (made.size, made.latent, made.told.shares.tolist()) == (64, 100, [0.5, 0.5])
