"""colour.py: every mode, depth and orientation of an image becomes the RGB that an independent computation gives."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from deepstyle import colour, images
from deepstyle.room import Room

FloatArray = NDArray[np.float64]


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


RAMP = np.linspace(0, 65_535, 48 * 40).round().reshape(40, 48)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (saved(Image.fromarray(RAMP.astype(np.uint16))), RAMP / 257),
        (saved(Image.fromarray(RAMP.astype(np.uint16)), "TIFF"), RAMP / 257),
        (saved(Image.fromarray((RAMP // 16).astype(np.uint16))), RAMP // 16 / 257),  # dark stays dark
        (saved(Image.fromarray(RAMP.astype(np.int32)), "TIFF"), RAMP / 257),
        (saved(Image.fromarray((RAMP * 30_000).astype(np.int32)), "TIFF"), RAMP * 30_000 / (2**31 - 1) * 255),
        (saved(Image.fromarray((RAMP // 300 - 10).astype(np.int32)), "TIFF"), (RAMP // 300 - 10).clip(0)),
        (saved(Image.fromarray((RAMP / 65_535).astype(np.float32)), "TIFF"), RAMP / 257),
        (saved(Image.fromarray((RAMP / 300).astype(np.float32)), "TIFF"), RAMP / 300),
        (saved(Image.fromarray((RAMP * 1e30).astype(np.float32)), "TIFF"), RAMP / 257),
        (saved(Image.fromarray(np.where(RAMP > 9, RAMP, np.nan).astype(np.float32)), "TIFF"),
         np.where(RAMP > 9, RAMP, 0) / 257),
    ],
    ids=["16-png", "16-tiff", "16-dark", "32-of-16", "32", "32-of-8-negative", "float-1", "float-255", "float", "nan"],
)  # fmt: skip
def test_deep_grey_is_scaled_not_clipped(data: bytes, expected: FloatArray) -> None:
    """Grey of 16 or 32 bits and of floats keeps its gradation: within half a step of what its numbers say."""
    pixels = images.decode(data)

    assert (pixels == pixels[:, :, :1]).all()
    assert np.abs(pixels[:, :, 0] - expected).max() <= 0.51


def over_white(values: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> FloatArray:
    share = alpha[..., None] / 255
    return np.asarray(values * share + 255 * (1 - share))


def test_transparency_of_every_kind_is_laid_on_white() -> None:
    """Alpha beside grey, a palette with transparent entries, one transparent colour, also of 16 bits: as computed here."""
    random = np.random.default_rng(0)
    grey, alpha = random.integers(0, 256, (2, 30, 20), dtype=np.uint8)
    la = images.decode(saved(Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])))
    palette = Image.fromarray(random.integers(0, 8, (30, 20), dtype=np.uint8), "P")
    colours = random.integers(0, 256, (8, 3), dtype=np.uint8)
    clear = random.integers(0, 256, 8, dtype=np.uint8)
    palette.putpalette(colours.tobytes())
    paletted = images.decode(saved(palette, transparency=clear.tobytes()))
    deep = (RAMP // 256 * 256).astype(np.uint16)
    keyed = images.decode(saved(Image.fromarray(deep), transparency=512))

    assert np.abs(la - over_white(grey[..., None].repeat(3, 2), alpha)).max() <= 1
    assert np.abs(paletted - over_white(colours[np.asarray(palette)], clear[np.asarray(palette)])).max() <= 1
    assert (keyed[deep == 512] == 255).all()
    assert np.abs(keyed[deep != 512][:, 0] - deep[deep != 512] / 257).max() <= 0.51


def test_other_colour_models_become_rgb() -> None:
    """CMYK is what is left of white; Lab is within a few steps of the colour it was made from."""
    random = np.random.default_rng(0)
    inks = random.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    cmyk = images.decode(saved(Image.fromarray(inks, "CMYK"), "TIFF"))
    left = (255 - inks[..., :3].astype(float)) * (255 - inks[..., 3:].astype(float)) / 255
    lab = Image.new("LAB", (4, 4), (136, 208, 195))  # sRGB's red: L 53.2, a 80.1, b 67.2

    assert np.abs(cmyk - left).max() <= 1
    assert np.abs(images.decode(saved(lab, "TIFF"))[0, 0].astype(int) - (255, 0, 0)).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_every_orientation_is_undone(orientation: int, kind: str) -> None:
    """All eight of EXIF's orientations give what Pillow's own transposition gives, in every format that carries them."""
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:8, :8], pixels[:8, -8:], pixels[-8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(pixels), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))

    assert np.array_equal(images.decode(data), expected)
    assert (images.probe(data).height, images.probe(data).width) == expected.shape[:2]


def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image converted in bands of three rows, whole or averaged, is the one converted at once."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (203, 190, 4), dtype=np.uint8)
    data = saved(Image.fromarray(pixels))
    monkeypatch.setattr(images, "LARGE", 1000)
    whole, small = images.decode(data), images.decode(data, at_least=40)
    monkeypatch.setattr(colour, "BAND", 600)

    assert np.array_equal(images.decode(data), whole)
    assert np.array_equal(images.decode(data, at_least=40), small)
    assert small.shape == (50, 47, 3)
    blocks = whole[:200, :188].reshape(50, 4, 47, 4, 3).mean((1, 3))
    assert np.abs(small - blocks).max() <= 1


def test_a_phones_double_picture_is_a_jpeg() -> None:
    """An MPO (two pictures in one JPEG) is decoded to its first one, and kept as .jpg."""
    first, second = Image.new("RGB", (32, 24), "red"), Image.new("RGB", (32, 24), "blue")
    data = saved(first, "MPO", save_all=True, append_images=[second])

    assert images.probe(data).extension == "jpg"
    assert np.abs(images.decode(data)[0, 0].astype(int) - (254, 0, 0)).max() <= 2


def test_room_lets_only_so_much_in_at_a_time() -> None:
    """Eight threads that take a third of the room are three at a time at most; one that wants more than all goes alone."""
    room, lock = Room(30), threading.Lock()
    inside, most = 0, 0

    def work(amount: int) -> None:
        nonlocal inside, most
        with room.taken(amount), room.taken(30):  # inside, more is free
            with lock:
                inside += min(amount, 30)
                most = max(most, inside)
            time.sleep(0.005)
            with lock:
                inside -= min(amount, 30)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [10, 1000, 10, 3, 10, 30, 10, 10] * 4))

    assert (inside, most <= 30) == (0, True)
