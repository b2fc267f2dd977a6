"""Label tables: a CSV that names photos and their category, read for the classifier and split without leaks.

Two shapes occur in the wild: the Clothing Dataset's ``images.csv`` (Grigorev and contributors, 2020: names without an
extension, a sender for each photo, photos in ``images/`` beside the file) and two-column lists in the manner of
DeepFashion (byte order mark, backslashes as a path separator). Columns are found by their usual names, in any case.

How a row can end (``LabelTable``): kept in ``rows``; named in ``missing`` when its photo is not there; counted in
``dropped`` as ``no-path``, ``no-label`` or ``duplicate`` (the same photo listed again; the first row counts).
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
from numpy.typing import NDArray

from deepstyle.boxes import Corners
from deepstyle.errors import InputError, UsageError
from deepstyle.files import read_input, reason, shown
from deepstyle.images import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS = {
    "path": ("image", "image_name", "file", "file_name", "filename", "path", "image_path"),
    "label": ("label", "category", "category_name", "class", "class_name"),
    "group": ("sender_id", "group", "group_id", "garment", "garment_id"),
    "split": ("split", "partition", "evaluation_status"),
}
SUFFIXES = (*(f".{extension}" for extension in EXTENSIONS.values()), ".jpeg", ".tiff")
MOST = 500_000_000  # bytes of a table
FOLDERS = 10_000  # that are remembered for not being there
LONGEST_HEADER = 100_000  # bytes
TRIALS = 40  # random starts of the split; more find hardly better ones
FLIPS = 300  # moves of one group that a start may take at most
CELLS = 40_000_000  # groups x labels x trials looked at, so that a table of single photos splits in seconds too

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One photo: where it is, its category, the group it must not be parted from, the split its authors gave it.

    With a ``box`` (pixels) only that part of the photo is meant.
    """

    path: Path
    label: str
    group: str | None = None
    split: str | None = None
    box: Corners | None = None

    @property
    def name(self) -> str:
        """The photo's path; of a box with its place, as https://www.w3.org/TR/media-frags writes it."""
        if self.box is None:
            return self.path.as_posix()
        x0, y0, x1, y1 = self.box
        return f"{self.path.as_posix()}#xywh={x0:g},{y0:g},{x1 - x0:g},{y1 - y0:g}"


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """Photos with labels, in the file's order. ``labels`` are sorted by name; ``missing`` are names without a file.

    ``name``: what people call it, the file's or folder's name.
    """

    rows: tuple[LabelRow, ...]
    labels: tuple[str, ...]
    missing: tuple[str, ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    name: str = "the table"


def read_table(path: Path, *, images: Path | None = None) -> LabelTable:
    """Read a CSV of image names and labels; photos are sought in ``images``, else in ``images/`` and beside the CSV.

    Names may lack their extension and may use backslashes. Raises InputError when the file or folder cannot be read, or
    when it lacks a column for the image or the label (the message names what was found).
    """
    if images is not None and not os.path.isdir(images):  # noqa: PTH112  # of a name that no folder can have, too
        raise InputError(f"{images}: is no folder; give the one that holds the photos of {path.name}")
    header, records = read_records(path)
    columns = _columns(path, header)
    finder = PhotoFinder([images] if images is not None else [path.parent / "images", path.parent])
    rows: dict[Path, LabelRow] = {}
    missing: list[str] = []
    dropped: Counter[str] = Counter()
    for record in records:
        value = {kind: record[at].strip() if at < len(record) else "" for kind, at in columns.items()}
        if not value["path"] or not value["label"]:
            dropped["no-path" if not value["path"] else "no-label"] += 1
            continue
        file = finder.find(value["path"])
        if file is None:
            missing.append(value["path"])
        elif file in rows:
            dropped["duplicate"] += 1
        else:
            group, split = value.get("group") or None, value.get("split") or None
            rows[file] = LabelRow(path=file, label=value["label"], group=group, split=split)
    labels = tuple(sorted({row.label for row in rows.values()}))
    return LabelTable(rows=tuple(rows.values()), labels=labels, missing=tuple(missing), dropped=dict(dropped))


def require_photos(rows: Sequence[object], missing: Sequence[str]) -> None:
    """Raise InputError when a table names photos, and none of them is there."""
    if missing and not rows:
        raise InputError(
            f"none of the table's {len(missing):,} images is there, e.g. {missing[0]}; give the folder of a CSV's images "
            "with --images"
        )


def split_by_group(
    rows: Sequence[LabelRow], share: float, seed: int
) -> tuple[tuple[LabelRow, ...], tuple[LabelRow, ...]]:
    """Part rows into (train, validation) so that no group is in both; a row without a group is its own.

    Validation gets about ``share`` (in (0, 1)) of all rows and of each label's, and every label is in both where its
    groups allow it. Many seeded starts are improved by moving single groups, and the closest is taken; the result
    depends on the rows as a set and ``seed``. A single group cannot be parted: it all goes to train. Raises UsageError
    for a share out of bounds.
    """
    if not 0 < share < 1:
        raise UsageError(f"validation share {share} is not between 0 and 1; 0.15 is usual")
    keys = [(0, row.group) if row.group is not None else (1, str(row.path)) for row in rows]
    groups = {key: k for k, key in enumerate(sorted(set(keys)))}
    if len(groups) < 2:
        return tuple(rows), ()
    labels = {label: k for k, label in enumerate(sorted({row.label for row in rows}))}
    counts = np.zeros((len(groups), len(labels)))  # rows of each group and label
    for key, row in zip(keys, rows, strict=True):
        counts[groups[key], labels[row.label]] += 1
    chosen = _choose(counts, share, np.random.default_rng(seed))
    train = tuple(row for key, row in zip(keys, rows, strict=True) if not chosen[groups[key]])
    return train, tuple(row for key, row in zip(keys, rows, strict=True) if chosen[groups[key]])


def _choose(counts: Counts, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which groups go to validation: the best of many random starts, each improved by the best single move."""
    total = counts.sum(axis=0)
    sizes = counts.sum(axis=1)
    trials = int(np.clip(CELLS // (counts.size * 20), 1, TRIALS))
    best, best_cost = np.zeros(len(counts), np.bool_), np.inf
    for _ in range(trials):
        order = rng.permutation(len(counts))
        chosen = np.zeros(len(counts), np.bool_)
        chosen[order[np.cumsum(sizes[order]) <= share * sizes.sum()]] = True
        cost = float(_cost(counts[chosen].sum(axis=0), total, share))
        for _ in range(min(FLIPS, CELLS // counts.size)):
            moved = counts[chosen].sum(axis=0) + np.where(chosen, -1, 1)[:, None] * counts
            costs = _cost(moved, total, share)
            move = int(costs.argmin())
            if costs[move] >= cost - 1e-9:
                break
            chosen[move] = not chosen[move]
            cost = float(costs[move])
        if cost < best_cost:
            best, best_cost = chosen, cost
    return best


def _cost(inside: Counts, total: Counts, share: float) -> Counts:
    """How far validation sets are from ideal; ``inside`` is (..., labels) rows in validation, ``total`` (labels).

    Chi-squared of the label counts, the size's own term, and a fine for each label that one side lacks altogether.
    """
    wanted = share * total
    labels = ((inside - wanted) ** 2 / wanted).sum(axis=-1)
    size = (inside.sum(axis=-1) - wanted.sum()) ** 2 / wanted.sum()
    lacking = ((inside <= 0) | (inside >= total)).sum(axis=-1)
    empty = (inside.sum(axis=-1) <= 0) | (inside.sum(axis=-1) >= total.sum())
    return np.asarray(labels + size + total.sum() * (lacking + 1e6 * empty))


def read_records(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Header and non-empty records of a table; both are read as they are asked for. Raises InputError, also while they are."""
    records = read_rows(path)
    header, second = next(records), next(records, None)
    if second is None:
        raise InputError(f"{path}: holds no rows; expected a header such as 'image,label' and a row for each photo")
    return header, chain([second], records)


def read_rows(path: Path) -> Iterator[list[str]]:
    """The non-empty rows of a file, parted by commas, semicolons or tabs (whichever the first has most); one at least.

    Rows are read as they are asked for. Raises InputError, also while they are.
    """
    data = read_input(path, MOST, "give a CSV of images and labels")
    start = data[:LONGEST_HEADER].partition(b"\n")[0]
    delimiter = max(b",;\t", key=lambda sign: start.count(bytes([sign])))
    rows = _parsed(path, io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), chr(delimiter))
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path}: holds no rows; expected a header such as 'image,label' and a row for each photo")
    return chain([first], rows)


def _parsed(path: Path, text: TextIO, delimiter: str) -> Iterator[list[str]]:
    try:
        for row in csv.reader(text, delimiter=delimiter):
            if any(row):
                yield row
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no UTF-8 text ({error.reason}); save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path}: is no CSV ({error}); save the table as CSV in UTF-8") from error


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Where path, label, group and split stand in the header; the latter two may be absent."""
    names = [name.strip().lower().replace(" ", "_") for name in header]
    found = {kind: names.index(one) for kind, known in COLUMNS.items() for one in reversed(known) if one in names}
    for kind, what in (("path", "image"), ("label", "label")):
        if kind not in found:
            expected = ", ".join(COLUMNS[kind])
            raise InputError(
                f"{path}: has no column for the {what}; found {', '.join(header[:20])}; name one of them: {expected}"
            )
    return found


class PhotoFinder:
    """Finds the file a table means below ``roots``: as written, with another case, or with the extension it left out."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [str(root.absolute()) for root in roots]
        self._folders: dict[str, dict[str, Path]] = {}

    def find(self, name: str) -> Path | None:
        """Return the photo's absolute path, or None when no root has it."""
        folder, slash, last = name.replace("\\", "/").rstrip("/").rpartition("/")
        for root in self._roots:
            known = self._folder(os.path.join(root, folder or slash))  # noqa: PTH118  # ten times pathlib's speed
            if (file := known.get(last) or known.get(last.lower())) is not None:
                return file
        return None

    def _folder(self, folder: str) -> dict[str, Path]:
        """Names of a folder's photos -> paths: exact names first, then lower case, then without the extension."""
        if folder not in self._folders:
            there = os.path.isdir(folder)  # noqa: PTH112  # of a name that no folder can have, too
            if not there and len(self._folders) > FOLDERS:
                return {}
            self._folders[folder] = _photos(Path(folder)) if there else {}
        return self._folders[folder]


def _photos(folder: Path) -> dict[str, Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({reason(error)})") from error
    photos = [file for file in files if file.suffix.lower() in SUFFIXES]
    known = {file.name: file for file in photos}
    for name, file in [(file.name.lower(), file) for file in photos] + [(file.stem, file) for file in photos]:
        known.setdefault(name, file)
    for file in photos:
        known.setdefault(file.stem.lower(), file)
    return known
