"""colour.py: every mode, depth and orientation of an image becomes the RGB that an independent computation gives."""

from __future__ import annotations

import io
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

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


PRIMARIES = np.array(
    [[0.51512, 0.29198, 0.1571], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)  # P3 in D50
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])  # sRGB in D50


def icc(matrix: FloatArray, gamma: float) -> bytes:
    """A matrix profile (ICC.1): columns are the primaries' XYZ under D50, one gamma for all channels."""

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    name = b"Wide"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249),
        **{
            key: b"XYZ " + bytes(4) + fixed(*column)
            for key, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)
        },
        **{key: b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) for key in (b"rTRC", b"gTRC", b"bTRC")},
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for key, value in tags.items():
        table += key + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12)
    head += b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249) + bytes(48)
    return head + table + body


def by_hand(pixels: images.Pixels, matrix: FloatArray, gamma: float) -> FloatArray:
    """The same conversion in numpy: to linear light, to XYZ, to linear sRGB, to sRGB (IEC 61966-2-1)."""
    linear = np.clip((pixels / 255.0) ** gamma @ matrix.T @ np.linalg.inv(SRGB).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_an_embedded_profile_becomes_srgb() -> None:
    """A wide-gamut photo has the sRGB values that the profile's own formula gives, to a few 255ths."""
    pixels = np.random.default_rng(0).integers(60, 200, (8, 8, 3), dtype=np.uint8)
    wanted = by_hand(pixels, PRIMARIES, 2.2)
    found = images.decode(saved(Image.fromarray(pixels), icc_profile=icc(PRIMARIES, 2.2)))

    assert np.abs(found - wanted).max() < 3
    assert np.abs(pixels - wanted).max() > 8


def test_transparency_survives_a_profile() -> None:
    """A profile changes colours, not what is transparent."""
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[0, :, 3] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", icc_profile=icc(PRIMARIES, 2.2))
    found = images.decode(out.getvalue())

    assert (found[1] == 255).all()
    assert np.abs(found[0] - by_hand(pixels[0, :, :3], PRIMARIES, 2.2)).max() < 3


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"nonsense" * 40,
        icc(PRIMARIES, 2.2)[:200],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_broken_or_foreign_profile_is_passed_over(profile: bytes, mode: str) -> None:
    """A profile that is torn or of another colour space leaves the photo as it would be without one."""
    plain = Image.effect_noise((16, 16), 60).convert("RGB").convert(mode)
    with_profile, without = io.BytesIO(), io.BytesIO()
    plain.save(with_profile, "JPEG", icc_profile=profile)
    plain.save(without, "JPEG")

    assert (images.decode(with_profile.getvalue()) == images.decode(without.getvalue())).all()


def test_srgb_by_name_is_not_converted() -> None:
    """The usual profile of the web costs nothing and changes nothing."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    assert (images.decode(saved(Image.fromarray(pixels), icc_profile=srgb)) == pixels).all()
