"""Clothing Co-Parsing's masks become the boxes a garment detector should learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from deepstyle.annotations.ccp import GARMENTS, boxes_from_mask, convert_ccp
from deepstyle.annotations.coco import LABELS, read_coco
from deepstyle.annotations.mask import decode
from deepstyle.errors import InputError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "null", "bag", "blazer", "shirt", "sweater", "pants", "skirt", "stockings", "dress", "coat", "jeans", "jacket",
    "skin",
)  # fmt: skip
QUIET = Reporter(quiet=True)
Mask = NDArray[np.uint8]
Patch = tuple[str, int, int, int, int]  # label, x0, y0, x1, y1


def draw(*patches: Patch) -> Mask:
    """Paint a mask of 100 x 200 pixels; later patches cover earlier ones."""
    mask = np.zeros((200, 100), np.uint8)
    for name, x0, y0, x1, y1 in patches:
        mask[y0:y1, x0:x1] = NAMES.index(name)
    return mask


def boxes(*patches: Patch) -> dict[str, tuple[float, ...]]:
    return {one.category: one.box for one in boxes_from_mask(draw(*patches), NAMES)[0]}


def gallery(folder: Path, masks: dict[str, Mask]) -> Path:
    """Make a folder in CCP's form, with a white photo for each mask."""
    for part in ("photos", "annotations/pixel-level"):
        (folder / part).mkdir(parents=True)
    savemat(folder / "label_list.mat", {"label_list": np.array([list(NAMES)], dtype=object)})
    for name, mask in masks.items():
        savemat(folder / "annotations/pixel-level" / f"{name}.mat", {"groundtruth": mask})
        white = np.full((*mask.shape, 3), 255, np.uint8)
        (folder / "photos" / f"{name}.jpg").write_bytes(encode(white, "JPEG"))
    return folder


def test_each_garment_has_one_label() -> None:
    """The table names only the three labels, and coats count as full."""
    assert set(GARMENTS.values()) == set(LABELS)
    assert GARMENTS["coat"] == "full"
    assert "hat" not in GARMENTS


def test_parts_split_by_a_bag_are_joined() -> None:
    """A skirt that a bag cuts in two is one box around both parts."""
    assert boxes(("skirt", 20, 100, 80, 160), ("bag", 40, 90, 60, 170)) == {"skirt": (20.0, 100.0, 80.0, 160.0)}


def test_specks_do_not_widen_boxes() -> None:
    """A stray of under 0.2 % of the photo neither widens a box nor makes one."""
    patches: list[Patch] = [("pants", 30, 100, 70, 190), ("pants", 1, 1, 5, 5), ("dress", 90, 1, 95, 6)]
    found, left_out = boxes_from_mask(draw(*patches), NAMES)

    assert [(one.label, one.box) for one in found] == [("lower", (30.0, 100.0, 70.0, 190.0))]
    assert left_out == {"speck": 2}


def test_masks_are_the_joined_parts_without_specks() -> None:
    """A garment's mask holds its parts on both sides of a bag, and neither the bag nor a stray."""
    patches: list[Patch] = [("skirt", 20, 100, 80, 160), ("bag", 40, 90, 60, 170), ("skirt", 1, 1, 5, 5)]
    found, _ = boxes_from_mask(draw(*patches), NAMES)
    expected = draw(*patches) == NAMES.index("skirt")
    expected[:10] = False

    assert (decode(found[0].mask, 200, 100) == expected).all()


def test_coat_over_dress_keeps_both() -> None:
    """Layers of the same label keep a box each."""
    found = boxes(("dress", 20, 30, 80, 180), ("coat", 10, 20, 45, 150), ("coat", 60, 20, 95, 150))

    assert found == {"dress": (20.0, 30.0, 80.0, 180.0), "coat": (10.0, 20.0, 95.0, 150.0)}


def test_shirt_under_an_open_blazer_stays() -> None:
    """Two slivers of a shirt beside a bag, under an open blazer, are one box from collar to hem."""
    found = boxes(
        ("blazer", 20, 30, 80, 100), ("shirt", 40, 30, 60, 60), ("bag", 40, 60, 60, 80), ("shirt", 40, 80, 60, 105)
    )

    assert found["shirt"] == (40.0, 30.0, 60.0, 105.0)
    assert found["blazer"] == (20.0, 30.0, 80.0, 100.0)


def test_collar_is_no_garment() -> None:
    """A collar above a sweater shows too little of its shirt to be a garment."""
    found, left_out = boxes_from_mask(draw(("sweater", 20, 30, 80, 100), ("shirt", 42, 30, 58, 40)), NAMES)

    assert [one.category for one in found] == ["sweater"]
    assert left_out == {"trim": 1}


def test_collar_and_cuffs_are_no_second_box() -> None:
    """Collar and cuffs around a sweater would make a box nearly equal to the sweater's; it is left out."""
    found = boxes(
        ("sweater", 10, 30, 90, 100), ("shirt", 40, 26, 60, 34), ("shirt", 10, 95, 20, 104), ("shirt", 80, 95, 90, 104)
    )

    assert list(found) == ["sweater"]


def test_stockings_count_only_when_nothing_covers_the_legs() -> None:
    """Stockings are the lower garment under a long sweater, but not under a skirt or a dress."""
    legs: Patch = ("stockings", 40, 110, 60, 190)

    assert list(boxes(("sweater", 20, 30, 80, 110), legs)) == ["sweater", "stockings"]
    assert list(boxes(("skirt", 30, 80, 70, 120), legs)) == ["skirt"]
    assert list(boxes(("dress", 30, 30, 70, 120), legs)) == ["dress"]


def test_denim_jacket_called_jeans() -> None:
    """The part of ``jeans`` around the chest is a jacket, the part around the legs stays trousers."""
    found, _ = boxes_from_mask(
        draw(
            ("skin", 40, 0, 60, 30), ("jeans", 20, 30, 80, 90), ("shirt", 40, 30, 60, 100), ("jeans", 30, 100, 70, 200)
        ),
        NAMES,
    )

    assert {(one.label, one.category): one.box for one in found} == {
        ("upper", "jacket"): (20.0, 30.0, 80.0, 90.0),
        ("upper", "shirt"): (40.0, 30.0, 60.0, 100.0),
        ("lower", "jeans"): (30.0, 100.0, 70.0, 200.0),
    }


def test_unknown_ids_are_counted() -> None:
    """An id beyond the list of names is counted, never an error."""
    mask = draw(("dress", 20, 30, 80, 180))
    mask[:5] = 77

    assert boxes_from_mask(mask, NAMES)[1] == {"unknown-id": 1}


def test_conversion_counts_and_names_what_it_drops(tmp_path: Path) -> None:
    """Every broken photo or mask is counted and named; the rest is written, once, in two files."""
    dress = draw(("dress", 20, 30, 80, 180))
    source = gallery(tmp_path / "ccp", {f"{k:04d}": dress for k in range(20)} | {"empty": draw()})
    masks, photos = source / "annotations/pixel-level", source / "photos"
    (photos / "0000.jpg").unlink()
    (photos / "0001.jpg").write_bytes(b"<html>")
    (masks / "0002.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    (masks / "0003.mat").write_bytes((masks / "0004.mat").read_bytes()[:300])
    savemat(masks / "0005.mat", {"other": dress})
    savemat(masks / "0006.mat", {"groundtruth": dress / 3})
    savemat(masks / "0007.mat", {"groundtruth": dress[:100]})
    savemat(masks / "0008.mat", {"groundtruth": dress.astype(float)})
    summary = convert_ccp(source, tmp_path / "out", reporter=QUIET)

    assert summary.dropped == {"no-photo": 1, "bad-photo": 1, "bad-mask": 4, "size-differs": 1, "no-garment": 1}
    assert summary.examples["bad-mask"] == ("0002", "0003", "0005", "0006")
    assert summary.examples["size-differs"] == ("0007",)
    assert summary.boxes == {"upper": 0, "lower": 0, "full": 13}
    train, val = (read_coco(tmp_path / "out" / f"{name}.json") for name in ("train", "val"))
    assert summary.photos == {"train": len(train.images), "val": len(val.images), "test": 0}
    assert sum(summary.photos.values()) == 13
    assert train.labels == LABELS
    assert not {image.path for image in train.images} & {image.path for image in val.images}
    assert all(image.path.is_file() for image in train.images + val.images)
    assert train.images[0].annotations[0].box == (20.0, 30.0, 80.0, 180.0)


def test_split_is_stable(tmp_path: Path) -> None:
    """The same seed gives the same files byte for byte, another seed another split, and old photos never move."""
    masks = {f"{k:04d}": draw(("dress", 20, 30, 80, 180)) for k in range(40)}
    small = gallery(tmp_path / "a" / "ccp", dict(list(masks.items())[:30]))
    large = gallery(tmp_path / "b" / "ccp", masks)

    def validation(source: Path, name: str, seed: int) -> set[str]:
        convert_ccp(source, tmp_path / name, reporter=QUIET, validation_share=0.3, seed=seed)
        return {image.path.name for image in read_coco(tmp_path / name / "val.json").images}

    first = validation(small, "one", 0)
    assert validation(small, "two", 0) == first
    assert (tmp_path / "one/val.json").read_bytes() == (tmp_path / "two/val.json").read_bytes()
    assert validation(small, "three", 1) != first
    assert first == {name for name in validation(large, "four", 0) if name < "0030"}


def test_wrong_folders_are_named(tmp_path: Path) -> None:
    """A folder that is not CCP's, one without masks, and one without a usable photo are refused with a remedy."""
    with pytest.raises(InputError, match=r"label_list\.mat: cannot be read .*; give"):
        convert_ccp(tmp_path, tmp_path / "out", reporter=QUIET)
    with pytest.raises(InputError, match=r"holds no \.mat masks"):
        convert_ccp(gallery(tmp_path / "bare", {}), tmp_path / "out", reporter=QUIET)
    with pytest.raises(InputError, match="no photo has a usable mask"):
        convert_ccp(gallery(tmp_path / "blank", {"0001": draw()}), tmp_path / "out", reporter=QUIET)
    (tmp_path / "bare" / "label_list.mat").write_bytes(b"no")
    with pytest.raises(InputError, match="no readable MATLAB file"):
        convert_ccp(tmp_path / "bare", tmp_path / "out", reporter=QUIET)
    with pytest.raises(UsageError, match=r"validation share 1\.5"):
        convert_ccp(tmp_path, tmp_path / "out", reporter=QUIET, validation_share=1.5)
    assert not (tmp_path / "out").exists()
