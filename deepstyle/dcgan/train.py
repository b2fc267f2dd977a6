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
from deepstyle.board import SHEET
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.data import Conditions, RealImages
from deepstyle.dcgan.game import Played, play
from deepstyle.dcgan.loss import relative
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.residual import GROUP
from deepstyle.dcgan.sample import columns_of
from deepstyle.dcgan.snapshots import LOG_STEPS, Game, OnSnapshot, for_board, rejudge, roll_back, show_hparams, snapshot
from deepstyle.dcgan.transfer import start_from
from deepstyle.dcgan.verdict import looks_of_one, verdict
from deepstyle.dcgan.watch import Point, collapse, not_finite, remembered, spread
from deepstyle.engine import agreed, averaged, batch_indices, make_fabric
from deepstyle.errors import ConfigError, TrainingError, UsageError
from deepstyle.files import put_file
from deepstyle.ground import filling
from deepstyle.progress import Reporter
from deepstyle.run import Run, watch_command
from deepstyle.source import RECORD, Source, remember
from deepstyle.training import Training, opened


@dataclass(frozen=True, kw_only=True)
class TrainedGan:
    """What training left behind. ``figures`` are those of ``on_snapshot`` at the start (0 images) and at the end.

    ``best`` holds the lowest Frechet distance of all snapshots and its ``images``; empty when nobody measured it.
    ``verdict``: sentences on what it came to.
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
    verdict: list[str]
    grid: Path


def train_gan(
    data: PackedDataset, catalog: Catalog, config: GanConfig, *, on_snapshot: OnSnapshot | None, reporter: Reporter,
    fresh: bool = False, conditions: Conditions | None = None, source: Source | None = None, judge: str = "",
) -> TrainedGan:  # fmt: skip
    """Train on packed garments until the budget is used up; the same call resumes, or returns the finished result.

    ``on_snapshot`` gets ``score_samples`` images of the averaged generator at every snapshot; its figure ``frechet``, if
    any, tells the best, by the ``judge`` of that name: another one measures again what is kept. ``conditions``: what the
    networks are told when ``config.condition`` is "category"; the dataset's labels serve for "label"; labels.json in the
    run folder names them. ``source``: weights that a new run starts from, a part of what it is. Raises TrainingError, and
    UsageError for conditions that are missing.
    """
    fabric = make_fabric(config.precision)
    check(data, config, fabric.world_size)
    conditions = _conditions(data, config, conditions)
    key = data.key + (images.sha256(conditions.labels.tobytes()) if conditions is not None else "")
    key += source.digest if source is not None else ""
    with opened(
        catalog, "gan", config, data_key=key, reporter=reporter, fabric=fabric, fresh=fresh, clock_steps=LOG_STEPS
    ) as t:
        players = Players(config, fabric, len(data), None if conditions is None else conditions.shares())
        if t.new and source is not None:
            reporter.say(f"run {t.run.name} {start_from(players, source, conditions.names if conditions else ())}")
            if t.run.leads:
                remember(t.run.folder, source)
        figures = t.resume(players)
        other = on_snapshot is not None and players.judge != judge
        if figures is None or other:
            real = RealImages(data, conditions, fabric.device)
            game = Game(training=t, players=players, real=real, total=len(data), on_snapshot=on_snapshot, judge=judge)
            if figures is None:
                _announce(t, players, data, conditions)
            if other:
                figures = _of_another_judge(game, figures)
            if figures is None:
                figures = _to_the_end(game)
        return _result(t.run, players, figures, len(data))


def _of_another_judge(game: Game, figures: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Let the present judge measure what is kept; the figures of a run that is done (None: it is under way) with its own."""
    t, p = game.training, game.players
    if p.images == 0:
        p.judge = game.judge
        return None
    last = rejudge(game)
    if t.run.has_snapshot(p.images):  # else it goes on from a state that was put by: the snapshots stay as they are
        t.save(keep=t.config.keep_snapshots, figures={**p.figures, "last": last})
    if figures is None:
        return None
    told: dict[str, Any] = agreed(p.fabric, {**figures, **p.figures, "last": last, "verdict": _verdict(t.run, p, last)})
    t.done(told)
    return told


def _announce(t: Training[GanConfig], players: Players, data: PackedDataset, conditions: Conditions | None) -> None:
    """Say what is trained and where to look; put what the labels are called, and some real images, into the run."""
    run, grid = t.run, t.config.grid
    t.reporter.say(f"{len(data):,} garments; DiffAugment: {', '.join(players.policies) or 'none'}")
    if (found := filling(data.images)) is not None:
        t.reporter.say(f"  {found[0]:.0%} of them lie on a plain ground and fill {found[1]:.0%} of their square")
        if players.images == 0:
            run.log(0, {"ground/real plain": found[0], "ground/real filled": found[1]})
    t.reporter.say(
        f"run {run.name}: a grid of the same {grid} seeds every {t.config.snapshot_every:,} images, in "
        f"{run.folder / 'samples'}\nwatch it learn: {watch_command(run.folder.parent)}"
    )
    if conditions is not None and run.leads:
        put_file(run.folder / "labels.json", json.dumps(conditions.names).encode())
    if players.images == 0:
        shown = data.images[np.linspace(0, len(data) - 1, min(grid, len(data))).astype(np.int64)]
        sheet = images.tile(shown, columns=columns_of(len(shown)))
        run.picture("samples/real", sheet, 0, file="real.png", part=for_board(shown[:: max(1, len(shown) // SHEET**2)]))


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


def _to_the_end(game: Game) -> dict[str, Any]:
    """Play until the budget is used up, going back whenever the game is lost; the final figures."""
    t, p = game.training, game.players
    if p.images == 0:
        p.first = snapshot(game)
    with t.task("training the GAN"):
        while not t.over:
            if (complaint := _step(game)) is not None:
                roll_back(game, complaint)
            else:
                t.put_by()
            t.leave()
    last = snapshot(game)
    said = _verdict(t.run, p, last)
    outcome: dict[str, Any] = agreed(
        p.fabric, {**p.figures, "last": last, "seconds": round(p.spent, 1), "verdict": said}
    )
    t.done(outcome)
    if t.run.leads:
        show_hparams(t, last)
    return outcome


def _step(game: Game) -> str | None:
    """Play a step, report every LOG_STEPS, snapshot every ``snapshot_every`` images; why the game is lost, if it is."""
    t, p, config = game.training, game.players, game.training.config
    p.keep_pace(t.progress)
    played = play(p, *game.real.batch(batch_indices(p.images, config.batch_size, game.total, config.seed)[p.mine]))
    t.count()
    logs, due = t.every(LOG_STEPS), t.passed(config.snapshot_every)
    if not (logs or due or t.over):
        return None
    values = figures_of(p, played)
    if (complaint := not_finite(values)) is not None:
        return complaint
    if logs:
        if (complaint := collapsed(p, values)) is not None:
            return complaint
        t.log(values)
        t.note(f"D {values['loss/d']:.2f} G {values['loss/g']:.2f}")
    if due:
        figures = snapshot(game)
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


def _verdict(run: Run[GanConfig], p: Players, last: Mapping[str, float]) -> list[str]:
    """What the training came to, in words, by the looks of its present judge; ``last``: those figures at its end."""
    stats = looks_of_one(run.stats(), p.since)
    if p.since == p.images:  # that judge has looked at the end alone, after it
        stats.append({**last, "images": p.images})
    learned = (run.folder / RECORD).is_file()
    return verdict(stats, images=p.images, seconds=p.spent, collapses=p.collapses, learned=learned)


def _result(run: Run[GanConfig], p: Players, figures: Mapping[str, Any], garments: int) -> TrainedGan:
    return TrainedGan(
        run=run.name, folder=run.folder, garments=garments, images=p.images, seconds=p.spent,
        images_per_second=p.images / max(p.spent, 1e-9), first=figures["first"], last=figures["last"],
        best=figures.get("best", {}), rollbacks=figures.get("rollbacks", 0),
        verdict=_verdict(run, p, figures["last"]),
        grid=run.folder / "samples" / f"grid-{p.images:010d}.png",
    )  # fmt: skip
