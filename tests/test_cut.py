"""The crop loop with a hand-written detector: detections are kept, rules cut again."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepstyle import images, weights
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import CropConfig, DetectorConfig, GanConfig, load_config, to_yaml
from deepstyle.crop.cut import CropSummary, crop
from deepstyle.crop.marks import apply_marks
from deepstyle.crop.wanted import WINDOW
from deepstyle.detector.networks import build_network
from deepstyle.errors import InputError, ModelError, StorageError, UsageError
from deepstyle.ground import filled
from deepstyle.images import Pixels
from deepstyle.progress import Reporter
from deepstyle.scoring import pack_garments
from deepstyle.shape import SIDE, pack

QUIET = Reporter(quiet=True)


class FakeDetector:
    """Sees the upper and the lower half of every photo; counts its work."""

    labels: tuple[str, ...] = ("upper", "lower")

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


def fill(catalog: Catalog, count: int, *, height: int = 200, width: int = 120, jpeg: bool = False) -> None:
    random = np.random.default_rng(0)
    for i in range(count):
        pixels = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        data = images.encode(pixels[:height, :width], "JPEG" if jpeg else "PNG")
        catalog.add_photo(
            images.sha256(data), data, extension="jpg" if jpeg else "png", width=width, height=height, dhash="0",
            image_url=f"u{i}", page_url=f"p{i}",
        )  # fmt: skip


def cut(catalog: Catalog, detector: FakeDetector, *overrides: str) -> CropSummary:
    return crop(catalog, detector, load_config(CropConfig, None, overrides), reporter=QUIET)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.glob("garments/*/*")}


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


def test_a_lost_garment_file_is_cut_again(tmp_path: Path) -> None:
    """A garment whose file was deleted comes back with the same bytes."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        path = catalog.path(catalog.garments()[0].path)
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
        assert {row.model for row in catalog.garments()} == {"fake@2"}


def test_a_broken_photo_is_counted_and_skipped(tmp_path: Path) -> None:
    """A photo that vanished or broke is counted, a broken one recorded with its reason; the others are cut, twice alike."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        rows = catalog.photos()
        catalog.path(rows[0].path).unlink()
        catalog.path(rows[1].path).write_bytes(b"torn")
        summary = cut(catalog, FakeDetector())

        assert (summary.photos, summary.failed, summary.per_label) == (3, 2, {"lower": 1, "upper": 1})
        assert (catalog.count("detected"), len(catalog.detections.looked_at("fake@1"))) == (2, 1)
        again = cut(catalog, FakeDetector())
        assert (again.photos, again.failed, again.kept) == (2, 2, 2)


class Outliner(FakeDetector):
    """Knows that the left half of every garment's box is garment; of the lower ones it knows nothing."""

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        cells = np.zeros((SIDE, SIDE), np.uint8)
        cells[:, : SIDE // 2] = 255
        return [[replace(first, shape=cells.tobytes()), second] for first, second in super().detect(photos)]


def test_shapes_outlive_the_network(tmp_path: Path) -> None:
    """Another background is cut along the stored shapes, without the network; the share of garment is in the rows."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        detector = Outliner()
        cut(catalog, detector, "margin=0")
        told = cut(catalog, detector, "margin=0", "background=remove")
        rows = catalog.garments()

        assert detector.seen == 2
        assert (told.photos, told.cut, told.boxed) == (0, 4, 2)
        assert [row.share for row in rows if row.label == "upper"] == pytest.approx([0.5, 0.5])
        assert {row.share for row in rows if row.label == "lower"} == {None}
        upper = images.decode(catalog.path(next(row.path for row in rows if row.label == "upper")).read_bytes())
        assert (upper[:, 60:] == 255).all()
        assert (upper[5:-5, 5:45] < 255).any()


def hide(catalog: Catalog, *, photos: int) -> list[Path]:
    """Put a folder where the file of each of the first photos was: opening it is a read error, for root as well."""
    paths = [catalog.path(row.path) for row in catalog.photos(limit=photos)]
    for path in paths:
        path.rename(path.with_suffix(".away"))
        path.mkdir()
    return paths


def show(paths: list[Path]) -> None:
    """Undo ``hide``."""
    for path in paths:
        path.rmdir()
        path.with_suffix(".away").rename(path)


def test_a_passing_read_error_condemns_no_photo(tmp_path: Path) -> None:
    """A crop that can read no photo fails and says why; once they can be read again, the next one looks at all of them."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        hidden = hide(catalog, photos=3)
        with pytest.raises(InputError, match=r"none of the 3 photos.*photos/.*cannot be read.*same command"):
            cut(catalog, FakeDetector())
        assert catalog.count("detected") == 0
        show(hidden)

        assert cut(catalog, FakeDetector()).per_label == {"lower": 3, "upper": 3}


def test_a_read_error_of_new_photos_is_a_failure_beside_old_garments(tmp_path: Path) -> None:
    """Where every photo that a crop must look at cannot be read it fails, though garments of other photos stand."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        fill(catalog, 3)
        hide(catalog, photos=3)
        with pytest.raises(InputError, match="none of the 1 photos"):
            cut(catalog, FakeDetector())

        assert len(files(tmp_path)) == 4


def test_garments_outlive_a_photo_that_cannot_be_opened(tmp_path: Path) -> None:
    """Neither another detector nor other rules remove what was cut from a photo that is unreadable, missing or broken."""
    for fault in ("unreadable", "missing", "broken"):
        root = tmp_path / fault
        with Catalog(root) as catalog:
            fill(catalog, 3)
            cut(catalog, FakeDetector("other@1"), "labels=lower")
            cut(catalog, FakeDetector(), "labels=upper")
            before = {name: (root / name).read_bytes() for name in files(root)}
            path = catalog.path(catalog.photos()[0].path)
            path.unlink()
            if fault == "broken":
                path.write_bytes(b"torn")
            elif fault == "unreadable":
                path.mkdir()
            stays = f"garments/upper/{path.stem}-0.png"
            tries = [("fake@1", "margin=0.5"), ("fake@2", "labels=lower"), ("other@1", "labels=lower")]
            for name, rule in tries:
                assert cut(catalog, FakeDetector(name), rule).failed == 1
                assert (root / stays).read_bytes() == before[stays]
                assert stays in {row.path for row in catalog.garments()}


def test_a_photo_that_was_put_right_is_looked_at_again(tmp_path: Path) -> None:
    """A photo that was broken and is whole again gets its garments, and its error is forgotten."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        path = catalog.path(catalog.photos()[0].path)
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        assert cut(catalog, FakeDetector()).failed == 1
        path.write_bytes(whole)

        assert cut(catalog, FakeDetector()).per_label == {"lower": 2, "upper": 2}
        assert (catalog.count("detected"), len(catalog.detections.looked_at("fake@1"))) == (2, 2)


def test_a_crop_of_broken_photos_alone_fails(tmp_path: Path) -> None:
    """When every photo of the workspace is broken or gone, the crop fails, for new rules as well."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        for row in catalog.photos():
            catalog.path(row.path).unlink()
        with pytest.raises(InputError, match="none of the 2 photos"):
            cut(catalog, FakeDetector(), "margin=0.5")
        with pytest.raises(InputError, match="none of the 2 photos"):
            cut(catalog, FakeDetector("fake@2"))

        assert len(files(tmp_path)) == 4


def test_wrong_use_is_named(tmp_path: Path) -> None:
    """No photos, or a label the detector does not know, raise UsageError with the remedy."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="deepstyle scrape"):
            cut(catalog, FakeDetector())
        fill(catalog, 1)
        with pytest.raises(UsageError, match="upper, lower"):
            cut(catalog, FakeDetector(), "labels=hat")


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


class Meeting(FakeDetector):
    """Has looked at its photos only when another one has looked at the same ones."""

    def __init__(self, barrier: threading.Barrier) -> None:
        super().__init__()
        self.barrier = barrier

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        self.barrier.wait(60)
        return super().detect(photos)


def test_two_crops_at_once_both_end_well(tmp_path: Path) -> None:
    """Two crops that look at the same new photos at the same time leave each garment once, with its row and file."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
    barrier = threading.Barrier(2)

    def one(_: int) -> CropSummary:
        with Catalog(tmp_path) as catalog:
            return cut(catalog, Meeting(barrier))

    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(one, range(2)))
    assert [summary.per_label for summary in summaries] == [{"lower": 3, "upper": 3}] * 2
    with Catalog(tmp_path) as catalog:
        assert len(catalog.detections.of("fake@1")) == 6
        assert files(tmp_path) == {row.path for row in catalog.garments()}


class Interrupting(FakeDetector):
    """Fails on its third batch, as a killed process would."""

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        if self.seen >= 4:
            raise ZeroDivisionError
        return super().detect(photos)


def test_an_interrupted_crop_goes_on(tmp_path: Path) -> None:
    """What was recorded before an interruption has its files and is not looked at again."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 8)
        with pytest.raises(ZeroDivisionError):
            cut(catalog, Interrupting(), "batch_size=2")
        before = catalog.count("detected")
        assert 0 < before < 8
        assert all(catalog.path(row.path).is_file() for row in catalog.garments())
        after = FakeDetector()
        summary = cut(catalog, after)

        assert after.seen == 8 - before
        assert summary.per_label == {"lower": 8, "upper": 8}


def test_a_label_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A detector from elsewhere cannot write outside the garments by the name of its labels."""
    detector = FakeDetector()
    detector.labels = ("../upper", "lower")
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        with pytest.raises(ModelError, match=r"'\.\./upper' cannot name a folder"):
            cut(catalog, detector)


def test_a_disk_that_takes_no_files_is_named(tmp_path: Path) -> None:
    """When garments cannot be written the crop fails with the folder and the remedy, and records nothing false."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        (tmp_path / "garments").write_bytes(b"a file in the way")
        with pytest.raises(StorageError, match=r"garments.*: cannot be written"):
            cut(catalog, FakeDetector())

        assert (catalog.count("detected"), catalog.count("garments")) == (0, 0)


def test_a_detector_whose_weights_are_not_finite_removes_nothing(tmp_path: Path) -> None:
    """`crop` with a detector of NaN, which would find nothing and delete every garment, exits 1, and all are there."""
    config = load_config(DetectorConfig, "small-256", ["width=8"])
    network = build_network(config, 2)
    next(network.parameters()).data[0] = float("nan")
    about = {"backend": "torchvision"}
    weights.save_model(
        tmp_path / "models/broken", network, config_yaml=to_yaml(config), labels=("upper", "lower"), about=about
    )
    with Catalog(tmp_path) as catalog:
        catalog.put_model("broken", "detector", {})
        fill(catalog, 3)
        cut(catalog, FakeDetector())
    before = files(tmp_path)
    told = CliRunner().invoke(main, ["-w", str(tmp_path), "crop", "--detector", "broken"])

    assert told.exit_code == 1
    assert "not finite" in told.output
    assert files(tmp_path) == before != set()
    with Catalog(tmp_path) as catalog:
        assert catalog.count("garments") == len(before)


def test_garments_are_laid_on_a_plain_ground_for_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ground=plain what is packed shows only what the detector's mask covers, and a garment it hardly sees stays out."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        cut(catalog, Outliner(), "labels=[upper]")  # the left half of each is garment
        config = load_config(GanConfig, None, ["ground=plain", "size=32"])
        packed = pack_garments(catalog, config, reporter=QUIET)
        kept = pack_garments(catalog, load_config(GanConfig, None, ["size=32"]), reporter=QUIET)

        assert (len(packed), len(kept)) == (3, 3)
        for plain, street in zip(packed.images, kept.images, strict=True):
            assert filled(plain) == pytest.approx(0.5 / 1.1**2, abs=0.1)  # half of the box, in a square with a margin
            assert filled(street) is None
        row, seen = catalog.garments()[0], catalog.detections.outlines()[0]
        corners = np.zeros((SIDE, SIDE), np.uint8)
        corners[:4, :4] = corners[-4:, -4:] = 255
        box = (seen.x0, seen.y0, seen.x1, seen.y1, seen.label, seen.score)
        catalog.detections.add(row.photo, seen.model, [box], shapes=[pack(corners.tobytes())])
        hidden = pack_garments(catalog, config, reporter=Reporter())
        assert hidden.skipped == {row.name: "little of the garment is seen"}
        assert "1 of 3 garments are left out, most because: little of the garment is seen" in capsys.readouterr().err
        cut(catalog, Outliner())  # of the other label nobody knows the shape
        with pytest.raises(UsageError, match=r"ground=plain: of 2 of 5 garments nobody knows the outline"):
            pack_garments(catalog, config, reporter=QUIET)


def test_doubtful_garments_stay_out_of_training(tmp_path: Path) -> None:
    """With a least score only surer garments are packed, into a set of their own; one that none has is refused by name."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        cut(catalog, FakeDetector())  # upper 0.9, lower 0.6
        every, sure = (
            pack_garments(catalog, load_config(GanConfig, None, [f"min_score={s}"]), reporter=QUIET) for s in (0, 0.75)
        )

        assert (len(every), len(sure)) == (6, 3)
        assert sum(path.is_dir() for path in (tmp_path / "datasets").iterdir()) == 2
        with pytest.raises(UsageError, match=r"--min-score 0.95: no garment has it, the surest 0.90"):
            pack_garments(catalog, load_config(GanConfig, None, ["min_score=0.95"]), reporter=QUIET)


def test_a_crop_imports_nothing_of_training() -> None:
    """What `crop` imports leaves out the training engine, TensorBoard and the figures' library: a tenth of the memory."""
    code = (
        "import sys, deepstyle.crop.photos, deepstyle.crop.review, deepstyle.detector.torchvision_backend; "
        "print([m for m in ('lightning', 'tensorboard', 'torchmetrics', 'faster_coco_eval', 'bs4') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told == "[]\n"
