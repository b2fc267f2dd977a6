"""Connections that go through the guard (edge): requests on them, and which are kept for the next request of a host."""

from __future__ import annotations

import functools
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager, Timeout, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import LocationValueError, ProtocolError
from urllib3.util.ssl_ import create_urllib3_context

from deepstyle.scraper.body import Answer, Framed, answer_of
from deepstyle.scraper.guard import Resolve, connect, look_up

CHUNK = 65_536  # bytes that are received at a time
HOSTS = 64  # of which connections are kept
_URL = re.compile(r"https?://[!-~]+")
_ODD = re.compile(r"[^\t -~\x80-\xff]")  # what no header may hold
waiting: dict[int, socket.socket] = {}  # thread id -> the socket it reads from; for the watchdog in stream.py


class _Line:
    """One connection to a host (scheme, name and port)."""

    def __init__(self, wire: Wire, key: str, connection: HTTPConnection) -> None:
        self._wire, self.key, self.connection = wire, key, connection

    @property
    def socket(self) -> Any:
        """Its socket."""
        return self.connection.sock

    @property
    def standing(self) -> bool:
        """Whether it can take a request: the other side has neither closed it nor sent what nobody asked for."""
        return self.connection.is_connected

    def keep(self) -> None:
        """Have it at hand for its host's next request."""
        self._wire.keep(self)

    def close(self) -> None:
        """Close it."""
        self.connection.close()


def _about_to_read(sock: Any) -> None:
    """Note the socket for the watchdog, and acknowledge at once what comes.

    A server that writes headers and body apart otherwise waits 40 ms for our delayed acknowledgement (RFC 1122).
    """
    waiting[threading.get_ident()] = sock
    if hasattr(socket, "TCP_QUICKACK"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class _Watched(HTTPConnection):
    """A connection by a proxy, that the watchdog knows while it reads."""

    def getresponse(self) -> Any:
        """The answer's head; the socket is noted first."""
        _about_to_read(self.sock)
        return super().getresponse()


class _SecureWatched(HTTPSConnection):
    """The same over TLS."""

    def getresponse(self) -> Any:
        """The answer's head; the socket is noted first."""
        _about_to_read(self.sock)
        return super().getresponse()


@functools.cache
def _certificates() -> ssl.SSLContext:
    """The certificates that are trusted, read once, when the first is needed: it takes milliseconds."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class Wire:
    """Connections through the guard, kept for the next request of a host. ``size``: how many a host.

    ``resolve`` is ``socket.getaddrinfo`` or a stand-in; ``proxy``: where all requests go, a person named it.
    """

    def __init__(
        self, *, allow_private: bool, size: int, resolve: Resolve = socket.getaddrinfo, proxy: str = ""
    ) -> None:
        class Open(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self, resolve, allow_private=allow_private)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self, resolve, allow_private=allow_private)

        self._open, self._secure = Open, Secure
        self._resolve, self._allow_private, self._size = resolve, allow_private, size
        self._proxy = _by_proxy(proxy, size) if proxy else None
        self._lock = threading.Lock()
        self._idle: dict[str, list[_Line]] = {}  # the host that was left alone the longest comes first

    def get(self, url: str, headers: Mapping[str, str], timeout: Timeout) -> Answer:
        """Send a GET; the answer's body is not read, a redirect not followed. What goes through a proxy is checked by name."""
        if self._proxy is not None:
            look_up(url, self._resolve, allow_private=self._allow_private)
            raw = self._proxy.urlopen(
                "GET", url, headers=headers, timeout=timeout, redirect=False, retries=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
            return Framed(raw, None)
        request = _request(url, headers)
        line = self._line(url, timeout)
        try:
            line.socket.settimeout(timeout.read_timeout)
            line.socket.sendall(request)
            _about_to_read(line.socket)
            return self._answer(line)
        except BaseException:
            line.close()
            raise

    def _line(self, url: str, timeout: Timeout) -> _Line:
        """A connection to the URL's host: one that was kept, or a new one."""
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        while (line := self._kept(key)) is not None:
            if line.standing:
                return line
            line.close()
        name, wait = parts.hostname or "", timeout.connect_timeout
        if parts.scheme == "https":
            connection: HTTPConnection = self._secure(
                name, parts.port or 443, timeout=wait, ssl_context=_certificates()
            )
        else:
            connection = self._open(name, parts.port or 80, timeout=wait)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return _Line(self, key, connection)

    def _answer(self, line: _Line) -> Answer:
        begun = line.socket.recv(CHUNK)
        if not begun:
            raise ProtocolError("the connection was closed without an answer")
        return answer_of(line, begun)

    def _kept(self, key: str) -> _Line | None:
        with self._lock:
            lines = self._idle.get(key)
            line = lines.pop() if lines else None
            if lines == []:
                del self._idle[key]
            return line

    def keep(self, line: _Line) -> None:
        """Have a connection at hand for its host's next request; of hosts that were not asked for long none are kept."""
        with self._lock:
            lines = [*self._idle.pop(line.key, []), line]
            gone, self._idle[line.key] = lines[: -self._size], lines[-self._size :]
            while len(self._idle) > HOSTS:
                gone += self._idle.pop(next(iter(self._idle)))
        for one in gone:
            one.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            lines = [line for kept in self._idle.values() for line in kept]
            self._idle.clear()
        for line in lines:
            line.close()
        if self._proxy is not None:
            self._proxy.clear()


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a GET for a normal URL. Raises LocationValueError or ValueError for what no request can hold."""
    if not _URL.fullmatch(url):
        raise LocationValueError(f"{url!r} is no URL that can be asked for")
    parts = urlsplit(url)
    target = url[len(parts.scheme) + 3 + len(parts.netloc) :].partition("#")[0] or "/"
    fields = [f"{name}: {value}" for name, value in headers.items()]
    if any(_ODD.search(field) for field in fields):
        raise ValueError("a header holds what no header may")
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", *fields, "", ""]).encode("latin-1")


def _by_proxy(proxy: str, size: int) -> ProxyManager:
    """Connections through a proxy, as urllib3 keeps them."""

    class Pool(HTTPConnectionPool):
        ConnectionCls = _Watched

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = _SecureWatched

    user, _, rest = urlsplit(proxy).netloc.rpartition("@")
    headers = make_headers(proxy_basic_auth=unquote(user)) if user else None
    manager = ProxyManager(
        urlsplit(proxy)._replace(netloc=rest).geturl(), HOSTS, proxy_headers=headers, maxsize=size, block=False,
        ssl_context=_certificates(),
    )  # fmt: skip
    manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return manager
