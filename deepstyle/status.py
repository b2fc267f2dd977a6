"""What a workspace holds, read from the catalog alone (no torch)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deepstyle.catalog import Catalog


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a workspace holds: counts, models and runs with their figures."""

    workspace: str
    photos: int
    near_duplicates: int
    listings: dict[str, int]
    garments: dict[str, int]
    models: dict[str, dict[str, Any]]
    runs: dict[str, dict[str, Any]]


def status_of(catalog: Catalog) -> Status:
    """Count everything in the catalog."""
    listings = catalog.query("SELECT outcome, count(*) AS n FROM listings GROUP BY outcome ORDER BY n DESC")
    labels = catalog.query("SELECT label, count(*) AS n FROM garments GROUP BY label ORDER BY label")
    models = catalog.query("SELECT * FROM models ORDER BY name")
    runs = catalog.query("SELECT * FROM runs ORDER BY rowid")
    return Status(
        workspace=str(catalog.root), photos=catalog.count("photos"),
        near_duplicates=catalog.count("photos", "near_of IS NOT NULL"),
        listings={r["outcome"]: r["n"] for r in listings}, garments={r["label"]: r["n"] for r in labels},
        models={r["name"]: {"kind": r["kind"], **json.loads(r["figures"])} for r in models},
        runs={
            r["name"]: {"kind": r["kind"], "status": r["status"], "images": r["images"], **json.loads(r["figures"])}
            for r in runs
        },
    )  # fmt: skip
