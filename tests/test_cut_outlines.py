"""Outlines and scores of garments: what is cut and packed by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cutting import QUIET, FakeDetector, Outliner, cut, fill

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import UsageError
from deepstyle.ground import filled
from deepstyle.progress import Reporter
from deepstyle.scoring import pack_garments
from deepstyle.shape import SIDE, pack


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
        assert "1 of 3 garments left out, most because: little of the garment is seen" in capsys.readouterr().err
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
        surest = catalog.garments()[0]
        catalog.add_garment(surest.photo, 9, "upper", (0, 0, 8, 8), score=0.999, width=8, height=8, model="m", rule="r")
        with pytest.raises(UsageError, match=r"--min-score 1: no garment has it, the surest 0.99"):  # not 1.00
            pack_garments(catalog, load_config(GanConfig, None, ["min_score=1"]), reporter=QUIET)
