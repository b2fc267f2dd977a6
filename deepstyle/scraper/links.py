"""HTML elements -> links, the next part of a series, feeds and the robots flags (pure).

The next part is found in rel=next, ``data-next`` and its kin, buttons with URLs, ``select`` options, GET forms without
free text, meta refresh, frames of the page, endpoints that scripts name; ``guesses`` are URLs that no link names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from deepstyle.scraper.attributes import Attributes, target
from deepstyle.scraper.budget import Budget
from deepstyle.scraper.clicks import clicked, ends
from deepstyle.scraper.deeds import acts, prints
from deepstyle.scraper.forms import FILLED, Form, Forms
from deepstyle.scraper.parts import counted, drawn_next, gap, guessed, named_next, numbers, said_next
from deepstyle.scraper.urls import MAX_URL, OTHER_EXTENSIONS, extension, names_image, page_key, resolve

FEEDS = {"application/rss+xml", "application/atom+xml", "application/feed+json"}
ROBOTS = {"robots", "deepstyle"}
NOAI = {"noai", "noimageai", "noml"}
NEXT = frozenset({
    "data-next", "data-next-url", "data-next-page", "data-next-href", "data-nextpage", "data-load-more-url", "data-more-url",
    "data-next-page-url", "data-load-more", "data-pagination-next", "data-infinite-url", "hx-get", "data-next-link",
})  # fmt: skip
URLS = frozenset({"data-href", "data-url", "data-link", "data-endpoint", "data-api", "data-api-url", "data-ajax-url",
                  "data-fetch-url", "data-source", "formaction", "data-target-url"})  # fmt: skip
_CALLED = re.compile(  # attributes of scripts' own: data-gallery-url-value, data-hx-get, data-manifest
    r"data-(?:\w+-)*?(?:(?:next|more|infinite|endpoint|ajax|api|fetch|manifest|feed)(?:-\w+)*|(?:url|uri|href|path)-value|uri"
    r"|(?:hx|ic)-get(?:-from)?)|(?:up-href|ic-get-from)"
)
_JSON_FILE = re.compile(r"(?:https?:/|\.{0,2})/[\w%~+./:-]{1,300}\.json(?:\?[^\s\"'<>]*)?")
_ACTS = re.compile(
    r"cart|add|delete|remove|log-?(?:in|out)|sign|share|track|like|vote|wish|subscribe|upload|submit|post"
)
_FOLLOWS = re.compile(r"next|more|infinite|hx-get")
FRAMES = frozenset({"iframe", "frame", "turbo-frame", "include-fragment", "amp-list"})
MAX_OPTIONS = 200  # of a select
MAX_LEAVING = 2_000  # characters of a script that does little but lead to another page
_REFRESH = re.compile(
    r"\s*+[\d.]*+\s*+(?:[;,]\s*+(?>(?:url\s*+=\s*+)?)|url\s*+=\s*+)['\"]?+\s*+([^'\"]++)", re.IGNORECASE
)
_FILE = re.compile(  # what is a page's relative address beyond doubt
    r"[\w%~+-][\w%~+./-]*(?:\.(?:x?html?|shtml|php\d?|aspx?|jsp|cgi)(?:[?#]\S*)?|\?[\w%-]+=\S*)", re.IGNORECASE
)
_CHOOSE = re.compile(r"\W*(?:choose|select|please|all\b|any\b|sort|filter|$)", re.IGNORECASE)
_MORE = re.compile(r"(?i)load[-_ ]?more|infinite|show[-_ ]?more|view[-_ ]?more|next[-_ ]?page|pagination|pager")
_SLIDES = re.compile(r"swiper|splide|slick|carousel|slider|flickity|glide", re.IGNORECASE)  # whose dots are called so
_LINK_VALUE = re.compile(r"<([^<>]{1,2000})>((?>(?:[^,<\"]|\"[^\"]*+\"?)*))")
_NEXT_PARAMETER = re.compile(
    r";\s*rel\s*=\s*(?:\"(?:[^\";]*\s)?next[\s\"]|'(?:[^';]*\s)?next[\s']|next\s*(?:;|$))", re.IGNORECASE
)


class Links:
    """What a page links to, in the page's order; all URLs are absolute and normal. ``base`` resolves references."""

    def __init__(self, url: str, budget: Budget) -> None:
        self.url, self.base, self.budget = url, url, budget
        self.links: dict[str, None] = {}
        self.next_links: dict[str, None] = {}
        self.parts: dict[str, None] = {}  # other parts of this page's series, by their numbers
        self.feeds: dict[str, None] = {}
        self.flags: set[str] = set()
        self.metas: dict[str, str] = {}  # reservations that meta elements state: name -> content
        self.amp = ""  # the same page without scripts of its own
        self.answer = False  # whether it is no page, but an answer that a script asked for
        self.stated: dict[str, bool] = {}  # pages that objects of JSON are about -> whether these hold a picture
        self._forms = Forms()
        self._select: tuple[str, int] | None = None  # name, options so far
        self._leads = False  # whether its options are addresses to go to
        self._alt, self._target = "", ""  # of the ``a`` that is open: its first image's text, where it leads
        self._more = False  # whether the page looks as if it had more than it shows

    def element(self, tag: str, attributes: Attributes, base: str) -> None:
        """Look at one start tag."""
        get = attributes.get
        self.base = base
        match tag:
            case "img":
                self._alt = self._alt or get("alt", "") or ("next" if drawn_next(get("src", "")) else "")
            case "a" | "area":
                self._alt = ""
                named = {"next"} if named_next(get("class", "")) else set()
                self._anchor(target(attributes), _words(attributes) | named)
            case "link":
                self._link(attributes)
            case "meta":
                self._meta(attributes)
            case _ if tag in FRAMES:
                sources = (get(name, "") for name in ("src", "data-src", "data-lazy-src"))
                self._page(next((one for one in sources if one and not one.startswith("about:")), ""), surely=True)
            case "form":
                self._forms.open = Form.of(attributes, self.url)
            case "input" | "button":
                if self._forms.open is not None:
                    self._forms.open.take(tag, attributes)
            case "select":
                self._select = (get("name", ""), 0)
                self._leads = "location" in get("onchange", "") + get("onclick", "")
            case "option" if "value" in attributes:
                self._option(attributes, attributes["value"])
        for name, value in attributes.items():
            if name == FILLED:
                self._forms.fill(value)
            elif name in NEXT:
                self._page(value, following=True)
            elif (name in URLS or _called(name)) and tag not in {"img", "iframe", "script", "source"}:
                self._endpoint(name, value, attributes)
            elif name.startswith("data-") and _JSON_FILE.fullmatch(value[:500]):
                self._page(value)
            elif page := clicked(name, value):
                self._page(page, following=bool(_MORE.search(_named(attributes))), surely=True)
            elif name in {"class", "id", "data-page", "data-total-pages", "data-max-pages"} and not self._more:
                shows = _MORE.search(value[:200]) and not _SLIDES.search(value[:200])
                self._more = name.startswith("data") or bool(shows)

    def elements(self, tag: str, found: Iterable[Attributes], base: str) -> None:
        """Look at several start tags, by their attributes."""
        for attributes in found:
            self.element(tag, attributes, base)

    def text(self, tag: str, attributes: Attributes, text: str, base: str) -> None:
        """Look at the text of an ``a``, button or option when it ends."""
        self.base = base
        alt = self._alt if tag == "a" else ""
        if tag == "a" and self._target in self.links and numbers(text, self._target, self.url):
            self.parts[self._target] = None
        if tag == "option":
            if "value" not in attributes and not _CHOOSE.match(text):
                self._option(attributes, text)
        elif (said := text.strip() or attributes.get("aria-label") or attributes.get("title") or alt) and said_next(
            said
        ):
            self._more = True
            names = ("href",) if tag == "a" and "nofollow" not in _words(attributes) else () if tag == "a" else URLS
            addressed = [url for name in names if attributes.get(name) and (url := resolve(base, attributes[name]))]
            self.next_links.update({url: None for url in addressed if url in self.links})

    def end(self, tag: str) -> None:
        """Look at an end tag."""
        if tag == "form":
            for url, following in self._forms.end():
                self._page(url, following=following)
        elif tag == "select":
            self._select = None

    def other(self, url: str) -> str | None:
        """The address of a page that is another than this one; None where it is none."""
        found = resolve(self.base, url) if url else ""
        return found if found and page_key(found) != page_key(self.url) and not acts(found) else None

    def more(self, url: str) -> None:
        """A URL that a script or JSON names as the next part."""
        self._follow(url, following=True)

    def script(self, text: str) -> None:
        """Where a short script of the page leads at once, unless it puts the address together: ``location.replace('/a')``."""
        for url, end in ends(text) if len(text) <= MAX_LEAVING and "location" in text else ():
            if not text[end:].lstrip().startswith("+"):
                self._page(url.replace("\\/", "/"), surely=True)

    def take(self, inner: Links) -> None:
        """Add what markup inside the page links to; flags are the page's own."""
        self.links.update(inner.links)
        self.next_links.update(inner.next_links)
        self.parts.update(inner.parts)

    def count(self) -> None:
        """The page is over: where no link is the next part by its words, it is the one whose number follows upon this page's."""
        shell = not self.links  # all that it leads to is left to a script
        for url in self._forms.sent():
            self._page(url)
        for url, pictured in self.stated.items():
            if pictured if self.answer else shell:
                self._page(url)
        following = counted(self.url, self.links) or gap(self.url, self.links) if not self.next_links else ""
        if following:
            self._follow(following, following=True)

    def guesses(self) -> list[str]:
        """URLs of a next part that no link names, where the page looks as if there were one, or is a part by its own URL."""
        return guessed(self.url, self.links, sure=self._more) if not self.next_links else []

    def _anchor(self, href: str, rel: set[str]) -> None:
        url = self._target = resolve(self.base, href) if href else ""
        if url and "nofollow" not in rel and not names_image(url) and extension(url) not in OTHER_EXTENSIONS:
            self._follow(url, following="next" in rel)

    def _page(self, text: str, *, following: bool = False, surely: bool = False) -> None:
        """A URL in an attribute that is no link: it must look like one, unless it is one ``surely``."""
        text = text.strip()
        if (
            text.startswith(("/", "?", "./", "../", "http://", "https://"))
            or (surely and text and not text.startswith("#"))
            or (following and re.match(r"[\w%-]+[/?.=&\w%-]*$", text[:300]))
            or _FILE.fullmatch(text[:MAX_URL])
        ):
            if text.isdigit() or text in {"true", "false"} or len(text) > MAX_URL:
                return
            url = resolve(self.base, text)
            if url and url != self.url and not names_image(url) and extension(url) not in OTHER_EXTENSIONS - {"json"}:
                self._follow(url, following=following)

    def _endpoint(self, name: str, value: str, attributes: Attributes) -> None:
        """An address from which a script fetches more, and its page that the element says is next."""
        following = bool(_MORE.search(_named(attributes)) or _FOLLOWS.search(name))
        self._page(value, following=following)
        number = attributes.get("data-page", "")[:6]
        if number.isascii() and number.isdigit() and "?" not in value:
            self._page(f"{value}?page={max(2, int(number))}", following=following)

    def _follow(self, url: str, *, following: bool) -> None:
        if url and (url in self.links or (not acts(url) and not prints(url, self.url) and self.budget.picture())):
            self.links[url] = None
            if following:
                self.next_links[url] = None

    def _link(self, attributes: Attributes) -> None:
        url, kinds = resolve(self.base, attributes.get("href", "")), _words(attributes)
        if url and kinds & {"next", "prev"}:
            self._follow(url, following="next" in kinds)
        elif "preload" in kinds and attributes.get("as") == "fetch":
            self._page(attributes.get("href", ""), surely=True)
        elif "alternate" in kinds and "iiif.io/api/presentation" in attributes.get("type", ""):
            self._page(url, surely=True)
        elif url and "alternate" in kinds and attributes.get("type", "").lower() in FEEDS:
            self.feeds[url] = None
        elif url and "amphtml" in kinds:
            self.amp = url

    def _meta(self, attributes: Attributes) -> None:
        name = (attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or "").lower()
        content = attributes.get("content", "").strip()
        if name in ROBOTS:
            words = {word.strip().lower() for word in content.split(",")}
            self.flags |= words & {"noindex", "nofollow"} | ({"noindex", "nofollow"} if "none" in words else set())
            self.flags |= {"noai"} if words & NOAI else set()
            self.metas[name] = content[:500]
        elif name in {"tdm-reservation", "tdm-policy"}:  # several make a list, as a repeated header does
            self.metas[name] = ", ".join(filter(None, (content[:500], self.metas.get(name, ""))))[:2_000]
        elif attributes.get("http-equiv", "").lower() == "refresh" and (match := _REFRESH.match(content)):
            self._page(match[1], surely=True)

    def _option(self, attributes: Attributes, value: str) -> None:
        if self._select is None or self._select[1] >= MAX_OPTIONS or "disabled" in attributes:
            return
        name, number = self._select
        self._select = (name, number + 1)
        value, form = value.strip(), self._forms.open
        if value.startswith(("/", "?", "http://", "https://")) or _FILE.fullmatch(value[:MAX_URL]) or self._leads:
            self._page(value, surely=self._leads)
        elif value and name and form is not None and form.sent:
            self._page(form.given((name, value)))


def link_header(value: str, base: str) -> list[str]:
    """The URLs of ``rel=next`` in a Link header (RFC 8288)."""
    found = [
        resolve(base, match[1]) for match in _LINK_VALUE.finditer(value[:20_000]) if _NEXT_PARAMETER.search(match[2])
    ]
    return [url for url in found if url]


@lru_cache(maxsize=2048)
def _called(name: str) -> bool:
    """Whether an attribute's name says that a script fetches more from its address, and does nothing else there."""
    return len(name) < 60 and _CALLED.fullmatch(name) is not None and not _ACTS.search(name)


def _words(attributes: Attributes) -> set[str]:
    return set(attributes.get("rel", "").lower().split())


def _named(attributes: Attributes) -> str:
    return f"{attributes.get('class', '')} {attributes.get('id', '')} {attributes.get('aria-label', '')}"[:300]
