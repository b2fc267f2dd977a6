"""Values of JSON -> pictures (pure): an object with several sizes of one picture gives one picture, with its largest.

Sources: schema.org ImageObject and Product; the shapes that image hosts and shop systems give their answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from deepstyle.scraper import homes
from deepstyle.scraper.bases import MAX_NAMES, NONE, Bases, is_name
from deepstyle.scraper.budget import Budget
from deepstyle.scraper.candidates import ORIGINAL, Candidate, best, parse_srcset
from deepstyle.scraper.homes import LABELS, grouped, homed, is_logo, names_file, one_thing, widened, without_smaller
from deepstyle.scraper.sizes import NOUNS, size_rank
from deepstyle.scraper.urls import IMAGE_EXTENSIONS, asks_picture, extension_of, is_picture_url

MAX_DEPTH = 60  # levels that are looked at
MAX_PAGES = 500  # that objects are about
MAX_MARKUP = 200  # texts with HTML in them
_BESIDE = r"site|page|brand|company|user|shop|store|app|touch|header|footer|main|club|team|partner|sponsor|url|image|img|src|type"
_SKIP = re.compile(
    r"(?:related|recommended|similar|suggested)_?(?:products?|items?|posts?|articles?|stories)|up_?sells?|cross_?sells?|recently_?viewed"
    r"|(?:^|_)recommendations|also_?(?:like|bought)|recirculation|(?:prev|previous|next)_?(?:gallery|post|article|story|product)$|(?:^|_)(?:mega_?|main_?|header_?)?menus?$"
    r"|avatar|headshot|favicon|sprite|placeholder|publisher|profile_?(?:pic|im)|brand$"
    rf"|(?<![a-z])(?:{_BESIDE})?(?:logo|icon|author|contributor|flag)s?(?:{_BESIDE})?(?![a-z])"
)
_CHIP = re.compile(
    r"swatch(?:es)?[-_]?(?:image|img|url|src)?s?$", re.IGNORECASE
)  # a text under it is a colour's, no photo's
_PEOPLE = frozenset({"user", "member", "seller", "owner", "pinner", "reviewer", "uploader"})
_FACES = frozenset({"photo", "image", "picture", "img", "pic", "image_url", "photo_url", "picture_url"})
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_SIZED = frozenset({"raw", "full", "regular", "original", "large", "medium", "small", "thumb", "thumbnail", "xlarge"})
_SIZE_LIST = re.compile(r"candidates|sizes|srcset|resolutions|renditions|thumbnails|versions|variants|formats|sources")
_SIZE_KEY = re.compile(
    r"[xsml]{1,3}|[sml][dmg]|[2-5]xl|small|medium|large|desktop|tablet|mobile|original", re.IGNORECASE
)
_NEXT = re.compile(
    r"(?:next|more|load_?more|next_?page|pagination_?next|next_?endpoint)(?:_?(?:url|uri|href|link|path|page))?|endpoint|"
    r"load_?more_?endpoint|next_?page_?url|(?:loaded_?)?manifest(?:_?(?:ur[il]|id))?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[/?]|https?:|[\w%-][\w%./-]*+\?[\w%-]++=")
_NUMBERED = re.compile(r"[?&](?:page|p|paged|offset|start|cursor|after)=|/page/", re.IGNORECASE)
_JSON = re.compile(r"\s*+[\[{]\s*+[\[{\"]")
_MARKUP = re.compile(r"<(?:img|picture|source|figure|a)\b|&lt;img\b", re.IGNORECASE)
_LISTED = re.compile(r"(?:image|img|photo|picture|pic|slide|look)(?:s|_?ur[il]s?|_?src)?|gallery", re.IGNORECASE)
_ADDRESSES = frozenset({"url", "src", "contenturl", "href", "urldefault", "url_default", "urlpre", "url_pre"})
_ASKED = frozenset({"image", "img", "photo", "picture", "fullscreen", "zoom", "large", "full", "thumbnail", "thumb"})
_ABOUT = frozenset({"meta", "metadata", "meta_data"})  # objects about the picture whose address stands beside them
_WHOLE = frozenset({"image", "contentUrl", "primaryImageOfPage"})


@dataclass(kw_only=True)
class Found:
    """What values hold: pictures, links to the next part, texts with HTML or JSON in them, files' names and paths.

    ``bases``: where files are of which only the names or paths are written, if that is known.
    """

    bases: Bases = NONE
    names: dict[str, None] = field(default_factory=dict)

    pictures: list[Candidate] = field(default_factory=list)
    following: list[str] = field(default_factory=list)
    pages: dict[str, bool] = field(default_factory=dict)  # that objects are about -> whether they hold a picture
    markup: list[str] = field(default_factory=list)
    json: list[str] = field(default_factory=list)


@lru_cache(maxsize=4096)
def _skipped(key: str) -> bool:
    """Whether what stands under this key is a logo, an avatar and the like: ``siteLogo``, not ``catalogo``, no selector."""
    return not key.startswith((".", "#", "[")) and bool(_SKIP.search(_HUMP.sub("_", key).lower()))


def read_values(value: Any, found: Found, budget: Budget, *, schema: bool = False) -> None:
    """Add what a value holds to ``found``; ``schema`` for JSON-LD, where ``image`` needs no extension.

    An object with several sizes of one picture (``{"236x": {...}, "orig": {...}}``, ``{"thumb": ..., "url": ...}``,
    ``"candidates": [...]``) gives the largest one. Logos, avatars and anything under 64 pixels are left out.
    """
    found.pictures += _walk(value, "", found, budget, schema=schema, depth=0)


def _walk(value: Any, key: str, found: Found, budget: Budget, *, schema: bool, depth: int) -> list[Candidate]:
    if depth > MAX_DEPTH or (key and _skipped(key[:100])) or not budget.value():
        return []
    if isinstance(value, dict) and key.lower() in _PEOPLE:
        value = {name: one for name, one in value.items() if _HUMP.sub("_", name[:20]).lower() not in _FACES}
    if isinstance(value, dict):
        node = without_smaller(widened(homes.freighted(value), key))
        if "fallback" in node and isinstance(node.get("sources"), list):
            formats = [*node["sources"], node["fallback"]]  # of one picture, as Gatsby states it
            chosen = best(
                [one for part in formats for one in _walk(part, "", found, budget, schema=schema, depth=depth + 1)]
            )
            return [chosen] if chosen else []
        return _from_object(node, found, budget, schema=schema, depth=depth, image=homes.is_image(key))
    if isinstance(value, list):
        return _from_list(grouped(value), key, found, budget, schema=schema, depth=depth)
    if isinstance(value, str):
        return _from_text(value, key, found, schema=schema)
    return []


def _from_list(
    value: list[Any], key: str, found: Found, budget: Budget, *, schema: bool, depth: int
) -> list[Candidate]:
    groups = [_walk(item, key, found, budget, schema=schema, depth=depth + 1) for item in value]
    widths = [one[0].width for one in groups if len(one) == 1]
    if value and all(
        isinstance(one, dict) and "srcset" in one and ("media" in one or "type" in one) for one in value[:20]
    ):
        first = best([one for group in groups for one in group])  # the sources of one picture element
        return [first] if first else []
    if formats := _formats(value, groups):
        return formats
    sizes = _SIZE_LIST.search(key.lower()[:100]) or _SIZE_KEY.fullmatch(key) or one_thing(value)
    if sizes and None not in widths and 1 < len(set(widths)) == len(groups):
        chosen = best([replace(one[0], rank=float(one[0].width or 0)) for one in groups])
        return [chosen] if chosen else []
    return [one for group in groups for one in group]


def _formats(value: list[Any], groups: list[list[Candidate]]) -> list[Candidate]:
    """The largest of each picture where objects of a list are one size each, as SAP Commerce has them; else nothing."""
    found: dict[tuple[str, str], list[Candidate]] = {}
    for one, group in zip(value, groups, strict=True):
        if (
            not isinstance(one, dict)
            or "imageType" not in one
            or not isinstance(one.get("format"), str)
            or len(group) > 1
        ):
            return []
        rank = 0.0 if _skipped(one["format"][:100]) else size_rank(one["format"]) or 1_000.0
        place = str(one["imageType"]), str(one.get("galleryIndex"))
        found.setdefault(place, []).extend(replace(each, rank=rank) for each in group)
    return [chosen for sizes in found.values() if (chosen := best(sizes))]


def _placed(value: str, key: str, found: Found) -> str:
    """A text, behind its folder where it is the name of a picture's file; a path or name without one is remembered."""
    written, value = value, homed(value)
    if value[:1] == "/" and value[1:2] != "/" and extension_of(value) in IMAGE_EXTENSIONS:
        if not found.bases.host and len(found.names) < MAX_NAMES:
            found.names[value] = None
        return found.bases.host + value
    if value.startswith(("/", "http")) or "." not in value[-5:] or not is_name(key, value):
        return value
    if not found.bases.folder and len(found.names) < MAX_NAMES:
        found.names[value] = None
    if found.bases.folder and value.startswith(found.bases.folder):
        return value
    return found.bases.folder + value if written == value or "//cdn.sanity.io/" in found.bases.folder else written


def _here(value: str, written: str) -> tuple[str, ...]:
    """What a path is an address of where its host is only guessed: a file of the page's own host."""
    return (written,) if value != written and written.startswith("/") and "{" not in written else ()


def _from_text(value: str, key: str, found: Found, *, schema: bool) -> list[Candidate]:
    if _CHIP.search(key[-100:]):
        return []
    written, value = value, _placed(value, key, found)
    if is_picture_url(value, surely=schema and key in _WHOLE, named=_LISTED.fullmatch(key[:40]) is not None):
        return [Candidate(url=value, rank=size_rank(key) or 1500, others=_here(value, written))]
    if _NEXT.fullmatch(key[:40]) and _ADDRESS.match(value) and len(value) < 2_000 and " " not in value:
        found.following.append(value)
    elif "srcset" in key.lower() and " " in value:
        chosen = best(parse_srcset(value))
        return [chosen] if chosen else []
    elif len(value) > 10 and _MARKUP.search(value) and len(found.markup) < MAX_MARKUP:
        found.markup.append(value)
    elif len(value) > 10 and _JSON.match(value) and len(found.json) < MAX_MARKUP:
        found.json.append(value)
    return []


def _pairs(node: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """What an object holds, but the name of a file whose address stands beside it."""
    about = next((key for key in node if key.lower() in _ABOUT and isinstance(node[key], dict)), None)
    if about and any(isinstance(one, str) and _addressed(key, homed(one)) for key, one in node.items()):
        node = {**node, about: {key: one for key, one in node[about].items() if key not in LABELS}}
    if LABELS.isdisjoint(node):
        return node.items()
    labels = [key for key in LABELS & node.keys() if names_file(node[key])]
    if not labels or not any(_addressed(*pair) for pair in node.items()):
        return node.items()
    return [pair for pair in node.items() if pair[0] not in labels]


def _addressed(key: str, value: Any) -> bool:
    """Whether a value is the address of a picture, and of no thumbnail of it."""
    if not isinstance(value, str) or not value.startswith(("http", "/")) or not is_picture_url(value):
        return False
    return (size_rank(key) or 1500) > 400


def _from_link(node: dict[str, Any], found: Found) -> None:
    """Follow HAL's links to a next part: ``{"next": {"href": ...}}``; the next article is none."""
    found.pages.pop(homes.page_of(node), None)
    url = str(node.get("href") or node.get("url") or "")
    if _NUMBERED.search(url[:2_000]):
        _from_text(url, "next", found, schema=False)


def _from_object(
    node: dict[str, Any], found: Found, budget: Budget, *, schema: bool, depth: int, image: bool = False
) -> list[Candidate]:
    kind = str(node.get("@type", node.get("type", "")))[:100].lower()
    width, height = homes.sides(node)
    if "video" in kind or is_logo(node) or kind in {"author", "byline"} or (schema and kind == "person"):
        return []
    if min(width or 64, height or 64) < 64:
        return []
    pictured = (schema and "imageobject" in kind) or bool(width and height) or (image and homes.tells_address(node))
    sizes = [
        key
        for key, value in node.items()
        if key.lower() in _SIZED and isinstance(value, str) and value.startswith(("http", "//"))
    ]
    own: list[tuple[str, Candidate]] = []  # sizes of this object's own picture, by their keys
    others: list[Candidate] = []
    groups: list[list[Candidate]] = []
    nested_sizes = True
    for key, value in _pairs(node):
        rank = _size_of(key, value)
        if isinstance(value, str) and rank is not None and not _skipped(key[:100]):
            written, value = value, _placed(value, key, found)  # noqa: PLW2901  # its folder is as good as written there
            surely = (len(sizes) > 1 and key in sizes) or (schema and key in {*_WHOLE, "thumbnailUrl"})
            if is_picture_url(value, surely=surely or _is_told(key.lower(), value, pictured=pictured), named=True):
                title = next((str(node[k])[:500] for k in ("alt", "caption", "name", "title") if node.get(k)), "")
                own.append(
                    (key, Candidate(url=value, rank=rank, width=width, title=title, others=_here(value, written)))
                )
                continue
        inner = _walk(value, key, found, budget, schema=schema, depth=depth + 1)
        if isinstance(value, dict) and _NEXT.fullmatch(key[:40]):
            _from_link(value, found)
        if isinstance(value, (dict, list)) and inner:
            groups.append([_ranked(one, rank) for one in inner])
            nested_sizes &= rank is not None and len(inner) == 1
        elif "srcset" in key.lower():
            own += [(key, one) for one in inner]
        else:
            others += inner
    nested = [one for group in groups for one in group]
    if groups and nested_sizes and (len(groups) > 1 or own):  # {"236x": {...}, "orig": {...}}
        own, nested = own + [("", one) for one in nested], []
    chosen, apart = _apart(own)
    if chosen and nested and chosen.rank <= 400:  # only a thumbnail of what the children show
        chosen = None
    chosen = _about(node, chosen, found, pictured=bool(chosen or nested or others))
    return ([chosen] if chosen else []) + apart + nested + others


def _about(node: dict[str, Any], chosen: Candidate | None, found: Found, *, pictured: bool) -> Candidate | None:
    """Remember the page that an object is about; the object's picture, waiting for that page where it is but a thumbnail."""
    page = homes.page_of(node)
    if not page or len(found.pages) >= MAX_PAGES:
        return chosen
    found.pages[page] = found.pages.get(page, False) or pictured
    return replace(chosen, detail=page) if chosen and chosen.rank <= 400 else chosen


def _is_told(key: str, value: str, *, pictured: bool) -> bool:
    """Whether a key says what its value is of: an address in an object with sides, a picture that a server is asked for."""
    return (pictured and key in _ADDRESSES) or (key in _ASKED and asks_picture(value))


def _size_of(key: str, value: Any) -> float | None:
    """How large what stands under a key is; SAP Commerce's say in ``format`` that they are sizes (``product``)."""
    named = isinstance(value, dict) and value.get("format") == key
    return size_rank(key) or (1_000.0 if named else None)


def _apart(own: list[tuple[str, Candidate]]) -> tuple[Candidate | None, list[Candidate]]:
    """The largest of an object's sizes; and what else it calls a picture under another name: ``{"image": ..., "photo": ...}``."""
    first = next((one for key, one in own if key.lower() in NOUNS), None)
    file = first.url.rpartition("/")[2] if first else ""
    apart = [
        one for key, one in own if key.lower() in NOUNS and one is not first and one.url.rpartition("/")[2] != file
    ]
    return best([one for _, one in own if one not in apart]), apart


def _ranked(one: Candidate, rank: float | None) -> Candidate:
    """The candidate as its size's name ranks it: the original first, then by width, then by name."""
    if rank is None:
        return one
    return replace(one, rank=rank if rank == ORIGINAL else float(one.width or rank))
