"""Which rows of a table show the same photo: files whose bytes are the same, whatever they are called (edge).

A photo that is both learned from and held out makes figures better than they are. The rule for all tables: of files with the
same bytes one stays, one marked test where there is one, else one that is held out, so that a split's sides are its authors'.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.boxes import Corners
from deepstyle.errors import InputError
from deepstyle.files import open_regular


def stand_ins(rows: Sequence[LabelRow]) -> list[int]:
    """For each row the number of the row that stays for its photo: its own, unless another has the same bytes and box.

    Only files of the same size are read. One that cannot be stays; whoever opens it tells what is wrong.
    """
    sizes: defaultdict[int, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        sizes[_size(row.path)].append(i)
    found = list(range(len(rows)))
    for alike in sizes.values():
        paths = {rows[i].path for i in alike}
        digests = {path: _digest(path) if len(paths) > 1 else "" for path in paths}
        first: dict[tuple[str, Corners | None], int] = {}
        for i in sorted(alike, key=lambda i: _nearness(rows[i])):
            found[i] = first.setdefault((digests[rows[i].path], rows[i].box), i)
    return found


def without_repeats(table: LabelTable) -> LabelTable:
    """The table with each photo once; ``dropped`` counts the others as ``duplicate``, or ``duplicate of another label``."""
    stays = stand_ins(table.rows)
    dropped = dict(table.dropped)
    for i, j in enumerate(stays):
        if i != j:
            why = "duplicate" if table.rows[i].label == table.rows[j].label else "duplicate of another label"
            dropped[why] = dropped.get(why, 0) + 1
    return replace(table, rows=tuple(table.rows[i] for i in sorted(set(stays))), dropped=dropped)


def _nearness(row: LabelRow) -> int:
    """0: marked test, 1: held out, 2: learned from."""
    side = (row.split or "").strip().lower()
    return 0 if side == "test" else 2 if side.startswith("train") else 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _digest(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError):
        return str(path)
