"""Marks: which detections a person calls no garments, as a list on disk and as rows of the catalog (edge).

A list has one ``<photo sha256>-<k>`` a line, as garment files are named (their paths will do as well); its first line
may name the detector, because ``k`` is that detector's count. Marks are kept by photo, detector and ``k``: another
detector finds other boxes, so its garments start without marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.errors import InputError, UsageError
from deepstyle.files import read_regular, shown
from deepstyle.progress import Reporter

Mark = tuple[str, int]  # photo hash, rank of the detection
HEAD = re.compile(r"#.*\bdetector (\S+)")
MOST = 50_000_000  # bytes of a list
LINE = re.compile(r"(?:.*[/\\])?([0-9a-f]+)-(\d{1,9})(?:\.png)?")


@dataclass(frozen=True, kw_only=True)
class MarkList:
    """A list of marks: the detector it names (or None), the marks, and the lines that are none."""

    model: str | None
    marks: tuple[Mark, ...]
    strange: tuple[str, ...]


def parse_marks(text: str) -> MarkList:
    """Read a list of marks; empty lines and comments are passed over."""
    model, marks, strange = None, [], []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("#"):
            head = HEAD.match(line)
            model = head[1] if head else model
        elif match := LINE.fullmatch(line):
            marks.append((match[1], int(match[2])))
        elif line:
            strange.append(line)
    return MarkList(model=model, marks=tuple(dict.fromkeys(marks)), strange=tuple(strange))


def read_marks(path: Path, flag: str, model: str) -> MarkList:
    """Read a list of marks for this detector.

    Raises InputError when it is no list, UsageError when it was made for another detector.
    """
    try:
        found = parse_marks(read_regular(path, MOST).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{flag} {shown(path)}: not a readable list of marks ({error})") from error
    if found.strange and not found.marks:
        raise InputError(f"{flag} {path}: no line is a mark; write <photo sha256>-<k>, as garment files are named")
    if found.model not in (None, model):
        raise UsageError(
            f"{flag} {path}: these marks are for the detector {found.model}, this is {model}: choose that one with "
            "--detector, or run `deepstyle crop --review` and mark again"
        )
    return found


def apply_marks(
    catalog: Catalog, model: str, *, exclude: Path | None, include: Path | None, reporter: Reporter
) -> dict[str, int]:
    """Record the marks of ``exclude``, then take back those of ``include``; returns how many of each were new.

    Both lists are read before anything is recorded. A line that is no mark, or marks nothing that this detector found,
    is named and passed over. The garments themselves follow with the next cut.
    """
    bad = read_marks(exclude, "--exclude", model) if exclude is not None else None
    good = read_marks(include, "--include", model) if include is not None else None
    told = {}
    with catalog.transaction():
        if bad is not None:
            told["excluded now"] = catalog.detections.exclude(model, _known(catalog, model, bad, reporter))
        if good is not None:
            told["included again"] = catalog.detections.include(model, _known(catalog, model, good, reporter))
    marks = catalog.detections.exclusions()
    if marks and model not in marks:
        foreign = sum(marks.values())
        reporter.say(f"{foreign} garments are marked for other detectors than {model}; see `deepstyle crop --review`")
    return told


def _known(catalog: Catalog, model: str, found: MarkList, reporter: Reporter) -> list[Mark]:
    known = []
    for photo, k in found.marks:
        if any(one.k == k for one in catalog.detections.of(model, photo, photo)):
            known.append((photo, k))
        else:
            reporter.say(f"  {photo}-{k}: {model} has found no such garment; passed over")
    for line in found.strange:
        reporter.say(f"  {line[:100]}: not a mark; passed over")
    return known
