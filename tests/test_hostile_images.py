"""Images made to hurt: none hangs, none takes the machine's memory, and each is read or refused as an image."""

from __future__ import annotations

import contextlib
import io
import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from test_hostile import chunk, peak, png

from deepstyle import images
from deepstyle.annotations.convert import photo_sizes
from deepstyle.errors import ImageError
from deepstyle.progress import Reporter


def test_headers_of_odd_files_are_bad_photos(tmp_path: Path) -> None:
    """A pipe among the photos of a data set, or a name with a zero byte, is counted and hangs nothing."""
    os.mkfifo(tmp_path / "a.jpg")
    names = [
        str(tmp_path / "a.jpg"),
        str(tmp_path / "b\0.jpg"),
        str(tmp_path / ("x" * 300)),
        str(tmp_path / "none.jpg"),
    ]

    assert photo_sizes(names, Reporter(quiet=True)) == ["bad-photo", "bad-photo", "bad-photo", "no-photo"]


LARGE = """
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from deepstyle import images
data = Path("large.png").read_bytes()
with ThreadPoolExecutor(3) as pool:
    print({pixels.shape for pixels in pool.map(lambda _: images.decode(data, at_least=500), range(3))})
"""


@pytest.mark.slow
def test_large_photos_in_threads_share_one_budget(tmp_path: Path) -> None:
    """Three PNGs of 60 megapixels in three threads take the memory of one, where 500 pixels a side are enough."""
    (tmp_path / "large.png").write_bytes(png(8000, 7500))
    held, said = peak(LARGE, tmp_path)

    assert said == "{(500, 533, 3)}"
    assert held < 0.9


def many(kind: str, count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (k % 255, 0, 0)) for k in range(count)]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


BOMB = zlib.compress(bytes(80_000_000), 9)
ODD_IMAGES: dict[str, bytes] = {
    "text": png(8, 8, chunk(b"zTXt", b"k\0\0" + BOMB)),
    "texts": png(8, 8, *[chunk(b"zTXt", b"k%d\0\0" % k + zlib.compress(bytes(900_000), 9)) for k in range(200)]),
    "profile": png(8, 8, chunk(b"iCCP", b"p\0\0" + BOMB)),
    "exif": png(8, 8, chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 9000)),
    "gif": many("GIF", 3000),
    "webp": many("WEBP", 300),
    "tiff": many("TIFF", 500),
    "dimensions": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)),
    "no rows": png(8, 8)[:-40],
}


@pytest.mark.parametrize("data", ODD_IMAGES.values(), ids=ODD_IMAGES)
def test_odd_images_are_refused_or_read_for_their_first_picture(data: bytes) -> None:
    """Packed texts and profiles, thousands of frames or pages, headers that lie: pixels, or an ImageError."""
    try:
        pixels = images.decode(data)
    except ImageError:
        return

    assert pixels.shape[0] * pixels.shape[1] <= 256


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "AVIF"])
def test_damaged_images_raise_nothing_but_image_errors(kind: str) -> None:
    """Three hundred times some bytes are changed or cut off: decode and probe end in pixels or an ImageError."""
    chance, out = random.Random(kind), io.BytesIO()
    picture = Image.effect_noise((40, 30), 60).convert("P" if kind == "GIF" else "RGB")
    options: dict[str, Any] = {"exif": Image.Exif()} if kind in {"JPEG", "WEBP", "TIFF"} else {}
    if options:
        options["exif"][0x0112] = 6
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("k", "v" * 50, zip=True)
        options["pnginfo"] = info
    picture.save(out, kind, **options)
    for _ in range(300):
        data = bytearray(out.getvalue())
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(min(len(data), chance.choice([64, 400, len(data)])))] = chance.randrange(256)
        damaged = bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        for read in (images.decode, images.probe):
            with contextlib.suppress(ImageError):
                read(damaged)
