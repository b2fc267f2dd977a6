"""The crop loop with a hand-written detector: detections are kept, rules cut again."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cutting import QUIET, FakeDetector, cut, files, fill

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.cut import crop
from deepstyle.crop.marks import apply_marks
from deepstyle.crop.wanted import WINDOW
from deepstyle.errors import UsageError
from deepstyle.progress import Reporter


def test_rows_follow_when_names_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder's names are synced once for many photos, when its files stand and before any of their rows does."""
    synced: list[tuple[str, int, int]] = []
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)

        def sync(folder: Path) -> None:
            synced.append((folder.name, len(list(folder.glob("[!.]*.png"))), sum(catalog.garment_counts().values())))

        monkeypatch.setattr("deepstyle.files.sync_folder", sync)
        cut(catalog, FakeDetector(), "batch_size=8")
        cut(catalog, FakeDetector(), "margin=0.2")

    assert synced == [("lower", 3, 0), ("upper", 3, 0), ("lower", 3, 6), ("upper", 3, 6)]


def test_garments_are_files_and_rows(tmp_path: Path) -> None:
    """Every detection above the score becomes a PNG of the box with its margin, with a row beside it."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        summary = cut(catalog, FakeDetector(), "margin=0")
        rows = catalog.garments()

        assert summary.per_label == {"lower": 3, "upper": 3}
        assert files(tmp_path) == {row.path for row in rows}
        photo = images.decode(catalog.path(catalog.photos()[0].path).read_bytes())
        piece = images.decode(catalog.path(rows[0].path).read_bytes())
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
        assert {row.width for row in catalog.garments()} == {120}
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


def test_a_recut_does_not_speak_of_no_photos(tmp_path: Path) -> None:
    """Progress tells of photos looked at only where there are new ones; a re-cut tells what it cut."""
    told = io.StringIO()
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        cut(catalog, FakeDetector())
        config = load_config(CropConfig, None, ["margin=0.5"])
        crop(catalog, FakeDetector(), config, reporter=Reporter(stream=told))

    assert "cropping" not in told.getvalue()
    assert "checking garments: 3/3 photos" in told.getvalue()
    assert "6 cut" in told.getvalue()


def test_a_crop_counts_what_it_did(tmp_path: Path) -> None:
    """Photos looked at, garments cut now, those that stood, those removed, and marks: each number, over four crops."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        told = [cut(catalog, FakeDetector())]
        fill(catalog, 5)
        told.append(cut(catalog, FakeDetector()))
        told.append(cut(catalog, FakeDetector(), "labels=upper"))
        photo = catalog.photos()[0].sha256
        (tmp_path / "bad.txt").write_text(f"{photo}-0\n")
        apply_marks(catalog, "fake@1", exclude=tmp_path / "bad.txt", include=None, reporter=QUIET)
        told.append(cut(catalog, FakeDetector(), "margin=0.2"))
        (tmp_path / f"garments/lower/{photo}-1.png").unlink()
        told.append(cut(catalog, FakeDetector(), "margin=0.2"))

    assert [(one.photos, one.detections, one.cut, one.kept, one.removed, one.excluded) for one in told] == [
        (3, 6, 6, 0, 0, 0), (2, 4, 4, 6, 0, 0), (0, 0, 0, 5, 5, 0), (0, 0, 9, 0, 1, 1), (0, 0, 1, 8, 0, 1),
    ]  # fmt: skip
    assert told[-1].per_label == {"lower": 5, "upper": 4}


def test_a_new_detector_looks_again(tmp_path: Path) -> None:
    """Detections belong to the weights that made them: another detector looks at every photo."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        other = FakeDetector("fake@2")

        assert cut(catalog, other).photos == 2
        assert {row.model for row in catalog.garments()} == {"fake@2"}


def test_wrong_use_is_named(tmp_path: Path) -> None:
    """No photos, or a label the detector does not know, raise UsageError with the remedy."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="deepstyle scrape"):
            cut(catalog, FakeDetector())
        fill(catalog, 1)
        with pytest.raises(UsageError, match="upper, lower"):
            cut(catalog, FakeDetector(), "labels=hat")


def test_batches_cover_every_photo_once(tmp_path: Path) -> None:
    """Whatever the batch size, each photo is looked at once and the garments are the same."""
    seen = []
    for size in (1, 3, 50):
        with Catalog(tmp_path / str(size)) as catalog:
            fill(catalog, 7)
            detector = FakeDetector()
            cut(catalog, detector, f"batch_size={size}")
            seen.append((detector.seen, files(tmp_path / str(size))))

    assert seen == [seen[0]] * 3
    assert seen[0][0] == 7


def test_new_rules_reach_more_photos_than_a_window_holds(tmp_path: Path) -> None:
    """Rules and removal work across windows of rows."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2 * WINDOW + 1, height=60, width=60)
        detector = FakeDetector()
        cut(catalog, detector, "min_side=1", "labels=upper")
        summary = cut(catalog, detector, "min_side=1", "labels=lower", "aspect=square")

        assert (summary.cut, summary.removed, summary.kept) == (2 * WINDOW + 1,) * 2 + (0,)
        assert {(row.label, row.width, row.height) for row in catalog.garments()} == {("lower", 44, 44)}


def test_two_crops_at_once_take_turns(tmp_path: Path) -> None:
    """Of two crops by different rules one waits for the other: all files are by the rule that the rows say."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 6)
        cut(catalog, FakeDetector())

    def one(margin: str) -> None:
        with Catalog(tmp_path) as catalog:
            cut(catalog, FakeDetector(), f"margin={margin}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, ("0", "0.3")))
    with Catalog(tmp_path) as catalog:
        rows = catalog.garments()
        assert len({row.rule for row in rows}) == 1
        for row in rows:
            height, width, _ = images.decode(catalog.path(row.path).read_bytes()).shape
            assert (width, height) == (row.width, row.height)


def test_a_crop_imports_nothing_of_training() -> None:
    """What `crop` imports leaves out the training engine, TensorBoard and the figures' library: a tenth of the memory."""
    code = (
        "import sys, deepstyle.crop.photos, deepstyle.crop.review, deepstyle.detector.torchvision_backend; "
        "print([m for m in ('lightning', 'tensorboard', 'torchmetrics', 'faster_coco_eval', 'bs4') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told == "[]\n"
