"""The strided convolutions as matrix products, against PyTorch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deepstyle.dcgan.patches import SMALL, Close, Down, Open, Up

pytestmark = pytest.mark.filterwarnings("error")


def layers(kind: type[nn.Module], *, bias: bool) -> tuple[nn.Module, nn.Module, Tensor]:
    """Our layer, PyTorch's with the same weights, and float64 images on which ours is a matrix product."""
    torch.manual_seed(0)
    ours: nn.Module
    theirs: nn.Module
    if kind is Open:
        ours, theirs, side = Open(5, 7), nn.ConvTranspose2d(5, 7, 4, bias=False), 1
    elif kind is Close:
        ours, theirs, side = Close(5), nn.Conv2d(5, 1, 4), 4
    elif kind is Down:
        ours, theirs, side = Down(5, 7, bias=bias), nn.Conv2d(5, 7, 4, 2, 1, bias=bias), 2 * SMALL
    else:
        ours, theirs, side = Up(5, 7, bias=bias), nn.ConvTranspose2d(5, 7, 4, 2, 1, bias=bias), SMALL
    theirs.load_state_dict(ours.state_dict())
    return ours.double(), theirs.double(), torch.randn(3, 5, side, side, dtype=torch.float64)


@pytest.mark.parametrize(
    ("kind", "bias"), [(Down, True), (Down, False), (Up, True), (Up, False), (Open, False), (Close, True)]
)
def test_the_product_is_the_convolution(kind: type[nn.Module], *, bias: bool) -> None:
    """On few pixels the layer gives what PyTorch's gives, and so do the gradients of images, weights and bias."""
    ours, theirs, images = layers(kind, bias=bias)
    results = []
    for layer in (ours, theirs):
        seen = images.clone().requires_grad_()
        made = layer(seen)
        gradients = torch.autograd.grad(made.sin().sum(), [seen, *layer.parameters()])
        results.append([made, *gradients])

    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("kind", [Down, Up, Open, Close])
def test_a_gradient_penalty_can_be_learned_from(kind: type[nn.Module]) -> None:
    """The gradients of a squared gradient are PyTorch's as well (R1 and R2 need them)."""
    ours, theirs, images = layers(kind, bias=True)
    results = []
    for layer in (ours, theirs):
        seen = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(layer(seen).sin().sum(), seen, create_graph=True)
        results.append(torch.autograd.grad(gradient.square().sum(), [seen, *layer.parameters()]))

    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("kind", [Down, Up])
def test_large_images_are_left_to_pytorch(kind: type[nn.Module]) -> None:
    """On more pixels the layer is PyTorch's own, to the bit."""
    ours, theirs, _ = layers(kind, bias=True)
    images = torch.randn(2, 5, 4 * SMALL, 4 * SMALL, dtype=torch.float64)

    assert torch.equal(ours(images), theirs(images))
