"""What came of asking for a URL: the answer as a value, its outcomes, and what an exception of the network means (pure).

Outcomes:
    ok                  status 200, or 206 with all there is, with a whole body
    robots              robots.txt forbids it, or redirects without an end
    noai                X-Robots-Tag or TDM-Reservation reserve it; the body was not read
    image               a page URL answered with a picture; the body was not read
    not-page            a page URL answered with neither HTML, XML, JSON, text nor a picture; the body was not read
    http-NNN            another final status, after the retries for 429, 500, 502, 503 and 504
    timeout             no connection, or no byte for ``read_timeout`` seconds
    connection          no such host, refused, reset, TLS failure, no HTTP
    truncated           fewer bytes than Content-Length says, or broken chunks
    bad-encoding        the body is not in the Content-Encoding it claims
    too-large           more than ``max_bytes``, counted after decompression
    too-slow            not done after ``deadline`` seconds, or sure not to be
    too-many-redirects  more than ``max_redirects``, or a circle
    private-address     the host has an address that the guard refuses
    bad-url             no http(s) URL, here or in a redirect
    host-busy           the host asked (Retry-After) to be left alone for longer than ``max_retry_wait``, or its robots.txt
                        or tdmrep.json answers 429 or 5xx (nothing may be fetched meanwhile, RFC 9309 2.3.1.4): ask later
    crawl-delay         its robots.txt wants more than an hour between two requests
    stopped             ``Fetcher.stop`` was called
    given-up            never asked: the URLs of its folder only failed, see ``patience.py``

``take.py`` adds ``unreadable``: reading or decoding what came raised an error that nobody foresaw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from urllib3 import exceptions as u3

from deepstyle.scraper.reservations import Statement

Kind = Literal["page", "image", "robots", "asset"]  # asset: what a page needs in a browser
BUSY = frozenset({"http-429", "http-500", "http-502", "http-503", "http-504"})  # a server that may answer later
FILES = frozenset({"application/octet-stream", "binary/octet-stream", "application/force-download", "application/download",
                   "application/x-download", "application/unknown"})  # fmt: skip
_RANGE = re.compile(r"bytes\s+0-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
RETRIED = BUSY | {"connection", "timeout", "truncated"}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of one ``get``: ``url`` is the one asked for, ``final_url`` the one that answered after redirects.

    ``body`` is decompressed; ``seconds``: the last try, without politeness waits; ``retry_after`` in seconds; ``link``: the
    Link header; ``etag`` and ``modified``: its validators (RFC 9110 8.8); ``before``: the answer that was kept, which a 304
    confirms; ``hops``: where it was asked for, if it was sent on; ``stated``: what its headers say of AI and data mining,
    ``reservation``: all that was read about it.
    """

    outcome: str
    kind: Kind
    url: str
    final_url: str
    status: int | None = None
    body: bytes = b""
    content_type: str = ""
    charset: str | None = None
    seconds: float = 0.0
    nofollow: bool = False
    link: str = ""
    stated: tuple[Statement, ...] = ()
    reservation: str = ""
    retry_after: float | None = None
    location: str = ""
    hops: tuple[str, ...] = ()
    detail: str = ""
    etag: str = ""
    modified: str = ""
    before: Fetched | None = None

    @property
    def led_to(self) -> tuple[str, ...]:
        """The URLs other than its own at which it was asked for: fallbacks, redirects, the one that answered."""
        return tuple(dict.fromkeys(one for one in (*self.hops, self.final_url) if one != self.url))

    def but(self, **changes: Any) -> Fetched:
        """The same answer but for these fields: ``dataclasses.replace``, in a tenth of its time, six times a photo."""
        assert changes.keys() <= self.__dict__.keys(), changes
        new = object.__new__(Fetched)
        new.__dict__.update(self.__dict__, **changes)
        return new


def is_text(kind: str) -> bool:
    """Whether a Content-Type is one that can be read as a page."""
    return not kind or kind.startswith("text/") or kind.endswith(("xml", "html", "gzip", "json"))


def is_sitemap(begun: bytes, url: str) -> bool:
    """Whether a file is a sitemap by its first bytes: one that is packed by its name, too."""
    packed = begun.startswith(b"\x1f\x8b") and ("sitemap" in url.lower() or url.partition("?")[0].endswith(".gz"))
    return packed or begun.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"<?xml", b"<urlset", b"<sitemapindex"))


def is_whole(content_range: str) -> bool:
    """Whether a part that a Content-Range names is all there is (RFC 9110 14.4).

    >>> is_whole("bytes 0-99/100"), is_whole("bytes 0-99/200"), is_whole("bytes 0-99/*")
    (True, False, False)
    """
    match = _RANGE.fullmatch(content_range.strip())
    return match is not None and int(match[1]) + 1 == int(match[2])


def charset_of(content_type: str) -> str | None:
    """The charset that a Content-Type header names; None when it names none.

    >>> charset_of('text/html; Charset="utf-8"')
    'utf-8'
    """
    pairs = (part.partition("=") for part in content_type.split(";")[1:])
    return next((value.strip(" \t'\"") for name, _, value in pairs if name.strip().lower() == "charset"), None) or None


def failure(error: Exception, *, expired: bool) -> str:
    """The outcome that an exception of urllib3 or the socket stands for."""
    if expired:
        return "too-slow"
    text = repr(error)
    if isinstance(error, u3.DecodeError):
        return "bad-encoding"
    if isinstance(error, (u3.IncompleteRead, u3.InvalidChunkLength)) or "IncompleteRead" in text:
        return "truncated"
    timeouts = (u3.TimeoutError, TimeoutError)
    late = isinstance(error, timeouts) and not isinstance(
        error, u3.NewConnectionError
    )  # which urllib3 derives from them
    return "timeout" if late or "timed out" in text else "connection"


def confirmed(answer: Fetched, before: Fetched) -> Fetched:
    """The answer that was kept, as a 304 confirms it: what it states now goes before what it stated then."""
    stated = (*answer.stated, *before.stated)
    return before.but(status=answer.status, stated=stated, url=answer.url, final_url=answer.final_url)
