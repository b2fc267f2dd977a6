"""The catalog: one SQLite ledger per workspace; what is known of every page, fetch, photo, garment, model and run.

A file appears whole first, then its row (``put_file`` then the insert), so a ``kill -9`` at any moment leaves at worst a
file without a row, which the next run of the same command finds or writes again. Longer than other files because all SQL is here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deepstyle.catalog_file import WAIT, CatalogFile, Row
from deepstyle.errors import StorageError
from deepstyle.files import as_name, put_file, reason, shown, sweep

WRITTEN = ("photos/*", "garments/*", "datasets", "models", "runs/*", "runs/*/*", "samples/*", "review", "review/*")


def garment_path(photo: str, k: int, label: str) -> str:
    """Where the garment of a photo's detection ``k`` stands, relative to the workspace."""
    return f"garments/{as_name(label)}/{photo}-{k}.png"


class Catalog:
    """The ledger of one workspace folder. Use as a context manager; one thread, one connection.

    ``root`` is the workspace; ``clock`` gives seconds since the epoch; ``wait`` and ``reading`` are CatalogFile's: seconds to
    wait for other processes, and whether a workspace that cannot be written will do. Raises CatalogError when there can be
    no catalog: its message says why, and what to do.
    """

    def __init__(
        self, root: Path, *, clock: Callable[[], float] = time.time, wait: float = WAIT, reading: bool = False
    ) -> None:
        self.root = root
        self._clock = clock
        self._db = CatalogFile(root, wait=wait, reading=reading)
        if not reading:
            sweep(root, *WRITTEN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the catalog object is of no use afterwards."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is committed together, or not at all; one inside another joins the outer one."""
        return self._db.transaction()

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one reading SQL statement; for reports and tests. Column names are the keys of each row."""
        return self._db.rows(sql, values)

    def count(self, table: str, where: str = "1", values: Sequence[Any] = ()) -> int:
        """Rows of ``table`` for which ``where`` holds."""
        return int(self._db.rows(f"SELECT count(*) FROM {table} WHERE {where}", values)[0][0])

    def path(self, relative: str) -> Path:
        """The file of a row: paths in the catalog are relative to the workspace, with forward slashes."""
        return self.root / relative

    # ---- scraping: crawls, pages, listings, fetches -------------------------------------------------------------

    def open_crawl(self, start_url: str, *, fresh: bool = False) -> int:
        """The crawl of this start URL: the one that exists (to resume), or a new one; ``fresh`` always starts anew."""
        row = self._db.one("SELECT id FROM crawls WHERE start_url = ? ORDER BY id DESC LIMIT 1", (start_url,))
        if row is not None and not fresh:
            return int(row["id"])
        done = self._db.run("INSERT INTO crawls(start_url, started_at) VALUES (?, ?)", (start_url, self._clock()))
        assert done.lastrowid is not None
        return done.lastrowid

    def finish_crawl(self, crawl: int) -> None:
        """Mark the crawl as complete: nothing queued is left."""
        self._db.run("UPDATE crawls SET finished_at = ? WHERE id = ?", (self._clock(), crawl))

    def queue_page(self, crawl: int, url: str, *, parent: str | None, depth: int) -> bool:
        """Put a page into the frontier; False when this crawl has seen the URL already."""
        done = self._db.run(
            "INSERT OR IGNORE INTO pages(crawl, url, parent, depth) VALUES (?, ?, ?, ?)", (crawl, url, parent, depth)
        )
        return done.rowcount == 1

    def queued_pages(self, crawl: int) -> list[Row]:
        """The frontier, oldest first: rows with url, parent, depth."""
        return self.query("SELECT * FROM pages WHERE crawl = ? AND outcome = 'queued' ORDER BY rowid", (crawl,))

    def finish_page(self, crawl: int, url: str, outcome: str, *, title: str | None = None) -> None:
        """Record how the page ended (``ok``, ``robots``, ``http-404``, ...)."""
        self._db.run(
            "UPDATE pages SET outcome = ?, title = ?, fetched_at = ? WHERE crawl = ? AND url = ?",
            (outcome, title, self._clock(), crawl, url),
        )

    def queue_listing(self, crawl: int, image_url: str, page_url: str, *, title: str, width_hint: int | None) -> bool:
        """Queue an image for download and note the page that shows it; False when the crawl knows the image URL."""
        self._db.run(
            "INSERT OR IGNORE INTO sightings(image_url, page_url, title) VALUES (?, ?, ?)", (image_url, page_url, title)
        )
        done = self._db.run(
            "INSERT OR IGNORE INTO listings(crawl, image_url, page_url, title, width_hint) VALUES (?, ?, ?, ?, ?)",
            (crawl, image_url, page_url, title, width_hint),
        )
        return done.rowcount == 1

    def queued_listings(self, crawl: int) -> list[Row]:
        """Images not yet downloaded, oldest first: rows with image_url, page_url, title, width_hint."""
        return self.query("SELECT * FROM listings WHERE crawl = ? AND outcome = 'queued' ORDER BY rowid", (crawl,))

    def finish_listing(self, crawl: int, image_url: str, outcome: str) -> None:
        """Record how the image ended: ``kept``, ``duplicate``, ``noai``, ``robots``, ``too-small``, ``http-404``, ..."""
        self._db.run("UPDATE listings SET outcome = ? WHERE crawl = ? AND image_url = ?", (outcome, crawl, image_url))

    def defer_listing(
        self, crawl: int, image_url: str, page_url: str, *, title: str, width_hint: int | None, detail_url: str
    ) -> bool:
        """Note a thumbnail that waits until ``detail_url`` has been looked at; False when the crawl knows the image URL.

        Its outcome is ``deferred <detail_url>``. ``finish_listing`` settles it; no sighting is noted until it is queued.
        """
        done = self._db.run(
            "INSERT OR IGNORE INTO listings(crawl, image_url, page_url, title, width_hint, outcome) "
            "VALUES (?, ?, ?, ?, ?, 'deferred ' || ?)",
            (crawl, image_url, page_url, title, width_hint, detail_url),
        )
        return done.rowcount == 1

    def deferred_listings(self, crawl: int) -> list[Row]:
        """Thumbnails that still wait, oldest first: rows with image_url, page_url, title, width_hint, detail_url."""
        return self.query(
            "SELECT *, substr(outcome, 10) AS detail_url FROM listings "
            "WHERE crawl = ? AND outcome LIKE 'deferred %' ORDER BY rowid",
            (crawl,),
        )

    def visited_pages(self, crawl: int) -> list[Row]:
        """Every page that is not queued any more, in the order it was done, with ``images``: how many it listed first."""
        return self.query(
            "SELECT p.*, coalesce(l.images, 0) AS images FROM pages p LEFT JOIN (SELECT page_url, count(*) AS images "
            "FROM listings WHERE crawl = ?1 GROUP BY page_url) l ON l.page_url = p.url "
            "WHERE p.crawl = ?1 AND p.outcome != 'queued' ORDER BY p.fetched_at, p.rowid",
            (crawl,),
        )

    def sightings(self, crawl: int) -> list[Row]:
        """Which page of the crawl shows which image by itself: rows with page_url, image_url."""
        return self.query(
            "SELECT s.page_url, s.image_url FROM sightings s JOIN pages p ON p.url = s.page_url WHERE p.crawl = ?",
            (crawl,),
        )

    def near_duplicates(self, crawl: int) -> int:
        """How many images of the crawl are near duplicates of another photo, kept or not."""
        row = self._db.one(
            "SELECT count(*) AS n FROM listings l LEFT JOIN photos p ON p.image_url = l.image_url WHERE l.crawl = ? AND "
            "(l.outcome = 'near-duplicate' OR (l.outcome = 'kept' AND p.near_of IS NOT NULL))",
            (crawl,),
        )
        return int(row["n"]) if row is not None else 0

    def add_fetch(
        self, url: str, kind: str, outcome: str, *, status: int | None = None, size: int = 0, seconds: float = 0.0,
        sha256: str | None = None, detail: str = "",
    ) -> None:  # fmt: skip
        """Append one network answer to the log. ``kind``: page, image, robots, sitemap, feed; ``size`` in bytes."""
        self._db.run(
            "INSERT INTO fetches(url, kind, outcome, status, size, seconds, sha256, detail, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (url, kind, outcome, status, size, seconds, sha256, detail, self._clock()),
        )

    def image_fetched(self, url: str) -> Row | None:
        """The last fetch of this image URL that ended with a photo whose file is there (any crawl), or None."""
        row = self._db.one(
            "SELECT f.*, p.path, p.size AS photo_size FROM fetches f JOIN photos p ON p.sha256 = f.sha256 "
            "WHERE f.url = ? AND f.kind = 'image' ORDER BY f.id DESC LIMIT 1",
            (url,),
        )
        return row if row is not None and self._stands(row["path"], row["photo_size"]) else None

    def requeue_lost(self, crawl: int) -> int:
        """Queue the crawl's images again whose photo's file is gone; returns how many. The crawl is then not complete."""
        rows = self.query(
            "SELECT DISTINCT l.image_url, p.path, p.size FROM listings l JOIN fetches f ON f.url = l.image_url "
            "AND f.kind = 'image' JOIN photos p ON p.sha256 = f.sha256 "
            "WHERE l.crawl = ? AND l.outcome IN ('kept', 'duplicate')",
            (crawl,),
        )
        lost = [row["image_url"] for row in rows if not self._stands(row["path"], row["size"])]
        with self.transaction():
            for url in lost:
                self.finish_listing(crawl, url, "queued")
            if lost:
                self._db.run("UPDATE crawls SET finished_at = NULL WHERE id = ?", (crawl,))
        return len(lost)

    def outcomes(self, crawl: int) -> dict[str, int]:
        """How many listings of the crawl ended each way, e.g. ``{"kept": 351, "duplicate": 12, "robots": 39}``."""
        rows = self.query("SELECT outcome, count(*) AS n FROM listings WHERE crawl = ? GROUP BY outcome", (crawl,))
        return {row["outcome"]: row["n"] for row in rows}

    # ---- photos -------------------------------------------------------------------------------------------------

    def photo(self, sha256: str) -> Row | None:
        """The photo's row, or None."""
        return self._db.one("SELECT * FROM photos WHERE sha256 = ?", (sha256,))

    def _stands(self, relative: str, size: int) -> bool:
        """Whether a photo's file is there with all its bytes."""
        try:
            return self.path(relative).stat().st_size == size
        except OSError:
            return False

    def standing_photos(self) -> Iterator[Row]:
        """The photos whose files are there, by hash."""
        return (row for row in self.photos() if self._stands(row["path"], row["size"]))

    def add_photo(
        self, sha256: str, data: bytes, *, extension: str, width: int, height: int, dhash: str, image_url: str,
        page_url: str, title: str = "", near_of: str | None = None,
    ) -> bool:  # fmt: skip
        """Store a photo's bytes under ``photos/ab/<sha256>.<extension>``, then its row; False when both are there already.

        A row whose file is gone gets the file back, and stays as it was.
        """
        row = self.photo(sha256)
        if row is not None:
            if self._stands(row["path"], row["size"]):
                return False
            put_file(self.path(row["path"]), data)
            return True
        relative = f"photos/{sha256[:2]}/{sha256}.{extension}"
        put_file(self.path(relative), data)
        self._db.run(
            "INSERT INTO photos(sha256, path, width, height, size, dhash, image_url, page_url, title, near_of, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sha256, relative, width, height, len(data), dhash, image_url, page_url, title, near_of, self._clock()),
        )
        return True

    def photos(self, *, after: str = "", limit: int = -1) -> list[Row]:
        """Photos in a stable order (by hash): those after this hash, at most ``limit`` (-1: all)."""
        return self.query("SELECT * FROM photos WHERE sha256 > ? ORDER BY sha256 LIMIT ?", (after, limit))

    def pages_of_photo(self, sha256: str) -> list[str]:
        """Every page URL that shows this photo, first seen first: the provenance query."""
        rows = self.query(
            "SELECT page_url FROM photos WHERE sha256 = ?1 UNION SELECT s.page_url FROM sightings s "
            "JOIN fetches f ON f.url = s.image_url WHERE f.sha256 = ?1",
            (sha256,),
        )
        return [row["page_url"] for row in rows]

    # ---- detections and garments --------------------------------------------------------------------------------

    def undetected(self, model: str, *, after: str = "", limit: int = -1) -> list[Row]:
        """Photos that this detector has not looked at yet, or in vain: by hash, those after this one, at most ``limit``."""
        return self.query(
            "SELECT * FROM photos p WHERE sha256 > ? AND NOT EXISTS (SELECT 1 FROM detected d "
            "WHERE d.photo = p.sha256 AND d.model = ? AND d.error = '') ORDER BY sha256 LIMIT ?",
            (after, model, limit),
        )

    def looked_at(self, model: str, first: str = "", last: str = "g") -> set[str]:
        """The photos from hash ``first`` to ``last`` that this detector has looked at, not in vain."""
        rows = self.query(
            "SELECT photo FROM detected WHERE model = ? AND error = '' AND photo BETWEEN ? AND ?", (model, first, last)
        )
        return {row["photo"] for row in rows}

    def add_detections(
        self, photo: str, model: str, boxes: Sequence[tuple[float, float, float, float, str, float]], *, error: str = ""
    ) -> None:
        """Record what the detector saw on a photo, all in one transaction: (x0, y0, x1, y1, label, score) in pixels.

        What was recorded before (in vain, or by another process a moment ago) is replaced. ``error``: the photo is broken.
        """
        with self.transaction():
            self._db.run(
                "INSERT OR REPLACE INTO detected(photo, model, boxes, error, at) VALUES (?, ?, ?, ?, ?)",
                (photo, model, len(boxes), error, self._clock()),
            )
            self._db.run("DELETE FROM detections WHERE photo = ? AND model = ?", (photo, model))
            self._db.run_each(
                "INSERT INTO detections(photo, model, k, x0, y0, x1, y1, label, score) VALUES (?,?,?,?,?,?,?,?,?)",
                [(photo, model, k, *box) for k, box in enumerate(boxes)],
            )

    def detections(self, model: str, first: str = "", last: str = "g") -> list[Row]:
        """A model's detections on the photos from hash ``first`` to ``last`` (all: hex digits end before g), by rank."""
        return self.query(
            "SELECT * FROM detections WHERE model = ? AND photo BETWEEN ? AND ? ORDER BY photo, k", (model, first, last)
        )

    def put_garment(self, photo: str, k: int, label: str, data: bytes) -> None:
        """Store a garment's PNG under ``garments/<label>/<photo>-<k>.png``; any thread may. Its row comes after."""
        put_file(self.path(garment_path(photo, k, label)), data)

    def add_garment(
        self, photo: str, k: int, label: str, box: tuple[float, float, float, float], *, score: float,
        width: int, height: int, model: str, rule: str,
    ) -> None:  # fmt: skip
        """Record a garment whose file stands (replacing an older cut): the box in the photo, the file's size in pixels."""
        relative = garment_path(photo, k, label)
        self._db.run(
            "INSERT OR REPLACE INTO garments(photo, k, label, path, x0, y0, x1, y1, score, width, height, model, rule, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (photo, k, label, relative, *box, score, width, height, model, rule, self._clock()),
        )

    def garments(self, labels: Iterable[str] = ()) -> list[Row]:
        """Garments (of these labels, or all) in a stable order, each with its photo's page and image URL."""
        wanted = list(labels)
        where = f"WHERE g.label IN ({','.join('?' * len(wanted))})" if wanted else ""
        return self.query(
            "SELECT g.*, p.page_url, p.image_url FROM garments g JOIN photos p ON p.sha256 = g.photo "
            f"{where} ORDER BY g.photo, g.k",
            wanted,
        )

    def garments_between(self, first: str, last: str) -> list[Row]:
        """Garments of the photos from hash ``first`` to ``last``, by photo and rank."""
        return self.query("SELECT * FROM garments WHERE photo BETWEEN ? AND ? ORDER BY photo, k", (first, last))

    def exclude(self, model: str, marks: Iterable[tuple[str, int]]) -> int:
        """Mark detections (photo, k) of this model as no garments, for all later cuts; returns how many are new."""
        return self._db.run_each(
            "INSERT OR IGNORE INTO excluded(photo, model, k, at) VALUES (?, ?, ?, ?)",
            [(photo, model, k, self._clock()) for photo, k in marks],
        )

    def include(self, model: str, marks: Iterable[tuple[str, int]]) -> int:
        """Take marks of ``exclude`` back; returns how many there were."""
        return self._db.run_each(
            "DELETE FROM excluded WHERE photo = ? AND model = ? AND k = ?", [(photo, model, k) for photo, k in marks]
        )

    def excluded(self, model: str, first: str = "", last: str = "g") -> set[tuple[str, int]]:
        """The marked detections (photo, k) of a model on the photos from hash ``first`` to ``last``."""
        rows = self.query(
            "SELECT photo, k FROM excluded WHERE model = ? AND photo BETWEEN ? AND ?", (model, first, last)
        )
        return {(row["photo"], row["k"]) for row in rows}

    def drop_garment(self, photo: str, k: int) -> None:
        """Forget a garment and delete its file: the rules of the cut no longer want it."""
        row = self._db.one("SELECT path FROM garments WHERE photo = ? AND k = ?", (photo, k))
        if row is not None:
            with self.transaction():
                self._db.run("DELETE FROM garments WHERE photo = ? AND k = ?", (photo, k))
                self._db.afterwards(lambda: self._delete(row["path"]))

    def _delete(self, relative: str) -> None:
        try:
            self.path(relative).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{shown(self.path(relative))}: cannot be deleted ({reason(error)})") from error

    # ---- models and runs ----------------------------------------------------------------------------------------

    def put_model(self, name: str, kind: str, figures: dict[str, Any]) -> None:
        """Register a model folder ``models/<name>`` (kind: detector, classifier); its figures are kept as JSON."""
        self._db.run(
            "INSERT OR REPLACE INTO models(name, kind, path, figures, at) VALUES (?, ?, ?, ?, ?)",
            (name, kind, f"models/{name}", json.dumps(figures), self._clock()),
        )

    def model(self, kind: str, name: str | None = None) -> Row | None:
        """The named model of this kind, or the newest one; None when there is none."""
        where, values = ("kind = ? AND name = ?", (kind, name)) if name else ("kind = ?", (kind,))
        return self._db.one(f"SELECT * FROM models WHERE {where} ORDER BY at DESC LIMIT 1", values)

    def put_run(self, name: str, kind: str, *, status: str, images: int, figures: dict[str, Any]) -> None:
        """Register or update a run folder ``runs/<name>``: status running / done / failed, training images seen."""
        self._db.run(
            "INSERT INTO runs(name, kind, path, status, images, figures, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
            "ON CONFLICT(name) DO UPDATE SET status = ?4, images = ?5, figures = ?6, at = ?7",
            (name, kind, f"runs/{name}", status, images, json.dumps(figures), self._clock()),
        )

    def run(self, kind: str, name: str | None = None) -> Row | None:
        """The named run of this kind, or the newest one; None when there is none."""
        where, values = ("kind = ? AND name = ?", (kind, name)) if name else ("kind = ?", (kind,))
        return self._db.one(f"SELECT * FROM runs WHERE {where} ORDER BY rowid DESC LIMIT 1", values)
