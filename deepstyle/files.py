"""Files and folders on disk: they appear whole or not at all, their names are checked, odd files are refused (edge).

Whole means: a temporary name, fsync, a rename, fsync of the folder. A kill leaves the old or the new, never a half.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any

from deepstyle.errors import InputError, StorageError, UsageError

TEMPORARY = ".tmp-"  # what the name of a file or folder that is being written begins with
_OURS, _NUMBERS = (
    secrets.token_hex(8),
    itertools.count(),
)  # a temporary file's name: asking the system for each costs a wait
LONGEST = 100  # bytes of a name; file systems take 255, and some have an ending added
REMEDIES = {
    errno.ENOSPC: "free some space there, then run the same command again: it goes on where it stopped",
    errno.EDQUOT: "free some of your quota there, then run the same command again: it goes on where it stopped",
    errno.EACCES: "give yourself the right to read and write there, or name another place",
    errno.EPERM: "give yourself the right to read and write there, or name another place",
    errno.EROFS: "it is mounted for reading only; name another place",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EFBIG: "the disk's format, or a limit (ulimit -f), takes no file of that size; name another place",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def check_name(name: str, flag: str) -> str:
    """A name that is to become a folder, as it is. Raises UsageError naming the flag: letters, digits, - and _ only."""
    if not re.fullmatch(r"[\w-]+", name) or len(name.encode()) > LONGEST:
        said = shown(name if len(name) <= LONGEST else f"{name[:20]}...")
        raise UsageError(
            f"{flag} {said!r}: it becomes a folder's name; write letters, digits, - and _, {LONGEST} at most"
        )
    return name


def names_folder(label: str) -> bool:
    """Whether a label can be a folder's name as it is."""
    return bool(label) and not label.startswith(".") and not set(label) & set("/\\\0")


def as_name(text: str) -> str:
    """A label as the name of a folder: what could lead out of the folder above, or no disk takes, becomes a dash."""
    safe = re.sub(r"[^\w ,.&'()+-]", "-", text).encode()[:LONGEST].decode(errors="ignore")
    return re.sub(r"^[. ]|[. ]$", "-", safe) or "-"


def put_file(path: Path, data: bytes, *, named: bool = True) -> None:
    """Write ``data`` so that ``path`` appears whole or not at all. Raises StorageError where it cannot be written.

    Without ``named`` a power cut may still take the name back, until ``sync_names`` of its folder has returned.
    """
    _put(path, data)
    if named:
        sync_names([path.parent])


def put_files(files: Sequence[tuple[Path, bytes]]) -> None:
    """``put_file`` for several, of which each is whole or not there; when it returns, all are on the disk."""
    for path, data in files:
        _put(path, data)
    sync_names(path.parent for path, _ in files)


def _put(path: Path, data: bytes) -> None:
    """Write one file and have its bytes on the disk; its name is not yet."""
    temporary = path.with_name(f"{TEMPORARY}{_OURS}-{os.getpid()}-{next(_NUMBERS)}{path.suffix}")
    try:
        handle = _create(temporary)
        try:
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise StorageError(f"{shown(path)}: cannot be written ({reason(error)})") from error


def _create(path: Path) -> int:
    """A new file that all may read, in a folder that is made if it is not there."""
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, flags, 0o600)
    os.chmod(path, 0o644)
    return handle


def plain_place(path: Path, flag: str = "--out") -> Path:
    """Where the file that a person named is to lie: behind links, which stay. Raises UsageError for what is no plain file.

    A file appears by a rename, which would put it in the place of a device or a pipe: of /dev/stdout, say.
    """
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):  # not there yet; writing tells what else is wrong
        return path
    if not stat.S_ISREG(kind):
        raise UsageError(
            f"{flag} {shown(path)}: is {_what(kind)}; a file appears whole or not at all, so name a plain one"
        )
    return path.resolve()


def sync_names(folders: Iterable[Path]) -> None:
    """Have the names in some folders on the disk, each folder once. Raises StorageError where that cannot be done."""
    for folder in dict.fromkeys(folders):
        try:
            sync_folder(folder)
        except OSError as error:
            raise StorageError(f"{shown(folder)}: cannot be written ({reason(error)})") from error


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, so that a rename in it outlives a power cut; where the system can do that."""
    if os.name != "posix":
        return  # Windows opens no folders
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return  # a folder in which one may write but not read
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be opened, read or written, and the remedy where one is known."""
    if not isinstance(error, OSError):
        return "its name is none that a file can have"
    said = error.strerror or str(error) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0)
    return f"{said}; {remedy}" if remedy else said


def shown(path: Path | str) -> str:
    """A path as it can be printed, whatever its bytes are, and on one line."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    text = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return text if len(text) <= 300 else f"{text[:140]}...{text[-140:]}"


def whole(text: str) -> str:
    """The text with ``?`` for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def reserve(path: Path, size: int) -> None:
    """Create a file of ``size`` bytes whose space the disk has promised. Raises StorageError naming what is needed.

    A memory map of a file with holes dies with SIGBUS when the disk fills up; this fails before, in words.
    """
    try:
        with path.open("xb") as file:
            if not _allocated(file.fileno(), size):
                zeros = bytes(1 << 20)
                for start in range(0, size, len(zeros)):
                    file.write(zeros[: size - start])
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"{shown(path)}: needs {size:,} bytes of disk ({reason(error)})") from error


def _allocated(handle: int, size: int) -> bool:
    """Have the system reserve the space; False where it cannot (macOS, Windows, some file systems): write it, then."""
    try:
        os.posix_fallocate(handle, 0, size)
    except AttributeError:
        return False
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
            return False
        raise
    return True


def exists(path: Path) -> bool:
    """Whether something is there; of a name that no file can have, it is not."""
    return _mode(path) is not None


def is_regular(path: Path) -> bool:
    """Whether ``path`` leads to a plain file: no folder, pipe, device or socket, which could hang whoever opens it."""
    return stat.S_ISREG(_mode(path) or 0)


def is_special(path: Path) -> bool:
    """Whether something is there that is no plain file. One look: what goes meanwhile is not there."""
    return (mode := _mode(path)) is not None and not stat.S_ISREG(mode)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def read_input(path: Path, limit: int, remedy: str) -> bytes:
    """The bytes of a plain file that a user gave. Raises InputError with the ``remedy``, whatever is wrong with it."""
    try:
        return read_regular(path, limit)
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)}); {remedy}") from error


def read_json(path: Path, limit: int = 10_000_000) -> Any:
    """What a JSON file of at most ``limit`` bytes holds. Raises InputError, whatever is wrong with it."""
    try:
        return json.loads(read_regular(path, limit))
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown(path)}: is no JSON ({error})") from error


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a plain file of at most ``limit`` bytes. Raises InputError, at once, for anything else.

    OSErrors are left to the caller, who knows what the file is for; see ``reason``.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise InputError(f"{shown(path)}: has {size:,} bytes; at most {limit:,} are read")
        return file.read(size) if size else b""  # 0 for the kernel's endless files in /proc: nothing of them is read


def open_regular(path: Path) -> BufferedReader:
    """Open a plain file for reading. Raises InputError, at once, for a folder, pipe, device or socket; and OSErrors."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:
        raise InputError(f"{shown(path)}: cannot be opened ({reason(error)})") from error
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise InputError(f"{shown(path)}: is no regular file") from error
        raise
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise InputError(f"{shown(path)}: is no regular file but {_what(found.st_mode)}")
    return os.fdopen(handle, "rb")


def _what(kind: int) -> str:
    return "a folder" if stat.S_ISDIR(kind) else "a pipe, device or socket"
