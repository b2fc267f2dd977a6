"""The mark of a picture that a model made, inside the file: PNG, GIF and MP4 (pure).

An XMP packet with IPTC's Digital Source Type, which platforms and the EU's AI Act (Article 50(2)) read, and beside it the
model, its hash, the seeds and the licence. In a PNG it is an iTXt chunk, in a GIF an application extension, in an MP4 a
uuid box (XMP specification, part 3).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from html import escape

from deepstyle import __version__

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SAMPLE, COMPOSITE = "trainedAlgorithmicMedia", "compositeSynthetic"  # made by a model; samples beside photos
KEYWORD = b"XML:com.adobe.xmp"
MAGIC = bytes([1, *range(255, -1, -1), 0])  # lets readers of a GIF that know no XMP skip it
BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
SPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/", "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "deepstyle": "https://github.com/deepstyle/deepstyle/ns/1.0/",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Made:
    """How a picture came about. ``digest``: SHA-256 of the model's weights; ``seeds``: "17", or "0-63" of a grid.

    ``licence``: under which it may be used, "" if nobody said; ``note``: what was done to it afterwards; ``composite``:
    photos stand beside what the model made.
    """

    model: str
    digest: str
    seeds: str = ""
    licence: str = ""
    note: str = ""
    composite: bool = False


def _text(value: str) -> str:
    """A value as XML has it; what no XML may hold, such as a control character, becomes a replacement character."""
    return escape(ILLEGAL.sub("\ufffd", value), quote=False)


def packet(made: Made) -> str:
    """The XMP packet. What nobody said is left out."""
    plain = {
        "Iptc4xmpExt:DigitalSourceType": SOURCE + (COMPOSITE if made.composite else SAMPLE),
        "Iptc4xmpExt:AISystemUsed": f"deepstyle, model {made.model}",
        "Iptc4xmpExt:AISystemVersionUsed": f"sha256:{made.digest}" if made.digest else "",
        "xmp:CreatorTool": f"deepstyle {__version__}",
        "deepstyle:Model": made.model, "deepstyle:ModelSHA256": made.digest, "deepstyle:Seeds": made.seeds,
        "deepstyle:Note": made.note,
    }  # fmt: skip
    lines = [f"<{name}>{_text(value)}</{name}>" for name, value in plain.items() if value]
    about = f"Made by the model {made.model}" + (f" from seed {made.seeds}" if made.seeds else "")
    for name, value in (("dc:description", about), ("xmpRights:UsageTerms", made.licence)):
        if value:
            text = f'<rdf:li xml:lang="x-default">{_text(value)}</rdf:li>'
            lines.append(f"<{name}><rdf:Alt>{text}</rdf:Alt></{name}>")
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in SPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces}>\n' + "\n".join(lines)
        + '\n</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
    )  # fmt: skip


def marked(data: bytes, made: Made) -> bytes:
    """The same PNG, GIF or MP4 with the mark in it; the picture is untouched."""
    xmp = packet(made).encode()
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _in_png(data, xmp)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _in_gif(data, xmp)
    assert data[4:8] == b"ftyp", "only PNG, GIF and MP4 can be marked"
    return data + struct.pack(">I4s16s", 24 + len(xmp), b"uuid", BOX) + xmp


def _in_png(data: bytes, xmp: bytes) -> bytes:
    """After the header chunk, which is the first and 25 bytes long."""
    body = b"iTXt" + KEYWORD + b"\0\0\0\0\0" + xmp
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def _in_gif(data: bytes, xmp: bytes) -> bytes:
    """After the screen's description and its table of colours."""
    flags = data[10]
    start = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    return b"GIF89a" + data[6:start] + b"\x21\xff\x0bXMP DataXMP" + xmp + MAGIC + data[start:]
