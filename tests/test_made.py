"""The mark in files, read back by others: Pillow, an XML parser, the formats' own structure."""

from __future__ import annotations

import io
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from deepstyle.dcgan.video import write_video
from deepstyle.images import Pixels, decode, encode
from deepstyle.made import BOX, SPACES, Made, marked, packet

MADE = Made(model="gan-001 <&>", digest="ab" * 32, seeds="17", licence="CC BY 4.0 & mine", note="enlarged 4 times")
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def told(xmp: bytes) -> dict[str, str]:
    """Every property of a packet, by its prefixed name."""
    root = ET.fromstring(xmp[xmp.index(b"<x:xmpmeta") : xmp.index(b"<?xpacket end")])
    about = root.find(f"{RDF}RDF/{RDF}Description")
    assert about is not None
    short = {f"{{{address}}}": f"{prefix}:" for prefix, address in SPACES.items()}
    found = {}
    for one in about:
        for long, prefix in short.items():
            if one.tag.startswith(long):
                found[one.tag.replace(long, prefix)] = "".join(one.itertext())
    return found


def frames() -> list[Pixels]:
    """Three frames."""
    return [np.full((32, 32, 3), 60 * k, np.uint8) for k in range(3)]


def test_the_packet_says_who_made_it() -> None:
    """Digital Source Type, model, hash, seed and licence are properties of well-formed XMP, whatever they are called."""
    properties = told(packet(MADE).encode())

    assert properties["Iptc4xmpExt:DigitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    )
    assert properties["deepstyle:Model"] == "gan-001 <&>"
    assert properties["Iptc4xmpExt:AISystemVersionUsed"] == f"sha256:{'ab' * 32}"
    assert (properties["deepstyle:Seeds"], properties["xmpRights:UsageTerms"]) == ("17", "CC BY 4.0 & mine")
    assert properties["deepstyle:Note"] == "enlarged 4 times"


def test_what_xml_cannot_hold_is_replaced() -> None:
    """Control characters and halves of characters in a licence or a name leave the packet well-formed."""
    properties = told(packet(Made(model="m\udcff", digest="", licence="CC\x01 BY\uffff")).encode())

    assert properties["xmpRights:UsageTerms"] == "CC\ufffd BY\ufffd"
    assert properties["deepstyle:Model"] == "m\ufffd"


def test_a_sheet_with_photos_is_a_composite() -> None:
    """Samples beside photos are marked as a composite; what nobody said is left out."""
    properties = told(packet(Made(model="m", digest="", composite=True)).encode())

    assert properties["Iptc4xmpExt:DigitalSourceType"].endswith("/compositeSynthetic")
    assert not {"deepstyle:ModelSHA256", "xmpRights:UsageTerms", "deepstyle:Seeds"} & properties.keys()


def test_a_png_carries_it() -> None:
    """Pillow finds the packet in the PNG; every chunk's checksum is right, and the pixels are the same."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    data = marked(encode(pixels), MADE)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        xmp = image.info["xmp"]
    place = 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(body),)
        place += 12 + length

    assert told(xmp if isinstance(xmp, bytes) else xmp.encode())["deepstyle:Seeds"] == "17"
    assert (decode(data) == pixels).all()


def test_a_gif_carries_it(tmp_path: Path) -> None:
    """The packet stands whole in a GIF, which plays its frames as before."""
    write_video(tmp_path / "plain.gif", frames(), 20)
    write_video(tmp_path / "walk.gif", frames(), 20, MADE)
    data = (tmp_path / "walk.gif").read_bytes()
    shown = []
    for name in ("plain.gif", "walk.gif"):
        with Image.open(tmp_path / name) as film:
            shown.append([film.info["loop"], getattr(film, "n_frames", 1)])
            film.seek(2)
            shown[-1].append(np.asarray(film.convert("RGB")).tolist())

    assert told(data)["deepstyle:Model"] == "gan-001 <&>"
    assert b"XMP DataXMP" in data
    assert shown[0] == shown[1]


@pytest.mark.skipif(find_spec("av") is None, reason="PyAV is not installed")
def test_an_mp4_carries_it(tmp_path: Path) -> None:
    """An MP4's last top-level box is XMP's, and the film plays its frames as before."""
    import av

    write_video(tmp_path / "walk.mp4", frames(), 20, MADE)
    data, place, boxes = (tmp_path / "walk.mp4").read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        boxes.append(data[place : place + length])
        place += length
    with av.open(str(tmp_path / "walk.mp4")) as container:
        assert len(list(container.decode(video=0))) == 3

    assert place == len(data)
    assert boxes[-1][4:24] == b"uuid" + BOX
    assert told(boxes[-1])["Iptc4xmpExt:DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
