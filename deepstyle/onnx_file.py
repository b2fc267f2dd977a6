"""A network as an ONNX file, for other runtimes and languages (edge). onnx is imported here only, by torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from deepstyle.errors import UsageError


def onnx_file(
    network: nn.Module, examples: Mapping[str, Tensor], *, output: str, name: str, words: Mapping[str, Any], flag: str
) -> bytes:
    """The ONNX file of a network that takes these inputs, in their order, any number of rows, and gives ``output``.

    ``words`` become its metadata, as JSON. Raises UsageError, naming ``flag``, without the packages that PyTorch exports with.
    """
    if missing := [one for one in ("onnx", "onnxscript") if find_spec(one) is None]:
        raise UsageError(f"{flag}: needs {' and '.join(missing)}: run `python -m pip install 'deepstyle[onnx]'` first")
    rows: list[dict[int, Any]] = [{0: "batch"}, *({0: torch.export.Dim.DYNAMIC} for _ in examples)]
    program = torch.onnx.export(
        network.eval(), tuple(examples.values()), dynamo=True, verbose=False, input_names=list(examples),
        output_names=[output], dynamic_shapes=tuple(rows[: len(examples)]),
    )  # fmt: skip
    assert program is not None
    program.model.metadata_props.update({"name": name} | {key: json.dumps(word) for key, word in words.items()})
    program.model.producer_name = "deepstyle"
    return bytes(program.model_proto.SerializeToString())
