"""The COCO form: what is written reads back the same, and broken files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstyle.annotations.coco import (
    LABELS,
    AnnotatedImage,
    AnnotatedSet,
    Annotation,
    clip,
    read_coco,
    write_coco,
)
from deepstyle.annotations.mask import decode
from deepstyle.annotations.mask import encode as encode_mask
from deepstyle.annotations.sheet import contact_sheet
from deepstyle.errors import InputError, StorageError
from deepstyle.images import encode

GOOD: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 50}],
    "categories": [{"id": 9, "name": "lower"}, {"id": 2, "name": "upper"}],
    "annotations": [{"image_id": 7, "category_id": 9, "bbox": [10, 20, 30, 5]}],
}


def save(folder: Path, **changes: Any) -> Path:
    path = folder / "set.json"
    path.write_text(json.dumps(GOOD | changes))
    return path


def row(**changes: Any) -> dict[str, Any]:
    return {**GOOD["annotations"][0], **changes}


def test_foreign_ids_and_relative_names(tmp_path: Path) -> None:
    """Ids need not start at 1 nor be sorted; names follow the ids; a photo is sought beside the JSON."""
    found = read_coco(save(tmp_path))

    assert found.labels == ("upper", "lower")
    assert found.dropped == {}
    box = Annotation(box=(10.0, 20.0, 40.0, 25.0), label="lower")
    assert found.images == (AnnotatedImage(path=tmp_path / "a.jpg", width=100, height=50, annotations=(box,)),)


def test_round_trip(tmp_path: Path) -> None:
    """A set reads back equal, photos without boxes, far-away photos and categories included."""
    inside = AnnotatedImage(
        path=tmp_path / "photos" / "ü.jpg",
        width=60,
        height=80,
        annotations=(
            Annotation(box=(0.0, 0.0, 60.0, 40.5), label="upper", category="t-shirt"),
            Annotation(box=(1.25, 40.0, 33.5, 80.0), label="full", mask=encode_mask(np.eye(80, 60) > 0)),
            Annotation(box=(1.0, 4.0, 3.0, 8.0), label="lower", attributes=("floral", "mini length")),
        ),
    )
    outside = AnnotatedImage(path=Path("/elsewhere/b.jpg"), width=5, height=5)
    written = AnnotatedSet(labels=LABELS, images=(inside, outside))
    write_coco(tmp_path / "set.json", written)

    assert read_coco(tmp_path / "set.json") == written
    raw = json.loads((tmp_path / "set.json").read_text())
    assert [image["file_name"] for image in raw["images"]] == ["photos/ü.jpg", "/elsewhere/b.jpg"]
    assert [category["id"] for category in raw["categories"]] == [1, 2, 3]
    assert raw["annotations"][0]["area"] == 60 * 40.5
    assert raw["annotations"][0]["attributes"] == {"category": "t-shirt"}
    assert "segmentation" not in raw["annotations"][0]
    assert raw["annotations"][1]["segmentation"]["size"] == [80, 60]
    assert [p.name for p in tmp_path.iterdir()] == ["set.json"]


@given(st.tuples(*[st.floats(0, 500, allow_nan=False)] * 4))
def test_round_trip_of_any_box(tmp_path_factory: pytest.TempPathFactory, values: tuple[float, ...]) -> None:
    """Whatever the fractions of a pixel, a box inside its photo comes back within rounding and uncounted."""
    x0, x1 = sorted(values[:2])
    y0, y1 = sorted(values[2:])
    if x1 - x0 < 0.01 or y1 - y0 < 0.01:
        return
    path = tmp_path_factory.getbasetemp() / "any.json"
    one = Annotation(box=(x0, y0, x1, y1), label="full")
    image = AnnotatedImage(path=path.with_suffix(".jpg"), width=500, height=500, annotations=(one,))
    write_coco(path, AnnotatedSet(labels=LABELS, images=(image,)))
    found = read_coco(path)

    assert found.dropped == {}
    assert found.images[0].annotations[0].box == pytest.approx(one.box, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iscrowd": 1, "bbox": None}, "crowd"),
        ({"iscrowd": True}, "crowd"),
        ({"bbox": [10, 10, -5, 5]}, "no-area"),
        ({"bbox": [10, 10, 0, 5]}, "no-area"),
        ({"bbox": [10, 10, float("nan"), 5]}, "no-area"),
        ({"bbox": [200, 10, 5, 5]}, "outside"),
        ({"bbox": [-9, 0, 9, 5]}, "outside"),
        ({"image_id": 1}, "no-image"),
        ({"bbox": None}, "no-box"),
        ({"bbox": [], "segmentation": [[1, 2]]}, "no-box"),
        ({"category_id": 1}, "no-category"),
    ],
)
def test_bad_rows_are_counted(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    """A row that is no usable box is counted under its reason, and the others stay."""
    found = read_coco(save(tmp_path, annotations=[row(), row(**change)]))

    assert found.dropped == {reason: 1}
    assert len(found.images[0].annotations) == 1


@pytest.mark.parametrize("empty", [{"bbox": None}, {"bbox": []}, {}])
def test_a_row_without_a_box_has_that_of_its_mask(tmp_path: Path, empty: dict[str, Any]) -> None:
    """A missing or empty ``bbox`` is told, and made up for by the box around the pixels of the segmentation."""
    bare = {key: value for key, value in row().items() if key != "bbox"} | empty
    found = read_coco(save(tmp_path, annotations=[bare | {"segmentation": [[10, 20, 40, 20, 40, 25, 10, 25]]}, bare]))

    assert found.dropped == {"box-of-mask": 1, "no-box": 1}
    assert [one.box for one in found.images[0].annotations] == [(10.0, 20.0, 40.0, 25.0)]
    assert found.images[0].annotations[0].mask


def test_what_is_listed_twice_is_told(tmp_path: Path) -> None:
    """A photo under two ids, and an annotation that its photo has already, are taken as they stand and counted."""
    twice = [*GOOD["images"], {**GOOD["images"][0], "id": 8}]
    found = read_coco(save(tmp_path, images=twice, annotations=[row(), row(), row(bbox=[1, 2, 3, 4]), row(image_id=8)]))

    assert found.dropped == {"repeated": 1, "repeated-photo": 1}
    assert [len(image.annotations) for image in found.images] == [3, 1]


def test_ids_of_other_kinds(tmp_path: Path) -> None:
    """Ids may be texts or written with a point, and 7, 7.0 and "7" are one id; a crowd that is written as "0" is none."""
    images = [
        {"id": "7", "file_name": "a.jpg", "width": 100.0, "height": 50},
        {**GOOD["images"][0], "id": "b", "file_name": "b.jpg"},
    ]
    rows = [row(image_id=7.0, category_id="9", iscrowd="0"), row(image_id="b", attributes={"category": None})]
    found = read_coco(save(tmp_path, images=images, annotations=rows))

    assert found.labels == ("upper", "lower")
    assert found.dropped == {}
    assert [[one.label for one in image.annotations] for image in found.images] == [["lower"], ["lower"]]
    assert found.images[1].annotations[0].category == ""


def test_names_with_backslashes(tmp_path: Path) -> None:
    """A backslash parts folders, as in files from Windows, unless a photo is called so."""
    (tmp_path / "odd\\name.jpg").write_bytes(b"")
    images = [
        {**GOOD["images"][0], "id": k, "file_name": name} for k, name in enumerate(["sub\\a.jpg", "odd\\name.jpg"])
    ]
    found = read_coco(save(tmp_path, images=images, annotations=[]))

    assert [image.path for image in found.images] == [tmp_path / "sub" / "a.jpg", tmp_path / "odd\\name.jpg"]


def test_crowds_are_kept_apart(tmp_path: Path) -> None:
    """A crowd with a box is no annotation, but a region of its photo, and reads back as it was written."""
    found = read_coco(save(tmp_path, annotations=[row(), row(iscrowd=1, bbox=[0, 0, 200, 50])]))
    write_coco(tmp_path / "again.json", found)
    crowd = Annotation(box=(0.0, 0.0, 100.0, 50.0), label="lower")

    assert len(found.images[0].annotations) == 1
    assert found.images[0].crowds == (crowd,)
    assert read_coco(tmp_path / "again.json") == found


def test_broken_masks_are_counted_and_their_boxes_stay(tmp_path: Path) -> None:
    """Polygons become a mask of the photo; a segmentation of another photo is counted, and its box is kept without."""
    polygon = [[10, 20, 40, 20, 40, 25, 10, 25]]
    other = {"size": [9, 9], "counts": encode_mask(np.ones((9, 9), bool))}
    found = read_coco(
        save(tmp_path, annotations=[row(segmentation=polygon), row(segmentation=other), row(bbox=[1, 2, 3, 4])])
    )
    masks = [one.mask for one in found.images[0].annotations]
    expected = np.zeros((50, 100), bool)
    expected[20:25, 10:40] = True

    assert found.dropped == {"bad-mask": 1}
    assert (decode(masks[0], 50, 100) == expected).all()
    assert masks[1:] == ["", ""]


def test_boxes_over_the_edge_are_clipped(tmp_path: Path) -> None:
    """A box that reaches over the edge is cut at it, and counted."""
    found = read_coco(save(tmp_path, annotations=[row(bbox=[-5, 40, 200, 20])]))

    assert found.images[0].annotations[0].box == (0.0, 40.0, 100.0, 50.0)
    assert found.dropped == {"clipped": 1}
    assert clip((0, 0, 1, 1), 100, 50) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"categories": None}, "'categories' is a NoneType"),
        ({"images": [3]}, r"images\[0\] is a int"),
        ({"images": [{"id": 1, "width": 5, "height": 5}]}, r"images\[0\] lacks 'file_name'"),
        ({"images": [{"id": 1, "file_name": "a", "width": "5", "height": 5}]}, r"images\[0\].width is '5'"),
        ({"images": [{"id": 1, "file_name": "a", "width": 0, "height": 5}]}, "0 x 5 pixels"),
        ({"images": GOOD["images"] * 2}, r"images\[1\] repeats the id 7"),
        ({"annotations": [{"image_id": 7}]}, r"annotations\[0\] lacks 'category_id'"),
        ({"annotations": [row(bbox=[1, 2, 3])]}, "not four numbers"),
        ({"annotations": [row(bbox=[1, 2, 3, "4"])]}, "not four numbers"),
        ({"annotations": [row(image_id=True)]}, "image_id is True, which is no id"),
        ({"annotations": [row(bbox=[10**400, 2, 3, 4])]}, "not four numbers"),
        ({"categories": [*GOOD["categories"], {"id": 9, "name": "full"}]}, r"categories\[2\] gives the id 9 to 'full'"),
        ({"images": [{"id": 1, "file_name": "", "width": 5, "height": 5}]}, "no file can be called"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """A file of the wrong form is refused with its name, the row and what is wrong there."""
    path = save(tmp_path, **changes)

    with pytest.raises(InputError, match=words) as caught:
        read_coco(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000])
def test_what_is_no_json(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no JSON are refused by name."""
    (tmp_path / "x.json").write_bytes(content)

    with pytest.raises(InputError, match=r"x\.json: is no JSON"):
        read_coco(tmp_path / "x.json")


def test_missing_keys_and_files(tmp_path: Path) -> None:
    """A missing file, a list at the top and a missing list are each told apart."""
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "empty.json").write_text("{}")

    with pytest.raises(InputError, match="cannot be read"):
        read_coco(tmp_path / "none.json")
    with pytest.raises(InputError, match="holds a list"):
        read_coco(tmp_path / "list.json")
    with pytest.raises(InputError, match="has no 'categories'"):
        read_coco(tmp_path / "empty.json")


def test_unwritable_sets(tmp_path: Path) -> None:
    """A label outside the set and a folder that is a file are refused before anything appears."""
    one = AnnotatedImage(
        path=tmp_path / "a.jpg", width=9, height=9, annotations=(Annotation(box=(0, 0, 5, 5), label="hat"),)
    )
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="label 'hat' is none of upper, lower, full"):
        write_coco(tmp_path / "set.json", AnnotatedSet(labels=LABELS, images=(one,)))
    with pytest.raises(StorageError, match="cannot be written"):
        write_coco(tmp_path / "file" / "set.json", AnnotatedSet(labels=LABELS, images=()))
    assert not (tmp_path / "set.json").exists()


def test_contact_sheet(tmp_path: Path) -> None:
    """The sheet shows each label's box in its own colour, and a missing photo as a grey cell."""
    (tmp_path / "a.png").write_bytes(encode(np.full((200, 100, 3), 255, np.uint8)))
    boxes = (
        Annotation(box=(10, 20, 90, 90), label="upper", mask=encode_mask(np.tri(200, 100, -60) > 0)),
        Annotation(box=(10, 100, 90, 190), label="lower", category="jeans"),
    )
    good = AnnotatedImage(path=tmp_path / "a.png", width=100, height=200, annotations=boxes)
    gone = AnnotatedImage(path=tmp_path / "gone.png", width=150, height=200)
    sheet = contact_sheet([good, gone, good], columns=2, height=200)

    assert sheet.shape == (2 * 202 + 2, 2 * 152 + 2, 3)
    assert tuple(sheet[2 + 60, 2 + 10]) == (230, 25, 75)
    assert tuple(sheet[2 + 150, 2 + 10]) == (0, 160, 60)
    assert tuple(sheet[2 + 85, 2 + 15]) == pytest.approx((245, 163, 183), abs=1)  # 0.4 of the label's colour on white
    assert tuple(sheet[100, 154 + 70]) == (200, 200, 200)
    with pytest.raises(InputError, match="no annotated photos"):
        contact_sheet([])
