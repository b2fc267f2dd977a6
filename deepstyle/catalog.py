"""The catalog: one SQLite ledger per workspace; what is known of every page, fetch, photo, garment, model and run.

A file appears whole first, then its row (``put_file`` then the insert), so a ``kill -9`` at any moment leaves at worst a
file without a row, which the next run of the same command finds or writes again. All SQL is in the files ``catalog*.py``: rows
come out as the values of ``records.py``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from deepstyle.catalog_crawl import Crawl
from deepstyle.catalog_detections import Detections
from deepstyle.catalog_file import WAIT, CatalogFile
from deepstyle.catalog_rights import Rights
from deepstyle.catalog_tags import ALL, Tags
from deepstyle.errors import StorageError
from deepstyle.files import as_name, put_file, reason, shown
from deepstyle.folders import sweep
from deepstyle.records import Garment, ModelRecord, Photo, RunRecord, Sighting

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
        self.rights, self.tags = Rights(self._db, clock), Tags(self._db, clock)
        self.detections = Detections(self._db, clock)
        if not reading:
            try:
                sweep(root, *WRITTEN)
            except BaseException:
                self.close()
                raise

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

    def count(self, table: Literal["crawls", "pages", "fetches", "photos", "detected", "garments"]) -> int:
        """How many rows a table has."""
        return int(self._db.rows(f"SELECT count(*) FROM {table}")[0][0])

    def now(self) -> float:
        """Seconds since the epoch, by the catalog's clock."""
        return self._clock()

    def path(self, relative: str) -> Path:
        """The file of a row: paths in the catalog are relative to the workspace, with forward slashes."""
        return self.root / relative

    # ---- crawls --------------------------------------------------------------------------------------

    def open_crawl(self, start_url: str, *, fresh: bool = False) -> Crawl:
        """The crawl of this start URL: the one that exists (to resume), or a new one; ``fresh`` always starts anew."""
        row = self._db.one("SELECT id FROM crawls WHERE start_url = ? ORDER BY id DESC LIMIT 1", (start_url,))
        number = int(row["id"]) if row is not None else None
        if number is None or fresh:
            done = self._db.run("INSERT INTO crawls(start_url, started_at) VALUES (?, ?)", (start_url, self._clock()))
            number = done.lastrowid
            assert number is not None
        return Crawl(self._db, number, clock=self._clock, stands=self.stands)

    def reach(self, crawl: Crawl) -> str:
        """How far a crawl was let go, as ``note_reach`` was told last; empty where that is unknown."""
        row = self._db.one("SELECT reach FROM crawls WHERE id = ?", (crawl.number,))
        return str(row["reach"]) if row is not None else ""

    def note_reach(self, crawl: Crawl, reach: str) -> None:
        """Keep how far a crawl is let go."""
        self._db.run("UPDATE crawls SET reach = ? WHERE id = ?", (reach, crawl.number))

    def newest_start(self) -> str | None:
        """The start URL of the newest crawl; None when there is none."""
        row = self._db.one("SELECT start_url FROM crawls ORDER BY id DESC LIMIT 1")
        return str(row["start_url"]) if row is not None else None

    def outcomes(self) -> dict[str, int]:
        """How many images of all crawls ended each way, the most frequent first."""
        rows = self._db.rows("SELECT outcome, count(*) AS n FROM listings GROUP BY outcome ORDER BY n DESC")
        return {row["outcome"]: row["n"] for row in rows}

    # ---- photos -------------------------------------------------------------------------------------------------

    def photo(self, sha256: str) -> Photo | None:
        """The photo of this hash, or None."""
        return next(iter(self._db.records(Photo, "SELECT * FROM photos WHERE sha256 = ?", (sha256,))), None)

    def stands(self, relative: str, size: int) -> bool:
        """Whether a photo's file is there with all its bytes."""
        try:
            return self.path(relative).stat().st_size == size
        except OSError:
            return False

    def standing_photos(self) -> Iterator[Photo]:
        """The photos whose files are there, by hash."""
        return (photo for photo in self.photos() if self.stands(photo.path, photo.size))

    def near_duplicates(self) -> int:
        """How many photos are kept though they nearly repeat another."""
        return int(self._db.rows("SELECT count(*) FROM photos WHERE near_of IS NOT NULL")[0][0])

    @staticmethod
    def photo_place(sha256: str, extension: str) -> str:
        """Where a photo's file belongs, relative to the workspace."""
        return f"photos/{sha256[:2]}/{sha256}.{extension}"

    def add_photo(
        self, sha256: str, data: bytes, *, extension: str, width: int, height: int, dhash: str, image_url: str,
        page_url: str, title: str = "", near_of: str | None = None, licence: str = "", credit: str = "", inner: str = "",
        stored: bool = False,
    ) -> bool:  # fmt: skip
        """Store a photo's bytes in ``photo_place``, then its row; False when both are there already.

        A row whose file is gone gets the file back, and stays as it was. ``stored``: the file has been put there.
        """
        relative = self.photo_place(sha256, extension)
        there = self.photo(sha256)
        if there is not None:
            if self.stands(there.path, there.size):
                return stored and there.path == relative
            put_file(self.path(there.path), data)
            return True
        if not stored:
            put_file(self.path(relative), data)
        self._db.run(
            "INSERT INTO photos(sha256, path, width, height, size, dhash, image_url, page_url, title, near_of, at, licence, "
            "credit, inner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                sha256,
                relative,
                width,
                height,
                len(data),
                dhash,
                image_url,
                page_url,
                title,
                near_of,
                self._clock(),
                licence,
                credit,
                inner,
            ),
        )
        return True

    def photos(self, *, after: str = "", limit: int = -1) -> list[Photo]:
        """Photos in a stable order (by hash): those after this hash, at most ``limit`` (-1: all)."""
        return self._db.records(Photo, "SELECT * FROM photos WHERE sha256 > ? ORDER BY sha256 LIMIT ?", (after, limit))

    def set_rights(self, sha256: str, image_url: str, *, licence: str, credit: str) -> None:
        """Note what a photo's owner says of it: it replaces what was said of a photo from this very URL, or nothing."""
        for column, text in (("licence", licence), ("credit", credit)):
            if text:
                self._db.run(
                    f"UPDATE photos SET {column} = ?1 WHERE sha256 = ?2 AND (image_url = ?3 OR {column} = '')",
                    (text, sha256, image_url),
                )

    def pages_of_photo(self, sha256: str) -> list[Sighting]:
        """Every page that shows this photo, the one it was kept for first, then as they were seen: the provenance query."""
        return self._db.records(
            Sighting,
            "SELECT page_url, image_url, title FROM (SELECT page_url, image_url, title, 0 AS rank FROM photos "
            "WHERE sha256 = ?1 UNION ALL SELECT s.page_url, s.image_url, s.title, s.rowid AS rank FROM sightings s "
            "WHERE s.image_url IN (SELECT url FROM fetches WHERE sha256 = ?1)) GROUP BY page_url ORDER BY min(rank)",
            (sha256,),
        )

    # ---- garments --------------------------------------------------------------------------------

    def add_garment(
        self, photo: str, k: int, label: str, box: tuple[float, float, float, float], *, score: float,
        width: int, height: int, model: str, rule: str, share: float | None = None,
    ) -> None:  # fmt: skip
        """Record a garment whose file stands (replacing an older cut): the box in the photo, the file's size in pixels.

        ``share`` of what was cut is garment, None when nobody knows.
        """
        relative = garment_path(photo, k, label)
        self._db.run(
            "INSERT OR REPLACE INTO garments(photo, k, label, path, x0, y0, x1, y1, score, width, height, model, rule, share, "
            "at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (photo, k, label, relative, *box, score, width, height, model, rule, share, self._clock()),
        )

    def doubt(self, garments: Iterable[tuple[str, int]]) -> None:
        """Say of garments (photo, rank) that their files may change from now on: until they are added again, no rule cut them."""
        with self.transaction():
            self._db.run_each("UPDATE garments SET rule = '' WHERE photo = ? AND k = ?", list(garments))

    def garments(self, labels: Iterable[str] = (), *, least: float = 0.0) -> list[Garment]:
        """Garments (with one of these labels or tags, or all) whose score is at ``least`` this, in a stable order."""
        wanted = list(labels)
        every = self.tags.garments(wanted) if wanted else self._db.records(Garment, f"{ALL} ORDER BY g.photo, g.k")
        return [one for one in every if one.score >= least]

    def garments_between(self, first: str, last: str) -> list[Garment]:
        """Garments of the photos from hash ``first`` to ``last``, by photo and rank."""
        return self._db.records(Garment, f"{ALL} WHERE g.photo BETWEEN ? AND ? ORDER BY g.photo, g.k", (first, last))

    def garment_counts(self) -> dict[str, int]:
        """How many garments there are of each label, by label."""
        rows = self._db.rows("SELECT label, count(*) AS n FROM garments GROUP BY label ORDER BY label")
        return {row["label"]: row["n"] for row in rows}

    def drop_garment(self, photo: str, k: int) -> None:
        """Forget a garment and delete its file: the rules of the cut no longer want it."""
        row = self._db.one("SELECT path FROM garments WHERE photo = ? AND k = ?", (photo, k))
        if row is not None:
            with self.transaction():
                self._db.run("DELETE FROM garments WHERE photo = ? AND k = ?", (photo, k))
                self._db.afterwards(lambda: self.delete_file(row["path"]))

    def garments_of(self, photo: str) -> list[Garment]:
        """The garments that were cut from a photo."""
        return self._db.records(Garment, f"{ALL} WHERE g.photo = ? ORDER BY g.k", (photo,))

    def delete_file(self, relative: str) -> None:
        """Delete a file of the workspace, if it is there. Raises StorageError where that is not possible."""
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

    def model(self, kind: str, name: str | None = None) -> ModelRecord | None:
        """The named model of this kind, or the newest one; None when there is none."""
        return next((one for one in self.models() if one.kind == kind and name in (None, one.name)), None)

    def models(self) -> list[ModelRecord]:
        """All models, newest first."""
        return self._db.records(ModelRecord, "SELECT * FROM models ORDER BY at DESC, name")

    def put_run(self, name: str, kind: str, *, status: str, images: int, figures: dict[str, Any]) -> None:
        """Register or update a run folder ``runs/<name>``: status running / done / failed, training images seen."""
        self._db.run(
            "INSERT INTO runs(name, kind, path, status, images, figures, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
            "ON CONFLICT(name) DO UPDATE SET status = ?4, images = ?5, figures = ?6, at = ?7",
            (name, kind, f"runs/{name}", status, images, json.dumps(figures), self._clock()),
        )

    def run(self, kind: str, name: str | None = None) -> RunRecord | None:
        """The named run of this kind, or the newest one; None when there is none."""
        runs = [one for one in self.runs() if one.kind == kind and name in (None, one.name)]
        return runs[-1] if runs else None

    def runs(self) -> list[RunRecord]:
        """All runs, oldest first."""
        return self._db.records(RunRecord, "SELECT * FROM runs ORDER BY rowid")
