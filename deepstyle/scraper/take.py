"""What a worker thread does, away from the catalog: fetch and parse a page; fetch, check and hash a photo (edge)."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deepstyle.config import ScrapeConfig
from deepstyle.records import Listing
from deepstyle.scraper.answer import RETRIED, Fetched
from deepstyle.scraper.check import Checked, check
from deepstyle.scraper.ends import begun
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.links import link_header
from deepstyle.scraper.pages import Kind, Page, parse
from deepstyle.scraper.reservations import meta_statements
from deepstyle.scraper.sites import ranked

Render = Callable[[Fetched], str]
DOT = 16  # pixels: longer side of a picture that stands for none
FINAL = frozenset({"ok", "noai", "too-small", "stopped", "host-busy"})  # no other URL of the same picture is asked for


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A page as it was fetched; ``page`` is None unless the answer is ``ok``. ``again``: ask again after so many seconds.

    ``sitemaps``: those that its host's robots.txt names, of a page that was given.
    """

    answer: Fetched
    kind: Kind = "page"
    page: Page | None = None
    again: float | None = None
    sitemaps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A photo as it was fetched, and what its bytes are; ``photo`` is None unless the answer is ``ok``.

    ``again``: go on with this errand after ``after`` seconds; nothing is decided before. ``source``: the URL that gave it,
    where robots.txt forbids the picture's best one: the photo counts as that one's.
    """

    answer: Fetched
    photo: Checked | None = None
    again: Errand | None = None
    after: float = 0.0
    source: str = ""

    @property
    def outcome(self) -> str:
        """``ok``, one of Fetcher's outcomes, or what is wrong with the bytes."""
        return self.answer.outcome if self.photo is None else self.photo.outcome


@dataclass(frozen=True, kw_only=True)
class Errand:
    """How far a picture has come: which of its URLs is next, how often that was asked for, how its best URL ended."""

    url: str
    index: int = 0
    tries: int = 0
    first: Taken | None = None
    failed: Taken | None = None  # how it ended before, when that may have passed since


def visit_given(
    fetcher: Fetcher, url: str, tries: int = 0, before: Fetched | None = None, render: Render | None = None
) -> Visit:
    """``visit`` for a page that was given, with its host's sitemaps: its robots.txt has been asked for then."""
    found = visit(fetcher, url, tries, before, render)
    if found.answer.outcome in {"stopped", "host-busy", "unreadable"}:
        return found
    return replace(found, sitemaps=tuple(fetcher.sitemaps(url)))


def visit(
    fetcher: Fetcher, url: str, tries: int = 0, before: Fetched | None = None, render: Render | None = None
) -> Visit:
    """Fetch and parse a page, sitemap or feed, unless it is as ``before``; whatever goes wrong is the outcome of this page.

    ``render``: runs a page's scripts and gives its DOM as HTML; where it fails the page is read as it came.
    """
    try:
        answer = fetcher.once(url, "page", tries=tries, before=before)
        if answer.outcome in RETRIED and tries < fetcher.retries(answer, fetcher.config.retries):
            return Visit(answer=answer, again=fetcher.wait_after(answer, tries))
        if answer.outcome == "ok" and begun(answer.body):  # said to be text, or nothing was said of its kind
            answer = replace(answer, outcome="image")
        if answer.outcome != "ok":
            return Visit(answer=answer)
        body, charset, failed = _rendered(answer, render)
        kind, page = parse(body, answer.final_url, charset=charset, content_type=answer.content_type)
        answer = replace(answer, detail=failed) if failed else answer
        return _visited(fetcher, answer, kind, page)
    except Exception as error:  # noqa: BLE001 - one bad page must not end the crawl
        return Visit(answer=_unreadable(url, "page", error))


def _visited(fetcher: Fetcher, answer: Fetched, kind: Kind, page: Page) -> Visit:
    """A page that was read, with what is reserved, what its Link header adds, and what was cut off."""
    if fetcher.saved(answer.final_url):
        page = replace(page, listings=tuple(_from_disk(fetcher, one) for one in page.listings))
    unwanted = page.noai
    found = fetcher.reservation(answer, [*answer.stated, *meta_statements(page.reservations)])
    if found.reserved:  # its pictures are not asked for; its links lead on, as those of a noai page
        page = replace(page, noai=True)
    said = (
        [f"meta: {name}: {text}" for name, text in page.reservations if not name.startswith("tdm")] if unwanted else []
    )
    answer = replace(answer, reservation="; ".join(filter(None, [*said, found.words])))
    following = link_header(answer.link, answer.final_url)
    if following:
        links = tuple(dict.fromkeys([*page.links, *following]))
        page = replace(page, links=links, next_links=tuple(dict.fromkeys([*page.next_links, *following])))
    if page.cut:
        answer = replace(answer, detail=f"more {page.cut} than a page may have: only the first part was read")
    return Visit(answer=answer, kind=kind, page=page)


def _rendered(answer: Fetched, render: Render | None) -> tuple[bytes, str | None, str]:
    """Body and charset of an HTML page after its scripts have run; of any other as it came. Last why that failed, or nothing."""
    if render is None or "html" not in (answer.content_type or "text/html"):
        return answer.body, answer.charset, ""
    try:
        return render(answer).encode("utf-8", "replace"), "utf-8", ""
    except Exception as error:  # noqa: BLE001 - one page that a browser cannot show must not end the crawl
        return answer.body, answer.charset, f"not rendered: {type(error).__name__}: {error}"[:300]


def _from_disk(fetcher: Fetcher, one: Listing) -> Listing:
    """A picture of a saved page: the size that was saved with it, if one was, and no other."""
    local = next((url for url in (one.image_url, *one.fallbacks) if fetcher.saved(url)), None)
    return one if local is None else replace(one, image_url=local, fallbacks=(), detail_url=None)


def look(fetcher: Fetcher, one: Listing) -> Taken:
    """What would be done about a picture, which is not asked for: what its host's files reserve its own header may free."""
    answer = fetcher.look(one.image_url, "image")
    if answer.outcome == "wanted" and (found := fetcher.reservation(answer, ())).reserved:
        answer = replace(answer, outcome="noai", detail=found.words[:300], reservation=found.words)
    return Taken(answer=answer)


def take(
    fetcher: Fetcher, one: Listing, config: ScrapeConfig, known: Container[str], errand: Errand | None = None, *,
    retries: int | None = None,
) -> Taken:  # fmt: skip
    """Fetch a photo and look at it; bytes whose hash is ``known`` are not decoded again.

    When its URL is refused or gives no photo, its fallbacks are asked for in their order. The answer keeps the picture's
    URL; ``final_url`` and ``detail`` say where the photo came from. What no URL gives ends as its first URL ended. A URL that
    fails for a while is an ``errand`` to go on with, as often as ``retries`` (the config's) allows.
    """
    errand = errand or Errand(url=one.image_url)
    most = config.retries if retries is None else retries
    first, tries = errand.first, errand.tries
    urls = (one.image_url, *one.fallbacks)
    for index in range(errand.index, len(urls)):
        url = urls[index]
        try:
            answer = fetcher.once(url, "image", referer=one.page_url, tries=tries)
            photo = check(answer.body, config, known) if answer.outcome == "ok" or _unended(answer) else None
            if photo is not None and photo.outcome == "ok":
                answer = replace(answer, outcome="ok")  # whole, though its end is missing
            if answer.outcome in RETRIED and tries < fetcher.retries(answer, most):
                again = replace(errand, index=index, tries=tries + 1, first=first)
                return Taken(answer=answer, again=again, after=fetcher.wait_after(answer, tries))
            taken = Taken(answer=answer, photo=photo)
        except Exception as error:  # noqa: BLE001 - one bad photo must not end the crawl
            taken = Taken(answer=_unreadable(url, "image", error))
        tries = 0
        if first is None:
            first = taken
        elif taken.outcome == "ok":
            detail = f"{first.outcome} at the best URL; taken from {url}"
            source = url if first.outcome == "robots" else ""
            return replace(taken, answer=replace(taken.answer, url=one.image_url, detail=detail), source=source)
        if taken.outcome in FINAL and not (_is_dot(taken) or _is_guess(taken, url, urls[index + 1 :])):
            break
    assert first is not None
    return first


def _unended(answer: Fetched) -> bool:
    """Whether a picture came until its connection ended, without its end: it may be cut."""
    return answer.outcome == "truncated" and bool(answer.body)


def _is_dot(taken: Taken) -> bool:
    """Whether a picture is a dot, as servers send for what they do not have: the page may show more."""
    info = taken.photo.info if taken.photo is not None else None
    return taken.outcome == "too-small" and info is not None and max(info.width, info.height) <= DOT


def _is_guess(taken: Taken, url: str, others: Sequence[str]) -> bool:
    """Whether a site's rule made this URL of one of the others: it may be a placeholder, where the page's own is the photo."""
    return taken.outcome == "too-small" and any(url in ranked(other)[:-1] for other in others)


def _unreadable(url: str, kind: Literal["page", "image"], error: Exception) -> Fetched:
    detail = f"{type(error).__name__}: {error}"[:300]
    return Fetched(outcome="unreadable", kind=kind, url=url, final_url=url, detail=detail)
