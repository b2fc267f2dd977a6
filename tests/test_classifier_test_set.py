"""What a training says of its probabilities and of images marked test, with real trainings of seconds."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax
from test_classifier import CONFIG, QUIET, make_table

from deepstyle.about import CARD
from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier import data
from deepstyle.classifier.evaluate import evaluate
from deepstyle.classifier.network import Classifier
from deepstyle.classifier.train import TrainedClassifier, train_classifier
from deepstyle.commands.classifier import report
from deepstyle.config import ClassifierConfig
from deepstyle.dataset import PackedDataset
from deepstyle.metrics.calibration import calibration_error, temperature

SHORT: ClassifierConfig = CONFIG.model_copy(update={"images": 160})
MIXED = frozenset(
    (3, 4, 10, 31, 44, 50, 55)
)  # images with another colour's label, so that no network is right throughout


def sided(folder: Path, *, test: bool = True) -> LabelTable:
    """Sixty pictures, six a group: the last 18 held out, of which six may be marked test; some with wrong labels."""
    table = make_table(folder)
    sides = ["train"] * 42 + ["val"] * 12 + (["test"] if test else ["val"]) * 6
    labels = [table.labels[(i + 1) % 3] if i in MIXED else row.label for i, row in enumerate(table.rows)]
    rows = (replace(row, split=side, label=label) for row, side, label in zip(table.rows, sides, labels, strict=True))
    return replace(table, rows=tuple(rows), name="colours.csv")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainedClassifier]:
    """A workspace with a classifier of a table with images marked test."""
    root = tmp_path_factory.mktemp("sides")
    with Catalog(root) as catalog:
        return root, train_classifier(sided(root / "photos"), catalog, SHORT, reporter=QUIET)


def test_the_temperature_is_in_the_weights(trained: tuple[Path, TrainedClassifier]) -> None:
    """A loaded classifier's probabilities are the scaled ones, of which the figures are: for them the same images choose 1."""
    root, result = trained
    held_out = PackedDataset(next((root / "datasets").glob("classifier-validation-*")))
    found = evaluate(Classifier.load(result.folder), held_out)
    own = np.log(np.maximum(found.probabilities.astype(np.float64), 1e-30))

    assert result.calibration is not None
    assert result.calibration.crossed
    assert result.calibration.temperature != 1
    assert temperature(log_softmax(own, axis=1), found.truth) == pytest.approx(1, abs=0.01)
    assert found.loss == pytest.approx(result.loss, rel=1e-5)


def test_the_test_set_is_judged_and_named_everywhere(trained: tuple[Path, TrainedClassifier]) -> None:
    """Images marked test are judged with what was chosen; result, model.json, catalog and card tell figures and name."""
    root, result = trained
    marked = PackedDataset(next((root / "datasets").glob("classifier-test-*")))
    found = evaluate(Classifier.load(result.folder), marked)
    about = json.loads((result.folder / "model.json").read_text())["figures"]
    with Catalog(root) as catalog:
        record = catalog.model("classifier")
    card = (result.folder / CARD).read_text()

    assert result.test is not None
    assert (result.test.images, result.test.name) == (6, "images of colours.csv marked test")
    assert (result.test.top1, result.test.top3, result.test.top5) == (found.top1, found.top3, found.top5)
    assert result.test.calibration_error == pytest.approx(calibration_error(found.probabilities, found.truth), abs=1e-6)
    assert record is not None
    assert about["test"] == record.figures["test"] == asdict(result.test)
    assert f"| images of colours.csv marked test | 6 | {found.top1:.3f} |" in card
    assert result.calibration is not None
    assert f"temperature {result.calibration.temperature:.2f}" in card


def test_halves_share_no_group(tmp_path: Path) -> None:
    """Each half of the images held out is of other groups; images of one group have no halves."""
    rows = [LabelRow(path=tmp_path / f"{i}.png", label="ab"[i % 2], group=str(i // 3)) for i in range(24)]
    half = data.halves(rows, seed=0)

    assert half is not None
    assert {row.group for row, one in zip(rows, half, strict=True) if one}.isdisjoint(
        {row.group for row, one in zip(rows, half, strict=True) if not one}
    )
    assert 6 <= half.sum() <= 18
    assert data.halves(rows[:3], seed=0) is None


def test_a_finished_training_tells_the_same_of_its_test_set(trained: tuple[Path, TrainedClassifier]) -> None:
    """Again the figures are those on record; other images marked test are another training, nothing else is."""
    root, result = trained
    with Catalog(root) as catalog:
        again = train_classifier(sided(root / "photos"), catalog, SHORT, reporter=QUIET)
        other = data.pack(sided(root / "photos", test=False), SHORT, root / "other", name="x", reporter=QUIET)
        same = data.pack(sided(root / "photos"), SHORT, root / "same", name="x", reporter=QUIET)

    assert again == result
    assert other.test is None
    assert other.key != same.key


def test_the_table_for_people_names_both(trained: tuple[Path, TrainedClassifier]) -> None:
    """It tells the temperature, how its error was measured and the test set by name, or that there is none."""
    _, result = trained
    told, without = report(result), report(replace(result, test=None))

    assert result.calibration is not None
    assert f"(temperature {result.calibration.temperature:.2f}; each half of" in told["calibration error"]
    assert told["validation images"] == "12 images of colours.csv that its split holds out"
    assert told["test set"].endswith("on the 6 images of colours.csv marked test, judged once")
    assert without["test set"] == "none: no image is marked test"
    assert result.in_short().endswith("on the 6 images of colours.csv marked test")
    same = replace(result, calibration=replace(result.calibration, crossed=False))
    assert "of the images that chose the temperature" in report(same)["calibration error"]
