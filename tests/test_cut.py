"""The crop loop with a hand-written detector: detections are kept, rules cut again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.boxes import Box
from deepstyle.crop.cut import CropSummary, crop
from deepstyle.errors import UsageError
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


class FakeDetector:
    """Sees the upper and the lower half of every photo; counts its work."""

    labels = ("upper", "lower")

    def __init__(self, name: str = "fake@1") -> None:
        self.name = name
        self.seen = 0

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        self.seen += len(photos)
        return [
            [
                Box(x0=10, y0=0, x1=width - 10, y1=height / 2, label="upper", score=0.9),
                Box(x0=10, y0=height / 2, x1=width - 10, y1=height, label="lower", score=0.6),
            ]
            for height, width in (photo.shape[:2] for photo in photos)
        ]


def fill(catalog: Catalog, count: int) -> None:
    random = np.random.default_rng(0)
    for i in range(count):
        data = images.encode(random.integers(0, 256, (200, 120, 3), dtype=np.uint8))
        catalog.add_photo(
            images.sha256(data), data, extension="png", width=120, height=200, dhash="0", image_url=f"u{i}",
            page_url=f"p{i}",
        )  # fmt: skip


def cut(catalog: Catalog, detector: FakeDetector, *overrides: str) -> CropSummary:
    return crop(catalog, detector, load_config(CropConfig, None, overrides), reporter=QUIET)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.glob("garments/*/*")}


def test_garments_are_files_and_rows(tmp_path: Path) -> None:
    """Every detection above the score becomes a PNG of the box with its margin, with a row beside it."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        summary = cut(catalog, FakeDetector(), "margin=0")
        rows = catalog.garments()

        assert summary.per_label == {"lower": 3, "upper": 3}
        assert files(tmp_path) == {row["path"] for row in rows}
        photo = images.decode(catalog.path(catalog.photos()[0]["path"]).read_bytes())
        piece = images.decode(catalog.path(rows[0]["path"]).read_bytes())
        assert (piece == photo[0:100, 10:110]).all()


def test_other_rules_cut_again_without_the_network(tmp_path: Path) -> None:
    """Another score, label or margin re-cuts from the catalog; the detector is not asked again."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        detector = FakeDetector()
        cut(catalog, detector)
        assert detector.seen == 3

        fewer = cut(catalog, detector, "min_score=0.8")
        assert (fewer.per_label, fewer.removed, fewer.cut) == ({"upper": 3}, 3, 0)
        lower = cut(catalog, detector, "labels=lower")
        assert (lower.per_label, lower.removed, lower.cut) == ({"lower": 3}, 3, 3)
        wide = cut(catalog, detector, "labels=lower", "margin=0.5")
        assert (wide.cut, wide.kept) == (3, 0)
        assert {row["width"] for row in catalog.garments()} == {120}
        assert detector.seen == 3
        assert len(files(tmp_path)) == 3


def test_the_same_command_does_nothing(tmp_path: Path) -> None:
    """A second run with the same rules detects nothing and cuts nothing."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        detector = FakeDetector()
        cut(catalog, detector)
        again = cut(catalog, detector)

        assert (again.photos, again.cut, again.kept) == (0, 0, 6)


def test_a_lost_garment_file_is_cut_again(tmp_path: Path) -> None:
    """A garment whose file was deleted comes back with the same bytes."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        path = catalog.path(catalog.garments()[0]["path"])
        before = path.read_bytes()
        path.unlink()

        assert cut(catalog, FakeDetector()).cut == 1
        assert path.read_bytes() == before


def test_a_new_detector_looks_again(tmp_path: Path) -> None:
    """Detections belong to the weights that made them: another detector looks at every photo."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        other = FakeDetector("fake@2")

        assert cut(catalog, other).photos == 2
        assert {row["model"] for row in catalog.garments()} == {"fake@2"}


def test_a_broken_photo_is_counted_and_skipped(tmp_path: Path) -> None:
    """A photo that vanished or broke is recorded with its reason; the others are cut."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        rows = catalog.photos()
        catalog.path(rows[0]["path"]).unlink()
        catalog.path(rows[1]["path"]).write_bytes(b"torn")
        summary = cut(catalog, FakeDetector())

        assert (summary.photos, summary.failed, summary.per_label) == (3, 2, {"lower": 1, "upper": 1})
        assert catalog.count("detected", "error != ''") == 2


def test_wrong_use_is_named(tmp_path: Path) -> None:
    """No photos, or a label the detector does not know, raise UsageError with the remedy."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="deepstyle scrape"):
            cut(catalog, FakeDetector())
        fill(catalog, 1)
        with pytest.raises(UsageError, match="upper, lower"):
            cut(catalog, FakeDetector(), "labels=hat")
