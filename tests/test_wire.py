"""wire.py and head.py: plain answers are read by themselves, all others by urllib3; which connections are used again."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from urllib3 import Timeout
from urllib3.exceptions import LocationValueError, ProtocolError

from deepstyle.scraper.head import plain_head
from deepstyle.scraper.wire import Wire

SOON = Timeout(connect=5, read=5)
OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "/plain": OK + b"Content-Length: 4\r\nX-A: 1\r\nx-a:2 \r\n\r\nbody",
    "/last": OK + b"Content-Length: 4\r\nConnection: close\r\n\r\nbody",
    "/more": OK + b"Content-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n",
    "/chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
    "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbody",
    "/folded": OK + b"X-A: 1,\r\n 2\r\nContent-Length: 4\r\n\r\nbody",
    "/early": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
    + OK
    + b"Content-Length: 4\r\n\r\nbody",
    "/odd": b"SSH-2.0-OpenSSH\r\n",
    "/none": b"",
}


class Scripted(socketserver.StreamRequestHandler):
    """Answers each request with the bytes that stand for its path, and hangs up where a path has none."""

    def handle(self) -> None:
        server: Server = self.server  # type: ignore[assignment]
        server.connections += 1
        while line := self.rfile.readline():
            server.lines.append(line)
            while self.rfile.readline().strip():
                pass
            answer = ANSWERS[line.split()[1].decode()]
            self.wfile.write(answer)
            if not answer:
                return


class Server(socketserver.ThreadingTCPServer):
    """Counts connections and keeps request lines."""

    daemon_threads = True
    connections = 0

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Scripted)


@contextmanager
def scripted() -> Iterator[tuple[Server, Wire]]:
    """A server, and connections to it that are closed at the end."""
    wire = Wire(allow_private=True, size=2)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server, wire
        finally:
            wire.close()
            server.shutdown()
            thread.join()


def asked(server: Server, wire: Wire, path: str) -> tuple[int, bytes, str]:
    """Status, four bytes of the body, and the header X-A of an answer that is read."""
    answer = wire.get(f"http://127.0.0.1:{server.server_address[1]}{path}", {"User-Agent": "t"}, SOON)
    body = answer.read1(4)
    while len(body) < 4 and (more := answer.read1(4 - len(body))):
        body += more
    if not answer.plain:
        assert answer.read1(4) == b""
    answer.close()
    return answer.status, body, " ".join(", ".join(answer.headers.getlist("X-A")).split())


def test_connections_are_used_again() -> None:
    """One after the other, requests of a host share a connection, whether the answers are plain or not."""
    with scripted() as (server, wire):
        found = [asked(server, wire, path) for path in ("/plain", "/chunked", "/missing", "/folded", "/plain")]

        assert found == [
            (200, b"body", "1, 2"), (200, b"body", ""), (404, b"body", ""), (200, b"body", "1, 2"), (200, b"body", "1, 2")
        ]  # fmt: skip
        assert server.connections == 1
        assert server.lines[0] == b"GET /plain HTTP/1.1\r\n"


def test_what_comes_before_the_answer_is_passed_over() -> None:
    """Hints and news of progress (103, 102) are not the answer, and the connection serves the next request."""
    with scripted() as (server, wire):
        assert [asked(server, wire, path)[:2] for path in ("/early", "/plain")] == [(200, b"body"), (200, b"body")]
        assert server.connections == 1


@pytest.mark.parametrize("path", ["/last", "/more"])
def test_a_connection_that_is_in_doubt_is_not_used_again(path: str) -> None:
    """Neither after an answer that says it is the last, nor after one with more bytes than it says."""
    with scripted() as (server, wire):
        assert asked(server, wire, path)[1] == b"body"
        assert asked(server, wire, "/plain") == (200, b"body", "1, 2")
        assert server.connections == 2


def test_an_answer_that_is_left_unread_ends_its_connection() -> None:
    """What nobody read of one answer is not taken for the next."""
    with scripted() as (server, wire):
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        for path in ("plain", "chunked"):
            wire.get(url + path, {}, SOON).close()

        assert asked(server, wire, "/plain")[1] == b"body"
        assert server.connections == 3


@pytest.mark.parametrize("path", ["/odd", "/none"])
def test_what_is_no_http_is_an_error_of_the_protocol(path: str) -> None:
    """A server that hangs up, or speaks something else, is told as urllib3 tells it."""
    with scripted() as (server, wire), pytest.raises(ProtocolError):
        asked(server, wire, path)


@pytest.mark.parametrize(
    ("url", "headers", "error"),
    [
        ("http://127.0.0.1:1/a b", {}, LocationValueError), ("http://127.0.0.1:1/\r\nX: 1", {}, LocationValueError),
        ("http://127.0.0.1:1/", {"X": "a\r\nY: b"}, ValueError), ("http://127.0.0.1:1/", {"X\n": "a"}, ValueError),
    ],
)  # fmt: skip
def test_nothing_is_smuggled_into_a_request(url: str, headers: dict[str, str], error: type[Exception]) -> None:
    """An address or a header that would end its line is refused before anything is sent."""
    with pytest.raises(error):
        Wire(allow_private=True, size=1).get(url, headers, SOON)


@pytest.mark.parametrize(
    "data",
    [
        ANSWERS["/chunked"], ANSWERS["/missing"], ANSWERS["/folded"], b"", OK, OK + b"Content-Length: 4\r\n",
        OK + b"\r\nbody", OK + b"Content-Length: 4\n\r\n\r\n", OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
        OK + b"Content-Length: -4\r\n\r\n", OK + b"Content-Length : 4\r\n\r\n", OK + b"A\r\nContent-Length: 4\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", OK + b"A: 1\r\n" * 101 + b"Content-Length: 4\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n", b"HTTP/1.1 206 Partial\r\nContent-Length: 4\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", OK + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_others(data: bytes) -> None:
    """Other statuses, chunks, encodings, folded and broken lines, contradictions, what is not all there."""
    assert plain_head(data) is None


def test_a_plain_head_is_read() -> None:
    """Fields by their names in any case, the sizes of head and body, and whether the connection ends."""
    head = plain_head(ANSWERS["/plain"])
    last = plain_head(ANSWERS["/last"])

    assert head is not None
    assert last is not None
    assert (head.size, head.length, head.last) == (len(ANSWERS["/plain"]) - 4, 4, False)
    assert (head.fields["content-length"], head.fields.getlist("X-a")) == ("4", ["1", "2"])
    assert last.last
