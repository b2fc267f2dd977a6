"""How long `deepstyle data deepfashion` takes for all 289,222 rows, against the limit of 30 s.

    python benchmarks/deepfashion_rows.py [--rows 289222] [--no-attributes]

Makes a data set of DeepFashion's form and size in a temporary folder (real JPEG files of its sizes, hard-linked; 1,000
attributes a row, some 800 MB), converts it with the command, checks that every row came through, and prints the
seconds and their ratio to the limit. CPU seconds stand beside them, for machines that are busy. Making the set is not counted.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT = 30.0  # seconds
FOLDERS, PHOTOS = 5_600, 64  # garment folders, different JPEG files
CATEGORIES = [("Tee", 1), ("Blouse", 1), ("Shorts", 2), ("Skirt", 2), ("Dress", 3), ("Coat", 3)]


def jpeg(rng: np.random.Generator) -> tuple[bytes, int, int]:
    """A photo with a longer side of 300 pixels, of a photo's number of bytes."""
    width, height = int(rng.integers(180, 301)), 300
    pixels = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue(), width, height


def make_photos(root: Path, rows: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Hard-link the photos into their garment folders: their names and sizes."""
    rng = np.random.default_rng(0)
    names, sizes, bases = [], [], []
    for k in range(PHOTOS):
        data, width, height = jpeg(rng)
        bases.append((root / f"base-{k}.jpg", width, height))
        bases[-1][0].write_bytes(data)
    for folder in range(FOLDERS):
        (root / "Img/img" / f"Garment_{folder:05d}").mkdir(parents=True)
    for row in range(rows):
        base, width, height = bases[row % PHOTOS]
        names.append(f"img/Garment_{row * FOLDERS // rows:05d}/img_{row:08d}.jpg")
        (root / "Img" / names[-1]).hardlink_to(base)
        sizes.append((width, height))
    return names, sizes


def listing(path: Path, header: str, lines: list[str]) -> None:
    """Write a counted list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([str(len(lines)), header, *lines]) + "\n")


def make_labels(root: Path, names: list[str], sizes: list[tuple[int, int]]) -> None:
    """Write the categories, boxes and partition."""
    anno, rows = root / "Anno_coarse", len(names)
    train, val = (rows * share // 289_222 for share in (209_222, 249_222))  # the first row that is not of it
    listing(anno / "list_category_cloth.txt", "category_name  category_type", [f"{n}    {t}" for n, t in CATEGORIES])
    listing(anno / "list_category_img.txt", "image_name  category_label",
            [f"{name}    {k % len(CATEGORIES) + 1}" for k, name in enumerate(names)])  # fmt: skip
    listing(anno / "list_bbox.txt", "image_name  x_1  y_1  x_2  y_2",
            [f"{name}    020 030 {w - 20:03d} {h - 9:03d}" for name, (w, h) in zip(names, sizes, strict=True)])  # fmt: skip
    split = ["train" if k < train else "val" if k < val else "test" for k in range(rows)]
    listing(root / "Eval/list_eval_partition.txt", "image_name  evaluation_status",
            [f"{name}    {part}" for name, part in zip(names, split, strict=True)])  # fmt: skip


def make_attributes(root: Path, names: list[str]) -> int:
    """Write 1,000 attributes a row, three of them 1; returns the bytes."""
    rng = np.random.default_rng(1)
    listing(root / "Anno_coarse/list_attr_cloth.txt", "attribute_name  attribute_type",
            [f"attribute number {k}    {k % 5 + 1}" for k in range(1000)])  # fmt: skip
    tails = []
    for _ in range(256):
        values = np.full(1000, "-1")
        values[rng.choice(1000, 3, replace=False)] = "1"
        tails.append(" ".join(f"{value:>2}" for value in values))
    path = root / "Anno_coarse/list_attr_img.txt"
    with path.open("w") as out:
        out.write(f"{len(names)}\nimage_name  attribute_labels\n")
        out.writelines(f"{name:<60} {tails[k % len(tails)]}\n" for k, name in enumerate(names))
    return path.stat().st_size


def main() -> None:
    """Make the set, convert it, print the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=289_222)
    parser.add_argument("--no-attributes", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names, sizes = make_photos(root, options.rows)
        make_labels(root, names, sizes)
        size = 0 if options.no_attributes else make_attributes(root, names)
        print(f"made {len(names):,} rows, {size / 1e6:,.0f} MB of attributes; converting", flush=True)
        command = [sys.executable, "-m", "deepstyle.cli", "-q", "data", "deepfashion", folder, "--out", f"{folder}/out"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        written = sum(len(json.loads(path.read_bytes())["annotations"]) for path in (root / "out").glob("*.json"))
    if written != options.rows:
        raise SystemExit(f"{written:,} of {options.rows:,} rows came through")
    share = seconds / (LIMIT * options.rows / 289_222)
    cpu = used.ru_utime + used.ru_stime
    print(
        f"{options.rows:,} rows in {seconds:.1f} s ({cpu:.1f} s of CPU): {share:.2f} of the {LIMIT:.0f} s limit for 289,222"
    )


if __name__ == "__main__":
    main()
