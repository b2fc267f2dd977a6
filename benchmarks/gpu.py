"""Everything that we want to know of one GPU, in 25 minutes and by itself, most important first.

    python benchmarks/gpu.py --data data/images --out OUT
    python benchmarks/gpu.py --rehearse --out OUT       # the same on a CPU with tiny sizes, in seconds

``--data``: garments, one folder of images a label, as `benchmarks/gan_data.py` leaves them. Each result is a line of
OUT/results.jsonl as soon as it is there, so that what was measured stays when the machine goes; a stage that fails is a
line with its error, and the next one begins:

    machine     what it is
    checks      one step in bfloat16 against float32, channels_last against not, a training with a break against one without
    suite       the tests of what trains, on the GPU (not in a rehearsal)
    processes   the same under torchrun, where there are two GPUs
    speed       images/s of the presets by batch size against a plain loop, which does a step as PyTorch's example does
    floor       a step's arithmetic against the measured peak of matrix products, and its launches
    training    dcgan-plus-64 and -128 for the time that is left: model folders, grids and figures in OUT
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.game import play
from deepstyle.dcgan.networks import Discriminator, Generator
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.train import train_gan
from deepstyle.dcgan.trained import open_run, save_model
from deepstyle.engine import make_fabric
from deepstyle.images import encode
from deepstyle.progress import Reporter

PRESETS = ("dcgan-64", "dcgan-plus-64", "dcgan-plus-128", "dcgan-plus-256")
TESTS = ("game", "train", "schedule", "snapshots", "augment", "networks", "resized", "residual")
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run: sizes of everything. ``tiny`` settings are put over each preset's."""

    out: Path
    data: Path
    rehearse: bool
    end: float  # by time.monotonic
    tiny: tuple[str, ...] = ()
    batches: tuple[int, ...] = (16, 64, 512)
    warmup: int = 10
    steps: int = 50
    side: int = 8192  # of the matrices that the peak is measured with

    def config(self, preset: str, *settings: str) -> GanConfig:
        """A preset in this plan's sizes."""
        return load_config(GanConfig, preset, [*self.tiny, *settings])

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.end - time.monotonic())


def main(words: Sequence[str] | None = None) -> None:
    """Run every stage, and write each of its results as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="garments, one folder of images a label")
    parser.add_argument("--minutes", type=float, default=25.0, help="for everything")
    parser.add_argument("--rehearse", action="store_true", help="tiny sizes, on whatever machine this is")
    args = parser.parse_args(words)
    if not args.rehearse and not torch.cuda.is_available():
        parser.error("no GPU here: --rehearse runs the same with tiny sizes")
    if not args.rehearse and args.data is None:
        parser.error("--data: say where the garments are")
    args.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        out=args.out, data=args.data or drawn(args.out / "drawn"), rehearse=args.rehearse,
        end=time.monotonic() + args.minutes * 60,
    )  # fmt: skip
    if args.rehearse:
        tiny = ("size=32", "width=4", "latent=8", "grid=4", "score_samples=16", "images=24", "snapshot_every=16")
        plan = Plan(
            out=plan.out,
            data=plan.data,
            rehearse=True,
            end=plan.end,
            tiny=tiny,
            batches=(8,),
            warmup=1,
            steps=4,
            side=64,
        )
    for stage in (machine, checks, suite, processes, speed, floor, training):
        try:
            for result in stage(plan):
                put(plan.out, {"stage": stage.__name__, **result})
        except Exception as error:  # noqa: BLE001  # what else there is to know must not be lost with one stage
            put(plan.out, {"stage": stage.__name__, "error": f"{type(error).__name__}: {error}"})


def put(out: Path, result: Result) -> None:
    """Write a result down at once, and show it."""
    line = json.dumps(result)
    with (out / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    print(line, flush=True)


def drawn(folder: Path) -> Path:
    """Two labels of coloured squares, for a rehearsal."""
    random = np.random.default_rng(0)
    for number in range(24):
        path = folder / ("lower", "upper")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(random.integers(0, 256, (2, 2, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)))
    return folder


def packed(plan: Plan, size: int) -> PackedDataset:
    """The garments as squares of a size."""
    files = sorted(path for path in plan.data.glob("*/*") if path.suffix.lower() in {".png", ".jpg", ".jpeg"})
    items = [Item(source=path.stem, path=path, label=path.parent.name) for path in files]
    return PackedDataset.pack(
        plan.out / f"packed-{size}", items, size=size, fit="stretch", reporter=Reporter(quiet=True)
    )


def machine(_: Plan) -> Iterator[Result]:
    """What this runs on."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    yield {
        "device": name,
        "gpus": torch.cuda.device_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def players(config: GanConfig) -> Players:
    """Two players of a config, told three labels where it wants some."""
    shares = None if config.condition == "none" else torch.ones(3) / 3
    return Players(config, make_fabric(config.precision), 20_000, shares)


def batch_of(p: Players) -> tuple[Tensor, Tensor | None]:
    """Random images and labels, on the device."""
    config, device = p.config, p.fabric.device
    real = torch.rand(config.batch_size, 3, config.size, config.size, device=device) * 2 - 1
    told = None if config.condition == "none" else torch.arange(config.batch_size, device=device) % 3
    return real.contiguous(memory_format=torch.channels_last), told


def checks(plan: Plan) -> Iterator[Result]:
    """Whether the numbers are right: precision, memory format, going on after a break."""
    losses = {}
    for precision in ("32", "bf16"):
        torch.manual_seed(0)
        p = players(plan.config("dcgan-plus-64", f"precision={precision}", f"batch_size={plan.batches[0]}"))
        torch.manual_seed(1)
        losses[precision] = float(play(p, *batch_of(p)).d_loss)
    apart = abs(losses["bf16"] - losses["32"]) / abs(losses["32"])
    yield {"check": "bfloat16", "losses": losses, "apart": apart, "ok": apart < 0.05}
    layout = [w.is_contiguous(memory_format=torch.channels_last) for w in p.generator.parameters() if w.dim() == 4]
    yield {"check": "channels_last", "ok": all(layout)}
    settings = (f"batch_size={plan.batches[0]}", "lr_end=0.25", "strength_end=0.3", "augment=[translation]")
    config = plan.config("dcgan-plus-64", "images=240", "snapshot_every=80", *settings)
    data, made = packed(plan, config.size), []
    for name in ("straight", "broken"):
        root = plan.out / f"resume-{name}"
        shutil.rmtree(root, ignore_errors=True)
        if name == "broken":
            _broken(data, root, config)
        made.append((_trained(data, root, config, None) / "generator.safetensors").read_bytes())
    yield {"check": "going on", "ok": made[0] == made[1]}


def _trained(data: PackedDataset, root: Path, config: GanConfig, look: Callable[..., dict[str, float]] | None) -> Path:
    with Catalog(root) as catalog:
        return train_gan(data, catalog, config, on_snapshot=look, reporter=Reporter(quiet=True)).folder


def _broken(data: PackedDataset, root: Path, config: GanConfig) -> None:
    """Train until the third snapshot, at which somebody presses Ctrl-C."""
    looks: list[int] = []

    def look(_: object) -> dict[str, float]:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return {}

    try:
        _trained(data, root, config, look)
    except KeyboardInterrupt:
        return


def suite(plan: Plan) -> Iterator[Result]:
    """The tests of what trains; they take the GPU by themselves."""
    if plan.rehearse:
        return
    root = Path(__file__).parents[1]
    files = [str(root / f"tests/test_dcgan_{name}.py") for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files], cwd=root, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    yield {"ok": done.returncode == 0, "end": done.stdout[-2000:]}


def processes(plan: Plan) -> Iterator[Result]:
    """Two processes on two GPUs play the game of one."""
    if plan.rehearse or torch.cuda.device_count() < 2:
        yield {"skipped": "there are not two GPUs"}
        return
    file = str(Path(__file__).parents[1] / "tests/test_torchrun.py")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", file], capture_output=True, text=True, check=False)
    yield {"ok": done.returncode == 0, "end": done.stdout[-2000:]}


def _rate(step: Callable[[], object], images: int, plan: Plan) -> float:
    """Images a second of a step, after some that are not counted."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else nullcontext
    for _ in range(plan.warmup):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(plan.steps):
        step()
    wait()
    return plan.steps * images / (time.perf_counter() - start)


def _ours(config: GanConfig) -> Callable[[], object]:
    p = players(config)
    real, told = batch_of(p)

    def step() -> None:
        play(p, real, told)
        p.step += 1
        p.images += config.batch_size

    return step


def _plain(size: int, width: int, batch: int) -> Callable[[], object]:
    """A step as PyTorch's example does it: float32, two passes of D one after the other, losses read at each step."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    g, d = Generator(size, 100, width).to(device), Discriminator(size, width).to(device)
    rule = nn.BCEWithLogitsLoss()
    for_g, for_d = (torch.optim.Adam(one.parameters(), lr=2e-4, betas=(0.5, 0.999)) for one in (g, d))
    real = torch.rand(batch, 3, size, size, device=device) * 2 - 1
    ones, zeros = torch.ones(batch, device=device), torch.zeros(batch, device=device)

    def step() -> float:
        d.zero_grad()
        of_real = rule(d(real), ones)
        torch.autograd.backward(of_real)
        fake = g(torch.randn(batch, 100, device=device))
        of_fake = rule(d(fake.detach()), zeros)
        torch.autograd.backward(of_fake)
        for_d.step()
        g.zero_grad()
        of_g = rule(d(fake), ones)
        torch.autograd.backward(of_g)
        for_g.step()
        return float(of_real.item()) + float(of_fake.item()) + float(of_g.item())

    return step


def speed(plan: Plan) -> Iterator[Result]:
    """Images a second of each preset by batch size, and of the plain loop on the paper's networks."""
    plain: dict[int, float] = {}
    for batch in plan.batches:
        config = plan.config("dcgan-64")
        plain[batch] = _rate(_plain(config.size, config.width, batch), batch, plan)
        yield {"what": "plain loop", "size": config.size, "batch": batch, "images_per_second": plain[batch]}
    for preset in PRESETS:
        for batch in plan.batches:
            config = plan.config(preset, f"batch_size={batch}")
            rate = _rate(_ours(config), batch, plan)
            told = {"what": preset, "size": config.size, "batch": batch, "images_per_second": rate}
            yield told | ({"times_plain": rate / plain[batch]} if preset == "dcgan-64" else {})


def floor(plan: Plan) -> Iterator[Result]:
    """How much of the machine a step uses: its operations against the peak of bfloat16 products, and its launches."""
    cuda = torch.cuda.is_available()
    a = torch.randn(plan.side, plan.side, device="cuda" if cuda else "cpu", dtype=torch.bfloat16)
    peak = _rate(partial(torch.mm, a, a), 1, plan) * 2 * plan.side**3
    yield {"what": "peak of bfloat16 products", "tflops": peak / 1e12}
    for preset in PRESETS[:2]:
        batch = plan.batches[-1]
        step = _ours(plan.config(preset, f"batch_size={batch}"))
        step()  # the first has a gradient penalty, whose arithmetic FlopCounterMode cannot follow
        with FlopCounterMode(display=False) as counter:
            step()
        rate = _rate(step, batch, plan)
        with torch.profiler.profile() as profile:
            step()
        launches = sum("CUDA" in str(event.device_type) for event in profile.events() or ())
        used = counter.get_total_flops() / batch * rate / peak
        yield {"what": preset, "batch": batch, "share_of_peak": used, "launches_a_step": launches}


def training(plan: Plan) -> Iterator[Result]:
    """Real trainings for the time that is left: three fifths of it at 64 px, the rest at 128."""
    for preset, share in (("dcgan-plus-64", 0.6), ("dcgan-plus-128", 0.9)):
        minutes = max(plan.left * share / 60, 0.01)
        budget = () if plan.rehearse else (f"minutes={minutes:.2f}", "images=1000000000", "batch_size=64")
        config = plan.config(preset, *budget, *(("batch_size=8",) if plan.rehearse else ()))
        folder = _trained(packed(plan, config.size), plan.out / f"training-{preset}", config, None)
        save_model(plan.out / f"model-{preset}", open_run(folder, {}), half=True)
        grids = sorted((folder / "samples").glob("grid-*.png"))
        shutil.copyfile(grids[-1], plan.out / f"grid-{preset}.png")
        yield {"what": preset, "images": int(grids[-1].stem[5:]), "minutes": minutes, "model": f"model-{preset}"}


if __name__ == "__main__":
    main()
