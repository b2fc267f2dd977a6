"""A small real web server on loopback for the scraper's tests: routes are functions, hits are counted, it closes cleanly."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

Route = Callable[["Exchange"], None]
Routes = dict[str, bytes | Route]


def photo(seed: int, width: int = 300, height: int = 320) -> bytes:
    """A JPEG whose bytes and look depend on ``seed``."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def page(*parts: str, head: str = "") -> bytes:
    """A whole HTML page."""
    body = "\n".join(parts)
    return f"<!doctype html><html><head><title>t</title>{head}</head><body>{body}</body></html>".encode()


class Exchange(BaseHTTPRequestHandler):
    """One request; routes answer with ``send`` or write to ``wfile`` themselves."""

    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def send(self, body: bytes = b"", kind: str = "text/html", status: int = 200, **headers: str) -> None:
        """Answer with a whole body; ``_`` in header names stands for ``-``."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        with self.site.lock:
            self.site.hits[self.path] += 1
        route = self.site.routes.get(self.path.partition("?")[0])
        try:
            if callable(route):
                route(self)
            elif route is None:
                self.send(b"none", status=404)
            else:
                self.send(route, "image/jpeg" if route[:2] == b"\xff\xd8" else "text/html")
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """Counts on every connection being closed at the end, by us if need be."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class Site:
    """Routes (path -> bytes or function), the hits on each path with its query, and the address."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.hits: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.closing = threading.Event()
        handler = type("Handler", (Exchange,), {"site": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serve(routes: Routes) -> Iterator[Site]:
    """Serve while the block runs; slow routes should wait on ``site.closing``."""
    site = Site(routes)
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        site.server.shutdown()
        thread.join()
        site.server.server_close()
