"""What the rules want of the detections that the catalog holds, a window of photos at a time (loop)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.rules import Choice, choose
from deepstyle.records import Detection, Photo
from deepstyle.shape import unpack

WINDOW = 64  # photos whose records are held, and whose garments are committed, at a time when rules or marks changed


def windows(catalog: Catalog) -> Iterator[list[Photo]]:
    """All photos by hash, WINDOW at a time, so that memory stays the same however many there are."""
    after = ""
    while photos := catalog.photos(after=after, limit=WINDOW):
        yield photos
        after = photos[-1].sha256


def wanted(catalog: Catalog, model: str, config: CropConfig, photos: Sequence[Photo]) -> Iterator[tuple[str, Choice]]:
    """What the rules choose among the recorded detections on neighbouring photos, as (photo, choice), marks aside.

    A marked garment still counts for the rules: what it kept out stays out, so that marking brings nothing new.
    """
    sure = wanted_of(catalog, model, config, photos, least=config.min_score)  # the rules look at no others
    return ((photo, choice) for photo, choice, _ in sure)


def wanted_of(
    catalog: Catalog, model: str, config: CropConfig, photos: Sequence[Photo], *, least: float = 0.0
) -> Iterator[tuple[str, Choice, list[Box]]]:
    """``wanted``, each with all that was found on its photo with a score of ``least`` or more."""
    of = {photo.sha256: photo for photo in photos}
    rows = catalog.detections.of(model, photos[0].sha256, photos[-1].sha256, least=least)
    for sha256, group in groupby(rows, key=lambda one: one.photo):
        found = list(group)
        boxes = [_box(one) for one in found]
        for choice in choose(boxes, config, of[sha256].width, of[sha256].height):
            yield sha256, replace(choice, k=found[choice.k].k), boxes


def _box(one: Detection) -> Box:
    return Box(x0=one.x0, y0=one.y0, x1=one.x1, y1=one.y1, label=one.label, score=one.score, shape=unpack(one.shape))
