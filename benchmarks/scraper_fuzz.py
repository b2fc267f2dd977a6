"""Mutated pages and photos through the scraper's own parsing and checking: crashes, and the slowest input.

    python benchmarks/scraper_fuzz.py clothing-co-parsing/photos --seconds 300     # CPU seconds; --seed continues elsewhere

A crash is any exception that leaves ``parse`` or ``check``: there a bad byte is an outcome. Pages are cut, doubled, spliced and
stuffed from those below; photos are real JPEGs, and the same as PNG, WebP, GIF, TIFF, BMP and AVIF, with bytes changed.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import time
import warnings
from collections import Counter
from pathlib import Path

from PIL import Image, features

from deepstyle.config import ScrapeConfig
from deepstyle.scraper.check import check
from deepstyle.scraper.pages import parse

KINDS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", *(["AVIF"] if features.check("avif") else [])]
PAGES = [
    (b'<base href="/m/"><meta property="og:image" content="/a.jpg"><picture><source '
    b'srcset="a.jpg 1x, b.jpg 2x"><img src="c.jpg" data-src="d.jpg"></picture><a href="/x?page=2" rel="next">n</a>'),
    (b'<script type="application/ld+json">{"@type":"ImageObject","contentUrl":"/a.jpg","x":[1,2,{"url":"/b.jpg",}],}</script>'
    b'<script>self.__next_f.push([1,"a:[\\"$\\",\\"img\\",null,{\\"src\\":\\"/c.jpg\\"}]"])</script><script>window.s={a:"/d.jpg"}</script>'),
    b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://a.example/</loc></url></urlset>',
    b'<rss><channel><item><enclosure url="http://a.example/a.jpg" type="image/jpeg"/></item></channel></rss>',
    (b'<div style="background:url(/a.jpg)"><noscript>&lt;img src="/b.jpg"&gt;</noscript><svg><image href="/c.jpg"/></svg>'
    b'<template shadowrootmode="open"><img src="/d.jpg"></template><select><option value="/p/2">2</option></select></div>'),
    b'{"items":[{"image":"http://a.example/a.jpg","srcset":"/b.jpg 200w, /c.jpg 400w"}],"next":"/api?page=2"}',
]  # fmt: skip
STUFF = [
    b"<",
    b">",
    b'"',
    b"'",
    b"&#x",
    b"\0",
    b"\xff\xfe",
    b"<p>",
    b"<picture>",
    b",,,,",
    b"url(",
    b"{[",
    b"\\u",
    b"]]>",
    b"<![CDATA[",
]


def mutated(data: bytes, rng: random.Random, stuff: list[bytes], others: list[bytes]) -> bytes:
    """The bytes with one to eight changes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0 and out:
            out[at % len(out)] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.randint(1, 40)]
        elif kind == 2:
            out[at:at] = rng.choice(stuff) * rng.choice([1, 2, 30, 1000])
        elif kind == 3:
            out[at:at] = out[at : at + rng.randint(1, 200)] * rng.choice([1, 2, 20])
        elif kind == 4:
            other = rng.choice(others)
            out[at:] = other[rng.randrange(len(other)) :]
        else:
            del out[at:]
    return bytes(out)


def photos(folder: Path) -> list[bytes]:
    """Small real photos in every format."""
    found = []
    for path in sorted(folder.glob("*.jpg"))[:4]:
        with Image.open(path) as opened:
            small = opened.convert("RGB").resize((160, 240))
        for kind in KINDS:
            out = io.BytesIO()
            small.save(out, kind)
            found.append(out.getvalue())
    return found


def main() -> None:
    """Feed inputs until the CPU seconds are spent; print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng, config, seeds = random.Random(options.seed), ScrapeConfig(min_side=1), photos(options.photos)
    counts: Counter[str] = Counter()
    slowest = {"page": 0.0, "photo": 0.0}
    while time.process_time() < options.seconds:
        page = rng.random() < 0.5
        pool = PAGES if page else seeds
        data = mutated(rng.choice(pool), rng, STUFF if page else [b"\xff", b"\0"], pool)
        kind, started = "page" if page else "photo", time.thread_time()
        try:
            if page:
                parse(data, "http://a.example/", charset=None, content_type="")
            else:
                counts[f"photo {check(data, config, ()).outcome}"] += 1
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            counts[f"crash {kind} {type(error).__name__}: {str(error)[:80]}"] += 1
        counts[kind] += 1
        slowest[kind] = max(slowest[kind], time.thread_time() - started)
    crashes = {name: count for name, count in counts.items() if name.startswith("crash")}
    print(f"{counts['page']:,} pages, {counts['photo']:,} photos, {sum(crashes.values())} crashes {crashes or ''}")
    print(f"slowest page {slowest['page']:.2f} CPU s, slowest photo {slowest['photo']:.2f} CPU s; "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")  # fmt: skip
    print({name: count for name, count in sorted(counts.items()) if name.startswith("photo ")})


if __name__ == "__main__":
    main()
