"""What a worker thread of the crop does: photo files -> pixels, chosen boxes -> garment files (edge).

Nothing here touches the catalog's rows: they belong to the loop's thread, and come after the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.catalog_file import Row
from deepstyle.config import CropConfig
from deepstyle.crop.piece import piece_of
from deepstyle.crop.rules import Choice
from deepstyle.errors import ImageError
from deepstyle.images import Pixels

Fault = Literal["", "unreadable", "missing", "broken"]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A photo's row and its pixels, which may be smaller than the photo; or what is wrong with it.

    ``fault`` is ``unreadable`` (a read error, which may pass), ``missing`` (no such file), ``broken`` (the bytes are no
    usable image) or empty; ``problem`` says it in words.
    """

    row: Row
    pixels: Pixels | None = None
    fault: Fault = ""
    problem: str = ""

    @property
    def whole(self) -> bool:
        """Whether the pixels are the photo at its full size."""
        return self.pixels is not None and self.pixels.shape[:2] == (self.row["height"], self.row["width"])

    def in_photo(self, boxes: Sequence[Box]) -> list[Box]:
        """Boxes in these pixels -> boxes in the photo's own."""
        if self.pixels is None or self.whole:
            return list(boxes)
        x, y = self.row["width"] / self.pixels.shape[1], self.row["height"] / self.pixels.shape[0]
        return [Box(x0=b.x0 * x, y0=b.y0 * y, x1=b.x1 * x, y1=b.y1 * y, label=b.label, score=b.score) for b in boxes]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A garment whose file stands: the choice it came from, width and height of the file in pixels."""

    choice: Choice
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was cut from a photo; nothing when the photo has a ``fault``."""

    photo: Opened
    cuts: list[Cut]


def open_photo(catalog: Catalog, row: Row, at_least: int | None = None) -> Opened:
    """Decode a photo of the workspace, never below ``at_least`` pixels on its shorter side (None: at full size)."""
    try:
        data = catalog.path(row["path"]).read_bytes()
        return Opened(row=row, pixels=images.decode(data, at_least=at_least))
    except OSError as error:
        fault: Fault = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return Opened(row=row, fault=fault, problem=f"cannot be read ({error.strerror})")
    except ImageError as error:
        return Opened(row=row, fault="broken", problem=str(error))


def write_pieces(catalog: Catalog, photo: Opened, choices: Sequence[Choice], config: CropConfig) -> Written:
    """Cut the chosen garments and write their files; decodes the photo again when it was decoded smaller, or not yet.

    Raises StorageError when a file cannot be written.
    """
    if choices and not photo.whole:
        photo = open_photo(catalog, photo.row)
    if photo.fault:
        return Written(photo=photo, cuts=[])
    done = []
    for choice in choices:
        assert photo.pixels is not None
        piece = piece_of(photo.pixels, choice, config)
        catalog.put_garment(photo.row["sha256"], choice.k, choice.box.label, images.encode(piece))
        done.append(Cut(choice=choice, width=piece.shape[1], height=piece.shape[0]))
    return Written(photo=photo, cuts=done)
