"""Any COCO file becomes one with our labels, by a map; what the map leaves out is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepstyle.annotations.coco import LABELS, read_coco
from deepstyle.annotations.relabel import MAPS, convert_coco, read_map
from deepstyle.errors import InputError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def foreign(folder: Path, count: int = 20, **more: Any) -> Path:
    """A file of another data set: photos of 40 x 60, each with a dress, a shirt and a shoe."""
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    names = ["dress", "shirt, blouse", "shoe"]
    for k in range(count):
        (folder / "photos" / f"{k}.png").write_bytes(encode(np.full((60, 40, 3), 5 * k, np.uint8)))
    data = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 40, "height": 60} for k in range(count)],
        "categories": [{"id": 7 + k, "name": name} for k, name in enumerate(names)],
        "attributes": [{"id": 5, "name": "floral"}, {"id": 6, "name": "mini (length)"}],
        "annotations": [
            {"image_id": k, "category_id": 7 + i, "bbox": [5, 5, 20, 30], "attribute_ids": [6, 99],
             "segmentation": [[5, 5, 25, 5, 25, 35, 5, 35]]}
            for k in range(count) for i in range(3)
        ],
    }  # fmt: skip
    path = folder / "set.json"
    path.write_text(json.dumps(data | more))
    return path


def test_photos_in_folders_of_their_own(tmp_path: Path) -> None:
    """Below --photos a photo is sought in the folder that the file names; without it, one name for two photos is refused."""
    names = ["a/1.png", "b/1.png"]
    images = [{"id": k, "file_name": name, "width": 40, "height": 60} for k, name in enumerate(names)]
    source = foreign(tmp_path, 2, images=images)
    for k, name in enumerate(names):
        (tmp_path / "moved" / name).parent.mkdir(parents=True)
        (tmp_path / "moved" / name).write_bytes((tmp_path / "photos" / f"{k}.png").read_bytes())
    convert_coco(source, tmp_path / "out", {"dress": "full"}, photos=tmp_path / "moved", reporter=QUIET)

    found = [image.path for name in ("train", "val") for image in read_coco(tmp_path / "out" / f"{name}.json").images]
    assert sorted(found) == [tmp_path / "moved" / name for name in names]
    with pytest.raises(InputError, match=r"1\.png would be several photos"):
        convert_coco(source, tmp_path / "out", {"dress": "full"}, photos=tmp_path / "photos", reporter=QUIET)


def test_categories_become_labels(tmp_path: Path) -> None:
    """Boxes get the map's label and keep their category, mask and attributes; the rest is counted by category."""
    summary = convert_coco(
        foreign(tmp_path), tmp_path / "out", read_map("fashionpedia"), reporter=QUIET, photos=tmp_path / "photos"
    )
    found = [read_coco(tmp_path / "out" / f"{name}.json") for name in ("train", "val")]
    one = found[0].images[0].annotations[1]

    assert found[0].labels == found[1].labels == LABELS
    assert summary.boxes == {"upper": 20, "lower": 0, "full": 20}
    assert summary.dropped == {"not-mapped": 20}
    assert summary.examples == {"not-mapped": ("set.json: shoe",)}
    assert (one.label, one.category, one.attributes) == ("upper", "shirt, blouse", ("mini (length)",))
    assert one.mask
    assert len(found[0].images) + len(found[1].images) == 20
    assert found[1].images
    assert all(image.path.is_file() for image in found[0].images)


def test_the_authors_validation_file(tmp_path: Path) -> None:
    """With --val nothing of the training file is held out, and a test share is taken from it alone."""
    train, val = foreign(tmp_path / "a", 30), foreign(tmp_path / "b", 5)
    for folder in ("a", "b"):
        for photo in (tmp_path / folder / "photos").iterdir():
            photo.rename(tmp_path / folder / photo.name)
    mapping = {"dress": "gown"}
    summary = convert_coco(train, tmp_path / "out", mapping, reporter=QUIET, validation=val, test_share=0.4)

    assert summary.photos["val"] == 5
    assert summary.photos["train"] + summary.photos["test"] == 30
    assert summary.photos["test"] > 0
    assert summary.boxes == {"gown": 35}
    convert_coco(train, tmp_path / "out", mapping, reporter=QUIET, validation=val)
    assert not (tmp_path / "out/test.json").exists()


@pytest.mark.parametrize("seed", range(3))
def test_a_tiny_set_has_photos_on_both_sides(tmp_path: Path, seed: int) -> None:
    """Of two photos one is trained on and one held out, whatever their names; one alone is refused with the remedy."""
    mapping, photos = {"dress": "full"}, tmp_path / "photos"
    two, one = foreign(tmp_path, 2), tmp_path / "out-1"
    for share in (0.01, 0.9):
        made = convert_coco(
            two, tmp_path / "out", mapping, reporter=QUIET, photos=photos, validation_share=share, seed=seed
        )
        assert made.photos == {"train": 1, "val": 1, "test": 0}
    with pytest.raises(InputError, match=r"one photo is left.*--val"):
        convert_coco(foreign(tmp_path, 1), one, mapping, reporter=QUIET, photos=photos, seed=seed)
    assert not one.exists()


def test_names_are_told_as_they_can_be_printed(tmp_path: Path) -> None:
    """Control signs in a photo's name reach neither dropped.csv nor the terminal as they are."""
    data = json.loads(foreign(tmp_path, 3).read_text())
    data["images"].append({"id": 9, "file_name": "a\x1b[31m.png", "width": 40, "height": 60})
    source = foreign(tmp_path, 3, images=data["images"])
    found = convert_coco(source, tmp_path / "out", {"dress": "full"}, reporter=QUIET, photos=tmp_path / "photos")

    assert found.examples["no-photo"] == ("a\\x1b[31m.png",)
    assert "\x1b" not in (tmp_path / "out/dropped.csv").read_text()


def test_photos_are_checked(tmp_path: Path) -> None:
    """A missing photo, one of another size and one without a mapped garment are each counted."""
    path = foreign(tmp_path, 6)
    data = json.loads(path.read_text())
    data["annotations"] = [row for row in data["annotations"] if row["image_id"] != 2 or row["category_id"] == 9]
    path.write_text(json.dumps(data))
    (tmp_path / "photos/0.png").unlink()
    (tmp_path / "photos/1.png").write_bytes(encode(np.zeros((40, 60, 3), np.uint8)))
    summary = convert_coco(path, tmp_path / "out", {"dress": "full"}, reporter=QUIET, photos=tmp_path / "photos")

    assert {key: summary.dropped[key] for key in ("no-photo", "size-differs", "no-garment")} == {
        "no-photo": 1, "size-differs": 1, "no-garment": 1,
    }  # fmt: skip
    assert sum(summary.photos.values()) == 3


def test_maps(tmp_path: Path) -> None:
    """Maps are pairs or names; a misspelt category and a map that is none are refused with what there is."""
    assert read_map("dress=full, shirt = upper") == {"dress": "full", "shirt": "upper"}
    assert read_map("shirt, blouse=upper; dress=full") == {"shirt, blouse": "upper", "dress": "full"}
    assert all(set(mapping.values()) == set(LABELS) for mapping in MAPS.values())
    for wrong in ("", "dress", "dress=", "a=b=c", "fashionpedai"):
        with pytest.raises(UsageError, match="fashionpedia, modanet"):
            read_map(wrong)
    with pytest.raises(UsageError, match="a/b cannot name a folder"):
        read_map("dress=full,shirt=a/b")
    path = foreign(tmp_path)
    with pytest.raises(UsageError, match="has no category dres; it has dress; shirt, blouse; shoe"):
        convert_coco(path, tmp_path / "out", {"dres": "full"}, reporter=QUIET)
    with pytest.raises(InputError, match="--photos"):
        convert_coco(path, tmp_path / "out", {"dress": "full"}, reporter=QUIET)
