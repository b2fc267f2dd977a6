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
from typing import Any

from urllib3 import exceptions as u3

from deepstyle.scraper.guard import waiting

CHUNK = 65_536  # bytes
LOOK_AFTER = 5.0  # seconds after which a body that cannot be done within the deadline is given up
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
    raw: Any, limit: int, expired: Callable[[], bool], deadline: float, *, kind: str = "page"
) -> tuple[str, bytes]:
    """Read a urllib3 response: (``ok``, ``too-large``, ``too-slow`` or ``truncated``, the decompressed bytes).

    ``limit`` counts decompressed bytes; a bomb is stopped at the first chunk that passes it. ``deadline`` in seconds. Of what
    is not whole nothing is returned, except of a ``robots`` file, of which the first part counts, and of an ``image`` that
    is whole though Content-Length says more.
    """
    expected = _length(raw)
    if expected is not None and expected > limit and kind != "robots":
        return "too-large", b""
    parts: list[bytes] = []
    size, started = 0, time.monotonic()
    try:
        while not expired() and (data := raw.read1(CHUNK, decode_content=True)):
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
        outcome = "too-slow"
    elif expected is None or raw.tell() >= expected or (kind == "image" and whole(body)):
        outcome = "ok"
    else:
        outcome = "truncated"
    return outcome, body if outcome == "ok" else b""


def whole(body: bytes) -> bool:
    """Whether the bytes begin and end as a JPEG, PNG, GIF or WebP file does, whatever the server said of its length."""
    if body.startswith(b"\xff\xd8"):
        return body.rstrip(b"\0\r\n ").endswith(b"\xff\xd9")
    if body.startswith(b"\x89PNG"):
        return body.endswith(b"IEND\xaeB`\x82")
    if body.startswith(b"GIF8"):
        return body.endswith(b"\x3b")
    return body[:4] == b"RIFF" and body[8:12] == b"WEBP" and len(body) >= int.from_bytes(body[4:8], "little") + 8


def drain(raw: Any, expired: Callable[[], bool]) -> None:
    """Read a small body that nobody wants, so that its connection can be used again."""
    expected = _length(raw)
    while expected is not None and expected <= CHUNK and not expired() and raw.read1(CHUNK, decode_content=False):
        pass


def _length(raw: Any) -> int | None:
    text = raw.headers.get("Content-Length", "")
    chunked = "chunked" in raw.headers.get("Transfer-Encoding", "").lower()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and not chunked else None
