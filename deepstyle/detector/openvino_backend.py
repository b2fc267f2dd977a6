"""A torchvision detector whose layers run in OpenVINO (edge): the same boxes within tolerance.

Where the CPU computes in bfloat16 PyTorch is faster by now (docs/log.md).

The convolutions and the second stage are exported when the detector is loaded, which takes seconds; proposals, RoIAlign
and the choice of boxes stay in inference.py. OpenVINO is imported here only, inside functions.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from deepstyle.detector.inference import Inference, TorchHead, TorchTrunk
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.errors import UsageError
from deepstyle.machine import in_bfloat


class OpenvinoDetector(TorchvisionDetector):
    """A TorchvisionDetector with compiled layers. Raises UsageError without OpenVINO."""

    def arrange(self, network: FasterRCNN) -> Inference:
        """The network with its layers compiled for this CPU, in bfloat16 where the CPU computes in it."""
        inference = self.inference_on(network, torch.device("cpu"), torch.float32)
        assert isinstance(inference.trunk, TorchTrunk)
        assert isinstance(inference.head, TorchHead)
        precision = "bf16" if in_bfloat(self.config.precision) else "f32"
        width = int(network.backbone.out_channels) * math.prod(inference.head.cells)
        trunk = _compiled(_Flat(inference.trunk), torch.zeros(1, 3, 128, 128), [-1, 3, -1, -1], precision)
        head = _compiled(inference.head, torch.zeros(1, width), [-1, width], precision)

        def run_trunk(batch: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
            detail, *rows = _run(trunk, batch)
            levels = len(rows) // 3
            return detail, rows[:levels], rows[levels : 2 * levels], rows[2 * levels :]

        def run_head(regions: Tensor) -> tuple[Tensor, Tensor]:
            logits, deltas = _run(head, regions)
            return logits, deltas

        inference.trunk, inference.head = run_trunk, run_head
        return inference

    def _workers(self) -> None:
        """None: OpenVINO shares out its work itself, and a request serves one thread."""


class _Flat(nn.Module):
    """A Trunk whose answers stand in one row: an exported network has a flat list of outputs."""

    def __init__(self, trunk: TorchTrunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        """The map of detail; then maps, then objectness, then deltas, each from the finest level to the coarsest."""
        detail, maps, objectness, deltas = self.trunk(batch)
        return (detail, *maps, *objectness, *deltas)


def _compiled(module: nn.Module, example: Tensor, shape: list[int], precision: str) -> Any:
    """Export a module whose one input may have any size where ``shape`` has -1, and compile it for the CPU."""
    try:
        import openvino
    except ImportError as error:
        raise UsageError("--engine openvino: run `python -m pip install 'deepstyle[openvino]'` first") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that do not change here
        model = openvino.convert_model(module, example_input=example)
    model.reshape(shape)
    return openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision}).create_infer_request()


def _run(request: Any, values: Tensor) -> list[Tensor]:
    """One inference; the tensors returned share the request's memory until the next one."""
    request.infer([np.ascontiguousarray(values.numpy())], share_inputs=True)
    return [torch.from_numpy(output.data) for output in request.output_tensors]
