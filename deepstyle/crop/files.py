"""What a worker thread of the crop does: photo files -> pixels, chosen boxes -> garment files (edge).

Nothing here touches the catalog's rows: they belong to the loop's thread, and come after the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog, Row
from deepstyle.config import CropConfig
from deepstyle.crop.piece import piece_of
from deepstyle.crop.rules import Choice
from deepstyle.errors import CatalogError, ImageError
from deepstyle.images import Pixels


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A photo's row and its pixels, or the ``problem`` it has; the pixels may be smaller than the photo."""

    row: Row
    pixels: Pixels | None = None
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


def open_photo(catalog: Catalog, row: Row, at_least: int | None = None) -> Opened:
    """Decode a photo of the workspace, never below ``at_least`` pixels on its shorter side (None: at full size)."""
    try:
        data = catalog.path(row["path"]).read_bytes()
        return Opened(row=row, pixels=images.decode(data, at_least=at_least))
    except OSError as error:
        return Opened(row=row, problem=f"cannot be read ({error.strerror})")
    except ImageError as error:
        return Opened(row=row, problem=str(error))


def write_pieces(
    catalog: Catalog, photo: Opened, choices: Sequence[Choice], config: CropConfig
) -> tuple[list[Cut], str]:
    """Cut the chosen garments and write their files; decodes the photo again when it was decoded smaller, or not yet.

    Returns what was written, and the photo's problem if it has one. Raises CatalogError when a file cannot be written.
    """
    if choices and not photo.whole:
        photo = open_photo(catalog, photo.row)
    if photo.pixels is None:
        return [], photo.problem
    done = []
    for choice in choices:
        piece = piece_of(photo.pixels, choice, config)
        try:
            catalog.put_garment(photo.row["sha256"], choice.k, choice.box.label, images.encode(piece))
        except OSError as error:
            raise CatalogError(
                f"{catalog.root / 'garments'}: cannot be written ({error.strerror}); make room and run the command again"
            ) from error
        done.append(Cut(choice=choice, width=piece.shape[1], height=piece.shape[0]))
    return done, ""
