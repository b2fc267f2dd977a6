"""HTML elements -> pictures and links (pure): the one walk over a parsed page that ``pages.parse_html`` makes.

Sources: HTML living standard (img, picture, srcset, base, link types); Open Graph protocol; the robots meta tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Tag

from deepstyle.scraper.candidates import (
    ORIGINAL,
    Candidate,
    best,
    json_pictures,
    parse_css,
    parse_srcset,
    script_values,
    size_rank,
)  # fmt: skip
from deepstyle.scraper.urls import OTHER_EXTENSIONS, extension, names_image, page_key, resolve

MIN_SIDE = 64  # pixels: an explicit width or height below this makes an icon
FULL = (
    "data-orig-file", "data-original-src", "data-full", "data-full-src", "data-full-url", "data-fullsize", "data-hires",
    "data-hi-res-src", "data-zoom-image", "data-zoom-src", "data-zoom", "data-large_image", "data-large",
    "data-highres", "data-large-file", "data-master",
)  # fmt: skip
LAZY = (
    "data-src", "data-lazy-src", "data-original", "data-lazy", "data-lazyload", "data-actualsrc", "data-echo",
    "data-img-src", "data-image-src", "data-image", "data-url", "data-cfsrc", "data-ll-src", "data-pin-media",
)  # fmt: skip
LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set", "data-ll-srcset")
BACKGROUNDS = ("data-bg", "data-background", "data-background-image", "data-bgset", "data-lazy-background")
LEADS = {"og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"}
ROBOTS = {"robots", "deepstyle"}
FEEDS = {"application/rss+xml", "application/atom+xml"}
NOAI = {"noai", "noimageai", "noml"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of the page: absolute URL, how good its size is, and the page it links to."""

    url: str
    rank: float
    width: int | None = None
    title: str = ""
    detail: str | None = None


class Reader:
    """Reads one page: call ``read`` once, then take what it found. ``soup`` is the page, ``url`` its normal URL."""

    def __init__(self, soup: BeautifulSoup, url: str) -> None:
        self.soup, self.url = soup, url
        base = soup.find("base", href=True)
        self.base = resolve(url, str(base["href"])) or url if isinstance(base, Tag) else url
        self.title = soup.title.get_text() if soup.title else ""
        self.links: dict[str, None] = {}
        self.next_links: dict[str, None] = {}
        self.feeds: dict[str, None] = {}
        self.flags: set[str] = set()
        self.lead: str | None = None
        self._found: list[Picture] = []
        self._of_tag: dict[int, int] = {}  # id of an img or picture element -> its place in _found

    def read(self) -> None:
        """Walk over all elements once, in document order."""
        for tag in self.soup.find_all(True):
            match tag.name:
                case "img" | "amp-img":
                    if tag.find_parent("picture") is None:
                        self._image(tag, [tag])
                case "picture":
                    self._image(tag, tag.find_all(["source", "img"]))
                case "a" | "area":
                    self._anchor(tag)
                case "link":
                    self._link(tag)
                case "meta":
                    self._meta(tag)
                case "script":
                    self._script(tag)
                case "style":
                    self._add_all(parse_css(tag.get_text()))
            self._background(tag)

    def pictures(self) -> list[Picture]:
        """Each logical picture once: equal URLs, and URLs that differ in a size token only, are one picture."""
        unique: dict[str, Picture] = {}
        for one in self._found:
            key, size = family(one.url)
            old = unique.get(key)
            if old is None:
                unique[key] = replace(one, rank=size)  # from here on ranks compare within a family only
            elif old.url == one.url:
                detail = old.detail if old.detail and one.detail else None  # it also stands by itself
                unique[key] = replace(old, title=old.title or one.title, detail=detail, width=old.width or one.width)
            elif (size, one.width or 0, not one.detail) > (old.rank, old.width or 0, not old.detail):
                unique[key] = replace(one, rank=size, title=one.title or old.title)
        return list(unique.values())

    # ---- pictures -----------------------------------------------------------------------------------------------

    def _add(self, one: Candidate | None, *, detail: str | None = None) -> int | None:
        url = resolve(self.base, one.url) if one else ""
        if one is None or not url or extension(url) in {"svg", "svgz", "ico"}:
            return None
        self._found.append(Picture(url=url, rank=one.rank, width=one.width, title=one.title, detail=detail))
        return len(self._found) - 1

    def _add_all(self, candidates: list[Candidate]) -> None:
        for one in candidates:
            self._add(one)

    def _image(self, tag: Tag, sources: list[Tag]) -> None:
        image = next((one for one in sources if one.name in {"img", "amp-img"}), tag)
        if is_icon(image):
            return
        options = [option for one in sources for option in offered(one)]
        chosen = best([one for one in options if resolve(self.base, one.url) and "svg" not in extension(one.url)])
        if chosen is None:
            return
        title = text_of(image, "alt") or text_of(image, "title") or _caption(tag)
        chosen = replace(chosen, title=title, width=chosen.width or pixels(image, "width"))
        original, detail = self._target(tag)
        if original:
            return  # _anchor has taken it
        noscript = tag.find_parent("noscript")
        before = noscript.find_previous_sibling() if noscript is not None else None
        place = self._of_tag.get(id(before)) if isinstance(before, Tag) else None
        if place is not None and before is not None and is_lazy(before):  # the fallback of the lazy image before it
            if chosen.rank > self._found[place].rank:
                url = resolve(self.base, chosen.url)
                self._found[place] = replace(self._found[place], url=url, rank=chosen.rank, width=chosen.width)
            return
        added = self._add(chosen, detail=detail)
        if added is not None:
            self._of_tag[id(tag)] = added

    def _target(self, tag: Tag) -> tuple[str, str | None]:
        """What the link around an element leads to: (picture file, None), ("", detail page) or ("", None)."""
        anchor = tag if tag.name == "a" else tag.find_parent("a", href=True)
        if anchor is None or not anchor.get("href") or "nofollow" in rel(anchor):
            return "", None
        url = resolve(self.base, text_of(anchor, "href"))
        if names_image(url):
            return url, None
        here = not url or page_key(url) == page_key(self.url) or extension(url) in OTHER_EXTENSIONS
        return "", None if here else url

    def _background(self, tag: Tag) -> None:
        if is_icon(tag) or not tag.attrs:
            return
        found = parse_css(text_of(tag, "style"))
        for name in BACKGROUNDS:
            if value := text_of(tag, name).strip():
                found += parse_css(f"background:{value}") or [one for one in [best(parse_srcset(value))] if one]
        if not found:
            return
        original, detail = self._target(tag)
        for one in found if not original else ():
            self._add(replace(one, title=text_of(tag, "aria-label") or text_of(tag, "title")), detail=detail)

    def _script(self, tag: Tag) -> None:
        kind = text_of(tag, "type").lower().partition(";")[0].strip()
        schema, is_json = kind == "application/ld+json", kind.endswith("json")
        if is_json or not kind or kind in {"text/javascript", "application/javascript", "module"}:
            for value in script_values(tag.string or tag.get_text(), is_json=is_json):
                self._add_all(json_pictures(value, schema=schema))

    # ---- links and flags ----------------------------------------------------------------------------------------

    def _anchor(self, tag: Tag) -> None:
        url = resolve(self.base, text_of(tag, "href")) if tag.get("href") else ""
        if not url or "nofollow" in rel(tag):
            return
        if names_image(url):
            image = tag.find("img")
            title = (text_of(image, "alt") if isinstance(image, Tag) else "") or text_of(tag, "title") or tag.get_text()
            self._add(Candidate(url=url, rank=ORIGINAL, title=title))
        elif extension(url) not in OTHER_EXTENSIONS:
            self._follow(url, following="next" in rel(tag))

    def _follow(self, url: str, *, following: bool) -> None:
        self.links[url] = None
        if following:
            self.next_links[url] = None

    def _link(self, tag: Tag) -> None:
        url, kinds = resolve(self.base, text_of(tag, "href")), rel(tag)
        if url and kinds & {"next", "prev"}:
            self._follow(url, following="next" in kinds)
        elif url and "alternate" in kinds and text_of(tag, "type").lower() in FEEDS:
            self.feeds[url] = None
        elif url and "image_src" in kinds:
            self._add(Candidate(url=url))

    def _meta(self, tag: Tag) -> None:
        name = (text_of(tag, "property") or text_of(tag, "name") or text_of(tag, "itemprop")).lower()
        content = text_of(tag, "content").strip()
        if name in LEADS and content:
            place = self._add(Candidate(url=content))
            self.lead = self.lead or (self._found[place].url if place is not None else None)
        elif name in ROBOTS:
            words = {word.strip().lower() for word in content.split(",")}
            self.flags |= words & {"noindex", "nofollow"} | ({"noindex", "nofollow"} if "none" in words else set())
            self.flags |= {"noai"} if words & NOAI else set()
        elif name == "tdm-reservation" and content == "1":
            self.flags.add("noai")


def offered(tag: Tag) -> list[Candidate]:
    """Every size an img or source element offers: src ranks 1, lazy sources more, srcset by its descriptors."""
    found = [Candidate(url=value, rank=1.0) for value in [text_of(tag, "src")] if value and tag.name != "source"]
    found += [Candidate(url=value, rank=1.1) for name in LAZY if (value := text_of(tag, name)) and "{" not in value]
    found += [Candidate(url=value, rank=ORIGINAL) for name in FULL if "/" in (value := text_of(tag, name))]
    for name in ("srcset", *LAZY_SETS):
        found += parse_srcset(text_of(tag, name))
    return [one for one in found if one.url.strip()]


def is_icon(tag: Tag) -> bool:
    """Whether the element says that a side of it is under 64 pixels."""
    return min(pixels(tag, "width") or MIN_SIDE, pixels(tag, "height") or MIN_SIDE) < MIN_SIDE or (
        text_of(tag, "width") == "0" or text_of(tag, "height") == "0"
    )


def is_lazy(tag: Tag) -> bool:
    """Whether a script fills in the element's picture later."""
    return (
        any(tag.has_attr(name) for name in (*LAZY, *FULL, *LAZY_SETS))
        or text_of(tag, "src").startswith("data:")
        or "lazy" in text_of(tag, "class")
        or any(is_lazy(one) for one in tag.find_all(["img", "source"]))
    )


def pixels(tag: Tag, name: str) -> int | None:
    """The attribute as whole pixels (``640`` or ``640px``), else None."""
    match = re.fullmatch(r"\s*(\d{1,6})(?:\.\d+)?\s*(?:px)?\s*", text_of(tag, name), re.ASCII)
    return int(match[1]) if match else None


def text_of(tag: Tag, name: str) -> str:
    """The attribute as text; an empty text when it is missing."""
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else value or ""


def rel(tag: Tag) -> set[str]:
    """The link types of an element in lower case."""
    return set(text_of(tag, "rel").lower().split())


def _caption(tag: Tag) -> str:
    figure = tag.find_parent("figure")
    caption = figure.find("figcaption") if figure is not None else None
    return caption.get_text() if isinstance(caption, Tag) else ""


_WORDS = "thumb(?:nail)?s?|small|medium|large|full|orig(?:inal)?s?"
_SUFFIX = re.compile(rf"[-_](?:(\d{{2,4}})x\d{{2,4}}|({_WORDS}))(?=\.\w+$)", re.IGNORECASE)
_FOLDER = re.compile(rf"w[_-]?\d{{2,4}}|\d{{2,4}}x\d{{0,4}}|{_WORDS}", re.IGNORECASE)
_QUERY = re.compile(
    rf"(?<=[?&])(?:(w|width|size|resize)=(\d+)[\dx,.]*|(?:h|height|q|quality|dpr)=[\d.]+|fit=\w+|size=({_WORDS}))(?:&|$)",
    re.IGNORECASE,
)


def _named(word: str) -> float:
    return size_rank(word.lower().removesuffix("s")) or ORIGINAL


def family(url: str) -> tuple[str, float]:
    """The URL without its size tokens (``-300x200``, ``/thumbs/``, ``?w=640``), and the size they name.

    A URL without tokens counts as the original: it is what size variants are made of.
    """
    head, mark, query = url.partition("?")
    start, *folders, name = head.split("/")[2:]
    sizes = [_named(folder) for folder in folders if _FOLDER.fullmatch(folder)]
    folders = [folder for folder in folders if not _FOLDER.fullmatch(folder)]
    if match := _SUFFIX.search(name):
        sizes.append(float(match[1]) if match[1] else _named(match[2]))
        name = name.replace(match[0], "", 1)
    for match in _QUERY.finditer(mark + query):
        sizes += [float(match[2])] if match[2] else [_named(match[3])] if match[3] else []
    rest = _QUERY.sub("", mark + query).rstrip("?&")
    return "/".join([start, *folders, name]) + rest, min(sizes, default=ORIGINAL)
