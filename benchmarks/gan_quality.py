"""Frechet distance over time of deepstyle's GAN and of PyTorch's DCGAN example as it is, side by side for the same wall time.

    python benchmarks/gan_data.py PHOTOS TABLE.csv --out data
    python benchmarks/gan_quality.py data --peer examples/dcgan/main.py --judge workspace/models/trunk --minutes 60 --out out

Both train at the same time with one thread each on the same 64 px garments, so that whatever else the machine does slows
both. Generators are kept on the way and judged afterwards: 5,000 samples of each against the garments held out, on the
features of one classifier. Ours is the averaged generator; the peer's batch norm is set as carefully as ours. The last
generator of the peer (it keeps one an epoch) is compared with ours of that moment or before, never later. Writes:

    seed-<n>/curve.json   [seconds, images seen, distance] of both; a seed that has it is not trained again
    seed-<n>/grid.png     64 samples of ours, of the peer, and 64 garments held out
    curve.png             all seeds over time
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import peer_dcgan

from deepstyle import images, weights
from deepstyle.catalog import Catalog
from deepstyle.classifier.network import Classifier
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.build import AnyGenerator, build_generator
from deepstyle.dcgan.networks import calibrate
from deepstyle.dcgan.sample import generate, latents
from deepstyle.dcgan.train import train_gan
from deepstyle.files import put_file
from deepstyle.metrics.distance import FrechetReference
from deepstyle.progress import Reporter

SAMPLES = 5000
FIRST = 10_000_000  # seed of the first sample
Point = list[float]  # seconds of training, images seen, Frechet distance
Kept = tuple[float, int, Path]  # seconds, images seen, checkpoint


class Judge:
    """Frechet distances to the garments held out, on one classifier's features."""

    def __init__(self, classifier: Path, real: PackedDataset) -> None:
        self._embed = Classifier.load(classifier).embed
        self._reference = FrechetReference(self._embed(real.images)[0])

    def distance(self, pixels: images.Pixels) -> float:
        """The distance of N x S x S x 3 uint8 images."""
        return self._reference.distance(self._embed(pixels)[0])


def train(data: Path, place: Path, args: argparse.Namespace) -> None:
    """Our training, in this process; every snapshot is kept."""
    config = load_config(GanConfig, args.preset, [
        "size=64", "images=1000000000", "keep_snapshots=1000000", f"minutes={args.minutes}", f"seed={args.seed}", *args.set
    ])  # fmt: skip
    with Catalog(place) as catalog:
        train_gan(PackedDataset(data), catalog, config, on_snapshot=None, reporter=Reporter(), fresh=True)


def side_by_side(seed: int, args: argparse.Namespace, place: Path) -> tuple[list[Kept], list[Kept]]:
    """Train both at the same time; what each kept."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "peer").mkdir(parents=True)
    command = [
        sys.executable, __file__, str(args.data), "--in", str(place / "ours"), "--seed", str(seed),
        "--minutes", str(args.minutes), "--preset", args.preset, "--set", *args.set,
    ]  # fmt: skip
    with (
        (place / "ours.log").open("w") as log,
        subprocess.Popen(command, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}) as ours,
        peer_dcgan.training(
            args.peer, args.data / "images", place / "peer", size=64, batch=64, threads=1, seed=seed
        ) as peer,
    ):  # fmt: skip
        while not peer.times or time.time() - peer.times[0][0] < args.minutes * 60:
            if peer.process.poll() is not None or ours.poll():
                ours.terminate()
                raise SystemExit(f"a training ended early: see {place / 'ours.log'}, or run {args.peer} by hand")
            time.sleep(0.2)
    if ours.returncode:
        raise SystemExit(f"our training failed: see {place / 'ours.log'}")
    return kept_by_us(place / "ours"), kept_by_peer(place / "peer", peer)


def kept_by_us(place: Path) -> list[Kept]:
    """Our snapshots, oldest first; the untrained one is left out."""
    found: list[Kept] = []
    for path in sorted(place.glob("runs/gan-*/snapshots/*.pt")):
        state = weights.load_checkpoint(path)
        if state["images"]:
            found.append((state["seconds"], state["images"], path))
    return found


def kept_by_peer(place: Path, peer: peer_dcgan.Peer) -> list[Kept]:
    """The peer's generators, one an epoch; one counts when the discriminator, which is written next, is there too."""
    found: list[Kept] = []
    while (place / f"netD_epoch_{len(found)}.pth").is_file():
        path = place / f"netG_epoch_{len(found)}.pth"
        found.append((path.stat().st_mtime - peer.times[0][0], (len(found) + 1) * peer.total, path))
    return found


def our_generator(path: Path) -> AnyGenerator:
    """The averaged generator of a snapshot."""
    state = weights.load_checkpoint(path)["average"]
    generator = build_generator(load_config(GanConfig, path.parents[1] / "config.yaml"), state.get("told.shares"))
    weights.fill(generator, state, origin=str(path))
    return generator.eval()


def peer_generator(path: Path) -> AnyGenerator:
    """The peer's generator, its batch norm statistics those of its weights."""
    generator = peer_dcgan.load(path)
    calibrate(generator, latents(range(2_000_000, 2_000_000 + 1024), peer_dcgan.LATENT), 64)
    return generator


def spread_out(kept: list[Kept], most: int) -> list[Kept]:
    """At most ``most`` of them, the last one among them."""
    places = np.linspace(len(kept), 0, min(most, len(kept)), endpoint=False).round().astype(int) - 1
    return [kept[place] for place in sorted(set(places.tolist()))]


def compare(seed: int, args: argparse.Namespace, judge: Judge, heldout: PackedDataset) -> dict[str, list[Point]]:
    """Train and judge one seed, or read what was found."""
    place = args.out / f"seed-{seed}"
    if (place / "curve.json").is_file():
        found: dict[str, list[Point]] = json.loads((place / "curve.json").read_text())
        return found
    ours, theirs = side_by_side(seed, args, place)
    if theirs:
        ours = [one for one in ours if one[0] <= theirs[-1][0]]
    if not theirs or not ours:
        raise SystemExit(f"--minutes {args.minutes}: too few for an epoch of the peer and a snapshot of ours before it")
    curves: dict[str, list[Point]] = {}
    sheets, shown = [], min(64, len(heldout))
    for name, kept, load in (("ours", ours, our_generator), ("peer", theirs, peer_generator)):
        curves[name] = []
        for seconds, seen, path in spread_out(kept, args.points):
            made = generate(generator := load(path), latents(range(FIRST, FIRST + args.samples), generator.latent))
            curves[name].append([seconds, seen, judge.distance(made)])
            print(
                f"seed {seed} {name}: {curves[name][-1][2]:.2f} at {seen:,} images, {seconds / 60:.1f} min", flush=True
            )
        sheets.append(images.tile(made[:shown], columns=8))
    sheets.append(images.tile(heldout.images[np.random.default_rng(seed).permutation(len(heldout))[:shown]], columns=8))
    gap = np.full((len(sheets[0]), 12, 3), 255, np.uint8)
    put_file(place / "grid.png", images.encode(np.hstack([sheets[0], gap, sheets[1], gap, sheets[2]])))
    put_file(place / "curve.json", json.dumps(curves).encode())
    for path in [one[2] for one in (*ours[:-1], *theirs[:-1])]:
        path.unlink()
    return curves


def plot(found: list[dict[str, list[Point]]], floor: float, path: Path) -> None:
    """Distance over minutes, one line a seed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for name, label, colour in (("ours", "deepstyle", "tab:blue"), ("peer", "PyTorch's example", "tab:orange")):
        for number, curves in enumerate(found):
            minutes, distances = [point[0] / 60 for point in curves[name]], [point[2] for point in curves[name]]
            axes.plot(minutes, distances, ".-", color=colour, label=label if not number else None)
    axes.axhline(floor, color="grey", linestyle="--", label="real garments")
    axes.set(xlabel="minutes of training, one thread", ylabel="Frechet distance to garments held out", yscale="log")
    axes.legend()
    figure.savefig(path, dpi=120)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="what gan_data.py wrote, 64 px")
    parser.add_argument("--peer", type=Path, help="dcgan/main.py of pytorch/examples")
    parser.add_argument("--judge", type=Path, help="folder of a classifier")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--minutes", type=float, default=60, help="of training, for each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--preset", default="dcgan-plus-64")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of ours")
    parser.add_argument("--points", type=int, default=8, help="generators of each that are judged, the last among them")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each generator")
    parser.add_argument("--in", dest="place", type=Path, help=argparse.SUPPRESS)  # the process that trains
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.place is None and (missing := [key for key in ("peer", "judge", "out") if getattr(args, key) is None]):
        parser.error(f"--{missing[0]} is missing")
    return args


def main() -> None:
    """Every seed, the floor, the ratios."""
    args = parsed()
    if args.place is not None:
        train(args.data / "train", args.place, args)
        return
    real, heldout = PackedDataset(args.data / "train"), PackedDataset(args.data / "heldout")
    judge = Judge(args.judge, heldout)
    some = np.sort(np.random.default_rng(0).permutation(len(real))[: args.samples])
    floor = judge.distance(real.images[some])
    print(f"real garments: {len(some):,} trained on against {len(heldout):,} held out: {floor:.2f}", flush=True)
    found = [compare(seed, args, judge, heldout) for seed in range(args.seeds)]
    plot(found, floor, args.out / "curve.png")
    last = [(curves["ours"][-1][2], curves["peer"][-1][2]) for curves in found]
    best = [tuple(min(point[2] for point in curves[name]) for name in ("ours", "peer")) for curves in found]
    for word, pairs in (("last", last), ("best", best)):
        for seed, (mine, theirs) in enumerate(pairs):
            print(f"{word}, seed {seed}: deepstyle {mine:.2f}, peer {theirs:.2f}, ratio {theirs / mine:.2f}x")
        print(f"{word}: median ratio {statistics.median(theirs / mine for mine, theirs in pairs):.2f}x")


if __name__ == "__main__":
    main()
