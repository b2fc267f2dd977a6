"""`deepstyle export`: a classifier or tagger for use elsewhere gives the probabilities that `predict` tells."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_predict import COLOURS, save_colours

from deepstyle.about import CARD
from deepstyle.classifier.export import Probabilities, export_model, input_size
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.classifier.tagger import Tagger, build_tagger
from deepstyle.classifier.views import Tta
from deepstyle.cli import main
from deepstyle.config import TaggerConfig, load_config, to_yaml
from deepstyle.errors import UsageError
from deepstyle.files import put_file
from deepstyle.images import Pixels
from deepstyle.weights import read_weights

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in PACKAGES), reason="onnx or onnxruntime is not installed"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier's folder with a card."""
    folder = save_colours(tmp_path_factory.mktemp("models") / "colours", beside="garments-lite")
    put_file(folder / CARD, b"# Model card\n")
    return folder


def squares(count: int, size: int) -> Pixels:
    """Noise and ramps, different to the left and to the right."""
    pixels = np.random.default_rng(0).integers(0, 120, (count, size, size, 3)).astype(np.uint8)
    pixels[:, :, : size // 2, 1] += 100
    return pixels


def run(file: Path, pixels: Pixels) -> np.ndarray:
    """What onnxruntime makes of them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"image": pixels})
    return np.asarray(found)


@needs_onnx
def test_onnxruntime_gives_the_same_probabilities(model: Path, tmp_path: Path) -> None:
    """Of 1 and of 5 squares, resizing, normalisation and mirror included; model.json has all that its user must know."""
    path = export_model(model, "onnx", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "model.json").read_text())
    for count in (1, 5):
        pixels = squares(count, about["input_size"])
        _, wanted = Classifier.load(model).embed(pixels)

        assert np.abs(run(path, pixels) - wanted).max() < 1e-4
    assert wanted.std(axis=0).max() > 1e-3
    assert (about["input_size"], about["fit"], about["labels"], about["views"]) == (37, "pad", list(COLOURS), "mirror")
    assert about["beside"] == "garments-lite"
    assert (tmp_path / "out" / CARD).read_text() == "# Model card\n"


@pytest.mark.parametrize("tta", ["none", "mirror", "ten", "eighteen"])
def test_the_graph_has_all_views(model: Path, tta: Tta) -> None:
    """What is exported looks at an image as the model does, with crops as well."""
    judge = Classifier.load(model, device=torch.device("cpu"))
    judge.tta = tta
    pixels = squares(3, input_size(judge))
    with torch.inference_mode():
        found = Probabilities(judge).eval()(torch.from_numpy(pixels)).numpy()

    assert np.abs(found - judge.embed(pixels)[1]).max() < 1e-4


@needs_onnx
def test_a_tagger_keeps_its_thresholds(tmp_path: Path) -> None:
    """A tagger's file gives each tag's share, with a network for each group, too; groups and thresholds stand beside it."""
    settings = ["network=small", "width=8", "image_size=32", "tta=none", "backbones=separate"]
    config = load_config(TaggerConfig, "tagger-96", settings)
    torch.manual_seed(0)
    groups = {"colour": ("black", "red"), "kind": ("boot",)}
    made = Tagger(
        build_tagger(config, [2, 1]), Preprocessing(image_size=32), groups, "tags", thresholds=[0.2, 0.3, 0.4]
    )
    made.save(tmp_path / "tags", to_yaml(config), {})
    path = export_model(tmp_path / "tags", "onnx", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "model.json").read_text())
    pixels = squares(2, about["input_size"])

    assert np.abs(run(path, pixels) - Tagger.load(tmp_path / "tags").shares(pixels)).max() < 1e-4
    assert (about["groups"], about["thresholds"]) == ({"colour": ["black", "red"], "kind": ["boot"]}, [0.2, 0.3, 0.4])


def test_safetensors_are_a_model_in_half_precision(model: Path, tmp_path: Path) -> None:
    """The command writes a folder that `predict` takes, matrices in float16, with the card; again it replaces it."""
    out = tmp_path / "mine"
    call = ["-w", str(tmp_path / "none"), "export", str(model), "--to", "safetensors", "--out", str(out), "--json"]
    for _ in range(2):
        done = CliRunner().invoke(main, call)
        assert done.exit_code == 0, done.output
    pixels = squares(2, 40)

    assert json.loads(done.stdout)["export"] == str(out / "weights.safetensors")
    assert {t.dtype for t in read_weights(out / "weights.safetensors").values() if t.dim() > 1} == {torch.float16}
    assert np.abs(Classifier.load(out).embed(pixels)[1] - Classifier.load(model).embed(pixels)[1]).max() < 0.02
    assert (out / CARD).read_text() == "# Model card\n"


def test_what_is_no_classifier_is_refused(model: Path, tmp_path: Path) -> None:
    """A generator is named with the command that exports it, and a folder that holds other things is not replaced."""
    put_file(tmp_path / "made" / "model.json", b'{"kind": "gan", "labels": []}')
    with pytest.raises(UsageError, match=r"but a gan; `deepstyle sample --model NAME --export"):
        export_model(tmp_path / "made", "onnx", tmp_path / "out")
    put_file(tmp_path / "full" / "thesis.txt", b"mine")
    done = CliRunner().invoke(main, ["export", str(model), "--to", "safetensors", "--out", str(tmp_path / "full")])
    assert done.exit_code == 1
    assert "holds thesis.txt" in done.output
