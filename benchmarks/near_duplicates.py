"""Near duplicates on real photos, and a million hashes: what is found of crops and mirror images, false pairs, time, memory.

    python benchmarks/near_duplicates.py clothing-co-parsing/photos

CPU seconds, not wall time: the machine may be busy.
"""

from __future__ import annotations

import io
import random
import resource
import sys
import time
from pathlib import Path

from PIL import Image, ImageOps

from deepstyle import images
from deepstyle.looks import Looks
from deepstyle.scraper.check import HASHED
from deepstyle.scraper.near import NearIndex

PHOTOS = 400
HASHES = 1_000_000


def saved(image: Image.Image) -> tuple[Looks, int, int]:
    """The looks of an image that was made smaller and saved anew, and its size."""
    image = image.resize((round(image.width * 0.8), round(image.height * 0.8)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    _, found = images.inspect(out.getvalue(), max_pixels=images.MAX_PIXELS, at_least=HASHED, wanted=lambda _: True)
    assert found is not None
    return found, image.width, image.height


def on_photos(folder: Path) -> None:
    """What is found of each photo's copies among the others, and which others are taken for it."""
    index, false = NearIndex(4), 0
    found = {"copy": 0, "crop 5 % each side": 0, "crop 5 % in all": 0, "mirror": 0}
    names = sorted(folder.glob("*.jpg"))[:PHOTOS]
    variants: list[tuple[str, str, tuple[Looks, int, int]]] = []
    for path in names:
        with Image.open(path) as opened:
            opened.draft("RGB", (400, 400))
            image = opened.convert("RGB")
        looks, width, height = saved(image)
        false += index.find(looks.dhash, width, height, inner=looks.inner, mirror=looks.mirror) is not None
        index.add(path.name, looks.dhash, width, height, inner=looks.inner)
        for kind, share in (("crop 5 % each side", 0.05), ("crop 5 % in all", 0.025), ("copy", 0.0)):
            x, y = round(image.width * share), round(image.height * share)
            variants.append((kind, path.name, saved(image.crop((x, y, image.width - x, image.height - y)))))
        variants.append(("mirror", path.name, saved(ImageOps.mirror(image))))
    for kind, name, (looks, width, height) in variants:
        answer = index.find(looks.dhash, width, height, inner=looks.inner, mirror=looks.mirror)
        found[kind] += answer == name
        false += answer not in {None, name}
    print(f"{len(names)} photos: " + ", ".join(f"{kind} {count / len(names):.3f}" for kind, count in found.items()))
    print(f"false pairs: {false}")


def on_hashes() -> None:
    """A million random hashes, each looked up and added."""
    rng = random.Random(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    index = NearIndex(4)
    for number in range(HASHES):
        code = f"{rng.getrandbits(64):016x}"
        index.find(code, 100, 150)
        index.add(f"{number:064x}", code, 100, 150)
    seconds = time.process_time() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{HASHES:,} hashes: {seconds:.1f} CPU s, {grown:.0f} MB more")


if __name__ == "__main__":
    on_photos(Path(sys.argv[1]))
    on_hashes()
