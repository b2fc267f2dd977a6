"""Files and folders of a person's own: which files there are, and the bytes of one (edge).

Hidden files and folders are passed over, as ``ls`` does. Links are followed; a folder that is reached twice, through a link in
itself, say, is looked at once. What is no plain file (a pipe, a device) is never opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deepstyle.errors import InputError
from deepstyle.files import read_regular


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """A file that was found: its absolute path, bytes, and time of change in ns; an ``outcome`` when it cannot be read."""

    path: Path
    size: int = 0
    mtime: int = 0
    outcome: str = ""
    detail: str = ""

    @property
    def url(self) -> str:
        """Its address: ``file://`` and the path, in ASCII whatever the bytes of its name are."""
        return self.path.as_uri()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bytes:
    """What is in a file; without ``data`` the ``outcome`` says why."""

    data: bytes = b""
    outcome: str = ""
    detail: str = ""


def find_files(paths: Sequence[Path], *, without: Path) -> Iterator[LocalFile]:
    """The files of these files and folders, in the order of their names; the folder ``without`` is not looked into."""
    seen = {_identity(without)}
    for path in paths:
        yield from _below(full(path), seen)


def count_named(folder: Path, suffixes: Collection[str], most: int) -> int:
    """How many files below a folder end on one of ``suffixes``; it stops looking at ``most``."""
    found = (one for one in find_files([folder], without=folder / ".git") if one.path.suffix.lower() in suffixes)
    return sum(1 for _ in islice(found, most))


def full(path: Path) -> Path:
    """The absolute path without ``..``, but with its links: what a person would call it."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # resolve() follows links


def _below(path: Path, seen: set[tuple[int, int] | None]) -> Iterator[LocalFile]:
    folders = [path]  # a stack: a tree may be deeper than Python's calls
    while folders:
        here = folders.pop()
        try:
            found = here.stat()
            if not stat.S_ISDIR(found.st_mode):
                plain = stat.S_ISREG(found.st_mode)
                yield LocalFile(
                    path=here, size=found.st_size, mtime=found.st_mtime_ns, outcome="" if plain else "not-a-file",
                    detail="" if plain else "a pipe, device or socket",
                )  # fmt: skip
                continue
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            names = sorted((name for name in os.listdir(here) if not name.startswith(".")), reverse=True)
        except OSError as error:
            yield LocalFile(path=here, outcome="unreadable", detail=error.strerror or str(error))
            continue
        folders += [here / name for name in names]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def read_file(path: Path, limit: int) -> Bytes:
    """The bytes of a file of at most ``limit`` bytes."""
    try:
        return Bytes(data=read_regular(path, limit))
    except OSError as error:
        return Bytes(outcome="unreadable", detail=error.strerror or str(error))
    except InputError as error:  # it is another file than a moment ago
        return Bytes(outcome="unreadable", detail=str(error))
