"""What a worker of the crop does: photo files -> pixels, chosen boxes -> garment files (edge).

Nothing here touches the catalog: its rows belong to the loop's thread, and come after the files. What goes in and what comes
out can be pickled, so that a worker may be a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from deepstyle import images
from deepstyle.boxes import Box, Corners
from deepstyle.catalog import garment_path
from deepstyle.config import CropConfig
from deepstyle.crop.piece import piece_of
from deepstyle.crop.rules import Choice
from deepstyle.errors import ImageError, InputError
from deepstyle.files import put_file, read_regular, sync_names
from deepstyle.images import Pixels
from deepstyle.records import Photo
from deepstyle.shape import share_of

Fault = Literal["", "unreadable", "missing", "broken"]
T = TypeVar("T")
LARGEST = 1_000_000_000  # bytes of a photo file: what a scrape can be told to take


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A photo and its pixels, which may be smaller than the photo; or what is wrong with it.

    ``fault`` is ``unreadable`` (a read error, which may pass), ``missing`` (no such file), ``broken`` (the bytes are no
    usable image, or not the photo's) or empty; ``problem`` says it in words.
    """

    photo: Photo
    pixels: Pixels | None = None
    fault: Fault = ""
    problem: str = ""

    @property
    def whole(self) -> bool:
        """Whether the pixels are the photo at its full size."""
        return self.pixels is not None and self.pixels.shape[:2] == (self.photo.height, self.photo.width)

    def in_photo(self, boxes: Sequence[Box]) -> list[Box]:
        """Boxes in these pixels -> boxes in the photo's own."""
        if self.pixels is None or self.whole:
            return list(boxes)
        x, y = self.photo.width / self.pixels.shape[1], self.photo.height / self.pixels.shape[0]
        return [box.scaled(x, y) for box in boxes]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A garment whose file stands: the choice it came from, width and height of the file in pixels.

    ``share`` of the box that was cut is garment; None when nobody knows its shape.
    """

    choice: Choice
    width: int
    height: int
    share: float | None


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was cut from a photo; nothing when the photo has a ``fault``."""

    opened: Opened
    cuts: list[Cut]


def open_photo(root: Path, photo: Photo, at_least: int | None = None) -> Opened:
    """Decode a photo of the workspace ``root``, never below ``at_least`` pixels on its shorter side (None: at full size)."""
    opened, pixels = _read(root, photo, lambda data: images.decode(data, at_least=at_least))
    return replace(opened, pixels=pixels)


def _read(root: Path, photo: Photo, decode: Callable[[bytes], T]) -> tuple[Opened, T | None]:
    """What ``decode`` makes of a photo's bytes; None, and the fault, where that cannot be had."""
    try:
        data = read_regular(root / photo.path, LARGEST)
        if images.sha256(data) != photo.sha256:
            problem = "its bytes are not those that were added: it was changed"
            return Opened(photo=photo, fault="broken", problem=problem), None
        return Opened(photo=photo), decode(data)
    except OSError as error:
        fault: Fault = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return Opened(photo=photo, fault=fault, problem=f"cannot be read ({error.strerror})"), None
    except ImageError as error:
        return Opened(photo=photo, fault="broken", problem=str(error)), None
    except InputError as error:  # a folder, a pipe or a device has its place
        return Opened(photo=photo, fault="unreadable", problem=f"cannot be read ({error})"), None


def write_pieces(root: Path, opened: Opened, choices: Sequence[Choice], config: CropConfig) -> Written:
    """Cut the chosen garments and write their files; decodes the photo again when it was decoded smaller, or not yet.

    Their names are on the disk once ``settle_names`` has been called: one call serves many photos.
    Raises StorageError when a file cannot be written.
    """
    photo = opened.photo
    with images.ROOM.taken(photo.width * photo.height if choices else 0):
        opened, parts = _parts(root, opened, [choice.box.corners for choice in choices])
        done = []
        for choice, part in zip(choices, parts, strict=not opened.fault):
            piece = piece_of(part, choice, config)
            path = root / garment_path(photo.sha256, choice.k, choice.box.label)
            put_file(path, images.encode(piece), named=False)
            share = share_of(choice.shape, choice.own, choice.box.corners) if choice.shape else None
            done.append(Cut(choice=choice, width=piece.shape[1], height=piece.shape[0], share=share))
        return Written(opened=opened, cuts=done)


def _parts(root: Path, opened: Opened, boxes: Sequence[Corners]) -> tuple[Opened, list[Pixels]]:
    """The pixels of some boxes; a photo that is not open at full size is read again."""
    if opened.fault or not boxes:
        return opened, []
    if opened.pixels is not None and opened.whole:
        return opened, [images.crop(opened.pixels, box) for box in boxes]
    again, parts = _read(root, opened.photo, lambda data: images.decode_parts(data, boxes))
    return again, parts or []


def settle_names(root: Path, written: Iterable[Written]) -> None:
    """Have the names of garments that were written on the disk, so that their rows may follow. Raises StorageError."""
    labels = {cut.choice.box.label for one in written for cut in one.cuts}
    sync_names((root / garment_path("", 0, label)).parent for label in sorted(labels))
