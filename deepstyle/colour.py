"""Any Pillow image -> uint8 HWC RGB: palettes, 16 bits, floats, transparency, embedded profiles (pure).

Images are converted in bands of rows, so that a photo of 64 megapixels needs little more than itself and its result.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from deepstyle.errors import ImageError

Pixels = NDArray[np.uint8]  # HWC RGB in [0, 255]

BAND = 1 << 20  # pixels converted at a time
SMALL = 4 * BAND  # pixels of an image that may be copied whole on its way
DEEP = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}  # grey of more than 8 bits
RANGES = {"I": (255.0, 65_535.0, 2.0**31 - 1), "F": (1.0, 255.0, 65_535.0)}  # what stands for white, by what is found
ALPHA = {"RGBA", "LA", "PA", "RGBa", "La"}
MAX_PROFILE = 4_000_000  # bytes; printers' profiles have 3 MB at most
ORIENTED = {2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}  # quarter turns, then mirrored

# Above 32 MB the C library hands memory back to the system when it is freed; of Pillow's own blocks of 16 MB every thread
# keeps what it once had, which for photos of 64 megapixels is 250 MB a thread.
Image.core.set_block_size(1 << 26)  # type: ignore[attr-defined]  # bytes; a documented function of a module without types


def to_rgb(image: Image.Image, *, shrink: int = 1) -> Pixels:
    """A loaded Pillow image as uint8 HWC RGB in sRGB; what is transparent is laid on white, deep grey is scaled to 8 bits.

    White is 65,535 in a 16-bit image; in one of 32 bits or of floats it is the least usual white (1 of floats, 255,
    65,535, the largest number) that nothing in it is above. ``shrink``: so many pixels a side are averaged to one.
    Raises ImageError for a colour model that cannot be converted.
    """
    if shrink == 1 and plain(image):
        return np.array(image)  # as it is: most photos, in a third of the time
    height, width = max(1, image.height // shrink), max(1, image.width // shrink)
    rows = max(1, BAND // image.width // shrink)  # of the result, a band
    white = _white(image, rows * shrink) if image.mode in DEEP else 0.0
    out = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, rows):
        last = min(y + rows, height)
        band = image.crop((0, y * shrink, min(width * shrink, image.width), min(last * shrink, image.height)))
        converted = _band(band, white)
        out[y:last] = np.asarray(converted.reduce(shrink) if shrink > 1 else converted)
    return out


def plain(image: Image.Image) -> bool:
    """Whether an image's pixels are in sRGB as they are, and few enough to be copied whole."""
    return srgb(image) and small(image)


def srgb(image: Image.Image) -> bool:
    """Whether an image's pixels are in sRGB as they are."""
    return image.mode == "RGB" and not {"icc_profile", "transparency"} & image.info.keys()


def small(image: Image.Image) -> bool:
    """Whether an image's pixels are few enough to be copied whole."""
    return image.width * image.height <= SMALL


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror HWC pixels as EXIF's orientation (1 to 8) asks; others are passed over."""
    turns, mirrored = ORIENTED.get(orientation, (0, 0))
    turned = np.rot90(pixels, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def _band(image: Image.Image, white: float) -> Image.Image:
    """One band in mode RGB."""
    if white:
        return _to_srgb(_grey(image, white)).convert("RGB")
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        converted: Image.Image = lab.apply(image)
        return converted
    try:
        if image.mode in ALPHA or "transparency" in image.info:
            return _on_white(image)
        return _to_srgb(image.convert("RGB") if image.mode == "P" else image).convert("RGB")
    except ValueError as error:
        raise ImageError(f"its colours (mode {image.mode}) cannot be converted to RGB ({error})", "broken") from error


def _on_white(image: Image.Image) -> Image.Image:
    key: Any = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:  # a colour of 16 bits a channel, of which Pillow keeps the upper 8
        image.info["transparency"] = tuple(value >> 8 for value in key)
    if image.mode in {"RGBa", "La"}:
        image = image.convert(image.mode.upper())
    rgba = _to_srgb(image.convert("RGBA"))
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")


def _white(image: Image.Image, rows: int) -> float:
    """The number that stands for white in a deep grey image."""
    if image.mode not in RANGES:
        return 65_535.0
    highest = 0.0
    for y in range(0, image.height, rows):
        band = np.asarray(image.crop((0, y, image.width, min(y + rows, image.height))))
        highest = max(highest, float(np.nan_to_num(band, posinf=0.0).max()))
    return next((white for white in RANGES[image.mode] if highest <= white), highest)


def _grey(image: Image.Image, white: float) -> Image.Image:
    """Deep grey as mode L: [0, white] -> [0, 255], rounded."""
    values = np.asarray(image)
    scaled = np.nan_to_num(values.astype(np.float64), posinf=white).clip(0, white) * (255 / white)
    grey = np.rint(scaled).astype(np.uint8)
    if (key := image.info.get("transparency")) is not None:
        grey[values == key] = 255
    made = Image.fromarray(grey)
    made.info = {name: value for name, value in image.info.items() if name == "icc_profile"}
    return made


def _to_srgb(image: Image.Image) -> Image.Image:
    """Apply the embedded ICC profile; an image without one, or with a broken or ill-fitting one, stays as it is."""
    profile = image.info.get("icc_profile")
    fitting = isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE
    transform = _transform(profile, image.mode) if fitting else None
    if transform is None:
        return image
    return transform.apply(image)


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From this profile to sRGB (perceptual); None when it is sRGB already or of no use for the mode."""
    if mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return None
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).lower()
        if mode in {"RGB", "RGBA"} and name.startswith("srgb") and "linear" not in name:
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, target, mode, "RGBA" if mode == "RGBA" else "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
