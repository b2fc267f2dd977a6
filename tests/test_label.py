"""A detector's own boxes as annotations, and the tags that check them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from deepstyle.annotations.coco import read_coco
from deepstyle.annotations.mask import decode
from deepstyle.annotations.tags import _is_photo, garments, read_tags
from deepstyle.boxes import Box
from deepstyle.detector.label import label_photos
from deepstyle.detector.matching import plausible
from deepstyle.images import Pixels, encode
from deepstyle.progress import Reporter
from deepstyle.shape import SIDE

UPPER, WEAK, LOWER = (
    Box(x0=4, y0=4, x1=20, y1=20, label="upper", score=0.9),
    Box(x0=5, y0=5, x1=25, y1=25, label="upper", score=0.4),
    Box(x0=4, y0=24, x1=20, y1=40, label="lower", score=0.5),
)


class Fixed:
    """A detector that says the same of every photo."""

    name = "fixed@0"
    labels = ("upper", "lower", "full")

    def __init__(self, boxes: Sequence[Box] = (UPPER, WEAK, LOWER)) -> None:
        self._boxes = boxes

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        return [[*self._boxes] for _ in photos]


def test_tags_decide_how_many_boxes_stay() -> None:
    """Of each label as many boxes as the photo shows are kept, best first; one lacking garment rejects the photo."""
    boxes = [WEAK, LOWER, UPPER]

    assert plausible(boxes, min_score=0.3, worn={"upper": 1, "lower": 1}) == [UPPER, LOWER]
    assert plausible(boxes, min_score=0.3, worn={"upper": 2}) == [UPPER, WEAK]
    assert plausible(boxes, min_score=0.5, worn={"upper": 2}) == []
    assert plausible(boxes, min_score=0.3, worn={"full": 1}) == []
    assert plausible(boxes, min_score=0.45, worn=None) == [UPPER, LOWER]
    assert plausible(boxes, min_score=0.5, worn=None) == [UPPER, LOWER]


def test_hosiery_counts_only_alone() -> None:
    """Tights under a dress are no garment of their own; tights under a jacket are."""
    assert garments({"tights", "dress", "bag"}) == Counter(full=1)
    assert garments({"tights", "jacket"}) == Counter(lower=1, upper=1)


def test_tags_are_read_from_the_data_set(tmp_path: Path) -> None:
    """Tag files with a photo are read; those without a photo, without a garment, or broken are left out."""
    names = np.array(["null", "bag", "jacket", "jeans"], dtype=object).reshape(1, -1)
    savemat(tmp_path / "label_list.mat", {"label_list": names})
    tags = tmp_path / "annotations/image-level"
    tags.mkdir(parents=True)
    (tmp_path / "photos").mkdir()
    for name, ids in (("1", [0, 2, 3]), ("2", [0, 1]), ("3", [2])):
        savemat(tags / f"{name}.mat", {"tags": np.array([ids], np.uint8)})
    (tags / "4.mat").write_bytes(b"broken")
    for name in ("1", "2", "4"):
        (tmp_path / f"photos/{name}.jpg").write_bytes(b"x")

    assert read_tags(tmp_path) == {(tmp_path / "photos/1.jpg").absolute(): Counter(upper=1, lower=1)}


@pytest.mark.parametrize(("worn", "labelled", "unsure"), [(None, 2, 0), ({"upper": 1, "full": 1}, 0, 2)])
def test_labels_become_a_coco_file(tmp_path: Path, worn: dict[str, int] | None, labelled: int, unsure: int) -> None:
    """What the detector found is written as COCO; unsure photos are left out, broken ones are counted."""
    photos = [tmp_path / f"{k}.png" for k in range(3)]
    for path in photos[:2]:
        path.write_bytes(encode(np.zeros((48, 32, 3), np.uint8)))
    photos[2].write_bytes(b"broken")
    known = {path: Counter(worn) for path in photos} if worn else None
    out = tmp_path / "more.json"
    summary = label_photos(Fixed(), photos, out, min_score=0.45, worn=known, reporter=Reporter(quiet=True))
    written = read_coco(out)

    assert (summary.labelled, summary.unsure, summary.failed) == (labelled, unsure, 1)
    assert [image.path for image in written.images] == photos[:labelled]
    assert all([a.box for a in image.annotations] == [UPPER.corners, LOWER.corners] for image in written.images)


def test_shapes_become_masks(tmp_path: Path) -> None:
    """What the mask head says is garment is the annotation's segmentation, at the photo's edge too; without it there is none."""
    cells = np.zeros((SIDE, SIDE), np.uint8)
    cells[:, : SIDE // 2] = 255  # the left half
    left = replace(UPPER, x0=0, shape=cells.tobytes())
    path = tmp_path / "a.png"
    path.write_bytes(encode(np.zeros((48, 32, 3), np.uint8)))
    out = tmp_path / "more.json"
    known = Fixed([left, replace(LOWER, shape=bytes(SIDE * SIDE))])
    label_photos(known, [path], out, min_score=0.45, reporter=Reporter(quiet=True))
    shaped, empty = (one.mask for one in read_coco(out).images[0].annotations)
    mask = decode(shaped, 48, 32)

    assert mask[6:18, :9].all()
    assert not mask[:, 11:].any()
    assert not mask[24:].any()
    assert empty == ""


def test_what_a_killed_process_was_writing_is_no_photo() -> None:
    """Photos below a folder are found by their names, whatever the case; hidden files are not among them."""
    names = ["a.jpg", "B.JPEG", "c.png", "d.txt", ".tmp-x.jpg"]

    assert [_is_photo(Path(name)) for name in names] == [True, True, True, False, False]
