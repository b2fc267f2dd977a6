"""Photos much larger than what the network sees, and people much smaller than the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cutting import QUIET, FakeDetector, fill

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.cut import crop
from deepstyle.images import Pixels
from deepstyle.progress import Reporter


class SmallEyes(FakeDetector):
    """Says which side it sees; remembers the shapes it was given."""

    input_side = 100

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        self.shapes += [photo.shape for photo in photos]
        return super().detect(photos)


def test_a_large_photo_is_decoded_small_for_the_network_and_whole_for_the_cut(tmp_path: Path) -> None:
    """A JPEG of 8 times the detector's side reaches it at 1/4; boxes and pieces are those of the photo's own pixels."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2, height=1200, width=803, jpeg=True)
        detector = SmallEyes()
        crop(catalog, detector, load_config(CropConfig, None, ["margin=0"]), reporter=QUIET)
        row = catalog.detections.of("fake@1")[0]

        assert detector.shapes == [(300, 201, 3)] * 2
        assert (row.x0, row.y0) == pytest.approx((10 * 803 / 201, 0))
        assert (row.x1, row.y1) == pytest.approx((191 * 803 / 201, 600))
        garment = catalog.garments()[0]
        photo = images.decode(catalog.path(catalog.photos()[0].path).read_bytes())
        piece = images.decode(catalog.path(garment.path).read_bytes())
        assert (piece == images.crop(photo, (garment.x0, garment.y0, garment.x1, garment.y1))).all()


class Distant(SmallEyes):
    """Sees garments of a tenth of the photo."""

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        return [[replace(box, x1=box.x0 + 40, y1=box.y0 + 60) for box in row] for row in super().detect(photos)]


def test_people_too_small_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When all that was found on a photo is tiny as the network sees it, the crop says so; ordinary photos say nothing."""
    for name, detector, told in (("far", Distant(), True), ("near", SmallEyes(), False)):
        with Catalog(tmp_path / name) as catalog:
            fill(catalog, 1, height=600, width=390)
            crop(catalog, detector, load_config(CropConfig, None, ["min_side=1"]), reporter=Reporter())
        assert ("on 1 photos garments are so small" in capsys.readouterr().err) == told


def test_an_ordinary_photo_reaches_the_network_whole(tmp_path: Path) -> None:
    """Below 4 times the detector's side, a photo is decoded once, at its own size."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1, height=600, width=390, jpeg=True)
        detector = SmallEyes()
        crop(catalog, detector, load_config(CropConfig, None), reporter=QUIET)

        assert detector.shapes == [(600, 390, 3)]
