"""What the number of garments costs the GAN's training: time of the data path and of a step, memory, seconds to open.

    python benchmarks/gan_size.py --sizes 1000 10000 100000 1000000

Writes packed datasets of random 32 px images (a million are 3 GB, in the folder for temporary files or --at), opens each in
a process of its own, and plays a small game on it. A step should cost the same whatever the size, and so should memory but
for what names each garment. Prints the ratio of the largest to the smallest. Memory is what the process holds itself
(Linux's RssAnon): the system gives the pages of the mapped images back when it needs them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE, BATCH = 32, 64
STEPS = 60  # timed, after a tenth as many that are not
CHUNK = 10_000  # images written at a time
SETTINGS = ("size=32", "width=8", f"batch_size={BATCH}", "augment=[]", "condition=label")
UNITS = {"open_s": "s to open", "data_us": "us an image", "step_ms": "ms a step", "memory_mb": "MB"}


def write(folder: Path, count: int) -> None:
    """A packed dataset of random images: the files of dataset.py, as decoding a million photos would leave them."""
    rng = np.random.default_rng(0)
    pixels = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3))
    for start in range(0, count, CHUNK):
        part = pixels[start : start + CHUNK]
        part[:] = rng.integers(0, 256, part.shape, np.uint8)
    pixels.flush()
    np.save(folder / "labels.npy", rng.integers(0, 3, count))
    sources = [f"{number:064x}-0" for number in range(count)]
    about = {
        "format": 1, "key": str(count), "label_names": ["full", "lower", "upper"], "sources": sources, "skipped": {}
    }  # fmt: skip
    (folder / "index.json").write_text(json.dumps(about))


def measure(folder: Path) -> dict[str, float]:
    """Open the dataset and play on it, in this process."""
    import torch

    from deepstyle.config import GanConfig, load_config
    from deepstyle.dataset import PackedDataset
    from deepstyle.dcgan.data import Conditions, RealImages
    from deepstyle.dcgan.game import play
    from deepstyle.dcgan.players import Players
    from deepstyle.engine import batch_indices, make_fabric

    torch.set_num_threads(1)
    config = load_config(GanConfig, "dcgan-32", SETTINGS)
    fabric = make_fabric("32")
    before, start = held(), time.perf_counter()
    data = PackedDataset(folder)
    conditions = Conditions(names=data.label_names, labels=data.labels)
    players = Players(config, fabric, len(data), conditions.shares())
    real = RealImages(data, conditions, fabric.device)
    batch_indices(0, BATCH, len(data), config.seed)
    opened = time.perf_counter() - start

    def fetch(step: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        return real.batch(batch_indices(step * BATCH, BATCH, len(data), config.seed))

    data_s = typical(fetch)
    step_s = typical(lambda step: play(players, *fetch(step)))
    return {
        "open_s": opened, "data_us": 1e6 * data_s / BATCH, "step_ms": 1e3 * step_s, "memory_mb": held() - before
    }  # fmt: skip


def typical(work: Callable[[int], object]) -> float:
    """The median seconds of ``work`` over many steps."""
    times = []
    for step in range(STEPS + STEPS // 10):
        start = time.perf_counter()
        work(step)
        times.append(time.perf_counter() - start)
    return statistics.median(times[STEPS // 10 :])


def held() -> float:
    """Megabytes that this process holds itself, files it has mapped not counted."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main() -> None:
    """Every size in turn, medians of all rounds, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at", type=Path, help="folder for the datasets, which are deleted in the end")
    parser.add_argument("--in", dest="place", type=Path, help=argparse.SUPPRESS)  # the process that is measured
    args = parser.parse_args()
    if args.place:
        print(json.dumps(measure(args.place)))
        return
    found: dict[int, list[dict[str, float]]] = {count: [] for count in args.sizes}
    with tempfile.TemporaryDirectory(dir=args.at) as folder:
        for count in args.sizes:
            (place := Path(folder) / str(count)).mkdir()
            write(place, count)
        for _ in range(args.rounds):
            for count in args.sizes:
                command = [sys.executable, __file__, "--in", str(Path(folder) / str(count))]
                answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found[count].append(json.loads(answer.splitlines()[-1]))
    medians = {n: {key: statistics.median(one[key] for one in found[n]) for key in UNITS} for n in args.sizes}
    for count, one in medians.items():
        print(f"{count:>9,} garments: " + ", ".join(f"{one[key]:.2f} {unit}" for key, unit in UNITS.items()))
    first, last = medians[min(args.sizes)], medians[max(args.sizes)]
    print("largest to smallest: " + ", ".join(f"{last[key] / first[key]:.2f}x {unit}" for key, unit in UNITS.items()))


if __name__ == "__main__":
    main()
