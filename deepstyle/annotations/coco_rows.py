"""The rows of a COCO file as its JSON has them, each value checked and named when it is wrong (edge).

An id is a whole number, or a text; a whole number written as a text or with a point is that number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepstyle.errors import InputError
from deepstyle.files import is_regular, read_input
from deepstyle.images import MAX_PIXELS

MOST = 4_000_000_000  # bytes of a COCO file
WHOLE = 2**53  # up to which a float64 holds every whole number
AGAIN = "correct it there, or export the file again"

Key = int | str  # an id
XYXY = tuple[float, float, float, float]
Sized = tuple[Path, int, int]  # a photo's file, its width and height in pixels


def load(path: Path) -> dict[str, Any]:
    """What a COCO file holds. Raises InputError."""
    text = read_input(path, MOST, "give a COCO annotation file")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # JSONDecodeError, UnicodeDecodeError, nesting without end
        raise InputError(f"{path}: is no JSON ({error}); give a COCO annotation file") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: holds a {type(data).__name__}; COCO is an object of images, annotations, categories")
    return data


def rows(path: Path, data: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one of its lists, each with its place in words. Raises InputError where there is no such list."""
    found = data.get(key)
    if not isinstance(found, list):
        wrong = f"has no {key!r}" if key not in data else f"{key!r} is a {type(found).__name__}, not a list"
        raise InputError(f"{path}: {wrong}; COCO needs the lists images, annotations and categories")
    for i, row in enumerate(found):
        if not isinstance(row, dict):
            raise InputError(f"{path}: {key}[{i}] is a {type(row).__name__}, not an object; {AGAIN}")
        yield f"{key}[{i}]", row


def category(path: Path, row: dict[str, Any], where: str) -> tuple[Key, str]:
    """A category's id and name."""
    return ident(path, row, "id", where), _text(path, row, "name", where)


def image(path: Path, row: dict[str, Any], where: str) -> tuple[Key, Sized]:
    """A photo's id, its file, absolute, and its size."""
    width, height = (_size(path, row, key, where) for key in ("width", "height"))
    if width < 1 or height < 1:
        raise InputError(f"{path}: {where} is {width} x {height} pixels; both must be positive")
    if width * height > MAX_PIXELS:
        raise InputError(f"{path}: {where} is {width} x {height} pixels; photos of at most {MAX_PIXELS:,} are read")
    name = _text(path, row, "file_name", where)
    if not name or "\0" in name:
        raise InputError(f"{path}: {where}.file_name is {name!r}, which no file can be called; {AGAIN}")
    return ident(path, row, "id", where), (_file(path, name), width, height)


def _file(path: Path, name: str) -> Path:
    """The photo of this name, from the JSON's folder; a backslash parts folders, as on Windows, unless a file is called so."""
    file = Path(os.path.normpath(path.parent.absolute() / name))
    if "\\" in name and not is_regular(file):
        return Path(os.path.normpath(path.parent.absolute() / name.replace("\\", "/")))
    return file


def box(path: Path, row: dict[str, Any], where: str) -> XYXY:
    """COCO's [x, y, width, height] as (x0, y0, x1, y1)."""
    values = _get(path, row, "bbox", where)
    try:
        if isinstance(values, str) or any(type(v) not in {int, float} for v in values):
            raise TypeError
        x, y, width, height = (float(v) for v in values)
    except (TypeError, ValueError, OverflowError) as error:
        said = repr(values)[:100]
        raise InputError(f"{path}: {where}.bbox is {said}, not four numbers [x, y, width, height]; {AGAIN}") from error
    return x, y, x + width, y + height


def ident(path: Path, row: dict[str, Any], key: str, where: str) -> Key:
    """The id that stands under ``key``."""
    value = _get(path, row, key, where)
    if isinstance(value, float) and abs(value) <= WHOLE and value.is_integer():
        return int(value)
    if isinstance(value, str) and value:
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else value
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{path}: {where}.{key} is {value!r}, which is no id (a whole number, or a text); {AGAIN}")
    return value


def is_crowd(row: dict[str, Any]) -> bool:
    """Whether a row is a region of many things."""
    return row.get("iscrowd") not in (None, False, 0, "", "0", "false", "False")


def _size(path: Path, row: dict[str, Any], key: str, where: str) -> int:
    value = _get(path, row, key, where)
    if isinstance(value, float) and abs(value) <= WHOLE and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{path}: {where}.{key} is {value!r}, not a whole number of pixels; {AGAIN}")
    return value


def _get(path: Path, row: dict[str, Any], key: str, where: str) -> Any:
    if key not in row:
        raise InputError(f"{path}: {where} lacks {key!r}; {AGAIN}")
    return row[key]


def _text(path: Path, row: dict[str, Any], key: str, where: str) -> str:
    """A text that can be a file's name or be shown; half a pair of UTF-16 is neither."""
    text = _get(path, row, key, where)
    try:
        os.fsencode(text)
        return str(text)
    except (TypeError, UnicodeEncodeError) as error:
        raise InputError(f"{path}: {where}.{key} is {text!r}, which is no text; {AGAIN}") from error
