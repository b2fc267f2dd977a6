"""Names of sizes (pure): how large what is called ``thumb``, ``236x`` or ``orig`` is."""

from __future__ import annotations

import re

from deepstyle.scraper.candidates import ORIGINAL

_SIZE_NAMES = {
    "orig": ORIGINAL, "original": ORIGINAL, "originals": ORIGINAL, "full": ORIGINAL, "fullsize": ORIGINAL, "max": ORIGINAL,
    "raw": ORIGINAL, "largest": ORIGINAL,
    "biggest": ORIGINAL, "highres": ORIGINAL, "full_size": ORIGINAL,
    "contenturl": ORIGINAL, "hires": ORIGINAL, "o": ORIGINAL, "master": ORIGINAL, "zoom": 3000,
    "display": 2000, "2xl": 3000, "xxl": 3000, "xlarge": 2500, "xl": 2500, "large": 2000, "lg": 2000, "big": 2000, "l": 2000,
    "source": 1600, "src": 1500, "url": 1500, "uri": 1500, "href": 1500,
    "image": 1500, "img": 1500, "photo": 1500, "picture": 1500,
    "file": 1500, "filename": 1500, "standard": 1000, "normal": 1000,
    "regular": 1080, "desktop": 1400, "tablet": 900, "mobile": 500, "medium": 800, "md": 800, "m": 800, "small": 400,
    "sm": 400, "s": 400, "xs": 200,
    "urldefault": 1500, "url_default": 1500, "urlpre": 300, "url_pre": 300, "fullscreen": 2500,
    "square": 600, "wide": 600, "landscape": 600, "portrait": 600, "cropped": 600,  # crops of one photo
    "thumbnails": 100, "preview": 300, "thumb": 100, "th": 100, "tn": 100, "thumbnail": 100, "thumbnailurl": 100,
    "min": 100, "mini": 100, "minis": 100, "miniature": 100, "miniatures": 100, "miniaturen": 100, "miniatura": 100,
    "miniaturas": 100, "vignette": 100, "vignettes": 100, "klein": 400, "kleine": 400, "petit": 400, "petite": 400, "petits": 400,
    "petites": 400, "liten": 400, "piccola": 400, "piccole": 400, "piccolo": 400, "piccoli": 400, "mittel": 800, "moyen": 800,
    "moyenne": 800, "gross": 2000, "grand": 2000, "grande": 2000, "grands": 2000, "grandes": 2000, "grandi": 2000, "stor": 2000,
    "tiny": 50, "lqip": 20, "blur": 10,
}  # fmt: skip
NOUNS = frozenset({"image", "img", "photo", "picture"})
_AFFIX = re.compile(
    r"^(?:image|img|photo|picture|url|cover)(?!s$)[_-]?(?=\w)|[_-]?(?:image|img|photo|picture|url|uri|src|size|path|resources)$"
)
_CROP = re.compile(r"\d{1,2}[:x_]\d{1,2}")  # 16:9, 4x3
_ARGUMENTS = re.compile(r"^(\w+)[(:](?=[{(])(.*)$", re.ASCII)
_WORD = re.compile(r"\w{1,20}", re.ASCII)
_SIDE = re.compile(r"(?:width|height|size|\b[wh])\W{1,4}(\d{2,5})(?!\d)", re.IGNORECASE)  # no number of a picture


def size_rank(name: str) -> float | None:
    """How large the size called ``name`` is (``236x``, ``w640``, ``orig``, ``thumbUrl``); None: no size."""
    if match := _ARGUMENTS.search(name[:200]):  # GraphQL caches: image({"size":"large"})
        sizes = [size_rank(word) or 0.0 for word in _WORD.findall(match[2])]
        sizes += [float(number) for number in _SIDE.findall(match[2])]
        return max(sizes, default=0.0) or (None if match[1].lower() in NOUNS else size_rank(match[1]))
    lower = name.lower()[:60]  # a bare number is more often a key of a table of pictures than a size
    if number := re.fullmatch(r"(?:w|h|s|size|width|max)[_-]?(\d{2,5})|(\d{2,5})(?:x\d*|w|px)", lower):
        return float(number[1] or number[2])
    bare = _AFFIX.sub("", lower)
    if number := re.fullmatch(r"(\d{3,5})px", bare):  # image1500pxUrl
        return float(number[1])
    if _CROP.fullmatch(lower):
        return 600.0
    if lower == "main":  # mainImage may be another picture than image
        return 1200.0
    return _SIZE_NAMES.get(lower, _SIZE_NAMES.get(bare, _SIZE_NAMES.get(_AFFIX.sub("", bare))))  # thumbnailImageUrl
