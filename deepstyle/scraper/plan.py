"""A dry run (loop): pages are visited, no photo is asked for; what would be fetched, what not, and why."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError
from deepstyle.progress import Reporter
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.scrape import rendering, scrape
from deepstyle.scraper.sources import read_sources


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A picture or page: ``outcome`` is fetch, have, or why it is not fetched (robots, noai, thumbnail, forgotten, ...)."""

    kind: str
    url: str
    page_url: str
    outcome: str


def plan(urls: Sequence[str], root: Path, config: ScrapeConfig, *, reporter: Reporter) -> list[Planned]:
    """What a scrape would do in the workspace ``root``, in which nothing is changed. Raises what ``scrape`` raises."""
    key = read_sources(urls).key
    there = (root / "catalog.sqlite").is_file()
    with tempfile.TemporaryDirectory(prefix="deepstyle-") as folder, Catalog(Path(folder)) as catalog:
        have: set[str] = set()
        if there:
            with Catalog(root, reading=True) as real:
                for one in real.rights.forgotten():
                    if one.kind in {"url", "host"}:
                        catalog.rights.never_again(one.what, "url" if one.kind == "url" else "host")
                have = {photo.image_url for photo in real.standing_photos()}
        with Fetcher(config) as fetcher, rendering(fetcher) as render, suppress(InputError):
            scrape(urls, catalog, config, fetcher=fetcher, reporter=reporter, look_only=True, render=render)
        crawl = catalog.open_crawl(key)
        pages = [
            Planned(kind="page", url=page.url, page_url=page.parent or "", outcome=page.outcome)
            for page in crawl.visited_pages()
            if page.outcome not in {"ok", "redirect"}
        ]
        found = [
            Planned(kind="photo", url=url, page_url=page, outcome=_words(outcome, known=url in have))
            for url, page, outcome in crawl.planned()
        ]
        return [*found, *pages]


def _words(outcome: str, *, known: bool) -> str:
    if outcome != "wanted":
        return outcome
    return "have" if known else "fetch"
