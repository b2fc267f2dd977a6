"""PackedDataset: images as one memory-mapped uint8 array. One format, written and read here alone.

    datasets/<name>/images.npy    uint8 N x S x S x 3, RGB in [0, 255]
    datasets/<name>/labels.npy    int64 N, indices into label_names
    datasets/<name>/index.json    format version, key, label_names, sources, skipped

The same items give the same bytes, on any number of threads; a dataset whose ``key`` still fits is not packed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepstyle import images
from deepstyle.errors import InputError
from deepstyle.files import put_folder, read_regular, reserve
from deepstyle.progress import Reporter

try:
    import fcntl
except ImportError:  # Windows has no flock: there two commands packing the same garments both do
    fcntl = None  # type: ignore[assignment]

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image to pack: where it is, what it is, and the name it goes by (``source``, e.g. ``<photo sha256>-0``)."""

    source: str
    path: Path
    label: str


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
        key = _key(items, names, size, fit)
        with _alone(folder.parent / f".{folder.name}.lock"):
            if (folder / "index.json").is_file():
                existing = cls(folder)
                if existing.key == key:
                    return existing
            put_folder(folder, lambda place: _write(place, items, names, key, size, fit, reporter, workers))
        return cls(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one process at a time is inside, so of those that torchrun starts one packs and the others find it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _key(items: Sequence[Item], names: Sequence[str], size: int, fit: str) -> str:
    """What the bytes depend on; a file's size and time stand for its content."""
    digest = hashlib.sha256(json.dumps([FORMAT, size, fit, list(names)]).encode())
    for item in items:
        try:
            state = item.path.stat()
            stamp = (state.st_size, state.st_mtime_ns)
        except OSError:
            stamp = (0, 0)
        digest.update(json.dumps([item.source, item.label, *stamp]).encode())
    return digest.hexdigest()


def _load(item: Item, size: int, fit: images.Fit) -> images.Pixels | str:
    try:
        with images.decoded(read_regular(item.path, images.MAX_BYTES)) as pixels:
            return images.resize(pixels, size, fit)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except InputError as error:
        return str(error)


def _write(
    folder: Path, items: Sequence[Item], names: Sequence[str], key: str, size: int, fit: images.Fit,
    reporter: Reporter, workers: int | None,
) -> None:  # fmt: skip
    shape = (len(items), size, size, 3)
    if not items:
        raise InputError("nothing to pack: there are no images with these labels")
    raw = _reserved(folder / "images.npy", shape)
    kept: list[Item] = []
    skipped: dict[str, str] = {}
    with (
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
        reporter.task(f"packing {size} px", total=len(items), unit="images") as task,
    ):
        for start in range(0, len(items), 256):  # a window bounds memory whatever the size of the dataset
            window = items[start : start + 256]
            for item, result in zip(window, pool.map(lambda item: _load(item, size, fit), window), strict=True):
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
        "format": FORMAT, "key": key, "label_names": list(names), "sources": [item.source for item in kept],
        "skipped": skipped,
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
