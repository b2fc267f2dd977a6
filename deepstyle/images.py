"""Pure image functions: bytes in, arrays out. Safe decoding, EXIF rotation, resizing, hashes.

Pixels are always uint8 HWC RGB in [0, 255]; boxes are (x0, y0, x1, y1) in pixels with x1, y1 exclusive.
"""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from deepstyle import colour
from deepstyle.errors import ImageError
from deepstyle.ground import ground_of
from deepstyle.looks import Looks, looks
from deepstyle.png import png
from deepstyle.room import Room

Pixels = colour.Pixels  # uint8 HWC RGB in [0, 255]
Fit = Literal["pad", "plain", "mean", "stretch", "cover"]

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "BMP": "bmp", "AVIF": "avif"}
ORIENTATION = 0x0112  # EXIF's tag
BROKEN = (  # what Pillow raises of bytes that are no image: the errors of its parsers come through
    OSError, ValueError, SyntaxError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, struct.error,
    RuntimeError, ImageCms.PyCMSError,
)  # fmt: skip
SILENT = threading.local()  # .inside: this thread has silenced warnings
LARGE = 8_000_000  # pixels from which ``at_least`` averages any image
MAX_BYTES = 200_000_000  # of a photo's file: 64 megapixels in 24 bits, as they are
MAX_PIXELS = 64_000_000  # 64 megapixels: above any camera photo on a web page, far below a decompression bomb


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What the header says: format as Pillow names it; width and height in pixels after EXIF rotation.

    A phone's JPEG that holds more than one picture is an "MPO".
    """

    format: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """The file name extension that fits the bytes, whatever the site called them."""
        return EXTENSIONS.get(self.format, "jpg")


def sha256(data: bytes) -> str:
    """The hex SHA-256 of the bytes: a photo's name and identity."""
    return hashlib.sha256(data).hexdigest()


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise ImageError("the file is empty", "empty")
    try:
        with _Parsing("header"):
            image = Image.open(io.BytesIO(data), formats=list(EXTENSIONS))
    except Image.DecompressionBombError as error:
        raise ImageError(f"decodes to more than {max_pixels:,} pixels", "bomb") from error
    if image.width * image.height > max_pixels:
        raise ImageError(f"decodes to {image.width} x {image.height} pixels, limit {max_pixels:,}", "bomb")
    return image


class _Parsing:
    """Silences what Pillow says of odd bytes (of sizes, too: we check them ourselves), and translates what it raises.

    No generator: it is entered six times a photo.
    """

    __slots__ = ("_silence", "_what")

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._silence = None if getattr(SILENT, "inside", False) else _silence()
        if self._silence is not None:
            self._silence.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._silence is not None:
            self._silence.__exit__(None, None, None)
        if isinstance(error, UnidentifiedImageError):
            raise ImageError("the bytes are not an image of a known format", "not-image") from error
        if isinstance(error, BROKEN):
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise ImageError(f"the image {self._what} is broken ({said})", "broken") from error


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings while the block runs; a block inside another of the same thread costs nothing."""
    if getattr(SILENT, "inside", False):
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SILENT.inside = True
        try:
            yield
        finally:
            SILENT.inside = False


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none, or none that can be read: the picture may be whole all the same."""
    try:
        with _Parsing("header"):
            found = image.getexif().get(ORIENTATION, 1)
    except ImageError:
        return 1
    return found if isinstance(found, int) else 1


def probe(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Read format and size from the header without decoding pixels.

    Raises ImageError (reason ``empty``, ``not-image``, ``broken`` or ``bomb``).
    """
    with _open(data, max_pixels) as image:
        return _info(image)


def _info(image: Image.Image) -> ImageInfo:
    turned = _orientation(image) in (5, 6, 7, 8) and image.format != "TIFF"  # which gives its size upright
    width, height = (image.height, image.width) if turned else image.size
    return ImageInfo(format=str(image.format), width=width, height=height)


def inspect(
    data: bytes, *, max_pixels: int, at_least: int, wanted: Callable[[ImageInfo], bool]
) -> tuple[ImageInfo, Looks | None]:
    """``probe``, and where its answer is ``wanted`` ``looks`` of what ``decode`` gives: header and pixels are read once.

    A JPEG's, where no profile says otherwise, are read off its luma (JFIF) without its colours: their grey but for rounding.
    """
    with _silence(), _open(data, max_pixels) as image:
        info = _info(image)
        if not wanted(info):
            return info, None
        srgb = colour.srgb(image)
        with _loaded(image, at_least, mode="L" if srgb else None) as orientation:
            if orientation == 1 and srgb and colour.small(image):  # nearly always: its pixels need no change
                return info, looks(image)
            return info, looks(Image.fromarray(_pixels(image, at_least, orientation)))


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None) -> Pixels:
    """Decode to uint8 HWC RGB, upright (EXIF applied), in sRGB (embedded profiles applied); transparency is laid on white.

    ``at_least``: shorter side in pixels that is enough. A JPEG is then decoded at 1/2, 1/4 or 1/8 where that still has
    it, and a large image of another kind averaged by a whole number; nothing is ever resized to it. Raises ImageError
    when the bytes are truncated, broken, no image, or larger than ``max_pixels``.
    """
    with decoded(data, max_pixels=max_pixels, at_least=at_least) as pixels:
        return pixels


def decode_parts(
    data: bytes, boxes: Sequence[tuple[float, float, float, float]], *, max_pixels: int = MAX_PIXELS
) -> list[Pixels]:
    """``crop`` of what ``decode`` gives, for each box. Of most photos only these parts become arrays.

    Raises ImageError.
    """
    with _open(data, max_pixels) as image, _loaded(image, None) as orientation:
        if orientation == 1 and colour.srgb(image):
            return [np.asarray(image.crop(_inside(box, *image.size))) for box in boxes]
        pixels = _pixels(image, None, orientation)
        return [crop(pixels, box) for box in boxes]


@contextmanager
def decoded(data: bytes, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None) -> Iterator[Pixels]:
    """``decode`` for large work: while the block runs, its pixels count among those that ROOM lets be open at a time."""
    with _open(data, max_pixels) as image, _decoded(image, at_least) as pixels:
        yield pixels


@contextmanager
def _decoded(image: Image.Image, at_least: int | None) -> Iterator[Pixels]:
    with _loaded(image, at_least) as orientation:
        yield _pixels(image, at_least, orientation)


@contextmanager
def _loaded(image: Image.Image, at_least: int | None, mode: Literal["L"] | None = None) -> Iterator[int]:
    """Read the pixels, of a JPEG in another ``mode``, perhaps; while the block runs they count among those that are open.

    Gives EXIF's orientation.
    """
    if at_least is not None:
        with _Parsing("data"):
            image.draft(mode, (at_least, at_least))  # None: the mode stays
    with ROOM.taken(image.width * image.height):
        with _Parsing("data"):
            image.load()
        yield _orientation(image)


def _pixels(image: Image.Image, at_least: int | None, orientation: int) -> Pixels:
    """The pixels of a loaded image, which is closed."""
    large = at_least is not None and image.width * image.height > LARGE
    shrink = max(1, min(image.size) // at_least) if large and at_least else 1
    with _Parsing("data"):
        pixels = colour.to_rgb(image, shrink=shrink)
    image.close()
    return colour.upright(pixels, orientation)


ROOM = Room(MAX_PIXELS)  # pixels being decoded in this process; each takes up to 12 bytes on its way


def encode(pixels: Pixels, kind: Literal["PNG", "JPEG"] = "PNG", *, quality: int = 92) -> bytes:
    """Encode uint8 HWC RGB to PNG or JPEG bytes, deterministically. PNG uses fast compression, and takes RGBA as well."""
    if kind == "PNG":
        return png(pixels)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, quality=quality)
    return out.getvalue()


def crop(pixels: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """Cut a box (pixels, clipped to the image) out of HWC pixels; the result has at least one pixel a side."""
    x0, y0, x1, y1 = _inside(box, pixels.shape[1], pixels.shape[0])
    return pixels[y0:y1, x0:x1]


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    """The whole pixels of a box that an image has; at least one a side."""
    x0, y0 = min(max(0, round(box[0])), width - 1), min(max(0, round(box[1])), height - 1)
    return x0, y0, min(width, max(x0 + 1, round(box[2]))), min(height, max(y0 + 1, round(box[3])))


def resize(pixels: Pixels, size: int, fit: Fit = "pad") -> Pixels:
    """Resize to ``size`` x ``size`` with an anti-aliasing filter.

    ``pad`` keeps the aspect and repeats the edge pixels; ``plain`` keeps it and fills with the ground's colour, ``mean`` with
    the picture's mean colour; ``stretch`` ignores the aspect; ``cover`` cuts what sticks out.
    """
    image = Image.fromarray(pixels)
    if fit == "stretch":
        return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    if fit == "cover":
        return np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS))
    scale = size / max(image.size)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    inner = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    left, top = (size - width) // 2, (size - height) // 2
    square = np.empty((size, size, 3), np.uint8)
    if fit in {"plain", "mean"}:
        square[:] = ground_of(pixels) if fit == "plain" else inner.mean(axis=(0, 1)).round()
    elif height < size:
        square[:top], square[top + height :] = inner[0], inner[-1]
    else:
        square[:, :left], square[:, left + width :] = inner[:, :1], inner[:, -1:]
    square[top : top + height, left : left + width] = inner
    return square


def tile(images: Pixels, *, columns: int, gap: int = 2, background: int = 255) -> Pixels:
    """Lay N x H x W x 3 uint8 images on one sheet, row by row, ``gap`` pixels apart."""
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), background, np.uint8)
    for i in range(count):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = images[i]
    return sheet


def name_rows(sheet: Pixels, names: Sequence[str]) -> Pixels:
    """Write a name beside each of the equally high rows of a sheet (uint8 HWC RGB), on white at its left."""
    font = ImageFont.load_default(size=13)
    margin = 10 + max(round(font.getlength(name)) for name in names)
    strip = Image.new("RGB", (margin, len(sheet)), "white")
    for i, name in enumerate(names):
        ImageDraw.Draw(strip).text((5, (i + 0.5) * len(sheet) / len(names)), name, "black", font, anchor="lm")
    return np.concatenate([np.asarray(strip), sheet], axis=1)
