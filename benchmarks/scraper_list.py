"""A list of a million addresses: seconds and memory of a scrape that reads it all and stops after a few photos, or asks for all.

    python benchmarks/scraper_list.py                 # goal: under 400 MB
    python benchmarks/scraper_list.py --whole         # every address is asked for: an hour
    python benchmarks/scraper_list.py --count 100000

A loopback server in another process answers every hundredth address, and the first ones, with a photo, all others with
404. The list is read into the catalog (a queue that a kill does not lose); what is lined up in memory is bounded. CPU
seconds: the machine may be busy.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, SimpleQueue
from pathlib import Path

import numpy as np
from PIL import Image

ENOUGH = 20  # photos
EVERY = 100  # one address of so many is a photo


class Site(BaseHTTPRequestHandler):
    """Photos under the first numbers and each of ``EVERY``, nothing under the others."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def do_GET(self) -> None:
        number = self.path.removeprefix("/p").removesuffix(".jpg")
        found = number.isdigit() and (int(number) < ENOUGH or int(number) % EVERY == 0)
        body = photo(int(number)) if found else b"none"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def photo(seed: int) -> bytes:
    """A drawn JPEG of its own."""
    out = io.BytesIO()
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((300, 320)).save(out, "JPEG")
    return out.getvalue()


def _serve(ports: SimpleQueue[int]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    ports.put(server.server_address[1])
    server.serve_forever()


def main() -> None:
    """Write the list, scrape it, tell what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--whole", action="store_true", help="ask for every address")
    options = parser.parse_args()
    ports: SimpleQueue[int] = SimpleQueue()
    server = Process(target=_serve, args=(ports,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        urls, site = Path(folder) / "urls.txt", f"http://127.0.0.1:{ports.get()}"
        with urls.open("w") as out:
            out.writelines(f"{site}/p{number}.jpg\n" for number in range(options.count))
        command = [
            sys.executable, "-m", "deepstyle", "-w", f"{folder}/w", "scrape", str(urls), "--allow-private", "--rate", "1000",
            *([] if options.whole else ["--max-photos", str(ENOUGH)]),
        ]  # fmt: skip
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
    server.terminate()
    print(
        f"{options.count:,} addresses: rc {status}, {used.ru_utime + used.ru_stime:.1f} CPU s, "
        f"{time.monotonic() - started:.0f} s, {used.ru_maxrss / 1024:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
