"""Fetches the two openly licensed sets from their public repositories, each file checked by its git checksum.

Each set is pinned to a commit. ``<set>.files`` beside this module lists that commit's files as ``git ls-tree`` does: the
SHA-1 of the git blob, bytes, path. A file is written only when its bytes have that checksum, and kept when it is already
there and whole, so that the same command continues after an interruption. A mirror is any web server that has the
repository's files below an address (a copy of the folder is enough).

How a file can end: ``kept`` (there and whole), ``fetched``, or named with its last failure after ``ATTEMPTS``.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from deepstyle.errors import InputError, UsageError
from deepstyle.files import put_file
from deepstyle.progress import Reporter

CONNECTIONS = 8
ATTEMPTS = 4  # tries of one file
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of a body
LONGEST_WAIT = 60.0  # seconds, whatever a Retry-After asks for
HOPELESS = 2 * CONNECTIONS  # files that fail before any is fetched: the address itself must be wrong


@dataclass(frozen=True)
class RemoteFile:
    """One file of a set: the SHA-1 of its git blob, its bytes, its path below the repository."""

    sha1: str
    size: int
    path: str


@dataclass(frozen=True, kw_only=True)
class OpenSet:
    """A set that anybody may fetch: where it is published, at which commit, under which licence."""

    name: str
    title: str
    licence: str
    repository: str
    commit: str

    @property
    def url(self) -> str:
        """Where the commit's files lie."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}"

    def entries(self) -> tuple[RemoteFile, ...]:
        """The commit's files, from the listing that is shipped."""
        lines = Path(__file__).with_name(f"{self.name}.files").read_text(encoding="utf-8").splitlines()
        parts = (line.split(" ", 2) for line in lines)
        return tuple(RemoteFile(sha1, int(size), path) for sha1, size, path in parts)


SETS = {
    one.name: one
    for one in (
        OpenSet(
            name="ccp", repository="bearpaw/clothing-co-parsing", commit="fe34fb77721a9973fbae92c05f7f12b664d10110",
            title="Clothing Co-Parsing (Yang, Luo, Lin, CVPR 2014): 2,098 street photos, 1,004 with masks, 132 MB",
            licence="Apache-2.0, as its repository states (LICENSE is fetched too)",
        ),
        OpenSet(
            name="clothing-dataset", repository="alexeygrigorev/clothing-dataset",
            commit="7ed86a9cc56763b6acb35e41cb35184e43a5d218",
            title="Clothing dataset (Grigorev and contributors, 2020): 5,756 photos of 20 categories, 161 MB",
            licence="CC0-1.0, public domain (LICENSE is fetched too)",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DownloadSummary:
    """How many files were fetched, and how many were there already."""

    fetched: int
    kept: int


class _Failure(Exception):  # noqa: N818
    """One try of one file failed; ``wait`` is how many seconds the server asks for, None when trying again is no use."""

    def __init__(self, words: str, wait: float | None = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


def download(
    entries: Sequence[RemoteFile], folder: Path, url: str, *, reporter: Reporter, pause: float = 1.0
) -> DownloadSummary:
    """Bring every entry from below ``url`` into ``folder``, whole and checked; what is there and whole is kept.

    ``pause`` is in seconds, before the second try of a file; it doubles each time. Raises InputError that names files
    which could not be fetched (the others are there), UsageError when ``url`` is no web address.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError(f"--from {url}: is no web address; give http://... or https://...")
    for parent in {(folder / entry.path).parent for entry in entries}:
        for rest in parent.glob(".tmp-*"):  # what a killed run was writing
            rest.unlink(missing_ok=True)
    stop, kept, fetched, failed = threading.Event(), 0, 0, dict[str, str]()
    with requests.Session() as session, reporter.task("files", total=len(entries), unit="files") as task:
        session.mount(url, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))
        bring = partial(_bring, session=session, folder=folder, url=url.rstrip("/"), pause=pause, stop=stop)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            try:
                for job in as_completed({pool.submit(bring, entry): entry for entry in entries}):
                    path, outcome = job.result()
                    kept, fetched = kept + (outcome == "kept"), fetched + (outcome == "fetched")
                    if outcome not in {"kept", "fetched"}:
                        failed[path] = outcome
                    task.advance(note=f"{len(failed)} failed" if failed else "")
                    if len(failed) >= HOPELESS and not kept + fetched:
                        break
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
    if failed:
        named = "; ".join(f"{path} ({words})" for path, words in list(failed.items())[:5])
        raise InputError(f"{folder}: {len(failed):,} of {len(entries):,} files did not come: {named}; run the same command"
                         " again, or name another mirror with --from")  # fmt: skip
    return DownloadSummary(fetched=fetched, kept=kept)


def blob_sha1(data: bytes) -> str:
    """Git's name of a file's bytes: the hex SHA-1 of ``blob <size>``, a zero byte and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _bring(
    entry: RemoteFile, *, session: requests.Session, folder: Path, url: str, pause: float, stop: threading.Event
) -> tuple[str, str]:
    """Bring one file: its path, and how it ended (see the module's text)."""
    path = folder / entry.path
    try:
        if path.is_file() and path.stat().st_size == entry.size and blob_sha1(path.read_bytes()) == entry.sha1:
            return entry.path, "kept"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                put_file(path, _get(session, f"{url}/{quote(entry.path)}", entry))
            except _Failure as failure:
                wait = failure.wait
                if wait is None or attempt == ATTEMPTS or stop.wait(max(wait, pause * 2 ** (attempt - 1))):
                    return entry.path, str(failure)
            else:
                return entry.path, "fetched"
    except OSError as error:
        return entry.path, f"cannot be written: {error.strerror}"
    raise AssertionError("every attempt returns or waits")


def _get(session: requests.Session, url: str, entry: RemoteFile) -> bytes:
    """One try: the bytes, of the size and checksum of ``entry``; _Failure otherwise."""
    try:
        with session.get(url, timeout=TIMEOUT, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                again = answer.status_code in {408, 425, 429} or answer.status_code >= 500
                asked = answer.headers.get("Retry-After", "")
                wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else 0.0
                raise _Failure(f"HTTP {answer.status_code}", wait if again else None)
            data = bytearray()
            for piece in answer.iter_content(1 << 16):
                data += piece
                if len(data) > entry.size:
                    break
    except requests.RequestException as error:
        raise _Failure(type(error).__name__) from error
    if len(data) != entry.size or blob_sha1(bytes(data)) != entry.sha1:
        raise _Failure("other bytes than the published ones")
    return bytes(data)
