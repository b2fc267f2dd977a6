"""What JSON leaves to its script to put together (pure): hosts of names that are one builder's, sizes that are gaps or keys.

Sources: Cargo's media, Wix's media names and ``wix:image`` addresses, Sanity's image references, BigCommerce's
``{:size}``, Shopify's ``{width}``, the Salesforce Commerce API's image groups.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.sizes import size_rank
from deepstyle.scraper.urls import is_picture_url

_WIX = re.compile(
    r"(?:wix:image://v1/)?([0-9a-f]{5,6}_[0-9a-f]{32}~mv2(?:_d_\d{1,5}_\d{1,5}_s_\d(?:_\d)?)?\.(?:jpe?g|png|webp|avif))"
    r"(?:[/#].{0,500})?",
    re.IGNORECASE,
)
_SANITY = re.compile(r"image-([0-9a-f]{40}-\d{2,5}x\d{2,5})-(jpg|png|webp|gif|avif)")
_FREIGHT = re.compile(r"[A-Z]\d{5,30}")
_WIDTH = re.compile(r"(?<=[/_=,-])\{width\}|(?<=[?&]w=)\{w\}")
WIDE = 2048  # pixels: what a gap for a width is filled with
_SIZES = re.compile(r"sizes|srcset|resolutions|renditions|widths|thumbnails", re.IGNORECASE)
_SMALLER = re.compile(
    r"(\w{1,40}?)[_-]?(?:Small|Thumb(?:nail)?|Medium|Preview|small|thumb(?:nail)?|medium|preview)((?:_?(?:url|src|uri|path)|U(?:rl|RL)|Src)?)"
)
_IMAGE = re.compile(r"(?:^|_|(?<=[a-z]))(?:[Ii]mage|[Ii]mg|[Pp]hoto|[Pp]icture)s?$")
_AT_HOST = re.compile(r"(?:https?:)?//[^/?#\s]{1,253}/[^\s?#]{0,500}[^\s/?#]")
_PAGE_KEY = re.compile(
    r"(?:(?:detail|product|page|web|post|item|look|show|canonical)[_-]?)?(?:url|href|link|path|uri)|permalink",
    re.IGNORECASE,
)
_PAGE = re.compile(r"(?:https?://[^\s/?#]{1,253})?/[^\s<>\"{}\\/][^\s<>\"{}\\]{0,500}")
_SIDE = 64  # pixels: the least that is a photo's
_SCALED = frozenset({"width", "height", "size", "label", "type", "format", "mime_type"})  # what sizes of a picture say
LABELS = frozenset({
    "filename", "fileName", "file_name", "origFileName", "orig_filename", "originalFilename", "originalFileName", "originalName",
    "original_name", "original_filename", "name", "Name", "key", "file",
})  # fmt: skip  # what a file is called, beside its address
THUMBNAIL = 400  # pixels: as wide is a thumbnail at most
_LARGE = 600  # the least of the largest width: clothes come in sizes up to 176


def homed(text: str) -> str:
    """A name of a picture's file at the only host that has names of its form, and an address with its gap for a size filled.

    >>> homed("/stencil/{:size}/products/1/2/coat.jpg")
    '/stencil/1280x1280/products/1/2/coat.jpg'
    """
    if "~mv2" in text and (match := _WIX.fullmatch(text)):
        return f"https://static.wixstatic.com/media/{match[1]}"
    if text.startswith("image-") and (match := _SANITY.fullmatch(text)):
        return f"{match[1]}.{match[2]}"
    if text.endswith("/info.json") and "iiif" in text.lower():
        return f"{text.removesuffix('info.json')}full/full/0/default.jpg"
    if "{" not in text or len(text) > 2_000:
        return text
    return _WIDTH.sub(str(WIDE), text.replace("/stencil/{:size}/", "/stencil/1280x1280/"))


def freighted(node: dict[str, Any]) -> dict[str, Any]:
    """An object of Cargo's media, which tells a file's hash and name, with its address."""
    told, name = node.get("hash"), node.get("name")
    if not isinstance(told, str) or not _FREIGHT.fullmatch(told) or not names_file(name) or not node.get("is_image"):
        return node
    return {**node, "url": f"https://freight.cargo.site/t/original/i/{told}/{quote(str(name))}"}


def widened(node: dict[str, Any], key: str) -> dict[str, Any]:
    """An object under ``sizes`` and its kin, its bare widths named as such: ``{"320": ...}`` -> ``{"320w": ...}``.

    Numbers that may be sizes of clothes, or of which one is no width, are left as they are.
    """
    if len(node) < 2 or not all(name.isascii() and name.isdigit() and 1 < len(name) < 6 for name in node):
        return node
    if not _SIZES.search(key[-40:]) or max(map(int, node)) < _LARGE:
        return node
    return {f"{name}w": value for name, value in node.items()}


def without_smaller(node: dict[str, Any]) -> dict[str, Any]:
    """An object without the smaller sizes of what it names: of ``primaryImage`` and ``primaryImageSmall`` the former."""
    smaller = [
        key
        for key, value in node.items()
        if isinstance(value, str) and (match := _SMALLER.fullmatch(key))
        and (size_rank(key) is None or size_rank(match[1] + match[2]) is None)
        and is_picture_url(value) and is_picture_url(node.get(match[1] + match[2]))
    ]  # fmt: skip
    return {key: value for key, value in node.items() if key not in smaller} if smaller else node


def names_file(value: Any) -> bool:
    """Whether a value is the name of a file, without its place."""
    return isinstance(value, str) and "." in value[-5:] and "/" not in value


def is_logo(node: dict[str, Any]) -> bool:
    """Whether an object calls its file a logo: ``{"uri": "a1b2.png", "name": "logo.png"}``."""
    names = [node[key] for key in LABELS & node.keys()]
    return any(names_file(one) and "logo" in one.lower() and unwanted(f"/{one.lower()}") for one in names)


def one_thing(items: list[Any]) -> bool:
    """Whether the objects of a list are one thing, each in a width of its own: the same ``id`` in all, or scaled alike."""
    if len(items) < 2 or not all(isinstance(one, dict) for one in items):
        return False
    if not all(one.get("id") for one in items):
        return _scaled(items)
    told = [(one["id"], one.get("width")) for one in items]
    if not all(isinstance(name, (str, int)) and isinstance(width, (str, int)) for name, width in told):
        return False
    return len({name for name, _ in told}) == 1 and len({width for _, width in told}) == len(told)


def _scaled(items: list[dict[str, Any]]) -> bool:
    """Whether objects that hold an address, a width and a height, and nothing else, are one picture in several sizes.

    As Facebook's and Spotify's ``images``: widths of their own, and one shape. Of two the smaller one must be a thumbnail.
    """
    told = [(one.get("width"), one.get("height")) for one in items]
    sizes = [(w, h) for w, h in told if isinstance(w, int) and isinstance(h, int) and 0 < w < 10**6 and 0 < h < 10**6]
    if len(sizes) < len(items) or not all(one.keys() - _SCALED and len(one.keys() - _SCALED) == 1 for one in items):
        return False
    (width, height), widths = max(sizes), {w for w, _ in sizes}
    if len(widths) < len(items) or (len(items) == 2 and min(widths) > min(THUMBNAIL, width // 2)):
        return False
    return all(abs(w * height - width * h) <= 2 * max(width, height) for w, h in sizes)


def grouped(items: list[Any]) -> list[Any]:
    """A list without the groups of images of which a larger one stands beside that has as many images.

    Groups of one colour belong together; one whose name is no size is kept.
    """
    if len(items) < 2 or not all(isinstance(one, dict) and isinstance(one.get("images"), list) for one in items):
        return items
    told = [(one, _colour(one), _rank(one)) for one in items]
    largest: dict[str, tuple[float, int]] = {}
    for one, colour, rank in told:
        largest[colour] = max(largest.get(colour, (0.0, 0)), (rank or 0.0, len(one["images"])))
    return [
        one
        for one, colour, rank in told
        if rank is None or rank == largest[colour][0] or len(one["images"]) > largest[colour][1]
    ]


def _colour(group: dict[str, Any]) -> str:
    return "|".join(_words(group.get("variationAttributes") or group.get("variation_attributes"), 4))


def _words(value: Any, levels: int) -> list[str]:
    """The texts in a value, no deeper than so many levels."""
    if isinstance(value, str):
        return [value[:100]]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [word for one in list(inner)[:20] for word in _words(one, levels - 1)] if levels else []


def _rank(group: dict[str, Any]) -> float | None:
    name = group.get("viewType") or group.get("view_type")
    return size_rank(name[:40]) if isinstance(name, str) else None


def page_of(node: dict[str, Any]) -> str:
    """The page that an object is about, as it is written: ``{"title": ..., "url": "/look/1"}``; empty where it names none.

    >>> page_of({"permalink": "/look/1", "thumb": "/t/1.jpg"}), page_of({"url": "/i/1.jpg"})
    ('/look/1', '')
    """
    told = (one for key, one in node.items() if isinstance(one, str) and _PAGE_KEY.fullmatch(key[:40]))
    return next((one for one in told if _PAGE.fullmatch(one) and not is_picture_url(one)), "")


def is_image(key: str) -> bool:
    """Whether a key says that the object, or each of the list, under it is a picture: ``featuredImage``, ``photos``."""
    return len(key) < 40 and _IMAGE.search(key) is not None


def tells_address(node: dict[str, Any]) -> bool:
    """Whether an object tells one address at a host, which of a picture need have no extension, and no page's beside it."""
    texts = [one for key in ("src", "url") if isinstance(one := node.get(key), str)]
    return len(texts) == 1 and "href" not in node and _AT_HOST.match(texts[0]) is not None


def sides(node: dict[str, Any]) -> tuple[int | None, int | None]:
    """Width and height that an object states in pixels: ``w`` and ``h``, too, where they are no shares of something."""
    width, height = _pixels(node, "width") or _pixels(node, "config_width"), _pixels(node, "height")
    short, tall = _pixels(node, "w"), _pixels(node, "h")
    return (short, tall) if not width and not height and min(short or 0, tall or 0) >= _SIDE else (width, height)


def _pixels(node: dict[str, Any], key: str) -> int | None:
    value = node.get(key)
    if isinstance(value, dict):  # schema.org QuantitativeValue
        value = value.get("value")
    text = str(value)[:12].removesuffix("px").strip() if isinstance(value, (int, float, str)) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
