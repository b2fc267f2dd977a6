"""Photos/s of `deepstyle crop` as a whole process, against detectron2's DefaultPredictor on the same photos, in turn.

    python benchmarks/crop_speed.py PHOTOS --detector workspace/models/detector --peer-python /path/to/python

Ours counts everything from the start of the process to its end: imports, decoding, the network, garments written. The
peer (R50-FPN at 800 px) counts its loop alone, without start-up and without writing. Every round crops in a fresh
workspace; medians of the rounds are compared. CPU seconds a photo are printed because wall time suffers from neighbours.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deepstyle import images
from deepstyle.catalog import Catalog

SHIPPED = Path(__file__).parent.parent / "deepstyle" / "models" / "garments-lite"
PEER = Path(__file__).parent / "peer_detectron2.py"


def workspace(folder: Path, detector: Path, photos: list[Path]) -> None:
    """A workspace as `deepstyle scrape` would have left it, with the detector in it."""
    with Catalog(folder) as catalog:
        for path in photos:
            data = path.read_bytes()
            height, width = images.decode(data).shape[:2]
            address = f"http://127.0.0.1/{path.name}"
            catalog.add_photo(
                images.sha256(data), data, extension="jpg", width=width, height=height, dhash="0" * 16,
                image_url=address, page_url=address,
            )  # fmt: skip
        shutil.copytree(detector, folder / "models" / detector.name)
        catalog.put_model(detector.name, "detector", {})


def ours(detector: Path, photos: list[Path], engine: str) -> tuple[float, float, int]:
    """Seconds, CPU seconds and garments of one `deepstyle crop`."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "w"
        workspace(place, detector, photos)
        command = [sys.executable, "-m", "deepstyle.cli", "-w", str(place), "-q", "crop", "--engine", engine]
        before, start = _cpu(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())
        seconds, cpu = time.perf_counter() - start, _cpu() - before
        return seconds, cpu, len(list(place.glob("garments/*/*.png")))


def peer(python: str, photos: list[Path], side: int) -> tuple[float, float]:
    """Seconds in DefaultPredictor's loop, and CPU seconds of its whole process."""
    before = _cpu()
    command = [python, str(PEER), str(side), *map(str, photos)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(answer.splitlines()[-1])["seconds"]), _cpu() - before


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Alternate both, and print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs")
    parser.add_argument("--detector", type=Path, default=SHIPPED)
    parser.add_argument("--engine", choices=["torch", "openvino"], default="torch")
    parser.add_argument("--count", type=int, default=512, help="photos for ours")
    parser.add_argument("--peer-python", help="a Python with detectron2; without it only ours is measured")
    parser.add_argument("--peer-count", type=int, default=8, help="photos for the peer, which is slow")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = sorted(options.photos.glob("*.jpg"))[: options.count]
    mine, theirs = [], []
    for number in range(options.rounds):
        seconds, cpu, garments = ours(options.detector, photos, options.engine)
        mine.append(len(photos) / seconds)
        print(f"round {number + 1}: deepstyle crop {len(photos)} photos, {garments} garments in {seconds:.1f} s: "
              f"{mine[-1]:.1f}/s, {1000 * cpu / len(photos):.0f} ms CPU a photo", flush=True)  # fmt: skip
        if options.peer_python:
            few = photos[: options.peer_count]
            seconds, cpu = peer(options.peer_python, few, 800)
            theirs.append(len(few) / seconds)
            print(f"         DefaultPredictor 800 px {len(few)} photos: {theirs[-1]:.2f}/s, "
                  f"{1000 * cpu / len(few):.0f} ms CPU a photo with start-up", flush=True)  # fmt: skip
    print(f"median: {statistics.median(mine):.1f}/s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    if theirs:
        ratio = statistics.median(mine) / statistics.median(theirs)
        print(f"DefaultPredictor: {statistics.median(theirs):.2f}/s; ratio {ratio:.0f}x")


if __name__ == "__main__":
    main()
