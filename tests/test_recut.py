"""Cutting again by other rules: only the parts that are cut become arrays, and the same garments are chosen."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cutting import FakeDetector, cut, fill
from PIL import Image

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.files import Opened, write_pieces
from deepstyle.crop.rules import choose
from deepstyle.crop.wanted import wanted, wanted_of

BOXES = [(3.0, 4.0, 17.0, 30.0), (0.0, 0.0, 24.0, 40.0), (20.4, 35.6, 90.0, 90.0)]
NOISE = np.random.default_rng(0).integers(0, 256, (40, 24, 3), dtype=np.uint8)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(out, kind, **options)
    return out.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    return exif


@pytest.mark.parametrize(
    "data",
    [saved("JPEG"), saved("PNG"), saved("JPEG", exif=turned()), saved("JPEG", "CMYK"), saved("PNG", "RGBA"), saved("GIF")],
    ids=["jpeg", "png", "turned", "cmyk", "rgba", "palette"],
)  # fmt: skip
def test_parts_are_those_of_the_whole(data: bytes) -> None:
    """Parts decoded alone have the very pixels of the whole photo's, of whatever kind it is."""
    whole = images.decode(data)

    for box, part in zip(BOXES, images.decode_parts(data, BOXES), strict=True):
        assert (part == images.crop(whole, box)).all()


def test_a_cut_makes_no_array_of_a_whole_photo(tmp_path: Path) -> None:
    """A small garment of a large photo that is not open is cut with far less memory than the photo's pixels take."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1, height=1500, width=1500, jpeg=True)
        photo = catalog.photos()[0]
        boxes = FakeDetector().detect([np.zeros((200, 120, 3), np.uint8)])[0]
        choices = choose(boxes, CropConfig(margin=0), photo.width, photo.height)
    tracemalloc.start()
    written = write_pieces(tmp_path, Opened(photo=photo), choices, CropConfig(margin=0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(one.width, one.height) for one in written.cuts] == [(100, 100), (100, 100)]
    assert peak < 1500 * 1500


def test_unsure_detections_change_no_rank(tmp_path: Path) -> None:
    """Garments keep their rank among all that was found, wherever in it the unsure detections stand."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        photo = catalog.photos()[0]
        rows = [
            (10.0, 20.0 * k, 100.0, 20.0 * k + 80, f"label{k}", score) for k, score in enumerate((0.1, 0.7, 0.2, 0.9))
        ]
        catalog.detections.add(photo.sha256, "odd@1", rows)
        config = CropConfig(margin=0, max_overlap=1, max_inside=1)
        chosen = list(wanted(catalog, "odd@1", config, [photo]))

        assert [choice.k for _, choice in chosen] == [1, 3]
        assert chosen == [(name, choice) for name, choice, _ in wanted_of(catalog, "odd@1", config, [photo])]
        assert [one.k for one in catalog.detections.of("odd@1", least=0.2)] == [1, 2, 3]
