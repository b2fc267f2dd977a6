"""The pictures of a page (pure): how the sizes that were found become one picture with URLs to fall back to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from deepstyle.scraper.bases import shown_folder, shown_host
from deepstyle.scraper.candidates import LARGER_STILL, ORIGINAL, Candidate
from deepstyle.scraper.families import family
from deepstyle.scraper.sites import ranked
from deepstyle.scraper.sizes import size_rank
from deepstyle.scraper.urls import resolve

MAX_FALLBACKS = 6
_VERSION = re.compile(r"(?:v|ver|version|ts|timestamp|cb|rev|mtime|updated|modified)=[\w.-]{1,40}", re.IGNORECASE)
_WORDS = "[sml]|xs|main|big|normal|regular|standard"  # names of sizes, where another size stands beside
_LETTERED = re.compile(rf"([^?]*/)(?:({_WORDS})_([^?/]+)|([^?/]+)[-_]({_WORDS}))(\.\w+)", re.IGNORECASE)
_FOLDERED = re.compile(r"([^?]*/)([a-z])(/[^?/]+\.\w+)", re.IGNORECASE)
_FOLDERS = {
    "t": 100.0,
    "s": 400.0,
    "m": 800.0,
    "l": 2_000.0,
    "o": ORIGINAL,
}  # names of folders, where another stands beside
_ENLARGED = frozenset({
    "full", "fullsize", "high", "hi", "large", "larger", "big", "bigger", "original", "enlarge", "enlarged", "zoom", "download",
})  # fmt: skip
_ENLARGES = _ENLARGED | frozenset({
    "view", "open", "see", "show", "get", "the", "this", "photo", "image", "picture", "in", "at", "as", "size", "sized",
    "resolution", "res", "quality", "version", "file",
})  # fmt: skip
_WIDTH = re.compile(
    r"[-_](1[05]0|2[05]0|[3-9]00|1[0-8]00|2[0-9]00|3000|320|375|414|480|640|720|750|768|960|1024|1080|1280|1440|1536|1920|2048|2560)(?=\.\w+$)"
)
_NUMBER = re.compile(r"([-_/])([1-9]\d{1,3})\.\w+$")


@dataclass(kw_only=True)
class Picture:
    """One picture of the page: absolute URL, how good its size is, its other URLs, and the page it links to.

    ``sizes``: those of its other URLs that one element offers, each of which is this picture wherever it stands.
    ``enlarges``: the words of the link to it say that it is what stands beside them, larger. ``leads``: a meta element names it.
    """

    url: str
    rank: float
    width: int | None = None
    title: str = ""
    detail: str | None = None
    others: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    enlarges: bool = False
    leads: bool = False

    def say(self, text: str) -> None:
        """Take what a link to the picture says."""
        words = set(re.findall(r"\w+", text[:80].lower()))
        self.enlarges = not self.others and words <= _ENLARGES and not words.isdisjoint(_ENLARGED)
        self.title = self.title or ("" if self.enlarges else text)

    def also(self, urls: Iterable[str]) -> None:
        """Remember URLs to fall back to."""
        unique = dict.fromkeys([*self.others, *(url for url in urls if url and url != self.url)])
        self.others = tuple(unique)[: 4 * MAX_FALLBACKS]

    def improve(self, url: str, one: Candidate) -> None:
        """Take another size of this picture: in its place where it is larger, else to fall back to."""
        if one.rank > self.rank and url:
            self.also([self.url])
            self.url, self.rank, self.width = url, one.rank, one.width
        else:
            self.also([url])

    def carry(self, one: Candidate, urls: list[str]) -> None:
        """Take the sizes that a link to the picture offers: the largest of a set that has the picture among the smaller ones."""
        larger = one.width is not None and self.url in urls[1:]
        self.improve(urls[0], replace(one, rank=max(one.rank, self.rank + 1)) if larger else one)

    def within(self, one: Candidate, urls: list[str]) -> None:
        """Take the sizes of the image in a link to the picture: to fall back to, but for one that is named as larger."""
        if one.rank > LARGER_STILL - 1:
            self.improve(urls[0], one)
        self.also(urls)

    def fold(self, thumbnail: Picture) -> None:
        """A gallery's element carries the picture, and the one image inside it is its thumbnail, or offers it and larger ones."""
        if self.url in thumbnail.sizes:
            self.url, self.rank, self.width, thumbnail.url = thumbnail.url, thumbnail.rank, thumbnail.width, self.url
        self.also([thumbnail.url, *thumbnail.others])
        self.title = self.title or thumbnail.title


def placed(found: list[Picture], names: list[str], base: str) -> list[Picture]:
    """The pictures of a page with those of which a script has only names or paths, where the page shows one of them."""
    relative = {resolve(base, name): name for name in names}
    shown = [one for one in found if one.url not in relative]
    urls = [one.url for one in shown]
    host = shown_host((name for name in names if name[0] == "/"), urls, base)
    for one in found if host else ():
        if relative.get(one.url, "")[:1] == "/":
            old, one.url = one.url, host + relative[one.url]
            one.also([old])
            one.sizes = one.others
    names = [name for name in names if name[0] != "/"]
    folder = shown_folder(names, urls)
    if not folder:
        return found
    shown = [one for one in found if relative.get(one.url, "/")[0] == "/"]
    heads = {url.partition("?")[0] for url in urls}
    there = {head.rpartition("/")[2] for head in heads}  # in whatever folder
    moved = dict.fromkeys(resolve(folder, name) for name in names if name.rpartition("/")[2] not in there)
    return shown + [Picture(url=url, rank=1.0) for url in moved if url and url not in heads]


def merged(found: Iterable[Picture]) -> list[Picture]:
    """Each logical picture once: equal URLs, and URLs that differ in a size token only, are one picture.

    Its URL is the original where a site rule knows it; its other URLs follow, the larger ones first.
    """
    groups: dict[str, list[tuple[float, Picture]]] = {}
    pictures = list(found)
    sizes = {url: one for one in reversed(pictures) for url in one.sizes}
    for one in pictures:
        whole = sizes.get(one.url)
        if whole is not None and whole is not one and whole.url not in one.others:
            whole.detail = one.detail and whole.detail  # one of its sizes may stand by itself
            groups.setdefault(family(whole.url)[0], []).append((0.0, one))
            continue
        key, size = family(one.url)
        groups.setdefault(key, []).append((size, one))
    for key, larger in _joined(groups).items():
        groups[larger] += [(min(size, _letter(key)), one) for size, one in groups.pop(key)]
    for key, shown in _led(groups).items():  # where both are as large, the one that the page shows
        groups[shown] += [(size - 1, one) for size, one in groups.pop(key)]
    if _widths_in_names(pictures):
        stems: dict[str, list[str]] = {}
        for key in groups:
            stems.setdefault(_WIDTH.sub("", key), []).append(key)
        for keys in stems.values():
            largest, *others = sorted(keys, key=_wide, reverse=True)  # a name without a width is the original's
            groups[largest] += [(min(size, _wide(key)), one) for key in others for size, one in groups.pop(key)]
    for key, larger in _numbered(groups, pictures).items():
        groups[larger] += [(min(size, _number(key)), one) for size, one in groups.pop(key)]
    return [_merged(group) for group in groups.values()]


def _numbered(groups: Iterable[str], pictures: Iterable[Picture]) -> dict[str, str]:
    """Groups that are sizes of another, whose names end with a width.

    In a folder, ``/7/120.jpg``, where sets on the page say of such names that they are widths; beside another, ``7_60.jpg``
    and ``7_500.jpg``, where several photos stand there in the same two.
    """
    told = {float(one.width) for one in pictures if one.sizes and one.width and f"/{one.width}." in one.url}
    names: dict[str, list[str]] = {}
    for key in groups:
        if (match := _NUMBER.search(key)) and (told or match[1] != "/"):
            names.setdefault(key[: match.end(1)], []).append(key)
    sized = {stem: sorted(keys, key=_number, reverse=True) for stem, keys in names.items() if len(keys) > 1}
    pairs = Counter(tuple(map(_number, keys)) for keys in sized.values())
    joined: dict[str, str] = {}
    for stem, (largest, *others) in sized.items():
        wide, least = _number(largest), _number(others[-1])
        two = len(others) == 1 and least <= 200 and wide >= max(300, 3 * least) and pairs[wide, least] > 1
        if two or (stem.endswith("/") and wide in told):
            joined |= dict.fromkeys(others, largest)
    return joined


def _number(key: str) -> float:
    match = _NUMBER.search(key)
    return float(match[2]) if match else 2 * ORIGINAL


def _led(groups: dict[str, list[tuple[float, Picture]]]) -> dict[str, str]:
    """What only meta elements name, under the one picture of the page whose file has the same name, in whatever place."""
    only = {key for key, group in groups.items() if all(one.leads for _, one in group)}
    shown: dict[str, list[str]] = {}
    for key in groups if only else ():
        if key not in only:
            shown.setdefault(_file(key), []).append(key)
    return {key: shown[_file(key)][0] for key in only if len(shown.get(_file(key), ())) == 1}


def _file(key: str) -> str:
    return key.partition("?")[0].rpartition("/")[2]


def _widths_in_names(pictures: Iterable[Picture]) -> bool:
    """Whether files' names hold widths: in sets of sizes, ``look_800.jpg 800w``, or of two of one name that state theirs."""
    stems: set[str] = set()
    for one in pictures:
        head = one.url.partition("?")[0] if one.width else ""
        if (match := _WIDTH.search(head)) and int(match[1]) == one.width:
            if one.sizes or (stem := head[: match.start()]) in stems:
                return True
            stems.add(stem)
    return False


def _wide(key: str) -> float:
    """The width in a file's name; above all others where there is none."""
    match = _WIDTH.search(key)
    return float(match[1]) if match else 2 * ORIGINAL


def _letter(key: str) -> float:
    """The size that a single letter names; above all others where there is none."""
    if folder := _FOLDERED.fullmatch(key):
        return _FOLDERS.get(folder[2].lower(), 2 * ORIGINAL)
    match = _LETTERED.fullmatch(key)
    return size_rank(match[2] or match[5]) or 0.0 if match else 2 * ORIGINAL


def _joined(groups: dict[str, list[tuple[float, Picture]]]) -> dict[str, str]:
    """Groups that are one photo only beside others: a version beside the same file without, letters beside more sizes.

    ``a_m.jpg`` or ``a_main.jpg`` alone may be a name of its own; with ``a_l.jpg``, or with ``a_zoom.jpg``, it is a size. So is
    the folder of ``/s/a.jpg`` beside ``/l/a.jpg``.
    """
    joined: dict[str, str] = {}
    letters: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for key in groups:
        bare, mark, query = key.partition("?")
        if mark and bare in groups and _VERSION.fullmatch(query):
            joined[key] = bare
        elif match := _LETTERED.fullmatch(key):
            letters.setdefault(f"{match[1]}{match[3] or match[4]}{match[6]}", []).append(key)
        elif match := _FOLDERED.fullmatch(key):
            folders.setdefault(f"{match[1]}{match[3]}", []).append(key)
    for stem, keys in letters.items():
        if any(size < ORIGINAL or _tells_size(one.url, stem) for size, one in groups.get(stem, ())):
            joined.update(dict.fromkeys(keys, stem))
        elif len(keys) > 1:
            joined |= _under_largest(keys)
    for keys in folders.values():  # beside /a/1.jpg they are the first letters of names
        if len(keys) > 1 and all(_letter(key) <= ORIGINAL for key in keys):
            joined |= _under_largest(keys)
    return {key: larger for key, larger in joined.items() if larger not in joined}


def _under_largest(keys: list[str]) -> dict[str, str]:
    """Each of these groups but that of the largest size, under it."""
    first, *others = sorted(keys, key=_letter, reverse=True)
    return dict.fromkeys(others, first)


def _tells_size(url: str, stem: str) -> bool:
    """Whether the name of a photo's file is not the one that its sizes have in common: ``a_full.jpg``, not ``a.jpg``."""
    name, short = url.partition("?")[0].rpartition("/")[2], stem.rpartition("/")[2].rpartition(".")[0]
    return name.startswith((f"{short}_", f"{short}-"))


def _secured(urls: Iterable[str], group: list[tuple[float, Picture]]) -> dict[str, None]:
    """The URLs, encrypted where their hosts give another size of the photo so; then as they are."""
    hosts = {one.url.split("/")[2] for _, one in group if one.url.startswith("https:")}
    secure = [f"https{url[4:]}" if url.startswith("http:") and url.split("/")[2] in hosts else url for url in urls]
    return dict.fromkeys([*secure, *urls])


def _first(sized: tuple[float, Picture]) -> tuple[float, int, bool, bool]:
    """What orders the sizes of a photo: the largest, then those that no page stands behind, then encrypted ones."""
    size, one = sized
    return -size, -(one.width or 0), bool(one.detail), one.url.startswith("http:")


def _merged(group: list[tuple[float, Picture]]) -> Picture:
    ordered = sorted(group, key=_first)
    first = ordered[0][1]
    same = [one for _, one in group if one.url == first.url]
    detail = first.detail if all(one.detail for one in same) else None  # it also stands by itself
    urls = dict.fromkeys(ranked(first.url))
    for _, one in ordered[:20]:
        urls.update(dict.fromkeys([one.url, *one.others]))
    width = next((one.width for one in same if one.width), None) if next(iter(urls)) == first.url else None
    if first.url.startswith("http:"):
        urls = _secured(urls, group)
    url, *others = urls
    title = first.title or next((one.title for _, one in group if one.title), "")
    return Picture(
        url=url, rank=first.rank, width=width, title=title, detail=detail, others=tuple(others)[:MAX_FALLBACKS]
    )
