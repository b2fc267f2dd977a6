"""Photos and their categories from what people have, as one table: a CSV, folders, DeepFashion, COCO boxes, our garments.

What keeps photos of one thing on one side of a split (``LabelRow.group``): of a CSV its own column; of folders a folder below
the category's; of DeepFashion the photo's folder, which shows one garment; of boxes and of our garments the photo.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deepstyle.annotations.coco import read_coco
from deepstyle.annotations.convert import Tally
from deepstyle.annotations.deepfashion import FOLDERS, category_rows
from deepstyle.annotations.pair import NAME_THEM
from deepstyle.annotations.table import SUFFIXES, LabelRow, LabelTable, PhotoFinder, read_table, require_photos
from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.errors import InputError, UsageError
from deepstyle.files import reason, shown
from deepstyle.progress import Reporter

SIDES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
CHANGED = (
    "clipped",
    "bad-mask",
    "box-of-mask",
    "repeated",
    "repeated-photo",
)  # ends of a box that stays, see ``coco.py``


def labels_from(
    source: Path | None, catalog: Catalog, *, reporter: Reporter, images: Path | None = None, grouped: bool = False
) -> LabelTable:
    """The labels of ``source``, or of the catalog's garments where it is None; ``grouped``: without their own split.

    Raises as the readers below.
    """
    if source is None:
        table = replace(read_garments(catalog), name="the workspace's garments")
    else:
        table = replace(read_any_labels(source, reporter=reporter, images=images), name=shown(source.resolve().name))
    require_photos(table.rows, table.missing)
    return by_group(table) if grouped else table


def read_any_labels(source: Path, *, reporter: Reporter, images: Path | None = None) -> LabelTable:
    """Labels from a CSV, a COCO file, DeepFashion's folder, or any other folder with a folder per category.

    A folder may hold COCO files instead, one a side: train.json, val.json, test.json. ``images`` is of a CSV only, UsageError
    otherwise. Raises InputError for what is none of these.
    """
    if images is not None and (source.is_dir() or source.suffix.lower() == ".json"):
        raise UsageError(f"--images {shown(images)}: is for a CSV; {shown(source)} says itself where its photos are")
    if source.suffix.lower() == ".json" and not source.is_dir():
        return read_boxes([(source, None)])
    if not source.is_dir():
        return read_table(source, images=images)
    if any((source / name).is_dir() for names in FOLDERS.values() for name in names):
        return read_deepfashion(source, reporter=reporter)
    if (source / "train.json").is_file():
        files = [(source / f"{side}.json", side) for side in ("train", "val", "test")]
        return read_boxes([(file, side) for file, side in files if file.is_file()])
    return read_folders(source)


def read_folders(source: Path) -> LabelTable:
    """A folder per category, or such folders in train, val and test; photos may lie in folders below, one a garment.

    Raises InputError when it holds no photo in such folders, and for a category beside a train folder.
    """
    parts = {folder: SIDES.get(folder.name.lower()) for folder in _folders(source)}
    if "train" not in parts.values():
        parts = {source: None}
    elif odd := [folder.name for folder, side in parts.items() if side is None]:
        raise InputError(
            f"{shown(source)}: holds {', '.join(odd[:3])} beside a train folder; of split photos only the folders "
            f"{', '.join(SIDES)} can stand there"
        )
    rows: list[LabelRow] = []
    for part, side in parts.items():
        for folder in _folders(part):
            label = _named(folder)
            rows += [
                LabelRow(path=path, label=label, split=side, group=f"{label}/{below}" if below else None)
                for path, below in _photos_below(folder)
            ]
    if not rows:
        raise InputError(
            f"{shown(source)}: holds no folders with photos (files named {', '.join(SUFFIXES)}); give a folder with one "
            "for each category, or a CSV of images and labels"
        )
    loose = sum(path.suffix.lower() in SUFFIXES for part in parts for path in _entries(part))
    return _table(rows, dropped={"no-label": loose} if loose else {})


def read_deepfashion(source: Path, *, reporter: Reporter) -> LabelTable:
    """DeepFashion's Category and Attribute benchmark with its own partition: whole photos, the categories that occur.

    The partition shares folders, which are garments, between its sides; a training says so aloud.
    """
    tally = Tally()
    photos, named = category_rows(source, tally, reporter)
    finder = PhotoFinder([photos])
    rows: list[LabelRow] = []
    missing: list[str] = []
    for row, category in named:
        path = finder.find(row.name)
        if path is None:
            missing.append(row.name)
        else:
            rows.append(LabelRow(path=path, label=category, group=row.name.rpartition("/")[0], split=row.split))
    return _table(rows, missing=missing, dropped=tally.totals())


def read_boxes(files: Sequence[tuple[Path, str | None]]) -> LabelTable:
    """The boxes of COCO files, each to be cut out, with its label; a file's side of the split, or None, is beside it."""
    rows: list[LabelRow] = []
    missing: list[str] = []
    dropped: Counter[str] = Counter()
    for file, side in files:
        found = read_coco(file)
        dropped.update({why: count for why, count in found.dropped.items() if why not in CHANGED})
        for image in found.images:
            if not image.annotations:
                continue
            if not os.path.isfile(image.path):  # noqa: PTH113  # of a name that no file can have, too
                missing.append(str(image.path))
                continue
            rows += [
                LabelRow(path=image.path, label=one.label, group=str(image.path), split=side, box=one.box)
                for one in image.annotations
            ]
    if missing and not rows:
        first, names = Path(missing[0]), ", ".join(str(file) for file, _ in files)
        raise InputError(
            f"{names}: none of the {len(missing):,} photos with boxes is there; the first is {shown(first.name)}, which is "
            f"not in the folder {shown(first.parent)}; put them there, or {NAME_THEM}"
        )
    return _table(rows, missing=missing, dropped=dropped)


def read_garments(catalog: Catalog) -> LabelTable:
    """The catalog's garments by the categories that `deepstyle tag` gave them, or by the detector's labels where it gave none.

    With categories, garments without one are left out. Raises InputError when there are no garments.
    """
    garments, categories = catalog.garments(), catalog.tags.named(CATEGORY)
    if not garments:
        raise InputError(f"--garments: {catalog.root} has no garments; run `deepstyle crop` first")
    rows: list[LabelRow] = []
    missing: list[str] = []
    for one in garments:
        label = categories.get((one.photo, one.k), "") if categories else one.label
        if label and catalog.path(one.path).is_file():
            rows.append(LabelRow(path=catalog.path(one.path), label=label, group=one.photo))
        elif label:
            missing.append(one.path)
    left = len(garments) - len(rows) - len(missing)
    return _table(rows, missing=missing, dropped={"no-category": left} if left else {})


def by_group(table: LabelTable) -> LabelTable:
    """The table without its own split of training and validation photos, so that whole groups are held out; test stays test."""
    rows = (row if SIDES.get((row.split or "").lower()) == "test" else replace(row, split=None) for row in table.rows)
    return replace(table, rows=tuple(rows))


def _table(
    rows: Sequence[LabelRow], *, missing: Sequence[str] = (), dropped: dict[str, int] | None = None
) -> LabelTable:
    labels = tuple(sorted({row.label for row in rows}))
    return LabelTable(rows=tuple(rows), labels=labels, missing=tuple(missing), dropped=dict(dropped or {}))


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, by name; hidden things are not looked at."""
    try:
        return sorted(path for path in folder.absolute().iterdir() if not path.name.startswith((".", "__MACOSX")))
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({reason(error)})") from error


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _photos_below(folder: Path, below: str = "") -> Iterator[tuple[Path, str]]:
    """The photos of a category's folder, each with the folder below it that it lies in, or ``""``."""
    for path in _entries(folder):
        if path.is_dir():
            if not path.is_symlink():  # it may lead upwards
                yield from _photos_below(path, f"{below}/{path.name}" if below else path.name)
        elif path.suffix.lower() in SUFFIXES:
            yield path, below


def _named(folder: Path) -> str:
    """The category of a folder: its name."""
    try:
        folder.name.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{shown(folder)}: its name is to be a category, and is no text; rename it") from error
    return folder.name
