"""The head of a plain answer, read in one go (pure): status 200, and a body of Content-Length bytes as they are.

Nearly all photos are answered so. What is not plain is left to http.client and urllib3, which know all of HTTP, in five times
the time: other statuses, chunks, encodings, folded or odd lines, lengths that contradict each other, a head in pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from urllib3 import HTTPHeaderDict

MOST = 100  # header lines, as many as http.client takes
_HEAD = re.compile(rb"HTTP/1\.1 200(?>(?: [^\r\n]*+)?)(?>(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\r\n\0]*+)*)\r\n\r\n")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a plain head says; ``size`` is its own, ``length`` the body's, in bytes; ``last``: the connection ends with it."""

    fields: HTTPHeaderDict
    size: int
    length: int
    last: bool


def plain_head(data: bytes) -> Head | None:
    """The head at the beginning of what a connection gave; None where it is not plain, or not all there."""
    match = _HEAD.match(data)
    if match is None:
        return None
    lines = match[0].decode("latin-1").split("\r\n")[1:-2]
    if len(lines) > MOST:
        return None
    fields = HTTPHeaderDict()
    for line in lines:
        name, _, value = line.partition(":")
        fields.add(name, value.strip(" \t"))
    length = fields.get("Content-Length", "")
    if "Transfer-Encoding" in fields or "Content-Encoding" in fields or not length.isascii() or not length.isdigit():
        return None
    last = "close" in fields.get("Connection", "").lower()
    return Head(fields=fields, size=match.end(), length=int(length[:18]), last=last) if len(length) < 19 else None
