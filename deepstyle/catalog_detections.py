"""The catalog's rows of what detectors see on photos, and of the marks that say which of it is no garment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest

from deepstyle.catalog_file import CatalogFile
from deepstyle.records import Detection, Photo


class Detections:
    """These rows of one catalog. ``clock`` gives seconds since the epoch."""

    def __init__(self, file: CatalogFile, clock: Callable[[], float]) -> None:
        self._db, self._clock = file, clock

    def undetected(self, model: str, *, after: str = "", limit: int = -1) -> list[Photo]:
        """Photos that this detector has not looked at yet, or in vain: by hash, those after this one, at most ``limit``."""
        return self._db.records(
            Photo,
            "SELECT * FROM photos p WHERE sha256 > ? AND NOT EXISTS (SELECT 1 FROM detected d "
            "WHERE d.photo = p.sha256 AND d.model = ? AND d.error = '') ORDER BY sha256 LIMIT ?",
            (after, model, limit),
        )

    def looked_at(self, model: str, first: str = "", last: str = "g") -> set[str]:
        """The photos from hash ``first`` to ``last`` that this detector has looked at, not in vain."""
        rows = self._db.rows(
            "SELECT photo FROM detected WHERE model = ? AND error = '' AND photo BETWEEN ? AND ?", (model, first, last)
        )
        return {row["photo"] for row in rows}

    def add(
        self, photo: str, model: str, boxes: Sequence[tuple[float, float, float, float, str, float]], *,
        shapes: Sequence[bytes] = (), error: str = "",
    ) -> None:  # fmt: skip
        """Record what the detector saw on a photo, all in one transaction: (x0, y0, x1, y1, label, score) in pixels.

        ``shapes`` are theirs, packed (``shape.py``), as far as they are known.
        What was recorded before (in vain, or by another process a moment ago) is replaced. ``error``: the photo is broken.
        """
        with self._db.transaction():
            self._db.run(
                "INSERT OR REPLACE INTO detected(photo, model, boxes, error, at) VALUES (?, ?, ?, ?, ?)",
                (photo, model, len(boxes), error, self._clock()),
            )
            self._db.run("DELETE FROM detections WHERE photo = ? AND model = ?", (photo, model))
            self._db.run_each(
                "INSERT INTO detections(photo, model, k, x0, y0, x1, y1, label, score, shape) "
                "VALUES (?,?,?,?,?,?,?,?,?,?)",
                [
                    (photo, model, k, *box, shape)
                    for k, (box, shape) in enumerate(zip_longest(boxes, shapes, fillvalue=b""))
                ],
            )

    def of(self, model: str, first: str = "", last: str = "g", *, least: float = 0.0) -> list[Detection]:
        """A model's detections on the photos from hash ``first`` to ``last`` (all: hex digits end before g), by rank.

        Those whose score is ``least`` or more.
        """
        return self._db.records(
            Detection,
            "SELECT * FROM detections WHERE model = ? AND photo BETWEEN ? AND ? AND score >= ? ORDER BY photo, k",
            (model, first, last, least),
        )

    def outlines(self) -> list[Detection]:
        """The detections that garments were cut from, as far as their shapes are known, in the garments' order."""
        return self._db.records(
            Detection,
            "SELECT d.* FROM garments g JOIN detections d ON d.photo = g.photo AND d.model = g.model AND d.k = g.k "
            "WHERE length(d.shape) > 0 ORDER BY g.photo, g.k",
        )

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
        rows = self._db.rows(
            "SELECT photo, k FROM excluded WHERE model = ? AND photo BETWEEN ? AND ?", (model, first, last)
        )
        return {(row["photo"], row["k"]) for row in rows}

    def exclusions(self) -> dict[str, int]:
        """How many marks there are for each model."""
        rows = self._db.rows("SELECT model, count(*) AS n FROM excluded GROUP BY model")
        return {row["model"]: row["n"] for row in rows}
