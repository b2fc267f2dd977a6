"""Sitemaps and feeds: bytes -> page URLs and pictures (pure). XML is read without entities, DTDs and network.

Sources: sitemaps.org 0.9 with Google's image extension; RSS 2.0; Media RSS; RFC 4287 (Atom), 5005 (paged feeds); JSON Feed 1.1.
Each function returns plain tuples; ``pages.py`` turns them into its ``Page``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from deepstyle.scraper.urls import names_image, resolve


@dataclass(kw_only=True)
class FeedItems:
    """What a sitemap or feed holds: pictures as (image, page, title, width), pages, the next part, embedded HTML."""

    pictures: list[tuple[str, str, str, int | None]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    next_links: list[str] = field(default_factory=list)
    markup: list[tuple[str, str]] = field(default_factory=list)  # (HTML, URL of its page)
    title: str = ""


def json_feed(value: Any, url: str) -> list[str]:
    """The pages of a JSON Feed's items (jsonfeed.org); none of what is no such feed."""
    if not isinstance(value, dict) or "jsonfeed.org/version" not in str(value.get("version"))[:100]:
        return []
    items = value.get("items")
    named = [one.get("url") for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    found = [resolve(url, one) for one in named if isinstance(one, str)]
    return [one for one in dict.fromkeys(found) if one and not names_image(one)]


def read_xml(body: bytes) -> etree._Element | None:
    """The root of an XML document, repaired where it is broken; None when there is none.

    Entities are not expanded (billion laughs), DTDs and external entities not loaded (XXE), no network, lxml's size
    limits stay on.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        return etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError, LookupError):
        return None


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _space(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[0].lower() if isinstance(element.tag, str) else ""


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(part for part in element.itertext() if isinstance(part, str)).strip()


def _children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    return (child for child in element if _name(child) in names)


def _first(element: etree._Element, *names: str) -> etree._Element | None:
    return next(_children(element, *names), None)


def read_sitemap(body: bytes, url: str) -> FeedItems:
    """A sitemap index, a ``urlset`` with ``image:loc``, or a plain text sitemap (one URL a line)."""
    found = FeedItems()
    if b"<" not in body[:4096]:
        lines = body.decode("utf-8-sig", "replace").split()
        found.links = [link for line in lines if line.startswith("http") and (link := resolve(url, line))]
        return found
    root = read_xml(body)
    for entry in root if root is not None else ():
        page = resolve(url, _text(_first(entry, "loc")))
        if not page:
            continue
        found.links.append(page)
        for image in _children(entry, "image"):
            address = resolve(url, _text(_first(image, "loc")))
            title = _text(_first(image, "title")) or _text(_first(image, "caption"))
            found.pictures.append((address, page, title, None))
    return found


def read_feed(body: bytes, url: str) -> FeedItems:
    """An RSS 0.9 to 2.0, RDF or Atom feed: enclosures, media:content, and the HTML inside descriptions."""
    found = FeedItems()
    root = read_xml(body)
    if root is None:
        return found
    channel = _first(root, "channel") if _name(root) == "rss" else root
    found.title = _text(_first(root if channel is None else channel, "title"))
    for link in root.iter():
        if _name(link) == "link" and link.get("rel") == "next":
            found.next_links.append(resolve(url, link.get("href", "")))
    for item in root.iter():
        if _name(item) in {"item", "entry"}:
            _read_item(item, url, found)
    return found


def _read_item(item: etree._Element, url: str, found: FeedItems) -> None:
    page = ""
    for link in _children(item, "link"):
        if link.get("rel", "alternate") == "alternate" and not page:
            page = resolve(url, link.get("href") or _text(link))
    if page:
        found.links.append(page)
    title = _text(_first(item, "title"))
    pictures = [*_enclosures(item, url), *_named(item, url), *_media(item, url)]
    found.pictures += [(address, page or url, title, width) for address, width in dict(pictures).items()]
    for part in _children(item, "description", "encoded", "content", "summary"):
        if "media" in _space(part) or "mrss" in _space(part):
            continue
        if part.get("type") == "xhtml":
            found.markup.append((etree.tostring(part, encoding="unicode", with_tail=False), page or url))
        elif "<" in (text := _text(part)):
            found.markup.append((text, page or url))


def _is_image(kind: str | None, address: str) -> bool:
    return kind.startswith("image") and "svg" not in kind if kind else names_image(address)


def _enclosures(item: etree._Element, url: str) -> Iterator[tuple[str, int | None]]:
    for part in _children(item, "enclosure", "link"):
        if _name(part) == "link" and part.get("rel") != "enclosure":
            continue
        address = resolve(url, part.get("url") or part.get("href") or "")
        if address and _is_image(part.get("type"), address):
            yield address, None


def _named(item: etree._Element, url: str) -> Iterator[tuple[str, int | None]]:
    """Elements that are called images and hold nothing but an address: shops' ``g:image_link``, ``<image><url>``."""
    for part in item:
        if "image" in _name(part) or _name(part) in {"photo", "picture"}:
            for text in (_text(part), _text(_first(part, "url"))):
                if 0 < len(text) < 2_000 and " " not in text and names_image(address := resolve(url, text)):
                    yield address, None


def _media(item: etree._Element, url: str) -> Iterator[tuple[str, int | None]]:
    """Media RSS: of a group the widest; else each content by itself; a thumbnail only when there is nothing else."""
    some = False
    for part in _children(item, "group", "content"):
        options = [part] if _name(part) == "content" else list(_children(part, "content"))
        sized: list[tuple[str, int | None]] = []
        for option in options:
            address = resolve(url, option.get("url", ""))
            if address and _is_image(option.get("medium") or option.get("type"), address):
                width = option.get("width", "")
                sized.append((address, int(width) if width.isascii() and width.isdigit() and len(width) < 7 else None))
        if sized:
            some = True
            yield max(sized, key=lambda one: one[1] or 0)
    for part in item.iter() if not some else ():
        if _name(part) == "thumbnail" and (address := resolve(url, part.get("url", ""))):
            yield address, None
