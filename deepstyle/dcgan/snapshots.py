"""What a training keeps: snapshots, the best of them, and the way back to a good one.

A snapshot is only written of weights that are finite, so there is always one to go back to.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard.summary import hparams

from deepstyle import images, weights
from deepstyle.board import SHEET, table_row, tag
from deepstyle.config import GanConfig
from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.data import RealImages
from deepstyle.dcgan.networks import calibrate
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.sample import BEST, LAST, columns_of, generate, labels_of, latents, span
from deepstyle.dcgan.watch import Point, healthy
from deepstyle.errors import ModelError, TrainingError
from deepstyle.made import Made
from deepstyle.training import Training

LOG_STEPS = 50  # steps between two reports of the losses: reading them waits for the device

# samples N x S x S x 3 uint8 -> figures to log, and pictures H x W x 3 uint8 to show, by the names in board.py
OnSnapshot = Callable[[images.Pixels], Mapping[str, float | images.Pixels]]


@dataclass(frozen=True, kw_only=True)
class Game:
    """One game under way: what its loop, its snapshots and its way back share.

    ``total``: real images there are; ``judge``: name of what gives the figures of ``on_snapshot``.
    """

    training: Training[GanConfig]
    players: Players
    real: RealImages
    total: int
    on_snapshot: OnSnapshot | None
    judge: str = ""


def roll_back(game: Game, complaint: str) -> None:
    """Return to the last snapshot of a healthy game, at half the present learning rate, and drop what came after it.

    Raises TrainingError when that was done ``rollbacks`` times already.
    """
    t, p = game.training, game.players
    run, config = t.run, t.config
    lr, rollbacks, best, judge = p.base_lr / 2, p.rollbacks + 1, p.best, p.judge
    lost, collapses, since = p.images, p.collapses, p.since
    if rollbacks > config.rollbacks:
        calmer = "" if config.loss == "relativistic" else ", or --config dcgan-plus-64"
        raise TrainingError(
            f"run {run.name}, {complaint} at {p.images:,} images, after {p.rollbacks} rollbacks; the last snapshot is "
            f"from before: try --set lr={lr:g}{calmer}"
        )
    path, state = _healthy(t)
    p.load(state, str(path))
    p.rollbacks, p.best, p.judge, p.collapses = rollbacks, best, judge, [*collapses, lost]
    p.since = min(since, p.images)  # what comes after it is looked at anew
    p.fabric.barrier()  # all have read before the first one writes
    t.save(keep=config.keep_snapshots, figures=p.figures, landed=True)
    if run.leads:
        for later in run.snapshots():
            if later.stem > path.stem:
                later.unlink()
        weights.save_weights(run.folder / LAST, p.average.state_dict())
        run.writer.close()
    t.rewind()
    said = f"{complaint} at {lost:,} images: back to {p.images:,}, learning rate {lr:g} (rollback {rollbacks})"
    t.reporter.say(f"  {said}")
    if run.leads:
        run.writer.add_text("rollback", said, p.images)


def _healthy(t: Training[GanConfig]) -> tuple[Path, dict[str, Any]]:
    """The newest snapshot of a healthy game that no rollback returned to before, or the oldest one there is."""
    found: tuple[Path, dict[str, Any]] | None = None
    for found in t.run.readable(t.reporter.say):
        path, state = found
        with weights.restoring(str(path)):
            if not state.get("landed") and healthy([Point(**point) for point in state.get("points", [])]):
                break
    if found is None:
        raise ModelError(
            f"{t.run.folder / 'snapshots'}: no snapshot to go back to can be read; use --fresh for a new run"
        )
    return found


def snapshot(game: Game) -> dict[str, float]:
    """Calibrate the averaged generator, show its fixed-seed grid, compute figures, then write the checkpoint."""
    t, p = game.training, game.players
    run, config = t.run, t.config
    if not run.leads:
        return {}
    told = p.average.told
    z = latents(range(2_000_000, 2_000_000 + 16 * 64), config.latent).to(p.fabric.device)
    calibrate(p.average, z, 64, None if told.vectors is None else labels_of(z, told.shares))
    weights.save_weights(run.folder / LAST, p.average.state_dict())
    made = Made(
        model=run.name, digest=images.sha256((run.folder / LAST).read_bytes()), seeds=span(range(config.grid)),
        note=f"after {p.images:,} images of its training",
    )  # fmt: skip
    grid = generate(p.average, latents(range(config.grid), config.latent))
    sheet = images.tile(grid, columns=columns_of(config.grid))
    run.picture("samples/grid", sheet, p.images, file=f"grid-{p.images:010d}.png", part=for_board(grid), made=made)
    figures: dict[str, float] = {}
    if game.on_snapshot is not None:
        for name, value in measured(game, p.average).items():
            if isinstance(value, np.ndarray):
                run.picture(name, value, p.images)
            else:
                figures[name] = value
        run.log(p.images, figures)
    if "frechet" in figures:
        _keep_best(game, p.average, figures["frechet"], p.images)
    if p.images == 0:
        p.first = figures
    t.save(keep=config.keep_snapshots, figures={**p.figures, "last": figures})
    return figures


def measured(game: Game, generator: AnyGenerator) -> Mapping[str, float | images.Pixels]:
    """Figures and pictures of a generator's samples, always of the same seeds."""
    assert game.on_snapshot is not None
    config = game.training.config
    seeds = range(1_000_000, 1_000_000 + config.score_samples)
    return game.on_snapshot(generate(generator, latents(seeds, config.latent)))


def rejudge(game: Game) -> dict[str, float]:
    """Measure what is kept once more, because another judge looks now: figures of two judges are never compared.

    The best so far and the snapshots on disk compete again; the start, which nobody keeps, has no figures any more.
    Returns the figures of the present generator; none between two snapshots, where it is not calibrated.
    """
    t, p = game.training, game.players
    former, p.judge, p.since, p.first, p.best = p.best, game.judge, p.images, {}, {}
    if not t.run.leads:
        return {}
    t.reporter.say(f"  judged by {game.judge} from now on: what is kept is judged again")
    looked = copy.deepcopy(p.average)
    best = t.run.folder / BEST
    if former and best.is_file():
        looked.load_state_dict(weights.read_weights(best))
        p.best = {"frechet": _frechet(game, looked), "images": former["images"]}
    for path, state in t.run.readable(t.reporter.say):
        with weights.restoring(str(path)):
            weights.fill(looked, state["average"], origin=str(path))
            seen = int(state["images"])
        if seen != p.images:
            _keep_best(game, looked, _frechet(game, looked), seen)
    if not t.run.has_snapshot(p.images):
        return {}
    figures = {name: value for name, value in measured(game, p.average).items() if not isinstance(value, np.ndarray)}
    if "frechet" in figures:
        _keep_best(game, p.average, figures["frechet"], p.images)
    return figures


def _frechet(game: Game, generator: AnyGenerator) -> float:
    value = measured(game, generator).get("frechet", float("inf"))
    assert not isinstance(value, np.ndarray)
    return value


def _keep_best(game: Game, generator: AnyGenerator, frechet: float, seen: int) -> None:
    """Keep a generator that is better than the best one so far."""
    if frechet < game.players.best.get("frechet", float("inf")):
        game.players.best = {"frechet": frechet, "images": seen}
        weights.save_weights(game.training.run.folder / BEST, generator.state_dict())


def show_hparams(t: Training[GanConfig], last: Mapping[str, float]) -> None:
    """The run's final figures and its settings, for TensorBoard's table of runs; its metrics are the curves' last points."""
    row = table_row(t.config.model_dump(), last, t.learner.images)
    metrics = {tag("gan", name): value for name, value in last.items()}
    for summary in hparams(row, metrics):  # type: ignore[no-untyped-call]
        t.run.writer.file_writer.add_summary(summary, t.learner.images)  # type: ignore[attr-defined]


def for_board(pictures: images.Pixels) -> images.Pixels:
    """The first of N pictures as a square sheet on which each can be made out in TensorBoard."""
    return images.tile(pictures[: SHEET**2], columns=min(SHEET, columns_of(len(pictures))))
