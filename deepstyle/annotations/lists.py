"""DeepFashion's label files: counted lists with a header, files in parallel, and the large list of attributes.

A counted list opens with its number of rows and a line of column names; in a row the name comes first and may hold
blanks, so that columns are split off from the right. A file of the fine annotations has neither count nor header: its
row k is about row k of ``<split>.txt``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from deepstyle.annotations.convert import Tally
from deepstyle.errors import InputError
from deepstyle.files import open_regular, reason
from deepstyle.progress import Reporter

EVERY = 1000  # rows between two looks at the progress bar


class Attributes(NamedTuple):
    """The attributes that a photo has, and those of which it is not known; it lacks all others."""

    yes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def read_list(path: Path, columns: int, tally: Tally) -> dict[str, list[str]]:
    """Read a counted list: name -> its ``columns`` last columns, as text.

    Rows without enough columns (``bad-row``), repeated names (``duplicate``) and rows that the count promises but the
    file lacks (``short-list``) are counted. Raises InputError when the file is missing or is no counted list.
    """
    found: dict[str, list[str]] = {}
    with _open(path) as file:
        promised, rows = _count(path, file), 0
        for line in file:
            name, *values = line.decode("utf-8", "replace").strip().rsplit(None, columns) or [""]
            rows += bool(name)
            if name and len(values) != columns:
                tally.count("bad-row", f"{path.name}: {name}")
            elif name in found:
                tally.count("duplicate", f"{path.name}: {name}")
            elif name:
                found[name] = values
    tally.count("short-list", path.name, max(0, promised - rows))
    return found


def read_lines(path: Path) -> list[str]:
    """Read a file of the fine annotations: its lines, blanks at the ends removed, empty ones at the end left out."""
    with _open(path) as file:
        text = file.read().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [line.strip() for line in text.strip().splitlines()]


def read_attributes(path: Path, names: Sequence[str], tally: Tally, reporter: Reporter) -> dict[str, Attributes]:
    """Stream ``list_attr_img.txt``: photo -> its attributes; photos that lack all of them are left out.

    A row without exactly one value for each of ``names`` is counted (``bad-attributes``). Raises InputError when the
    file is missing or is no counted list. 289,222 rows of 1,000 values are some 800 MB; one row is held at a time.
    """
    found: dict[str, Attributes] = {}
    with _open(path) as file, reporter.task("attributes", total=_count(path, file), unit="photos") as task:
        for number, line in enumerate(file, 1):
            end = line.find(
                b" ", line.rfind(b".") + 1
            )  # values have no dot, so that the last one is the photo's suffix
            name, values = line[:end].decode("utf-8", "replace").strip(), attributes_of(line[end:], names)
            if values is None:
                tally.count("bad-attributes", name[:200])
            elif any(values):
                found[name] = values
            if number % EVERY == 0:
                task.advance(EVERY)
    return found


def attributes_of(row: bytes, names: Sequence[str]) -> Attributes | None:
    """The attributes of a row such as ``b"-1 1 0"``; None when it has not one value for each name.

    1 is yes. Where a row has -1, that is no and 0 not known; where it has none, as in the fine annotations, 0 is no.
    """
    flags = row.replace(b"-1", b" n").translate(None, b" \t\r\n")
    if len(flags) != len(names) or flags.strip(b"01n") or b"n" in row:
        return None
    return Attributes(_marked(flags, b"1", names), _marked(flags, b"0", names) if b"n" in flags else ())


def _marked(flags: bytes, sign: bytes, names: Sequence[str]) -> tuple[str, ...]:
    found, at = [], flags.find(sign)
    while at >= 0:
        found.append(names[at])
        at = flags.find(sign, at + 1)
    return tuple(found)


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    try:
        with open_regular(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise InputError(f"{path}: is empty; take the file as DeepFashion ships it")
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); give DeepFashion's folder, unpacked") from error


def _count(path: Path, file: IO[bytes]) -> int:
    """Read the two lines at the top; returns the number of rows that the first promises."""
    first = file.readline().removeprefix(b"\xef\xbb\xbf").strip()
    if not first.isdigit() or not file.readline().strip():
        raise InputError(f"{path}: does not open with a row count and a header; take the file as DeepFashion ships it")
    return int(first)
