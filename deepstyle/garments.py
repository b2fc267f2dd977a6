"""The garments that a training or a score is to look at, or why there are none (edge)."""

from __future__ import annotations

import math

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.config import GanConfig
from deepstyle.errors import InputError, UsageError
from deepstyle.records import Garment

LEAST = 6  # images on a side of a score: the manifold asks for five neighbours


def garments_for(catalog: Catalog, config: GanConfig) -> list[Garment]:
    """The garments with the config's labels and score, in catalog order. Raises UsageError when there are none."""
    garments = catalog.garments(config.labels, least=config.min_score)
    if not garments and (every := catalog.garments(config.labels)):
        surest = math.floor(100 * max(one.score for one in every)) / 100  # rounded down: one that can be asked for
        raise UsageError(f"--min-score {config.min_score:g}: no garment has it, the surest {surest:.2f}; ask for less")
    if not garments:
        if known := [*catalog.garment_counts(), *catalog.tags.counts(CATEGORY)]:
            remedy = "" if catalog.tags.counts(CATEGORY) else "; `deepstyle tag` names their categories"
            raise UsageError(
                f"no garments with the label {', '.join(config.labels)}; there are {', '.join(known)}{remedy}"
            )
        raise UsageError(f"{catalog.root} has no garments: run `deepstyle crop` first")
    return garments


def require_count(count: int, what: str, remedy: str) -> None:
    """Raise InputError, before anything is made or judged, where there are too few for a score."""
    if count < LEAST:
        raise InputError(f"{what} are too few for a score, which needs {LEAST}; {remedy}")
