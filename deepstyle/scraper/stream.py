"""Reading a body within limits (edge): bytes after decompression, a total deadline, and whether all of it came.

A server can drip headers or a body one byte at a time and never trip a read timeout. So a watchdog thread shuts the
socket of every request that is past its deadline, wherever the request waits.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from urllib3 import exceptions as u3

from deepstyle.scraper.answer import FILES, is_sitemap, is_text
from deepstyle.scraper.body import Answer
from deepstyle.scraper.ends import begun, cut, whole
from deepstyle.scraper.wire import CHUNK, waiting

LOOK_AFTER = 5.0  # seconds after which a body that cannot be done within the deadline is given up
SILENCE = 1.0  # seconds to wait for what a server sends beyond its Content-Length
HEAD = 16  # bytes by which a picture is told
TICK = 0.1  # seconds between two looks of the watchdog


@dataclass(frozen=True)
class Guarded:
    """One request under a deadline (monotonic seconds); ``stopped`` ends it, too."""

    thread: int
    deadline: float
    stopped: threading.Event

    def expired(self) -> bool:
        """Whether the deadline has passed, or everything is to stop."""
        return self.stopped.is_set() or time.monotonic() > self.deadline


class Watchdog:
    """Shuts the sockets of requests that take too long; one thread for all of them."""

    def __init__(self) -> None:
        self._active: dict[int, Guarded] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="deepstyle-watchdog", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def guard(self, seconds: float, stopped: threading.Event) -> Iterator[Guarded]:
        """Watch over this thread's request for the length of the block."""
        me = threading.get_ident()
        guarded = Guarded(me, time.monotonic() + seconds, stopped)
        with self._lock:
            waiting.pop(me, None)
            self._active[me] = guarded
        try:
            yield guarded
        finally:
            with self._lock:
                self._active.pop(me, None)
                waiting.pop(me, None)

    def close(self) -> None:
        """End the watching thread."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(TICK):
            with self._lock:  # held while shutting, so that nobody has begun another request meanwhile
                for guarded in self._active.values():
                    sock = waiting.get(guarded.thread)
                    if sock is not None and guarded.expired():
                        with contextlib.suppress(OSError):
                            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's: it would unwrap TLS


def read_body(
    raw: Answer, limit: int, expired: Callable[[], bool], deadline: float, *, kind: str = "page"
) -> tuple[str, bytes]:
    """Read an answer's body: (``ok``, ``too-large``, ``too-slow`` or ``truncated``, the decompressed bytes).

    ``limit`` counts decompressed bytes; a bomb is stopped at the first chunk that passes it. ``deadline`` in seconds. Of what
    is not whole nothing is returned, except of a ``robots`` file, of which the first part counts, and of a picture that ends
    with its connection and not by itself. An ``image`` is what its own end says, whether Content-Length says more or less.
    """
    expected = _length(raw)
    if expected is not None and expected > limit and kind != "robots":
        return "too-large", b""
    counted = expected if raw.plain or (kind == "image" and not raw.headers.get("Content-Encoding")) else None
    if counted:
        raw.unbound()
    parts: list[bytes] = []
    size, started = 0, time.monotonic()
    try:
        while (
            not expired() and size != counted and (data := raw.read1(min(CHUNK, counted - size) if counted else CHUNK))
        ):
            parts.append(data)
            size += len(data)
            if size > limit:
                return "too-large", b"".join(parts)[:limit] if kind == "robots" else b""
            seconds = time.monotonic() - started
            if expected is not None and seconds > LOOK_AFTER and raw.tell() / seconds * deadline * 2 < expected:
                return "too-slow", b""
    except (u3.HTTPError, OSError):
        if kind == "image" and not expired() and whole(body := b"".join(parts)):
            return "ok", body
        raise
    body = b"".join(parts)
    if expired():  # the watchdog's shutdown looks like an end
        outcome, body = "too-slow", b""
    elif expected is None and kind == "image" and not _chunked(raw) and cut(body):
        outcome = "truncated"
    elif expected is None or raw.tell() >= expected or (kind == "image" and whole(body)):
        outcome, body = "ok", _ended(raw, body, limit) if counted and kind == "image" else body
    else:
        outcome, body = "truncated", b""
    return outcome, body


def _ended(raw: Answer, body: bytes, limit: int) -> bytes:
    """A picture whose Content-Length has come. If it is cut, what comes after may be the rest: no other answer was asked for.

    Until it is whole, the connection ends, or is silent for SILENCE; then that connection is not used again.
    """
    if not cut(body):
        raw.finished()
        return body
    longer = bytearray(body)
    with contextlib.suppress(u3.HTTPError, OSError):
        waiting[threading.get_ident()].settimeout(SILENCE)
        while len(longer) <= limit and (data := raw.read1(CHUNK, decode=False)):
            longer += data
            if whole(bytes(longer)):
                body = bytes(longer)
                break
    raw.drop()
    return body


def is_picture(raw: Answer, kind: str) -> bool:
    """Whether an answer is a picture by its Content-Type, or by its first bytes where that says no more than "a file"."""
    return kind.startswith("image/") or (kind in FILES and begun(raw.peek(HEAD)))


def is_page(raw: Answer, kind: str, url: str) -> bool:
    """Whether an answer can be read as a page by its Content-Type, or is a sitemap where that says no more than "a file"."""
    return is_text(kind) or (kind in FILES and is_sitemap(raw.peek(HEAD), url))


def drain(raw: Answer, expired: Callable[[], bool]) -> None:
    """Read a small body that nobody wants, so that its connection can be used again."""
    expected = 0 if raw.status in {204, 304} else _length(raw)
    while expected is not None and expected <= CHUNK and not expired() and raw.read1(CHUNK, decode=False):
        pass


def _length(raw: Answer) -> int | None:
    text = raw.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and not _chunked(raw) else None


def _chunked(raw: Answer) -> bool:
    return "chunked" in raw.headers.get("Transfer-Encoding", "").lower()
