"""PackedDataset: the same items give the same bytes."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from deepstyle import dataset
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import InputError
from deepstyle.files import read_regular
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def items(folder: Path, count: int = 12) -> list[Item]:
    random = np.random.default_rng(0)
    made = []
    for i in range(count):
        path = folder / f"{i}.png"
        path.write_bytes(encode(random.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)))
        made.append(Item(source=f"s{i}", path=path, label="ab"[i % 2]))
    return made


def test_round_trip(tmp_path: Path) -> None:
    """What was packed is read back: images in order, labels, names and sources."""
    packed = PackedDataset.pack(tmp_path / "d", items(tmp_path), size=16, fit="stretch", reporter=QUIET)

    assert packed.images.shape == (12, 16, 16, 3)
    assert packed.images.dtype == np.uint8
    assert packed.labels.tolist() == [0, 1] * 6
    assert packed.label_names == ("a", "b")
    assert packed.sources == tuple(f"s{i}" for i in range(12))
    assert not packed.images.flags.writeable


def test_same_items_same_bytes(tmp_path: Path) -> None:
    """Two packings, on one and on four threads, are equal byte for byte."""
    rows = items(tmp_path, 40)
    PackedDataset.pack(tmp_path / "one", rows, size=16, fit="pad", reporter=QUIET, workers=1)
    PackedDataset.pack(tmp_path / "two", rows, size=16, fit="pad", reporter=QUIET, workers=4)

    for name in ("images.npy", "labels.npy", "index.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_an_unchanged_dataset_is_not_packed_again(tmp_path: Path) -> None:
    """The second call returns the folder as it is; a changed image packs anew."""
    rows = items(tmp_path)
    PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)
    before = (tmp_path / "d/images.npy").stat().st_mtime_ns
    PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)

    assert (tmp_path / "d/images.npy").stat().st_mtime_ns == before
    rows[0].path.write_bytes(encode(np.zeros((5, 5, 3), np.uint8)))
    again = PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)
    assert (again.images[0] == 0).all()


def test_of_several_packers_one_packs(tmp_path: Path) -> None:
    """Four callers that want the same dataset at the same time all get it, and it is packed once."""
    rows, said = items(tmp_path, 60), io.StringIO()
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(
                lambda _: PackedDataset.pack(tmp_path / "d", rows, size=64, fit="pad", reporter=Reporter(stream=said)),
                range(4),
            )
        )

    assert said.getvalue().count("packing 64 px") == 1
    assert len({one.key for one in made}) == 1
    assert all(len(one) == 60 for one in made)


def test_broken_images_are_left_out_and_named(tmp_path: Path) -> None:
    """A broken and a missing file are skipped with their reason; the others keep their order."""
    rows = items(tmp_path, 5)
    rows[1].path.write_bytes(b"no image")
    rows[3].path.unlink()
    packed = PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)

    assert packed.sources == ("s0", "s2", "s4")
    assert set(packed.skipped) == {"s1", "s3"}
    assert "not an image" in packed.skipped["s1"]
    assert len(packed.images) == 3


LIMITED = """
import resource, sys
from pathlib import Path
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import StorageError
from deepstyle.progress import Reporter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
items = [Item(source=str(k), path=folder / "0.png", label="a") for k in range(1000)]
try:
    PackedDataset.pack(folder / "d", items, size=64, fit="pad", reporter=Reporter(quiet=True))
except StorageError as error:
    print(error)
"""


def test_a_disk_that_is_full_is_said_so_before_the_work(tmp_path: Path) -> None:
    """Where the dataset finds no room, packing ends in words with the bytes it needs, not by a signal; nothing is left."""
    items(tmp_path, 1)
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=True, capture_output=True, text=True)

    assert "needs 12,288,128 bytes" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [".d.lock", "0.png"]


def test_the_room_is_taken_before_the_first_image(tmp_path: Path) -> None:
    """The file of images has no holes while it is filled: a memory map of holes dies when the disk fills up."""
    taken: list[bool] = []

    class Watch(io.StringIO):
        def write(self, text: str) -> int:
            found = [path.stat() for path in tmp_path.glob(".tmp-*/images.npy")]
            taken.extend(one.st_blocks * 512 >= one.st_size for one in found)
            return len(text)

    packed = PackedDataset.pack(
        tmp_path / "d", items(tmp_path, 40), size=64, fit="pad", reporter=Reporter(stream=Watch(), every=0)
    )

    assert len(packed) == 40
    assert taken
    assert all(taken)


def test_a_shortened_dataset_is_as_if_the_broken_images_had_not_been_there(tmp_path: Path) -> None:
    """The file of images is byte for byte that of the good ones alone."""
    rows = items(tmp_path, 12)
    PackedDataset.pack(tmp_path / "good", rows[3:], size=16, fit="pad", reporter=QUIET)
    for row in rows[:3]:
        row.path.write_bytes(b"no image")
    PackedDataset.pack(tmp_path / "all", rows, size=16, fit="pad", reporter=QUIET)

    assert (tmp_path / "good/images.npy").read_bytes() == (tmp_path / "all/images.npy").read_bytes()


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    """No items, or only broken ones, raise InputError and leave no folder behind."""
    (tmp_path / "x.png").write_bytes(b"no image")
    for rows in ([], [Item(source="s", path=tmp_path / "x.png", label="a")]):
        with pytest.raises(InputError):
            PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".d.lock", "x.png"]


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    """A folder without index, or with a pickled array, raises InputError with the remedy."""
    PackedDataset.pack(tmp_path / "d", items(tmp_path), size=16, fit="pad", reporter=QUIET)
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "d/labels.npy").write_bytes(buffer.getvalue())

    for folder in (tmp_path / "d", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="delete it"):
            PackedDataset(folder)


def test_a_copy_of_a_workspace_has_the_same_key(tmp_path: Path) -> None:
    """Files copied with new times, under another name, are read but not packed again; the next call does not even read."""
    (tmp_path / "w").mkdir()
    first = PackedDataset.pack(tmp_path / "w/d", items(tmp_path / "w"), size=16, fit="pad", reporter=QUIET)
    shutil.copytree(tmp_path / "w", tmp_path / "copy", copy_function=shutil.copyfile)
    rows = [Item(source=f"s{i}", path=tmp_path / f"copy/{i}.png", label="ab"[i % 2]) for i in range(12)]
    for row in rows:
        os.utime(row.path, ns=(1, 1))
    said = [io.StringIO(), io.StringIO()]
    before = (tmp_path / "copy/d/images.npy").stat().st_ino
    again = [
        PackedDataset.pack(tmp_path / "copy/d", rows, size=16, fit="pad", reporter=Reporter(stream=o)) for o in said
    ]

    assert first.key == again[0].key == again[1].key
    assert (tmp_path / "copy/d/images.npy").stat().st_ino == before
    assert "checking: 12/12 images" in said[0].getvalue()
    assert said[1].getvalue() == ""


def test_the_key_is_of_the_content(tmp_path: Path) -> None:
    """Pictures that change places are another key; the same pictures by other names are the same one."""
    rows = items(tmp_path)
    packed = PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)
    renamed = [Item(source=f"other-{row.source}", path=row.path, label=row.label) for row in rows]
    swapped = [
        Item(source=row.source, path=other.path, label=row.label)
        for row, other in zip(rows, rows[2:] + rows[:2], strict=True)
    ]

    assert PackedDataset.pack(tmp_path / "e", renamed, size=16, fit="pad", reporter=QUIET).key == packed.key
    assert PackedDataset.pack(tmp_path / "f", swapped, size=16, fit="pad", reporter=QUIET).key != packed.key
    again = PackedDataset.pack(tmp_path / "d", renamed, size=16, fit="pad", reporter=QUIET)
    assert (again.key, again.sources[0]) == (packed.key, "other-s0")


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read error that passes leaves an image out of this packing only, though size and time of the file stay."""
    rows = items(tmp_path, 5)

    def fails(path: Path, limit: int) -> bytes:
        if path == rows[1].path:
            raise OSError(errno.EIO, "Input/output error")
        return read_regular(path, limit)

    with monkeypatch.context() as patch:
        patch.setattr(dataset, "read_regular", fails)
        for _ in range(2):
            packed = PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)
            assert packed.skipped == {"s1": "cannot be read (Input/output error)"}

    assert len(PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)) == 5


def test_a_dataset_from_before_there_were_stamps_is_kept(tmp_path: Path) -> None:
    """Its key was its stamp: while the files are as they were it is not packed again, and runs on it are found."""
    rows = items(tmp_path)
    PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET)
    index = json.loads((tmp_path / "d/index.json").read_text())
    index["key"] = index.pop("stamp")
    (tmp_path / "d/index.json").write_text(json.dumps(index))

    assert PackedDataset.pack(tmp_path / "d", rows, size=16, fit="pad", reporter=QUIET).key == index["key"]
