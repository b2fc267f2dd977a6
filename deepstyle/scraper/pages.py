"""Page bytes -> Listings and links. Pure: nothing is fetched here, and no input raises.

Rule 1: one logical picture is ONE Listing, with the best URL that the markup, or what is known of the site, offers. Its other
URLs are ``fallbacks``.
Rule 2: a thumbnail that links to a picture file is replaced by that file. A thumbnail that links to a page carries
that page as ``detail_url``: the loop looks there first.
Rule 3: icons (an explicit side under 64 pixels), ``data:`` URLs and vector graphics are no photos.

Understood: img, srcset, picture, SVG images, video posters, lazy-loading and gallery attributes, noscript, links to originals,
CSS backgrounds, og:image, microdata, preloads, JSON-LD, JSON and JavaScript state (Next.js, Nuxt), JSON in attributes, AMP;
addresses that scripts put together of strings, lists and counting loops that they state;
base href; sitemaps with image:loc; RSS, Media RSS and Atom; JSON that a "load more" button fetches.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from typing import Literal

from deepstyle.files import whole
from deepstyle.records import Listing
from deepstyle.scraper.budget import MAX_BYTES, Budget
from deepstyle.scraper.candidates import decodable
from deepstyle.scraper.charsets import decoded
from deepstyle.scraper.events import feed, feed_tolerantly
from deepstyle.scraper.feeds import FeedItems, json_feed, read_feed, read_sitemap
from deepstyle.scraper.marks import unwanted
from deepstyle.scraper.markup import Reader
from deepstyle.scraper.pictures import Picture, merged
from deepstyle.scraper.series import ends, guessed_part, next_part
from deepstyle.scraper.urls import normalise

__all__ = ["Listing", "Page", "normalise", "parse", "parse_feed", "parse_html", "parse_sitemap"]

Kind = Literal["page", "sitemap", "feed"]
MAX_TITLE = 500  # characters
MAX_UNPACKED = 50_000_000  # bytes of a .xml.gz sitemap: the limit of sitemaps.org


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page, sitemap or feed offers: pictures, pages to go on with, feeds.

    ``next_links``: the pages of rel=next, ``parts`` a pager's others. ``lead_image`` is the page's og:image or twitter:image.
    The flags come from ``<meta name=robots>``; ``noai`` also stands for noimageai and noml. ``reservations``: what meta
    elements state, as (name, content). ``guesses``: URLs of a next part that no link names. ``cut``: the limit of
    ``budget.py`` at which reading stopped, or empty.
    """

    listings: tuple[Listing, ...] = ()
    links: tuple[str, ...] = ()
    next_links: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    title: str = ""
    lead_image: str | None = None
    noindex: bool = False
    nofollow: bool = False
    noai: bool = False
    guesses: tuple[str, ...] = ()
    cut: str = ""
    reservations: tuple[tuple[str, str], ...] = ()


_XML = re.compile(r"^\s*<\?xml[^>]*+>")
_CALLED = re.compile(rb"\s{0,20}(?:/\*\*/)?\s{0,20}[\w$.]{1,60}\(\s{0,20}(?=[{\[])")
_ROOT = re.compile(  # possessive: what stands before the root is read in one way only
    rb"(?>(?:\s++|<\?xml.{0,500}?\?>|<!--.{0,2000}?-->)*)<(?:\w+:)?(urlset|sitemapindex|rss|feed|rdf)\b",
    re.DOTALL | re.IGNORECASE,
)


def parse(body: bytes, url: str, *, charset: str | None = None, content_type: str = "") -> tuple[Kind, Page]:
    """Parse whatever a page URL answered with, told by its bytes: HTML, a sitemap (also gzip or text), a feed."""
    if body[:2] == b"\x1f\x8b":
        body = _unpacked(body)
    root = _ROOT.match(body.removeprefix(b"\xef\xbb\xbf")[:8192])
    if root and root[1].lower() in {b"urlset", b"sitemapindex"}:
        return "sitemap", parse_sitemap(body, url)
    if root:
        return "feed", parse_feed(body, url)
    if content_type == "text/plain" and b"<" not in body[:4096]:
        return "sitemap", parse_sitemap(body, url)
    if (called := _CALLED.match(body[:300])) and body.rstrip()[-2:] in {b");", b"})", b"])"}:  # JSONP
        return "page", parse_json(body[called.end() :].rstrip().rstrip(b");"), url, charset=charset)
    if content_type.endswith("json") or (
        body[:200].lstrip()[:1] in {b"{", b"["} and b"<html" not in body[:4096].lower()
    ):
        return "page", parse_json(body, url, charset=charset)
    return "page", parse_html(body, url, charset=charset)


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MAX_UNPACKED)
    except zlib.error:
        return b""


def parse_html(body: bytes, url: str, *, charset: str | None = None, budget: Budget | None = None) -> Page:
    """Parse an HTML page that was fetched from ``url``; ``charset`` is the one of the Content-Type header, if any."""
    if b"<" not in body:
        return Page()
    budget = budget or Budget()
    if len(body) > MAX_BYTES:
        body, budget.cut = body[:MAX_BYTES], "bytes"
    text = _XML.sub("", decoded(body, charset), count=1)
    for beside in (False, True):  # what stands beside photos is what there is, where there are none
        reader = Reader(normalise(url) or url, budget, beside=beside)
        feed(text, reader, budget)
        if not reader.found and not reader.links.links:
            feed_tolerantly(text, reader)
        reader.close()
        if reader.found or not reader.left:
            break
    return _of(reader)


def parse_json(body: bytes, url: str, *, charset: str | None = None, budget: Budget | None = None) -> Page:
    """Parse what a "load more" endpoint answers: JSON with pictures, or with HTML in its texts."""
    reader = Reader(normalise(url) or url, budget or Budget())
    value = reader.json(decoded(body[:MAX_BYTES], charset))
    if not reader.links.next_links and (following := next_part(value, reader.url)):
        reader.links.more(normalise(following))
    page = _of(reader)
    page = replace(page, links=tuple(dict.fromkeys([*page.links, *json_feed(value, reader.url)])))
    page = replace(page, listings=tuple(_beside(one, reader.url) for one in page.listings))
    guesses = () if ends(value) else tuple(filter(None, (guessed_part(value, reader.url), *page.guesses)))
    return replace(page, guesses=() if page.next_links else guesses)


def _beside(one: Listing, url: str) -> Listing:
    """A picture in the folder of a JSON file, or in one beside that: scripts resolve its names against their page's address."""
    folder = url.partition("?")[0].rpartition("/")[0] + "/"
    above = folder[:-1].rpartition("/")[0] + "/"
    if not one.image_url.startswith(folder) or above.endswith("//"):
        return one
    return replace(one, fallbacks=(*one.fallbacks, above + one.image_url.removeprefix(folder)))


def _of(reader: Reader) -> Page:
    listings = (
        Listing(
            image_url=one.url, page_url=reader.url, title=_tidy(one.title), width_hint=one.width, detail_url=one.detail,
            fallbacks=one.others,
        )
        for one in reader.pictures()
    )  # fmt: skip
    links = reader.links
    links.count()
    if links.amp and all(one.detail for one in reader.found):  # a logo that leads home, say: its scripts may show more
        links.more(links.amp)
    return Page(
        listings=tuple(listings), links=tuple(links.links), next_links=tuple(links.next_links), parts=tuple(links.parts),
        feeds=tuple(links.feeds), guesses=tuple(links.guesses()), title=_tidy(reader.title), lead_image=reader.lead,
        cut=reader.budget.cut,
        noindex="noindex" in links.flags, nofollow="nofollow" in links.flags, noai="noai" in links.flags,
        reservations=tuple(links.metas.items()),
    )  # fmt: skip


def parse_sitemap(body: bytes, url: str) -> Page:
    """Parse a sitemap index, a urlset (with Google's image extension) or a plain text sitemap."""
    return _page(read_sitemap(body, url))


def parse_feed(body: bytes, url: str) -> Page:
    """Parse an RSS, RDF or Atom feed; pictures come from enclosures, media:content and the HTML in descriptions."""
    found = read_feed(body, url)
    page = _page(found)
    inner = [parse_html(markup.encode("utf-8", "replace"), where, charset="utf-8") for markup, where in found.markup]
    return replace(page, listings=_once([*page.listings, *(one for part in inner for one in part.listings)]))


def _once(listings: list[Listing]) -> tuple[Listing, ...]:
    """Each photo once, at its best size, with the page of the first listing of it."""
    pages: dict[str, str] = {}
    for one in listings:
        pages.setdefault(one.image_url, one.page_url)
    found = merged(
        Picture(
            url=one.image_url, rank=float(one.width_hint or 1), width=one.width_hint, title=one.title, detail=one.detail_url,
            others=one.fallbacks,
        )
        for one in listings
    )  # fmt: skip
    return tuple(
        Listing(
            image_url=one.url, page_url=next(pages[url] for url in (one.url, *one.others, *pages) if url in pages),
            title=one.title, width_hint=one.width, detail_url=one.detail, fallbacks=one.others,
        )
        for one in found
    )  # fmt: skip


def _page(found: FeedItems) -> Page:
    unique = {
        image: Listing(image_url=image, page_url=page, title=_tidy(title), width_hint=width)
        for image, page, title, width in found.pictures
        if image and decodable(image) and not unwanted(image, page)
    }
    links, following = dict.fromkeys([*found.links, *found.next_links]), dict.fromkeys(found.next_links)
    return Page(
        listings=tuple(unique.values()), links=tuple(link for link in links if link),
        next_links=tuple(link for link in following if link), title=_tidy(found.title),
    )  # fmt: skip


def _tidy(text: str) -> str:
    return whole(" ".join(text.split())[:MAX_TITLE])
