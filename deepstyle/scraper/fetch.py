"""One URL -> one answer, politely and safely (edge). What can be expected to fail is an outcome (``answer.py``)."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http.cookiejar import CookieJar
from types import TracebackType
from typing import Self

from urllib3 import Timeout
from urllib3 import exceptions as u3

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.answer import RETRIED, Fetched, Kind, charset_of, confirmed, failure, is_whole
from deepstyle.scraper.asking import request_headers
from deepstyle.scraper.body import Answer
from deepstyle.scraper.cookies import circles, cookie_header, keep_cookies, load_cookies
from deepstyle.scraper.guard import AddressRefusedError, Resolve
from deepstyle.scraper.hosts import PASSING, Hosts
from deepstyle.scraper.manners import (
    MAX_DELAY,
    MAX_ROBOTS,
    NO_IMAGES,
    NO_PAGES,
    Robots,
    retry_after,
    robots_directives,
)
from deepstyle.scraper.pace import Pace, Slots
from deepstyle.scraper.reservations import Statement, Verdict, header_statements, product_token, verdict
from deepstyle.scraper.saved import Saved
from deepstyle.scraper.stream import Watchdog, drain, is_page, is_picture, read_body
from deepstyle.scraper.urls import host, normalise, resolve
from deepstyle.scraper.waits import Waits
from deepstyle.scraper.wire import Wire

SPARED = 6  # more tries of a URL while its host is asked more gently, because it refuses one after another
FIRST_BACKOFF = 0.5  # seconds; doubled at each retry, times a random 0.75 to 1.25
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NO_ROBOTS = frozenset({"connection", "timeout", "private-address", "bad-url", "host-busy", "stopped", "too-slow"})


class Fetcher:
    """Fetches URLs by the rules of ``config``; safe to use from several threads. Use as a context manager.

    ``sleep(seconds)``, ``clock()`` (monotonic) and ``resolve`` (like ``socket.getaddrinfo``) can be replaced; ``slots``: the
    hosts' times, where other processes ask the same hosts.
    """

    def __init__(
        self, config: ScrapeConfig, *, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None, resolve: Resolve = socket.getaddrinfo, slots: Slots | None = None,
    ) -> None:  # fmt: skip
        self.config, self._clock = config, clock
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait  # a stop ends every sleep
        self._agent = product_token(config.agent)
        self._pace = Pace(1 / config.rate, longest=config.max_retry_wait, clock=clock, sleep=self._sleep, slots=slots)
        self._hosts = Hosts[Fetched](lambda url: self.get(url, "robots"), config.agent, clock)
        self.log = self._hosts.log  # answers for robots.txt and tdmrep.json that nobody has recorded yet
        self.waits = Waits(self._pace, self._hosts)
        self._wire = Wire(
            allow_private=config.allow_private, size=config.connections, resolve=resolve, proxy=config.proxy
        )
        self._cookies = CookieJar()
        self._timeout = Timeout(
            connect=min(config.connect_timeout, config.deadline), read=min(config.read_timeout, config.deadline)
        )
        self._watchdog = Watchdog()
        self._home: frozenset[str] = frozenset()
        self._saved = Saved()
        load_cookies(self._cookies, config.cookies)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at_home(self, urls: Iterable[str]) -> None:
        """More URLs that were given: their hosts, and ``also_hosts``, are sent ``headers``; nobody else is."""
        self._home |= {host(url) for url in urls} | set(self.config.also_hosts)

    def serve(self, saved: Saved) -> None:
        """Answer from what was saved on disk, where it is."""
        self._saved = saved

    def saved(self, url: str) -> bool:
        """Whether this address is on disk."""
        return url in self._saved

    def look(self, url: str, kind: Kind) -> Fetched:
        """What would be done about a URL, of which only the host's files are asked for, into ``log``: refused, or ``wanted``."""
        blank = Fetched(outcome="wanted", kind=kind, url=url, final_url=url)
        return blank if self.saved(url) else self._refusal(blank, self._hosts.rules(url)) or blank

    def close(self) -> None:
        """Stop waiting threads and close every connection."""
        self.stop()
        self._watchdog.close()
        self._wire.close()

    def stop(self) -> None:
        """End every wait now; ``get`` answers ``stopped`` from here on."""
        self._stopped.set()

    def sitemaps(self, url: str) -> list[str]:
        """The sitemaps that the robots.txt of this URL's host names, as normal URLs."""
        robots = self._hosts.rules(url)
        found = (resolve(url, sitemap) for sitemap in robots.sitemaps)
        return [one for one in dict.fromkeys(found) if one]

    def reservation(self, answer: Fetched, stated: Iterable[Statement]) -> Verdict:
        """What the files of its host, and of those that led to it, and what it itself ``stated`` mean for an answer."""
        ways, own = dict.fromkeys((answer.final_url, *answer.hops)), tuple(stated)
        found = [verdict(url, () if self.saved(url) else self._hosts.rules(url).statements, own) for url in ways]
        return next((one for one in found if one.reserved), found[0])

    def get(self, url: str, kind: Kind, *, referer: str = "") -> Fetched:
        """``once``, again and again as ``retries`` allows, sleeping in between."""
        for attempt in range(self.config.retries + 1):
            answer = self.once(url, kind, referer=referer, tries=attempt)
            if answer.outcome not in RETRIED or attempt == self.config.retries:
                break
            self.waits.url(host(answer.final_url), wait := self.wait_after(answer, attempt))
            self._sleep(wait)
        return answer

    def once(
        self, url: str, kind: Kind, *, referer: str = "", tries: int = 0, before: Fetched | None = None
    ) -> Fetched:
        """Ask for a URL once: robots.txt, pace, redirects (each hop checked); see ``answer.py`` for the outcomes.

        ``referer``: the page that shows it; sites that forbid others to show their photos look at it. Of a page with https
        its origin only is told to others. ``tries``: how often it was asked for before. One that asks to be left alone for
        longer than ``max_retry_wait``, and may be asked again, is ``host-busy``. ``before``: an answer that was kept: it is
        asked whether it has changed, and a 304 gives it back. What was saved on disk is not asked for.
        """
        normal = normalise(url)
        blank = Fetched(outcome="bad-url", kind=kind, url=url, final_url=normal or url)
        if not normal:
            return blank.but(detail="not an http or https URL")
        if (local := self._saved.get(normal, kind, self.config.max_bytes)) is not None:
            return local.but(url=url)
        answer = self._follow(normal, kind, referer, before).but(url=url)
        if answer.status in {429, 503} and answer.outcome in RETRIED:
            self._pace.busy(host(answer.final_url), answer.status, answer.retry_after or 0.0, tries)
            if (answer.retry_after or 0.0) > self.config.max_retry_wait and self.config.retries:
                return answer.but(outcome="host-busy", detail="Retry-After is longer than max_retry_wait")
        elif answer.status is not None:
            self._pace.answered(host(answer.final_url), answer.status)
        return answer

    def wait_after(self, answer: Fetched, tries: int) -> float:
        """Seconds after which a URL may be asked for again: as its answer says, or longer at each try."""
        wait = FIRST_BACKOFF * 2 ** min(tries, self.config.retries) * random.uniform(0.75, 1.25)
        return min(wait if answer.retry_after is None else answer.retry_after, self.config.max_retry_wait)

    def retries(self, answer: Fetched, most: int) -> int:
        """How often a URL with this answer is asked for again: ``most``, more while its host is asked ever more gently."""
        refused = answer.status in {429, 503} and self._pace.gentle.interval(host(answer.final_url)) > 0
        return most + SPARED if refused and most else most

    def spare(self, place: str, seconds: float) -> None:
        """Leave a host alone for a while, and ask it more gently from then on."""
        self._pace.pause(place, min(seconds, self.config.max_retry_wait))
        self._pace.gentle.slow(place)

    def ready(self, place: str) -> float:
        """Seconds until this host (name and port) can be asked for something; 0 also while it is to be left alone for long."""
        return self._pace.ready(place)

    def _follow(self, url: str, kind: Kind, referer: str, before: Fetched | None) -> Fetched:
        """One try: the hops from ``url`` to an answer that is no redirect."""
        seen = [url]
        while True:
            hops = tuple(seen) if len(seen) > 1 else ()
            blank = Fetched(outcome="stopped", kind=kind, url=seen[-1], final_url=seen[-1], before=before, hops=hops)
            answer = self._hop(seen[-1], blank, referer)
            before = None
            if answer.outcome != "redirect":
                return answer
            if not answer.location:
                return answer.but(outcome="bad-url", detail=answer.detail)
            if len(seen) > self.config.max_redirects or circles(self._cookies, answer.location, seen):
                return answer.but(outcome="too-many-redirects", detail=f"to {answer.location}")
            seen.append(answer.location)

    def _hop(self, url: str, blank: Fetched, referer: str) -> Fetched:
        """One request, when robots.txt and the pace allow it."""
        robots = self._hosts.rules(url) if blank.kind != "robots" else Robots()
        if (refusal := self._refusal(blank, robots)) is not None:
            return refusal
        self.waits.host(host(url))
        if not self._pace.wait(host(url), self._hosts.delay(host(url))):
            return blank.but(outcome="host-busy", detail="Retry-After is longer than max_retry_wait")
        if self._stopped.is_set():
            return blank
        started = self._clock()
        answer = self._request(url, blank, referer)
        if self._stopped.is_set() and answer.outcome in RETRIED | {"too-slow"}:
            return blank
        return answer.but(seconds=self._clock() - started)

    def _refusal(self, blank: Fetched, robots: Robots) -> Fetched | None:
        """Why a URL must not be asked for, as its host's files say; None when it may."""
        if robots.outcome in NO_ROBOTS | PASSING:
            outcome = "host-busy" if robots.outcome in PASSING else robots.outcome
            return blank.but(outcome=outcome, detail=robots.detail)
        if not robots.allows(blank.url):
            return blank.but(outcome="robots", detail=robots.detail)
        if (delay := robots.delay) > MAX_DELAY:
            words = f"robots.txt wants {delay:,.0f} seconds between two requests, more than {MAX_DELAY:,.0f}"
            return blank.but(outcome="crawl-delay", detail=words)
        found = verdict(blank.url, robots.statements)
        if blank.kind == "image" and found.reserved and not found.overridable:  # whatever its header says
            return blank.but(outcome="noai", detail=found.words[:300], reservation=found.words)
        return None

    def _request(self, url: str, blank: Fetched, referer: str) -> Fetched:
        """Send one GET and read the answer; every foreign exception becomes an outcome here."""
        config, cookies, home = self.config, cookie_header(self._cookies, url), host(url) in self._home
        headers = request_headers(config, blank, url, referer, cookies, home=home)
        with self._watchdog.guard(config.deadline, self._stopped) as guard:
            try:
                raw = self._wire.get(url, headers, self._timeout)
                try:
                    keep_cookies(self._cookies, url, raw.headers)
                    return self._answer(raw, blank, guard.expired)
                finally:
                    raw.close()
            except AddressRefusedError as error:
                return blank.but(outcome="private-address", detail=str(error))
            except u3.LocationValueError as error:
                return blank.but(outcome="bad-url", detail=str(error))
            except (u3.HTTPError, OSError, ValueError) as error:
                return blank.but(outcome=failure(error, expired=guard.expired()), detail=str(error)[:300])

    def _answer(self, raw: Answer, blank: Fetched, expired: Callable[[], bool]) -> Fetched:
        """Look at the headers; read the body only when it is wanted."""
        status, headers = raw.status, raw.headers
        status = 200 if status == 206 and is_whole(headers.get("Content-Range", "")) else status
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        answer = blank.but(status=status, content_type=kind, outcome=f"http-{status}")
        if status != 200:
            drain(raw, expired)
        directives = robots_directives(headers.getlist("X-Robots-Tag"), self._agent)
        if status in REDIRECTS:
            target = headers.get("Location", "")
            answer = answer.but(outcome="redirect", location=resolve(blank.final_url, target) if target else "")
            return self._stated(answer.but(detail=f"redirect to {target[:200]!r}"), directives & NO_PAGES, headers)
        if status in {429, 503}:
            return answer.but(retry_after=retry_after(headers.get("Retry-After"), time.time()))
        unchanged = blank.before if status == 304 else None
        if status != 200 and unchanged is None:
            return answer
        answer = self._stated(answer, directives, headers)
        if answer.outcome == "noai":
            return answer
        return self._read(raw, answer, directives, expired) if unchanged is None else confirmed(answer, unchanged)

    def _read(self, raw: Answer, answer: Fetched, directives: set[str], expired: Callable[[], bool]) -> Fetched:
        """Read the body, if it is of a kind that is wanted."""
        headers, kind = raw.headers, answer.content_type
        if answer.kind == "page" and not is_page(raw, kind, answer.final_url):
            return answer.but(outcome="image" if is_picture(raw, kind) else "not-page", detail=kind)
        limit = MAX_ROBOTS if answer.kind == "robots" else self.config.max_bytes
        outcome, body = read_body(raw, limit, expired, self.config.deadline, kind=answer.kind)
        if answer.kind == "robots" and outcome == "too-large":
            outcome = "ok"  # RFC 9309 2.5: what fits into the limit counts
        return answer.but(
            outcome=outcome, body=body, charset=charset_of(headers.get("Content-Type", "")),
            nofollow=bool(directives & {"nofollow", "none"}), etag=headers.get("ETag", ""),
            link=headers.get("Link", "") if answer.kind == "page" else "", modified=headers.get("Last-Modified", ""),
        )  # fmt: skip

    def _stated(self, answer: Fetched, directives: set[str], headers: Mapping[str, str]) -> Fetched:
        """The answer with what its headers say of AI and data mining; its outcome is ``noai`` where they reserve it."""
        if answer.kind in {"robots", "asset"}:
            return answer
        answer = answer.but(stated=tuple(header_statements(headers)))
        unwanted = ", ".join(sorted(directives & (NO_IMAGES if answer.kind == "image" else NO_PAGES)))
        if unwanted:
            return answer.but(outcome="noai", detail=unwanted, reservation=f"header: X-Robots-Tag: {unwanted}")
        if answer.kind == "page":
            return answer  # its meta elements may say something else
        found = self.reservation(answer, answer.stated)
        answer = answer.but(reservation=found.words)
        return answer.but(outcome="noai", detail=found.words[:300]) if found.reserved else answer
