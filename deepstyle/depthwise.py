"""Depthwise convolutions whose gradients in bfloat16 are quick on a CPU.

oneDNN, which PyTorch asks for them, has quick kernels for the weights' gradient of 3 x 3 depthwise convolutions in bfloat16,
but takes a general one for 5 x 5, which computes all pairs of channels of a block; for the input's gradient it has none where
the stride is two. In a training step of EfficientNet-Lite0 these two take more time than all else together. Here a 5 x 5
gradient is put together from four of 3 x 3, and a strided one is computed in float32: the same numbers, but for rounding.
``benchmarks/depthwise_speed.py`` compares. In float32 PyTorch's own gradients are as quick.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

INPUT, WEIGHT = [True, False, False], [False, True, False]


def depthwise(maps: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """``functional.conv2d`` of each channel with its own kernel, padded by half a kernel; once differentiable.

    NCHW, C x 1 x K x K with K odd, C -> N x C x ceil(H / stride) x ceil(W / stride), of the type that autocast makes it.
    """
    learns = torch.is_grad_enabled() and (maps.requires_grad or weight.requires_grad)
    if learns and maps.device.type == "cpu" and torch.bfloat16 in (maps.dtype, _cast()):
        found: Tensor = _Depthwise.apply(maps, weight, bias, stride)
        return found
    return plain(maps, weight, bias, stride)


def plain(maps: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """The same with PyTorch's own gradients."""
    return functional.conv2d(maps, weight, bias, stride, weight.shape[2] // 2, 1, len(weight))


def _cast() -> torch.dtype | None:
    """What autocast makes of a CPU's convolutions, if it is on."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None


class _Depthwise(torch.autograd.Function):
    """The convolution as PyTorch has it; its gradients in the way that is quick."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        """The convolution; keeps what its gradients need."""
        ctx.save_for_backward(maps, weight)
        ctx.stride = stride
        return plain(maps, weight, bias, stride)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of maps, weight and bias, in their types; None where none is wanted."""
        maps, weight = ctx.saved_tensors
        of_maps = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_maps = _input_gradient(grad, maps, weight, ctx.stride).to(maps.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(grad, maps.to(grad.dtype), weight.shape[2], ctx.stride).to(weight.dtype)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum(dim=(0, 2, 3), dtype=torch.float32).to(weight.dtype)
        return of_maps, of_weight, of_bias, None


def _input_gradient(grad: Tensor, maps: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The gradient of the convolution's input, in float32 where the stride is not one."""
    kind = torch.float32 if stride > 1 else grad.dtype
    return _backward(grad.to(kind), maps.to(kind), weight.to(kind), stride, weight.shape[2] // 2, INPUT)


def _weight_gradient(grad: Tensor, maps: Tensor, side: int, stride: int) -> Tensor:
    """The gradient of the convolution's weights, C x 1 x ``side`` x ``side``; 5 x 5 as four overlapping parts of 3 x 3."""
    channels, rows, columns = grad.shape[1:]
    if side != 5:
        return _backward(grad, maps, grad.new_empty(channels, 1, side, side), stride, side // 2, WEIGHT)
    padded = functional.pad(maps, (2, 2, 2, 2))
    whole, part = grad.new_empty(channels, 1, 5, 5), grad.new_empty(channels, 1, 3, 3)
    for y in (0, 2):
        for x in (0, 2):
            seen = padded[:, :, y : y + (rows - 1) * stride + 3, x : x + (columns - 1) * stride + 3]
            seen = seen.contiguous(memory_format=torch.channels_last)
            whole[:, :, y : y + 3, x : x + 3] = _backward(grad, seen, part, stride, 0, WEIGHT)
    return whole


def _backward(grad: Tensor, maps: Tensor, weight: Tensor, stride: int, padding: int, wanted: list[bool]) -> Tensor:
    """PyTorch's own gradient of a depthwise convolution: of its input or its weights, which one is ``wanted``."""
    found: list[Tensor] = torch.ops.aten.convolution_backward(
        grad, maps, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], len(weight), wanted
    )
    return found[wanted.index(True)]
