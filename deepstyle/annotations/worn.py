"""Which categories a garment can have that a detector called upper, lower or full (pure).

A classifier of single things has never seen a garment of which a coat hides half: cut out along its mask, two sleeves look to
it like boots. What the detector says of the same garment leaves fewer answers (docs/log.md, "what a crop can be").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations import ccp, singles
from deepstyle.annotations.coco import LABELS

OUTER = ("blazer", "cape", "cardigan", "coat", "jacket", "outwear", "suit", "vest")  # end at the hip, or below the knee


def labels_of(category: str) -> frozenset[str]:
    """The labels that a garment of this category may get; all of them of a category that nobody has placed, none of a shoe."""
    name = category.strip().casefold()
    if name in singles.NONE:
        return frozenset()
    if name in OUTER:
        return frozenset({"upper", "full"})
    placed = [where[name] for where in (ccp.GARMENTS, singles.GARMENTS) if name in where]
    return frozenset(placed or LABELS)


def possible(categories: Sequence[str], label: str) -> NDArray[np.bool_]:
    """Which of the categories a garment with this label can have; all of them where it could have none."""
    fits = np.array([label in labels_of(one) for one in categories])
    return fits if fits.any() else np.ones(len(categories), np.bool_)


def surest(shares: NDArray[np.floating[Any]], categories: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Of N x C shares, a column a category, the number of the surest one that garments with these N labels can have."""
    fits = {label: possible(categories, label) for label in set(labels)}
    number: NDArray[np.int64] = np.where([fits[label] for label in labels], shares, -np.inf).argmax(1)
    return number
