"""What is decided and not yet on record (loop): files go to the disk in threads, then their rows, in one transaction.

A disk takes milliseconds to have a file for certain. While it does, the main thread goes on, and what is decided meanwhile
goes together: the slower the disk, the more files at a time. Rows are written in the order of the decisions. A few files
gather before they go, as long as more are on their way: each batch wakes threads, and its rows are a transaction.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.files import put_files

Put = Callable[[Sequence[tuple[Path, bytes]]], None]
Record = Callable[[], None]  # writes the rows of one decision
THREADS = 4  # that wait for the disk at a time
MOST, MANY = 32_000_000, 32  # bytes and files that may wait for the disk before no more are asked for
FEW, SOON = 16, 0.05  # files that go at once, and seconds after which fewer go


class Settling:
    """Decisions on their way into the catalog. One thread may use it; ``done`` is called in another when a batch has landed.

    ``put`` writes files, in several threads; ``clock`` gives monotonic seconds.
    """

    def __init__(
        self, catalog: Catalog, done: Callable[[], object], *, put: Put = put_files,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._catalog, self._done, self._put, self._clock = catalog, done, put, clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deepstyle-disk")
        self._records: list[Record] = []
        self._files: list[tuple[Path, bytes]] = []
        self._since = 0.0  # when the first of them came
        self._flying: tuple[list[Future[None]], list[Record], list[int]] | None = None
        self._lock = threading.Lock()
        self._left = 0  # parts of the batch that are not there yet
        self._size = self._waiting = 0  # bytes and number of files that are not there yet
        self._failed = False

    def add(self, record: Record, file: tuple[Path, bytes] | None = None) -> None:
        """Have this on record, once the file is there."""
        self._records.append(record)
        if file is not None:
            self._since = self._since if self._files else self._clock()
            self._files.append(file)
            self._size += len(file[1])
            self._waiting += 1

    @property
    def busy(self) -> bool:
        """Whether files are on their way to the disk."""
        return self._flying is not None

    @property
    def gathers(self) -> bool:
        """Whether files wait for more to go with them: ``step`` is to be called again ``SOON``."""
        return bool(self._files) and self._flying is None

    @property
    def full(self) -> bool:
        """Whether so much is on its way that nothing more should come."""
        return self._size > MOST or self._waiting >= MANY

    def step(self, *, more: bool = False) -> None:
        """Put on record what has landed, and send what waits. Raises StorageError and CatalogError.

        ``more``: further decisions are about to come, and another call with them, so that a few files may wait for them.
        """
        if self._flying is not None and all(part.done() for part in self._flying[0]):
            self._land()
        if self._flying is not None:
            return
        if self._files and not (more and len(self._files) < FEW and self._clock() < self._since + SOON):
            files, self._files = self._files, []
            self._send(files)
        elif self._records and not self._files:
            self._write(self._take())

    def finish(self) -> None:
        """Have everything on record that can be, and end the threads."""
        try:
            while not self._failed and (self._flying is not None or self._records):
                if self._flying is not None:
                    self._land()
                self.step()
        finally:
            self._pool.shutdown()

    def _send(self, files: list[tuple[Path, bytes]]) -> None:
        """Give the files to the threads, those of a folder to the same one: its names are synced once."""
        folders: dict[Path, list[tuple[Path, bytes]]] = {}
        for file in files:
            folders.setdefault(file[0].parent, []).append(file)
        groups = list(folders.values())
        parts = [list(chain.from_iterable(groups[number::THREADS])) for number in range(min(THREADS, len(groups)))]
        self._left = len(parts)
        futures = [self._pool.submit(self._put, part) for part in parts]
        self._flying = futures, self._take(), [len(data) for _, data in files]
        for future in futures:
            future.add_done_callback(self._part_landed)

    def _part_landed(self, _: Future[None]) -> None:
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._done()

    def _take(self) -> list[Record]:
        records, self._records = self._records, []
        return records

    def _land(self) -> None:
        """Wait for the files, then write the rows."""
        assert self._flying is not None
        (futures, records, sizes), self._flying = self._flying, None
        self._failed = True
        for future in futures:
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
