"""Names of files that a script puts behind a folder (pure): ``base = "/looks/"; pics = ["1.jpg", "2.jpg"]``.

The folder is in a variable or value of its own, or it is that of a picture of these which the page shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENDING = r"\.(?:jpe?g|png|webp|avif|gif)"
_RELATIVE = re.compile(rf"[\"'`][\w%~-][\w%~./-]{{0,300}}{_ENDING}[\"'`]", re.IGNORECASE)
_NAME = re.compile(rf"[\w%~-][\w%~./-]{{0,300}}{_ENDING}", re.IGNORECASE)
_FOLDER = re.compile(
    r"(?<![\w$-])([\w$-]{0,30}?(?:path|dir|folder|base|root|prefix|cdn|url|host)[\w$-]{0,10})[\"']?\s*+[=:]\s*+"
    r"[\"'`]((?:https?:)?[\w%~.+/\\-][\w%~.+/\\:-]{0,300})[\"'`]",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"thumb|small|tiny|icon|logo|avatar|flag|script|style|ajax|api|theme|plugin|module|font|page|canonical",
    re.IGNORECASE,
)
_PHOTOS = re.compile(r"image|img|photo|pic|media|look|gallery|asset", re.IGNORECASE)
_LARGE = re.compile(r"full|large|big|zoom|orig|hi-?res", re.IGNORECASE)
_PLAIN = re.compile(r"path|dir|folder|base|prefix|cdn", re.IGNORECASE)
_SAID = frozenset({"alt", "title", "caption", "description", "label", "download", "originalname", "original_filename"})
MAX_NAMES = 2_000  # of one page
MIN_NAME = 7  # characters of a name that tells its folder by standing in an address


def folder_of(text: str) -> str:
    """The folder that a script's text names for the pictures whose file names it has; empty where it names none."""
    if not _RELATIVE.search(text):
        return ""
    found: list[tuple[int, str]] = []
    for match in _FOLDER.finditer(text):
        name, folder = match[1], match[2].replace("\\/", "/")
        if _NONE.search(name) or not folder.endswith("/") or folder == "/":
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
