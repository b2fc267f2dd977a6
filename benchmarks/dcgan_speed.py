"""Images/s of the DCGAN's training on a CPU, against PyTorch's example as it is, in turn on the same images.

    python benchmarks/dcgan_speed.py --peer examples/dcgan/main.py --images data/images

Both train the same networks (64 px, 64 feature maps, batches of 64) on the same images and threads, each in a process of
its own: ours is the training loop of `deepstyle train-gan` with the paper's settings, the peer is its script, as it is. The
first steps and start-up are not counted; medians of alternating rounds are compared, by the clock and by processor time
(which suffers less from neighbours; the peer's is without the processes that load its images). Then the arithmetic of a step
is counted and compared with the fastest convolution of the networks on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peer_dcgan
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.game import play
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.train import train_gan
from deepstyle.engine import make_fabric
from deepstyle.progress import Reporter, Task

SETTINGS = ("size=64", "width=64", "batch_size=64", "augment=[]", "snapshot_every=1000000000")
Moment = tuple[float, float, int]  # a step done: the time, processor seconds used, images seen
Rate = tuple[float, float]  # images per second of wall time, and of processor time
WARMUP = 5  # first steps that are not counted
WARMUP_LAYER, TIMED_LAYER = 3, 10  # runs of one convolution


class Watch(Reporter):
    """Notes when the training loop says how many images it has seen."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.times: list[Moment] = []

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """A task that is noted instead of shown."""
        yield Task(
            lambda task: self.times.append((time.time(), time.process_time(), int(task.done))), label, total, unit
        )


def configured(settings: list[str]) -> GanConfig:
    """The paper's settings as the peer has them, and what was said on the command line."""
    return load_config(GanConfig, "dcgan-64", [*SETTINGS, *settings])


def train(data: Path, seconds: float, settings: list[str]) -> list[Moment]:
    """Our training loop in this process: times and images seen."""
    config, watch = configured([f"minutes={seconds / 60}", *settings]), Watch()
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder)) as catalog:
        train_gan(PackedDataset(data), catalog, config, on_snapshot=None, reporter=watch)
    return watch.times


def ours(data: Path, args: argparse.Namespace) -> Rate:
    """Images/s of one training in a fresh process."""
    command = [sys.executable, __file__, "--in", str(data), "--seconds", str(args.seconds), "--set", *args.set]
    environment = os.environ | {"OMP_NUM_THREADS": str(args.threads)}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return rate(json.loads(answer.splitlines()[-1]))


def peer(args: argparse.Namespace) -> Rate:
    """Images/s of one training of the peer, as long as ours from its first step on."""
    with (
        tempfile.TemporaryDirectory() as folder,
        peer_dcgan.training(
            args.peer, args.images, Path(folder), size=64, batch=64, threads=args.threads, seed=0
        ) as training,
    ):  # fmt: skip
        while not training.times or time.time() - training.times[0][0] < args.seconds:
            if training.process.poll() is not None:
                raise SystemExit(
                    f"--peer {args.peer}: ended after {len(training.times)} steps; run it by hand to see why"
                )
            time.sleep(0.1)
        return rate(list(training.times))


def rate(times: list[Moment]) -> Rate:
    """Images per second, and per second of processor time, from the ``WARMUP``-th step to the last."""
    if len(times) < 2 * WARMUP:
        raise SystemExit(f"only {len(times)} steps: give more --seconds")
    (start, used, before), (end, total, after) = times[WARMUP], times[-1]
    return (after - before) / (end - start), (after - before) / (total - used)


def median(rates: list[Rate]) -> Rate:
    """Of both numbers."""
    wall, processor = zip(*rates, strict=True)
    return statistics.median(wall), statistics.median(processor)


def packed(images: Path, folder: Path) -> PackedDataset:
    """The ImageFolder as our dataset."""
    items = [Item(source=path.stem, path=path, label=path.parent.name) for path in sorted(images.glob("*/*.png"))]
    return PackedDataset.pack(folder, items, size=64, fit="stretch", reporter=Reporter(quiet=True))


def arithmetic(settings: list[str]) -> float:
    """Floating point operations of one step, a real image."""
    config = configured(settings)
    players = Players(config, make_fabric(config.precision), 10_000)
    with FlopCounterMode(display=False) as counter:
        play(players, torch.zeros(config.batch_size, 3, config.size, config.size))
    return float(counter.get_total_flops()) / config.batch_size


def fastest(settings: list[str], kind: torch.dtype) -> float:
    """Operations per second of the networks' fastest convolution, forward, channels last."""
    config = configured(settings)
    players = Players(config, make_fabric("32"), 10_000)
    best = 0.0
    with torch.no_grad():
        z = torch.randn(config.batch_size, config.latent, 1, 1)
        picture = torch.randn(config.batch_size, 3, config.size, config.size)
        for network, seen in ((players.generator.layers, z), (players.discriminator.layers, picture)):
            assert isinstance(network, nn.Sequential), "the networks of presets dcgan-*"
            for before, layer in zip(activations(network, seen), network, strict=True):
                if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                    best = max(best, _speed(layer, before, kind))
    return best


def activations(network: nn.Sequential, images: torch.Tensor) -> list[torch.Tensor]:
    """What each layer is given."""
    given = []
    for layer in network:
        given.append(images)
        images = layer(images.clone())
    return given


def _speed(layer: nn.Module, images: torch.Tensor, kind: torch.dtype) -> float:
    layer, images = layer.to(kind), images.to(kind, memory_format=torch.channels_last)
    with FlopCounterMode(display=False) as counter:
        layer(images)
    times = []
    for _ in range(WARMUP_LAYER + TIMED_LAYER):
        start = time.perf_counter()
        layer(images)
        times.append(time.perf_counter() - start)
    layer.float()
    return float(counter.get_total_flops()) / statistics.median(times[WARMUP_LAYER:])


def told(one: Rate) -> str:
    """Both numbers in words."""
    return f"{one[0]:.1f} images/s, {one[1]:.1f} a second of processor time"


def versus(one: Rate, other: Rate) -> str:
    """Both ratios in words."""
    return f"{one[0] / other[0]:.2f}x, {one[1] / other[1]:.2f}x a second of processor time"


def main() -> None:
    """Alternate both, print medians, the ratio, and the share of the machine's convolutions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="dcgan/main.py of pytorch/examples; without it only ours is measured")
    parser.add_argument("--images", type=Path, help="PNGs of 64 px, one folder a label")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40, help="of each training")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="OMP_NUM_THREADS of both")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of ours")
    parser.add_argument("--in", dest="data", type=Path, help=argparse.SUPPRESS)  # the process that is measured
    args = parser.parse_args()
    if args.data:
        print(json.dumps(train(args.data, args.seconds, args.set)))
        return
    torch.set_num_threads(args.threads)
    mine, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        packed(args.images, Path(folder) / "data")
        for number in range(args.rounds):
            mine.append(ours(Path(folder) / "data", args))
            print(f"round {number + 1}: deepstyle {told(mine[-1])}", flush=True)
            if args.peer:
                theirs.append(peer(args))
                print(f"         peer {told(theirs[-1])}; ratio {versus(mine[-1], theirs[-1])}", flush=True)
    speed, work = median(mine)[0], arithmetic(args.set)
    print(f"median: {told(median(mine))}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    if theirs:
        print(f"peer: {told(median(theirs))}; ratio {versus(median(mine), median(theirs))}")
    print(f"a step: {work / 1e9:.2f} GFLOP an image, {speed * work / 1e9:.0f} GFLOP/s")
    for name, kind in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        peak = fastest(args.set, kind)
        print(
            f"fastest {name} convolution {peak / 1e9:.0f} GFLOP/s: the training reaches {speed * work / peak:.0%} of it"
        )


if __name__ == "__main__":
    main()
