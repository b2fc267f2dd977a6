"""The bodies of answers (edge): a plain one is read from its socket, any other by urllib3; what becomes of the connection."""

from __future__ import annotations

import http.client
import io
from typing import Any, Protocol

from urllib3 import BaseHTTPResponse, HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from deepstyle.scraper.ends import begun, is_plain
from deepstyle.scraper.head import Head, plain_head

PACKED = frozenset({"gzip", "x-gzip", "deflate"})
LOOK = 16  # bytes of a body by which it is told whether it is packed


class Line(Protocol):
    """A connection."""

    @property
    def socket(self) -> Any:
        """Its socket."""
        ...

    def keep(self) -> None:
        """Have it at hand for the next request."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Answer(Protocol):
    """An answer whose head has come. ``plain``: its body is its Content-Length, as it is."""

    status: int
    headers: HTTPHeaderDict
    plain: bool

    def read1(self, size: int, *, decode: bool = True) -> bytes:
        """What comes next of the body, at most ``size`` bytes. Of a plain answer who reads counts."""
        ...

    def peek(self, size: int) -> bytes:
        """The first bytes of what comes next, ``size`` of them where there are so many; they are read again."""
        ...

    def tell(self) -> int:
        """How many bytes have been received of the body."""
        ...

    def unbound(self) -> None:
        """Let the body be read beyond its Content-Length; who reads counts, and says when it has been ``finished``."""
        ...

    def finished(self) -> None:
        """The body has been read: nothing more belongs to it."""
        ...

    def drop(self) -> None:
        """Close the connection, whatever has been read."""
        ...

    def close(self) -> None:
        """Keep the connection where the whole body has been read, else close it."""
        ...


class Plain:
    """A plain answer, read from the socket itself."""

    plain, status = True, 200

    def __init__(self, line: Line, head: Head, begun: bytes) -> None:
        self.headers = head.fields
        self._line, self._head, self._begun = line, head, begun
        self._read = 0

    def read1(self, size: int, *, decode: bool = True) -> bytes:  # noqa: ARG002 - it is as it is
        """What comes next, at most ``size`` bytes: also beyond the body's end."""
        if self._begun:
            data, self._begun = self._begun[:size], self._begun[size:]
        else:
            data = self._line.socket.recv(size)
        self._read += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """The first bytes of what comes next, and no more than the body has."""
        size = min(size, self._head.length - self._read)
        while len(self._begun) < size and (data := self._line.socket.recv(size)):
            self._begun += data
        return self._begun[:size]

    def tell(self) -> int:
        """How many bytes have been read."""
        return self._read

    def unbound(self) -> None:
        """It has no bound."""

    def finished(self) -> None:
        """``close`` sees it by the number of bytes."""

    def drop(self) -> None:
        """Close the connection."""
        self._line.close()

    def close(self) -> None:
        """Keep the connection, if what was read is what Content-Length says, and nothing else has come."""
        if self._read == self._head.length and not self._begun and not self._head.last:
            self._line.keep()
        else:
            self._line.close()


class Framed:
    """Any other answer, read by urllib3; ``line`` is its connection, None for one of a proxy's pool."""

    plain = False

    def __init__(self, raw: BaseHTTPResponse, line: Line | None) -> None:
        self.status, self.headers = raw.status, raw.headers
        self._raw: Any = raw
        self._line, self._broken = line, False
        self._ahead = b""  # what was looked at, and has not been read

    def read1(self, size: int, *, decode: bool = True) -> bytes:
        """What comes next of the body."""
        if self._ahead:
            ahead, self._ahead = self._ahead[:size], self._ahead[size:]
            return ahead
        try:
            data: bytes = self._raw.read1(size, decode_content=decode)
        except BaseException:
            self._broken = True
            raise
        return data

    def peek(self, size: int) -> bytes:
        """The first bytes of what comes next, decoded."""
        found = b""
        while len(found) < size and (data := self.read1(size - len(found))):
            found += data
        self._ahead = found + self._ahead
        return found

    def tell(self) -> int:
        """How many bytes have been received, before they are decoded."""
        return int(self._raw.tell())

    def unbound(self) -> None:
        """Forget Content-Length."""
        self._raw.length_remaining = None
        self._raw._fp.length = None  # noqa: SLF001 - http.client's; urllib3 hands it out nowhere else

    def finished(self) -> None:
        """Tell http.client that the answer has been read."""
        self._raw._fp.close()  # noqa: SLF001
        self._raw.release_conn()

    def drop(self) -> None:
        """Close the connection."""
        self._broken = True
        self._raw.close()

    def close(self) -> None:
        """Keep the connection where http.client has seen the answer's end."""
        body = self._raw._fp  # noqa: SLF001
        if self._line is None:
            self._raw.close()
            self._raw.release_conn()
        elif not self._broken and body.isclosed() and not body.will_close:
            self._line.keep()
        else:
            self._raw.close()
            self._line.close()


class _Begun(io.RawIOBase):
    """What has come of an answer, then what comes on the socket: a file that http.client reads."""

    def __init__(self, data: bytes, sock: Any) -> None:
        self._data, self._sock = data, sock

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes, into the buffer."""
        if not self._data:
            return int(self._sock.recv_into(buffer))
        count = min(len(buffer), len(self._data))
        buffer[:count], self._data = self._data[:count], self._data[count:]
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As a socket makes one."""
        return io.BufferedReader(self)


class _Final(http.client.HTTPResponse):
    """The final answer: what goes before it, as 103 with its hints, is passed over as http.client does with 100 alone."""

    _ahead = b""  # what was looked at, and has not been read

    def unpacked(self) -> bool:
        """Whether the body is not packed, though it is said to be: its server has unpacked it already."""
        while len(self._ahead) < LOOK and (data := super().read1(LOOK - len(self._ahead))):
            self._ahead += data
        return begun(self._ahead) or is_plain(self._ahead)

    def read1(self, n: int = -1) -> bytes:
        """The next bytes, those first that were looked at."""
        if self._ahead:
            data, self._ahead = (self._ahead, b"") if n < 0 else (self._ahead[:n], self._ahead[n:])
            return data
        return super().read1(n)

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        interim = http.client.SWITCHING_PROTOCOLS < status < http.client.OK
        return version, http.client.CONTINUE if interim else status, reason


def answer_of(line: Line, first: bytes) -> Answer:
    """The answer that begins with these bytes on a connection. Raises ProtocolError for what is no HTTP."""
    head = plain_head(first)
    if head is not None:
        return Plain(line, head, first[head.size :])
    body = _Final(_Begun(first, line.socket), method="GET")  # type: ignore[arg-type]
    try:
        body.begin()
    except http.client.HTTPException as error:
        raise ProtocolError(f"no answer in HTTP ({error!r})") from error
    headers = HTTPHeaderDict(body.msg.items())
    if (
        headers.get("Content-Encoding", "").strip().lower() in PACKED
        and body.status == http.client.OK
        and body.unpacked()
    ):
        del headers["Content-Encoding"]
    raw = HTTPResponse(
        body=body, headers=headers, status=body.status, version=body.version, reason=body.reason,
        preload_content=False, decode_content=False, original_response=body, request_method="GET",
    )  # fmt: skip
    return Framed(raw, line)
