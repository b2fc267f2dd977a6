"""The crop loop where something is wrong: photos, the disk, the detector, or an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from cutting import FakeDetector, cut, files, fill

from deepstyle import images, weights
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import DetectorConfig, load_config, to_yaml
from deepstyle.crop import cut as loop
from deepstyle.detector.networks import build_network
from deepstyle.errors import InputError, ModelError, StorageError
from deepstyle.images import Pixels


def test_a_lost_garment_file_is_cut_again(tmp_path: Path) -> None:
    """A garment whose file was deleted, or emptied, comes back with the same bytes."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        path = catalog.path(catalog.garments()[0].path)
        before = path.read_bytes()
        path.unlink()

        assert cut(catalog, FakeDetector()).cut == 1
        assert path.read_bytes() == before
        path.write_bytes(b"")
        assert cut(catalog, FakeDetector()).cut == 1
        assert path.read_bytes() == before


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


def test_a_changed_photo_is_not_cut(tmp_path: Path) -> None:
    """Where another picture has taken a photo's place nothing is cut from it by the old boxes: it is named, garments stay."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
        photo = catalog.path(catalog.photos()[0].path)
        photo.write_bytes(images.encode(np.zeros((200, 120, 3), np.uint8)))
        again = cut(catalog, FakeDetector(), "margin=0.5")

        assert (again.failed, again.cut) == (1, 2)
        kept = [name for name in before if photo.stem in name]
        assert len(kept) == 2
        assert all((tmp_path / name).read_bytes() == before[name] for name in kept)


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


@pytest.mark.parametrize("again", ["other rules", "another detector"])
def test_garments_of_an_interrupted_recut_are_cut_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """Files that an interrupted crop has written over are cut anew by the next one, whatever their rows said before."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 4)
        cut(catalog, FakeDetector())
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
        monkeypatch.setattr(loop, "settle_names", lambda *_: 1 / 0)  # files are written by now, and no row is
        with pytest.raises(ZeroDivisionError):
            cut(catalog, FakeDetector("fake@1" if again == "other rules" else "other@1"), "margin=0.4")
        monkeypatch.undo()
        assert any((tmp_path / name).read_bytes() != data for name, data in before.items())
        cut(catalog, FakeDetector())

        assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before
        assert cut(catalog, FakeDetector()).cut == 0


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
