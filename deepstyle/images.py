"""Pure image functions: bytes in, arrays out. Safe decoding, EXIF rotation, resizing, hashes.

Pixels are always uint8 HWC RGB in [0, 255]; boxes are (x0, y0, x1, y1) in pixels with x1, y1 exclusive.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from deepstyle.errors import ImageError

Pixels = NDArray[np.uint8]  # HWC RGB in [0, 255]
Fit = Literal["pad", "stretch", "cover"]

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "BMP": "bmp", "AVIF": "avif"}
MAX_PIXELS = 64_000_000  # 64 megapixels: above any camera photo on a web page, far below a decompression bomb


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What the header says: format as Pillow names it; width and height in pixels after EXIF rotation."""

    format: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """The file name extension that fits the bytes, whatever the site called them."""
        return EXTENSIONS[self.format]


def sha256(data: bytes) -> str:
    """The hex SHA-256 of the bytes: a photo's name and identity."""
    return hashlib.sha256(data).hexdigest()


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise ImageError("the file is empty", "empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we check the size ourselves, below
            image = Image.open(io.BytesIO(data), formats=list(EXTENSIONS))
    except Image.DecompressionBombError as error:
        raise ImageError(f"decodes to more than {max_pixels:,} pixels", "bomb") from error
    except UnidentifiedImageError as error:
        raise ImageError("the bytes are not an image of a known format", "not-image") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"the image header is broken ({error})", "broken") from error
    if image.width * image.height > max_pixels:
        raise ImageError(f"decodes to {image.width} x {image.height} pixels, limit {max_pixels:,}", "bomb")
    return image


def probe(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Read format and size from the header without decoding pixels.

    Raises ImageError (reason ``empty``, ``not-image``, ``broken`` or ``bomb``).
    """
    with _open(data, max_pixels) as image:
        rotated = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        width, height = (image.height, image.width) if rotated else image.size
        return ImageInfo(format=str(image.format), width=width, height=height)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode fully to uint8 HWC RGB, upright (EXIF applied); transparency is laid on white.

    Raises ImageError when the bytes are truncated, broken, no image, or larger than ``max_pixels``.
    """
    with _open(data, max_pixels) as image:
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        except (OSError, ValueError, SyntaxError, IndexError) as error:
            raise ImageError(f"the image data is broken ({error})", "broken") from error
        return to_rgb(image)


def to_rgb(image: Image.Image) -> Pixels:
    """Convert any Pillow image to uint8 HWC RGB; alpha is laid on white."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def encode(pixels: Pixels, kind: Literal["PNG", "JPEG"] = "PNG", *, quality: int = 92) -> bytes:
    """Encode uint8 HWC RGB to PNG or JPEG bytes, deterministically. PNG uses fast compression."""
    out = io.BytesIO()
    options = {"compress_level": 3} if kind == "PNG" else {"quality": quality}
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def crop(pixels: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """Cut a box (pixels, clipped to the image) out of HWC pixels; the result has at least one pixel a side."""
    height, width = pixels.shape[:2]
    x0, y0 = min(max(0, round(box[0])), width - 1), min(max(0, round(box[1])), height - 1)
    x1, y1 = min(width, max(x0 + 1, round(box[2]))), min(height, max(y0 + 1, round(box[3])))
    return pixels[y0:y1, x0:x1]


def resize(pixels: Pixels, size: int, fit: Fit = "pad") -> Pixels:
    """Resize to ``size`` x ``size`` with an anti-aliasing filter.

    ``pad`` keeps the aspect and repeats the edge pixels; ``stretch`` ignores the aspect; ``cover`` cuts what sticks out.
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
    return np.pad(inner, ((top, size - height - top), (left, size - width - left), (0, 0)), mode="edge")


def difference_hash(pixels: Pixels) -> str:
    """A 64-bit perceptual hash as 16 hex digits (dHash; imagehash's implementation)."""
    import imagehash  # here: it imports scipy, which `--help` must not pay for

    image = Image.fromarray(pixels)
    return str(imagehash.dhash(image.reduce(max(1, min(image.size) // 64))))  # a box filter first: ten times faster


def hamming(first: str, second: str) -> int:
    """How many bits two equally long hex hashes differ in."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def tile(images: Pixels, *, columns: int, gap: int = 2, background: int = 255) -> Pixels:
    """Lay N x H x W x 3 uint8 images on one sheet, row by row, ``gap`` pixels apart."""
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), background, np.uint8)
    for i in range(count):
        y, x = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = images[i]
    return sheet
