"""Image URLs of any site -> what is one photo (pure): the URL without its size tokens, and the size that they name.

No pattern may look at a character more than a few times, whatever the URL: what could be read in two ways is possessive.
"""

from __future__ import annotations

import re

from deepstyle.scraper.candidates import ORIGINAL
from deepstyle.scraper.sites import ranked
from deepstyle.scraper.sizes import size_rank
from deepstyle.scraper.urls import names_image

# What two URLs of one photo share where none can be made of the other, for each size has a secret or hash in its name; in
# group 2 what only a smaller size has.
SAME: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("staticflickr.com/", re.compile(r"https?://\w+\.static(flickr\.com/(?:\d+/){1,3}\d+)_[0-9a-z]+(?:_\w)?\.\w+")),
    ("/resizer/", re.compile(r"https?://[^?]+/([A-Z2-7]{26})(\.(?:jpe?g|png|webp))(?:\?.*)?")),  # Arc
    ("arcpublishing.com/", re.compile(r"https?://[^?]+/([A-Z2-7]{26})\.(?:jpe?g|png|webp)")),
    (
        "/arquivos/ids/",
        re.compile(r"https?://[^?]+(/arquivos/ids/\d+)(?:[/?].*)?"),
    ),  # VTEX, with a name or without, on any of a shop's hosts
    (
        "phinf.",
        re.compile(r"https?://shop\d*[-.]phinf\.(?:pstatic|naver)\.net/([^?]+)(?:\?.*)?"),
    ),  # Naver's hosts, old and new
    ("myportfolio.com/", re.compile(r"https?://[^/?]+/([^?]+?)_(?:(rwc|carw)|rw)_[\dx]+\.\w+(?:\?.*)?")),
    (".vinted.net/", re.compile(r"https?://images\d*\.(vinted\.net/t/[^/?]+)/[^?]+\?.*")),
    (
        "lp2.hm.com/",
        re.compile(
            r"https?://lp2\.hm\.com/hmgoepprod\?(?>(?:(?!source%5B)[^#])*)source%5B(?:(?!%5D)[^#])*?([0-9a-f]{4,40}\.\w++)%5D"
            r"(?>(?:(?=.*?(file:/(?:product/(?:style|mini|thumb|swatch)|mobile/))))?).*"
        ),
    ),
    ("/_astro/", re.compile(r"https?://([^?]+/_astro/[^/?.]+\.[\w-]+?)(_\w{3,8})?\.(?:jpe?g|png|webp|avif|gif)")),
)
_WORDS = (
    "thumb(?:nail)?s?|th|tn|tiny|small|medium|large|xlarge|full(?:size)?|orig(?:inal)?s?|preview|hires|xs|sm|md|lg|xl|xxl|[2-5]xl"
    "|mobile|tablet|desktop|zoom|thickbox"
)
# A number is a width where it has three or four digits and is no year: w17 and 2017w are a winter, fw-001w the first look.
_SIDE = r"(?!(?:19[5-9]|20[0-3])\d)[1-9]\d{2,3}"
_COMMON = (
    r"(?:[3-9]00|1[0-8]00|2[4-9]00|320|375|384|414|480|512|576|640|720|750|768|828|960|1024|1080|1125|1242|1280|1334|1366|1440"
    r"|1536|1920|2048|2560|3840)"
)
_BOX = r"[1-9]\d{2,3}W?x[1-9]\d{1,3}H?|[1-9]\dx[1-9]\d{2,3}|[4-9]\dW?x[4-9]\dH?"
_SUFFIX = re.compile(rf"[-_.@](?:(?=(\d+))(?:{_BOX}|{_SIDE}x)|({_WORDS})|({_COMMON})w)(?=\.\w+$)", re.IGNORECASE)
_PREFIX = re.compile(  # of a file's name: 300x300-coat.jpg, thumb_coat.jpg; "full" and "mobile" begin names of photos
    rf"(?:(?=(\d+))(?:{_BOX})|(thumb(?:nail)?s?|tn|tiny|small|medium|large|xlarge|preview))[-_](?=.)", re.IGNORECASE
)
_DENSITY = re.compile(r"[-_.]?@([1-4])x(?=\.\w+$)|[-_.]([1-4])x(?=\.\w+$)", re.IGNORECASE)
_RATIO = re.compile(
    r"[-_](?:1x1|4x3|3x4|3x2|2x3|16x9|9x16|4x5|5x4|21x9)(?=\.\w+$)"
)  # crops of one photo, as Google asks for
_SHARD = re.compile(
    r"(i|im|img|imgs|image|images|photo|photos|pic|pics|cdn|static|media|assets|s|st|p|t|c)-?\d{1,2}(?=\.\w)"
)
_KIND = re.compile(r"(?:\.(?:jpe?g|png))?\.(?:jpeg|webp|avif)$", re.IGNORECASE)  # a.jpeg, a.webp, a.jpg.webp: all a.jpg
_BOXED = re.compile(rf"(?<=\w)[-_](?=(\d+))(?:{_BOX})$", re.IGNORECASE)  # at a folder's end
_OPERATION = r"(?:w|h|c|q|f|g|dpr|ar|fl|e|x|y|t)_[\w.:]+"
_ALONE = rf"[wh]_{_SIDE}|c_(?:limit|fill|fit|scale|crop|thumb|pad|lfill)|[qf]_auto(?::\w+)?|f_(?:jpe?g|png|webp|avif)|dpr_[\d.]+"
_FOREIGN = (  # as a folder's name only: Klein and Grand are names, too
    "minis?|min|miniatur(?:e[ns]?|as?)|vignettes?|kleine?|mittel|gross|petite?s?|moyen(?:ne)?s?|grande?s?|piccol[aeio]|grandi|liten|stor|slides"
)
_OPTION = (
    r"(?:w|h|q|f|g|c|width|height|quality|format|fit|dpr|gravity|crop|auto|blur|sharpen|mode|resize|size)=[^,=/%?]*+"
)
_OPTIONS = rf"(?=[^/]*(?:w|h|width|height|size|resize)=\d){_OPTION}(?>(?:(?:,|%2C){_OPTION})*)(?:,|%2C)?"  # w=480,q=75
_ONLY_SIZE = re.compile(rf"(?:{_BOX}|{_SIDE}x|{_COMMON}w|({_WORDS}))\.\w+", re.IGNORECASE)  # a file's whole name
_FOLDER = re.compile(
    rf"{_FOREIGN}|{_OPTIONS}|w-?{_SIDE}|(?:img|image|size|thumb|resize|crop|fit|c)?[-_]?(?:{_BOX})|big|{_SIDE}x|x{_SIDE}|{_SIDE}w|{_WORDS}|{_ALONE}|{_OPERATION}(?:(?:,|%2C){_OPERATION})+",
    re.IGNORECASE,
)
_WIDTH = re.compile(r"(?:^|[,_C])w(?:idth)?[_=-]?(\d{2,4})|^(?:[a-z]{3,6}|c)?[-_]?(\d{2,4})(?:x|w)", re.IGNORECASE)
_QUERY = re.compile(
    rf"(?<=[?&])(?:(?:w|width|size|resize|imwidth|sw|wid|maxwidth|format|thumb)=(\d++)[\dx,.w:*]*+|format=original"
    rf"|(?:h|height|q|quality|dpr|sh|hei|qlt|maxheight)=[\d.]+|(?:fit|crop|auto|fm)=\w+|size=({_WORDS}|[sml]))(?:&|$)",
    re.IGNORECASE,
)
_COSMETIC = re.compile(  # of the address of a picture's file: what changes how it is made and not what it shows
    r"(?<=[?&])(?:(?:auto|fm|fmt|format|crop|fit|optimize|strip|cs|rect|ixlib|ar|aspect_ratio|fp-[xyz]|canvas|bg-?(?:color)?|sm|sfrm"
    r"|smart|fl|f|usm|op_\w+|sharp|pad|mode|scale|focus|gravity|enlarge|upscale|density|imdensity|imheight|impolicy|im|tr|preset"
    r"|dpr|profile|width|height|context|filter|brightness|contrast|sharpen|trim)=(?![^&]*\.(?:jpe?g|png|webp|avif|gif)\b)[^&]*+|\$[\w-]+\$)(?:&|$)",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"(?<=[?&])(?:s|sig|signature|auth|token|hash)=[^&]*+(?:&|$)", re.IGNORECASE)  # beside a width
_WITHIN = re.compile(r"(?:width|w|resize)[=_-](\d{2,4})", re.IGNORECASE)
_CHOSEN = re.compile(r"[?&](?:\$|impolicy=|im=|preset=|profile=|tr=)", re.IGNORECASE)
_PRESET = re.compile(r"\?\$([\w-]{1,60})\$(?:&.*)?")  # of Scene7 and its kin, whose files have no extension
UNTOLD = 300.0  # the size of what a preset gives, whose name does not tell it
_PAIR = re.compile(  # two folders; /94/94/ is a box, and no day of a month
    rf"(?:w|width)/({_SIDE})|(?:h|height)/{_SIDE}|(?:q|quality)/\d{{2,3}}|((?!19\d\d|20[0-3]\d)[1-9]\d{{2,3}}|[4-9]\d)/\2",
    re.IGNORECASE,
)

_WIDE = re.compile(
    rf"(?:w|width|imwidth|sw|wid|maxwidth|resize|format|size|thumb)={_SIDE}|size=[a-z]|format=o", re.IGNORECASE
)


def _named(word: str) -> float:
    width = _WIDTH.search(word)
    if width:
        return float(width[1] or width[2])
    if word.lower() == "slides":  # JAlbum's folder; as a key of JSON it is no size
        return 1_200.0
    return size_rank(word) or size_rank(word.lower().removesuffix("s")) or ORIGINAL


def family(url: str) -> tuple[str, float]:
    """The URL without its size tokens (``-300x200``, ``/thumbs/``, ``/w_320,c_limit/``, ``?w=640``), and the size they name.

    A URL without tokens counts as the original: it is what size variants are made of. A URL that a site rule knows
    belongs to its original's family.
    """
    original = ranked(url)[0]
    same = next((match for hint, one in SAME if hint in original and (match := one.fullmatch(original))), None)
    if same is not None and same[same.lastindex or 0] != same[1]:
        return same[1], UNTOLD
    key = _stripped(original)[0] if same is None else same[1]
    return key, _stripped(url)[1] if original == url else min(_stripped(url)[1], ORIGINAL - 1)


def _identified(head: str, query: str, rest: str) -> bool:
    """Whether a URL names its photo without the sizes in its query: ``/x.jpg?w=300``, ``/p?id=1&w=300``; not ``/p.php?h=101``."""
    if names_image(head) or rest == query or _PRESET.fullmatch(rest):
        return True
    sizes = [match[0] for match in _QUERY.finditer(query)]
    alone = not rest and (len(sizes) == 1 or "." in head.rpartition("/")[2])  # then a size may be what names it
    return not alone and any(_WIDE.match(one) for one in sizes)


def _bare(rest: str, query: str) -> str:
    """What is left of a query without what makes a picture's file look otherwise, and what signs a width."""
    bare = _COSMETIC.sub("", rest)
    if any(_WIDE.match(match[0]) for match in _QUERY.finditer(query)):
        bare = _SIGNED.sub("", bare)
    return bare.rstrip("?&")


def _without_pairs(folders: list[str]) -> tuple[list[str], list[float]]:
    """The folders without ``/w/750/`` and its kin, and the widths that they name."""
    kept: list[str] = []
    sizes: list[float] = []
    position = 0
    while position < len(folders):
        match = _PAIR.fullmatch("/".join(folders[position : position + 2])) if len(folders[position]) < 8 else None
        sizes += [float(match[1] or match[2])] if match and (match[1] or match[2]) else []
        kept += [] if match else folders[position : position + 1]
        position += 2 if match else 1
    return kept, sizes


def _whole(name: str) -> tuple[str, list[float]]:
    """A file's name without its size tokens, and the sizes that they name: twice as much with ``@2x``."""
    sizes: list[float] = []
    name = _KIND.sub(".jpg", name) if not name.endswith(".JPG") else f"{name[:-4]}.jpg"
    ratio = _RATIO.search(name)
    if ratio:
        name = name.replace(ratio[0], "", 1)
        sizes.append(ORIGINAL - 1)
    density = _DENSITY.search(name)
    times = float(density[1] or density[2]) if density else 1.0
    if density:
        name = name[: density.start()] + name[density.end() :]
    if whole := _ONLY_SIZE.fullmatch(name):
        size = _named(whole[1] or name.partition(".")[0])
        return name[name.rindex(".") :], [times * size]
    for match in (_SUFFIX.search(name), _PREFIX.match(name)):
        if match:
            number = match[1] or (match[3] if match.re is _SUFFIX else None)
            sizes.append(times * (float(number) if number else _named(match[2])))
            name = name.replace(match[0], "", 1)
    if density and not sizes:
        sizes.append(ORIGINAL * times)
    return name, sizes


def _stripped(url: str) -> tuple[str, float]:
    head, mark, query = url.partition("?")
    start, *folders, name = head.split("/")[2:]
    start = _SHARD.sub(r"\1", start, count=1) if _SHARD.match(start) else start
    folders, sizes = _without_pairs(folders)
    sizes += [_named(folder) for folder in folders if _FOLDER.fullmatch(folder)]
    folders = [folder for folder in folders if not _FOLDER.fullmatch(folder)]
    boxes = [_BOXED.search(folder) for folder in folders]
    sizes += [float(box[1]) for box in boxes if box]
    folders = [folder[: box.start()] if box else folder for folder, box in zip(folders, boxes, strict=True)]
    name, named = _whole(name)
    sizes += named
    rest = _QUERY.sub("", mark + query).rstrip("?&")
    if not _identified(head, mark + query, rest):
        return "/".join([start, *folders, name]) + mark + query, min(sizes, default=ORIGINAL)
    preset = _PRESET.fullmatch(rest)
    if rest and (preset or names_image(head)) and (bare := _bare(rest, mark + query)) != rest:
        within = [float(match[1]) for match in _WITHIN.finditer(rest)]
        told = [size for word in re.split("[-_]+", preset[1]) if (size := size_rank(word))] if preset else []
        sizes += (
            within[:1]
            or told[:1]
            or ([UNTOLD] if _CHOSEN.search(rest) and "w" not in query.lower().partition("=")[0] else [])
        )
        rest = bare
    for match in _QUERY.finditer(mark + query):
        sizes += [float(match[1])] if match[1] else [_named(match[2])] if match[2] else []
    return "/".join([start, *folders, name]) + rest, min(sizes, default=ORIGINAL)
