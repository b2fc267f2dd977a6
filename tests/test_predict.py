"""`deepstyle predict`: pictures of one's own -> labels, with a network of three colours that need not be trained."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from deepstyle.classifier.build import build_network
from deepstyle.classifier.evaluate import evaluate
from deepstyle.classifier.find import find_named
from deepstyle.classifier.network import Classifier, Preprocessing, parts
from deepstyle.classifier.predict import Picture, load, predict
from deepstyle.classifier.tagger import Tagger, build_tagger
from deepstyle.cli import main
from deepstyle.config import ClassifierConfig, TaggerConfig, load_config, to_yaml
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

PACKAGE = Path(find_named.__code__.co_filename).parents[1]
COLOURS = ("blue", "green", "red")


def save_colours(folder: Path, **about: str) -> Path:
    """A classifier whose last layer is told what the three colours look like; ``about`` goes into its model.json."""
    config = load_config(ClassifierConfig, "classifier-64", ["network=small", "width=8", "image_size=32"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("small", 3, width=8)
    judge = Classifier(network, Preprocessing(image_size=32), COLOURS, folder.name)
    plain = np.zeros((3, 32, 32, 3), np.uint8)
    plain[[0, 1, 2], :, :, [2, 1, 0]] = 200
    features = torch.from_numpy(judge.embed(plain)[0])
    centred = features - features.mean(0)
    head = network.get_submodule("fc")
    weight = centred / centred.norm() ** 2 * 100
    head.load_state_dict({"weight": weight, "bias": -(weight @ features.mean(0))})
    judge.save(folder, to_yaml(config), {"figures": {"top1": 1.0}, **about})
    return folder


def picture(colour: int, height: int = 40, width: int = 24) -> bytes:
    """A noisy PNG of one of the colours."""
    pixels = np.random.default_rng(colour).integers(0, 20, (height, width, 3)).astype(np.uint8)
    pixels[..., 2 - colour] = 200
    return encode(pixels)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder outside of any workspace."""
    return save_colours(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture of each colour, one that is none, and a text."""
    (tmp_path / "photos").mkdir()
    for number, name in enumerate(COLOURS):
        (tmp_path / "photos" / f"{name}.png").write_bytes(picture(number))
    (tmp_path / "photos" / "torn.png").write_bytes(picture(0)[:60])
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def test_a_cpu_looks_at_as_much_as_its_cache_holds() -> None:
    """A CPU looks at few large images at a time, a GPU at as many as it was told to; none is left out or seen twice."""
    cpu, gpu = torch.device("cpu"), torch.device("cuda")

    assert list(parts(20, 64, 192, cpu)) == [slice(0, 8), slice(8, 16), slice(16, 24)]
    assert list(parts(20, 3, 192, cpu))[:2] == [slice(0, 3), slice(3, 6)]
    assert list(parts(2, 64, 2048, cpu)) == [slice(0, 1), slice(1, 2)]
    assert list(parts(100, 64, 192, gpu)) == [slice(0, 64), slice(64, 128)]


def test_a_resnet_looks_with_less_work_and_says_the_same(model: Path, tmp_path: Path) -> None:
    """What `predict` loads has folded norms, and gives the probabilities of the network as it was saved."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (20, 32, 32, 3), np.uint8)
    own, plain = load(_precise(model, tmp_path, "32")), Classifier.load(model)
    assert isinstance(own, Classifier)

    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in own.network.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in plain.network.modules())
    assert np.abs(own.embed(pixels)[1] - plain.embed(pixels)[1]).max() < 1e-3


def _precise(model: Path, place: Path, precision: str) -> Path:
    """A copy of a model whose config asks for that precision."""
    copy = shutil.copytree(model, place / precision)
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("precision: auto", f"precision: '{precision}'"))
    return copy


def test_predicting_rounds_where_the_processor_does_and_scoring_never(model: Path, tmp_path: Path) -> None:
    """In bfloat16 `predict` gives shares near those in float32, of a tagger, too; what scores stays exactly as it is."""
    pixels = np.random.default_rng(0).integers(0, 255, (20, 32, 32, 3), np.uint8)
    halved = _precise(model, tmp_path, "bf16")
    own, exact = load(halved), Classifier.load(model).embed(pixels)
    assert isinstance(own, Classifier)
    found = own.embed(pixels)

    assert not np.array_equal(found[0], exact[0])
    assert found[1] == pytest.approx(exact[1], abs=0.03)
    assert np.array_equal(Classifier.load(halved).embed(pixels)[0], exact[0])

    config = load_config(TaggerConfig, "tagger-96", ["network=small", "width=8", "image_size=32"])
    taggers = [
        Tagger(build_tagger(config, [2]), Preprocessing(image_size=32), {"": ("a", "b")}, "t", bfloat=bfloat)
        for bfloat in (False, True)
    ]
    taggers[1].network.load_state_dict(taggers[0].network.state_dict())
    plain, rounded = (one.shares(pixels) for one in taggers)
    assert not np.array_equal(plain, rounded)
    assert rounded == pytest.approx(plain, abs=0.03)


def _run(*words: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["predict", *map(str, words)], input=stdin)


def test_a_folder_becomes_a_table(model: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture below a folder gets its label; a broken one is told of; no workspace is made."""
    monkeypatch.chdir(tmp_path)
    told = _run(folder, "--model", model)

    assert told.exit_code == 0, told.output
    for name in COLOURS:
        assert any(line.startswith(name) and line.endswith(f"{name}.png") for line in told.stdout.splitlines())
    assert any(line.startswith("not read") and "torn.png" in line for line in told.stdout.splitlines())
    assert "notes.txt" not in told.stdout
    assert not (tmp_path / "workspace").exists()


def test_json_is_one_object_a_line(model: Path, folder: Path) -> None:
    """``--json`` prints file, label, confidence and the surest labels of each picture, or its error, in order."""
    told = [
        json.loads(line)
        for line in _run(folder, "--model", model, "--json", "--top", "2", "--batch", "1").stdout.splitlines()
    ]

    assert [Path(one["file"]).name for one in told] == ["blue.png", "green.png", "red.png", "torn.png"]
    assert [one.get("label") for one in told] == [*COLOURS, None]
    assert "broken" in told[3]["error"]
    for one in told[:3]:
        assert [one["label"], one["confidence"]] == [one["top"][0]["label"], one["top"][0]["confidence"]]
        assert one["top"][0]["confidence"] > one["top"][1]["confidence"]


def test_csv_has_a_column_for_each_place(model: Path, folder: Path) -> None:
    """``--csv`` prints a head and a row a picture, of equal length."""
    rows = list(csv.reader(io.StringIO(_run(folder, "--model", model, "--csv").stdout)))

    assert rows[0] == ["file", "label", "confidence", "label_2", "confidence_2", "label_3", "confidence_3", "error"]
    assert {len(row) for row in rows} == {8}
    assert [row[1] for row in rows[1:]] == [*COLOURS, ""]
    assert rows[4][7]


def test_standard_input_is_a_picture_or_names(model: Path, folder: Path) -> None:
    """``-`` takes a picture's bytes, or the names of files, a line each; one that is not there is an error of its own."""
    names = f"{folder / 'red.png'}\n\n{folder / 'none.png'}\n"
    one = _run("-", "--model", model, "--json", stdin=picture(1))
    many = [
        json.loads(line) for line in _run("-", "--model", model, "--json", stdin=names.encode()).stdout.splitlines()
    ]

    assert [json.loads(one.stdout)[key] for key in ("file", "label")] == ["-", "green"]
    assert many[0]["label"] == "red"
    assert "No such file" in many[1]["error"]
    assert len(many) == 2


def test_what_cannot_be_looked_at_at_all_fails(model: Path, folder: Path, tmp_path: Path) -> None:
    """The command fails when no picture can be read, a folder or standard input holds none, or there is no such model."""
    (tmp_path / "empty").mkdir()
    for words, reason in (
        ((folder / "torn.png", "--model", model), "none of the 1 pictures"),
        ((tmp_path / "empty", "--model", model), "holds no pictures"),
        (
            ("-", "--model", model),
            "-: standard input holds neither a picture nor names of files (nothing but blank lines)",
        ),
        ((folder, "--model", "nobody"), "--model nobody"),
    ):
        told = _run(*words, stdin=b"\n \n")
        assert told.exit_code == (2 if "nobody" in words else 1)
        assert reason in " ".join(told.output.split())


def test_pictures_are_seen_as_in_training(model: Path, folder: Path, tmp_path: Path) -> None:
    """A file's shares are those that the same picture has in a packed dataset, which training and figures use."""
    files = [folder / f"{name}.png" for name in COLOURS]
    items = [Item(source=path.name, path=path, label=path.stem) for path in files]
    packed = PackedDataset.pack(tmp_path / "d", items, size=37, fit="pad", reporter=Reporter(quiet=True))
    judge = Classifier.load(model)
    found = list(predict(judge, [Picture(file=str(path)) for path in files]))

    assert [one.confidence for one in found] == pytest.approx(evaluate(judge, packed).probabilities.max(1), abs=1e-5)


def test_without_a_workspace_a_model_is_found_by_folder(model: Path) -> None:
    """A folder's path names a classifier where there is no workspace; a wrong name is told with the remedy."""
    assert find_named(None, str(model)) == model
    with pytest.raises(UsageError, match="train-classifier"):
        find_named(None, "nobody")


def imported(module: str, seen: set[str]) -> set[str]:
    """A module of ours and all that importing it imports, others' packages by their first name."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    file = next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)
    if module in seen or file is None:
        return seen
    seen.add(module)
    for node in ast.parse(file.read_text("utf-8")).body:
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        named += [one.name for one in node.names] if isinstance(node, ast.Import) else []
        for name in named:
            if not name.startswith("deepstyle"):
                seen.add(name.partition(".")[0])
                continue
            imported(name, seen)
            for one in node.names if isinstance(node, ast.ImportFrom) else ():
                imported(f"{name}.{one.name}", seen)
    return seen


def test_predicting_does_without_what_trains() -> None:
    """Of what predict imports nothing trains: neither our trainings and runs nor Lightning, torchmetrics or TensorBoard."""
    found = imported("deepstyle.classifier.predict", set())

    assert {"deepstyle.classifier.network", "deepstyle.weights", "torch"} <= found
    assert not {"deepstyle.training", "deepstyle.run", "lightning", "torchmetrics", "tensorboard"} & found


def test_odd_file_names_come_out_as_they_are(model: Path, tmp_path: Path) -> None:
    """A CSV of predictions has the bytes of a name that is no UTF-8, so that the path in it exists."""
    name = os.fsencode(tmp_path) + b"/red\xff.png"
    with open(name, "wb") as file:
        file.write(picture(2))
    done = CliRunner().invoke(main, ["predict", "--model", str(model), "--csv", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert done.stdout_bytes.splitlines()[1].startswith(name + b",red,")
