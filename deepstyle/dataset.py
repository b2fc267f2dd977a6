"""PackedDataset: images as one memory-mapped uint8 array. One format, written and read here alone.

    datasets/<name>/images.npy    uint8 N x S x S x 3, RGB in [0, 255]
    datasets/<name>/labels.npy    int64 N, indices into label_names
    datasets/<name>/index.json    format version, key, stamp, label_names, sources, skipped

The same items give the same bytes, on any number of threads. The ``key`` stands for the content of the images, so it is
the same in a copy of the workspace; the ``stamp`` for their sizes and times, so that what has not changed is not read. A
dataset that still fits is not packed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepstyle import images
from deepstyle.boxes import Corners
from deepstyle.errors import InputError
from deepstyle.files import put_file, read_regular, reserve
from deepstyle.folders import alone, drop_folder, put_folder
from deepstyle.progress import Reporter
from deepstyle.shape import Outline

FORMAT = 1
REFUSED = "refused"  # in the place of the digest of what is no regular file, or too large
WINDOW = 256  # images on their way at a time: it bounds memory whatever the size of the dataset
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")  # a photo's, in a source
V = TypeVar("V")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image to pack: where it is, what it is, and the name it goes by (``source``, e.g. ``<photo sha256>-0``).

    With a ``box`` (pixels) that part of it is cut out. With an ``outline`` it is laid on a plain ground, its aspect kept, or
    left out where little of the garment is seen.
    """

    source: str
    path: Path
    label: str
    outline: Outline | None = None
    box: Corners | None = None

    @property
    def about(self) -> list[str]:
        """What its pixels depend on beside the file."""
        outline = [] if self.outline is None else [images.sha256(repr(self.outline).encode())]
        return [self.label, *outline, *([] if self.box is None else [repr(self.box)])]


class PackedDataset:
    """A folder written by ``pack``; ``images`` is a read-only memory map, N x S x S x 3 uint8."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            self.images: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
            self.labels: NDArray[np.int64] = np.load(folder / "labels.npy", allow_pickle=False)
            self.label_names = tuple(str(name) for name in index["label_names"])
            named = len(index["sources"])
            self.skipped = dict(index["skipped"])
            self.key = str(index["key"])
            self.stamp = str(index.get("stamp", self.key))  # once they were one
            version = index["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder} is not a packed dataset ({error}); delete it and run the command again"
            ) from error
        if version != FORMAT or len(self.images) != len(self.labels) or named != len(self.labels):
            raise InputError(f"{folder} was packed by another version; delete it and run the command again")

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The name of each image. Read when asked for: a training of a million garments does without 120 MB of names."""
        return tuple(json.loads((self.folder / "index.json").read_text(encoding="utf-8"))["sources"])

    @property
    def size(self) -> int:
        """Side of each image in pixels."""
        return int(self.images.shape[1])

    @classmethod
    def pack(
        cls, folder: Path, items: Sequence[Item], *, size: int, fit: images.Fit, reporter: Reporter,
        label_names: Sequence[str] | None = None, workers: int | None = None,
    ) -> Self:  # fmt: skip
        """Decode, resize and store ``items`` in their order; returns the dataset (the existing one when it still fits).

        Images that cannot be decoded are left out and named in ``skipped``. Raises InputError when nothing is left.
        """
        names = list(label_names) if label_names is not None else sorted({item.label for item in items})
        stamp = _stamp(items, names, size, fit)
        with alone(folder.parent / f".{folder.name}.lock"):
            if (folder / "index.json").is_file():
                existing = cls(folder)
                if existing.stamp == stamp:
                    return existing
                if existing._holds(items) and existing.key == _key(items, names, size, fit, reporter, workers):
                    existing._restamp(stamp)
                    return existing
            put_folder(folder, lambda place: _write(place, items, names, stamp, size, fit, reporter, workers))
        return cls(folder)

    def _holds(self, items: Sequence[Item]) -> bool:
        """Whether these are the items that were packed, by name."""
        return self.sources == tuple(item.source for item in items if item.source not in self.skipped)

    def _restamp(self, stamp: str) -> None:
        """Note that files of other times hold what they held; unless some could not be read, which are tried every time."""
        if not self.stamp:
            return
        index = json.loads((self.folder / "index.json").read_text(encoding="utf-8"))
        put_file(self.folder / "index.json", json.dumps({**index, "stamp": stamp}).encode())
        self.stamp = stamp


def drop_packs(folder: Path, photos: Collection[str]) -> dict[str, str]:
    """Delete the datasets in ``folder`` that hold an image of these photos (hashes in its name): their names and keys.

    One that cannot be read is deleted as well: nobody knows what it holds.
    """
    found: dict[str, str] = {}
    for index in sorted(folder.glob("*/index.json")) if photos else ():
        place = index.parent
        with alone(folder / f".{place.name}.lock"):
            try:
                pack = PackedDataset(place)
                held = {part for source in pack.sources for part in _HASH.findall(source)}
                key = pack.key
                if held.isdisjoint(photos):
                    continue
            except (InputError, OSError):
                key = ""
            found[place.name] = key
            drop_folder(place)
    return found


def _stamp(items: Sequence[Item], names: Sequence[str], size: int, fit: str) -> str:
    """What tells, without reading them, that files have not changed: their sizes and times."""
    digest = hashlib.sha256(json.dumps([FORMAT, size, fit, list(names)]).encode())
    for item in items:
        try:
            state = item.path.stat()
            stamp = (state.st_size, state.st_mtime_ns)
        except OSError:
            stamp = (0, 0)
        digest.update(json.dumps([item.source, *item.about, *stamp]).encode())
    return digest.hexdigest()


def _key(
    items: Sequence[Item], names: Sequence[str], size: int, fit: str, reporter: Reporter, workers: int | None
) -> str:
    """What the packed bytes depend on: each image's content and label, in order."""
    digest = _begun(names, size, fit)
    with reporter.task("checking", total=len(items), unit="images") as task:
        for item, content in _each(items, _content, workers):
            digest.update(json.dumps([*item.about, content]).encode())
            task.advance()
    return digest.hexdigest()


def _begun(names: Sequence[str], size: int, fit: str) -> hashlib._Hash:
    return hashlib.sha256(json.dumps(["content", FORMAT, size, fit, list(names)]).encode())


def _content(item: Item) -> str:
    """The digest of a file; empty when it could not be read, which may pass."""
    try:
        return images.sha256(read_regular(item.path, images.MAX_BYTES))
    except OSError:
        return ""
    except InputError:
        return REFUSED


def _each(items: Sequence[Item], work: Callable[[Item], V], workers: int | None) -> Iterator[tuple[Item, V]]:
    """Each item with what ``work`` makes of it on other threads, in order."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for start in range(0, len(items), WINDOW):
            window = items[start : start + WINDOW]
            yield from zip(window, pool.map(work, window), strict=True)


def _load(item: Item, size: int, fit: images.Fit) -> tuple[str, images.Pixels | str]:
    """What ``_content`` says of a file, and its pixels, or why there are none."""
    content = REFUSED
    try:
        data = read_regular(item.path, images.MAX_BYTES)
        content = images.sha256(data)
        with images.decoded(data) as pixels:
            part = images.crop(pixels, item.box) if item.box else pixels
            return content, images.resize(item.outline.laid(part) if item.outline else part, size, fit)
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    except InputError as error:
        return content, str(error)


def _write(
    folder: Path, items: Sequence[Item], names: Sequence[str], stamp: str, size: int, fit: images.Fit,
    reporter: Reporter, workers: int | None,
) -> None:  # fmt: skip
    shape = (len(items), size, size, 3)
    if not items:
        raise InputError("nothing to pack: there are no images with these labels")
    raw = _reserved(folder / "images.npy", shape)
    kept: list[Item] = []
    skipped: dict[str, str] = {}
    digest = _begun(names, size, fit)
    with reporter.task(f"packing {size} px", total=len(items), unit="images") as task:
        for item, (content, result) in _each(items, lambda item: _load(item, size, fit), workers):
            digest.update(json.dumps([*item.about, content]).encode())
            stamp = "" if not content and item.path.exists() else stamp  # what could not be read is tried again
            if isinstance(result, str):
                skipped[item.source] = result
            else:
                raw[len(kept)] = result
                kept.append(item)
            task.advance()
    if not kept:
        raise InputError(f"none of the {len(items)} images can be decoded: {next(iter(skipped.items()))}")
    raw.flush()
    if skipped:
        _shorten(folder / "images.npy", (len(kept), size, size, 3))
    number = {name: i for i, name in enumerate(names)}
    np.save(folder / "labels.npy", np.array([number[item.label] for item in kept], np.int64))
    index: dict[str, Any] = {
        "format": FORMAT, "key": digest.hexdigest(), "stamp": stamp, "label_names": list(names),
        "sources": [item.source for item in kept], "skipped": skipped,
    }  # fmt: skip
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _head(shape: tuple[int, ...]) -> bytes:
    """What stands in a .npy file of uint8 before the numbers; as long for every count of images."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return out.getvalue()


def _reserved(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """A memory map of a new .npy file whose space is the disk's promise. Raises StorageError when it has too little."""
    head = _head(shape)
    reserve(path, len(head) + math.prod(shape))
    with path.open("r+b") as file:
        file.write(head)
    return np.lib.format.open_memmap(path, mode="r+")


def _shorten(path: Path, shape: tuple[int, ...]) -> None:
    """Make a .npy file of uint8 one of fewer images: the first ones."""
    head = _head(shape)
    with path.open("r+b") as file:
        file.write(head)
        file.truncate(len(head) + math.prod(shape))
