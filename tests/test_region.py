"""The region of a photo that a tagger learns from and looks at, cut by a hand-written detector."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_predict import save_colours
from test_tagger import CONFIG, make_table

from deepstyle.annotations.table import LabelRow
from deepstyle.annotations.tag_table import TagTable
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.classifier.predict import Picture, beside_of, load, predict, region_for
from deepstyle.classifier.region import Region, cut_table, region_of
from deepstyle.classifier.tagger import Tagger
from deepstyle.classifier.train_tagger import train_tagger
from deepstyle.cli import main
from deepstyle.dataset import PackedDataset
from deepstyle.images import Pixels, decode, encode, resize
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


class Bright:
    """Finds what is brighter than 150 as one ``cloth``, and the whole photo less surely as ``person``."""

    name, labels = "bright@1", ("cloth", "person")

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """The boxes of each photo, the surest first."""
        return [self._boxes(photo) for photo in photos]

    def _boxes(self, photo: Pixels) -> list[Box]:
        y, x = np.nonzero(photo.max(axis=2) > 150)
        if not len(y):
            return []
        whole = Box(x0=0, y0=0, x1=photo.shape[1], y1=photo.shape[0], label="person", score=0.4)
        return [Box(x0=x.min(), y0=y.min(), x1=x.max() + 1, y1=y.max() + 1, label="cloth", score=0.9), whole]


def patch() -> Pixels:
    """A dark photo with a bright patch of 20 x 10 pixels."""
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[10:20, 30:50] = 200
    return pixels


def test_the_surest_box_is_cut_with_room() -> None:
    """A tenth of the box's sides stays around it; of one label alone if it is asked for; a photo without a box is whole."""
    dark = np.zeros((30, 30, 3), np.uint8)

    assert region_of(Bright())(patch()).shape == (12, 24, 3)
    assert region_of(Bright(), {"person"})(patch()).shape == (60, 60, 3)
    assert region_of(Bright())(dark).shape == (30, 30, 3)


def test_a_garment_is_cut_as_it_is_where_it_is_sure() -> None:
    """What is looked at beside a picture has no room around it; where nothing is sure it is the picture once more."""
    unsure = patch()
    unsure[10:20, 30:50] = 140  # darker than what the detector takes for cloth

    assert beside_of(Bright())(patch()).shape == (10, 20, 3)
    assert beside_of(Bright())(unsure).shape == (60, 60, 3)


def test_a_picture_and_its_garment_count_alike(tmp_path: Path) -> None:
    """With what is beside it a picture's shares are the mean of its own and its garment's."""
    judge = load(save_colours(tmp_path / "colours"))
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[..., 0] = 60  # a red ground, below what the detector takes for cloth
    pixels[10:30, 30:50, 1] = 220
    (tmp_path / "a.png").write_bytes(encode(pixels))
    (tmp_path / "b.png").write_bytes(encode(pixels[10:30, 30:50]))

    def shares(name: str, beside: Region | None = None) -> dict[str, float]:
        (told,) = predict(judge, [Picture(file=str(tmp_path / name))], beside=beside)
        return dict(told.top)

    whole, garment, both = shares("a.png"), shares("b.png"), shares("a.png", beside_of(Bright()))
    assert max(whole, key=lambda label: whole[label]) != "green"
    assert max(garment, key=lambda label: garment[label]) == "green"
    assert both == pytest.approx({label: (whole[label] + garment[label]) / 2 for label in whole}, abs=1e-4)


def test_predict_looks_beside_the_picture_unless_told_not_to(tmp_path: Path) -> None:
    """A classifier's own detector is loaded by default, and asked for by name when it is missing; `--region none` needs none."""
    folder = save_colours(tmp_path / "colours", beside="gone")
    (tmp_path / "a.png").write_bytes(encode(patch()))
    told = ["predict", str(tmp_path / "a.png"), "--model", str(folder)]
    missing = CliRunner().invoke(main, told)
    plain = CliRunner().invoke(main, [*told, "--region", "none"])

    assert missing.exit_code != 0
    assert "gone: no detector of that name" in missing.output
    assert plain.exit_code == 0, plain.output


def test_regions_are_cut_once(tmp_path: Path) -> None:
    """Each photo of the table becomes a file of its region, kept the next time; one that cannot be read stays as it was."""
    (tmp_path / "a.png").write_bytes(encode(patch()))
    (tmp_path / "b.png").write_bytes(b"torn")
    rows = tuple(LabelRow(path=tmp_path / name, label="x") for name in ("a.png", "b.png"))
    table = TagTable(rows=rows, tags=("x",), values=np.ones((2, 1), np.int8), groups={"tags": ("x",)})
    first, again = (cut_table(table, Bright(), tmp_path / "cut", reporter=QUIET) for _ in range(2))

    assert decode(first.rows[0].path.read_bytes()).shape == (12, 24, 3)
    assert first.rows[1].path == tmp_path / "b.png"
    assert [row.path for row in again.rows] == [row.path for row in first.rows]
    assert len(list((tmp_path / "cut").iterdir())) == 1


def test_a_tagger_learns_and_looks_at_regions(tmp_path: Path) -> None:
    """The packed photos are the regions, the model folder names the detector, and looking without it is said aloud."""
    table = make_table(tmp_path / "photos", 24)
    config = CONFIG.model_copy(update={"images": 32, "least_share": 0.05})
    with Catalog(tmp_path / "w") as catalog:
        result = train_tagger(table, catalog, config, reporter=QUIET, region=Bright())
    tagger, said = load(result.folder), io.StringIO()
    packed = PackedDataset(tmp_path / "w" / "datasets" / "tagger-train-37")
    cut = region_for(tagger, Bright(), Reporter(stream=said))
    (found,) = predict(tagger, [Picture(file=str(table.rows[5].path))], region=cut)

    assert (packed.images[:, 18].max(axis=2) > 150).mean() > 0.7  # the middle row, where the whole photos are dark
    assert json.loads((result.folder / "model.json").read_text())["region"] == "bright@1"
    assert said.getvalue() == ""
    assert found.label
    assert region_for(tagger, None, Reporter(stream=said)) is None
    assert "--region bright" in said.getvalue()
    assert found.confidence == pytest.approx(float(tagger_share(tagger, table, found.label)), abs=0.02)


def tagger_share(tagger: object, table: TagTable, label: str) -> float:
    """What a tagger says of the region of a photo that is cut by hand."""
    assert isinstance(tagger, Tagger)
    region = region_of(Bright())(decode(table.rows[5].path.read_bytes()))
    return float(tagger.shares(resize(region, 37)[None])[0, tagger.labels.index(label)])
