"""The garments of a catalog get their category, or a tagger's tags, so that they can be asked for by it (loop).

How a garment can end: tagged, or counted in ``failed`` when its file cannot be read; one that was cut anew meanwhile is
tagged the next time. The same command again looks only at what this model has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from deepstyle.annotations.worn import possible
from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY, TAG
from deepstyle.classifier.predict import Picture, predict
from deepstyle.classifier.routed import Single
from deepstyle.classifier.tagger import Tags
from deepstyle.progress import Reporter

BATCH = 64  # garments looked at, then written down
FITTED = "+worn"  # after the name of a judge whose answers were held against the detector's labels


@dataclass(frozen=True, kw_only=True)
class TagSummary:
    """What a tagging came to: garments tagged now and by this model before, files that could not be read, and all tags."""

    model: str
    tagged: int
    kept: int
    failed: int
    tags: dict[str, int]


def tag_garments(catalog: Catalog, judge: Single, *, reporter: Reporter) -> TagSummary:
    """Name the category of every garment that this judge has not named yet, in place of another's; a tagger's tags alike.

    The category is the surest one that fits the detector's label (``annotations/worn.py``).
    """
    kind = TAG if isinstance(judge, Tags) else CATEGORY
    model = judge.weights_name + ("" if kind == TAG else FITTED)
    garments = catalog.tags.untagged(model)
    pictures = (Picture(file=str(catalog.path(one.path))) for one in garments)
    tagged = failed = 0
    with reporter.task("tagging", total=len(garments), unit="garments") as task:
        found = zip(garments, predict(judge, pictures, top=len(judge.labels), batch_size=BATCH), strict=True)
        while part := list(islice(found, BATCH)):
            with catalog.transaction():
                for garment, one in part:
                    failed += bool(one.error)
                    told = one.top if kind == TAG or one.error else _fitting(one.top, garment.label)
                    tagged += not one.error and catalog.tags.put(garment, kind, model, told)
            task.advance(len(part))
    return TagSummary(
        model=judge.weights_name, tagged=tagged, kept=catalog.count("garments") - len(garments), failed=failed,
        tags=catalog.tags.counts(kind),
    )  # fmt: skip


def _fitting(top: Sequence[tuple[str, float]], label: str) -> list[tuple[str, float]]:
    """Of all categories, the surest first, the first that a garment with this label can have, and its share."""
    fits = possible([name for name, _ in top], label)
    return [next(one for one, fit in zip(top, fits, strict=True) if fit)]
