"""Whether a picture's bytes are all there, whatever was said of their number (pure): JPEG, PNG, GIF, WebP; what is packed."""

from __future__ import annotations

import codecs
import re

_CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1f\x7f]")  # of which no text has any
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # JPEG's markers without a length, before the first scan


def whole(body: bytes) -> bool:
    """Whether the bytes begin as a picture of these formats does, and its end is among them; what follows does not matter."""
    if body.startswith(b"\xff\xd8"):
        scan = _first_scan(body)
        return scan is not None and body.rfind(b"\xff\xd9", scan) >= 0  # in a scan 0xFF is followed by 0 or RSTn only
    if body.startswith(b"\x89PNG"):
        return PNG_END in body
    if body.startswith(b"GIF8"):
        return body.rstrip(b"\0\r\n ").endswith(b"\x3b")
    return body[:4] == b"RIFF" and body[8:12] == b"WEBP" and len(body) >= int.from_bytes(body[4:8], "little") + 8


def begun(body: bytes) -> bool:
    """Whether the bytes begin as a picture of these formats does."""
    return body.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8")) or (body[:4] == b"RIFF" and body[8:12] == b"WEBP")


def is_plain(body: bytes) -> bool:
    """Whether the first bytes of a body are text, or a picture's whose format is not told by its end, and not packed."""
    if body[4:8] == b"ftyp":  # AVIF
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return bool(text) and not _CONTROL.search(text)


def cut(body: bytes) -> bool:
    """Whether the bytes begin as a picture of these formats does, and its end is missing."""
    return begun(body) and not whole(body)


def _first_scan(body: bytes) -> int | None:
    """Where a JPEG's pixels begin: past its segments, as a thumbnail in one of them has an end of its own. None: not there."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xDA:
            return at
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    return None
