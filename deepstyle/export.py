"""The photos for other programs (edge): a table as CSV, JSON lines or Parquet, or .tar files in WebDataset's form.

Rows are read and written a batch at a time; a file appears whole or not at all.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from deepstyle.catalog import Catalog
from deepstyle.errors import InputError, StorageError, UsageError
from deepstyle.files import TEMPORARY, plain_place, read_regular, reason, shown

Form = Literal["csv", "jsonl", "parquet", "webdataset"]
COLUMNS = (
    "sha256", "path", "width", "height", "size", "image_url", "page_url", "title", "licence", "credit", "near_of", "at",
    "reservation", "more",
)  # fmt: skip
BATCH = 2_000  # rows read at a time
LARGEST = 1_000_000_000  # bytes of a photo


def export(catalog: Catalog, form: Form | str, out: Path, *, shard: int = 1000) -> int:
    """Write all photos to ``out``; returns how many. Raises UsageError when there are none, StorageError when it fails."""
    if str(out) == "-":
        raise UsageError(
            "--out -: a table appears whole or not at all, so it goes to a file; name one, e.g. photos.csv"
        )
    if not catalog.count("photos"):
        raise UsageError(f"{catalog.root}: holds no photos; run `deepstyle scrape` or `deepstyle add` first")
    if form == "webdataset" and out.exists() and not out.is_dir():
        raise UsageError(f"--out {shown(out)}: is a file; --to webdataset writes .tar files into a folder: name one")
    place = out if form == "webdataset" else plain_place(out)
    try:
        if form == "webdataset":
            out.mkdir(parents=True, exist_ok=True)
            return _shards(catalog, out, shard)
        place.parent.mkdir(parents=True, exist_ok=True)
        begun = place.with_name(f"{TEMPORARY}{place.name}")
        try:
            count = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[form](catalog.rights.rows(BATCH), begun)
            os.replace(begun, place)
        finally:
            begun.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"--out {shown(out)}: cannot be written ({reason(error)})") from error
    return count


def _csv(rows: Iterable[dict[str, Any]], place: Path) -> int:
    with place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        count = 0
        for row in rows:
            writer.writerow({key: value if key != "more" or value else "" for key, value in row.items()})
            count += 1
    return count


def _jsonl(rows: Iterable[dict[str, Any]], place: Path) -> int:
    with place.open("w", encoding="utf-8") as file:
        count = 0
        for row in rows:
            file.write(json.dumps(_opened(row), ensure_ascii=False) + "\n")
            count += 1
    return count


def _parquet(rows: Iterator[dict[str, Any]], place: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError("--to parquet needs pyarrow: pip install 'deepstyle[parquet]'") from error
    kinds = {"width": pa.int32(), "height": pa.int32(), "size": pa.int64(), "at": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(place, schema) as writer:
        while batch := list(itertools.islice(rows, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose ``more`` is what its JSON says."""
    more: Any = {}
    with suppress(ValueError):
        more = json.loads(row["more"]) if row["more"] else {}
    return {**row, "more": more}


def _shards(catalog: Catalog, out: Path, shard: int) -> int:
    """Write 000000.tar, 000001.tar, ... of ``shard`` photos each; photos whose file is gone are left out."""
    rows, number, count = catalog.rights.rows(BATCH), 0, 0
    while batch := list(itertools.islice(rows, shard)):
        place = out / f"{TEMPORARY}{number:06d}.tar"
        try:
            with tarfile.open(place, "w") as tar:
                count += sum(_put(tar, catalog, row) for row in batch)
            os.replace(place, out / f"{number:06d}.tar")
        finally:
            place.unlink(missing_ok=True)
        number += 1
    while (stale := out / f"{number:06d}.tar").is_file():  # of an earlier export, when there were more photos
        stale.unlink()
        number += 1
    return count


def _put(tar: tarfile.TarFile, catalog: Catalog, row: dict[str, Any]) -> int:
    try:
        data = read_regular(catalog.path(row["path"]), LARGEST)
    except (OSError, InputError):
        return 0
    about = json.dumps(_opened(row), ensure_ascii=False).encode()
    for suffix, body in ((Path(row["path"]).suffix, data), (".json", about)):
        entry = tarfile.TarInfo(row["sha256"] + suffix)
        entry.size, entry.mtime = len(body), int(row["at"])
        tar.addfile(entry, io.BytesIO(body))
    return 1
