"""Which real garments are nearest to a generated image: the table beside the samples, and the part of a score (pure).

This file owns the form of ``novelty.csv``, both directions, and reads the ``nearest`` of ``score.json``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from deepstyle.errors import InputError

COLUMNS = (
    "seed", "label", "file", "sha256", "rank", "distance", "ratio", "garment", "page_url", "photo_url", "licence", "credit",
    "copy", "repeats",
)  # fmt: skip
FORMER = COLUMNS[:-2]  # tables of before copies and repeats stood in them


def place_of(page_url: str, image_url: str) -> str:
    """Where a photo is to be seen: its page; the file of one that was added from a folder, whose page is that folder."""
    return image_url if not page_url or page_url.startswith("file:") else page_url


@dataclass(frozen=True, kw_only=True)
class Near:
    """A real garment near an image: its file in the workspace (or its name), the distance, and where its photo is from.

    ``distance``: 1 - cosine of features; ``ratio``: in the distances at which real garments usually are from one another.
    """

    garment: str
    distance: float
    ratio: float | None
    page_url: str
    photo_url: str
    licence: str = ""
    credit: str = ""

    @property
    def name(self) -> str:
        """The garment's name: its photo's hash and its number on it."""
        return PurePosixPath(self.garment).stem


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A generated image and its nearest real garments, nearest first.

    ``name`` is that of its file, ``sha256`` the hash of the file's bytes; images that a score looked at have no file.
    ``copy``: their correlation in [-1, 1] when it looks like a copy of the first of them, else None; ``repeats``: the file
    of an earlier image that it looks like, or "".
    """

    name: str
    near: tuple[Near, ...]
    sha256: str = ""
    seed: int | None = None
    label: str = ""
    copy: float | None = None
    repeats: str = ""


def to_csv(traces: Iterable[Trace]) -> str:
    """The table of images that have files: one line a garment."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for trace in traces:
        for rank, near in enumerate(trace.near, start=1):
            assert near.ratio is not None
            writer.writerow([
                trace.seed, trace.label, trace.name, trace.sha256, rank, f"{near.distance:.6f}", f"{near.ratio:.4f}",
                near.garment, near.page_url, near.photo_url, near.licence, near.credit,
                f"{trace.copy:.3f}" if trace.copy is not None and rank == 1 else "", trace.repeats if rank == 1 else "",
            ])  # fmt: skip
    return text.getvalue()


def from_csv(text: str, origin: str) -> list[Trace]:
    """Read that table. Raises InputError naming its ``origin`` when it is none, or one of before files had hashes."""
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if tuple(reader.fieldnames or ()) not in {COLUMNS, FORMER}:
            raise InputError(
                f"{origin}: not a table of nearest garments; make it again with `deepstyle sample --novelty`"
            )
        return [
            _trace(list(rows))
            for _, rows in groupby(reader, key=lambda row: (row["file"], row["sha256"], row["seed"], row["label"]))
        ]
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise InputError(f"{origin}: a damaged table of nearest garments ({error}); make it again") from error


def _trace(rows: list[dict[str, str]]) -> Trace:
    """An image, from the lines of its garments."""
    first = rows[0]
    copy = first.get("copy")
    return Trace(
        name=first["file"], sha256=first["sha256"], seed=int(first["seed"]), label=first["label"],
        near=tuple(_near(row) for row in rows), copy=float(copy) if copy else None, repeats=first.get("repeats", ""),
    )  # fmt: skip


def _near(row: dict[str, str]) -> Near:
    return Near(
        garment=row["garment"], distance=float(row["distance"]), ratio=float(row["ratio"]), page_url=row["page_url"],
        photo_url=row["photo_url"], licence=row["licence"], credit=row["credit"],
    )  # fmt: skip


def from_score(text: str, origin: str) -> list[Trace]:
    """The images of a ``score.json`` whose nearest garments it names. Raises InputError naming its ``origin``."""
    try:
        return [
            Trace(name=f"sample {number}", near=tuple(_of_score(one) for one in near))
            for number, near in enumerate(json.loads(text)["nearest"], start=1)
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{origin}: not a score ({error}); make it again with `deepstyle score`") from error


def _of_score(one: dict[str, str]) -> Near:
    return Near(
        garment=str(one["source"]), distance=float(one["distance"]), ratio=None, page_url=str(one["page_url"]),
        photo_url=str(one["image_url"]), licence=str(one.get("licence", "")), credit=str(one.get("credit", "")),
    )  # fmt: skip
