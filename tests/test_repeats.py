"""Tables that list a photo twice, or photos that are not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstyle.annotations.repeats import stand_ins
from deepstyle.annotations.table import LabelRow, LabelTable, read_table
from deepstyle.annotations.tag_table import read_tag_table
from deepstyle.classifier import data
from deepstyle.classifier.check_labels import folds_of
from deepstyle.classifier.train_tagger import prepare
from deepstyle.config import ClassifierConfig, TaggerConfig, load_config
from deepstyle.errors import InputError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
CONFIG = load_config(
    ClassifierConfig, "classifier-64", ["network=small", "width=8", "image_size=32", "batch_size=8", "images=16", "precision=32"]
)  # fmt: skip


def listed(folder: Path, *rows: tuple[str, int, str, str | None]) -> LabelTable:
    """A table of (file, which of the pictures it holds, label, split)."""
    for name, seed, _, _ in rows:
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3)).astype(np.uint8)
        (folder / name).write_bytes(encode(pixels))
    made = tuple(LabelRow(path=folder / name, label=label, split=split) for name, _, label, split in rows)
    return LabelTable(rows=made, labels=tuple(sorted({row.label for row in made})))


def names(rows: tuple[str, ...]) -> list[str]:
    return [Path(source).name for source in rows]


def test_a_copy_of_a_held_out_photo_is_not_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A training photo with the bytes of a validation photo goes, whatever it is called; how many did is told."""
    table = listed(
        tmp_path, ("a.png", 1, "hat", "train"), ("b.png", 2, "hat", "train"), ("c.png", 3, "dress", "train"),
        ("copy.png", 1, "hat", "val"), ("d.png", 4, "dress", "val"),
    )  # fmt: skip
    packed = data.pack(table, CONFIG, tmp_path / "packed", name="x", reporter=Reporter())

    assert names(packed.train.sources) == ["b.png", "c.png"]
    assert names(packed.validation.sources) == ["copy.png", "d.png"]
    assert "rows left out: duplicate 1" in capsys.readouterr().err


def test_a_copy_of_a_test_photo_is_not_validated_on(tmp_path: Path) -> None:
    """Of copies on several sides the one marked test stays, wherever it stands in the table."""
    table = listed(
        tmp_path, ("a.png", 1, "hat", "train"), ("b.png", 1, "hat", "val"), ("c.png", 1, "hat", "test"),
        ("d.png", 2, "dress", "val"), ("e.png", 2, "dress", "train"),
    )  # fmt: skip

    assert stand_ins(table.rows) == [2, 2, 2, 3, 3]


def test_a_drawn_split_has_each_photo_once(tmp_path: Path) -> None:
    """Where sides are drawn, too, a photo is on one of them, once; that of an excluded label counts for nothing."""
    photos = [(f"{i}.png", i, "hat" if i % 2 else "dress", None) for i in range(12)]
    copies = [(f"copy-{i}.png", i, "hat" if i % 2 else "dress", None) for i in range(12)]
    unsure = [(f"unsure-{i}.png", i, "unsure", None) for i in range(12)]
    config = CONFIG.model_copy(update={"exclude": ("unsure",)})
    table = listed(tmp_path, *unsure, *photos, *copies)
    packed = data.pack(table, config, tmp_path / "packed", name="x", reporter=QUIET)

    assert sorted(names(packed.train.sources) + names(packed.validation.sources)) == sorted(name for name, *_ in photos)


def test_folds_judge_each_photo_once(tmp_path: Path) -> None:
    """check-labels judges no photo by what has learned from its copy; copies under another label are counted as such."""
    photos = [(f"{i}.png", i, "hat" if i % 2 else "dress", None) for i in range(8)]
    table = listed(tmp_path, *photos, ("copy.png", 0, "dress", None), ("other.png", 2, "hat", None))
    folds = folds_of(table, CONFIG, 2)

    assert sorted(row.path.name for one in folds for row in one.rows if row.split == "val") == [
        row[0] for row in photos
    ]
    assert all(one.dropped == {"duplicate": 1, "duplicate of another label": 1} for one in folds)


def test_photos_that_cannot_be_read_stand_for_themselves(tmp_path: Path) -> None:
    """Rows whose files are missing repeat nothing; files of one size with other bytes are other photos."""
    table = listed(tmp_path, ("a.png", 1, "hat", None), ("b.png", 1, "hat", None))
    (tmp_path / "c.png").write_bytes(bytes((tmp_path / "a.png").stat().st_size))
    more = [replace(table.rows[0], path=tmp_path / name) for name in ("c.png", "gone.png", "gone-too.png")]

    assert stand_ins([*table.rows, *more]) == [0, 0, 2, 3, 4]


def learned(table: Path, folder: Path) -> object:
    return data.pack(read_table(table), CONFIG, folder, name="x", reporter=QUIET)


def checked(table: Path, _: Path) -> object:
    return folds_of(read_table(table), CONFIG, 2)


def tagged(table: Path, folder: Path) -> object:
    return prepare(read_tag_table(table), load_config(TaggerConfig, None), folder, name="x", reporter=QUIET)


@pytest.mark.parametrize("use", [learned, checked, tagged])
def test_a_table_without_any_photo_names_one_and_the_option(
    use: Callable[[Path, Path], object], tmp_path: Path
) -> None:
    """When no listed photo is there the message says so, names the first and --images."""
    table = tmp_path / "table.csv"
    table.write_text("image,tags,label\nlook-1.jpg,red,hat\nlook-2.jpg,blue,dress\n")
    with pytest.raises(InputError, match=r"none of the table's 2 images is there, e\.g\. look-1\.jpg; .*--images"):
        use(table, tmp_path / "w")
