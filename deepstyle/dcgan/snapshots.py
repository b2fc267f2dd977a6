"""What a training keeps: snapshots, the best of them, and the way back to a good one.

A snapshot is only written of weights that are finite, so there is always one to go back to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepstyle import images, weights
from deepstyle.dcgan.data import RealImages
from deepstyle.dcgan.networks import calibrate
from deepstyle.dcgan.players import Players
from deepstyle.dcgan.sample import BEST, LAST, columns_of, generate, labels_of, latents
from deepstyle.dcgan.watch import Point, healthy
from deepstyle.engine import agreed
from deepstyle.errors import ModelError, TrainingError
from deepstyle.progress import Reporter
from deepstyle.run import Budget, Run

LOG_STEPS = 50  # steps between two reports of the losses: reading them waits for the device

# samples N x S x S x 3 uint8 -> figures to log, and pictures H x W x 3 uint8 to show, by TensorBoard's names
OnSnapshot = Callable[[images.Pixels], Mapping[str, float | images.Pixels]]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training under way: what its loop, its snapshots and its way back share. ``total``: real images there are."""

    run: Run
    players: Players
    real: RealImages
    total: int
    on_snapshot: OnSnapshot | None
    reporter: Reporter
    budget: Budget

    @property
    def over(self) -> bool:
        """The budget is used up. Several processes only compare clocks at log points, that costs them a wait."""
        p, config = self.players, self.players.config
        if p.images >= config.images or config.minutes is None:
            return p.images >= config.images
        if p.fabric.world_size > 1 and p.step % LOG_STEPS:
            return False
        return agreed(p.fabric, self.budget.progress(p.images)) >= 1.0


def roll_back(t: Training, complaint: str) -> None:
    """Return to the last snapshot of a healthy game, at half the present learning rate, and drop what came after it.

    Raises TrainingError when that was done ``rollbacks`` times already.
    """
    p, run, config = t.players, t.run, t.players.config
    lr, rollbacks, best, lost = p.lr / 2, p.rollbacks + 1, p.best, p.images
    if rollbacks > config.rollbacks:
        run.record("failed", p.images, {"first": p.first, "complaint": complaint})
        calmer = "" if config.loss == "relativistic" else ", or --config dcgan-plus-64"
        raise TrainingError(
            f"run {run.name}, {complaint} at {p.images:,} images, after {p.rollbacks} rollbacks; the last snapshot is "
            f"from before: try --set lr={lr:g}{calmer}"
        )
    path, state = _healthy(t)
    p.load(state, str(path))
    p.lr, p.rollbacks, p.best = lr, rollbacks, best
    p.fabric.barrier()  # all have read before the first one writes
    run.save(p.images, p.dump(t.budget.seconds) | {"landed": True}, keep=config.keep_snapshots)
    if run.leads:
        for later in run.snapshots():
            if later.stem > path.stem:
                later.unlink()
        weights.save_weights(run.folder / LAST, p.average.state_dict())
        run.writer.close()
    run.start(p.images)
    said = f"{complaint} at {lost:,} images: back to {p.images:,}, learning rate {lr:g} (rollback {rollbacks})"
    t.reporter.say(f"  {said}")
    if run.leads:
        run.writer.add_text("rollback", said, p.images)


def _healthy(t: Training) -> tuple[Path, dict[str, Any]]:
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


def snapshot(t: Training) -> dict[str, float]:
    """Calibrate the averaged generator, show its fixed-seed grid, compute figures, then write the checkpoint."""
    run, p, config = t.run, t.players, t.players.config
    if not run.leads:
        return {}
    told = p.average.told
    z = latents(range(2_000_000, 2_000_000 + 16 * 64), config.latent).to(p.fabric.device)
    calibrate(p.average, z, 64, None if told.vectors is None else labels_of(z, told.shares))
    grid = generate(p.average, latents(range(config.grid), config.latent))
    sheet = images.tile(grid, columns=columns_of(config.grid))
    run.picture("samples/grid", sheet, p.images, file=f"grid-{p.images:010d}.png")
    figures: dict[str, float] = {}
    if t.on_snapshot is not None:
        seeds = range(1_000_000, 1_000_000 + config.score_samples)
        for name, value in t.on_snapshot(generate(p.average, latents(seeds, config.latent))).items():
            if isinstance(value, np.ndarray):
                run.picture(name, value, p.images)
            else:
                figures[name] = value
        run.log(p.images, figures)
    weights.save_weights(run.folder / LAST, p.average.state_dict())
    if "frechet" in figures and figures["frechet"] < p.best.get("frechet", float("inf")):
        p.best = {"frechet": figures["frechet"], "images": p.images}
        weights.save_weights(run.folder / BEST, p.average.state_dict())
    if p.images == 0:
        p.first = figures
    run.save(p.images, p.dump(t.budget.seconds), keep=config.keep_snapshots)
    run.record("running", p.images, {"first": p.first, "last": figures, "best": p.best, "rollbacks": p.rollbacks})
    return figures


def show_hparams(t: Training, last: Mapping[str, float]) -> None:
    """The run's settings beside its final figures, for TensorBoard's table of runs."""
    settings = {k: v if isinstance(v, int | float | str) else str(v) for k, v in t.players.config.model_dump().items()}
    figures = {f"final/{key}": value for key, value in last.items()}
    t.run.writer.add_hparams(settings, figures, run_name=".", global_step=t.players.images)
