"""Decoding, resizing and hashing of images."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from deepstyle import images
from deepstyle.errors import ImageError
from deepstyle.looks import looks

FloatArray = NDArray[np.float64]


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
@settings(max_examples=200)
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
    """A tall garment is padded with its own edge pixels, not with black, and a wide one, each side with its own."""
    pixels = np.full((100, 20, 3), 77, np.uint8)
    pixels[:, 10:] = 99
    tall, wide = images.resize(pixels, 64, "pad"), images.resize(pixels.transpose(1, 0, 2), 64, "pad")

    assert (tall[:, :25] == 77).all()
    assert (tall[:, 38:] == 99).all()
    assert (wide == tall.transpose(1, 0, 2)).all()


@given(st.lists(st.floats(-50, 150), min_size=4, max_size=4))
def test_crop_is_never_empty(values: list[float]) -> None:
    """Any box, even one outside, cuts at least one pixel."""
    x0, y0, x1, y1 = values
    piece = images.crop(np.zeros((40, 30, 3), np.uint8), (x0, y0, x1, y1))

    assert min(piece.shape[:2]) >= 1


def test_hashes_are_those_of_imagehash() -> None:
    """The three hashes of a picture are what imagehash says of it, of its middle and of its mirror image."""
    for seed in range(20):
        blocks = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
        image = Image.fromarray(blocks).resize((60, 80), Image.Resampling.BICUBIC)
        found = looks(image)
        middle = image.reduce(1, box=(3, 4, 57, 76))

        assert found.dhash == str(imagehash.dhash(image))
        assert found.inner == str(imagehash.dhash(middle))
        assert found.mirror == str(imagehash.dhash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))


def dhash(pixels: NDArray[np.uint8]) -> int:
    """A picture's own hash as a number."""
    return int(looks(Image.fromarray(pixels)).dhash, 16)


@pytest.mark.parametrize(
    "kind", ["JPEG", "RGB in JPEG", "PNG", "turned", "grey", "transparent", "palette", "CMYK", "profile"]
)
def test_a_photo_looks_as_its_decoded_pixels_do(kind: str) -> None:
    """What is read of a photo in one go are the hashes of the pixels that ``decode`` gives, whatever kind of file it is."""
    blocks = np.random.default_rng(3).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((610, 470), Image.Resampling.BICUBIC)
    options: dict[str, Any] = {"format": "PNG" if kind in {"PNG", "transparent", "palette"} else "JPEG"}
    if kind == "RGB in JPEG":
        options["keep_rgb"] = True
    if kind == "turned":
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    if kind == "profile":
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    modes = {"grey": "L", "palette": "P", "CMYK": "CMYK"}
    image = image.convert(modes.get(kind, "RGB"))
    if kind == "transparent":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    out = io.BytesIO()
    image.save(out, **options)
    info, found = images.inspect(out.getvalue(), max_pixels=10**6, at_least=128, wanted=lambda _: True)

    assert (info.width, info.height) == ((470, 610) if kind == "turned" else (610, 470))
    assert found == looks(Image.fromarray(images.decode(out.getvalue(), at_least=128)))


def test_hash_is_stable_under_scaling() -> None:
    """A scaled copy has a perceptual hash a few bits away, another picture one far away."""
    random = np.random.default_rng(1)
    blocks = random.integers(0, 256, (6, 4, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)
    small = np.asarray(Image.fromarray(blocks).resize((80, 120), Image.Resampling.LANCZOS))
    other = random.integers(0, 256, (6, 4, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)

    assert (dhash(blocks) ^ dhash(small)).bit_count() <= 4
    assert (dhash(blocks) ^ dhash(other)).bit_count() > 10


def test_tile_keeps_every_image() -> None:
    """Each image stands on the sheet at its row and column."""
    stack = np.stack([np.full((3, 2, 3), i, np.uint8) for i in range(5)])
    sheet = images.tile(stack, columns=3, gap=1)

    assert sheet.shape == (2 * 4 + 1, 3 * 3 + 1, 3)
    assert [int(sheet[1 + 4 * (i // 3), 1 + 3 * (i % 3), 0]) for i in range(5)] == [0, 1, 2, 3, 4]


def png(pixels: images.Pixels, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("at_least", "shape"), [(None, (400, 300)), (300, (400, 300)), (150, (200, 150)), (76, (200, 150)), (30, (50, 38))]
)
def test_a_jpeg_can_be_decoded_smaller(at_least: int | None, shape: tuple[int, int]) -> None:
    """``at_least`` gives the smallest of 1, 1/2, 1/4, 1/8 whose shorter side is that long; a PNG stays whole."""
    assert images.decode(jpeg(300, 400), at_least=at_least).shape[:2] == shape
    assert images.decode(png(np.zeros((400, 300, 3), np.uint8)), at_least=at_least).shape[:2] == (400, 300)


def test_a_smaller_decode_is_upright_and_alike() -> None:
    """EXIF rotation and content are those of the whole photo."""
    small = images.decode(jpeg(400, 640, exif_orientation=6), at_least=100)
    whole = images.decode(jpeg(400, 640, exif_orientation=6))

    assert small.shape == (100, 160, 3)
    assert np.abs(small.astype(int) - whole[::4, ::4].astype(int)).mean() < 3


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(0, 1, 2), (1, 0, 2)]))
def test_png_is_lossless(height: int, width: int, order: tuple[int, ...]) -> None:
    """Our PNG is read back by Pillow to the same pixels, whatever the size and memory order."""
    pixels = np.random.default_rng(height * 41 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = pixels.transpose(order)
    with Image.open(io.BytesIO(images.encode(pixels))) as image:
        assert image.mode == "RGB"
        image.verify()
    assert (np.asarray(Image.open(io.BytesIO(images.encode(pixels)))) == pixels).all()


def test_a_file_cut_anywhere_is_an_image_error() -> None:
    """Wherever a PNG ends too early, ``probe`` gives its size or an ImageError, nothing else."""
    whole = images.encode(np.zeros((40, 40, 3), np.uint8))
    outcomes: set[str | int] = set()
    for length in range(len(whole)):
        try:
            outcomes.add(images.probe(whole[:length]).width)
        except ImageError as error:
            outcomes.add(error.reason)

    assert {"empty", "broken"} <= outcomes <= {"empty", "not-image", "broken", 40}
