"""Every size of a picture that markup offers (pure): srcset, CSS, JSON. The callers choose the best one.

Sources: HTML living standard, "Parsing a srcset attribute"; CSS Images 4 (image-set); schema.org ImageObject.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from deepstyle.scraper.urls import IMAGE_EXTENSIONS

ORIGINAL = 1_000_000.0  # the rank of what is called the original; other ranks are widths in pixels or densities
MAX_DEPTH = 60  # levels of JSON that are looked at
MAX_SCRIPTS = 50  # assignments tried in one script


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One URL (as written) of a picture; ``rank`` orders the sizes; ``width`` in pixels when the markup says so."""

    url: str
    rank: float = 1.0
    width: int | None = None
    title: str = ""


def best(candidates: list[Candidate]) -> Candidate | None:
    """The largest size, the first among equals; None of none."""
    return max(candidates, key=lambda one: one.rank, default=None)


_SRCSET = re.compile(r"[\s,]*(\S*[^\s,])(?:(,)|\s+([^,(]*(?:\([^)]*\)[^,(]*)*)|\s*$|(?=,))", re.ASCII)
_DESCRIPTOR = re.compile(r"(\d+(?:\.\d+)?)([wx])")


def parse_srcset(text: str) -> list[Candidate]:
    """The candidates of a ``srcset``: ``480w`` ranks as 480, ``2x`` as 2, no descriptor as 1."""
    found: list[Candidate] = []
    for match in _SRCSET.finditer(text):
        described = _DESCRIPTOR.search(match[3] or "")
        value = float(described[1]) if described else 1.0
        width = int(value) if described and described[2] == "w" else None
        found.append(Candidate(url=match[1], rank=value, width=width))
    return found


_BACKGROUND = re.compile(r"background(?:-image)?\s*:\s*((?:url\([^)]{0,2000}\)|[^;}])*)", re.IGNORECASE)
_CSS_URL = re.compile(
    r"""(?:url\(\s*)?(?:"([^"]*)"|'([^']*)'|(?<=url\()\s*([^)"'\s]+))\s*\)?(?:\s*(\d+(?:\.\d+)?)(x|dppx))?""",
    re.IGNORECASE,
)


def parse_css(text: str) -> list[Candidate]:
    """The pictures of ``background`` and ``background-image`` declarations; of an ``image-set`` the densest only."""
    found: list[Candidate] = []
    for declaration in _BACKGROUND.finditer(text):
        parts = [
            Candidate(url=url, rank=float(match[4] or 1))
            for match in _CSS_URL.finditer(declaration[1])
            if (url := match[1] or match[2] or match[3])
        ]
        one = best(parts)
        found += parts if "image-set" not in declaration[1].lower() else [one] if one else []
    return found


_ASSIGNMENT = re.compile(r"[\w$\])]\s*=\s*(?=[\[{])")
_PARSE_CALL = re.compile(r'JSON\.parse\(\s*(?="[\[{])')


def script_values(text: str, *, is_json: bool) -> Iterator[Any]:
    """The JSON values of a script: all of it (``is_json``), or what it assigns, as in ``window.__STATE__ = {...}``."""
    decoder = json.JSONDecoder()
    try:
        if is_json:
            yield json.loads(text.strip().removeprefix("<!--").removesuffix("-->").strip().rstrip(";"))
            return
    except (ValueError, RecursionError):
        return
    position = 0
    for _ in range(MAX_SCRIPTS):
        matches = [m for pattern in (_ASSIGNMENT, _PARSE_CALL) if (m := pattern.search(text, position))]
        if not matches:
            return
        position = min(match.end() for match in matches)
        try:
            value, position = decoder.raw_decode(text, position)
            yield json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            continue


_SKIP = re.compile(r"avatar|logo|icon|profile_?pic|publisher|author|poster|sprite|placeholder|brand$", re.IGNORECASE)
_SIZE_NAMES = {
    "orig": ORIGINAL, "original": ORIGINAL, "full": ORIGINAL, "fullsize": ORIGINAL, "max": ORIGINAL, "raw": ORIGINAL,
    "contenturl": ORIGINAL, "hires": ORIGINAL, "zoom": 3000, "xlarge": 2500, "xl": 2500, "large": 2000, "big": 2000,
    "l": 2000, "o": ORIGINAL, "master": ORIGINAL, "source": 1600, "src": 1500, "url": 1500, "href": 1500,
    "image": 1500, "medium": 800, "m": 800, "regular": 1080, "small": 400, "s": 400, "preview": 300, "thumb": 100,
    "thumbnail": 100, "thumbnailurl": 100, "tiny": 50, "lqip": 20, "blur": 10,
}  # fmt: skip
_SIZE_LIST = re.compile(r"candidates|sizes|srcset|resolutions|renditions|thumbnails|versions|variants|formats|sources")
_AFFIX = re.compile(r"^(?:image|img|photo|picture|url)[_-]?(?=\w)|[_-]?(?:image|img|photo|picture|url|uri|src|size)$")


def size_rank(name: str) -> float | None:
    """How large the size called ``name`` is (``236x``, ``w640``, ``orig``, ``thumbUrl``); None: no size."""
    lower = name.lower()  # a bare number is more often a key of a table of pictures than a size
    if number := re.fullmatch(r"(?:w|h|s|size|width|max)[_-]?(\d{2,5})|(\d{2,5})(?:x\d*|w|px)", lower):
        return float(number[1] or number[2])
    return _SIZE_NAMES.get(lower, _SIZE_NAMES.get(_AFFIX.sub("", lower)))


def _image_text(value: Any, *, surely: bool = False) -> bool:
    if not isinstance(value, str) or len(value) > 2_000 or "/" not in value or any(c in value for c in " <>\n{}"):
        return False
    ending = value.partition("?")[0].partition("#")[0].rpartition("/")[2].rpartition(".")[2].lower()
    return ending in IMAGE_EXTENSIONS or (surely and not value.lower().endswith(".svg"))


def _pixels(node: dict[str, Any], key: str) -> int | None:
    value = node.get(key)
    if isinstance(value, dict):  # schema.org QuantitativeValue
        value = value.get("value")
    text = str(value).removesuffix("px").strip() if isinstance(value, (int, float, str)) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def json_pictures(value: Any, *, schema: bool = False) -> list[Candidate]:
    """Each picture in a JSON value once, with its best URL; ``schema`` for JSON-LD, where ``image`` needs no extension.

    An object with several sizes of one picture (``{"236x": {...}, "orig": {...}}``, ``{"thumb": ..., "url": ...}``,
    ``"candidates": [...]``) gives the largest one. Logos, avatars, posters and anything under 64 pixels are left out.
    """
    return _walk(value, "", schema=schema, depth=0)


def _walk(value: Any, key: str, *, schema: bool, depth: int) -> list[Candidate]:
    if depth > MAX_DEPTH or _SKIP.search(key):
        return []
    if isinstance(value, dict):
        return _from_object(value, schema=schema, depth=depth)
    if isinstance(value, list):
        found = [_walk(item, key, schema=schema, depth=depth + 1) for item in value]
        widths = [one[0].width for one in found if len(one) == 1]
        if _SIZE_LIST.search(key.lower()) and None not in widths and 1 < len(set(widths)) == len(found):
            return [max((group[0] for group in found), key=lambda one: one.width or 0)]
        return [one for group in found for one in group]
    if _image_text(value, surely=schema and key in {"image", "contentUrl"}):
        return [Candidate(url=value, rank=size_rank(key) or 1500)]
    return []


def _from_object(node: dict[str, Any], *, schema: bool, depth: int) -> list[Candidate]:
    kind = str(node.get("@type", node.get("type", ""))).lower()
    width, height = _pixels(node, "width"), _pixels(node, "height")
    if "video" in kind or min(width or 64, height or 64) < 64:
        return []
    pictured = (schema and "imageobject" in kind) or bool(width and height)
    own: list[Candidate] = []  # sizes of this object's own picture
    others: list[Candidate] = []
    groups: list[list[Candidate]] = []
    nested_sizes = True
    for key, value in node.items():
        rank = size_rank(key)
        surely = pictured and key.lower() in {"url", "src", "contenturl", "href"}
        if isinstance(value, str) and rank is not None and not _SKIP.search(key):
            if _image_text(value, surely=surely or (schema and key in {"image", "contentUrl", "thumbnailUrl"})):
                title = next((str(node[k]) for k in ("alt", "caption", "name", "title") if node.get(k)), "")
                own.append(Candidate(url=value, rank=rank, width=width, title=title))
            continue
        found = _walk(value, key, schema=schema, depth=depth + 1)
        if isinstance(value, (dict, list)) and found:
            groups.append([_ranked(one, rank) for one in found])
            nested_sizes &= rank is not None and isinstance(value, dict) and len(found) == 1
        else:
            others += found
    nested = [one for group in groups for one in group]
    if groups and nested_sizes and (len(groups) > 1 or own):  # {"236x": {...}, "orig": {...}}
        own, nested = own + nested, []
    chosen = best(own)
    if chosen and nested and chosen.rank <= 400:  # only a thumbnail of what the children show
        chosen = None
    return ([chosen] if chosen else []) + nested + others


def _ranked(one: Candidate, rank: float | None) -> Candidate:
    """The candidate as its size's name ranks it: the original first, then by width, then by name."""
    if rank is None:
        return one
    return replace(one, rank=rank if rank == ORIGINAL else float(one.width or rank))
