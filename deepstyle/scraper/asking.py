"""What a request says: who asks, what for, from which page, and whether a known answer still holds (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.saved import NOWHERE
from deepstyle.scraper.urls import origin

ACCEPT = {
    "page": "text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.8,*/*;q=0.5",
    "image": "image/jpeg,image/png,image/webp;q=0.9,image/*;q=0.8,*/*;q=0.5",
    "robots": "text/plain,*/*;q=0.5",
    "asset": "*/*",
}


def request_headers(
    config: ScrapeConfig, blank: Fetched, url: str, referer: str, cookies: Mapping[str, str], *, home: bool
) -> dict[str, str]:
    """The headers of a GET for ``url``; ``home``: its host was given, and is sent the user's own headers."""
    headers = {
        "User-Agent": config.agent, "Accept": ACCEPT[blank.kind], "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive", **cookies,
    }  # fmt: skip
    shown = referer.startswith(("http://", "https://")) and not referer.startswith(NOWHERE)  # else a file of ours
    if shown and blank.kind != "robots":  # as browsers do: strict-origin-when-cross-origin
        headers["Referer"] = referer if origin(referer) == origin(url) else origin(referer) + "/"
    if blank.before is not None:
        headers |= {"If-None-Match": blank.before.etag} if blank.before.etag else {}
        headers |= {"If-Modified-Since": blank.before.modified} if blank.before.modified else {}
    return headers | config.headers if home else headers
