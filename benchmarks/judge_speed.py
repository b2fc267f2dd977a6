"""What a score costs: CPU seconds and memory of samples against garments, and which part takes them.

    python benchmarks/judge_speed.py --samples 5000 --garments 5000

Draws so many images of ``--size`` pixels (soft blobs with a little noise; what is on them changes nothing) and scores the
one against the other with the judge that ships, as ``deepstyle score`` does. CPU seconds count, since the clock says
nothing on a shared machine; what the clock would show on ``--threads`` idle cores lies between them and their share.
The memory is what the score adds to libraries and images: it should hardly grow with the images.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from deepstyle.images import Pixels
from deepstyle.scoring import Judge
from deepstyle.squares import Pictures

# what a part is called here -> the functions that do it, by file and name
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "looking": (("network.py", "embed"),),
    "nearest garments": (("distance.py", "nearest"),),
    "Frechet distance": (("distance.py", "distance"), ("distance.py", "__init__")),
    "kernel distance": (("distance.py", "kernel_distance"),),
    "precision and recall": (("distance.py", "precision_recall"),),
    "copies": (("copies.py", "find_copies"),),
    "repeats": (("copies.py", "find_repeats"),),
    "patches": (("patches.py", "patch_distance"),),
    "weave": (("weave.py", "weave"),),
    "sheet": (("sheet.py", "neighbour_sheet"),),
}


def drawn(count: int, size: int, seed: int) -> Pixels:
    """Soft blobs of colour, N x size x size x 3."""
    random = np.random.default_rng(seed)
    out = np.empty((count, size, size, 3), np.uint8)
    for place in range(count):
        blobs = Image.fromarray(random.integers(20, 236, (6, 6, 3), np.uint8))
        soft = np.asarray(blobs.resize((size, size), Image.Resampling.BILINEAR))
        out[place] = soft + random.integers(0, 17, soft.shape, np.uint8)
    return out


def peak() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """CPU seconds of each part, what they call included."""
    rows: dict[tuple[str, int, str], Any] = vars(pstats.Stats(profile))["stats"]
    return {
        part: sum(row[3] for (file, _, name), row in rows.items() if (Path(file).name, name) in functions)
        for part, functions in PARTS.items()
    }


def main() -> None:
    """Draw, score, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--garments", type=int, default=5000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    judge = Judge.open()
    pixels = drawn(options.garments, options.size, 0)
    garments = Pictures(
        images=pixels, sources=tuple(f"{k}.png" for k in range(len(pixels))), files=len(pixels), unread=0
    )
    samples = drawn(options.samples, options.size, 1)
    judge.score(
        samples[:32], replace(garments, images=pixels[:32], sources=garments.sources[:32])
    )  # imports, first uses
    before, profile = peak(), cProfile.Profile(time.process_time)
    begun, clock = time.process_time(), time.perf_counter()
    profile.runcall(judge.score, samples, garments)
    spent, clock = time.process_time() - begun, time.perf_counter() - clock
    print(
        f"{len(samples):,} samples, {len(pixels):,} garments of {options.size} px, {options.threads} threads: "
        f"{spent:.1f} CPU seconds ({clock:.1f} s by the clock), {peak():.0f} MB at most, {before:.0f} MB before"
    )
    told = shares(profile)
    for part, seconds in sorted({**told, "the rest": spent - sum(told.values())}.items(), key=lambda one: -one[1]):
        print(f"{part:22} {seconds:7.2f} s {seconds / spent:6.1%}")


if __name__ == "__main__":
    main()
