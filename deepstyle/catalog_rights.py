"""The catalog's rows of other people's rights: what each host's files said, what was read of each photo, what is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from deepstyle.catalog_file import CatalogFile
from deepstyle.records import Photo

FILES = {"/robots.txt": "robots", "/.well-known/tdmrep.json": "tdmrep"}  # what is asked of every host -> its column

ASKED = "asked as "  # begins the detail of a robots.txt's fetch; the user agent follows


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRecord:
    """What a host (scheme, name and port) said last: the text of its robots.txt and tdmrep.json, empty where it has none.

    ``at``: when it was asked, in seconds since the epoch; ``agent``: who asked (ASKED), empty where that is not on record.
    """

    origin: str
    robots: str
    tdmrep: str
    at: float
    agent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A kept photo and what is on record about it: its newest fetch's outcome and reservation, and its page's.

    ``led_to``: the addresses that this fetch was sent on to, with spaces between.
    """

    sha256: str
    path: str
    image_url: str
    page_url: str
    outcome: str
    reservation: str
    led_to: str
    page_outcome: str
    page_reservation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """Something that must never come back: a ``url``, a ``host`` or the bytes of a ``photo``; how a photo looked."""

    what: str
    kind: str
    looks: str


class Rights:
    """These rows of one catalog. ``clock`` gives seconds since the epoch."""

    def __init__(self, file: CatalogFile, clock: Callable[[], float]) -> None:
        self._db, self._clock = file, clock

    # ---- hosts --------------------------------------------------------------------------------------------------

    def note_host(self, origin: str, file: str, text: str) -> bool:
        """Record the text of a host's file (a key of FILES); whether it says something else than before."""
        column = FILES[file]
        before = self._db.one(f"SELECT {column} AS text FROM hosts WHERE origin = ?", (origin,))
        self._db.run(
            f"INSERT INTO hosts(origin, {column}, at) VALUES (?1, ?2, ?3) "
            f"ON CONFLICT(origin) DO UPDATE SET {column} = ?2, at = ?3",
            (origin, text, self._clock()),
        )
        return str(before["text"] if before is not None else "") != text

    def hosts(self) -> dict[str, HostRecord]:
        """What every host said last, by origin."""
        rows = self._db.records(
            HostRecord,
            "SELECT h.origin, h.robots, h.tdmrep, h.at, coalesce((SELECT substr(f.detail, ?2) FROM fetches f WHERE f.url = "
            "h.origin || '/robots.txt' AND f.kind = 'robots' AND substr(f.detail, 1, ?2 - 1) = ?1 ORDER BY f.id DESC LIMIT 1), "
            "'') AS agent FROM hosts h",
            (ASKED, len(ASKED) + 1),
        )
        return {one.origin: one for one in rows}

    # ---- photos -------------------------------------------------------------------------------------------------

    def standings(self) -> list[Standing]:
        """Every kept photo with what is on record about it, by hash."""
        newest = "SELECT f.{} FROM fetches f WHERE f.url = p.image_url AND f.kind = 'image' ORDER BY f.id DESC LIMIT 1"
        return self._db.records(
            Standing,
            f"SELECT p.sha256, p.path, p.image_url, p.page_url, coalesce(({newest.format('outcome')}), '') AS outcome, "
            f"coalesce(({newest.format('reservation')}), '') AS reservation, "
            f"coalesce(({newest.format('led_to')}), '') AS led_to, coalesce((SELECT g.outcome FROM pages g "
            "WHERE g.url = p.page_url AND g.outcome != 'queued' ORDER BY g.crawl DESC LIMIT 1), '') AS page_outcome, coalesce(("
            "SELECT f.reservation FROM fetches f WHERE f.url = p.page_url AND f.kind = 'page' ORDER BY f.id DESC LIMIT 1), '') "
            "AS page_reservation "
            "FROM photos p ORDER BY p.sha256",
        )

    def rows(self, batch: int) -> Iterator[dict[str, Any]]:
        """All that is known of each photo, by hash: its row, its newest reservation, what stood beside it in a list (JSON)."""
        after = ""
        while True:
            found = self._db.rows(
                "SELECT p.sha256, p.path, p.width, p.height, p.size, p.image_url, p.page_url, p.title, p.licence, p.credit, "
                "p.near_of, p.at, coalesce((SELECT f.reservation FROM fetches f WHERE f.url = p.image_url AND "
                "f.kind = 'image' ORDER BY f.id DESC LIMIT 1), '') AS reservation, coalesce((SELECT l.more FROM listings l "
                "WHERE l.image_url = p.image_url AND l.more != '' LIMIT 1), (SELECT g.more FROM pages g WHERE "
                "g.url = p.page_url AND g.more != '' LIMIT 1), '') AS more FROM photos p WHERE p.sha256 > ? "
                "ORDER BY p.sha256 LIMIT ?",
                (after, batch),
            )
            if not found:
                return
            yield from (dict(row) for row in found)
            after = str(found[-1]["sha256"])

    def photos_of(self, url: str) -> list[Photo]:
        """The photos that came from this address, by redirect as well, or are shown on this page, by hash."""
        return self._db.records(
            Photo,
            "SELECT * FROM photos p WHERE ?1 IN (p.image_url, p.page_url) OR EXISTS (SELECT 1 FROM fetches f WHERE "
            "f.sha256 = p.sha256 AND (f.url = ?1 OR instr(' ' || f.led_to || ' ', ' ' || ?1 || ' ') OR EXISTS (SELECT 1 FROM "
            "sightings s WHERE s.image_url = f.url AND s.page_url = ?1))) ORDER BY p.sha256",
            (url,),
        )

    def photos_at(self, prefixes: Iterable[str]) -> list[Photo]:
        """The photos whose own address, one that it led to or one of their pages' begins with one of these, by hash."""
        found: dict[str, Photo] = {}
        for prefix in prefixes:
            rows = self._db.records(
                Photo,
                "SELECT * FROM photos p WHERE ?1 IN (substr(image_url, 1, ?2), substr(page_url, 1, ?2)) OR EXISTS (SELECT 1 "
                "FROM fetches f WHERE f.sha256 = p.sha256 AND (substr(f.url, 1, ?2) = ?1 OR instr(' ' || f.led_to, ' ' || ?1) "
                "OR EXISTS (SELECT 1 FROM sightings s WHERE s.image_url = f.url AND substr(s.page_url, 1, ?2) = ?1)))",
                (prefix, len(prefix)),
            )
            found.update({one.sha256: one for one in rows})
        return [found[name] for name in sorted(found)]

    def urls_of(self, sha256: str) -> list[str]:
        """Every address that gave these bytes."""
        rows = self._db.rows(
            "SELECT image_url AS url FROM photos WHERE sha256 = ?1 UNION SELECT url FROM fetches WHERE sha256 = ?1",
            (sha256,),
        )
        return [str(row["url"]) for row in rows]

    # ---- forgetting ---------------------------------------------------------------------------------------------

    def never_again(self, what: str, kind: Literal["url", "host", "photo"], looks: str = "") -> None:
        """Record that this must never come back; ``looks``: a photo's hash of looks, width and height."""
        self._db.run(
            "INSERT OR REPLACE INTO forgotten(what, kind, looks, at) VALUES (?, ?, ?, ?)",
            (what, kind, looks, self._clock()),
        )

    def forgotten(self) -> list[Forgotten]:
        """All that must never come back."""
        return self._db.records(Forgotten, "SELECT what, kind, looks FROM forgotten ORDER BY what")

    def erase(self, sha256: str) -> None:
        """Delete every row of a photo, and what was seen and cut on it; its addresses count as forgotten in every crawl."""
        with self._db.transaction():
            urls = self.urls_of(sha256)
            for table in ("garments", "detections", "detected", "excluded"):
                self._db.run(f"DELETE FROM {table} WHERE photo = ?", (sha256,))
            self._db.run("UPDATE photos SET near_of = NULL WHERE near_of = ?", (sha256,))
            self._db.run("DELETE FROM photos WHERE sha256 = ?", (sha256,))
            for url in urls:
                self._db.run("DELETE FROM sightings WHERE image_url = ?", (url,))
                self._db.run("UPDATE listings SET outcome = 'forgotten', title = '' WHERE image_url = ?", (url,))
            self._db.run("UPDATE fetches SET sha256 = NULL WHERE sha256 = ?", (sha256,))
