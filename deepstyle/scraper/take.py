"""What a worker thread does, away from the catalog: fetch and parse a page; fetch, check and hash a photo (edge)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.check import Checked, check
from deepstyle.scraper.fetch import Fetched, Fetcher
from deepstyle.scraper.pages import Kind, Page, parse


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A page as it was fetched; ``page`` is None unless the answer is ``ok``."""

    answer: Fetched
    kind: Kind = "page"
    page: Page | None = None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A photo as it was fetched, and what its bytes are; ``photo`` is None unless the answer is ``ok``."""

    answer: Fetched
    photo: Checked | None = None

    @property
    def outcome(self) -> str:
        """``ok``, one of Fetcher's outcomes, or what is wrong with the bytes."""
        return self.answer.outcome if self.photo is None else self.photo.outcome


def visit(fetcher: Fetcher, url: str) -> Visit:
    """Fetch and parse a page, sitemap or feed."""
    answer = fetcher.get(url, "page")
    if answer.outcome != "ok":
        return Visit(answer=answer)
    kind, page = parse(answer.body, answer.final_url, charset=answer.charset, content_type=answer.content_type)
    return Visit(answer=answer, kind=kind, page=page)


def take(fetcher: Fetcher, url: str, config: ScrapeConfig, known: Container[str]) -> Taken:
    """Fetch a photo and look at it; bytes whose hash is ``known`` are not decoded again."""
    answer = fetcher.get(url, "image")
    return Taken(answer=answer, photo=check(answer.body, config, known) if answer.outcome == "ok" else None)
