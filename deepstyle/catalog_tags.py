"""The catalog's rows of what models say of garments: each one's category, or the tags it has.

A tag belongs to the garment as it was cut: when it is cut otherwise, or goes, its tags go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from deepstyle.catalog_file import CatalogFile
from deepstyle.records import Garment

CATEGORY, TAG = "category", "tag"  # the kinds: a classifier's, of which a garment has one; a tagger's
GARMENTS = (
    "SELECT g.*, p.page_url, p.image_url, p.licence, p.credit{tag} FROM garments g JOIN photos p ON p.sha256 = g.photo"
)
ALL = GARMENTS.format(tag="")
_FOUND = (  # the surest tag among those that are asked for, in any case of letters
    ", coalesce((SELECT t.tag FROM tags t WHERE t.photo = g.photo AND t.k = g.k AND t.tag COLLATE NOCASE IN ({marks}) "
    "ORDER BY t.score DESC, t.tag LIMIT 1), '') AS tag"
)


class Tags:
    """These rows of one catalog. ``clock`` gives seconds since the epoch."""

    def __init__(self, file: CatalogFile, clock: Callable[[], float]) -> None:
        self._db, self._clock = file, clock

    def garments(self, wanted: Iterable[str]) -> list[Garment]:
        """Garments that a detector labelled so or that have such a tag, which then stands in ``tag``, in a stable order."""
        names = list(wanted)
        marks = ",".join("?" * len(names))
        sql = GARMENTS.format(tag=_FOUND.format(marks=marks))
        where = f"WHERE g.label IN ({marks}) OR tag <> '' ORDER BY g.photo, g.k"
        return self._db.records(Garment, f"{sql} {where}", [*names, *names])

    def untagged(self, model: str) -> list[Garment]:
        """The garments that this model has said nothing of, in a stable order."""
        return self._db.records(
            Garment,
            f"{ALL} WHERE NOT EXISTS (SELECT 1 FROM tags t WHERE t.photo = g.photo AND t.k = g.k AND t.model = ?) "
            "ORDER BY g.photo, g.k",
            (model,),
        )

    def put(self, garment: Garment, kind: str, model: str, tags: Sequence[tuple[str, float]]) -> bool:
        """Record a garment's tags of one kind (category, tag) in place of those that it has of it; False when it is gone."""
        with self._db.transaction():
            key = (garment.photo, garment.k, garment.at)
            there = self._db.one("SELECT 1 FROM garments WHERE photo = ? AND k = ? AND at = ?", key)
            if there is None:
                return False
            self._db.run("DELETE FROM tags WHERE photo = ? AND k = ? AND kind = ?", (garment.photo, garment.k, kind))
            self._db.run_each(
                "INSERT INTO tags(photo, k, kind, tag, score, model, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(garment.photo, garment.k, kind, tag, score, model, self._clock()) for tag, score in tags],
            )
        return True

    def named(self, kind: str) -> dict[tuple[str, int], str]:
        """The surest tag of a kind that each garment has, by photo and rank; garments without one are not in it."""
        rows = self._db.rows("SELECT photo, k, tag FROM tags WHERE kind = ? ORDER BY score, tag DESC", (kind,))
        return {(row["photo"], row["k"]): row["tag"] for row in rows}

    def counts(self, kind: str) -> dict[str, int]:
        """How many garments have each tag of a kind, the most frequent first."""
        rows = self._db.rows(
            "SELECT tag, count(*) AS n FROM tags WHERE kind = ? GROUP BY tag ORDER BY n DESC, tag", (kind,)
        )
        return {row["tag"]: row["n"] for row in rows}
