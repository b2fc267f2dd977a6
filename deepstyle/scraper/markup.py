"""HTML elements -> pictures (pure): one pass over a page's start tags, end tags and texts, with a stack and no tree.

Every element is looked at once and asks its open ancestors through what they left on the stack, so that no nesting makes
a page slow. Links and flags are ``links.py``'s. Sources: HTML living standard; SVG 2; Open Graph protocol; AMP.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import unescape
from typing import Any

from deepstyle.scraper.attributes import Attributes, carried, custom, is_icon, is_lazy, offered, said, second, usable
from deepstyle.scraper.bases import NONE, Bases, bases_of
from deepstyle.scraper.budget import Budget
from deepstyle.scraper.candidates import ORIGINAL, Candidate, best, decodable, parse_css
from deepstyle.scraper.datasets import Datasets
from deepstyle.scraper.elements import FALLBACKS, IMAGES, TEXTS, Open, behind, folded, leads, led, named, painted, shown
from deepstyle.scraper.events import feed
from deepstyle.scraper.links import Links
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.pictures import Picture, merged, placed
from deepstyle.scraper.popups import Popups
from deepstyle.scraper.state import asked_for, flight_values, held, json_value, nuxt3, script_values, written
from deepstyle.scraper.sums import settled
from deepstyle.scraper.urls import resolve
from deepstyle.scraper.values import Found, read_values
from deepstyle.scraper.wrappings import stated

MAX_INNER = 3  # levels of markup inside markup: srcdoc, noscript, texts of JSON
MAX_SCRIPTS = 20  # whose names of files are looked for among the pictures shown


class Reader:
    """Reads the page of that normal URL, by ``events.feed``. ``beside``: other goods, too; ``left``: some were left out."""

    def __init__(self, url: str, budget: Budget, *, base: str = "", depth: int = 0, beside: bool = False) -> None:
        self.url, self.budget, self.depth, self.beside, self.left = url, budget, depth, beside, False
        self.base = base or url
        self.links = Links(url, budget)
        self.title = ""
        self.lead: str | None = None
        self.found: list[Picture] = []
        self._stack: list[Open] = []
        self._texts: list[str] = []
        self._listening = 0  # open elements whose text is wanted
        self._flight: list[str] = []
        self._names: list[list[str]] = []  # of files whose folder is not known
        self._based = bool(base)
        self._popups, self._datasets = Popups(), Datasets()

    # ---- events -------------------------------------------------------------------------------------------------

    def start(self, tag: str, attributes: Attributes) -> None:
        """An element begins."""
        if not self.budget.element():
            return
        attributes = self._popups.written(tag, self._datasets.noted(tag, attributes))
        outer = self._stack[-1] if self._stack else None
        one = Open(tag, attributes, outer, beside=self.beside)
        one.inner, one.text, self.left = len(self.found), len(self._texts), self.left or one.apart or one.others
        self._listening += tag in TEXTS
        self._stack.append(one)
        if tag in {"a", "area"} and attributes.get("href"):
            self._anchor(one)
        elif tag == "base" and not self._based and attributes.get("href"):
            self.base = self.links.base = resolve(self.url, attributes["href"]) or self.url
            self._based = True
        if tag in IMAGES and one.picture is None:
            self._image(one, [(tag, attributes)])
        elif one.picture is not None and one.picture is not one and one.is_size():
            one.picture.sources.append((tag, attributes))
        elif attributes:
            self._other(one)
        if attributes:
            self._painted(one)
        if attributes or tag in {"select", "form"}:
            self.links.element(tag, attributes, self.base)

    def end(self, _tag: str) -> None:
        """The innermost open element ends (the parser closes what the page forgot to)."""
        if not self._stack or self.budget.elements < 0:
            return
        one = self._stack.pop()
        if one.picture is one:
            self._image(one, one.sources if one.tag == "picture" else one.sources[::-1])
        if one.tag in TEXTS:
            self._listening -= 1
            self._text(one, one.piece(self._texts))
            if not self._listening:
                self._texts.clear()
        self.left = folded(one, self.found) or self.left
        if self._stack and one.tag not in {"noscript", "script", "br", "source"}:
            self._stack[-1].previous = one.previous
            one.passes(self._stack[-1], self.budget.elements)
        self.links.end(one.tag)

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._listening:
            self._texts.append(text)

    def close(self) -> None:
        """The page is over."""
        while self._stack and self.budget.elements >= 0:
            self.end("")
        self._values(flight_values("".join(self._flight), self.budget))
        self._flight.clear()
        self.links.elements("a", self._popups.late(), self.base)

    def json(self, text: str) -> Any:
        """Read a document that is JSON; returns its value."""
        value, self.links.answer = json_value(text, self.budget), True
        self._values([value])
        return value

    # ---- what was found -----------------------------------------------------------------------------------------

    def pictures(self) -> list[Picture]:
        """Each logical picture of the page once."""
        for names in self._names if self.budget.found >= 0 else ():
            self.found = placed(self.found, names, self.base)
        return merged(self.found)

    # ---- pictures -----------------------------------------------------------------------------------------------

    def _add(self, one: Candidate | None, *, detail: str | None = None) -> Picture | None:
        if one is None or self.budget.found < 0 or (self._stack and self._stack[-1].left):
            return None
        if not usable(one.url) or not decodable(one.url):
            return None
        url = resolve(self.base, one.url)
        if not url or url == self.url or unwanted(url, self.url) or not self.budget.picture():
            return None
        others = tuple(other for text in one.others if usable(text) and (other := resolve(self.base, text)))
        picture = Picture(url=url, rank=one.rank, width=one.width, title=one.title, detail=detail, others=others)
        self.found.append(picture)
        return picture

    def _anchor(self, one: Open) -> None:
        one.anchor = one
        url, picture = led(one.attributes, self.base)
        if "nofollow" in one.attributes.get("rel", "").lower().split():
            return
        if picture and decodable(picture):
            full = Candidate(url=picture, rank=ORIGINAL, title=one.attributes.get("title", ""))
            one.place = self._add(full, detail=None if url == picture else url)  # a viewer is looked at first
        else:
            one.detail = behind(one.attributes, url, self.base, self.url)

    def _image(self, one: Open, sources: list[tuple[str, Attributes]]) -> None:
        image = next((attributes for tag, attributes in sources if tag in IMAGES), one.attributes)
        if one.marks(image):
            return
        options = [option for tag, attributes in sources for option in offered(attributes, source=tag == "source")]
        chosen = best([option for option in options if resolve(self.base, option.url)])
        if chosen is None:
            return
        title = image.get("alt") or image.get("title") or ""
        chosen = replace(chosen, title=title, width=chosen.width or said(image))
        anchor = one.anchor
        if anchor is not None and anchor.place is not None:  # the link's own picture is this one, larger
            anchor.place.within(chosen, [resolve(self.base, url) for url in (chosen.url, *chosen.others)])
            anchor.place.title = title or anchor.place.title
            return
        before = one.noscript.previous if one.noscript is not None else None
        if before is not None and is_lazy(before[0]):  # the fallback of the lazy image before it
            before[1].improve(resolve(self.base, chosen.url), chosen)
            return
        if larger := one.enlarged(resolve(self.base, chosen.url), self.url):
            chosen = replace(chosen, url=larger, rank=ORIGINAL, width=None, others=(chosen.url, *chosen.others))
        picture = self._add(chosen, detail=anchor.detail if anchor and not larger else None)
        if picture is not None:
            picture.sizes = picture.others
            one.previous = (image if not any(is_lazy(part) for _, part in sources) else {"class": "lazy"}, picture)
            if one.figure is not None and not title:
                one.figure.append(picture)
            for other in second(image):
                self._add(other, detail=picture.detail)

    def _other(self, one: Open) -> None:
        """Elements that are no images but carry one: meta and link, SVG, video, objects, and what galleries read."""
        tag, attributes = one.tag, one.attributes
        if tag in {"meta", "link"}:
            picture = self._add(named(tag, attributes))
            if picture is not None:
                picture.leads = tag == "meta"
                self.lead = self.lead or (picture.url if leads(attributes) else None)
            return
        if tag == "iframe" and attributes.get("srcdoc"):
            self._inner(attributes["srcdoc"])
        for own in custom(tag, attributes):
            self._add(replace(own, title=one.title()))
        if url := shown(tag, attributes, self.base):
            added = None if is_icon(attributes) else self._add(Candidate(url=url, title=one.title()))
            one.place = added if tag in FALLBACKS else one.place
        elif tag not in {"script", "source", "video", "iframe"} and (chosen := best(carried(attributes))):
            if one.place is not None:
                one.place.carry(chosen, [resolve(self.base, url) for url in (chosen.url, *chosen.others)])
            else:
                one.place = self._add(replace(chosen, title=one.title()))

    def _painted(self, one: Open) -> None:
        """Backgrounds, and JSON in attributes."""
        for name, value in one.attributes.items():
            if "<img" in value and name != "srcdoc" and (name == "title" or name.startswith("data-")):
                self._inner(value)
            elif (text := stated(name, value)) and not one.leads_home({}):
                before = len(self.found)
                self._values([json_value(text, self.budget)], bases=bases_of(text))
                if one.place is not None and ("source" in name or "srcset" in name):
                    one.place.also(picture.url for picture in self.found[before:])
                    del self.found[before:]
                if one.tag == "a" and one.place is None and len(self.found) - before == 1:
                    one.place = self.found[before]
                one.inner += len(self.found) - before  # these are no thumbnails of what the element carries
        anchor, found = one.anchor, painted(one.tag, one.attributes)
        found += [] if one.tag in IMAGES else second(one.attributes)
        if not found or (anchor and anchor.place) or one.marks(one.attributes):
            return
        for chosen in found:
            self._add(replace(chosen, title=one.title()), detail=anchor.detail if anchor else None)

    def _text(self, one: Open, text: str) -> None:
        match one.tag:
            case "title":
                self.title = self.title or text
            case "figcaption" if one.figure:
                for picture in one.figure:
                    picture.title = picture.title or text
                one.figure.clear()
            case "h2" | "h3" | "h4" | "h5" | "h6" if self._stack:
                self._stack[-1].heads(text, self.budget.elements)
            case "a" if one.place is not None:
                one.place.say(text)
            case "style":
                for chosen in parse_css(text):
                    if drawn := self._add(chosen):
                        drawn.sizes = drawn.others
            case "script":
                self._script(one.attributes, text)
            case "textarea" if text.lstrip()[:1] in {"{", "["}:
                self._values([json_value(text, self.budget)])
            case "noscript" | "textarea" if ("<" in text or "&lt;" in text) and not one.is_size():
                self._inner(text, before=one.noscript)
        if one.tag in {"a", "button", "option"}:
            self.links.text(one.tag, one.attributes, text[:200], self.base)

    def _script(self, attributes: Attributes, text: str) -> None:
        kind = attributes.get("type", "").lower().partition(";")[0].strip()
        holds = held(kind, text)
        if holds == "values":
            value = json_value(text, self.budget)
            if attributes.get("id") == "__NUXT_DATA__" or "data-nuxt-data" in attributes:
                value = nuxt3(value, self.budget)
            self._values([value], schema=kind == "application/ld+json", bases=bases_of(text))
        elif holds == "markup":
            self._inner(text)
        elif holds == "code":
            self._popups.learn(text)
            text = settled(self._datasets.spelled(text), self.budget)
            self._inner(written(text))
            self.links.script(text)
            for url in asked_for(text):
                self.links.more(resolve(self.base, url))
            values = list(script_values(text, self.budget))
            self._flight += [value for name, value in values if name == "flight"]
            self._values([value for name, value in values if name != "flight"], bases=bases_of(text))

    def _values(self, values: Iterable[Any], *, schema: bool = False, depth: int = 0, bases: Bases = NONE) -> None:
        found = Found(bases=bases)
        for value in values:
            read_values(value, found, self.budget, schema=schema)
        for one in found.pictures:
            if self.budget.found >= 0 and (picture := self._add(one, detail=self.links.other(one.detail))):
                picture.sizes = picture.others
        self._names += [list(found.names)] if found.names and len(self._names) < MAX_SCRIPTS else []
        for url in dict.fromkeys(found.following):
            self.links.more(resolve(self.base, url))
        self.links.stated.update(found.pages)
        for text in found.markup:
            self._inner(text)
        if found.json and depth < MAX_INNER:
            self._values([json_value(text, self.budget) for text in found.json], depth=depth + 1, bases=bases)

    def _inner(self, text: str, *, before: Open | None = None) -> None:
        """Markup inside markup: an escaped noscript, HTML in JSON, the srcdoc of an iframe."""
        if not text or self.depth >= MAX_INNER or not self.budget.in_time():
            return
        inner = Reader(self.url, self.budget, base=self.base, depth=self.depth + 1, beside=self.beside)
        feed(unescape(text) if "&lt;" in text else text, inner, self.budget)
        lazy = before.previous if before is not None else None
        if lazy is not None and is_lazy(lazy[0]) and len(inner.found) == 1:
            one = inner.found[0]
            lazy[1].improve(one.url, Candidate(url=one.url, rank=one.rank, width=one.width))
        else:
            self.found += inner.found
        self.links.take(inner.links)
