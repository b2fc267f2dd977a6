"""Attributes of one element -> sizes of its picture, other pictures, size in pixels (pure).

Sources: HTML living standard (img, source); the attributes that lazy loaders and galleries read (lazysizes, PhotoSwipe,
lightGallery, Flickity, Fancybox, Splide, WooCommerce, jQuery Zoom, Foundation's Interchange).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from deepstyle.scraper.candidates import LARGER_STILL, MIN_SIDE, ORIGINAL, Candidate, best, decodable, parse_srcset
from deepstyle.scraper.decorations import is_decoration
from deepstyle.scraper.urls import is_picture_url, names_image

Attributes = Mapping[str, str]

MAX_PARTS = 20  # of an attribute with several URLs
MAX_LIST = 50_000  # characters of an attribute that lists pictures
RATIOS = frozenset(
    {(2, 3), (3, 4), (4, 5), (5, 6), (5, 7), (3, 5), (5, 8), (7, 10), (9, 16), (10, 16)}
)  # sides that are none
FULL = frozenset({
    "data-orig-file", "data-original-src", "data-full", "data-full-src", "data-full-url", "data-fullsize", "data-hires",
    "data-hi-res-src", "data-zoom-image", "data-zoom-src", "data-zoom", "data-large_image", "data-large", "data-zoom-img",
    "data-highres", "data-large-file", "data-master", "data-pswp-src", "data-download-url", "data-mfp-src", "data-hi-res",
    "data-image-full", "data-full-image", "data-original-image", "data-photo-full", "data-large-src", "data-fancybox-href",
    "data-image-large", "data-large-image", "data-xl", "data-max", "data-full-size-url", "data-retina", "data-fullres",
    "src_o", "xoriginal", "bigimgsrc",
})  # fmt: skip
LAZY = frozenset({
    "data-src", "data-lazy-src", "data-original", "data-lazy", "data-lazyload", "data-actualsrc", "data-echo",
    "data-img-src", "data-image-src", "data-image", "data-url", "data-cfsrc", "data-ll-src", "data-pin-media", "data-img",
    "data-flickity-lazyload", "data-flickity-lazyload-src", "data-splide-lazy", "data-lazy-image", "data-defer-src",
    "data-desktop-src", "data-photo", "data-picture", "data-media", "data-srcs", "data-delayed-url", "data-gallery-src",
    "data-poster",
})  # fmt: skip
LAZY_SETS = frozenset({
    "data-srcset", "data-lazy-srcset", "data-original-set", "data-ll-srcset", "data-pswp-srcset", "data-responsive",
    "data-flickity-lazyload-srcset", "data-splide-lazy-srcset", "data-image-srcset", "data-bgset", "data-sizes-srcset",
})  # fmt: skip
BACKGROUNDS = frozenset({
    "data-bg", "data-background", "data-background-image", "data-lazy-background", "data-flickity-bg-lazyload", "data-bg-src",
    "data-bg-image", "data-bgimage", "data-background-src", "data-setbg", "data-image-bg", "background", "data-bg-url",
    "data-parallax-image", "data-image-url", "data-bg-multi", "data-bg-set", "data-background-image-set", "data-bg-hidpi",
})  # fmt: skip
_ONE = FULL | LAZY | LAZY_SETS | BACKGROUNDS  # what names sizes of one picture
_PLAIN = frozenset({"alt", "title", "src", "href", "class", "id", "name", "usemap", "longdesc"})  # HTML's own
_LISTS = frozenset({"images", "photos", "pictures", "slides", "gallery", "srcs", "urls", ":images", ":photos"})
_NOTHING = frozenset({"", "#", "undefined", "null", "none", "false", "NaN"})  # what a script wrote that had no URL
MAX_STRIP = 128  # pixels: a picture as low as this and five times as wide is a heading that was drawn
BANNERS = frozenset(
    {(728, 90), (468, 60), (320, 50), (970, 90), (970, 250), (160, 600), (120, 600), (234, 60), (320, 100)}
)
BOUND = frozenset({"ng-src", "data-ng-src", "v-lazy", ":src", "v-bind:src", "x-bind:src", "[src]", "v-lazy:src"})
_SMALL = re.compile(
    r"thumb|small|tiny|lqip|blur|placeholder|preview|low|loader|spinner|icon|avatar|logo|mobile", re.IGNORECASE
)
_LARGEST = re.compile(
    r"orig|full|zoom|hi-?res|highres|hidpi|retina|master|super|download|enlarge|big|(?<![a-z])2x(?![a-z])"
)
_LARGER = re.compile(r"large|(?<![a-z])(?:max|xl|hd|lg)(?![a-z])")
_HANDLED = re.compile(  # a page's address that names a picture is none
    r"['\"]([^'\"\r\n\t<>?]{1,1000}\.(?:jpe?g|png|webp|avif)(?:\?[^'\"\s<>]{0,300})?)['\"]", re.IGNORECASE
)
_CLICKS = ("onclick", "@click", "x-on:click", "v-on:click", "@click.prevent", "x-on:click.prevent", "@click.stop")
_CLICKED = frozenset({*_CLICKS, "onmouseover"})
_HANDLERS = ("href", *_CLICKS, "onmouseover", "onload")
MOST_WIDE = 2048  # pixels: what a gap for a width is filled with where the page names no widths
_SWAPPED = re.compile(r"\bthis\.src\s*+=\s*+['\"]([^'\"]{1,1000})['\"]")  # this.src='...'
_CUSTOM = re.compile(r":?(?:dynamic-)?(?:src|source|image|img|photo|picture|url|cover|poster)(?:-(?:src|url|hover))?")
_CUSTOM_SIZE = re.compile(  # one of the sizes of an element's picture: desktop-src, mobile-image, src-large
    r":?(?:(desktop|large|full|zoom|hi-?res|original|xl|lg)|mobile|tablet|small|medium|thumb|tiny|sm|md)-(?:src|image|img|url)"
    r"|:?(?:src|image|img|url)-(?:(desktop|large|full|zoom|hi-?res|original|xl|lg)|mobile|tablet|small|medium|thumb|tiny|sm|md)"
    r"|(large|full|zoom|hi-?res|original|hd)|small|medium|thumb|thumbnail|preview|lqip"
)
_NAMED = re.compile(r"data-[a-z-]*(?:image|img|photo|picture)|data-[a-z]+-src$")
_SCREEN = re.compile(
    r"data-(?:(?:bg|src|background)-)?(?:(desktop|large|xl|wide)|tablet|mobile|small|medium)(?:-(?:bg|src))?"
)  # where no word says what of
_SET = re.compile(r"(?<=\S)\s{1,9}\d{2,5}w\s{0,9}(?:,|$)")  # a set of sizes, whatever its attribute is called
_OPTION = re.compile(
    r"(?<![a-z])(?:zoom|large|big|full)[a-z]{0,12}'?\s{0,3}:\s{0,3}'([^'\"<>]{5,1000})'", re.IGNORECASE
)
_SECOND = re.compile(
    r"hover|rollover|alt(?:ernate|ernative)?-?(?:src|image|img)|second|secondary|back-?(?:src|image)|flip"
)
_STYLED = re.compile(r"(?<![-\w])(?:width|height)\s*+:\s*+([1-9]\d{0,4})(?:\.\d+)?px", re.ASCII)
_CHANGED = re.compile(
    r"\[\s*+([^\[\],\s]{3,1000})\s*+,\s*+([^\[\],]{1,100})\]"
)  # Foundation's [/small.jpg, (small)], [/large.jpg, large]
_PARTS = re.compile(r"[,|;\s]\s*+")
_PIXELS = re.compile(r"\s*(\d{1,6})(?:\.\d+)?\s*(?:px)?\s*", re.ASCII)


def pixels(attributes: Attributes, name: str) -> int | None:
    """The attribute as whole pixels (``640`` or ``640px``), else None."""
    match = _PIXELS.fullmatch(attributes.get(name, "")[:20])
    return int(match[1]) if match else None


def is_icon(attributes: Attributes) -> bool:
    """Whether the element says that a side of it is under 64 pixels, or an advertisement's; 2 by 3, AMP's ``layout``, is none."""
    if attributes.get("layout", "fixed") != "fixed":
        return False
    sides = [side for name in ("width", "height") if (side := pixels(attributes, name)) is not None]
    sides += [int(side) for side in _STYLED.findall(attributes.get("style", "")[:1_000])]
    if tuple(sorted(sides)) in RATIOS:
        return False
    if max(sides, default=0) >= MIN_SIDE:
        sides = [side for side in sides if side]  # a height of 0 beside a width: a style holds the photo's place
    least = min(sides, default=MIN_SIDE)
    return least < MIN_SIDE or tuple(sides[:2]) in BANNERS or (least <= MAX_STRIP and max(sides, default=0) > 5 * least)


def enlarges(attributes: Attributes) -> bool:
    """Whether an image, however small, names a larger one: for a zoom, or that the pointer puts into another's place."""
    named = any(name in FULL and is_picture_url(value) for name, value in attributes.items())
    own = _SWAPPED.search(attributes.get("onmouseover", ""))  # it changes itself
    return named or bool(not own and not _CLICKED.isdisjoint(attributes) and handled(attributes))


def said(attributes: Attributes) -> int | None:
    """The width that an img element says it has, where that is one and no part of a ratio."""
    width = pixels(attributes, "width")
    return width if width is not None and width >= MIN_SIDE else None


def is_lazy(attributes: Attributes) -> bool:
    """Whether a script fills in the element's picture later."""
    return (
        any(name in LAZY or name in FULL or name in LAZY_SETS for name in attributes)
        or attributes.get("src", "").startswith("data:")
        or "lazy" in attributes.get("class", "")
    )


def usable(url: str) -> bool:
    """Whether a text may be a URL: no template of a script (``{{src}}``, ``${src}``, ``<%= src %>``), no data, no ``null``."""
    return (
        url.strip() not in _NOTHING
        and not any(mark in url for mark in ("{", "<", "%7B", "($", "%s"))
        and not url.startswith(("data:", "blob:"))
    )


@lru_cache(maxsize=2048)
def _largest(name: str) -> float | None:
    """How an attribute's name ranks the picture in it: ``data-img-original`` before ``data-img-large``; None: it says nothing."""
    if name in LAZY or _SMALL.search(name):
        return None
    if name == "data-big":  # Galleria's
        return LARGER_STILL
    return ORIGINAL + 1 if _LARGEST.search(name) else 2_000.0 if _LARGER.search(name) else None


def target(attributes: Attributes) -> str:
    """Where an ``a`` leads: its href, or what a lightbox fetches in its place."""
    return attributes.get("data-src" if attributes.get("data-type") in {"ajax", "iframe"} else "href", "")


def handled(attributes: Attributes) -> list[str]:
    """The pictures that an element's scripts name: ``onclick="zoom('1.jpg')"``, ``href="javascript:open('1.jpg')"``."""
    values = [attributes[name][:4_000] for name in _HANDLERS if name in attributes]
    return [one for text in values if not text.startswith(("/", "http", "#")) for one in _HANDLED.findall(text)]


def _in_sets(text: str) -> list[Candidate]:
    """The candidates of a srcset, or of several behind bars, the last of them the largest: lazysizes' ``a [--small] | b``."""
    if "|" not in text:
        return parse_srcset(text)
    parts = [best(parse_srcset(part.partition("[")[0])) for part in text.split("|")[:MAX_PARTS]]
    return [replace(one, rank=max(one.rank, 1.0 + place)) for place, one in enumerate(parts) if one]


def offered(attributes: Attributes, *, source: bool = False) -> list[Candidate]:
    """Every size an img (or ``source``) element offers: src ranks 1, lazy sources more, srcset by its descriptors."""
    kind = attributes.get("type", "") if source else ""
    found: list[Candidate] = _optioned(attributes) + _interchanged(attributes)
    for name, written in attributes.items():
        value = _filled(written, attributes)
        if name == "src" and not source:
            found.append(Candidate(url=value, rank=1.0))
        elif name == "srcset" or name in LAZY_SETS:
            found += _in_sets(value)
        elif name.startswith("data-") and value[-1:] == "w" and _SET.search(value):
            found += [one for one in _in_sets(value) if names_image_text(one.url)]
        elif (name in FULL and ("/" in value or names_image_text(value))) or (
            name == "longdesc" and is_picture_url(value)
        ):
            found.append(Candidate(url=value, rank=ORIGINAL))
        elif name in LAZY:  # bLazy: "1.jpg|1@2x.jpg"
            found += [Candidate(url=one, rank=1.1 + place) for place, one in enumerate(value.split("|")[:MAX_PARTS])]
        elif name in BOUND:
            found += [Candidate(url=one, rank=1.05) for one in (value.strip().strip("'\"`"),) if is_picture_url(one)]
        elif name not in _PLAIN and not _SECOND.search(name) and is_picture_url(value):
            found.append(Candidate(url=value, rank=0.5 if _SMALL.search(name) else _largest(name) or 1.05))
    if not _CLICKED.isdisjoint(attributes) and not _SWAPPED.search(attributes.get("onmouseover", "")):
        found += [Candidate(url=one, rank=ORIGINAL) for one in handled(attributes)[-1:]]
    return [one for one in found if usable(one.url) and decodable(one.url, kind)]


def _filled(url: str, attributes: Attributes) -> str:
    """A URL with ``{width}`` for the largest of ``data-widths``, or a large one: lazysizes fills in whatever width it needs."""
    if "{width}" not in url:
        return url
    widths = [int(one) for one in re.findall(r"\d{2,5}", attributes.get("data-widths", "")[:500])]
    return url.replace("{width}", str(max(widths, default=MOST_WIDE)))


def _optioned(attributes: Attributes) -> list[Candidate]:
    """The larger picture that an element's options in a script's own writing name: ``data-cloudzoom="zoomImage: '1.jpg'"``."""
    texts = [value[:4_000] for name, value in attributes.items() if name == "rel" or name.startswith("data-")]
    found = {one for text in texts if "'" in text for one in _OPTION.findall(text) if is_picture_url(one)}
    return [Candidate(url=one, rank=ORIGINAL) for one in found] if len(found) == 1 else []


def _interchanged(attributes: Attributes) -> list[Candidate]:
    """The sizes that Foundation's Interchange chooses from, for wider and wider windows."""
    text = attributes.get("data-interchange", "")[:MAX_LIST]
    urls = [one for one, _ in _CHANGED.findall(text) if is_picture_url(one)]
    return [Candidate(url=one, rank=2.0 + place) for place, one in enumerate(urls)]


def second(attributes: Attributes) -> list[Candidate]:
    """Other pictures that an img element shows when the pointer is over it."""
    return [
        Candidate(url=value)
        for name, value in attributes.items()
        if name.startswith("data-") and _SECOND.search(name) and is_picture_url(value)
    ] + [
        Candidate(url=match[1])
        for match in _SWAPPED.finditer(attributes.get("onmouseover", ""))
        if is_picture_url(match[1])
    ]


def several(attributes: Attributes) -> list[Candidate]:
    """The pictures of an attribute that lists some: ``data-images="1.jpg,2.jpg"``, ``data-slides="1.jpg|2.jpg"``."""
    found: list[Candidate] = []
    for name, value in attributes.items():
        if (
            not (name.startswith("data-") or name in _LISTS)
            or name in _ONE
            or value.count(".") < 2
            or len(value) > MAX_LIST
        ):
            continue
        parts = [part for part in _PARTS.split(value.strip()) if part]
        if len(parts) > 1 and all(is_picture_url(part) for part in parts):
            found += [Candidate(url=part) for part in parts]
    return [one for one in found if usable(one.url) and decodable(one.url)]


def custom(tag: str, attributes: Attributes) -> list[Candidate]:
    """The pictures that a page's own element (``<product-card image="...">``) names in attributes as img has them."""
    if "-" not in tag or tag.startswith("amp-") or is_decoration({"class": tag}) or is_decoration(attributes):
        return []
    own, sizes = [], []
    for name, value in attributes.items():
        if _CUSTOM.fullmatch(name) and is_picture_url(value):
            own.append(Candidate(url=value))
        elif (match := _CUSTOM_SIZE.fullmatch(name)) and is_picture_url(value):
            sizes.append(Candidate(url=value, rank=2.0 if match.lastindex else 0.5))
    largest = best([one for one in [*own[:1], *sizes] if usable(one.url)]) if sizes else None
    return [largest, *own[1:]] if largest else [one for one in own if usable(one.url)]


def carried(attributes: Attributes) -> list[Candidate]:
    """The sizes of a picture that another element (``a``, ``div``, ``li``, ``button``) carries for a gallery's script."""
    found: list[Candidate] = _optioned(attributes) + _interchanged(attributes)
    for name, value in attributes.items():
        if name in LAZY_SETS and name not in BACKGROUNDS:
            found += [one for one in _in_sets(value) if names_image_text(one.url)]
        elif name in FULL and is_picture_url(value):
            found.append(Candidate(url=value, rank=_largest(name) or ORIGINAL))
        elif (name in LAZY or name == "data-href") and is_picture_url(value):
            found.append(Candidate(url=value, rank=3_000.0))
        elif "iiif" in name and value.endswith("/info.json"):
            found.append(Candidate(url=f"{value.removesuffix('info.json')}full/full/0/default.jpg", rank=ORIGINAL))
        elif name in {"rev", "rel"} and is_picture_url(value):
            found.append(Candidate(url=value, rank=2_000.0))
        elif (screen := _SCREEN.fullmatch(name)) and is_picture_url(value):
            found.append(Candidate(url=value, rank=1.04 if screen[1] else 0.5))
        elif _NAMED.match(name) and not _SMALL.search(name) and not _SECOND.search(name) and is_picture_url(value):
            found += [] if several({name: value}) else [Candidate(url=value, rank=_largest(name) or 1.05)]
    if "onload" not in attributes:
        found += [Candidate(url=one, rank=ORIGINAL) for one in handled(attributes)[-1:]]
    return [one for one in found if usable(one.url) and decodable(one.url)]


def names_image_text(reference: str) -> bool:
    """Whether a reference as written, absolute or not, ends like a photo's file name."""
    return names_image("http://a.example/" + reference.strip()[:2_000].replace("[", "").replace("]", ""))
