"""Which garments a run learned from, and what its cards say of them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from test_varying import generator

from deepstyle.catalog import Catalog, garment_path
from deepstyle.catalog_tags import CATEGORY
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.errors import InputError
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.learned import CHANGED, cards
from deepstyle.progress import Reporter
from deepstyle.scoring import pack_garments

QUIET = Reporter(quiet=True)
CONFIG = load_config(GanConfig, "dcgan-32", ["width=8", "latent=8", "min_score=0.8", "labels=[coat]"])
TRAINED = TrainedGenerator(name="gan-001", generator=generator(), config=CONFIG, labels=(), figures={})


def add(catalog: Catalog, number: int, *, score: float = 0.9, data: bytes = b"") -> None:
    """A garment that a detector calls upper and a classifier a coat."""
    sha = f"{number:064x}"
    catalog.add_photo(
        sha, b"jpg", extension="jpg", width=9, height=9, dhash="0" * 16, image_url=f"file:///home/me/{number}.jpg",
        page_url="file:///home/me",
    )  # fmt: skip
    put_file(catalog.path(garment_path(sha, 0, "upper")), data or encode(np.full((8, 8, 3), number, np.uint8)))
    catalog.add_garment(sha, 0, "upper", (0, 0, 8, 8), score=score, width=8, height=8, model="m", rule="r")
    (one,) = catalog.garments_of(sha)
    catalog.tags.put(one, CATEGORY, "m", [("coat", 0.9)])


def trained_on(catalog: Catalog) -> None:
    """A run of gan-001 with what it would pack."""
    data = pack_garments(catalog, CONFIG, reporter=QUIET)
    put_file(catalog.root / "runs/gan-001/data.key", f"{data.key}more".encode())


def test_the_cards_list_what_was_learned_from(tmp_path: Path) -> None:
    """Garments that were not sure enough, could not be read or came later are in no card; the label is the one asked for."""
    with Catalog(tmp_path) as catalog:
        for number, more in ((1, {}), (2, {"score": 0.5}), (3, {"data": b"torn"}), (4, {})):
            add(catalog, number, **more)
        trained_on(catalog)
        add(catalog, 5)
        texts = cards(catalog, TRAINED)
        rows = list(csv.DictReader(io.StringIO(texts["garments.csv"])))

    assert [(Path(row["garment"]).name[63], row["label"]) for row in rows] == [("1", "coat"), ("4", "coat")]
    assert "2 garments cut out of 2 photos |" in texts["DATA_CARD.md"]
    assert "coat 2" in texts["DATA_CARD.md"]
    assert "2 garments that" in json.loads(texts["croissant.json"])["description"]


def test_a_list_that_is_not_certain_says_so(tmp_path: Path) -> None:
    """When what a run learned from is packed no more, its card lists what the settings choose now, and says so."""
    with Catalog(tmp_path) as catalog:
        add(catalog, 1)
        add(catalog, 2, score=0.5)
        card = cards(catalog, TRAINED)["DATA_CARD.md"]

    assert f"1 garments cut out of 1 photos, {CHANGED}" in card


def test_the_card_names_what_a_run_started_from(tmp_path: Path) -> None:
    """The card names the weights that the run started from; a source.json that nobody can read is an error."""
    record = tmp_path / "runs/gan-001/source.json"
    with Catalog(tmp_path) as catalog:
        add(catalog, 1)
        put_file(record, json.dumps({"name": "demo-garments", "digest": "ab" * 32}).encode())
        card = cards(catalog, TRAINED)["DATA_CARD.md"]
        put_file(record, b"[")
        with pytest.raises(InputError, match=r"source\.json: unreadable"):
            cards(catalog, TRAINED)

    assert f"| started from | demo-garments, weights sha256 {'ab' * 32}; " in card
    assert "of what it started from nothing is known here" in card
