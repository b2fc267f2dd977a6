"""Every size of a picture that markup offers (pure): srcset and CSS. The callers choose the best one.

Both scanners take each character once: no expression here can go back over what it has read (possessive quantifiers).
Sources: HTML living standard, "Parsing a srcset attribute"; CSS Images 4 (image-set) and CSS Syntax 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deepstyle.scraper.urls import UNDECODABLE, extension_of, names_image

ORIGINAL = 1_000_000.0  # the rank of what is called the original; other ranks are widths in pixels or densities
LARGER_STILL = ORIGINAL + 2  # of what a gallery names beside the picture that a link leads to
MIN_SIDE = 64  # pixels: an explicit width or height below this makes an icon
MAX_BRACES = 20  # of a style sheet, one within the other
MAX_SELECTOR = 300  # characters
MAX_CANDIDATES = 5_000  # of one attribute or style sheet


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One URL (as written) of a picture; ``rank`` orders the sizes; ``width`` in pixels when the markup says so.

    ``others``: URLs of the same picture to fall back to, the better ones first. ``detail``: the page that JSON says
    it stands for.
    """

    url: str
    rank: float = 1.0
    width: int | None = None
    title: str = ""
    others: tuple[str, ...] = ()
    detail: str = ""


def best(candidates: list[Candidate]) -> Candidate | None:
    """The largest size, the first among equals, with the other URLs as its ``others``; None of none."""
    ranked = sorted(candidates, key=lambda one: -one.rank)
    if not ranked:
        return None
    urls = dict.fromkeys(url for one in ranked[:20] for url in (one.url, *one.others))
    first = ranked[0]
    return Candidate(
        url=first.url, rank=first.rank, width=first.width, title=first.title,
        others=tuple(url for url in urls if url != first.url)[:8],
    )  # fmt: skip


def decodable(url: str, kind: str = "") -> bool:
    """Whether a picture of this URL and MIME type may be one that we can decode: no SVG, JPEG XL, HEIF, film."""
    subtype = kind.lower().rpartition("/")[2].partition(";")[0].partition("+")[0].strip().removeprefix("x-")
    return extension_of(url) not in UNDECODABLE and subtype not in UNDECODABLE and not kind.startswith("video")


_GAP = re.compile(r"[\s,]*+")
_WORD = re.compile(r"\S++")
_DESCRIPTORS = re.compile(r"[^,(]*+(?>(?:\([^)]*+\)?+[^,(]*+)*)")
_DESCRIPTOR = re.compile(r"(?<![\d.])(\d{1,9}(?:\.\d{1,9})?)([wx])(?!\w)")


def parse_srcset(text: str) -> list[Candidate]:
    """The candidates of a ``srcset``: ``480w`` ranks as 480, ``2x`` as 2, no descriptor as 1."""
    found: list[Candidate] = []
    position = _GAP.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    while position < len(text) and len(found) < MAX_CANDIDATES:
        word = _WORD.match(text, position)
        assert word is not None
        url, position, described = word[0].rstrip(","), word.end(), None
        if url == word[0]:
            rest = _DESCRIPTORS.match(text, position)
            assert rest is not None
            described, position = _DESCRIPTOR.search(rest[0][:100]), rest.end()
        value = float(described[1]) if described else 1.0
        width = int(value) if described and described[2] == "w" else None
        found.append(Candidate(url=url, rank=value, width=width))
        position = _GAP.match(text, position).end()  # type: ignore[union-attr]
    return found


_CSS = re.compile(
    r"""/\*(?>(?:[^*]|\*(?!/))*)(?>(?:\*/)?)
    | (?P<type>\b(?:type|format|local)\(\s*+)
    | \burl\(\s*+(?:"(?P<double>[^"]*+)"?+|'(?P<single>[^']*+)'?+|(?P<bare>(?>(?:[^)"'\s\\]|\\.)*)))\s*+\)?+
    | "(?P<string>(?>(?:[^"\\]|\\.)*))"?+ | '(?P<text>(?>(?:[^'\\]|\\.)*))'?+
    | (?P<set>image-set\()
    | (?<![-\w])(?:width|height)\s*+:\s*+(?P<side>[1-9]\d{0,4})(?>(?:\.\d++)?)px
    | (?<![-\w])(?:(?P<tiled>repeat(?>(?:-[xy])?))(?=[\s;"'}]|$)|(?P<name>-?[-\w]++)\s*+:)
    | (?<![-\w.])(?P<density>\d{1,4}(?:\.\d{1,4})?)(?:x|dppx)\b
    | (?P<mark>[(){};])""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(?:([2-7][0-9a-f]) |([^\w\s\\]))", re.IGNORECASE)
_PAINTED = {"background", "background-image"}
_MAYBE = {"content", "list-style", "list-style-image", "border-image", "border-image-source"}
_DRAWN = re.compile(  # names of a page's own properties
    r"swatch|icon|logo|cursor|spinner|flag|avatar|arrow|pattern|noise|grain|texture"
)
_ORNAMENTS = {"png", "gif", "bmp"}  # what bullets and borders are made of


class _Style:
    """The state of one pass over a style sheet: the declaration, and the image-set, that it is in."""

    def __init__(self) -> None:
        self.found: list[Candidate] = []
        self.sure = self.maybe = self.typed = False
        self.options: list[Candidate] | None = None  # of the image-set
        self.depth = 0
        self.ornament = self.small = (
            False  # a bullet's or border's declaration; the rule says that its box is an icon's
        )
        self.rule = 0  # how many were found before the rule began
        self.open: list[str] = []  # the selectors and media queries whose braces are open
        self.painted: dict[str, int] = {}  # selector -> the place of what its first rule paints

    def end(self) -> None:
        """The image-set, or the declaration, is over."""
        chosen = best([one for one in self.options or () if decodable(one.url)])
        self.found += [chosen] if chosen else []
        self.options, self.depth = None, 0

    def over(self) -> None:
        """The rule is over."""
        if self.small:
            del self.found[self.rule :]
        if self.open and len(self.found) == self.rule + 1:
            self._same(self.open[-1], next((one for one in self.open if one.startswith("@media")), ""))
        self.rule, self.small = len(self.found), False

    def _same(self, selector: str, media: str) -> None:
        """What a rule in a media query paints is another size of what the same selector's rule outside paints."""
        place = self.painted.setdefault(selector, self.rule)
        if media and place < self.rule:
            rank = 3.0 if "resolution" in media or "pixel-ratio" in media else 2.0 if "min-width" in media else 0.5
            chosen = best([self.found[place], replace(self.found.pop(), rank=rank)])
            self.found[place] = chosen or self.found[place]

    def tile(self) -> None:
        """What the declaration paints is repeated: a drawing is a pattern then."""
        if self.sure and len(self.found) > self.rule and extension_of(self.found[-1].url) in _ORNAMENTS:
            self.found.pop()

    def url(self, url: str, *, string: bool) -> None:
        """A URL or string; a string is a URL in an image-set only."""
        if self.typed or not url.strip() or (string and self.options is None):
            self.typed = False
            return
        url = _ESCAPED.sub(lambda match: match[2] or chr(int(match[1], 16)), url)
        if self.sure or (self.maybe and names_image(url) and not (self.ornament and extension_of(url) in _ORNAMENTS)):
            (self.found if self.options is None else self.options).append(Candidate(url=url.strip()))

    def mark(self, mark: str, before: str) -> None:
        """A bracket or the end of a declaration, and what stands before it."""
        if mark in ";{}":
            self.end()
            self.sure = self.maybe = False
            if mark != ";":
                self.over()
            if mark == "{" and len(self.open) < MAX_BRACES:
                self.open.append(" ".join(before.lower().split()))
            elif mark == "}" and self.open:
                self.open.pop()
        elif self.options is not None:
            self.depth += 1 if mark == "(" else -1
            if self.depth <= 0:
                self.end()
        self.typed = False


def parse_css(text: str) -> list[Candidate]:
    """The pictures of ``background`` and ``background-image`` declarations; of an ``image-set`` the densest only.

    ``content``, list and border images and custom properties count where the URL is named like a photo.
    """
    state, begun = _Style(), 0
    for match in _CSS.finditer(text):
        kind = match.lastgroup
        if kind == "name":
            name = match["name"].lower()
            state.end()
            state.ornament = name.startswith(("list-", "border-", "content"))
            own = name.startswith("--") and not _DRAWN.search(name)
            state.sure, state.maybe = name in _PAINTED, own or name in _MAYBE
        elif kind == "side":
            state.end()
            state.sure = state.maybe = False
            state.small |= int(match["side"]) < MIN_SIDE
        elif kind == "tiled":
            state.tile()
        elif kind == "set":
            state.options, state.depth = [], 1
        elif kind == "type":
            state.typed = True
            state.depth += 1
        elif kind in {"double", "single", "bare", "string", "text"}:
            state.url(match[kind], string=kind in {"string", "text"})
        elif kind == "density" and state.options:
            last = state.options[-1]
            state.options[-1] = Candidate(url=last.url, rank=float(match["density"]))
        elif kind == "mark":
            state.mark(match["mark"], text[max(begun, match.start() - MAX_SELECTOR) : match.start()])
            begun = match.end() if match["mark"] in ";{}" else begun
        if len(state.found) >= MAX_CANDIDATES:
            break
    state.end()
    state.over()
    return state.found
