"""What a person gives to scrape -> addresses to begin with, lists, and saved pages (edge)."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deepstyle.catalog_crawl import Crawl
from deepstyle.errors import InputError, UsageError
from deepstyle.files import exists, shown, whole
from deepstyle.records import Listing
from deepstyle.scraper.frontier import Frontier
from deepstyle.scraper.lists import SUFFIXES, Row, is_list, read_list
from deepstyle.scraper.saved import ARCHIVES, HTML, Saved, is_saved
from deepstyle.scraper.templates import GAP
from deepstyle.scraper.urls import normalise, origin

_OWN = re.compile(
    r"(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?(/|$)", re.IGNORECASE
)  # a server of one's own has no certificate
BATCH = 5_000  # rows of a list that are put into the catalog together


@dataclass(frozen=True, kw_only=True)
class Sources:
    """``starts``: addresses of pages; ``lists``: files of addresses, ``-`` for standard input; ``saved``: pages on disk."""

    starts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    saved: Saved = field(default_factory=Saved)

    @property
    def key(self) -> str:
        """What a crawl of these is known by, so that the same command continues it."""
        return " ".join([*self.starts, *(_address(one) for one in self.lists), *self.saved.pages])


def read_sources(given: Iterable[str]) -> Sources:
    """Sort what was given. Raises UsageError for what is neither a web address nor a list."""
    starts: dict[str, None] = {}
    lists: dict[str, None] = {}
    saved = Saved()
    for one in given:
        url = normalise(one)
        if GAP.search(one) and url:
            raise UsageError(f"URL {shown(one)}: has a gap; give it as --template, with --values for what fills it")
        if url:
            starts[url] = None
        elif is_list(one) and (one == "-" or exists(Path(one))):
            lists[one] = None
        elif is_saved(Path(one.removeprefix("file://"))):
            saved.add(Path(one.removeprefix("file://")))
        else:
            raise UsageError(_neither(one))
    if not starts and not lists and not saved.pages:
        raise UsageError("SOURCE: give the address of a gallery, e.g. https://a-gallery.example/fall-2026/")
    return Sources(starts=tuple(starts), lists=tuple(lists), saved=saved)


def _neither(one: str) -> str:
    path = one.removeprefix("file://")
    if os.path.lexists(path):
        return f"URL {shown(one)}: a place on this machine; use `deepstyle add {shlex.quote(shown(path))}`"
    if "://" not in path and Path(path).suffix.lower() in SUFFIXES | HTML | ARCHIVES:
        return f"{shown(path)}: there is no such file; for a web address, begin it with https://"
    scheme = "http" if _OWN.match(one.strip()) else "https"
    hint = f"write {scheme}://{one.strip()}" if "://" not in one else "it must start with http:// or https://"
    if one.strip().lower().startswith(("http://", "https://")):
        hint = "it has no host, or one that cannot be read; write it as https://a-gallery.example/fall-2026/"
    return f"URL {shown(one)!r}: not a web address; {hint}"


def _address(source: str) -> str:
    return "stdin:" if source == "-" else Path(os.path.abspath(source)).as_uri()  # noqa: PTH100  # links as they are


def enlist(
    sources: Sources, crawl: Crawl, frontier: Frontier, at_home: Callable[[Iterable[str]], None] | None = None
) -> tuple[int, int]:
    """Queue saved pages and the lists' rows, a batch at a time: how many were new, how many were no addresses.

    ``at_home`` is told the lists' addresses.
    """
    strange = 0
    new = sum(frontier.add(url, None, frontier.deepest, anywhere=True) for url in sources.saved.pages)
    if new:
        crawl.reopen()
    for source in sources.lists:
        place = _address(source)
        rows = read_list(source)
        seen = empty = 0
        while batch := list(islice(rows, BATCH)):
            seen += len(batch)
            empty += sum(not row.url for row in batch)
            if at_home is not None:
                at_home(row.url for row in batch if row.url)
            new += crawl.add_rows(_pictures(batch, place))
            new += _pages(batch, place, crawl, frontier)
        if not seen:
            raise InputError(f"{shown(source)}: the list is empty; write an address a line")
        if seen == empty:
            raise InputError(f"{shown(source)}: none of its {seen:,} rows holds an address; write one a line")
        strange += empty
    return new, strange


def _pictures(batch: Sequence[Row], place: str) -> Iterator[tuple[Listing, str]]:
    for row in batch:
        if row.url and row.picture:
            page = next(
                (found for name in ("page_url", "page") if (found := normalise(str(row.more.get(name, ""))))), place
            )
            yield Listing(image_url=row.url, page_url=page, title=whole(row.title)), _more(row)


def _pages(batch: Sequence[Row], place: str, crawl: Crawl, frontier: Frontier) -> int:
    """Queue the pages of a list; the next parts of a page are visited, too, but no other links."""
    new = 0
    for row in batch:
        if not row.url or row.picture:
            continue
        frontier.site.add(origin(row.url))
        if frontier.add(row.url, place, frontier.deepest):
            crawl.note_page(row.url, _more(row))
            new += 1
    if new:
        crawl.reopen()
    return new


def _more(row: Row) -> str:
    return whole(json.dumps(row.more, ensure_ascii=False, default=str)) if row.more else ""  # Parquet knows dates, too
