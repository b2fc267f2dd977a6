"""What a run learned from, as far as its workspace still knows: the garments, and the cards that an export gives them (edge)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from deepstyle.card import croissant, data_card, garments_csv
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.errors import InputError
from deepstyle.records import Garment
from deepstyle.scoring import pack_place
from deepstyle.source import RECORD

CHANGED = "as the workspace has them now: what the run learned from is packed no more"


def garments_learned(catalog: Catalog, config: GanConfig, run: str) -> tuple[list[Garment], bool]:
    """The garments, each with the label that it was learned by, and whether they are certain: what was packed is there still.

    Otherwise they are those that the run's settings choose now.
    """
    chosen = catalog.garments(config.labels, least=config.min_score)
    garments = [replace(one, label=one.called(config.labels)) for one in chosen]
    try:
        pack = PackedDataset(pack_place(catalog, config))
        key = (catalog.root / "runs" / run / "data.key").read_text("utf-8", "replace")
    except (InputError, OSError):
        return garments, False
    if not key.startswith(pack.key):
        return garments, False
    packed = set(pack.sources)
    return [one for one in garments if one.name in packed], True


def cards(catalog: Catalog, trained: TrainedGenerator) -> dict[str, str]:
    """Data card, table of garments and Croissant of a run, by file name; nothing where the workspace has no garments of it."""
    garments, certain = garments_learned(catalog, trained.config, trained.name)
    if not garments:
        return {}
    table = garments_csv(garments)
    card = data_card(
        trained.name, trained.digest, garments, left_out=catalog.outcomes(), figures=trained.figures,
        licence=trained.licence, began=_began(catalog.root / "runs" / trained.name), note="" if certain else CHANGED,
    )  # fmt: skip
    return {"garments.csv": table, "croissant.json": croissant(trained.name, garments, table), "DATA_CARD.md": card}


def _began(folder: Path) -> str:
    """The model or run whose weights a run started from, with their hash; "" of one that started from nothing."""
    try:
        about = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return f"{about['name']}, weights sha256 {about['digest']}"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / RECORD}: unreadable ({error}); it says what the run started from") from error
