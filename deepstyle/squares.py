"""The pictures of a folder as squares of one size, drawn with a fixed seed where there are more than asked for (edge)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepstyle import images
from deepstyle.annotations.table import SUFFIXES
from deepstyle.errors import ImageError, InputError
from deepstyle.files import read_regular, shown
from deepstyle.images import Fit, Pixels
from deepstyle.scraper.folder import find_files

SIDES = (32, 64, 128, 256)  # pixels that pictures are compared at, those of generators
DRAW = 0  # seed of the draw


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Pictures of a folder as squares, N x S x S x 3 uint8, and their files, in the order of their names.

    ``files`` has the folder that could be pictures; of those that were looked at ``unread`` are none that can be read.
    """

    images: Pixels
    sources: tuple[str, ...]
    files: int
    unread: int

    def names(self, folder: Path) -> list[str]:
        """The files, as they are called below the folder that was read."""
        return [shown(os.path.relpath(source, folder)) for source in self.sources]

    @property
    def said(self) -> str:
        """What was left out, in words; "" if nothing was."""
        drawn = f"{len(self.images):,} of its {self.files:,} pictures are drawn" if self._drawn else ""
        left = f"{self.unread:,} of {len(self.images) + self.unread:,} files cannot be read" if self.unread else ""
        return "; ".join(word for word in (drawn, left) if word)

    @property
    def _drawn(self) -> bool:
        return len(self.images) + self.unread < self.files


def read_pictures(folder: Path, *, size: int | None = None, fit: Fit = "stretch", count: int | None = None) -> Pictures:
    """The pictures below a folder as squares; without a ``size`` of the largest of SIDES that the first one has.

    ``count``: so many at most, drawn from all folders below alike; no more are decoded. What is no whole picture is left
    out and counted. Raises InputError when none is left, or the first is smaller than any of SIDES.
    """
    found = find_files([folder], without=folder / ".git")
    paths = [one.path for one in found if one.path.suffix.lower() in SUFFIXES]
    size = size or _side(paths)
    squares: dict[int, Pixels] = {}
    unread = 0
    for k in _order(len(paths), count):
        if (square := _square(paths[k], size, fit)) is None:
            unread += 1
            continue
        squares[k] = square
        if len(squares) == count:
            break
    if not squares or size is None:
        raise InputError(f"{folder}: holds no pictures that can be read (files named {', '.join(SUFFIXES)})")
    order = sorted(squares)
    return Pictures(
        images=np.stack([squares[k] for k in order]), sources=tuple(str(paths[k]) for k in order), files=len(paths),
        unread=unread,
    )  # fmt: skip


def _order(files: int, count: int | None) -> Sequence[int]:
    """In which order files are looked at: by name when all are wanted, else as they are drawn."""
    if count is None or count >= files:
        return range(files)
    return [int(k) for k in np.random.default_rng(DRAW).permutation(files)]


def _side(paths: Sequence[Path]) -> int | None:
    """The largest of SIDES that the first picture has; None when none can be read."""
    for path in paths:
        if (pixels := _pixels(path, SIDES[-1])) is None:
            continue
        side = min(pixels.shape[:2])
        if side < SIDES[0]:
            raise InputError(
                f"{shown(path)}: its shorter side has {side} pixels; pictures are compared at {SIDES[0]} at least: enlarge "
                "them, or take it out of the folder"
            )
        return max(one for one in SIDES if one <= side)
    return None


def _square(path: Path, size: int | None, fit: Fit) -> Pixels | None:
    if size is None or (pixels := _pixels(path, size)) is None:
        return None
    return images.resize(pixels, size, fit)


def _pixels(path: Path, size: int) -> Pixels | None:
    """What a file shows, with twice ``size`` pixels a side where it has them; None for what is no whole picture."""
    try:
        return images.decode(read_regular(path, images.MAX_BYTES), at_least=2 * size)
    except (ImageError, InputError, OSError):
        return None
