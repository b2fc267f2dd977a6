"""Lists of addresses (edge): .txt, .csv, .tsv, .jsonl, .parquet, or standard input, a row at a time.

A row is an address and what else stands beside it. The address is in the first column called url, image_url, image, src, link,
href or page_url, else in the first that holds one. A column whose name begins with image, img, photo or src holds pictures;
elsewhere an address is a picture's when its path ends like one.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from deepstyle.errors import InputError, UsageError
from deepstyle.files import open_regular, reason, shown
from deepstyle.scraper.charsets import marked
from deepstyle.scraper.urls import names_image, normalise

SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"})
NAMES = ("image_url", "url", "image", "img", "src", "photo", "link", "href", "page_url")
PICTURES = ("image", "img", "photo", "src")
TITLES = ("title", "caption", "text", "alt", "name")
LONGEST = 1_000_000  # characters of a line
BATCH = 4_096  # rows of a parquet file read at a time
_PARAMETER = re.compile(r"\w+=")  # http://a.example/x.jpg;v=2
INSTALL = "reading and writing .parquet needs pyarrow: pip install 'deepstyle[parquet]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An address of a list: normal, or empty when it is none; whether it is a picture's; a title; the other columns."""

    url: str
    picture: bool
    title: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def is_list(source: str) -> bool:
    """Whether a source is called like a list, or is standard input."""
    return source == "-" or Path(source).suffix.lower() in SUFFIXES


def read_list(source: str) -> Iterator[Row]:
    """The rows of a list file, or of standard input (``-``). Raises InputError for what cannot be read."""
    kind = Path(source).suffix.lower() if source != "-" else ".txt"
    if kind == ".parquet":
        yield from (_row(one) for one in _parquet(Path(source)))
        return
    with _opened(source) as file:
        try:
            if kind in {".csv", ".tsv"}:
                yield from (_row(one) for one in _table(file, "\t" if kind == ".tsv" else None))
            else:
                yield from (_row(one) for one in _lines(file, json_only=kind in {".jsonl", ".ndjson"}))
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{shown(source)}: cannot be read ({error})") from error


@contextmanager
def _opened(source: str) -> Iterator[TextIO]:
    if source == "-":
        yield sys.stdin
        return
    try:
        raw = open_regular(Path(source))
    except OSError as error:
        raise InputError(f"{shown(source)}: cannot be read ({reason(error)})") from error
    encoding = marked(raw.peek(3)) or "utf-8"  # UTF-16 from spreadsheets on Windows
    with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as file:
        yield file


def _mark(line: str) -> str:
    """What parts the columns of a .csv file whose first line this is: a comma, else what spreadsheets write in its place."""
    found = {mark: next(csv.reader([line], delimiter=mark), []) for mark in ",;\t|"}
    for mark, cells in found.items():
        if any(cell.strip().lower() in NAMES for cell in cells):
            return mark
    if len(found[","]) > 1:
        return ","
    return next((mark for mark in "\t|;" if len(found[mark]) > 1 and not _PARAMETER.match(found[mark][1])), ",")


def _table(file: TextIO, mark: str | None = None) -> Iterator[dict[str, Any]]:
    first = file.readline(LONGEST)
    reader = csv.reader(chain([first], file), delimiter=mark or _mark(first))
    head = next(reader, [])
    if any(normalise(cell) for cell in head):  # no names of columns
        names = [f"column{number}" for number in range(1, len(head) + 1)]
        yield dict(zip(names, head, strict=True))
    else:
        names = [name.strip() or f"column{number}" for number, name in enumerate(head, start=1)]
    for cells in reader:
        if cells:
            yield dict(zip(names, cells, strict=False))


def _lines(file: TextIO, *, json_only: bool) -> Iterator[dict[str, Any]]:
    """Lines of addresses, or of JSON objects; empty ones and comments are passed over.

    A broken line must not cost the others: it counts as a row without an address.
    """
    while line := file.readline(LONGEST):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith("#"):
            continue
        if not json_only and not text.startswith("{"):
            url, rest = _parted(text)
            yield {"url": url, **({"title": rest} if rest else {})}
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        yield value if isinstance(value, dict) else {"url": value}


def _parted(line: str) -> tuple[str, str]:
    """The address of a line and the words behind it; a blank in the address of a picture is part of it."""
    url, _, rest = line.partition("\t")
    first, *words = url.split(None, 1)
    if words and normalise(first) and (names_image(normalise(first)) or not names_image(normalise(url))):
        return first, f"{words[0]} {rest}".strip()
    return url, rest.strip()


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(f"{shown(path)}: {INSTALL}") from error
    import pyarrow as pa

    try:
        with open_regular(path) as file:
            for batch in pq.ParquetFile(file).iter_batches(BATCH):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{shown(path)}: cannot be read ({error})") from error


def _row(cells: Mapping[str, Any]) -> Row:
    lower = {str(name).strip().lower(): name for name in cells}
    wanted = [lower[name] for name in NAMES if name in lower] or list(cells)
    for name in wanted:
        url = normalise(str(cells[name])) if cells[name] is not None else ""
        if url:
            title = next((str(cells[lower[one]]) for one in TITLES if one in lower and cells[lower[one]]), "")
            more = {str(key): value for key, value in cells.items() if key != name and value not in (None, "")}
            picture = names_image(url) or str(name).strip().lower().startswith(PICTURES)
            return Row(url=url, picture=picture, title=title[:500], more=more)
    return Row(url="", picture=False)
