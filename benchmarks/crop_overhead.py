"""What `deepstyle crop` costs around the network: photos per second and memory, with a detector that costs nothing.

    python benchmarks/crop_overhead.py --photos 2000 --few 200

Draws looks of 550 x 825 pixels, scrapes copies of them (each with its own hash) into two workspaces, and crops each in a
process of its own. Prints photos/s, the processor time of a photo, and the peak memory of both: it must not grow with
the photos. The loop has to leave the network room: at 43 photos/s on 2 cores a photo has 46 ms of processor time, so
86 photos/s here leaves half of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.cut import crop
from deepstyle.demo.draw import draw_look
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

GOAL = 2 * 43  # photos per second


class FreeDetector:
    """An upper and a lower garment at fixed places, at no cost."""

    name, labels = "free@1", ("upper", "lower")

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """The same two boxes, as shares of each photo."""
        return [
            [
                Box(x0=0.3 * width, y0=0.2 * height, x1=0.7 * width, y1=0.5 * height, label="upper", score=0.9),
                Box(x0=0.3 * width, y0=0.45 * height, x1=0.65 * width, y1=0.9 * height, label="lower", score=0.8),
            ]
            for height, width in (photo.shape[:2] for photo in photos)
        ]


def fill(root: Path, count: int) -> None:
    """``count`` photos: 24 drawn looks as JPEG, over and over; bytes after the picture's end give each its own hash."""
    looks = [images.encode(draw_look(seed, width=550, height=825).pixels, "JPEG", quality=90) for seed in range(24)]
    with Catalog(root) as catalog, catalog.transaction():
        for i in range(count):
            data = looks[i % len(looks)] + i.to_bytes(4, "big")
            catalog.add_photo(
                images.sha256(data), data, extension="jpg", width=550, height=825, dhash="0" * 16,
                image_url=f"http://a.example/{i}.jpg", page_url="http://a.example/",
            )  # fmt: skip


def measure(root: Path) -> dict[str, float]:
    """Crop the workspace in this process."""
    with Catalog(root) as catalog:
        start, used = time.perf_counter(), time.process_time()
        summary = crop(catalog, FreeDetector(), load_config(CropConfig, None), reporter=Reporter(quiet=True))
        seconds, used = time.perf_counter() - start, time.process_time() - used
    assert summary.cut == 2 * summary.photos
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"photos": summary.photos, "seconds": seconds, "core_ms": 1000 * used / summary.photos, "peak_mb": peak}


def main() -> None:
    """Both workspaces, one line each, and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--in", dest="root", type=Path, help=argparse.SUPPRESS)  # the process that is measured
    given = parser.parse_args()
    if given.root:
        print(json.dumps(measure(given.root)))
        return
    found = []
    for count in (given.few, given.photos):
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), count)
            command = [sys.executable, __file__, "--in", folder]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        one = found[-1]
        print(
            f"{one['photos']:,.0f} photos: {one['photos'] / one['seconds']:.1f}/s, {one['core_ms']:.1f} ms of one core a "
            f"photo, peak {one['peak_mb']:.0f} MB"
        )
    rate = found[-1]["photos"] / found[-1]["seconds"]
    print(
        f"goal {GOAL}/s: {rate / GOAL:.2f} of it; memory {found[1]['peak_mb'] / found[0]['peak_mb']:.3f} of the few's"
    )


if __name__ == "__main__":
    main()
