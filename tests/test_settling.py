"""Photos go to the disk in threads while the crawl goes on; their rows follow, together and in order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest

from deepstyle.catalog import Catalog
from deepstyle.errors import StorageError
from deepstyle.files import put_files
from deepstyle.scraper.settling import FEW, MOST, SOON, Settling


class Disk:
    """A disk that takes nothing before it may."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[int] = []

    def put(self, files: Sequence[tuple[Path, bytes]]) -> None:
        """Wait, then write."""
        self.open.wait()
        self.batches.append(len(files))
        put_files(files)


def test_nobody_waits_for_the_disk(tmp_path: Path) -> None:
    """While a first file is on its way others gather and go together; no row is there before its file, rows keep order."""
    disk, landed, rows = Disk(), SimpleQueue[None](), list[int]()

    def record(number: int) -> None:
        assert number == 9 or (tmp_path / f"{number}.jpg").read_bytes() == b"photo"
        rows.append(number)

    with Catalog(tmp_path / "w") as catalog:
        settling = Settling(catalog, lambda: landed.put(None), put=disk.put)
        for number in range(9):
            settling.add(lambda number=number: record(number), (tmp_path / f"{number}.jpg", b"photo"))  # type: ignore[misc]
            settling.step()
        settling.add(lambda: record(9))
        settling.step()
        assert rows == []
        assert settling.busy
        disk.open.set()
        landed.get()
        settling.step()
        assert rows == [0]
        settling.finish()

    assert rows == list(range(10))
    assert disk.batches == [1, 8]


def test_a_few_files_wait_for_more_but_not_for_long(tmp_path: Path) -> None:
    """While more is to come, files gather until they are FEW or have waited SOON; folders go to threads of their own."""
    disk, landed, rows = Disk(), SimpleQueue[None](), list[int]()
    disk.open.set()
    now = [100.0]
    with Catalog(tmp_path / "w") as catalog:
        settling = Settling(catalog, lambda: landed.put(None), put=disk.put, clock=lambda: now[0])
        for number in range(FEW):
            assert disk.batches == []
            settling.add(lambda number=number: rows.append(number), (tmp_path / f"{number % 2}/{number}.jpg", b"photo"))  # type: ignore[misc]
            assert settling.gathers
            settling.step(more=True)
        landed.get()
        assert sorted(disk.batches) == [FEW // 2, FEW // 2]
        settling.step(more=True)
        assert rows == list(range(FEW))

        settling.add(lambda: rows.append(99), (tmp_path / "late.jpg", b"photo"))
        settling.step(more=True)
        assert settling.gathers
        now[0] += SOON
        settling.step(more=True)
        landed.get()
        settling.step(more=True)
        assert rows[-1] == 99
        settling.finish()


def test_what_has_no_file_is_on_record_at_once(tmp_path: Path) -> None:
    """With nothing on its way a decision without a file is written by the next step."""
    rows: list[int] = []
    with Catalog(tmp_path) as catalog:
        settling = Settling(catalog, lambda: None)
        settling.add(lambda: rows.append(1))
        settling.step()
        assert rows == [1]
        settling.finish()


def test_a_disk_that_lags_holds_the_crawl_and_a_full_one_ends_it(tmp_path: Path) -> None:
    """More than MOST bytes on their way are full; where a file cannot be written no row is, and finish waits for nothing."""
    (tmp_path / "file").write_bytes(b"")
    rows: list[int] = []
    with Catalog(tmp_path / "w") as catalog:
        settling = Settling(catalog, lambda: None)
        settling.add(lambda: rows.append(1), (tmp_path / "file/a.jpg", bytes(MOST + 1)))
        assert settling.full
        settling.step()
        with pytest.raises(StorageError, match=r"file/a\.jpg"):
            settling.finish()
        settling.finish()

    assert rows == []
