"""One open element while a page is read, and the pictures that elements other than img name (pure)."""

from __future__ import annotations

import re
from urllib.parse import unquote

from deepstyle.scraper.attributes import (
    BACKGROUNDS,
    Attributes,
    enlarges,
    handled,
    is_icon,
    names_image_text,
    several,
    target,
)
from deepstyle.scraper.bases import AMOUNTS, frames
from deepstyle.scraper.beside import HEADINGS, heads_others, is_beside, is_home_mark, leads_on, region
from deepstyle.scraper.candidates import ORIGINAL, Candidate, best, decodable, parse_css, parse_srcset
from deepstyle.scraper.clicks import clicked
from deepstyle.scraper.decorations import is_apart, is_decoration
from deepstyle.scraper.deeds import acts
from deepstyle.scraper.marks import is_drawn_card, unwanted
from deepstyle.scraper.pictures import Picture
from deepstyle.scraper.urls import OTHER_EXTENSIONS, extension, names_image, origin, page_key, resolve

IMAGES = frozenset({"img", "amp-img", "amp-anim"})
TEXTS = HEADINGS | {"title", "script", "style", "noscript", "figcaption", "a", "button", "option", "textarea"}
FALLBACKS = frozenset({"object", "video"})  # a picture inside them is shown in their place
_VIEWED = re.compile(r"[?&](?:img|image|pic|picture|photo|file|src|url|foto|bild)=((?:/|%2F|https?(?::|%3A))[^&]+)")
_ATTACHED = re.compile(  # a forum's photo: XenForo, phpBB, SMF
    r"/attachments/[^/?]+-(?:jpe?g|png|webp|gif)\.\d+/?"
    r"|/download/file\.php\?(?:[^#]*&)?mode=view(?:&.*)?|\?action=dlattach;[^#]*;image"
)
_FACES = ("avatar", "profile photo", "profile picture", "profile image", "profile pic")
_FACE = re.compile(
    r"(?:['\u2019]s|^user|^seller|^author|^member|^) ?(?:avatar|profile \w+)$"
)  # a costume may be from Avatar
MAX_BEHIND = 4  # elements behind a heading in a box of its own: a link to all of them, arrows
MAX_PIECES = 200  # pieces of text of an ``a``, button or figcaption
LEADS = frozenset({
    "og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src", "twitter:image0",
})  # fmt: skip
STYLES = frozenset({"data-style", "data-lazy-style", "data-bg-style", "data-inline-style", "lazy-style"})
ITEMS = frozenset({"image", "thumbnailurl", "contenturl"})


class Open:
    """An element that is open: what those inside it, and its end, need to know."""

    __slots__ = ("anchor", "apart", "attributes", "beside", "detail", "figure", "headed", "inner", "linked", "noscript", "others",
                 "outermost", "picture", "pictured", "place", "previous", "region", "sources", "tag", "text")  # fmt: skip

    def __init__(self, tag: str, attributes: Attributes, outer: Open | None, *, beside: bool = False) -> None:
        self.tag, self.attributes, self.beside = tag, attributes, beside
        self.anchor: Open | None = outer.anchor if outer else None  # the ``a`` around, with its target
        self.picture: Open | None = outer.picture if outer else None  # the picture element around
        self.noscript: Open | None = outer.noscript if outer else None  # what a noscript around stands in
        self.figure: list[Picture] | None = outer.figure if outer else None  # pictures that wait for a caption
        self.apart: bool = (
            (outer is not None and outer.apart)
            or is_apart(tag, attributes)
            or is_beside(tag, attributes, goods=not beside)
        )  # an advertisement, a logo, other goods
        self.region: str = region(tag, attributes, outer.region if outer else "")
        self.others: bool = (outer is not None and outer.others) or (
            not beside and leads_on(tag, attributes, self.region)
        )  # below a heading of other goods, beside the page's own part, in a menu: what leads to a page is another's
        self.detail: str | None = None  # of an ``a``: the page that it links to
        self.place: Picture | None = None  # the picture that the element itself carries
        self.inner = 0  # how many pictures had been found when it began
        self.previous: tuple[Attributes, Picture] | None = None  # the image that ended last inside it
        self.sources: list[tuple[str, Attributes]] = []  # of a picture element
        self.text = 0  # how many pieces of text had come when it began
        self.headed = 0  # how many elements there were when a heading in it said that others follow; 0: none did
        self.pictured = tag in IMAGES and self.others and not self._arrow(outer)  # or such an image is in it
        self.linked = False  # whether a link to a page was in it
        self.outermost = False  # whether it is a noscript that is in no other
        if tag == "picture" or (tag in {"span", "div"} and "data-picture" in attributes):
            self.picture = self
        elif tag == "noscript" and self.noscript is None:
            self.noscript, self.outermost = outer or self, True
        elif tag == "figure":
            self.figure = []

    def _arrow(self, outer: Open | None) -> bool:
        """Whether the image is no photo of anything: a button's, a drawing, or known as a mark by its address."""
        source = f"/{self.attributes.get('src', '')}"
        return (outer is not None and outer.tag == "button") or not decodable(source) or unwanted(source)

    def is_size(self) -> bool:
        """Whether it is one of the sizes of the picture element around it, or of what stood for one before there was any.

        Picturefill's ``<span data-picture><span data-src="1.jpg" data-media="..."></span><noscript>...</noscript></span>``.
        """
        if self.picture is not None and self.picture.tag != "picture":
            return "data-src" in self.attributes or self.tag == "noscript" or self.tag in IMAGES
        return self.tag in IMAGES or self.tag == "source"

    def title(self) -> str:
        """What the element's attributes say of its picture."""
        get = self.attributes.get
        return get("aria-label") or get("title") or get("data-caption") or ""

    @property
    def left(self) -> bool:
        """Whether no picture of it, or in it, is one of the page's photos."""
        return self.apart or (self.others and self.anchor is not None and self.anchor.detail is not None)

    def marks(self, image: Attributes) -> bool:
        """Whether an image that is this element, or in it, is an icon, a logo, a face."""
        named = image.get("id", "")[-60:].lower().endswith("logo")
        return (
            self.leads_home(image)
            or named
            or _FACE.search(image.get("alt", "")[-60:]) is not None
            or (is_icon(image) and not enlarges(image))
            or is_decoration(image)
            or is_decoration(self.attributes)
        )

    def leads_home(self, image: Attributes) -> bool:
        """Whether an image that is this element, or in it, is a site's mark that links to its first page."""
        return self.anchor is not None and is_home_mark(self.anchor.attributes.get("href", ""), image, self.region)

    def enlarged(self, url: str, here: str) -> str:
        """The picture that its link leads to by the script that also gives the image ``url`` in it; or nothing.

        ``<a href="photo.ashx?id=7&size=full"><img src="photo.ashx?id=7&size=thumb"></a>``.
        """
        script, _, asked = url.partition("?")
        detail = (self.anchor.detail or "") if self.anchor is not None else ""
        same = bool(asked) and detail.partition("?")[0] == script and detail != url and not names_image(script)
        return detail if same and script != here.partition("?")[0] and not script.endswith("/") else ""

    def heads(self, text: str, elements: int) -> None:
        """Take a heading that ended in it: other goods follow where it says so, up to a heading that does not.

        ``elements``: how many more the page may have.
        """
        others, self.pictured = not self.beside and heads_others(text), False
        if others and not self.others:
            self.others, self.headed = True, elements
        elif self.headed and not others:
            self.others, self.headed = False, 0

    def passes(self, outer: Open, elements: int) -> None:
        """Hand on, at its end, such a heading that was all it held, and no goods: those follow it in ``outer``."""
        outer.pictured = outer.pictured or self.pictured
        outer.linked = outer.linked or self.linked or (self.tag == "a" and self.detail is not None)
        if self.headed and not self.pictured and self.headed - elements < MAX_BEHIND and not outer.others:
            outer.others, outer.headed = True, elements

    def piece(self, texts: list[str]) -> str:
        """Its text, of all pieces that came; the first pieces only where elements of its kind can be nested."""
        whole = self.tag in {"script", "style", "textarea"} or self.outermost
        return "".join(texts[self.text : None if whole else self.text + MAX_PIECES])


def folded(one: Open, found: list[Picture]) -> bool:
    """Make one of the two pictures in an element that ended: what a gallery's carries, or what a figure's words link to.

    Returns whether what it held was left out: an item of other goods.
    """
    if _without_goods(one, found):
        return True
    if len(found) - one.inner != 2:
        return False
    if one.place is not None and one.tag not in IMAGES:
        one.place.fold(found.pop())
    elif one.tag == "figure" and found[-1].enlarges and not found[-2].enlarges and not found[-2].detail:
        found[-1].fold(found.pop(-2))
        found[-1].sizes = found[-1].others
    return False


def _without_goods(one: Open, found: list[Picture]) -> bool:
    """Take out the pictures of an item of other goods, whose link stands beside or upon them; whether there were any."""
    if one.headed or not (one.others and one.linked and (one.tag in {"li", "article"} or one.tag.endswith("-card"))):
        return False
    own = [picture for picture in found[one.inner :] if picture.rank >= ORIGINAL]  # a link leads to its file
    dropped = len(found) - one.inner > len(own)
    found[one.inner :] = own
    return dropped


def is_face(alt: str) -> bool:
    """Whether what an image says is that it shows a person's face, as networks and shops call it.

    >>> is_face("Ana's avatar"), is_face("Na'vi costume from Avatar")
    (True, False)
    """
    said = alt[-60:].strip().lower()
    return said.endswith(_FACES) and _FACE.search(said) is not None


def led(attributes: Attributes, base: str) -> tuple[str, str]:
    """Where an ``a`` leads, and the picture's file that it leads to: itself, what it downloads, or what a viewer is to show."""
    url = resolve(base, target(attributes))
    if names_image(url) or (url and (names_image_text(attributes.get("download", "")) or _ATTACHED.search(url[:500]))):
        return url, url
    viewed = _VIEWED.search(url) if origin(url) == origin(base) else None
    picture = resolve(base, unquote(viewed[1])) if viewed else ""
    return url, picture if names_image(picture) else ""


def behind(attributes: Attributes, url: str, base: str, here: str) -> str | None:
    """The page behind an ``a`` on the page ``here``: where it leads, or else what its script opens."""
    pages = (page for name, value in attributes.items() if (page := clicked(name, value)))
    for one in (url, *(resolve(base, page) for page in pages)):
        if one and page_key(one) != page_key(here) and extension(one) not in OTHER_EXTENSIONS and not acts(one):
            return one
    return None


def named(tag: str, attributes: Attributes) -> Candidate | None:
    """The picture that a meta or link element names: Open Graph, Twitter cards, microdata, preloads, image_src."""
    get = attributes.get
    item = _item(attributes)
    if tag == "meta":
        url = get("content", "").strip()
        return Candidate(url=url) if item or (leads(attributes) and not is_drawn_card(url)) else None
    kinds, href = get("rel", "").lower().split(), get("href", "")
    preloaded = "preload" in kinds and get("as", "").lower() == "image" and decodable(href, get("type", ""))
    if preloaded or "image_src" in kinds or item:
        return best([*parse_srcset(get("imagesrcset", "")), Candidate(url=href, rank=1.0)])
    return None


def _item(attributes: Attributes) -> bool:
    """Whether microdata calls the element a picture."""
    return not ITEMS.isdisjoint(attributes.get("itemprop", "").lower().split())


def leads(attributes: Attributes) -> bool:
    """Whether a meta element names the page's main picture."""
    return (attributes.get("property") or attributes.get("name") or "").lower() in LEADS


def shown(tag: str, attributes: Attributes, base: str) -> str:
    """The picture that SVG's image, a video, an object, an input or microdata names, as written; else an empty text."""
    get = attributes.get
    match tag:
        case "image":
            return get("href") or get("xlink:href") or get("src") or get("imageurl") or ""
        case "video" | "amp-video":
            return get("poster") or get("data-poster") or ""
        case "object" | "embed" | "option" | "iframe" | "frame" | "param":
            url = get("data") or get("src") or get("value") or ""
            return url if get("type", "").startswith("image/") or names_image(resolve(base, url)) else ""
        case "input":
            return get("src", "") if get("type", "").lower() == "image" else ""
        case "amp-story":
            return get("poster-portrait-src") or get("poster-landscape-src") or get("poster-square-src") or ""
    return get("content", "") if _item(attributes) else ""


def painted(tag: str, attributes: Attributes) -> list[Candidate]:
    """The pictures of the element's background: its style, and what loaders read."""
    style = attributes.get("style", "")
    found = parse_css(style) if "url(" in style or "image-set" in style else []
    for name, value in attributes.items():
        if name in STYLES and "url(" in value:
            found += parse_css(value)
        elif name in BACKGROUNDS and value.strip() and (tag, name) != ("body", "background"):  # a sheet of paper
            chosen = best(parse_srcset(value))
            found += parse_css(f"background:{value}") or ([chosen] if chosen else [])
    found += several(attributes)
    if not AMOUNTS.isdisjoint(attributes):
        found += [Candidate(url=one) for one in frames(attributes)]
    if "onload" in attributes:
        found += [Candidate(url=one) for one in handled(attributes)]
    return found
