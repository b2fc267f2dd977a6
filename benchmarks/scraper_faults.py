"""What faults cost a scrape: 300 photos, each of which answers 503 with Retry-After: 1 twice, against the same without faults.

    python benchmarks/scraper_faults.py            # about a minute; the factor is to be 3 at most, and all 300 kept

The rate binds: three requests a photo instead of one cannot cost less than three times the time at a rate that is kept.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.progress import Reporter
from deepstyle.scraper.scrape import ScrapeSummary, scrape_urls

TIMES = 2  # how often each photo fails


class Site(BaseHTTPRequestHandler):
    """A page of photos, and photos that fail at first."""

    protocol_version = "HTTP/1.1"
    photos: list[bytes]
    faulty: bool
    asked: Counter[str]
    lock: threading.Lock

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def do_GET(self) -> None:
        with self.lock:
            self.asked[self.path] += 1
            fails = self.faulty and self.path.startswith("/p") and self.asked[self.path] <= TIMES
        if fails:
            self._send(503, b"", "text/plain", {"Retry-After": "1"})
        elif self.path == "/":
            self._send(
                200, "".join(f'<img src="/p{n}.jpg">' for n in range(len(self.photos))).encode(), "text/html", {}
            )
        elif self.path.startswith("/p"):
            self._send(200, self.photos[int(self.path[2:-4])], "image/jpeg", {})
        else:
            self._send(404, b"", "text/plain", {})

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def drawn(seed: int) -> bytes:
    """A small JPEG of its own."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(blocks).resize((300, 320)).save(out, "JPEG")
    return out.getvalue()


def run(photos: list[bytes], rate: float, *, faulty: bool) -> tuple[ScrapeSummary, float]:
    """One scrape, and its seconds."""
    values = {"photos": photos, "faulty": faulty, "asked": Counter(), "lock": threading.Lock()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Site,), values))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder)) as catalog:
        started = time.monotonic()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        summary = scrape_urls(
            [url], catalog, ScrapeConfig(rate=rate, allow_private=True), reporter=Reporter(quiet=True)
        )
        seconds = time.monotonic() - started
    server.shutdown()
    return summary, seconds


def main() -> None:
    """Both scrapes and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rate", type=float, default=20.0)
    options = parser.parse_args()
    photos = [drawn(seed) for seed in range(options.count)]
    plain, before = run(photos, options.rate, faulty=False)
    print(f"without faults: {plain.kept} of {options.count} kept in {before:.1f} s", flush=True)
    faulty, after = run(photos, options.rate, faulty=True)
    print(f"with faults: {faulty.kept} of {options.count} kept in {after:.1f} s: {after / before:.2f} times as long")


if __name__ == "__main__":
    main()
