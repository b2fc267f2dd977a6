"""A generator as an ONNX file, for other runtimes and languages (edge)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.onnx_file import onnx_file


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
    examples = {"z": torch.zeros(2, trained.config.latent), "label": torch.zeros(2, dtype=torch.int64)}
    names = ["z", "label"] if trained.labels else ["z"]
    words = {"labels": list(trained.labels), "size": trained.config.size, "latent": trained.config.latent}
    return onnx_file(
        _Clipped(trained.generator), {name: examples[name] for name in names}, output="image", name=trained.name, words=words,
        flag="--export onnx",
    )  # fmt: skip
