"""Files and folders that appear whole or not at all: temporary name, fsync, rename, fsync of the folder they are in (edge)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TEMPORARY = ".tmp-"  # what the name of a file or folder that is being written begins with
DAY = 24 * 3600.0  # seconds after which nobody can be writing it any more


def put_file(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` appears whole or not at all: temporary name, fsync, ``os.replace``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write into a temporary folder, then put it in the place of ``folder``: never half of it stands there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=TEMPORARY))
    try:
        fill(temporary)
        temporary.chmod(0o755)
        sync_folder(temporary)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, so that a rename in it outlives a power cut; where the system can do that."""
    if os.name != "posix":
        return  # Windows opens no folders
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(root: Path, *patterns: str, older: float = DAY) -> int:
    """Delete what killed commands left half-written in the folders ``patterns`` below ``root``; returns how many.

    What is younger than ``older`` seconds may be another command's that is still at work.
    """
    oldest, gone = time.time() - older, 0
    for rest in (rest for pattern in patterns for folder in root.glob(pattern) for rest in _unfinished(folder)):
        try:
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
            return [Path(entry.path) for entry in entries if entry.name.startswith(TEMPORARY)]
    except OSError:
        return []  # a file, or a folder that may not be read
