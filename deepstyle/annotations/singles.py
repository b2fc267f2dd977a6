"""Photos of single things with a known category -> COCO files: one box a garment, none on photos of shoes and hats.

A label table (``table.py``) says what each photo shows; where it is comes from ``salient.py``, or is the whole photo where
nothing stands out. Photos without a garment teach what is none. Senders (groups) stay on one side of the split.

How a row can end (``Summary.dropped`` counts, ``dropped.csv`` names):
    kept            with a box, or as a photo without a garment
    whole           kept, but the box is the whole photo
    no-photo        the photo is not there
    bad-photo       the photo is no readable image
    no-label        the category says neither upper, lower, full nor that there is no garment
    tall            outerwear that is half as tall again as wide: a coat is ``full``, a jacket is not, and nobody says which
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deepstyle import images
from deepstyle.annotations.coco import LABELS, AnnotatedImage, Annotation
from deepstyle.annotations.convert import Summary, Tally, check_shares, split_of, write_splits
from deepstyle.annotations.salient import salient_box
from deepstyle.annotations.table import LabelRow, read_table
from deepstyle.errors import ImageError
from deepstyle.progress import Reporter

_UPPER = ("blazer", "blouse", "hoodie", "longsleeve", "outwear", "polo", "shirt", "t-shirt", "top", "undershirt")
GARMENTS = dict.fromkeys(_UPPER, "upper") | dict.fromkeys(("pants", "shorts", "skirt"), "lower") | {"dress": "full"}
NONE = frozenset({"hat", "shoes"})
TALL = 1.5  # height / width from which outerwear may be a coat


def convert_singles(
    table: Path, out: Path, *, reporter: Reporter, validation_share: float = 0.15, test_share: float = 0.0, seed: int = 0
) -> Summary:  # fmt: skip
    """Write ``out/train.json`` and ``val.json`` from a table of single things; senders are split by their hash.

    Raises InputError when the table cannot be read or nothing is left.
    """
    check_shares(validation_share, test_share)
    rows = read_table(table)
    tally = Tally()
    for name in rows.missing:
        tally.count("no-photo", name)
    splits: dict[str, list[AnnotatedImage]] = {"train": [], "val": [], "test": []}
    with (
        ThreadPoolExecutor() as pool,
        reporter.task("boxes of single things", total=len(rows.rows), unit="photos") as task,
    ):
        for row, (made, outcome) in zip(rows.rows, pool.map(_annotate, rows.rows), strict=True):
            if outcome:
                tally.count(outcome, row.path.name)
            if made is not None:
                group = row.group or row.path.name
                splits[split_of(f"sender {group}", seed, validation_share, test_share)].append(made)
            task.advance()
    return write_splits(out, splits, LABELS, tally)


def _annotate(row: LabelRow) -> tuple[AnnotatedImage | None, str]:
    """The photo of one row with its box or none, and what is to count."""
    category = row.label.lower()
    label = GARMENTS.get(category)
    if label is None and category not in NONE:
        return None, "no-label"
    try:
        pixels = images.decode(row.path.read_bytes())
    except (OSError, ImageError):
        return None, "bad-photo"
    height, width = pixels.shape[:2]
    if label is None:
        return AnnotatedImage(path=row.path.absolute(), width=width, height=height), ""
    found = salient_box(pixels)
    box = found or (0.0, 0.0, float(width), float(height))
    if category == "outwear" and box[3] - box[1] > TALL * (box[2] - box[0]):
        return None, "tall"
    one = Annotation(box=box, label=label, category=category)
    return AnnotatedImage(
        path=row.path.absolute(), width=width, height=height, annotations=(one,)
    ), "" if found else "whole"
