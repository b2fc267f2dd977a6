"""Masks of garments as text: COCO's compressed run lengths, to and from grids and polygons (pure).

Format (Lin et al. 2014, ``maskApi.c`` of cocoapi): a grid of height x width is read column by column; the lengths of its
runs, background first, are written in base 32 (5 bits a character, from ``0``; bit 32 says that more follow, the last
character's bit 16 is the sign), from the fourth on as the difference to the run two before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstyle.errors import InputError

Mask = NDArray[np.bool_]  # height x width, True where the garment shows
FAR = 2.0  # a vertex further outside than so many times the photo's longer side is an error of the file
LONG = 50  # times a photo's height and width: an outline that is longer is none of a garment
MOST = 4_000_000  # characters of one mask's run lengths
DIGITS = 12  # characters of one number at most: 60 bits


def encode(grid: Mask) -> str:
    """Write a grid (bool, height x width) as compressed run lengths."""
    from faster_coco_eval.core import mask  # here: `--help` must not pay for it

    return str(mask.encode(np.asfortranarray(grid, dtype=np.uint8))["counts"], "ascii")


def decode(counts: str, height: int, width: int) -> Mask:
    """Read compressed run lengths as a bool grid of height x width; raises InputError when they are none of it."""
    runs = run_lengths(counts, height, width)
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def extent(counts: str, height: int, width: int) -> tuple[float, float, float, float]:
    """The box around a mask that marks a pixel: (x0, y0, x1, y1), x1 and y1 exclusive."""
    grid = decode(counts, height, width)
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def run_lengths(counts: str, height: int, width: int) -> NDArray[np.int64]:
    """Lengths of the runs in pixels, background first; raises InputError when they do not fill height x width."""
    if len(counts) > MOST:
        raise InputError(f"a mask has more than {MOST:,} characters of run lengths, which is noise; draw it again")
    digits = np.frombuffer(counts.encode("ascii", "replace"), np.uint8).astype(np.int64) - ord("0")
    last = digits < 32
    if not digits.size or digits.min() < 0 or digits.max() > 63 or not last[-1]:
        raise InputError("a mask's counts are no COCO run lengths; export the annotations again")
    starts = np.concatenate(([0], np.flatnonzero(last)[:-1] + 1))
    lengths = np.diff(starts, append=len(digits))
    if lengths.max() > DIGITS:
        raise InputError("a mask's counts hold a number of over 60 bits; export the annotations again")
    place = 5 * (np.arange(len(digits)) - np.repeat(starts, lengths))
    runs = np.add.reduceat((digits & 31) << place, starts)
    negative = digits[last] & 16 > 0
    runs[negative] -= 1 << (5 * lengths[negative])
    for first in (1, 2):  # differences to the run of the same colour before
        runs[first::2] = np.cumsum(runs[first::2])
    if runs.min() < 0 or runs.sum() != height * width:
        raise InputError(f"a mask's runs do not fill its photo of {width} x {height} pixels; export it again")
    return runs


def from_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> str:
    """Fill polygons ([x, y, x, y, ...] in pixels), joined, as compressed run lengths of height x width.

    Outlines of fewer than three points have no area and are passed over. Raises InputError when nothing is left, or a
    vertex is no number or far outside the photo.
    """
    from faster_coco_eval.core import mask

    reach = FAR * max(height, width)
    whole = [[float(value) for value in one] for one in polygons if len(one) >= 6 and len(one) % 2 == 0]
    if not whole or any(not math.isfinite(v) or abs(v) > reach for one in whole for v in one):
        raise InputError(f"a mask's polygons are no outlines on a photo of {width} x {height} pixels")
    if sum(map(_length, whole)) > LONG * (height + width):
        raise InputError(f"a mask's outline runs to and fro over its photo of {width} x {height} pixels; draw it again")
    return str(mask.merge(mask.frPyObjects(whole, height, width))["counts"], "ascii")


def _length(polygon: Sequence[float]) -> float:
    """How many pixels a closed outline passes: what it costs to fill it."""
    points = np.reshape(polygon, (-1, 2))
    return float(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum())


def from_coco(value: Any, height: int, width: int) -> str:
    """Read COCO's ``segmentation`` in any of its forms as compressed run lengths; ``""`` when there is none.

    The forms: a list of polygons, ``{"size": [height, width], "counts": text}``, and the same with a list of run
    lengths. Raises InputError when it is none of them, of another size, or marks no pixel.
    """
    if not value:
        return ""
    try:
        counts = from_polygons(value, height, width) if isinstance(value, list) else _from_rle(value, height, width)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(f"a segmentation is neither polygons nor run lengths ({error})") from error
    if not run_lengths(counts, height, width)[1::2].any():
        raise InputError("a mask marks no pixel of its photo")
    return counts


def _from_rle(value: dict[str, Any], height: int, width: int) -> str:
    if list(value["size"]) != [height, width]:
        raise InputError(f"a mask is of {value['size']}, its photo of {[height, width]} (height, width)")
    counts = value["counts"]
    if isinstance(counts, str):
        return counts
    if len(counts) > MOST or any(type(run) is not int or run < 0 for run in counts) or sum(counts) != height * width:
        raise InputError(f"a mask's runs do not fill its photo of {width} x {height} pixels")
    return _compressed(np.array(counts, np.int64))


def _compressed(runs: NDArray[np.int64]) -> str:
    """Write the lengths of runs as COCO does; the inverse of ``run_lengths``."""
    values = runs.copy()
    values[3:] -= runs[1:-2]
    digits = np.zeros((len(values), DIGITS), np.uint8)
    used = np.zeros((len(values), DIGITS), np.bool_)
    more = np.ones(len(values), np.bool_)
    for place in range(DIGITS):
        low, values = values & 31, values >> 5
        used[:, place] = more
        ends = np.where(low & 16, values == -1, values == 0)
        digits[:, place] = low | np.where(ends, 0, 32)
        more &= ~ends
    return (digits[used] + ord("0")).tobytes().decode("ascii")
