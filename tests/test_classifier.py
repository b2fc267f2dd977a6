"""The classifier, trained for real on small pictures of three colours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier.build import build_network
from deepstyle.classifier.evaluate import evaluate
from deepstyle.classifier.find import weak_judge
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.classifier.train import TrainedClassifier, train_classifier
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import ConfigError, InputError, ModelError
from deepstyle.images import Pixels, encode
from deepstyle.progress import Reporter
from deepstyle.weights import load_checkpoint, read_weights

COLOURS = ("blue", "green", "red")
QUIET = Reporter(quiet=True)
SETTINGS = (
    "network=small width=8 image_size=32 batch_size=16 images=1600 lr=0.005 validation_share=0.2 label_smoothing=0 "
    "precision=32"
)
CONFIG = load_config(ClassifierConfig, "classifier-64", SETTINGS.split())
Trained = tuple[Path, LabelTable, TrainedClassifier]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Sums over threads come out differently; one thread makes runs comparable bit by bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _picture(label: int, seed: int, size: tuple[int, int] = (40, 30)) -> Pixels:
    """A noisy ground with a patch of one colour."""
    pixels = np.random.default_rng(seed).integers(0, 80, (*size, 3)).astype(np.uint8)
    pixels[8:-8, 5:-5, 2 - label] = 220
    return pixels


def make_table(folder: Path, count: int = 60) -> LabelTable:
    """Write ``count`` pictures, two a group, and list them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(count):
        path = folder / f"{i:03d}.png"
        if not path.is_file():
            path.write_bytes(encode(_picture(i % 3, seed=i)))
        rows.append(LabelRow(path=path, label=COLOURS[i % 3], group=str(i // 6)))
    return LabelTable(rows=tuple(rows), labels=COLOURS, missing=())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A workspace with a classifier that was trained once for all tests here."""
    root = tmp_path_factory.mktemp("classifier")
    table = make_table(root / "photos")
    with Catalog(root) as catalog:
        result = train_classifier(table, catalog, CONFIG, reporter=QUIET)
    return root, table, result


def test_learns_colours(trained: Trained) -> None:
    """Three separable colours are told apart after some hundred images, and the figures say how it went."""
    _, _, result = trained

    assert result.top1 == 1.0
    assert result.top3 == 1.0
    assert result.labels == COLOURS
    assert result.validation_images == 12
    assert result.images == 1600
    assert result.images_per_second == pytest.approx(1600 / result.seconds)


def test_few_images_are_told_in_the_report(trained: Trained) -> None:
    """Few images teach little and judge by chance, whatever the top-1: the model card says so, and who takes it for a judge."""
    root, _, result = trained
    card = (result.folder / "MODEL_CARD.md").read_text()
    with Catalog(root) as catalog:
        judge = weak_judge(catalog)

    assert (
        "Weak: judged by 12 images, too few: on others its figures may be 29 points higher or lower; hold out 50 or more"
        in card
    )
    assert f"Weak: learned from {result.train_images} images" in card
    assert [sentence.partition(",")[0] for sentence in judge] == [
        f"the judge classifier: learned from {result.train_images} images",
        "the judge classifier: judged by 12 images",
    ]


def test_run_folder_shows_the_training(trained: Trained) -> None:
    """Losses, accuracies, learning rate, speed and the confusion matrix are in the run folder; the ledger says done."""
    root, _, result = trained
    folder = root / "runs" / result.run
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]

    assert lines[-1]["images"] == 1600
    assert {"train/loss", "train/top1", "validation/loss", "validation/top1", "validation/top3", "lr"} <= lines[
        -1
    ].keys()
    assert lines[-1]["train/loss"] < lines[0]["train/loss"]
    assert (folder / "samples" / "confusion.png").is_file()
    with Catalog(root) as catalog:
        run, model = catalog.run("classifier"), catalog.model("classifier", "classifier")
    assert run is not None
    assert model is not None
    assert run.status == "done"
    assert model.figures["top1"] == 1.0


def test_same_command_again_does_nothing(trained: Trained) -> None:
    """A finished run is reported with its recorded figures; no file of the model or the run changes."""
    root, table, result = trained
    files = [p for p in (root / "models").rglob("*") if p.is_file()] + list((root / "runs").rglob("*.pt"))
    before = {path: path.stat().st_mtime_ns for path in files}
    with Catalog(root) as catalog:
        again = train_classifier(table, catalog, CONFIG, reporter=QUIET)

    assert again == result
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_lost_model_folder_is_written_again(trained: Trained, tmp_path: Path) -> None:
    """When the model folder is gone, the finished run gives it again without a step of training."""
    root, table, result = trained
    shutil.copytree(root, tmp_path / "copy")
    weights = result.folder / "weights.safetensors"
    shutil.rmtree(tmp_path / "copy" / "models")
    with Catalog(tmp_path / "copy") as catalog:
        again = train_classifier(table, catalog, CONFIG, reporter=QUIET)

    assert (again.images, again.top1) == (result.images, result.top1)
    assert (again.folder / "weights.safetensors").read_bytes() == weights.read_bytes()


def test_embed_gives_features_and_probabilities(trained: Trained) -> None:
    """A loaded classifier names the colour of pictures of any size, whatever the batch, the mirror or an autocast."""
    _, _, result = trained
    classifier = Classifier.load(result.folder)
    pixels = np.stack([_picture(label, seed=100 + label, size=(50, 50)) for label in (0, 1, 2, 1, 0)])
    features, probabilities = classifier.embed(pixels)
    with torch.autocast("cpu", torch.bfloat16):
        others = [classifier.embed(pixels, batch_size=2)[0], classifier.embed(pixels[:, :, ::-1])[0]]

    assert (classifier.name, classifier.labels, classifier.image_size) == ("classifier", COLOURS, 32)
    assert features.shape == (5, classifier.feature_size)
    assert features.dtype == np.float32
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2, 1, 0]
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert all(np.allclose(other, features, atol=1e-4) for other in others)
    assert classifier.embed(pixels[:0])[0].shape == (0, classifier.feature_size)
    with pytest.raises(InputError, match="uint8"):
        classifier.embed(pixels.astype(np.float32))


def _break(folder: Path, how: str) -> None:
    about = json.loads((folder / "model.json").read_text())
    if how in {"model.json", "weights.safetensors", "config.yaml"}:
        (folder / how).unlink()
    elif how == "torn":
        (folder / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:1000])
    elif how == "detector":
        (folder / "model.json").write_text(json.dumps({**about, "kind": "detector"}))
    elif how == "labels":
        (folder / "model.json").write_text(json.dumps({**about, "labels": ["one", "two"]}))
    elif how == "preprocessing":
        (folder / "model.json").write_text(json.dumps({k: v for k, v in about.items() if k != how}))


@pytest.mark.parametrize(
    "how", ["model.json", "weights.safetensors", "config.yaml", "torn", "detector", "labels", "preprocessing"]
)
def test_foreign_and_incomplete_folders_are_refused(trained: Trained, tmp_path: Path, how: str) -> None:
    """A folder without one of its files, with torn weights, of a detector or with other labels is a ModelError."""
    _, _, result = trained
    shutil.copytree(result.folder, tmp_path / "model")
    _break(tmp_path / "model", how)

    with pytest.raises(ModelError, match="model"):
        Classifier.load(tmp_path / "model")


def test_evaluate_matches_labels_by_name(trained: Trained, tmp_path: Path) -> None:
    """A dataset that numbers its labels otherwise is judged rightly; one with an unknown label is refused."""
    _, table, result = trained
    classifier = Classifier.load(result.folder)
    items = [Item(source=row.path.name, path=row.path, label=row.label) for row in table.rows[:12]]

    def pack(name: str, chosen: list[Item], names: tuple[str, ...]) -> PackedDataset:
        return PackedDataset.pack(tmp_path / name, chosen, size=40, fit="pad", reporter=QUIET, label_names=names)

    turned = pack("turned", items, ("red", "green", "blue"))
    foreign = pack("foreign", [Item(source="x", path=table.rows[0].path, label="hat")], ("hat",))
    evaluation = evaluate(classifier, turned)

    assert evaluation.top1 == 1.0
    assert evaluation.recall == {"blue": 1.0, "green": 1.0, "red": 1.0}
    with pytest.raises(InputError, match="does not know hat"):
        evaluate(classifier, foreign)


def test_label_with_broken_images_only_is_refused(tmp_path: Path) -> None:
    """When every training image of a label is broken, the error names the label and how to leave it out."""
    table = make_table(tmp_path / "photos", 24)
    for row in table.rows:
        if row.label == "red":
            row.path.write_bytes(b"no image")
    with Catalog(tmp_path / "ws") as catalog, pytest.raises(InputError, match=r"label red.*exclude=\[red\]"):
        train_classifier(table, catalog, CONFIG, reporter=QUIET)


def test_one_image_a_step_is_refused(tmp_path: Path) -> None:
    """A batch of one cannot be normalised; the setting is named."""
    config = CONFIG.model_copy(update={"batch_size": 1})
    with Catalog(tmp_path) as catalog, pytest.raises(ConfigError, match="batch_size"):
        train_classifier(make_table(tmp_path / "photos", 6), catalog, config, reporter=QUIET)


def test_validation_sees_the_size_of_the_training_views(tmp_path: Path) -> None:
    """The curve's points are taken at the size that the network is trained at just then, and that size is logged."""
    config = CONFIG.model_copy(update={"image_size": 48, "images": 16, "seed": 3})
    with Catalog(tmp_path) as catalog:
        result = train_classifier(make_table(tmp_path / "photos", 24), catalog, config, reporter=QUIET)
    run = tmp_path / "runs" / result.run
    point = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    network = build_network("small", 3, width=8)
    network.load_state_dict(load_checkpoint(next((run / "snapshots").glob("*.pt")))["network"])
    held_out = PackedDataset(next((tmp_path / "datasets").glob("classifier-validation-*")))
    losses = {
        side: evaluate(Classifier(network, Preprocessing(image_size=side), COLOURS, "x"), held_out, tta="none").loss
        for side in (32, 48)
    }

    assert point["pixels"] == 32
    assert point["validation/loss"] == pytest.approx(losses[32], rel=1e-5)
    assert point["validation/loss"] != pytest.approx(losses[48], rel=1e-5)


def test_a_model_is_small_and_says_how_photos_become_squares(trained: Trained, tmp_path: Path) -> None:
    """Matrices are kept in half precision, and are what was judged; ``fit`` travels along, and an unknown one is refused."""
    root, _, result = trained
    kept = read_weights(result.folder / "weights.safetensors")
    about = json.loads((result.folder / "model.json").read_text())
    held_out = PackedDataset(next((root / "datasets").glob("classifier-validation-*")))

    assert {t.dtype for t in kept.values() if t.dim() > 1} == {torch.float16}
    assert evaluate(Classifier.load(result.folder), held_out).loss == pytest.approx(result.loss, rel=1e-5)
    assert about["preprocessing"]["fit"] == Classifier.load(result.folder).preprocessing.fit == "pad"
    shutil.copytree(result.folder, tmp_path / "odd")
    about["preprocessing"]["fit"] = "fold"
    (tmp_path / "odd" / "model.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match="fold"):
        Classifier.load(tmp_path / "odd")
