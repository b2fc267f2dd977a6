"""fetch.py against hostile servers: addresses that are refused, rebinding, slow, broken and endless answers."""

from __future__ import annotations

import gzip
import socket

import pytest
from loopback import Exchange, photo, serve
from test_fetch import config, fetch

from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.guard import refused

PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
           "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
           "2002:7f00:1::", "fd00:ec2::254", "168.63.129.16", "192.0.0.192", "192.0.0.1", "192.88.99.1",
           "64:ff9b:1::1", "64:ff9b:1:ffff::808:808", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1",
           "::ffff:0:10.1.2.3", "fec0::1", "feff::1", "2001:db8::1", "3fff::1", "100::1"]  # fmt: skip


def test_which_addresses_are_refused() -> None:
    """Everything that is not global unicast; with allow_private still link-local, multicast and metadata addresses."""
    assert [one for one in PRIVATE if not refused(one, allow_private=False)] == []
    assert [
        one
        for one in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8")
        if refused(one, allow_private=False)
    ] == []
    always = [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "100.100.100.200",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
    ]
    assert [one for one in always if not refused(one, allow_private=True)] == []
    assert not refused("127.0.0.1", allow_private=True)


def test_private_addresses_are_refused_by_name_and_number() -> None:
    """Without allow_private the loopback server is never contacted, not even for robots.txt."""
    with serve({"/a.jpg": photo(1)}) as site:
        port = site.url.rpartition(":")[2]
        hosts = ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433")
        outcomes = {
            name: fetch(f"http://{name}:{port}/a.jpg", allow_private=False, retries=0).outcome for name in hosts
        }

        assert set(outcomes.values()) == {"private-address"}
        assert site.hits.total() == 0


def test_dns_rebinding_cannot_win() -> None:
    """The address that was checked is the one connected to: the name is resolved once a connection."""
    asked: list[str] = []

    def resolve(name: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(name)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with serve({"/a.jpg": photo(1)}) as site:
        port = site.url.rpartition(":")[2]
        with Fetcher(config(), resolve=resolve) as fetcher:
            assert fetcher.get(f"http://rebind.example:{port}/a.jpg", "image").outcome == "ok"
    assert asked == ["rebind.example"]

    def mixed(name: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("8.8.8.8", "10.0.0.1")]

    with Fetcher(config(allow_private=False), resolve=mixed) as fetcher:
        assert fetcher.get("http://mixed.example/", "page").outcome == "private-address"


def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect for us, past the guard."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serve({"/a.jpg": photo(1)}) as site:
        assert fetch(site.url + "/a.jpg").outcome == "ok"


def drip(x: Exchange) -> None:
    """Send one byte at a time, for ever."""
    x.send_response(200)
    x.send_header("Content-Length", "100000")
    x.end_headers()
    while not x.site.closing.wait(0.05):
        x.wfile.write(b"x")


def drip_headers(x: Exchange) -> None:
    """Never come to the end of the headers."""
    x.wfile.write(b"HTTP/1.1 200 OK\r\n")
    x.wfile.write(b"X-Y: ")
    while not x.site.closing.wait(0.05):
        x.wfile.write(b"z")


def drip_chunks(x: Exchange) -> None:
    """Announce a large chunk and send it byte by byte."""
    x.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n")
    while not x.site.closing.wait(0.05):
        x.wfile.write(b"x")


def silence(x: Exchange) -> None:
    """Say nothing."""
    x.site.closing.wait(300)


DEADLINE = {"deadline": 0.6, "read_timeout": 300}  # seconds
READ_TIMEOUT = {"deadline": 300, "read_timeout": 0.3}


@pytest.mark.parametrize(
    ("route", "limits", "outcome"),
    [
        (drip, DEADLINE, "too-slow"), (drip_headers, DEADLINE, "too-slow"), (drip_chunks, DEADLINE, "too-slow"),
        (silence, DEADLINE, "too-slow"), (silence, READ_TIMEOUT, "timeout"),
    ],
)  # fmt: skip
def test_slow_servers_cannot_hold_us(route: object, limits: dict[str, object], outcome: str) -> None:
    """The deadline ends headers, bodies and chunks that would take an hour, and the read timeout ends silence."""
    with serve({"/a.jpg": route}) as site:  # type: ignore[dict-item]
        answer = fetch(site.url + "/a.jpg", retries=0, **limits)  # type: ignore[arg-type]

    assert answer.outcome == outcome


def truncated(x: Exchange) -> None:
    """Promise more than is sent."""
    x.send_response(200)
    x.send_header("Content-Length", "5000")
    x.end_headers()
    x.wfile.write(b"x" * 2000)
    x.close_connection = True


def endless(x: Exchange) -> None:
    """Never stop sending."""
    x.send_response(200)
    x.end_headers()
    while not x.site.closing.is_set():
        x.wfile.write(b"\0" * 65_536)


def bomb(x: Exchange) -> None:
    """Thirty megabytes in thirty kilobytes."""
    x.send(gzip.compress(b"\0" * 30_000_000), "image/jpeg", Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("route", "outcome"),
    [
        (truncated, "truncated"), (endless, "too-large"), (bomb, "too-large"),
        (lambda x: x.send(b"x" * 300_000), "too-large"),
        (lambda x: x.send(bytes(range(128, 256)), Content_Encoding="gzip"), "bad-encoding"),
        (lambda x: x.wfile.write(b"nonsense\r\n\r\n"), "connection"),
        (lambda x: setattr(x, "close_connection", True), "connection"),
        (lambda x: x.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), "truncated"),
        (lambda x: x.send(status=304), "http-304"),
    ],
)  # fmt: skip
def test_broken_answers_are_outcomes(route: object, outcome: str) -> None:
    """Lies about length and encoding, floods and bombs are named, and nothing raises."""

    def once(x: Exchange) -> None:
        route(x)  # type: ignore[operator]
        x.close_connection = True

    with serve({"/a.jpg": once}) as site:
        answer = fetch(site.url + "/a.jpg", retries=0)

    assert answer.outcome == outcome
