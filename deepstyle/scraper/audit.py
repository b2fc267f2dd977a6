"""The photos that are kept against what is on record of their sites' wishes (loop; asks nobody).

A photo is reserved when its host's robots.txt or tdmrep.json, as they were read last, forbid it or reserve it from AI or data
mining; or when those of an address that it was sent on to do, or of its page; or when its own newest answer, or its page's, did.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from deepstyle.catalog import Catalog
from deepstyle.catalog_rights import HostRecord, Standing
from deepstyle.scraper.manners import Robots, read_robots
from deepstyle.scraper.reservations import (
    Statement,
    product_token,
    recorded_statements,
    robots_statements,
    tdmrep_statements,
    verdict,
)
from deepstyle.scraper.urls import origin

REFUSED = frozenset({"robots", "noai"})


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """A kept photo that is reserved: where it is from, and the words that say so."""

    sha256: str
    path: str
    image_url: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is kept, against the record: how many photos of each kind, and those that are reserved.

    ``own``: added from files; ``stated``: something was said, and it reserves nothing; ``silent``: their site says nothing;
    ``unknown``: nobody has recorded what their site says; ``hosts``: on record.
    """

    photos: int
    own: int
    stated: int
    silent: int
    unknown: int
    hosts: int
    reserved: tuple[Reserved, ...]


def audit(catalog: Catalog, user_agent: str, origins: Container[str] | None = None) -> Audit:
    """Hold every kept photo (those of ``origins``, or of pages there, where they are given) against what is on record.

    ``user_agent``: who is meant by a host's robots.txt where it is not on record who asked.
    """
    hosts = catalog.rights.hosts()
    rules = {name: _rules(one, one.agent or user_agent) for name, one in hosts.items()}
    counts = {"own": 0, "stated": 0, "silent": 0, "unknown": 0}
    found: list[Reserved] = []
    standings = [
        one
        for one in catalog.rights.standings()
        if origins is None or any(origin(url) in origins for url in (one.image_url, one.page_url, *one.led_to.split()))
    ]
    for one in standings:
        if one.image_url.startswith("file:"):
            counts["own"] += 1
            continue
        kind, words = _judged(one, rules)
        if kind == "reserved":
            found.append(Reserved(sha256=one.sha256, path=one.path, image_url=one.image_url, words=words))
        else:
            counts[kind] += 1
    return Audit(photos=len(standings), hosts=len(hosts), reserved=tuple(found), **counts)


Rules = tuple[Robots, tuple[Statement, ...]]


def _rules(record: HostRecord, user_agent: str) -> Rules:
    stated = robots_statements(record.robots, product_token(user_agent))
    return read_robots(record.robots.encode(), user_agent), (*stated, *tdmrep_statements(record.tdmrep.encode()))


def _judged(one: Standing, known: Mapping[str, Rules]) -> tuple[str, str]:
    """What the record says of a photo: ``reserved`` with its words, ``stated``, ``silent`` or ``unknown``."""
    if one.outcome in REFUSED:
        return "reserved", f"its newest answer: {one.outcome} {one.reservation}".strip()
    if one.page_outcome in REFUSED:
        return "reserved", f"its page {one.page_url}: {one.page_outcome}"
    elsewhere = [(f"its page {one.page_url}", one.page_url, one.page_reservation)]
    elsewhere += [(f"it is from {url}", url, one.reservation) for url in one.led_to.split()]
    for what, url, recorded in elsewhere:
        reserved, words, _ = _says(known.get(origin(url)), url, recorded)
        if reserved:
            return "reserved", f"{what}: {words}"
    rules = known.get(origin(one.image_url))
    if rules is None:
        return ("stated" if one.reservation else "unknown"), one.reservation
    reserved, words, stated = _says(rules, one.image_url, one.reservation)
    return ("reserved" if reserved else "stated" if stated else "silent"), words


def _says(rules: Rules | None, url: str, recorded: str) -> tuple[bool, str, bool]:
    """Whether a URL's host reserves it today, in which words, and whether anything is said."""
    if rules is None:
        return False, "", False
    robots, statements = rules
    if not robots.allows(url):
        return True, "robots.txt: Disallow", True
    found = verdict(url, statements, recorded_statements(recorded))
    return found.reserved, found.words, bool(found.statements)
