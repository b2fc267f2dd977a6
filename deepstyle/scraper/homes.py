"""What JSON leaves to its script to put together (pure): hosts of names that are one builder's, sizes that are gaps or keys.

Sources: Wix's media names and ``wix:image`` addresses, BigCommerce's ``{:size}``, Shopify's ``{width}``.
"""

from __future__ import annotations

import re
from typing import Any

_WIX = re.compile(
    r"(?:wix:image://v1/)?([0-9a-f]{5,6}_[0-9a-f]{32}~mv2(?:_d_\d{1,5}_\d{1,5}_s_\d(?:_\d)?)?\.(?:jpe?g|png|webp|avif))"
    r"(?:[/#].{0,500})?",
    re.IGNORECASE,
)
_WIDTH = re.compile(r"(?<=_)\{width\}(?=x)|(?<=[?&]w=)\{w(?:idth)?\}|(?<=width=)\{width\}|(?<=/w_)\{width\}")
WIDE = 2048  # pixels: what a gap for a width is filled with
_SIZES = re.compile(r"sizes|srcset|resolutions|renditions|widths|thumbnails", re.IGNORECASE)
_LARGE = 600  # the least of the largest width: clothes come in sizes up to 176


def homed(text: str) -> str:
    """A name of a picture's file at the only host that has names of its form, and an address with its gap for a size filled.

    >>> homed("/stencil/{:size}/products/1/2/coat.jpg")
    '/stencil/1280x1280/products/1/2/coat.jpg'
    """
    if "~mv2" in text and (match := _WIX.fullmatch(text)):
        return f"https://static.wixstatic.com/media/{match[1]}"
    if "{" not in text or len(text) > 2_000:
        return text
    return _WIDTH.sub(str(WIDE), text.replace("/stencil/{:size}/", "/stencil/1280x1280/"))


def widened(node: dict[str, Any], key: str) -> dict[str, Any]:
    """An object under ``sizes`` and its kin, its bare widths named as such: ``{"320": ...}`` -> ``{"320w": ...}``.

    Numbers that may be sizes of clothes, or of which one is no width, are left as they are.
    """
    if len(node) < 2 or not all(name.isascii() and name.isdigit() and 1 < len(name) < 6 for name in node):
        return node
    if not _SIZES.search(key[-40:]) or max(map(int, node)) < _LARGE:
        return node
    return {f"{name}w": value for name, value in node.items()}
