"""The address guard (edge): which addresses may be connected to, and sockets that go to a checked address only.

A host name is resolved once, every address it has is checked, and the socket is opened to a checked address itself, not
to the name: a second, different DNS answer (rebinding) has nobody to fool. Environment proxies are off in ``fetch.py``.
Sources: the IANA special-purpose address registries through ``ipaddress``; the cloud vendors' metadata addresses.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

Resolve = Callable[..., list[tuple[Any, ...]]]  # like socket.getaddrinfo
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)
_EMBEDDING = tuple(  # IPv6 prefixes whose last 32 bits are an IPv4 address
    ipaddress.IPv6Network(text)
    for text in (
        "64:ff9b::/96",  # NAT64, RFC 6052
        "::/96",  # IPv4-compatible, RFC 4291 2.5.5.1
        "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
    )
)
_NEVER_PUBLIC = tuple(  # what ipaddress of some Python version calls global and is not
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments, NAT64 discovery among them: RFC 6890, RFC 7050
        "192.88.99.0/24",  # 6to4 relays, deprecated: RFC 7526
        "::/96",  # IPv4-compatible, deprecated: RFC 4291 2.5.5.1
        "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
        "64:ff9b:1::/48",  # local-use NAT64, RFC 8215
        "100::/64",  # discard, RFC 6666
        "2001::/23",  # IETF protocol assignments, RFC 2928
        "2001:db8::/32",  # documentation, RFC 3849
        "3fff::/20",  # documentation, RFC 9637
        "5f00::/16",  # segment routing, RFC 9602
        "fec0::/10",  # site-local, deprecated: RFC 3879
    )
)
BY_PROXY = 5.0  # seconds for the addresses of a host that a proxy connects to
LOOKUP = 60.0  # seconds for a host's addresses where no other limit is given


class AddressRefusedError(Exception):
    """The host is, or resolves to, an address that the guard refuses. Leaves this module as an outcome of Fetcher."""


def refused(address: str, *, allow_private: bool) -> bool:
    """Whether this IP address must not be connected to.

    Without ``allow_private`` everything that is not global unicast; with it still link-local and metadata addresses.
    """
    ip: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and int(ip) > 1 and any(ip in network for network in _EMBEDDING):  # ::1 and :: are not IPv4
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            outdated = not allow_private and any(ip in network for network in _NEVER_PUBLIC)
            return outdated or refused(str(inner), allow_private=allow_private)
    if ip in METADATA or ip.is_link_local or ip.is_multicast:
        return True
    return not allow_private and (not ip.is_global or any(ip in network for network in _NEVER_PUBLIC))


def connect(connection: HTTPConnection, resolve: Resolve, *, allow_private: bool) -> socket.socket:
    """Resolve, check every address, connect to the first checked one that answers."""
    timeout = connection.timeout if isinstance(connection.timeout, (int, float)) else LOOKUP
    end = time.monotonic() + timeout
    answers = _within(timeout, connection, resolve)
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for address in addresses:
        if refused(address, allow_private=allow_private):
            raise AddressRefusedError(f"{connection.host} is {address}")
    failure: OSError = OSError("the name has no address")
    for address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            failure = TimeoutError()
            break
        try:
            return create_connection((address, connection.port), left, socket_options=connection.socket_options)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"no connection to {connection.host} in time") from failure
    raise NewConnectionError(connection, str(failure)) from failure


def _within(seconds: float, connection: HTTPConnection, resolve: Resolve) -> list[tuple[Any, ...]]:
    """The addresses of a host name, asked for in a thread of its own: the system's resolver knows no deadline."""
    found: SimpleQueue[list[tuple[Any, ...]] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            found.put(resolve(connection.host.strip("[]"), connection.port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            found.put(error)

    threading.Thread(target=ask, name="deepstyle-lookup", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except Empty as error:
        raise ConnectTimeoutError(connection, f"no address of {connection.host} in time") from error
    if isinstance(answer, (socket.gaierror, UnicodeError)):
        raise NameResolutionError(connection.host, connection, socket.gaierror(str(answer))) from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def look_up(url: str, resolve: Resolve, *, allow_private: bool) -> None:
    """Refuse a host that a proxy would connect to, as far as this machine knows its addresses."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=BY_PROXY)
    with contextlib.suppress(NameResolutionError, ConnectTimeoutError):  # the proxy may know it
        for answer in _within(BY_PROXY, connection, resolve):
            if refused(str(answer[4][0]), allow_private=allow_private):
                raise AddressRefusedError(f"{parts.hostname} is {answer[4][0]}")
