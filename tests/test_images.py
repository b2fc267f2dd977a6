"""Decoding, resizing and hashing of images."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepstyle import images
from deepstyle.errors import ImageError


def jpeg(width: int = 60, height: int = 90, *, exif_orientation: int | None = None) -> bytes:
    out = io.BytesIO()
    gradient = np.linspace(0, 255, height, dtype=np.uint8)[:, None, None].repeat(width, 1).repeat(3, 2)
    image = Image.fromarray(gradient)
    exif = Image.Exif()
    if exif_orientation:
        exif[0x0112] = exif_orientation
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A small PNG that claims side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_decode_gives_upright_rgb() -> None:
    """A photo with an EXIF rotation comes out upright, and probe knows its upright size."""
    pixels = images.decode(jpeg(exif_orientation=6))

    assert pixels.shape == (60, 90, 3)
    assert pixels.dtype == np.uint8
    info = images.probe(jpeg(exif_orientation=6))
    assert (info.width, info.height, info.extension) == (90, 60, "jpg")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette, transparent, CMYK and 16-bit images all decode to uint8 HWC RGB."""
    out = io.BytesIO()
    Image.new("L", (8, 6), 200).convert(mode).save(out, "TIFF" if mode in {"CMYK", "I;16"} else "PNG")

    assert images.decode(out.getvalue()).shape == (6, 8, 3)


def test_transparency_is_laid_on_white() -> None:
    """A fully transparent pixel becomes white."""
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(out, "PNG")

    assert (images.decode(out.getvalue()) == 255).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>please log in</html>", "not-image"),
        (jpeg()[: len(jpeg()) // 2], "broken"),
        (bomb(40_000), "bomb"),
        (bomb(9_000), "bomb"),
    ],
)
def test_bad_bytes_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    """Empty, foreign, truncated and oversized files raise ImageError with the code the catalog records."""
    with pytest.raises(ImageError) as caught:
        images.decode(data)

    assert caught.value.reason == reason


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_decode_of_any_bytes_raises_nothing_else(data: bytes) -> None:
    """Whatever the bytes, decode returns pixels or raises ImageError."""
    with contextlib.suppress(ImageError):
        images.decode(data)


@pytest.mark.parametrize("fit", ["pad", "stretch", "cover"])
@pytest.mark.parametrize("shape", [(30, 90), (90, 30), (1, 50), (64, 64)])
def test_resize_gives_squares(fit: images.Fit, shape: tuple[int, int]) -> None:
    """Every fit of every aspect is size x size."""
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)

    assert images.resize(pixels, 32, fit).shape == (32, 32, 3)


def test_padding_repeats_the_edge() -> None:
    """A tall garment is padded with its own edge pixels, not with black."""
    pixels = np.full((100, 20, 3), 77, np.uint8)

    assert (images.resize(pixels, 64, "pad") == 77).all()


@given(st.lists(st.floats(-50, 150), min_size=4, max_size=4))
def test_crop_is_never_empty(values: list[float]) -> None:
    """Any box, even one outside, cuts at least one pixel."""
    x0, y0, x1, y1 = values
    piece = images.crop(np.zeros((40, 30, 3), np.uint8), (x0, y0, x1, y1))

    assert min(piece.shape[:2]) >= 1


def test_hash_is_stable_under_scaling() -> None:
    """A scaled copy has a perceptual hash a few bits away, another picture one far away."""
    random = np.random.default_rng(1)
    blocks = random.integers(0, 256, (6, 4, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)
    small = np.asarray(Image.fromarray(blocks).resize((80, 120), Image.Resampling.LANCZOS))
    other = random.integers(0, 256, (6, 4, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)

    assert images.hamming(images.difference_hash(blocks), images.difference_hash(small)) <= 4
    assert images.hamming(images.difference_hash(blocks), images.difference_hash(other)) > 10


def test_tile_keeps_every_image() -> None:
    """Each image stands on the sheet at its row and column."""
    stack = np.stack([np.full((3, 2, 3), i, np.uint8) for i in range(5)])
    sheet = images.tile(stack, columns=3, gap=1)

    assert sheet.shape == (2 * 4 + 1, 3 * 3 + 1, 3)
    assert [int(sheet[1 + 4 * (i // 3), 1 + 3 * (i % 3), 0]) for i in range(5)] == [0, 1, 2, 3, 4]
