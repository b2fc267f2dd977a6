"""Upsampling by copies and a convolution, against the two steps one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.build import build_generator
from deepstyle.dcgan.patches import Up
from deepstyle.dcgan.resized import Resized
from deepstyle.errors import ConfigError


def in_two_steps(layer: nn.Conv2d, images: Tensor) -> Tensor:
    """PyTorch's own nearest neighbours and convolution."""
    return F.conv2d(F.interpolate(images, scale_factor=2, mode="nearest"), layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("side", [1, 4, 5])
def test_one_step_is_nearest_neighbours_and_a_convolution(side: int) -> None:
    """On few pixels and on more the layer gives what the two steps give, and so do all gradients."""
    torch.manual_seed(0)
    layer = Resized(5, 7).double()
    images, results = torch.randn(3, 5, side, side, dtype=torch.float64), []
    for made_by in (layer, lambda seen: in_two_steps(layer, seen)):
        seen = images.clone().requires_grad_()
        made = made_by(seen)
        results.append([made, *torch.autograd.grad(made.sin().sum(), [seen, *layer.parameters()])])

    assert results[0][0].shape == (3, 7, 2 * side, 2 * side)
    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other)


def test_the_filter_is_one_two_one() -> None:
    """Filtered images are SciPy's convolution of the unfiltered ones with [1, 2, 1] / 4 both ways, edges repeated."""
    torch.manual_seed(0)
    plain, filtered = Resized(3, 4).double(), Resized(3, 4, filtered=True).double()
    filtered.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    expected = plain(images).detach().numpy()
    for axis in (2, 3):
        expected = ndimage.convolve1d(expected, np.array([1, 2, 1]) / 4, axis=axis, mode="nearest")

    assert np.allclose(filtered(images).detach().numpy(), expected)


def test_balanced_kernels_weigh_both_diagonals_alike() -> None:
    """A balanced layer is a plain one whose kernels lack what NumPy finds of their corners weighed against one another."""
    torch.manual_seed(0)
    plain, balanced = Resized(3, 4).double(), Resized(3, 4, balanced=True).double()
    balanced.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    kernels = plain.weight.detach().numpy().copy()
    twist = kernels[..., 0, 0] - kernels[..., 0, 2] - kernels[..., 2, 0] + kernels[..., 2, 2]
    kernels -= twist[..., None, None] * np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]]) / 4
    without = torch.from_numpy(kernels)

    assert np.abs(twist).max() > 0.01
    expected = F.conv2d(F.interpolate(images, scale_factor=2, mode="nearest"), without, plain.bias, padding=1)
    torch.testing.assert_close(balanced(images), expected)


@pytest.mark.parametrize(
    ("kind", "transposed"), [("transposed", 4), ("nearest", 0), ("balanced", 0), ("filtered", 0), ("mixed", 2)]
)
def test_the_setting_chooses_the_layers(kind: str, transposed: int) -> None:
    """Of the four doublings to 64 px "mixed" leaves the two to 16 px to the paper's layers, the others none or all."""
    config = load_config(GanConfig, "dcgan-plus-64", ["width=4", "condition=none", f"upsampling={kind}"])
    generator = build_generator(config)
    layers = [module for module in generator.modules() if isinstance(module, Up | Resized)]

    assert [type(layer) for layer in layers] == [Up] * transposed + [Resized] * (4 - transposed)
    assert generator(torch.randn(2, config.latent)).shape == (2, 3, 64, 64)


def test_residual_networks_have_their_own() -> None:
    """A residual network, which resizes by itself, refuses the setting by name."""
    with pytest.raises(ConfigError, match="upsampling=transposed"):
        load_config(GanConfig, "residual-64", ["upsampling=nearest"])
