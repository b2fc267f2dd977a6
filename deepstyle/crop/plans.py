"""What rules and marks ask of photos: garments to cut, and garments to remove once those are cut (loop)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.counts import Counts
from deepstyle.crop.rules import Choice, rule_of
from deepstyle.crop.wanted import wanted
from deepstyle.records import Garment, Photo


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What rules and marks ask of a photo: garments to cut, and garments to remove once those are cut."""

    photo: Photo
    cut: list[Choice]
    drop: list[Garment]


def plans_of(catalog: Catalog, model: str, config: CropConfig, photos: Sequence[Photo], counts: Counts) -> list[Plan]:
    """What is to be done with neighbouring photos; nothing with those that the detector could not look at.

    Counts what is kept as it is, and what marks leave out.
    """
    first, last = photos[0].sha256, photos[-1].sha256
    want = {(photo, choice.k): choice for photo, choice in wanted(catalog, model, config, photos)}
    for mark in catalog.detections.excluded(model, first, last) & set(want):
        counts.excluded += 1
        del want[mark]
    rule, looked_at = rule_of(config), catalog.detections.looked_at(model, first, last)
    drop: dict[str, list[Garment]] = {}
    for one in catalog.garments_between(first, last):
        choice = want.get((one.photo, one.k))
        if choice is None or choice.box.label != one.label:
            drop.setdefault(one.photo, []).append(one)
        elif (one.model, one.rule) == (model, rule) and _stands(catalog.path(one.path)):
            del want[one.photo, one.k]
            counts.kept += 1
    cut: dict[str, list[Choice]] = {}
    for (sha256, _), choice in want.items():
        cut.setdefault(sha256, []).append(choice)
    plans = [
        Plan(photo=photo, cut=cut.get(photo.sha256, []), drop=drop.get(photo.sha256, []))
        for photo in photos
        if photo.sha256 in looked_at
    ]
    return [plan for plan in plans if plan.cut or plan.drop]


def _stands(path: Path) -> bool:
    """Whether a garment's file is there and not emptied."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
