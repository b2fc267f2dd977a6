"""What reading a page costs: hostile markup at one and at four times its length, and a tame page against bare lxml.

    python benchmarks/scraper_pages.py

A ratio near 4 is linear, near 16 a square. CPU seconds of one thread; memory is what Python and libxml2 took at most.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial

import lxml.html  # type: ignore[import-untyped]

from deepstyle.scraper.pages import parse_html

URL = "http://a.example/shows"
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "commas in srcset": lambda n: b"<img srcset='" + b"," * n + b"'>",
    "nested picture": lambda n: b"<picture>" * (n // 9),
    "paragraphs": lambda n: b"<p>" * (n // 3),
    "backgrounds": lambda n: b"<style>" + b"background:url(" * (n // 15),
    "nested pairs": lambda n: b"<a href=x><b>" * (n // 13),
    "open brackets": lambda n: b"<script>img=" + b"[" * n,
    "open objects": lambda n: b"<script>img=" + b"{a:" * (n // 3),
    "attributes": lambda n: b"<img " + b" ".join(b"a%d=1" % i for i in range(n // 8)) + b">",
}
LENGTH = 100_000  # bytes, and four times as many


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def tame() -> bytes:
    """A page of 1.8 MB as shops make them: cards with links, sets of sizes and inline JSON."""
    card = (
        '<li class="card" id="c{n}"><a href="/look/{n}"><picture><source srcset="/i/{n}-400.jpg 400w, /i/{n}-900.jpg 900w">'
        '<img src="/i/{n}-400.jpg" alt="Look {n}" loading="lazy"></picture><h3>Look {n}</h3><p>{text}</p></a></li>'
    )
    text = "Wool coat over a silk shirt, with trousers of the same cloth. " * 12
    return (
        "<html><body><ul>" + "".join(card.format(n=n, text=text) for n in range(1_750)) + "</ul></body></html>"
    ).encode()


def main() -> None:
    """Print one line a page."""
    for name, make in HOSTILE.items():
        once, four = (cpu(partial(parse_html, make(count), URL)) for count in (LENGTH, 4 * LENGTH))
        print(f"{name:20} {once:6.2f} s, four times as long {four:6.2f} s: ratio {four / max(once, 0.01):5.1f}")
    body = tame()
    ours, bare = cpu(lambda: parse_html(body, URL)), cpu(lambda: list(lxml.html.fromstring(body).iter()))
    found = len(parse_html(body, URL).listings)
    print(
        f"tame page of {len(body) / 1e6:.1f} MB, {found} pictures: {ours:.2f} s, bare lxml {bare:.2f} s: ratio {ours / bare:.1f}"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
