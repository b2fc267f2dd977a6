"""The COCO files that detectors are trained and judged on: opened, told of, refused before slow work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepstyle.annotations.pair import read_pair
from deepstyle.errors import InputError
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def coco(folder: Path, name: str, *rows: dict[str, Any], label: str = "upper") -> Path:
    """A file of one photo with one box, changed in each row as that says."""
    one = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}
    data = {
        "images": [{"id": 1, "file_name": f"{name}.png", "width": 10, "height": 10}],
        "categories": [{"id": 1, "name": label}],
        "annotations": [one | row for row in rows],
    }
    (folder / f"{name}.png").touch()
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data))
    return path


def test_what_is_left_out_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows of a COCO file that are no garment's box are counted on the terminal, by reason; a good file says nothing."""
    train = coco(tmp_path, "train", {}, {"image_id": 7}, {"bbox": [1, 1, 0, 5]}, {"image_id": 8})
    read_pair([train], coco(tmp_path, "val", {}), Reporter())
    told = capsys.readouterr().err

    assert f"{train}: not every annotation is used as it is: no-area 1, no-image 2" in told
    assert "val.json" not in told


def test_files_without_boxes_are_refused(tmp_path: Path) -> None:
    """Training on no box, and measuring with none, is refused at once, naming the file."""
    good, empty = coco(tmp_path, "good", {}), coco(tmp_path, "empty", {"category_id": 3})

    for train, validation in ((empty, good), (good, empty)):
        with pytest.raises(InputError, match=r"empty\.json: no photo has a box"):
            read_pair([train], validation, QUIET)


def test_labels_that_name_no_folder_are_refused(tmp_path: Path) -> None:
    """A label that no crop could write garments of is refused before the training, not after it."""
    train, validation = (coco(tmp_path, name, {}, label="shirt/blouse") for name in ("train", "val"))

    with pytest.raises(InputError, match="'shirt/blouse' cannot name a folder"):
        read_pair([train], validation, QUIET)


def test_a_missing_photo_is_named_with_its_folder_and_the_flag(tmp_path: Path) -> None:
    """Before anything slow: which photo is not there, where it was looked for, and how to say where the photos are."""
    train, validation = coco(tmp_path, "train", {}), coco(tmp_path, "val", {})
    (tmp_path / "val.png").unlink()

    with pytest.raises(
        InputError, match=rf"^--val {validation}: 1 of its 1 .*first val\.png, .* folder {tmp_path}; .*--photos"
    ):
        read_pair([train], validation, QUIET)
    with pytest.raises(InputError, match=rf"^{validation}: 1 of its 1 photos are missing, first val\.png"):
        read_pair([validation], train, QUIET)
