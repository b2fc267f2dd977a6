"""The quick gradients of depthwise convolutions, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from deepstyle.depthwise import depthwise
from deepstyle.lite import LiteClassifier

SHAPES = [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)]  # kernel side, stride
SIZES = [(9, 7), (8, 12), (3, 5)]  # rows, columns: odd, even, smaller than the kernel


def _case(side: int, size: tuple[int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Maps, weights and bias, each of which wants a gradient."""
    random = torch.Generator().manual_seed(side)
    maps, weight, bias = (
        torch.randn(shape, generator=random).to(dtype).requires_grad_()
        for shape in ((2, 6, *size), (6, 1, side, side), (6,))
    )
    return maps, weight, bias


def _plain(maps: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    return F.conv2d(maps, weight, bias, stride, weight.shape[2] // 2, 1, len(weight))


def _gradients(out: Tensor, of: tuple[Tensor, ...]) -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    return list(torch.autograd.grad(out, of, torch.randn(out.shape, generator=random).to(out.dtype)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("side", "stride"), SHAPES)
def test_bfloat16_gradients_are_as_near_as_its_rounding(side: int, stride: int, size: tuple[int, int]) -> None:
    """Under autocast the gradients keep their inputs' type and agree with exact ones to bfloat16's eight bits."""
    ours, exact = _case(side, size, torch.float32), _case(side, size, torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        out = depthwise(*ours, stride)
    assert out.dtype == torch.bfloat16
    expected = _plain(*exact, stride)
    for one, other in zip(_gradients(out, ours), _gradients(expected, exact), strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() / other.norm() < 0.01


def test_only_what_is_asked_for_has_a_gradient() -> None:
    """Maps that nothing trained stands before get no gradient, nor do frozen weights."""
    maps, weight, _ = (one.detach().bfloat16() for one in _case(5, (9, 7), torch.float32))
    depthwise(maps, weight.requires_grad_(), None, 1).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert maps.grad is None
    depthwise(maps.requires_grad_(), weight.detach(), None, 2).sum().backward()  # type: ignore[no-untyped-call]
    assert maps.grad is not None


def test_elsewhere_it_is_the_plain_operation() -> None:
    """In float32, and where nothing is trained, PyTorch's operation stands in the graph, and none of ours."""
    maps, weight, bias = _case(5, (9, 7), torch.float32)
    assert torch.equal(depthwise(maps, weight, bias, 2), _plain(maps, weight, bias, 2))
    assert "Depthwise" not in type(depthwise(maps, weight, bias, 2).grad_fn).__name__
    with torch.autocast("cpu", torch.bfloat16):
        assert "Depthwise" in type(depthwise(maps, weight, bias, 2).grad_fn).__name__
        assert depthwise(maps.detach(), weight.detach(), bias.detach(), 2).grad_fn is None
        with torch.no_grad():
            assert depthwise(maps, weight, bias, 2).grad_fn is None


def test_a_network_learns_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """EfficientNet-Lite0's gradients are those that PyTorch's convolutions give it, weight by weight."""
    torch.manual_seed(0)
    network = LiteClassifier(3)
    seen = torch.randn(2, 3, 40, 32)

    def learned() -> dict[str, Tensor]:
        network.zero_grad()
        F.cross_entropy(network(seen), torch.tensor([0, 2])).backward()  # type: ignore[no-untyped-call]
        return {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}

    ours = learned()
    monkeypatch.setattr("deepstyle.lite.depthwise", _plain)
    for name, expected in learned().items():
        assert (ours[name] - expected).norm() <= 0.05 * expected.norm() + 1e-4, name
