"""Lists of addresses (edge): .txt, .csv, .tsv, .jsonl, .parquet, or standard input, a row at a time.

A row is an address and what else stands beside it. The address is in the first column called url, image_url, image, src, link,
href or page_url, else in the first that holds one. A column whose name begins with image, img, photo or src holds pictures;
elsewhere an address is a picture's when its path ends like one. Where no column holds one, a row of JSON is looked through as
a page's JSON is, for all pictures that it names, and else for the first address in it.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from deepstyle.errors import InputError, UsageError
from deepstyle.files import open_regular, reason, shown
from deepstyle.scraper.charsets import marked
from deepstyle.scraper.pages import parse_json
from deepstyle.scraper.urls import names_image, normalise

SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"})
NAMES = ("image_url", "url", "image", "img", "src", "photo", "link", "href", "page_url")
PICTURES = ("image", "img", "photo", "src")
TITLES = ("title", "caption", "text", "alt", "name")
PLACES = frozenset({"src", "url", "href"})  # what an object calls the address of what it is
MAX_LEVELS, MAX_INNER = 8, 2_000  # of a row
NOWHERE = "https://row.invalid/"  # where what a row names without a host would be
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
        for one in _parquet(Path(source)):
            yield from _rows(one)
        return
    with _opened(source) as file:
        try:
            if kind in {".csv", ".tsv"}:
                yield from (_row(one) for one in _table(file, "\t" if kind == ".tsv" else None))
            else:
                for one in _lines(file, json_only=kind in {".jsonl", ".ndjson"}):
                    yield from _rows(one)
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


def _rows(cells: Mapping[str, Any]) -> Iterator[Row]:
    """The row of these cells; where its address is in an object inside it, a row for each picture."""
    row = _row(cells)
    nested = [(str(name), value) for name, value in cells.items() if isinstance(value, (dict, list))]
    if row.url or not nested:
        yield row
        return
    more = {
        str(name): value
        for name, value in cells.items()
        if not isinstance(value, (dict, list)) and value not in (None, "")
    }
    text = json.dumps(dict(nested), default=str).encode()
    pictures = [one for one in parse_json(text, NOWHERE).listings if not one.image_url.startswith(NOWHERE)]
    for one in pictures:
        yield Row(url=one.image_url, picture=True, title=one.title or _title(cells), more=more)
    if not pictures:
        found = sorted(((name, url) for name, url in _addresses(nested)), key=lambda pair: not _pictured(*pair))
        name, url = found[0] if found else ("", "")
        yield Row(url=url, picture=_pictured(name, url), title=_title(cells), more=more)


def _addresses(pairs: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """The addresses in objects and lists, the outer ones first, with the name under which each stands."""
    for _ in range(MAX_LEVELS):
        inner: list[tuple[str, Any]] = []
        for name, value in pairs:
            if isinstance(value, dict):
                inner += [
                    (str(key) if str(key).lower() not in PLACES else f"{name}.{key}", one) for key, one in value.items()
                ]
            elif isinstance(value, list):
                inner += [(name, one) for one in value]
            elif isinstance(value, str) and (url := normalise(value)):
                yield name, url
        pairs = inner[:MAX_INNER]


def _pictured(name: str, url: str) -> bool:
    """Whether an address is a picture's, by itself or by the name of its column."""
    return names_image(url) or name.strip().lower().startswith(PICTURES)


def _title(cells: Mapping[str, Any]) -> str:
    lower = {str(name).strip().lower(): one for name, one in cells.items() if not isinstance(one, (dict, list))}
    return next((str(lower[one])[:500] for one in TITLES if lower.get(one)), "")


def _row(cells: Mapping[str, Any]) -> Row:
    lower = {str(name).strip().lower(): name for name in cells}
    wanted = [lower[name] for name in NAMES if name in lower] or list(cells)
    for name in wanted:
        url = normalise(str(cells[name])) if cells[name] is not None else ""
        if url:
            more = {str(key): value for key, value in cells.items() if key != name and value not in (None, "")}
            return Row(url=url, picture=_pictured(str(name), url), title=_title(cells), more=more)
    return Row(url="", picture=False)
