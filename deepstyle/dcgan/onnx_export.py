"""A generator as an ONNX file, for other runtimes and languages (edge). onnx is imported here only, inside functions."""

from __future__ import annotations

import json
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.errors import UsageError


class _Clipped(nn.Module):
    """A generator whose answers nothing needs to clip."""

    def __init__(self, generator: AnyGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """N x latent (and N labels) -> N x 3 x size x size in [-1, 1]."""
        made: Tensor = self.generator(z, label)
        return made.clamp(-1, 1)


def to_onnx(trained: TrainedGenerator) -> bytes:
    """The ONNX file. Input ``z``: N x latent float32 ~ N(0, 1), any N; output ``image``: N x 3 x size x size in [-1, 1].

    A generator that is told labels has a second input, ``label``: N int64, the numbers of the metadata's ``labels``
    (JSON). Raises UsageError without the packages that PyTorch exports with.
    """
    if missing := [name for name in ("onnx", "onnxscript") if find_spec(name) is None]:
        raise UsageError(
            f"--export onnx: needs {' and '.join(missing)}: run `python -m pip install 'deepstyle[onnx]'` first"
        )
    examples = {"z": torch.zeros(2, trained.config.latent), "label": torch.zeros(2, dtype=torch.int64)}
    names = ["z", "label"] if trained.labels else ["z"]
    program = torch.onnx.export(
        _Clipped(trained.generator).eval(), tuple(examples[name] for name in names), dynamo=True, verbose=False,
        input_names=names, output_names=["image"], dynamic_shapes=({0: "batch"}, {0: torch.export.Dim.DYNAMIC})[: len(names)],
    )  # fmt: skip
    assert program is not None
    words = {"labels": list(trained.labels), "size": trained.config.size, "latent": trained.config.latent}
    program.model.metadata_props.update({"name": trained.name} | {key: json.dumps(word) for key, word in words.items()})
    program.model.producer_name = "deepstyle"
    return bytes(program.model_proto.SerializeToString())
