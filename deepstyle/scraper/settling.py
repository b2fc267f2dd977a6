"""What is decided and not yet on record (loop): files go to the disk in threads, then their rows, in one transaction.

A disk takes milliseconds to have a file for certain. While it does, the main thread goes on, and what is decided meanwhile
goes together: the slower the disk, the more files at a time. Rows are written in the order of the decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.files import Each, put_files

Put = Callable[[Sequence[tuple[Path, bytes]], Each], None]
Record = Callable[[], None]  # writes the rows of one decision
THREADS = 8  # that wait for the disk at a time
MOST, MANY = 32_000_000, 16  # bytes and files that may wait for the disk before no more are asked for


class Settling:
    """Decisions on their way into the catalog. One thread may use it; ``done`` is called in another when a batch has landed."""

    def __init__(self, catalog: Catalog, done: Callable[[], object], *, put: Put = put_files) -> None:
        self._catalog, self._done, self._put = catalog, done, put
        self._each = ThreadPoolExecutor(THREADS, thread_name_prefix="deepstyle-disk")
        self._one = ThreadPoolExecutor(1, thread_name_prefix="deepstyle-store")
        self._records: list[Record] = []
        self._files: list[tuple[Path, bytes]] = []
        self._flying: tuple[Future[None], list[Record], list[int]] | None = None
        self._size = self._waiting = 0  # bytes and number of files that are not there yet
        self._failed = False

    def add(self, record: Record, file: tuple[Path, bytes] | None = None) -> None:
        """Have this on record, once the file is there."""
        self._records.append(record)
        if file is not None:
            self._files.append(file)
            self._size += len(file[1])
            self._waiting += 1

    @property
    def busy(self) -> bool:
        """Whether files are on their way to the disk."""
        return self._flying is not None

    @property
    def full(self) -> bool:
        """Whether so much is on its way that nothing more should come."""
        return self._size > MOST or self._waiting >= MANY

    def step(self) -> None:
        """Put on record what has landed, and send what waits. Raises StorageError and CatalogError."""
        if self._flying is not None and self._flying[0].done():
            self._land()
        if self._flying is not None:
            return
        if self._files:
            files, self._files = self._files, []
            future = self._one.submit(self._put, files, self._each.map)
            self._flying = future, self._take(), [len(data) for _, data in files]
            future.add_done_callback(lambda _: self._done())
        elif self._records:
            self._write(self._take())

    def finish(self) -> None:
        """Have everything on record that can be, and end the threads."""
        try:
            while not self._failed and (self._flying is not None or self._records):
                if self._flying is not None:
                    self._land()
                self.step()
        finally:
            self._one.shutdown()
            self._each.shutdown()

    def _take(self) -> list[Record]:
        records, self._records = self._records, []
        return records

    def _land(self) -> None:
        """Wait for the files, then write the rows."""
        assert self._flying is not None
        (future, records, sizes), self._flying = self._flying, None
        self._failed = True
        future.result()
        self._failed = False
        self._size -= sum(sizes)
        self._waiting -= len(sizes)
        self._write(records)

    def _write(self, records: list[Record]) -> None:
        self._failed = True
        with self._catalog.transaction():
            for record in records:
                record()
        self._failed = False
