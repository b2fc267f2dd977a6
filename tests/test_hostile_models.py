"""Model folders and weights made to hurt: refused in words, and before they take the machine's memory."""

from __future__ import annotations

import json
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepstyle import weights
from deepstyle.classifier import build as classifier
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.config import ClassifierConfig, DetectorConfig, GanConfig, load_config, to_yaml
from deepstyle.dcgan import trained as generators
from deepstyle.dcgan.build import build_generator
from deepstyle.detector.find import load_detector
from deepstyle.detector.foreign_weights import read_foreign
from deepstyle.detector.networks import build_network
from deepstyle.errors import DeepstyleError, ModelError
from deepstyle.status import read_model

TINY = ["size=32", "latent=4", "width=4"]
JUDGE = ["network=small", "width=8", "image_size=32"]
CUTTER = ["width=8", "image_size=64"]


def generator(folder: Path) -> Path:
    config = load_config(GanConfig, "dcgan-32", TINY)
    about = {"kind": "gan", "figures": {}}
    weights.save_model(folder, build_generator(config), config_yaml=to_yaml(config), labels=(), about=about)
    return folder


def judge(folder: Path) -> Path:
    config = load_config(ClassifierConfig, None, JUDGE)
    network = classifier.build_network("small", 2, width=8)
    Classifier(network, Preprocessing(image_size=32), ("a", "b"), "j").save(folder, to_yaml(config), {})
    return folder


def cutter(folder: Path) -> Path:
    config = load_config(DetectorConfig, "small-256", CUTTER)
    about = {"backend": "torchvision"}
    weights.save_model(folder, build_network(config, 2), config_yaml=to_yaml(config), labels=("a", "b"), about=about)
    return folder


MODELS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "generator": (generator, generators.open_model),
    "classifier": (judge, Classifier.load),
    "detector": (cutter, load_detector),
}
LARGE = {
    "generator": to_yaml(load_config(GanConfig, "dcgan-256", ["width=512", "latent=4096"])),
    "classifier": to_yaml(load_config(ClassifierConfig, None, ["network=small", "width=256"])),
    "detector": to_yaml(load_config(DetectorConfig, "small-256", ["width=256"])),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_config_of_a_far_larger_network_costs_no_memory(kind: str, tmp_path: Path) -> None:
    """The network that a folder's config asks for is compared with its weights before it takes memory; both are named."""
    make, load = MODELS[kind]
    folder = make(tmp_path / "model")
    load(folder)
    (folder / "config.yaml").write_text(LARGE[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ModelError, match=r"weights\.safetensors: these weights belong to another model: .* config says"
    ):
        load(folder)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes; the generator has 3 GB


def test_what_is_built_without_memory_is_what_is_built() -> None:
    """Networks of every kind and preset have the same names and shapes with and without memory, so none is refused."""
    shares = torch.tensor([0.5, 0.5])
    builds: list[Callable[[], torch.nn.Module]] = [
        lambda: build_network(load_config(DetectorConfig, "mobilenet-320"), 3),
        lambda: build_network(load_config(DetectorConfig, "small-256"), 3),
        lambda: classifier.build_network("resnet18", 4),
        lambda: build_generator(load_config(GanConfig, "dcgan-plus-64", ["width=8"]), shares),
        lambda: build_generator(load_config(GanConfig, "residual-64", ["width=8"]), shares),
    ]
    for build in builds:
        with torch.device("meta"):
            light = build().state_dict()
        real = build().state_dict()

        assert {name: t.shape for name, t in light.items()} == {name: t.shape for name, t in real.items()}


def safetensors(head: bytes, *, length: int | None = None, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(head) if length is None else length) + head + body


def listed(**entries: object) -> bytes:
    return safetensors(json.dumps(entries).encode())


ODD_WEIGHTS = {
    "empty": b"",
    "short": b"\x05\0\0",
    "length": safetensors(b"{}", length=2**62),
    "nested": safetensors(b'{"a":' + b"[" * 100_000),
    "list": safetensors(b"[]"),
    "shape": listed(a={"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}),
    "negative": listed(a={"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}),
    "huge": listed(a={"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}),
    "outside": listed(a={"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]}),
    "text": b"not weights at all",
}


@pytest.mark.parametrize("data", ODD_WEIGHTS.values(), ids=ODD_WEIGHTS)
def test_broken_weights_are_refused_by_name(data: bytes, tmp_path: Path) -> None:
    """Whatever stands where weights should, it is a ModelError with the file's name."""
    folder = generator(tmp_path / "model")
    (folder / "weights.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        generators.open_model(folder)
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        read_foreign(folder / "weights.safetensors")


@pytest.mark.parametrize(
    ("kind", "what"),
    [*((kind, "pipe") for kind in MODELS), *(("generator", what) for what in ("folder", "large", "noise"))],
)
@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "config.yaml"])
def test_what_is_no_part_of_a_model_is_refused_at_once(kind: str, name: str, what: str, tmp_path: Path) -> None:
    """A pipe hangs nothing, a gigabyte is not read, noise is told: in each of a model's files."""
    make, load = MODELS[kind]
    path = make(tmp_path / "model") / name
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "large":
        with path.open("wb") as file:
            file.truncate(1 << 30)
    else:
        path.write_bytes(b"\xff\xfe{[\0" * 50)
    with pytest.raises(DeepstyleError):
        load(path.parent)

    assert read_model(path.parent).name == "model"


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["\ud800", "b"]}, {"labels": [1, 2]}, {"labels": "ab"}, {"labels": None}, {"labels": ["a"] * 20_000},
        {"preprocessing": {"image_size": 10**6, "mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"preprocessing": {"image_size": 32, "mean": [0, 0, float("nan")], "std": [1, 1, 1]}},
        {"preprocessing": {"image_size": 0, "mean": [0, 0, 0], "std": [1, 1, 1]}}, {"preprocessing": []},
    ],
    ids=range(9),
)  # fmt: skip
def test_an_odd_description_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    """Labels that are no texts or without end, and pictures of a million pixels a side, are no classifier's."""
    path = judge(tmp_path / "model") / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match="model is not a complete"):
        Classifier.load(path.parent)


@pytest.mark.parametrize("figures", [{"ap": "x"}, {"top1": None}, {"frechet": []}, [], "x", {"ap": {}}])
def test_odd_figures_are_passed_over(figures: object, tmp_path: Path) -> None:
    """Figures that are no numbers are not shown; the model works."""
    path = generator(tmp_path / "model") / "model.json"
    path.write_text(json.dumps({"labels": [], "kind": "gan", "figures": figures}))

    assert read_model(path.parent).figures == {}
    assert generators.open_model(path.parent).figures == {}


def test_a_packed_checkpoint_is_refused(tmp_path: Path) -> None:
    """A .pth whose parts are compressed could be a thousand times its size: torch itself never packs."""
    torch.save({"model": {"a": torch.zeros(500_000)}}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "packed.pth", "w") as packed:
        for one in plain.infolist():
            packed.writestr(one.filename, plain.read(one), zipfile.ZIP_DEFLATED)

    assert read_foreign(tmp_path / "plain.pth")[0]["a"].shape == (500_000,)
    with pytest.raises(ModelError, match="unpacks to more"):
        read_foreign(tmp_path / "packed.pth")


class Asks:
    """A pickle that calls something with arguments."""

    def __init__(self, call: Callable[..., Any], *words: object) -> None:
        self.call, self.words = call, words

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.words


def reconstruct() -> Callable[..., Any]:
    function: Callable[..., Any] = np.zeros(1).__reduce__()[0]  # type: ignore[assignment]
    return function


def test_a_small_pickle_asks_for_no_large_array(tmp_path: Path) -> None:
    """Arrays of any size that a few bytes ask for are not made; numbers and arrays that are there are read."""
    text = "x" * 1_000_000
    odd = {
        "array": {"a": Asks(np.ndarray, (10**10,), "O")},
        "texts": {"a": [Asks(__import__("_codecs").encode, text, "latin1") for _ in range(50)]},
        "coding": {"a": Asks(__import__("_codecs").encode, text, "bz2_codec")},
    }
    for name, value in odd.items():
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(value))
        with pytest.raises(ModelError, match=name):
            read_foreign(tmp_path / f"{name}.pkl")
    made = {"a": np.arange(4.0), "b": Asks(reconstruct(), np.ndarray, (10**10,), b"b"), "c": np.float32(3)}
    (tmp_path / "good.pkl").write_bytes(pickle.dumps({"model": made}, protocol=2))
    found, _ = read_foreign(tmp_path / "good.pkl")

    assert found["a"].tolist() == [0, 1, 2, 3]
    assert found["b"].numel() == 0


@pytest.mark.parametrize("kind", MODELS)
def test_a_folder_without_config_is_named(kind: str, tmp_path: Path) -> None:
    """A model folder that has lost its config.yaml is called incomplete, not a --config that nobody gave."""
    make, load = MODELS[kind]
    (make(tmp_path / "model") / "config.yaml").unlink()

    with pytest.raises(ModelError, match=r"it has no config\.yaml") as caught:
        load(tmp_path / "model")
    assert "--config" not in str(caught.value)


def test_a_label_stands_in_a_model_once(tmp_path: Path) -> None:
    """A classifier with one label twice is refused: nobody could tell the two apart."""
    about = json.loads((judge(tmp_path) / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(about | {"labels": ["a", "a"]}))

    with pytest.raises(ModelError, match="a label stands in it twice"):
        Classifier.load(tmp_path)
