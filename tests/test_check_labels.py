"""Labels that are probably wrong: confident learning, and the check of a whole table by folds."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier.build import build_network
from deepstyle.classifier.check_labels import check_by_folds, check_by_model, parts_of
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.classifier.suspects import suspects
from deepstyle.cli import main
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.errors import InputError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
COLOURS = ("blue", "green", "red")
CONFIG = load_config(
    ClassifierConfig, "classifier-64",
    ["network=small", "width=8", "image_size=32", "batch_size=16", "images=640", "lr=0.005", "label_smoothing=0", "precision=32"],
)  # fmt: skip


def table_of(folder: Path, wrong: dict[int, str], count: int = 48) -> LabelTable:
    """Pictures with a patch of one of three colours, four a group; those in ``wrong`` bear another label."""
    rows = []
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 80, (40, 40, 3)).astype(np.uint8)
        pixels[8:-8, 8:-8, 2 - i % 3] = 220
        path = folder / f"{i:03d}.png"
        path.write_bytes(encode(pixels))
        rows.append(LabelRow(path=path, label=wrong.get(i, COLOURS[i % 3]), group=str(i // 4)))
    return LabelTable(rows=tuple(rows), labels=COLOURS)


def test_suspects_by_hand() -> None:
    """A label's threshold is what its own images have of it in the mean; what passes another's and is called so is in doubt."""
    truth = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.45, 0.55]], np.float32)
    found, rather = suspects(truth, probabilities)  # thresholds .6 and .625: the last image passes none

    assert (found.tolist(), rather.tolist()) == ([2], [1])


def test_suspects_against_a_plain_reading_of_the_paper() -> None:
    """On random predictions the array program finds what loops over Northcutt et al.'s definitions find, worst first."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 200)  # the fifth label has no image
    probabilities = random.dirichlet(np.full(5, 0.4), 200).astype(np.float32)
    thresholds = {
        j: sum(float(p[j]) for p, t in zip(probabilities, truth, strict=True) if t == j) / (truth == j).sum()
        for j in range(4)
    }
    wanted = []
    for k, (p, t) in enumerate(zip(probabilities, truth, strict=True)):
        passing = [j for j in thresholds if p[j] >= thresholds[j]]
        best = max(passing, key=lambda j: float(p[j]), default=None)
        if best is not None and best != t and int(p.argmax()) != t:
            wanted.append((float(p[t]), k, best))
    found, rather = suspects(truth, probabilities)

    assert len(wanted) > 20
    assert list(zip(found.tolist(), rather.tolist(), strict=True)) == [(k, best) for _, k, best in sorted(wanted)]


def test_parts_are_whole_groups_of_about_one_size(tmp_path: Path) -> None:
    """Every photo is in one part, every group in one, and the parts differ by little; too few groups are told."""
    rows = table_of(tmp_path, {}).rows
    parts = parts_of(rows, 3, seed=0)

    assert sorted(row.path for part in parts for row in part) == sorted(row.path for row in rows)
    assert [len({row.group for row in part} & {row.group for row in other}) for part in parts for other in parts
            if part is not other] == [0] * 6  # fmt: skip
    assert all(12 <= len(part) <= 20 for part in parts)
    with pytest.raises(InputError, match="fewer groups"):
        parts_of(rows[:8], 3, seed=0)


def test_wrong_labels_of_a_table_are_found(tmp_path: Path) -> None:
    """Pictures that bear another colour's label head the list; the workspace gets no judge by that, and its table no change."""
    wrong = {5: "blue", 20: "green", 33: "red"}
    table = table_of(tmp_path, wrong)
    with Catalog(tmp_path / "w") as catalog:
        found = check_by_folds(table, catalog, CONFIG, folds=2, name="colours", reporter=QUIET)
        assert catalog.model("classifier") is None
    with found.table.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert found.images == 48
    assert {Path(row["image"]).stem: row["suggested"] for row in rows[:3]} == {
        "005": "red",
        "020": "red",
        "033": "blue",
    }
    assert len(rows) == found.suspects <= 6
    assert found.picture is not None
    assert found.picture.is_file()


def test_a_model_that_does_not_know_a_label_is_refused(tmp_path: Path) -> None:
    """A classifier judges labels it knows; others are named with the remedy, and one fold is no fold."""
    judge = Classifier(build_network("small", 2, width=8), Preprocessing(image_size=32), ("blue", "green"), "two")
    table = table_of(tmp_path, {}, 12)
    with Catalog(tmp_path / "w") as catalog:
        with pytest.raises(InputError, match=r"two does not know red; .*exclude=\[red\]"):
            check_by_model(table, catalog, judge, name="x", reporter=QUIET)
        known = replace(table, rows=tuple(row for row in table.rows if row.label != "red"), labels=("blue", "green"))
        assert check_by_model(known, catalog, judge, name="x", reporter=QUIET).images == 8
        with pytest.raises(UsageError, match="2 or more"):
            check_by_folds(table, catalog, CONFIG, folds=1, name="x", reporter=QUIET)


def test_a_model_is_not_trained(tmp_path: Path) -> None:
    """Folds and minutes are of classifiers to train: with a model that judges they are refused, not passed over."""
    table = tmp_path / "table.csv"
    table.write_text("image,label\na.png,red\n")
    for option in (["--folds", "2"], ["--minutes", "1"]):
        result = CliRunner().invoke(
            main, ["-w", str(tmp_path / "w"), "check-labels", str(table), "--model", "m", *option]
        )
        assert (result.exit_code, "give either" in result.output) == (2, True)
    for option in (["--set", "lr=0.1"], ["--config", "classifier-64"]):
        result = CliRunner().invoke(
            main, ["-w", str(tmp_path / "w"), "check-labels", str(table), "--model", "m", *option]
        )
        assert (result.exit_code, "only --set exclude" in result.output) == (2, True)


@pytest.mark.parametrize("option", [["--minutes", "1"], ["--fresh"]])
def test_finding_a_rate_is_no_training(tmp_path: Path, option: list[str]) -> None:
    """Beside --find-lr, which trains nothing, train-classifier refuses what is of a training."""
    table = tmp_path / "table.csv"
    table.write_text("image,label\na.png,red\n")
    result = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "train-classifier", str(table), "--find-lr", *option])

    assert (result.exit_code, "trains nothing; leave --minutes and --fresh out" in result.output) == (2, True)
