"""Tables of tags: a CSV that says of each photo which of many tags it has.

Three shapes occur in the wild:

    image,black,red,boot         a column a tag: 1, y or x is yes; 0, n or nothing is no; ? is not known. Where a table has
                                 -1 as well, that is no and 0 is not known, as DeepFashion writes it
    image,tags                   one column of tags with commas between them; what is not named is no
    img/1.jpg,coat_length,nnymn  FashionAI's, with or without a header: a letter for each value of a task, y yes, n no, m maybe.
                                 ``m`` counts as neither; tasks that no row names are not known. Tags are called task:0, ...

How a row can end (``TagTable``): kept in ``rows``; named in ``missing`` when its photo is not there; counted in ``dropped`` as
``no-path`` or ``duplicate`` (the same bytes as another photo: of two sides of a split the training side's goes).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations.repeats import stand_ins
from deepstyle.annotations.table import COLUMNS, LabelRow, PhotoFinder, read_records, read_rows
from deepstyle.errors import InputError
from deepstyle.files import shown
from deepstyle.progress import Reporter

JOINED = ("tags", "labels", "attributes")  # what a column of comma-joined tags is called
YES, NO, UNKNOWN = 1, 0, -1  # in ``values``
WORDS = {"1": YES, "1.0": YES, "y": YES, "yes": YES, "true": YES, "x": YES, "": NO, "0": NO, "0.0": NO, "n": NO, "no": NO,
         "false": NO, "?": UNKNOWN, "m": UNKNOWN, "maybe": UNKNOWN}  # fmt: skip
LETTERS = {"y": YES, "n": NO, "m": UNKNOWN}


@dataclass(frozen=True, kw_only=True, eq=False)
class TagTable:
    """Photos and their tags. ``values`` is N x T int8: 1 yes, 0 no, -1 not known; a row's label is its rarest tag.

    ``groups``: tags that belong together, by name; every tag is in one, in the order of ``tags``. ``name``: what people call it.
    """

    rows: tuple[LabelRow, ...]
    tags: tuple[str, ...]
    values: NDArray[np.int8]
    groups: dict[str, tuple[str, ...]]
    missing: tuple[str, ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    name: str = "the table"


def read_tag_table(path: Path, *, images: Path | None = None, reporter: Reporter | None = None) -> TagTable:
    """Read a CSV of one of the three shapes; photos are sought in ``images``, else in ``images/`` and beside the CSV.

    With a ``reporter`` it is told when tags seem to be parted by blanks.
    Raises InputError when the file cannot be read, or a column or value is none that is known.
    """
    roots = [images] if images is not None else [path.parent / "images", path.parent]
    if _of_tasks(path):
        return read_tasks([path], roots)
    header, records = read_records(path)
    first = [cell.strip() for cell in header]
    gathered = Gathered(PhotoFinder(roots))
    names = [name.lower().replace(" ", "_") for name in first]
    at = {kind: next((names.index(one) for one in known if one in names), None) for kind, known in COLUMNS.items()}
    if at["path"] is None:
        raise InputError(f"{path}: has no column for the image; name one of them: {', '.join(COLUMNS['path'])}")
    joined = next((names.index(one) for one in JOINED if one in names), None)
    taken = {at["path"], at["group"], at["split"]}
    columns = {place: name for place, name in enumerate(first) if place not in taken and name}
    rows = [[record[place].strip() if place < len(record) else "" for place in range(len(first))] for record in records]
    signed = joined is None and any(row[place] == "-1" for row in rows for place in columns)
    if joined is not None:
        _check_commas(path, [row[joined] for row in rows], reporter)
    for row in rows:
        if joined is not None:
            tags = {part.strip(): YES for part in row[joined].split(",") if part.strip()}
        else:
            tags = {name: _value(path, name, row[place], signed=signed) for place, name in columns.items()}
        group, split = (row[place] or None if (place := at[kind]) is not None else None for kind in ("group", "split"))
        gathered.add(row[at["path"]], tags, group=group, split=split)
    return gathered.table({}, otherwise=NO)


def _check_commas(path: Path, cells: Sequence[str], reporter: Reporter | None) -> None:
    """Refuse tags that are parted by another mark than commas, each row of which would be one tag; tell of blanks."""
    if any("," in cell for cell in cells):
        return
    for mark in ("|", ";"):
        if odd := next((cell for cell in cells if mark in cell), None):
            raise InputError(f"{path}: tags are parted by commas, {shown(odd)!r} has none; write , in place of {mark}")
    blanks = [cell for cell in cells if len(cell.split()) > 1]
    if len(blanks) > len(cells) / 2 and reporter is not None:
        reporter.say(
            f"warning: {path}: no row has a comma, so that {shown(blanks[0])!r} is one tag; if it is not, write commas"
        )


def read_tasks(paths: Sequence[Path], roots: Sequence[Path]) -> TagTable:
    """FashionAI's files of rows image,task,nnymn; a group a task. Raises InputError for any other row."""
    gathered = Gathered(PhotoFinder(roots))
    for path in paths:
        for number, record in enumerate(read_rows(path)):
            if number or not _is_header(record):
                gathered.add(record[0].strip(), _task(path, record))
    tasks = dict.fromkeys(tag.partition(":")[0] for tag in gathered.tags)
    groups = {task: tuple(tag for tag in gathered.tags if tag.startswith(f"{task}:")) for task in tasks}
    return gathered.table(groups, otherwise=UNKNOWN)


def _is_header(record: Sequence[str]) -> bool:
    """Whether a row names the column of the image."""
    return not _names(record).isdisjoint(COLUMNS["path"])


def _names(record: Sequence[str]) -> set[str]:
    return {cell.strip().lower().replace(" ", "_") for cell in record}


def _of_tasks(path: Path) -> bool:
    """Whether a file's rows are FashionAI's: image, task, letters; a row of two tags, or of a group and one, is none."""
    rows = read_rows(path)
    first = next(rows)
    if not _is_header(first):
        return len(first) == 3 and re.fullmatch(r"[nym]+", first[2].strip()) is not None
    if len(first) != 3 or not _names(first).isdisjoint((*COLUMNS["group"], *COLUMNS["split"], *JOINED)):
        return False
    second = next(rows, ())
    return (
        len(second) == 3 and second[1].strip().lower() not in WORDS and bool(re.fullmatch("[nym]+", second[2].strip()))
    )


def _task(path: Path, record: Sequence[str]) -> dict[str, int]:
    """A FashionAI row's tags."""
    if len(record) != 3 or not re.fullmatch(r"[nym]+", record[2].strip()):
        raise InputError(f"{path}: {','.join(record)[:100]} is no row of image, task and letters n, y, m")
    task = record[1].strip().removesuffix("_labels")
    return {f"{task}:{place}": LETTERS[letter] for place, letter in enumerate(record[2].strip())}


def _value(path: Path, name: str, text: str, *, signed: bool) -> int:
    if signed and text in {"-1", "0"}:
        return NO if text == "-1" else UNKNOWN
    try:
        return WORDS[text.lower()]
    except KeyError as error:
        raise InputError(
            f"{path}: column {name} holds {shown(text)!r}; a tag's column holds 1 or 0 (or yes, no, ?), tags in one column "
            f"stand under one of the names {', '.join(JOINED)}"
        ) from error


class Gathered:
    """Rows on their way into a TagTable; photos are sought by ``finder``, rows of one photo are joined."""

    def __init__(self, finder: PhotoFinder) -> None:
        self._finder = finder
        self._found: dict[Path, tuple[LabelRow, dict[str, int]]] = {}
        self._missing: list[str] = []
        self._dropped: Counter[str] = Counter()
        self.tags: dict[str, None] = {}

    def add(self, name: str, tags: Mapping[str, int], *, group: str | None = None, split: str | None = None) -> None:
        """A row: a photo's name, and what is said of its tags (YES, NO, UNKNOWN)."""
        self.tags |= dict.fromkeys(tags)
        file = self._finder.find(name) if name.strip() else None
        if not name.strip():
            self._dropped["no-path"] += 1
        elif file is None:
            self._missing.append(name)
        elif file in self._found:
            self._found[file][1].update(tags)
        else:
            self._found[file] = LabelRow(path=file, label="", group=group, split=split), dict(tags)

    def table(self, groups: Mapping[str, tuple[str, ...]], *, otherwise: int) -> TagTable:
        """All rows; a tag of which a row says nothing is ``otherwise``. Raises InputError when there is no tag at all."""
        if not self.tags:
            raise InputError("the table names no tags; give a column a tag, or one column called tags")
        known = groups or {"tags": tuple(sorted(self.tags))}
        tags = tuple(tag for members in known.values() for tag in members)
        values = np.array(
            [[said.get(tag, otherwise) for tag in tags] for _, said in self._found.values()], np.int8
        ).reshape(-1, len(tags))
        rows = [row for row, _ in self._found.values()]
        missing = tuple(self._missing)
        table = TagTable(rows=tuple(rows), tags=tags, values=values, groups=dict(known), missing=missing)
        return without_repeats(replace(named(table), dropped=dict(self._dropped)))


def named(table: TagTable) -> TagTable:
    """The table with each row's rarest tag as its label, by which a split is balanced."""
    counts = (table.values == YES).sum(axis=0)
    rarity = np.where(table.values == YES, counts, np.iinfo(np.int64).max)
    rarest = rarity.argmin(axis=1) if len(table.rows) else ()
    rows = [
        replace(row, label=table.tags[tag] if values[tag] == YES else "")
        for row, tag, values in zip(table.rows, rarest, table.values, strict=True)
    ]
    return replace(table, rows=tuple(rows))


def without_repeats(table: TagTable) -> TagTable:
    """The table without photos that repeat another's bytes; those that are held out stay."""
    kept = sorted(set(stand_ins(table.rows)))
    dropped = {**table.dropped}
    if repeats := len(table.rows) - len(kept):
        dropped["duplicate"] = repeats
    return chosen(replace(table, dropped=dropped), kept)


def chosen(table: TagTable, rows: Iterable[int], tags: Sequence[int] | None = None) -> TagTable:
    """The table of these rows and tags, by their numbers; groups that have no tag left are gone."""
    picked = list(rows)
    columns = list(range(len(table.tags))) if tags is None else list(tags)
    kept = [table.tags[j] for j in columns]
    groups = {name: tuple(tag for tag in members if tag in set(kept)) for name, members in table.groups.items()}
    return replace(
        table, rows=tuple(table.rows[i] for i in picked), tags=tuple(kept), values=table.values[np.ix_(picked, columns)],
        groups={name: members for name, members in groups.items() if members},
    )  # fmt: skip


def regrouped(table: TagTable, groups: Mapping[str, Sequence[str]]) -> TagTable:
    """The table with its tags in these groups, those that are in none in a last one. Raises InputError for unknown tags."""
    asked = [tag for members in groups.values() for tag in members]
    if unknown := sorted(set(asked) - set(table.tags)):
        raise InputError(f"groups name {', '.join(unknown)}, which the table does not have: {', '.join(table.tags)}")
    if len(set(asked)) != len(asked):
        raise InputError("groups name a tag twice; each tag is in one group")
    rest = tuple(tag for tag in table.tags if tag not in set(asked))
    new = {name: tuple(members) for name, members in groups.items()} | ({"others": rest} if rest else {})
    order = [table.tags.index(tag) for members in new.values() for tag in members]
    return replace(chosen(table, range(len(table.rows)), order), groups=new)
