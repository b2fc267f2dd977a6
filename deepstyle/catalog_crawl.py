"""The catalog's rows of one crawl: pages to visit, pictures to fetch, what became of each, and the log of all answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from deepstyle.catalog_file import CatalogFile
from deepstyle.records import CrawledPage, KeptAnswer, Listing

_LISTING = "image_url, page_url, title, width_hint"


class Crawl:
    """One crawl of the catalog, number ``number``.

    ``clock`` gives seconds since the epoch; ``stands`` says whether a photo's file (path, bytes) is there.
    """

    def __init__(
        self, file: CatalogFile, number: int, *, clock: Callable[[], float], stands: Callable[[str, int], bool]
    ) -> None:
        self.number = number
        self._db, self._clock, self._stands = file, clock, stands

    # ---- the crawl ----------------------------------------------------------------------------------------------

    def finished(self) -> bool:
        """Whether it was complete when it ended."""
        return bool(self._number("SELECT count(*) FROM crawls WHERE id = ? AND finished_at IS NOT NULL"))

    def finish(self) -> bool:
        """Mark the crawl as complete, if no page or picture is left to do; whether it is."""
        left = "SELECT count(*) FROM {} WHERE crawl = ? AND outcome IN ('queued', 'deferred')"
        if self._number(left.format("pages")) or self._number(left.format("listings")):
            return False
        self._db.run("UPDATE crawls SET finished_at = ? WHERE id = ?", (self._clock(), self.number))
        return True

    # ---- pages --------------------------------------------------------------------------------------------------

    def queue_page(self, url: str, *, parent: str | None, depth: int) -> bool:
        """Put a page into the frontier; False when this crawl has seen the URL already."""
        done = self._db.run(
            "INSERT OR IGNORE INTO pages(crawl, url, parent, depth) VALUES (?, ?, ?, ?)",
            (self.number, url, parent, depth),
        )
        return done.rowcount == 1

    def finish_page(self, url: str, outcome: str, *, title: str | None = None) -> None:
        """Record how the page ended (``ok``, ``robots``, ``http-404``, ...), or that it is ``queued`` again."""
        self._db.run(
            "UPDATE pages SET outcome = ?, title = ?, fetched_at = ? WHERE crawl = ? AND url = ?",
            (outcome, title, self._clock(), self.number, url),
        )

    def queued_pages(self) -> list[CrawledPage]:
        """The frontier, oldest first."""
        return self._db.records(
            CrawledPage,
            "SELECT url, parent, depth, outcome, 0 AS images FROM pages WHERE crawl = ? AND outcome = 'queued' "
            "ORDER BY rowid",
            (self.number,),
        )

    def visited_pages(self) -> list[CrawledPage]:
        """Every page that is not queued any more, in the order it was done."""
        return self._db.records(
            CrawledPage,
            "SELECT p.url, p.parent, p.depth, p.outcome, coalesce(l.images, 0) AS images FROM pages p LEFT JOIN "
            "(SELECT page_url, count(*) AS images FROM listings WHERE crawl = ?1 GROUP BY page_url) l "
            "ON l.page_url = p.url WHERE p.crawl = ?1 AND p.outcome != 'queued' ORDER BY p.fetched_at, p.rowid",
            (self.number,),
        )

    def begun(self) -> bool:
        """Whether any page has been visited."""
        return self._number("SELECT count(*) FROM pages WHERE crawl = ? AND outcome != 'queued'") > 0

    def pages_read(self) -> int:
        """How many pages were fetched and understood."""
        return self._number("SELECT count(*) FROM pages WHERE crawl = ? AND outcome IN ('ok', 'noai')")

    def page_outcomes(self) -> dict[str, int]:
        """How many pages ended each way, e.g. ``{"ok": 40, "http-403": 2}``."""
        return self._ended("pages")

    def page_outcome(self, url: str) -> str:
        """How a page stands: its outcome, or ``queued``."""
        row = self._db.one("SELECT outcome FROM pages WHERE crawl = ? AND url = ?", (self.number, url))
        return str(row["outcome"]) if row is not None else "queued"

    def keep_answer(self, one: KeptAnswer) -> None:
        """Keep a page as it came, for the next crawl to ask whether it has changed."""
        self._db.run(
            "INSERT OR REPLACE INTO answers(url, etag, modified, about, body) VALUES (?, ?, ?, ?, ?)",
            (one.url, one.etag, one.modified, one.about, one.body),
        )

    def kept_answer(self, url: str) -> KeptAnswer | None:
        """A page as it came the last time, in any crawl; None when it was not kept."""
        return next(iter(self._db.records(KeptAnswer, "SELECT * FROM answers WHERE url = ?", (url,))), None)

    def planned(self) -> list[tuple[str, str, str]]:
        """Every picture that was found and what becomes of it: address, page, outcome."""
        rows = self._db.rows(
            "SELECT image_url, page_url, outcome FROM listings WHERE crawl = ? ORDER BY rowid", (self.number,)
        )
        return [(row["image_url"], row["page_url"], row["outcome"]) for row in rows]

    # ---- listings -----------------------------------------------------------------------------------------------

    def queue_listing(self, one: Listing) -> bool:
        """Queue an image for download and note the page that shows it; False when the crawl knows the image URL."""
        self._db.run(
            "INSERT OR IGNORE INTO sightings(image_url, page_url, title) VALUES (?, ?, ?)",
            (one.image_url, one.page_url, one.title),
        )
        return self._add(one, "queued")

    def defer_listing(self, one: Listing) -> bool:
        """Note a thumbnail that waits until its ``detail_url`` has been looked at; False when the crawl knows the image URL.

        ``finish_listing`` settles it; no sighting is noted until it is queued.
        """
        return self._add(one, "deferred")

    def _add(self, one: Listing, outcome: str) -> bool:
        done = self._db.run(
            f"INSERT OR IGNORE INTO listings(crawl, {_LISTING}, fallbacks, detail_url, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.number,
                one.image_url,
                one.page_url,
                one.title,
                one.width_hint,
                " ".join(one.fallbacks),
                one.detail_url,
                outcome,
            ),
        )
        return done.rowcount == 1

    def finish_listing(self, image_url: str, outcome: str) -> None:
        """Record how the image ended: ``kept``, ``duplicate``, ``noai``, ``robots``, ``too-small``, ``http-404``, ..."""
        self._db.run(
            "UPDATE listings SET outcome = ? WHERE crawl = ? AND image_url = ?", (outcome, self.number, image_url)
        )

    def queued_listings(self, after: int = 0, limit: int = -1) -> tuple[list[Listing], int]:
        """Images not yet downloaded, oldest first: at most ``limit`` of those after row ``after``; and the last one's row."""
        rows = self._db.rows(
            "SELECT rowid FROM listings WHERE crawl = ? AND outcome = 'queued' AND rowid > ? ORDER BY rowid LIMIT ?",
            (self.number, after, limit),
        )
        if not rows:
            return [], after
        last = int(rows[-1]["rowid"])
        return self._listings("NULL AS detail_url", "queued", (after, last)), last

    def add_rows(self, rows: Iterable[tuple[Listing, str]]) -> int:
        """Queue the pictures of a list, each with what stood beside it (JSON); returns how many the crawl did not know."""
        kept = list(rows)
        with self._db.transaction():
            self._db.run_each(
                "INSERT OR IGNORE INTO sightings(image_url, page_url, title) VALUES (?, ?, ?)",
                [(one.image_url, one.page_url, one.title) for one, _ in kept],
            )
            new = self._db.run_each(
                "INSERT OR IGNORE INTO listings(crawl, image_url, page_url, title, more) VALUES (?, ?, ?, ?, ?)",
                [(self.number, one.image_url, one.page_url, one.title, more) for one, more in kept],
            )
            if new:
                self._db.run("UPDATE crawls SET finished_at = NULL WHERE id = ?", (self.number,))
        return new

    def note_page(self, url: str, more: str) -> None:
        """Keep what stood beside a page's address in a list, as JSON."""
        self._db.run("UPDATE pages SET more = ? WHERE crawl = ? AND url = ?", (more, self.number, url))

    def reopen(self) -> None:
        """The crawl is not complete: there is more to do."""
        self._db.run("UPDATE crawls SET finished_at = NULL WHERE id = ?", (self.number,))

    def deferred_listings(self) -> list[Listing]:
        """Thumbnails that still wait for their ``detail_url``, oldest first."""
        return self._listings("detail_url", "deferred")

    def _listings(self, detail: str, outcome: str, between: tuple[int, int] = (0, 2**62)) -> list[Listing]:
        where = "FROM listings WHERE crawl = ? AND outcome = ? AND rowid > ? AND rowid <= ?"
        values = (self.number, outcome, *between)
        found = self._db.records(Listing, f"SELECT {_LISTING}, {detail} {where} ORDER BY rowid", values)
        rows = self._db.rows(f"SELECT image_url, fallbacks {where} AND fallbacks != ''", values)
        others = {row["image_url"]: tuple(str(row["fallbacks"]).split()) for row in rows}
        return [replace(one, fallbacks=others.get(one.image_url, ())) for one in found]

    def listing_outcome(self, image_url: str) -> str | None:
        """How an image stands; None when the crawl does not know it."""
        row = self._db.one("SELECT outcome FROM listings WHERE crawl = ? AND image_url = ?", (self.number, image_url))
        return str(row["outcome"]) if row is not None else None

    def sightings(self) -> list[tuple[str, str]]:
        """Which page of the crawl shows which image by itself: page URL, image URL."""
        rows = self._db.rows(
            "SELECT s.page_url, s.image_url FROM sightings s JOIN pages p ON p.url = s.page_url WHERE p.crawl = ?",
            (self.number,),
        )
        return [(row["page_url"], row["image_url"]) for row in rows]

    def kept_urls(self) -> set[str]:
        """The addresses of this crawl's kept photos, those that they led to, and of the pages that show them."""
        kept = "FROM listings l {} WHERE l.crawl = ? AND l.outcome IN ('kept', 'duplicate')"
        rows = self._db.rows("SELECT l.image_url, l.page_url " + kept.format(""), (self.number,))
        joined = kept.format("JOIN fetches f ON f.url = l.image_url AND f.kind = 'image' AND f.led_to != ''")
        led_to = self._db.rows("SELECT DISTINCT f.led_to " + joined, (self.number,))
        return {str(url) for row in rows for url in row} | {url for row in led_to for url in str(row["led_to"]).split()}

    def outcomes(self) -> dict[str, int]:
        """How many images ended each way, e.g. ``{"kept": 351, "duplicate": 12, "robots": 39}``."""
        return self._ended("listings")

    def _ended(self, table: str) -> dict[str, int]:
        ended = "SELECT outcome, count(*) AS n FROM {} WHERE crawl = ? GROUP BY outcome"
        return {row["outcome"]: row["n"] for row in self._db.rows(ended.format(table), (self.number,))}

    def near_duplicates(self) -> int:
        """How many images are near duplicates of another photo, kept or not."""
        return self._number(
            "SELECT count(*) FROM listings l LEFT JOIN photos p ON p.image_url = l.image_url WHERE l.crawl = ? AND "
            "(l.outcome = 'near-duplicate' OR (l.outcome = 'kept' AND p.near_of IS NOT NULL))"
        )

    def requeue_lost(self) -> int:
        """Queue images again whose photo's file is gone; returns how many. The crawl is then not complete."""
        rows = self._db.rows(
            "SELECT DISTINCT l.image_url, p.path, p.size FROM listings l JOIN fetches f ON f.url = l.image_url "
            "AND f.kind = 'image' JOIN photos p ON p.sha256 = f.sha256 "
            "WHERE l.crawl = ? AND l.outcome IN ('kept', 'duplicate')",
            (self.number,),
        )
        lost = [row["image_url"] for row in rows if not self._stands(row["path"], row["size"])]
        with self._db.transaction():
            for url in lost:
                self.finish_listing(url, "queued")
            if lost:
                self.reopen()
        return len(lost)

    def requeue_failed(self, outcomes: Iterable[str]) -> int:
        """Queue the pages and images again that ended in one of these ways; how many. The crawl is then not complete."""
        again = "UPDATE {} SET outcome = 'queued' WHERE crawl = ? AND outcome = ?"
        with self._db.transaction():
            values = [(self.number, one) for one in outcomes]
            count = sum(self._db.run_each(again.format(table), values) for table in ("pages", "listings"))
            if count:
                self.reopen()
        return count

    # ---- fetches ------------------------------------------------------------------------------------------------

    def add_fetch(
        self, url: str, kind: str, outcome: str, *, status: int | None = None, size: int = 0, seconds: float = 0.0,
        sha256: str | None = None, detail: str = "", mtime: int | None = None, reservation: str = "",
        led_to: Iterable[str] = (),
    ) -> None:  # fmt: skip
        """Append one answer to the log. ``kind``: page, image, robots, sitemap, feed, file; ``size`` in bytes.

        ``mtime``: when a file had changed, in nanoseconds since the epoch; ``reservation``: what was read of AI and data
        mining, and where; ``led_to``: other addresses at which it was asked for.
        """
        self._db.run(
            "INSERT INTO fetches(url, kind, outcome, status, size, seconds, sha256, detail, at, mtime, reservation, led_to) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (url, kind, outcome, status, size, seconds, sha256, detail, self._clock(), mtime, reservation, " ".join(led_to)),
        )  # fmt: skip

    def file_added(self, url: str, size: int, mtime: int) -> tuple[str, str] | None:
        """Outcome and photo of a file that was added with this size and time and whose photo is there; else None."""
        row = self._db.one(
            "SELECT f.outcome, f.sha256, f.size, f.mtime, p.path, p.size AS photo_size FROM fetches f JOIN photos p "
            "ON p.sha256 = f.sha256 WHERE f.url = ? AND f.kind = 'file' ORDER BY f.id DESC LIMIT 1",
            (url,),
        )
        if row is None or (row["size"], row["mtime"]) != (size, mtime) or row["outcome"] not in {"kept", "duplicate"}:
            return None
        return (row["outcome"], row["sha256"]) if self._stands(row["path"], row["photo_size"]) else None

    def image_fetched(self, url: str) -> str | None:
        """How the last fetch of this image URL ended that gave a photo whose file is there (any crawl); None without one."""
        row = self._db.one(
            "SELECT f.outcome, p.path, p.size FROM fetches f JOIN photos p ON p.sha256 = f.sha256 "
            "WHERE f.url = ? AND f.kind = 'image' ORDER BY f.id DESC LIMIT 1",
            (url,),
        )
        return str(row["outcome"]) if row is not None and self._stands(row["path"], row["size"]) else None

    def _number(self, sql: str) -> int:
        """The number that a statement about this crawl gives."""
        return int(self._db.rows(sql, (self.number,))[0][0])
