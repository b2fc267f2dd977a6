"""Images/s of `deepstyle predict FOLDER --json` against fastai's ``learn.get_preds`` on the same photos, in turn.

    python benchmarks/predict_speed.py clothing-dataset/images --peer-python /path/to/python

Both look with the same ResNet-18 (random weights: they change no speed) at 96 px, once, on all of ``--threads`` processors.
Every round starts both processes anew. *Looking* is all from the names of files to labels, after 64 photos that warm up;
the *whole process* is that with imports, loading the network and the warming. fastai gets the number of workers that is best
for it. Medians of the rounds; CPU seconds stand first because the clock says little on a busy machine.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from deepstyle.classifier import predict as predicting
from deepstyle.classifier.build import build_network
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.config import ClassifierConfig, load_config, to_yaml
from deepstyle.engine import seeded

ROOT = Path(__file__).parent.parent
SIZE, WARM, GOAL = 96, 64, 3.0
LABELS = tuple("abcdefghij")
Rates = dict[str, float]  # CPU seconds and seconds of looking, and of the whole process


def model(folder: Path) -> Path:
    """A classifier's folder: a ResNet-18 that nobody trained, looking once."""
    config = load_config(ClassifierConfig, "classifier-96", ["network=resnet18", f"image_size={SIZE}", "tta=none"])
    torch.manual_seed(0)
    network = build_network("resnet18", len(LABELS))
    random = seeded(0)
    for part in network.modules():  # every norm another one, as after a training
        if isinstance(part, torch.nn.BatchNorm2d):
            for values in (part.weight, part.running_var):
                assert values is not None
                values.data.uniform_(0.5, 1.5, generator=random)
    judge = Classifier(network, Preprocessing(image_size=SIZE), LABELS, folder.name, tta="none")
    judge.save(folder, to_yaml(config), {"figures": {}})
    return folder


def looked(folder: Path, photos: list[Path], threads: int) -> Rates:
    """What the command does, with a stop-watch: CPU seconds and seconds from names of files to lines of JSON."""
    torch.set_num_threads(threads)
    judge = predicting.load(folder)

    def lines(some: list[Path]) -> int:
        pictures = predicting.pictures_of(some, io.BytesIO())
        found = predicting.predict(judge, pictures, workers=threads)
        return sum(len(predicting.as_line(one, "json", top=3, width=1)) for one in found)

    lines(photos[:WARM])
    wall, cpu = time.perf_counter(), time.process_time()
    lines(photos)
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def run(command: list[str], photos: list[Path], threads: int) -> Rates:
    """A process that is told the photos on its standard input and prints its figures; with those of the whole process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    names = "\n".join(map(str, photos))
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, input=names, env=environment).stdout
    whole, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: Rates = json.loads(told.splitlines()[-1])
    return found | {"whole cpu": spent, "whole wall": whole}


def main() -> None:
    """Alternate both, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs")
    parser.add_argument("--peer-python", help="interpreter that has fastai; without it only ours is measured")
    parser.add_argument("--peer-workers", type=int, nargs="+", default=[0, 2], help="the best one counts")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", type=Path, help="a classifier's folder instead of the ResNet-18, ours alone")
    parser.add_argument("--looked", type=Path, help=argparse.SUPPRESS)  # the process of ours
    options = parser.parse_args()
    if options.looked:
        print(
            json.dumps(looked(options.looked, [Path(line) for line in sys.stdin.read().splitlines()], options.threads))
        )
        return
    photos = sorted(options.photos.glob("*.jpg"))[: options.count]
    threads = ["--threads", str(options.threads)]
    with tempfile.TemporaryDirectory() as folder:
        own = options.model or model(Path(folder) / "resnet18")
        commands = {"deepstyle": [sys.executable, __file__, str(options.photos), "--looked", str(own), *threads]}
        for workers in options.peer_workers if options.peer_python and not options.model else []:
            commands[f"fastai, {workers} workers"] = [
                options.peer_python, str(ROOT / "benchmarks" / "peer_fastai_predict.py"), *threads, "--size", str(SIZE),
                "--workers", str(workers),
            ]  # fmt: skip
        rows: dict[str, list[Rates]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                rows[name].append(run(command, photos, options.threads))
                print(name, {key: round(value, 2) for key, value in rows[name][-1].items()}, flush=True)
    report({name: {key: statistics.median(row[key] for row in some) for key in some[0]} for name, some in rows.items()},
           len(photos))  # fmt: skip


def report(medians: dict[str, Rates], count: int) -> None:
    """Print what each side costs a photo, and how many times fastai's best is ours."""
    for name, row in medians.items():
        print(
            f"{name}: {1e3 * row['cpu'] / count:.2f} CPU ms a photo, {count / row['wall']:.0f} photos/s by the clock; "
            f"whole process {1e3 * row['whole cpu'] / count:.2f} CPU ms, {count / row['whole wall']:.0f} photos/s"
        )
    ours, *theirs = medians.values()
    if theirs:
        times = {key: min(row[key] for row in theirs) / value for key, value in ours.items()}
        told = ", ".join(f"{name} {value:.2f}" for name, value in times.items())
        print(f"times as fast as fastai's best: {told}; goal {GOAL:g}; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
