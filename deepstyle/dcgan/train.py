"""The GAN's training loop: real images in, snapshots out; it resumes, watches, and goes back when the game is lost.

Outcomes: ``done`` (budget used up), interrupted (the same command continues with the same numbers: the randomness of a
step depends on (seed, step) alone), ``failed`` with a TrainingError (the game collapsed more often than ``rollbacks``
allows, or there are too few garments). The game itself is in ``game.py``, the rules of collapse in ``watch.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.data import Conditions, RealImages
from deepstyle.dcgan.game import Played, play
from deepstyle.dcgan.loss import relative
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.residual import GROUP
from deepstyle.dcgan.sample import columns_of
from deepstyle.dcgan.snapshots import LOG_STEPS, OnSnapshot, Training, roll_back, show_hparams, snapshot
from deepstyle.dcgan.transfer import start_from
from deepstyle.dcgan.watch import Point, collapse, not_finite, remembered, spread
from deepstyle.engine import agreed, averaged, batch_indices, make_fabric
from deepstyle.errors import ConfigError, TrainingError, UsageError
from deepstyle.files import put_file
from deepstyle.progress import Reporter, Task
from deepstyle.run import Budget, Run, watch_command
from deepstyle.source import Source, remember


@dataclass(frozen=True, kw_only=True)
class TrainedGan:
    """What training left behind. ``figures`` are those of ``on_snapshot`` at the start (0 images) and at the end.

    ``best`` holds the lowest Frechet distance of all snapshots and its ``images``; empty when nobody measured it.
    ``garments`` is the number of real ones, ``images`` how many of them were shown, repeats counted.
    """

    run: str
    folder: Path
    garments: int
    images: int
    seconds: float
    images_per_second: float
    first: dict[str, float]
    last: dict[str, float]
    best: dict[str, float]
    rollbacks: int
    grid: Path


def train_gan(
    data: PackedDataset, catalog: Catalog, config: GanConfig, *, on_snapshot: OnSnapshot | None, reporter: Reporter,
    fresh: bool = False, conditions: Conditions | None = None, source: Source | None = None,
) -> TrainedGan:  # fmt: skip
    """Train on packed garments until the budget is used up; the same call resumes, or returns the finished result.

    ``on_snapshot`` gets ``score_samples`` images of the averaged generator at every snapshot; its figure ``frechet``, if
    any, tells the best. ``conditions``: what the networks are told when ``config.condition`` is "category"; the
    dataset's labels serve for "label"; labels.json in the run folder names them. ``source``: weights that a new run
    starts from, a part of what it is. Raises TrainingError, and UsageError for conditions that are missing.
    """
    fabric = make_fabric(config.precision)
    check(data, config, fabric.world_size)
    conditions = _conditions(data, config, conditions)
    key = data.key + (images.sha256(conditions.labels.tobytes()) if conditions is not None else "")
    key += source.digest if source is not None else ""
    with Run.open(catalog, "gan", config, data_key=key, fresh=fresh, fabric=fabric) as run:
        players = Players(config, fabric, len(data), None if conditions is None else conditions.shares())
        if (state := run.latest(reporter.say)) is not None:
            players.load(state, str(run.folder))
            if (figures := run.finished(players.images, players.spent)) is not None:
                reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
                return _result(run, players, figures, len(data))
            reporter.say(f"run {run.name} continues at {players.images:,} images")
        elif source is not None:
            reporter.say(f"run {run.name} {start_from(players, source, conditions.names if conditions else ())}")
            if run.leads:
                remember(run.folder, source)
        reporter.say(f"{len(data):,} garments; DiffAugment: {', '.join(players.policies) or 'none'}")
        reporter.say(
            f"run {run.name}: a grid of the same {config.grid} seeds every {config.snapshot_every:,} images, in "
            f"{run.folder / 'samples'}\nwatch it learn: {watch_command(run.folder.parent)}"
        )
        run.start(players.images)
        run.record("running", players.images, {})
        if conditions is not None and run.leads:
            put_file(run.folder / "labels.json", json.dumps(conditions.names).encode())
        if players.images == 0:
            shown = data.images[np.linspace(0, len(data) - 1, min(config.grid, len(data))).astype(np.int64)]
            run.picture("samples/real", images.tile(shown, columns=columns_of(len(shown))), 0, file="real.png")
        training = Training(
            run=run, players=players, real=RealImages(data, conditions, fabric.device), total=len(data),
            on_snapshot=on_snapshot, reporter=reporter, budget=Budget(config.images, config.minutes, spent=players.spent),
        )  # fmt: skip
        return _result(run, players, _to_the_end(training), len(data))


def check(data: PackedDataset, config: GanConfig, processes: int) -> None:
    """Refuse what cannot work before anything slow starts."""
    if len(data) < config.batch_size:
        raise TrainingError(
            f"{len(data)} garments are fewer than one batch of {config.batch_size}: crop more, or --set batch_size=..."
        )
    if config.minibatch_stddev and config.batch_size % (GROUP * processes):
        raise ConfigError(
            f"batch_size {config.batch_size}: minibatch_stddev on {processes} processes needs a multiple of "
            f"{GROUP * processes}"
        )


def _conditions(data: PackedDataset, config: GanConfig, given: Conditions | None) -> Conditions | None:
    """What the networks are told: nothing, the dataset's labels, or what was given."""
    if config.condition == "none":
        return None
    if config.condition == "category" and given is None:
        raise UsageError("condition=category needs a classifier: run `deepstyle train-classifier TABLE.csv` first")
    return given or Conditions(names=data.label_names, labels=data.labels)


def _to_the_end(t: Training) -> dict[str, Any]:
    """Play until the budget is used up, going back whenever the game is lost; the final figures."""
    p = t.players
    if p.images == 0:
        p.first = snapshot(t)
    with t.reporter.task("training the GAN", total=p.config.images, unit="images") as task:
        while (complaint := _loop(t, task)) is not None:
            roll_back(t, complaint)
    p.spent = t.budget.seconds
    last = snapshot(t)
    outcome: dict[str, Any] = agreed(p.fabric, {
        "first": p.first, "last": last, "best": p.best, "rollbacks": p.rollbacks, "seconds": round(p.spent, 1)
    })  # fmt: skip
    t.run.record("done", p.images, outcome)
    if t.run.leads:
        show_hparams(t, last)
    return outcome


def _loop(t: Training, task: Task) -> str | None:
    """Play, report every LOG_STEPS, snapshot every ``snapshot_every`` images; None at the end, or why the game is lost."""
    p, config = t.players, t.players.config
    task.advance(p.images - task.done)
    mark = (p.images, t.budget.seconds)
    over = t.over
    while not over:
        played = play(p, *t.real.batch(batch_indices(p.images, config.batch_size, t.total, config.seed)[p.mine]))
        p.step += 1
        p.images += config.batch_size
        task.total = max(p.images, p.images / max(t.budget.progress(p.images), 1e-6))
        task.advance(config.batch_size)
        over = t.over
        due = p.images % config.snapshot_every < config.batch_size and not over
        if p.step % LOG_STEPS == 0 or due or over:
            values = figures_of(p, played)
            if (complaint := not_finite(values)) is not None:
                return complaint
        if p.step % LOG_STEPS == 0:
            if (complaint := collapsed(p, values)) is not None:
                return complaint
            rate = (p.images - mark[0]) / max(t.budget.seconds - mark[1], 1e-9)
            mark = (p.images, t.budget.seconds)
            t.run.log(p.images, values | {"images_per_second": rate})
            task.advance(0, note=f"D {values['loss/d']:.2f} G {values['loss/g']:.2f}")
        if due:
            figures = snapshot(t)
            told = ", ".join(f"{k} {v:.3g}" for k, v in figures.items()) or f"grid-{p.images:010d}.png"
            t.reporter.say(f"  at {p.images:,} images: {told}")
    return None


@torch.no_grad()
def figures_of(p: Players, played: Played) -> dict[str, float]:
    """The figures of a step, means over all processes. Reading them waits for the device."""
    real, fake = relative(played.real_logits, played.fake_logits, p.config.loss)
    values = {
        "loss/d": played.d_loss, "loss/g": played.g_loss,
        "d/real": real.sigmoid().mean(), "d/fake": fake.sigmoid().mean(),
        "variety": spread(played.fake) / spread(played.real).clamp(min=1e-6),
        "gradient/d": _gradient_norm(p.discriminator), "gradient/g": _gradient_norm(p.generator),
        "weight/largest": p.largest(),
    }  # fmt: skip
    if p.config.r1 or p.config.r2:
        values["loss/penalty"] = p.penalty
    if p.policies:
        values["augmentation"] = torch.as_tensor(p.strength, device=real.device)
    stacked = averaged(p.fabric, torch.stack([value.float() for value in values.values()]))
    return dict(zip(values, stacked.tolist(), strict=True)) | {"learning_rate": p.lr}


def _gradient_norm(network: torch.nn.Module) -> Tensor:
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])


def collapsed(p: Players, values: Mapping[str, float]) -> str | None:
    """Remember this point, and say whether the game has collapsed."""
    p.points.append(Point(real=values["d/real"], fake=values["d/fake"], variety=values["variety"]))
    complaint = collapse(p.points)
    p.points = remembered(p.points)
    return complaint


def _result(run: Run, p: Players, figures: Mapping[str, Any], garments: int) -> TrainedGan:
    return TrainedGan(
        run=run.name, folder=run.folder, garments=garments, images=p.images, seconds=p.spent,
        images_per_second=p.images / max(p.spent, 1e-9), first=figures["first"], last=figures["last"],
        best=figures.get("best", {}), rollbacks=figures.get("rollbacks", 0),
        grid=run.folder / "samples" / f"grid-{p.images:010d}.png",
    )  # fmt: skip
