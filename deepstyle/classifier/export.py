"""A classifier or a tagger for use elsewhere: an ONNX file that gives the same probabilities, or a model folder (edge).

    <out>/model.onnx            image: N x S x S x 3 uint8, RGB -> probabilities: N x L float32; nothing else is to be computed
    <out>/model.json            labels, S (``input_size``), how a picture becomes a square (``fit``), a tagger's thresholds
or
    <out>/weights.safetensors   matrices in float16, with config.yaml and model.json: what `predict --model <out>` takes

Both keep the model's card, which says of which forgotten photos the model knows.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepstyle import weights
from deepstyle.about import card_of, read_about
from deepstyle.classifier.augment import SLACK
from deepstyle.classifier.network import KIND, Classifier, scoring
from deepstyle.classifier.tagger import KIND as TAGGER
from deepstyle.classifier.tagger import Tagger
from deepstyle.classifier.views import PLACES
from deepstyle.errors import UsageError
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.onnx_file import onnx_file

Kind = Literal["onnx", "safetensors"]
REMEDY = {
    "taggers": "export the taggers that it averages",
    "gan": "`deepstyle sample --model NAME --export onnx` does it",
}


def export_model(folder: Path, to: Kind, out: Path) -> Path:
    """Write the model in ``folder`` to the folder ``out`` in one of the forms above; the path of its weights.

    Raises UsageError for a model that is neither classifier nor tagger, or without the packages for ONNX.
    """
    assert to in get_args(Kind)
    kind = read_about(folder).get("kind")
    if kind not in {KIND, TAGGER}:
        remedy = REMEDY.get(str(kind), "only classifiers and taggers can be exported")
        raise UsageError(f"{folder}: is no classifier or tagger but a {kind}; {remedy}")
    model = Classifier.load(folder) if kind == KIND else Tagger.load(folder)
    return _write_onnx(model, folder, out) if to == "onnx" else _write_folder(model, folder, out)


class Probabilities(nn.Module):
    """All that ``predict`` does to the pixels of a square, in one graph."""

    def __init__(self, model: Classifier | Tagger) -> None:
        super().__init__()
        self.network, self.model = model.network, model
        size, wide = model.preprocessing.image_size, input_size(model)
        side = wide if model.tta in PLACES else size
        smaller = functional.interpolate(torch.eye(wide)[None, None], (side, wide), mode="bilinear", antialias=True)
        self.register_buffer("smaller", smaller[0, 0])  # side x wide: resizing as a matrix product, alike everywhere

    def forward(self, image: Tensor) -> Tensor:
        """N x S x S x 3 uint8 -> N x L."""
        pixels = image.permute(0, 3, 1, 2).float() / 255
        smaller = self.get_buffer("smaller")
        return self.model.told(smaller @ pixels @ smaller.T)


def input_size(model: Classifier | Tagger) -> int:
    """Pixels a side of the squares that ``predict`` shows the model."""
    return round(model.preprocessing.image_size * SLACK)


def _write_onnx(model: Classifier | Tagger, folder: Path, out: Path) -> Path:
    size = input_size(model)
    told: dict[str, Any] = {
        "kind": KIND if isinstance(model, Classifier) else TAGGER, "name": model.name, "weights": model.weights_name,
        "labels": list(model.labels), "input_size": size, "fit": model.preprocessing.fit, "views": model.tta,
        "preprocessing": asdict(model.preprocessing),
    }  # fmt: skip
    if isinstance(model, Tagger):
        told |= {"groups": model.groups, "thresholds": model.thresholds.tolist(), "region": model.region}
    elif model.beside:
        told["beside"] = model.beside
    model.network.cpu()
    with scoring(model.network):
        example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
        data = onnx_file(
            Probabilities(model), {"image": example}, output="probabilities", name=model.name, words=told,
            flag="--to onnx",
        )  # fmt: skip

    def fill(place: Path) -> None:
        put_file(place / "model.onnx", data)
        for name, text in card_of(folder).items():
            put_file(place / name, text.encode())
        put_file(place / "model.json", json.dumps(told, indent=2).encode())

    put_folder(out, fill)
    return out / "model.onnx"


def _write_folder(model: Classifier | Tagger, folder: Path, out: Path) -> Path:
    about, config = read_about(folder), (folder / "config.yaml").read_text("utf-8")
    weights.save_model(
        out, model.network, config_yaml=config, labels=model.labels, about=about, half=True, extra=card_of(folder)
    )
    return out / "weights.safetensors"
