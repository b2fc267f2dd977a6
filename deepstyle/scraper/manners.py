"""What a site asks of robots, read (pure): robots.txt, X-Robots-Tag, TDM reservation, Retry-After.

Sources: RFC 9309 (robots.txt, through protego, which also knows Crawl-delay and Request-rate); Google's X-Robots-Tag
specification; the noai and noimageai directives; the TDM Reservation Protocol; RFC 9110 10.2.3 (Retry-After).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from protego import Protego

from deepstyle.scraper.reservations import Statement, names_us, product_token

MAX_ROBOTS = 512_000  # bytes that are parsed; RFC 9309 2.5 asks for at least 500 kibibytes
MAX_DELAY = 3600.0  # seconds between two requests: a host that asks for more is not asked for anything
NO_IMAGES = frozenset({"noai", "noimageai", "noml", "none", "noindex", "noimageindex"})
NO_PAGES = frozenset({"noai", "noimageai", "noml"})
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_GROUP = re.compile(r"^([ \t]*user[- ]?agent[ \t]*:)([^#\r\n]*)", re.IGNORECASE | re.MULTILINE)
_AGENT = re.compile(r"\s*([\w.*-]+)\s*:(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Robots:
    """One host's rules. ``outcome`` is ``ok``, or why the rules could not be had (then nothing is allowed).

    ``statements``: what robots.txt and tdmrep.json say of AI and data mining.
    """

    rules: Protego | None = None
    agent: str = ""
    outcome: str = "ok"
    detail: str = ""
    statements: tuple[Statement, ...] = ()

    def allows(self, url: str) -> bool:
        """Whether the rules let our agent fetch the URL."""
        return self.outcome == "ok" and (self.rules is None or bool(self.rules.can_fetch(url, self.agent)))

    @property
    def delay(self) -> float:
        """Seconds between requests that Crawl-delay or Request-rate ask for; 0 when neither does."""
        if self.rules is None:
            return 0.0
        rate = self.rules.request_rate(self.agent)
        slow = min(rate.seconds, 10**12) / rate.requests if rate is not None and rate.requests else 0.0
        return max(float(self.rules.crawl_delay(self.agent) or 0.0), slow)

    @property
    def sitemaps(self) -> list[str]:
        """The Sitemap lines as written."""
        return [] if self.rules is None else list(self.rules.sitemaps)


def read_robots(body: bytes, user_agent: str) -> Robots:
    """Parse a robots.txt body; garbage gives no rules, as RFC 9309 2.3.1.5 wants."""
    text, agent = body[:MAX_ROBOTS].decode("utf-8-sig", "replace"), product_token(user_agent)
    text = _GROUP.sub(lambda line: f"{line[1]} {agent}" if names_us(line[2], agent) else line[0], text)
    return Robots(rules=Protego.parse(text), agent=agent)


def robots_directives(headers: Iterable[str], agent: str) -> set[str]:
    """The X-Robots-Tag directives that hold for ``agent``, in lower case; ``headers``: each header's value.

    A prefix (``otherbot: noai, noindex``) holds until the header's next prefix. The date of an ``unavailable_after:``
    may itself hold commas and colons; it is no prefix.
    """
    found: set[str] = set()
    for header in headers:
        ours = True
        for part in header.lower().split(","):
            match = _AGENT.match(part)
            if match and match[1] in _VALUED:
                continue
            if match and not match[1].isdigit():
                ours = match[1] in {"*", agent}
                part = match[2]  # noqa: PLW2901 - a prefix may be followed by a valued directive
                if part.partition(":")[0].strip() in _VALUED:
                    continue
            if ours:
                found.add(part.strip())
    return found - {""}


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from ``now`` (epoch) as a Retry-After header says, in seconds or as an HTTP date; None: no idea."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
