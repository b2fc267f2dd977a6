"""Several scrapes of one workspace keep one rate a host, and clear what killed ones left (edge).

The hosts' next slots stand in a small file that they share.

The file is a table of times by the hash of a host's name; two hosts that share a place share a rate, which is polite.
"""

from __future__ import annotations

import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

if sys.platform != "win32":
    import fcntl

from deepstyle.errors import StorageError
from deepstyle.files import reason, shown
from deepstyle.folders import sweep

LOCK = ".photos.lock"  # is held, by as many as like, while photos are written
PLACES = 4096  # of 8 bytes each
FARTHEST = 4 * 3600.0  # seconds, a few of the longest delays: a slot farther away was left by a clock that was set back


class SharedSlots:
    """The table at ``path``, made when it is not there. Raises StorageError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, FileLock(path.with_name(path.name + ".lock"))
        self._thread = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                if not path.is_file() or path.stat().st_size != 8 * PLACES:
                    path.write_bytes(bytes(8 * PLACES))
            self._file = path.open("r+b", buffering=0)
        except OSError as error:
            raise StorageError(f"{shown(path)}: cannot be written ({reason(error)})") from error

    def take(self, host: str, interval: float) -> float:
        """Take the host's next slot, ``interval`` seconds before the one after it: seconds to wait for it."""
        place = 8 * (zlib.crc32(host.encode()) % PLACES)
        try:
            with self._held():
                now = time.time()
                self._file.seek(place)
                (slot,) = struct.unpack("<d", self._file.read(8) or bytes(8))
                if not now < slot < now + FARTHEST:
                    slot = now
                self._file.seek(place)
                self._file.write(struct.pack("<d", slot + interval))
        except (OSError, struct.error) as error:
            raise StorageError(f"{shown(self._path)}: cannot be read or written ({error})") from error
        return max(0.0, float(slot) - now)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Nobody else reads or writes the table meanwhile; by a lock of the open file itself where the system has one."""
        with self._thread:
            if sys.platform == "win32":
                with self._lock:
                    yield
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def taking_photos(root: Path) -> Iterator[None]:
    """Photos are written into the workspace ``root``; who is alone at that first deletes what killed ones left half-written.

    The lock goes with the process, however it ends. Where there are no such locks, the rests go after a day, as all others do.
    """
    try:
        lock = (root / LOCK).open("ab") if sys.platform != "win32" else None
    except OSError:
        lock = None  # what writes the photos says what is wrong
    if lock is None:
        yield
        return
    with lock:
        with suppress(OSError):  # others are at work, or the disk has no locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sweep(root, "photos/*", older=0)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield
