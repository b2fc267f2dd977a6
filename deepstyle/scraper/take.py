"""What a worker thread does, away from the catalog: fetch and parse a page; fetch, check and hash a photo (edge)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from deepstyle import images
from deepstyle.config import ScrapeConfig
from deepstyle.errors import ImageError
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
    """A photo as it was fetched. ``outcome`` is ``ok``, one of Fetcher's, or what is wrong with the bytes."""

    outcome: str
    answer: Fetched
    sha256: str | None = None
    info: images.ImageInfo | None = None
    dhash: str = ""
    detail: str = ""


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
    if answer.outcome != "ok":
        return Taken(outcome=answer.outcome, answer=answer, detail=answer.detail)
    digest = images.sha256(answer.body)
    try:
        info = images.probe(answer.body, max_pixels=config.max_pixels)
        if min(info.width, info.height) < config.min_side:
            size = f"{info.width} x {info.height} pixels"
            return Taken(outcome="too-small", answer=answer, sha256=digest, info=info, detail=size)
        if digest in known:
            return Taken(outcome="ok", answer=answer, sha256=digest, info=info)
        pixels = images.decode(answer.body, max_pixels=config.max_pixels)
    except ImageError as error:
        return Taken(outcome=error.reason, answer=answer, sha256=digest, detail=str(error))
    return Taken(outcome="ok", answer=answer, sha256=digest, info=info, dhash=images.difference_hash(pixels))
