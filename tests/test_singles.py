"""Photos of single garments: the box that stands out, the labels, the split by sender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deepstyle.annotations.coco import read_coco
from deepstyle.annotations.salient import edge_distance, salient_box
from deepstyle.annotations.singles import convert_singles
from deepstyle.boxes import iou
from deepstyle.errors import InputError
from deepstyle.images import Pixels, encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def photo(box: tuple[int, int, int, int] | None, *, seed: int = 0, size: tuple[int, int] = (240, 180)) -> Pixels:
    """A green cloth with soft folds; where ``box`` says, a shirt of another colour lies on it."""
    random = np.random.default_rng(seed)
    folds = gaussian_filter(random.normal(0, 1, size), 20) * 200
    pixels = np.stack([40 + folds, 120 + folds, 60 + folds], axis=2)
    if box is not None:
        x0, y0, x1, y1 = box
        pixels[y0:y1, x0:x1] = (190, 60, 70)
    return np.clip(pixels + random.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("box", [(40, 50, 140, 190), (20, 30, 100, 200), (60, 90, 160, 220)])
def test_what_stands_out_is_found(box: tuple[int, int, int, int]) -> None:
    """A shirt on a cloth gets a box with an IoU over 0.8."""
    seen = salient_box(photo(box))

    assert seen is not None
    assert iou(seen, box) > 0.8


def test_a_speck_is_no_garment() -> None:
    """What covers a hundredth of the photo does not count as its garment."""
    assert salient_box(photo((80, 100, 100, 122))) is None


def test_distance_to_the_edge_by_hand() -> None:
    """A pixel behind one step of colour is that step away from the edge, whatever path leads to it."""
    colours = np.zeros((9, 9, 3), np.float32)
    colours[3:6, 3:6, 0] = 10
    seen = edge_distance(colours)

    assert seen[4, 4] == pytest.approx(10, abs=1e-3)
    assert seen[1, 1] == pytest.approx(0, abs=1e-3)


def test_a_table_becomes_coco_files(tmp_path: Path) -> None:
    """Garments get their label and box, hats none; unclear rows are named; no sender is on both sides; again the same."""
    (tmp_path / "images").mkdir()
    rows = ["image,sender_id,label"]
    kinds = ["T-Shirt", "Pants", "Dress", "Hat", "Shoes", "Not sure", "Outwear", "Outwear"]
    for k in range(48):
        kind = kinds[k % len(kinds)]
        box = (70, 20, 110, 220) if k % 8 == 7 else (30, 50, 150, 200)
        (tmp_path / f"images/{k}.jpg").write_bytes(encode(photo(box, seed=k)))
        rows.append(f"{k},{k % 7},{kind}")
    (tmp_path / "images/3.jpg").write_bytes(b"no picture")
    (tmp_path / "images.csv").write_text("\n".join([*rows, "gone,1,Skirt"]))
    summary = convert_singles(tmp_path / "images.csv", tmp_path / "out", reporter=QUIET, validation_share=0.3)
    train, val = (read_coco(tmp_path / f"out/{name}.json") for name in ("train", "val"))
    senders = [{int(im.path.stem) % 7 for im in part.images} for part in (train, val)]
    labels = {kinds[int(im.path.stem) % 8]: {a.label for a in im.annotations} for im in (*train.images, *val.images)}
    again = (tmp_path / "out/train.json").read_bytes()
    convert_singles(tmp_path / "images.csv", tmp_path / "out", reporter=QUIET, validation_share=0.3)

    assert labels == {
        "T-Shirt": {"upper"},
        "Pants": {"lower"},
        "Dress": {"full"},
        "Hat": set(),
        "Shoes": set(),
        "Outwear": {"upper"},
    }
    assert summary.dropped == {"no-photo": 1, "no-label": 6, "bad-photo": 1, "tall": 6}
    assert not senders[0] & senders[1]
    assert all(senders)
    assert (tmp_path / "out/train.json").read_bytes() == again


def test_a_table_without_its_photos_is_told_of_them(tmp_path: Path) -> None:
    """Where no photo is there the message counts them, names one, and says where to look."""
    (tmp_path / "mine.csv").write_text("image,label\na,Pants\nb,Dress\n")
    with pytest.raises(InputError, match=r"\(no-photo 2, e\.g\. a\); look where its photos are"):
        convert_singles(tmp_path / "mine.csv", tmp_path / "out", reporter=QUIET)
