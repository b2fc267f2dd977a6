"""DeepFashion2, as its authors ship it, becomes COCO files; what is broken is counted and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_deepfashion import QUIET, WHITE

from deepstyle.annotations.coco import LABELS, read_coco
from deepstyle.annotations.deepfashion2 import NAMES, convert_deepfashion2
from deepstyle.annotations.mask import decode
from deepstyle.errors import InputError


def test_deepfashion2(tmp_path: Path) -> None:
    """Several items a photo with their masks; validation becomes val; broken files and items, and photos without, are counted."""
    item = {
        "category_id": 8,
        "bounding_box": [10, 20, 110, 220],
        "segmentation": [[10, 20, 110, 20, 110, 220, 10, 220]],
    }
    bad = {"category_id": 14, "bounding_box": [1, 2, 3, 4]}
    inverted = {"category_id": 1, "bounding_box": [110, 20, 10, 220]}
    annos: dict[str, bytes] = {
        "train/annos/000001": json.dumps({"source": "user", "pair_id": 1, "item1": item,
                                          "item2": item | {"category_id": 13, "segmentation": [[1, 2]]}}).encode(),
        "train/annos/000002": json.dumps({"item1": bad, "item2": 3, "item3": inverted}).encode(),
        "train/annos/000003": b"{", "train/annos/000004": json.dumps({"item1": item}).encode(),
        "validation/annos/000001": json.dumps({"item1": item | {"category_id": 1}}).encode(),
    }  # fmt: skip
    for key, data in annos.items():
        path = tmp_path / "set" / f"{key}.json"
        image = path.parent.parent / "image" / f"{path.stem}.jpg"
        for folder in (path.parent, image.parent):
            folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        image.write_bytes(WHITE)
    (tmp_path / "set/train/image/000004.jpg").unlink()
    (tmp_path / "set/train/image/000009.jpg").write_bytes(WHITE)
    (tmp_path / "set/test/image").mkdir(parents=True)
    (tmp_path / "set/test/image/000001.jpg").write_bytes(WHITE)
    summary = convert_deepfashion2(tmp_path / "set", tmp_path / "out", reporter=QUIET)
    train, val = read_coco(tmp_path / "out/train.json"), read_coco(tmp_path / "out/val.json")
    expected = np.zeros((300, 200), bool)
    expected[20:220, 10:110] = True

    assert summary.dropped == {
        "bad-mask": 1,
        "bad-item": 2,
        "no-area": 1,
        "no-garment": 1,
        "bad-json": 1,
        "no-photo": 1,
        "no-json": 1,
    }
    assert summary.examples["no-json"] == ("train/000009",)
    assert train.labels == LABELS
    assert [(one.label, one.category) for one in train.images[0].annotations] == [
        ("lower", "trousers"), ("full", "sling dress"),
    ]  # fmt: skip
    assert (decode(train.images[0].annotations[0].mask, 300, 200) == expected).all()
    assert [one.label for image in val.images for one in image.annotations] == ["upper"]
    convert_deepfashion2(tmp_path / "set", tmp_path / "out", reporter=QUIET, labels="category")
    assert read_coco(tmp_path / "out/val.json").labels == NAMES
    with pytest.raises(InputError, match="holds no train/annos"):
        convert_deepfashion2(tmp_path, tmp_path / "out", reporter=QUIET)
