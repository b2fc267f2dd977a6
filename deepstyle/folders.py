"""Folders that appear whole or not at all, one process at a time, what kills left behind of files and folders (edge)."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from deepstyle.errors import InputError, StorageError
from deepstyle.files import TEMPORARY, reason, shown, sync_folder

ASIDE = ".old-"  # what the name of a folder begins with whose place another one is taking
DAY = 24 * 3600.0  # seconds after which nobody can be writing it any more
PLACES = ("models", "datasets")  # folders of a workspace that hold folders which are replaced as a whole


def put_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write into a temporary folder, then put it in the place of ``folder``: never half of it stands there.

    What stands there is replaced if ``folder`` lies directly below ``models/`` or ``datasets/`` of a workspace; elsewhere
    only if it holds no names but those that ``fill`` writes, too. Raises InputError for anything else, before a file of
    it is touched, and StorageError where nothing can be written.
    """
    if folder.name in {"", "..", *PLACES}:
        raise InputError(f"{folder}: a folder that is replaced as a whole needs a name of its own")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=TEMPORARY))
        try:
            fill(temporary)
            temporary.chmod(0o755)
            check_replaceable(folder, {path.name for path in temporary.iterdir()})
            sync_folder(temporary)
            _swap(temporary, folder)
            sync_folder(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"{shown(folder)}: cannot be written ({reason(error)})") from error


def check_replaceable(folder: Path, names: Collection[str]) -> None:
    """Raise InputError, before slow work, when ``put_folder`` will not replace ``folder`` by one with these ``names`` in it."""
    ours = folder.parent.name in PLACES and (folder.parent.parent / "catalog.sqlite").is_file()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder}: is no folder but a link or a file; move it away, or give another name")
    if not ours and folder.exists() and (foreign := sorted({path.name for path in folder.iterdir()} - {*names})):
        raise InputError(f"{folder}: holds {foreign[0]}, which is not ours to delete; name a new folder")


def _swap(new: Path, folder: Path) -> None:
    """Let ``new`` take the place of ``folder``; what stood there is set aside first, and deleted last."""
    if not folder.exists():
        os.replace(new, folder)
    elif _exchange(new, folder):
        shutil.rmtree(new, ignore_errors=True)
    else:
        aside = folder.with_name(ASIDE + folder.name)
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(folder, aside)
        try:
            os.replace(new, folder)
        except BaseException:
            if not folder.exists():
                os.replace(aside, folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step, where the system can (Linux, on most file systems); False where it cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h
    return bool(rename(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0)


def sweep(root: Path, *patterns: str, older: float = DAY) -> int:
    """Delete what killed commands left half-written in the folders ``patterns`` below ``root``; returns how many.

    What is younger than ``older`` seconds may be another command's that is still at work. A folder that was set aside
    for one that never came goes back to its place.
    """
    oldest, gone = time.time() - older, 0
    for rest in (rest for pattern in patterns for folder in root.glob(pattern) for rest in _unfinished(folder)):
        try:
            place = rest.with_name(rest.name.removeprefix(ASIDE))
            if rest.name.startswith(ASIDE) and not place.exists():
                rest.rename(place)
            if rest.lstat().st_mtime > oldest:
                continue
            if rest.is_dir() and not rest.is_symlink():
                shutil.rmtree(rest)
            else:
                rest.unlink()
        except OSError:
            continue  # not ours to delete, or somebody else swept it
        gone += 1
    return gone


def _unfinished(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.startswith((TEMPORARY, ASIDE))]
    except OSError:
        return []  # a file, or a folder that may not be read


def drop_folder(place: Path) -> None:
    """Delete a folder: it is set aside first, so that half of it never stands in its place. Raises StorageError."""
    aside = place if place.name.startswith(TEMPORARY) else place.with_name(f"{TEMPORARY}{place.name}")
    try:
        os.replace(place, aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise StorageError(f"{shown(place)}: cannot be deleted ({reason(error)})") from error


@contextmanager
def alone(lock_file: Path, *, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Only one process at a time is inside; ``waiting`` is called once when another is. Raises StorageError."""
    lock = FileLock(lock_file)
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
    except OSError as error:
        raise StorageError(f"{shown(lock_file.parent)}: cannot be written ({reason(error)})") from error
    try:
        yield
    finally:
        lock.release()


def held(lock_file: Path) -> bool:
    """Whether a process holds this lock; taken to be so where that cannot be asked, as in a folder that cannot be written."""
    if not lock_file.exists():
        return False
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False
