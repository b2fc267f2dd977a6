"""CPU seconds and images a second of `deepstyle scrape` on a list of photos, against img2dataset, in one run.

    python benchmarks/scraper_speed.py clothing-co-parsing/photos --nginx nginx --img2dataset VENV/bin/img2dataset --repeats 3

nginx (one worker, on loopback) serves the folder's JPEGs; without --nginx a small server of Python does, in another process.
Both programs keep every byte: img2dataset with `--resize_mode no --skip_reencode True` in files. Each is a whole process, its
start included, after one of each that counts for nothing, so that Python has compiled both; they take turns. No file is deleted
before the end: ext4 searches for inodes that were not freed of late, and who creates files next would pay. CPU seconds first:
the machine may be busy. Goals: 2.0 a 1,000 photos, twice the images a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process
from pathlib import Path

CONF = """
worker_processes 1; daemon off; pid {place}/pid; error_log {place}/error.log; user root;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; types {{ image/jpeg jpg; }}
  client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d;
  scgi_temp_path {place}/e;
  server {{ listen 127.0.0.1:{port}; root {photos}; }}
}}
"""


@dataclass(frozen=True)
class Cost:
    """What one run of a program took, and how many photos it kept."""

    kept: int
    wall: float
    cpu: float
    peak: float  # MB


class Quiet(SimpleHTTPRequestHandler):
    """A folder's files."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


def _serve(port: int, photos: Path) -> None:
    ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(photos))).serve_forever()


@contextmanager
def served(photos: Path, nginx: str, place: Path) -> Iterator[str]:
    """The address at which the photos are, while the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if nginx:
        conf = place / "nginx.conf"
        conf.write_text(CONF.format(place=place, port=port, photos=photos.resolve()))
        server: subprocess.Popen[bytes] | Process = subprocess.Popen([nginx, "-p", str(place), "-c", str(conf)])
    else:
        server = Process(target=_serve, args=(port, photos), daemon=True)
        server.start()
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait() if isinstance(server, subprocess.Popen) else server.join()


def cost(command: list[str], kept: Callable[[], int]) -> Cost:
    """Run a program to its end."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        pid = os.posix_spawn(
            command[0], command, dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)],
        )  # fmt: skip
        _, status, used = os.wait4(pid, 0)
        out.seek(0)
        said = out.read().decode(errors="replace")
    if status:
        raise SystemExit(f"{command[0]} failed:\n{said[-2000:]}")
    return Cost(kept(), time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def ours(place: Path, urls: Path, connections: int) -> Cost:
    """One scrape of the list into a new workspace."""
    command = [
        sys.executable, "-m", "deepstyle", "-w", str(place / "w"), "scrape", str(urls), "--allow-private", "--rate", "100000",
        "--set", f"connections={connections}",
    ]  # fmt: skip
    return cost(command, lambda: len(list((place / "w/photos").glob("*/*.jpg"))))


def theirs(program: str, place: Path, urls: Path) -> Cost:
    """One download of the list by img2dataset: its children's time is counted, as it waits for them."""
    options = {"url_list": urls, "output_folder": place / "i", "output_format": "files", "resize_mode": "no",
               "skip_reencode": True, "processes_count": 1, "thread_count": 32, "enable_wandb": False}  # fmt: skip
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    return cost(command, lambda: len(list((place / "i").glob("*/*.jpg"))))


def main() -> None:
    """All runs, their medians, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--nginx", default="")
    parser.add_argument("--img2dataset", default="")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    names = sorted(path.name for path in options.photos.glob("*.jpg"))[: options.count]
    runs: dict[str, list[Cost]] = {"deepstyle": [], "img2dataset": []}
    with tempfile.TemporaryDirectory() as folder, served(options.photos, options.nginx, Path(folder)) as site:
        urls = Path(folder) / "urls.txt"
        urls.write_text("\n".join(site + name for name in names))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        first = Path(folder) / "first"
        first.mkdir()
        (first / "url.txt").write_text(site + names[0])
        ours(first, first / "url.txt", 1)
        if options.img2dataset:
            theirs(options.img2dataset, first, first / "url.txt")
        for number in range(options.repeats):
            place = Path(folder) / str(number)
            place.mkdir()
            runs["deepstyle"].append(ours(place, urls, options.connections))
            if options.img2dataset:
                runs["img2dataset"].append(theirs(options.img2dataset, place, urls))
            for name, found in runs.items():
                if found:
                    one = found[-1]
                    took = f"{one.wall:.1f} s, {one.cpu:.2f} CPU s, {one.peak:.0f} MB"
                    print(f"{name}: {one.kept} of {len(names)} in {took}", flush=True)
    cpu = {name: statistics.median(1000 * one.cpu / one.kept for one in found) for name, found in runs.items() if found}
    speed = {name: statistics.median(one.kept / one.wall for one in found) for name, found in runs.items() if found}
    for name, seconds in cpu.items():
        print(f"{name}: {seconds:.2f} CPU s per 1,000, {speed[name]:.0f} images/s (medians)")
    if len(cpu) == 2:
        print(f"CPU: {cpu['deepstyle'] / cpu['img2dataset']:.2f} of img2dataset's; "
              f"images/s: {speed['deepstyle'] / speed['img2dataset']:.2f} times its")  # fmt: skip
    print(f"children's CPU seconds in all: {sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]):.1f}")


if __name__ == "__main__":
    main()
