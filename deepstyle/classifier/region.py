"""The region of a photo that a model looks at: what a detector is surest of, with some room around it (loop).

How a photo can end: cut to its region; whole, where the detector finds nothing; as it was, where it cannot be read, which
packing tells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from threading import Lock

from deepstyle import images
from deepstyle.annotations.tag_table import TagTable
from deepstyle.boxes import Detector
from deepstyle.errors import InputError
from deepstyle.files import put_file, read_regular
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

ROOM = 0.1  # of the box's sides, around it
ENOUGH = 800  # pixels of a photo's shorter side from which it may be decoded smaller

Region = Callable[[Pixels], Pixels]  # a photo -> what is to be looked at of it, H x W x 3 uint8 both


def region_of(detector: Detector, labels: Collection[str] = (), *, room: float = ROOM, least: float = 0.0) -> Region:
    """What the detector is surest of, of these labels or of all; threads take turns.

    ``room`` around it is a share of its sides; where nothing has a score of ``least`` the region is the photo.
    """
    turn = Lock()

    def cut(pixels: Pixels) -> Pixels:
        with turn:
            boxes = [
                one
                for one in detector.detect([pixels])[0]
                if one.score >= least and (not labels or one.label in labels)
            ]
        if not boxes:
            return pixels
        best = max(boxes, key=lambda one: one.score)
        wide, high = room * (best.x1 - best.x0), room * (best.y1 - best.y0)
        return images.crop(pixels, (best.x0 - wide, best.y0 - high, best.x1 + wide, best.y1 + high))

    return cut


def cut_table(table: TagTable, detector: Detector, folder: Path, *, reporter: Reporter) -> TagTable:
    """The table with its photos cut to their regions, as files in ``folder``; what is there already is kept."""
    cut = region_of(detector)
    rows = []
    with reporter.task("cutting regions", total=len(table.rows), unit="photos") as task:
        for row in table.rows:
            rows.append(replace(row, path=_cut(row.path, detector.name, cut, folder)))
            task.advance()
    return replace(table, rows=tuple(rows))


def _cut(path: Path, detector: str, cut: Region, folder: Path) -> Path:
    try:
        data = read_regular(path, images.MAX_BYTES)
        name = hashlib.sha256(detector.encode() + data).hexdigest()
        target = folder / f"{name}.png"
        if not target.is_file():
            with images.decoded(data, at_least=ENOUGH) as pixels:
                put_file(target, images.encode(cut(pixels)))
    except (OSError, InputError):
        return path
    return target
