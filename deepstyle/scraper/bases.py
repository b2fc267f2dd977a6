"""Names of files that a script puts behind a folder (pure): ``base = "/looks/"; pics = ["1.jpg", "2.jpg"]``.

The folder is in a variable or value of its own, or it is that of a picture of these which the page shows. So may be the host of
paths: ``cdnHost = "https://cdn.example"; pics = ["/looks/1.jpg"]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ENDING = r"\.(?:jpe?g|png|webp|avif|gif)"
_RELATIVE = re.compile(rf"[\"'`][\w%~-][\w%~./() +-]{{0,300}}{_ENDING}[\"'`]", re.IGNORECASE)
_NAME = re.compile(rf"[\w%~-][\w%~./() +-]{{0,300}}{_ENDING}", re.IGNORECASE)
_FOLDER = re.compile(r"[=:]\s*+[\"'`]((?:https?:)?[\w%~.+/\\-][\w%~.+/\\:-]{0,300})(?<=/)[\"'`]")
_PATH = re.compile(rf"[\"'`]\\?/[\w%~-][\w%~./\\-]{{0,300}}{_ENDING}[\"'`]", re.IGNORECASE)
_HOST = re.compile(
    r"[=:]\s*+[\"'`]((?:https?:)?(?:\\?/){2}[\w-]{1,60}(?:\.[\w-]{1,60}){1,5}(?::\d{1,5})?((?:\\?/[\w-]{1,60}){0,5}))\\?/?[\"'`]"
)
_BEFORE = re.compile(r"([\w$-]{1,40})[\"']?\s{0,4}$")
_NONE = re.compile(
    r"thumb|small|tiny|icon|logo|avatar|flag|script|style|ajax|api|theme|plugin|module|font|page|canonical",
    re.IGNORECASE,
)
_PHOTOS = re.compile(r"image|img|photo|pic|media|look|gallery|asset", re.IGNORECASE)
_NO_HOST = re.compile(rf"{_NONE.pattern}|asset_?prefix|video", re.IGNORECASE)
_OF_PHOTOS = re.compile(rf"{_PHOTOS.pattern}|cdn|static", re.IGNORECASE)
_SERVES = re.compile(r"host|domain|server|origin|base|root|prefix|cdn", re.IGNORECASE)
_LARGE = re.compile(r"full|large|big|zoom|orig|hi-?res", re.IGNORECASE)
_PLACE = re.compile(r"path|dir|folder|base|root|prefix|cdn|url|host", re.IGNORECASE)
_PLAIN = re.compile(r"path|dir|folder|base|prefix|cdn", re.IGNORECASE)
_SAID = frozenset({"alt", "title", "caption", "description", "label", "download", "originalname", "original_filename"})
_GAP = re.compile(r"\{(?:index|i|n|frame|num|number|col)\}|#{1,4}")
_FRAME = re.compile(rf"[^\s#{{}}\"'<>]*+(?:\{{\w+\}}|#{{1,4}})[^\s#{{}}\"'<>]*{_ENDING}", re.IGNORECASE)
AMOUNTS = frozenset({
    "data-amount", "data-amount-x", "data-frames", "data-frame", "data-count", "data-total", "data-images", "data-image-count",
    "data-frame-count", "data-columns", "data-count-x",
})  # fmt: skip
_SIZE = re.compile(
    r"(?:img|image|size|thumb|resize|crop|fit|w|h)?[-_]?\d{2,4}(?:x\d{0,4})?|original|large|medium", re.IGNORECASE
)
MAX_FRAMES = 120  # of a turning view
MAX_NAMES = 2_000  # of one page
MIN_NAME = 7  # characters of a name that tells its folder by standing in an address


@dataclass(frozen=True, kw_only=True)
class Bases:
    """What a script puts before the names of pictures' files (``folder``) and before their paths (``host``); empty: nothing."""

    folder: str = ""
    host: str = ""


NONE = Bases()


def bases_of(text: str) -> Bases:
    """What a script's text names for the pictures whose file names or paths it has."""
    named = _RELATIVE.search(text) is not None
    folder = _folder_of(text) if named else ""
    host = _host_of(text) if named or _PATH.search(text) else ""
    if named and not folder and host.count("/") > 2:  # no file stands beside a whole host's folders
        folder = f"{host}/"
    return Bases(folder=folder, host=host) if folder or host else NONE


def _host_of(text: str) -> str:
    """The address without a slash at its end that a script's text names for pictures."""
    for match in _HOST.finditer(text):
        name = _called(match)
        serves = _SERVES.search(name) or (not match[2] and _PLACE.search(name))
        if serves and _OF_PHOTOS.search(name) and not _NO_HOST.search(name):
            return match[1].replace("\\/", "/")
    return ""


def _called(match: re.Match[str]) -> str:
    """The name of the variable or key whose value a match is; empty where none is written before it."""
    before = _BEFORE.search(match.string, max(0, match.start() - 46), match.start())
    return before[1] if before else ""


def _folder_of(text: str) -> str:
    found: list[tuple[int, str]] = []
    for match in _FOLDER.finditer(text):
        name, folder = _called(match), match[1].replace("\\/", "/")
        if _NONE.search(name) or not _PLACE.search(name) or folder == "/":
            continue
        rank = 3 if _LARGE.search(name) else 2 if _PHOTOS.search(name) else 1 if _PLAIN.search(name) else 0
        found += [(-rank, folder)] if rank else []
    return min(found, key=lambda one: one[0], default=(0, ""))[1]


def is_name(key: str, value: str) -> bool:
    """Whether a text is the name of a picture's file without its folder, or behind some of it; not a photo's title."""
    return 4 < len(value) < 300 and _NAME.fullmatch(value) is not None and key.lower() not in _SAID


def shown_folder(names: Iterable[str], urls: Iterable[str]) -> str:
    """The folder at which a page shows a picture of these names."""
    wanted = {name.rpartition("/")[2]: name for name in names if len(name) >= MIN_NAME}
    for url in urls if wanted else ():
        head = url.partition("?")[0]
        name = wanted.get(head.rpartition("/")[2])
        if name and head.endswith(f"/{name}"):
            return head.removesuffix(name)
    return ""


def shown_host(paths: Iterable[str], urls: Iterable[str], base: str) -> str:
    """The other host, as ``https://cdn.example``, at which a page shows a picture of these paths, with the folder of its size.

    That is the largest of the page's: ``https://cdn.example/img600x866`` of ``/img236x341/looks/1.jpg`` and that one.
    """
    found: dict[str, int] = {}
    own = base.split("/")[2:3]
    ends = {path for path in paths if len(path) >= MIN_NAME}
    for url in urls if ends else ():
        scheme, _, host, *rest = url.partition("?")[0].split("/")
        if [host] != own and "/" + "/".join(rest) in ends:
            return f"{scheme}//{host}"
        at = next((at for at, one in enumerate(rest[:5]) if _SIZE.fullmatch(one)), -1) + 1
        if at and [host] != own and "/" + "/".join(rest[at:]) in ends:
            sides = [int(side) for side in re.findall(r"\d{2,4}", rest[at - 1])] or [1_000]
            found["/".join([f"{scheme}//{host}", *rest[:at]])] = sides[0]
    return max(found, key=lambda one: found[one], default="")


def frames(attributes: Mapping[str, str]) -> list[str]:
    """The pictures of a viewer that turns a thing: ``data-folder="/x/" data-filename="{index}.jpg" data-amount="36"``."""
    pattern = next((one for key, one in attributes.items() if key.startswith("data-") and _turns(one)), "")
    gap = _GAP.search(pattern)
    amounts = (one for key, one in attributes.items() if key in AMOUNTS and one.isascii() and one.isdigit())
    amount = int(next(amounts, "0")[:4])
    if gap is None or not 1 < amount <= MAX_FRAMES:
        return []
    folder = attributes.get("data-folder") or attributes.get("data-path") or attributes.get("data-base-url") or ""
    folder = "" if "/" in pattern else folder
    width = len(gap[0]) if gap[0][0] == "#" else 0
    return [f"{folder}{pattern[: gap.start()]}{at:0{width}d}{pattern[gap.end() :]}" for at in range(1, amount + 1)]


def _turns(text: str) -> bool:
    return ("}" in text or "#" in text) and len(text) < 500 and _FRAME.fullmatch(text) is not None
