"""The GAN's training loop: the game fits on one screen (``play``); the rest is logging, snapshots and resuming.

Outcomes: ``done`` (budget used up), interrupted (the same command continues with the same numbers: the randomness of a
step depends on (seed, step) alone), TrainingError (a loss is not finite, or there are too few garments).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from deepstyle import images, weights
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.augment import augment, flip, policies_for
from deepstyle.dcgan.loss import discriminator_loss, generator_loss
from deepstyle.dcgan.networks import Discriminator, Generator, calibrate
from deepstyle.dcgan.sample import columns_of, generate, latents
from deepstyle.engine import make_fabric, seeded
from deepstyle.errors import TrainingError
from deepstyle.progress import Reporter
from deepstyle.run import Budget, Run

LOG_STEPS = 50  # steps between two reads of the losses: reading them waits for the device

OnSnapshot = Callable[[images.Pixels], Mapping[str, float]]  # samples N x S x S x 3 uint8 -> figures to log


@dataclass(frozen=True, kw_only=True)
class TrainedGan:
    """What training left behind. ``figures`` are those of ``on_snapshot`` at the start (0 images) and at the end."""

    run: str
    folder: Path
    images: int
    seconds: float
    images_per_second: float
    first: dict[str, float]
    last: dict[str, float]
    grid: Path


class Players:
    """Both networks, their optimisers, the generator's moving average, and how far they are."""

    def __init__(self, config: GanConfig, fabric: Fabric, real_images: int) -> None:
        torch.manual_seed(config.seed)
        self.policies = policies_for(config.augment, real_images)
        self.config, self.fabric = config, fabric
        self.generator = Generator(config.size, config.latent, config.width).to(fabric.device)
        self.discriminator = Discriminator(config.size, config.width).to(fabric.device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(requires_grad=False)
        betas = (config.beta1, 0.999)
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=config.lr, betas=betas, fused=True)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=config.lr, betas=betas, fused=True)
        self.step, self.images, self.spent = 0, 0, 0.0
        self.first: dict[str, float] = {}

    def dump(self, seconds: float) -> dict[str, Any]:
        """Everything a snapshot needs, as state dicts and plain values."""
        parts = ("generator", "discriminator", "average", "g_optimizer", "d_optimizer")
        states = {part: getattr(self, part).state_dict() for part in parts}
        return {**states, "step": self.step, "seconds": seconds, "first": dict(self.first)}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot. Raises ModelError when it is of another network."""
        for part in ("generator", "discriminator", "average"):
            weights.fill(getattr(self, part), state[part], origin=origin)
        self.g_optimizer.load_state_dict(state["g_optimizer"])
        self.d_optimizer.load_state_dict(state["d_optimizer"])
        self.step, self.images, self.spent = int(state["step"]), int(state["images"]), float(state["seconds"])
        self.first = dict(state["first"])


def play(p: Players, generator: Any, discriminator: Any, real: Tensor) -> dict[str, Tensor]:
    """One step of the game on N real images (NCHW float32 in [-1, 1]); returns losses and D outputs, still on the device.

    Radford et al. 2015: one Adam step of D on a real and a fake batch, then one of G against the new D.
    """
    config, fabric = p.config, p.fabric
    random = seeded(config.seed, 2, p.step, device=fabric.device)
    z = torch.randn(2, len(real), config.latent, generator=random, device=fabric.device)
    if config.flip:
        real = flip(real, random)

    p.discriminator.requires_grad_(requires_grad=True)
    with torch.no_grad():
        fake = generator(z[0])
    real_logits = discriminator(augment(real, p.policies, random))
    fake_logits = discriminator(augment(fake, p.policies, random))
    d_loss = discriminator_loss(real_logits, fake_logits)
    p.d_optimizer.zero_grad(set_to_none=True)
    fabric.backward(d_loss)
    p.d_optimizer.step()

    p.discriminator.requires_grad_(requires_grad=False)
    g_loss = generator_loss(discriminator(augment(generator(z[1]), p.policies, random)))
    p.g_optimizer.zero_grad(set_to_none=True)
    fabric.backward(g_loss)
    p.g_optimizer.step()

    follow(p.average, p.generator, config, len(real))
    return {
        "loss/d": d_loss.detach(), "loss/g": g_loss.detach(),
        "d/real": real_logits.detach().sigmoid().mean(), "d/fake": fake_logits.detach().sigmoid().mean(),
    }  # fmt: skip


@torch.no_grad()
def follow(average: Generator, generator: Generator, config: GanConfig, count: int) -> None:
    """Move the averaged weights towards the trained ones; half-life ``ema_images`` (Yazici et al. 2018, 1806.04498)."""
    keep = 0.5 ** (count / config.ema_images) if config.ema_images else 0.0
    mine: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(generator.parameters())
    torch._foreach_lerp_(mine, theirs, 1 - keep)  # the documented foreach kernels have no public name


def real_batch(data: PackedDataset, config: GanConfig, step: int, device: torch.device) -> Tensor:
    """The real images of a step, N x 3 x S x S float32 in [-1, 1]: slices of one shuffle per epoch, from (seed, step)."""
    count = len(data)
    chosen = np.empty(config.batch_size, np.int64)
    place = 0
    while place < config.batch_size:
        epoch, offset = divmod(step * config.batch_size + place, count)
        part = _order(config.seed, epoch, count)[offset : offset + config.batch_size - place]
        chosen[place : place + len(part)] = part
        place += len(part)
    batch = torch.from_numpy(data.images[chosen]).to(device)  # NHWC uint8
    return batch.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order of an epoch, kept because every step of the epoch asks for it."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def train_gan(
    data: PackedDataset, catalog: Catalog, config: GanConfig, *, on_snapshot: OnSnapshot | None, reporter: Reporter,
    fresh: bool = False,
) -> TrainedGan:  # fmt: skip
    """Train on packed garments until the budget is used up; the same call resumes, or returns the finished result.

    ``on_snapshot`` gets ``score_samples`` images of the averaged generator at every snapshot. Raises TrainingError.
    """
    if len(data) < config.batch_size:
        raise TrainingError(
            f"{len(data)} garments are fewer than one batch of {config.batch_size}: crop more, or --set batch_size=..."
        )
    fabric = make_fabric(config.precision)
    with Run.open(catalog, "gan", config, data_key=data.key, fresh=fresh) as run:
        players = Players(config, fabric, len(data))
        if (state := run.latest()) is not None:
            players.load(state, str(run.folder))
            if (figures := run.finished(players.images, players.spent)) is not None:
                reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
                return _result(run, players, figures)
            reporter.say(f"run {run.name} continues at {players.images:,} images")
        reporter.say(f"{len(data):,} garments; DiffAugment: {', '.join(players.policies) or 'none'}")
        run.start(players.images)
        run.record("running", players.images, {})
        if players.images == 0:
            shown = data.images[np.linspace(0, len(data) - 1, min(config.grid, len(data))).astype(np.int64)]
            run.picture("real", images.tile(shown, columns=columns_of(len(shown))), 0, file="real.png")
        return _result(run, players, _loop(run, players, data, on_snapshot, reporter))


def _loop(
    run: Run, p: Players, data: PackedDataset, on_snapshot: OnSnapshot | None, reporter: Reporter
) -> dict[str, Any]:
    """Play until the budget is used up; log every LOG_STEPS, snapshot every ``snapshot_every`` images; final figures."""
    config = p.config
    generator, g_optimizer = p.fabric.setup(p.generator, p.g_optimizer)
    discriminator, d_optimizer = p.fabric.setup(p.discriminator, p.d_optimizer)
    p.g_optimizer, p.d_optimizer = g_optimizer, d_optimizer
    if p.images == 0:
        p.first = snapshot(run, p, on_snapshot, 0.0)
    budget = Budget(config.images, config.minutes, spent=p.spent)
    mark = (p.images, budget.seconds)
    with reporter.task("training the GAN", total=config.images, unit="images") as task:
        task.advance(p.images)
        while budget.progress(p.images) < 1.0:
            losses = play(p, generator, discriminator, real_batch(data, config, p.step, p.fabric.device))
            p.step += 1
            p.images += config.batch_size
            task.total = max(p.images + 1, p.images / max(budget.progress(p.images), 1e-6))
            task.advance(config.batch_size)
            if p.step % LOG_STEPS == 0:
                values = {key: float(value) for key, value in losses.items()}
                check_finite(values, config)
                rate = (p.images - mark[0]) / max(budget.seconds - mark[1], 1e-9)
                mark = (p.images, budget.seconds)
                run.log(p.images, values | {"images_per_second": rate})
                task.advance(0, note=f"D {values['loss/d']:.2f} G {values['loss/g']:.2f}")
            if p.images % config.snapshot_every < config.batch_size and budget.progress(p.images) < 1.0:
                figures = snapshot(run, p, on_snapshot, budget.seconds)
                reporter.say(f"  at {p.images:,} images: " + ", ".join(f"{k} {v:.3g}" for k, v in figures.items()))
    p.spent = budget.seconds
    last = snapshot(run, p, on_snapshot, p.spent)
    outcome: dict[str, Any] = {"first": p.first, "last": last, "seconds": round(p.spent, 1)}
    run.record("done", p.images, outcome)
    return outcome


def check_finite(values: Mapping[str, float], config: GanConfig) -> None:
    """Raise TrainingError naming the values and the remedy when one is not finite."""
    if not all(np.isfinite(value) for value in values.values()):
        raise TrainingError(
            f"a loss is not finite ({dict(values)}); the last snapshot is good: continue with --set lr={config.lr / 2:g}"
        )


def snapshot(run: Run, p: Players, on_snapshot: OnSnapshot | None, seconds: float) -> dict[str, float]:
    """Calibrate the averaged generator, show its fixed-seed grid, compute figures, then write the checkpoint."""
    config = p.config
    z = latents(range(2_000_000, 2_000_000 + 16 * 64), config.latent).to(p.fabric.device)
    calibrate(p.average, z, 64)
    grid = generate(p.average, latents(range(config.grid), config.latent))
    sheet = images.tile(grid, columns=columns_of(config.grid))
    run.picture("samples", sheet, p.images, file=f"grid-{p.images:010d}.png")
    figures: dict[str, float] = {}
    if on_snapshot is not None:
        seeds = range(1_000_000, 1_000_000 + config.score_samples)
        figures = dict(on_snapshot(generate(p.average, latents(seeds, config.latent))))
        run.log(p.images, figures)
    weights.save_weights(run.folder / "generator.safetensors", p.average.state_dict())
    if p.images == 0:
        p.first = figures
    run.save(p.images, p.dump(seconds), keep=config.keep_snapshots)
    run.record("running", p.images, {"first": p.first, "last": figures})
    return figures


def _result(run: Run, p: Players, figures: Mapping[str, Any]) -> TrainedGan:
    rates = [point["images_per_second"] for point in run.stats() if "images_per_second" in point]
    return TrainedGan(
        run=run.name, folder=run.folder, images=p.images, seconds=p.spent,
        images_per_second=float(np.median(rates)) if rates else 0.0, first=figures["first"], last=figures["last"],
        grid=run.folder / "samples" / f"grid-{p.images:010d}.png",
    )  # fmt: skip
