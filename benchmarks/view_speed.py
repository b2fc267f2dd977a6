"""Images a second from a packed dataset to random views, beside torchvision's transforms and the goal of 4,500.

    python benchmarks/view_speed.py                  # 128 px, both cores
    python benchmarks/view_speed.py --threads 1

Draws a packed dataset of photos a little larger than the views, as ``train-classifier`` keeps it, and reads batches of it in
random order. Ours: a batch at once, crop, zoom, stretch, turn, mirror and colours. torchvision's: the same changes by
``v2.RandomAffine``, ``RandomResizedCrop``, ``RandomHorizontalFlip`` and ``ColorJitter``, each photo by itself, in as
many threads. Rounds alternate; medians count. CPU seconds stand beside the clock, which says little on a busy machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from judge_speed import drawn
from torch import Tensor
from torchvision.transforms import v2

from deepstyle.classifier.augment import ASPECT, COLOUR, DEGREES, SLACK, ZOOM, random_views
from deepstyle.dataset import Item, PackedDataset
from deepstyle.engine import seeded
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.progress import Reporter

GOAL = 4500  # images a second
BATCH = 64


def packed(folder: Path, count: int, size: int) -> PackedDataset:
    """A dataset of drawn photos."""
    items = []
    for place, photo in enumerate(drawn(count, size, 0)):
        path = folder / f"{place}.png"
        put_file(path, encode(photo))
        items.append(Item(source=path.stem, path=path, label="one"))
    return PackedDataset.pack(folder / "packed", items, size=size, fit="stretch", reporter=Reporter(quiet=True))


def spent(work: Callable[[np.ndarray], Tensor], order: np.ndarray) -> tuple[float, float]:
    """Seconds and CPU seconds of an epoch."""
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(order), BATCH):
        work(np.sort(order[start : start + BATCH]))
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Draw, let both run in turn, tell the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128, help="side of the views in pixels")
    parser.add_argument("--count", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    theirs = v2.Compose([
        v2.RandomAffine(DEGREES, interpolation=v2.InterpolationMode.BILINEAR),
        v2.RandomResizedCrop(args.size, scale=(ZOOM[0] ** 2, 1.0), ratio=(1 - ASPECT, 1 + ASPECT), antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(brightness=COLOUR, contrast=COLOUR, saturation=COLOUR),
        v2.ToDtype(torch.float32, scale=True),
    ])  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.threads) as pool:
        data = packed(Path(folder), args.count, round(args.size * SLACK))
        device = torch.device("cpu")

        def ours(batch: np.ndarray) -> Tensor:
            return random_views(data.images, batch, args.size, device, seeded(int(batch[0])))

        def peer(batch: np.ndarray) -> Tensor:
            photos = torch.from_numpy(data.images[batch]).permute(0, 3, 1, 2)
            return torch.stack(list(pool.map(theirs, photos)))

        found: dict[str, list[tuple[float, float]]] = {"ours": [], "torchvision": []}
        for turn in range(args.rounds + 1):  # the first one warms up
            for name, work in (("ours", ours), ("torchvision", peer)):
                torch.set_num_threads(args.threads if name == "ours" else 1)
                order = np.random.default_rng(turn).permutation(len(data))
                if turn:
                    found[name].append(spent(work, order))
                else:
                    work(order[:BATCH])
    rates = {}
    for name, all_of in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*all_of, strict=True))
        rates[name] = args.count / wall
        print(f"{name}: {rates[name]:,.0f} images/s, {cpu / args.count * 1e3:.2f} CPU ms each")
    print(
        f"{rates['ours'] / rates['torchvision']:.1f} times torchvision's, {rates['ours'] / GOAL:.2f} of the goal ({GOAL:,}/s), "
        f"{args.size} px, {args.threads} threads"
    )


if __name__ == "__main__":
    main()
