"""What every training shares: it is opened, resumed or found finished, counted, logged, saved, and recorded in the catalog.

    with opened(catalog, "detector", config, data_key=..., reporter=..., fabric=...) as t:
        learner = ...                                   # its first weights are needed only where t.new
        if (figures := t.resume(learner)) is None:      # else nothing is left to do
            with t.task("training the detector"):
                while not t.over:
                    ...                                 # one step
                    t.count()
                    ...                                 # t.log now and then, t.save now and then
            t.done(figures := ...)

One process trains a run at a time; the processes of ``torchrun`` go through this together, and the first of them writes.

How a run stands in the catalog: ``running`` (also after an interruption: the same command continues), ``done``, and
``failed`` with the ``complaint``, whatever the error was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor

from deepstyle import weights
from deepstyle.about import CARD, card_of, read_about
from deepstyle.budget import Budget
from deepstyle.catalog import Catalog
from deepstyle.engine import agreed
from deepstyle.errors import ModelError, TrainingError
from deepstyle.model_card import with_forgotten
from deepstyle.progress import Reporter, Task
from deepstyle.run import C, Run
from deepstyle.trouble import Hold, held

SAFE = 60.0  # seconds of work that a kill may cost where the state is put by
SHARE = 0.01  # of the time that putting it by may take; where it takes more, it is done less often


class Learner(Protocol):
    """All that changes while training: ``images`` seen, ``step`` number, seconds ``spent`` by all its processes together."""

    images: int
    step: int
    spent: float

    def dump(self) -> dict[str, Any]:
        """All of it as state dicts and plain values."""

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot. Raises ModelError when it is of another network, or lacks something."""


class Training(Generic[C]):
    """One training under way. ``progress`` is the share of the budget that is used, in [0, 1], after the last step.

    ``safe``: the images at which it would go on after a kill.
    ``clock_steps``: several processes compare their clocks every so many steps, since that costs them a wait.
    """

    learner: Learner
    budget: Budget
    progress: float
    _task: Task

    def __init__(self, run: Run[C], fabric: Fabric, reporter: Reporter, *, unit: str, clock_steps: int) -> None:
        self.run, self.fabric, self.reporter, self.config = run, fabric, reporter, run.config
        self._unit, self._clock_steps = unit, clock_steps
        self._snapshot = run.latest(reporter.say)
        self.new, self.begun = self._snapshot is None, False
        self._hold = Hold()

    def card(self, text: str, *starts: Path) -> dict[str, str]:
        """The file of its model's card: the text, and which forgotten photos this run, or what it ``starts`` from, has seen."""
        seen = [card_of(folder).get(CARD, "") for folder in (self.run.folder, *starts)]
        return {CARD: with_forgotten(text, seen)}

    @property
    def over(self) -> bool:
        """The budget is used up."""
        return self.progress >= 1.0

    def resume(self, learner: Learner, *, model: Path | None = None) -> dict[str, Any] | None:
        """Continue from the newest snapshot, or from the start; the recorded figures when nothing is left to do.

        ``model``: the folder that the training ends with. When it holds no model of this run, there is something to do.
        """
        run = self.run
        if self._snapshot is not None:
            learner.load(self._snapshot, str(run.folder / "snapshots"))
        self.learner, self.budget = learner, Budget(self.config.images, self.config.minutes, spent=learner.spent)
        self._saved, self._cost, self.safe = self.budget.seconds, 0.0, learner.images
        self.progress = agreed(self.fabric, self.budget.progress(learner.images))
        figures = agreed(self.fabric, run.recorded() if self.over else None)
        if figures is not None and (model is None or agreed(self.fabric, _maker(model)) == run.name):
            self.reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
            return figures
        if figures is not None:
            self.reporter.say(f"run {run.name} is done already; {model} is another's or lost, and is written again")
        elif self._snapshot is not None:
            self.reporter.say(f"run {run.name} continues at {learner.images:,} {self._unit}")
            before, now = self._snapshot.get("threads"), torch.get_num_threads()
            if before not in {None, now} and self.fabric.device.type == "cpu":
                self.reporter.say(
                    f"  with {now} threads, before with {before}: numbers may differ in their last digits from those of a "
                    f"training without a break; OMP_NUM_THREADS={before} keeps them"
                )
        self.reporter.say(f"run {run.name}: all its settings are in {run.folder / 'config.yaml'}")
        self._snapshot, self.begun = None, True
        run.start(learner.images)
        run.record("running", learner.images, {})
        return None

    @contextmanager
    def task(self, label: str) -> Iterator[None]:
        """Show the progress while the block trains. Ctrl-C waits for ``leave``, as does any signal that ends a command."""
        with self.reporter.task(label, total=self.config.images, unit=self._unit) as self._task:
            self._task.advance(self.learner.images)
            self._mark()
            if self.fabric.world_size > 1:  # a process that plays on alone would wait for the others
                yield
                return
            with held() as self._hold:
                yield

    def note(self, text: str) -> None:
        """Words beside the bar."""
        self._task.advance(0, note=text)

    def count(self, note: str | None = None) -> None:
        """A step is done: count it, its images and the time; ``note`` stands beside the bar."""
        learner = self.learner
        learner.step += 1
        learner.images += self.config.batch_size
        self.progress = self._progress()
        total = max(learner.images, learner.images / max(self.progress, 1e-6))
        self._task.advance(self.config.batch_size, total=total, note=note)

    def _progress(self) -> float:
        learner, minutes = self.learner, self.config.minutes
        if minutes is None or self.fabric.world_size == 1:
            return self.budget.progress(learner.images)
        if learner.step % self._clock_steps:
            return max(self.progress, min(1.0, learner.images / self.config.images))
        return agreed(self.fabric, self.budget.progress(learner.images))

    def rewind(self) -> None:
        """The learner went back to an earlier snapshot: drop what was logged later, and count from there."""
        self.run.start(self.learner.images)
        self.progress = agreed(self.fabric, self.budget.progress(self.learner.images))
        self._task.advance(self.learner.images - self._task.done)
        self._mark()

    def every(self, steps: int) -> bool:
        """Whether the last step's number is a multiple of ``steps``."""
        return self.learner.step % steps == 0

    def passed(self, images: int) -> bool:
        """Whether the last step passed a multiple of ``images``, and was not the last one."""
        return self.learner.images % images < self.config.batch_size and not self.over

    @property
    def unsaved(self) -> float:
        """Seconds of training since the last snapshot, or since the state was put by: what a kill would cost.

        Infinite when a signal waits for it to be saved.
        """
        return math.inf if self._hold.number is not None else self.budget.seconds - self._saved

    def leave(self) -> None:
        """After a step: if its state is saved, which ``unsaved`` asks for then, a signal that waits ends the command here."""
        if self.safe == self.learner.images:
            self._hold.release()

    def log(self, values: Mapping[str, float]) -> None:
        """One point in stats.jsonl and TensorBoard, with the images per second since the last one."""
        images, seconds = self._marked
        rate = (self.learner.images - images) / max(self.budget.seconds - seconds, 1e-9)
        self._mark()
        self.run.log(self.learner.images, {**values, "images_per_second": rate})

    def _mark(self) -> None:
        self._marked = (self.learner.images, self.budget.seconds)

    def save(self, *, keep: int = 2, figures: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Write a snapshot of the learner (and ``more``), then the catalog's row with ``figures``.

        Raises TrainingError when a weight is not finite: a snapshot can always be gone back to.
        """
        learner = self.learner
        learner.spent = self._saved = self.budget.seconds
        if not self.run.leads:
            return
        state = learner.dump()
        for part, tensors in state.items():
            if (bad := _not_finite(tensors)) is not None:
                raise TrainingError(
                    f"run {self.run.name}: {part} has weights that are not finite ({bad}) after {learner.images:,} "
                    f"{self._unit}; lower the rate: --set lr={self.config.lr / 4:g}"
                )
        self.run.save(learner.images, {**state, "threads": torch.get_num_threads(), **more}, keep=keep)
        self.safe = learner.images
        self.run.record("running", learner.images, figures or {})

    def put_by(self) -> None:
        """Write the state, beside the snapshots, once ``SAFE`` seconds of work are unsaved: a kill costs no more.

        Weights that are not finite are not written: there is nothing to go on from.
        """
        begun = self.budget.seconds
        if not self.run.leads or self.unsaved < max(SAFE, self._cost / SHARE):
            return
        self.learner.spent = begun
        state = self.learner.dump()
        if all(_not_finite(part) is None for part in state.values()):
            self.run.put_by(self.learner.images, {**state, "threads": torch.get_num_threads()})
            self.safe = self.learner.images
        self._saved = self.budget.seconds
        self._cost = self._saved - begun

    def done(self, figures: Mapping[str, Any], *, model: str | None = None) -> None:
        """The training ended well, and so its ``model`` of that name stands: their rows."""
        if self.run.leads:
            if model is not None:
                self.run.catalog.put_model(model, self.run.kind, dict(figures))
            self.run.record("done", self.learner.images, figures)


def _not_finite(part: object) -> str | None:
    """The name of a tensor that is not finite in a network's state dict; None for any other part of a snapshot."""
    if isinstance(part, Mapping) and all(isinstance(value, Tensor) for value in part.values()):
        return weights.not_finite(part)
    return None


def _maker(model: Path) -> str | None:
    """The run whose training ended with this model folder; None when there is no whole one."""
    try:
        return str(read_about(model)["figures"]["run"])
    except (ModelError, KeyError, TypeError):
        return None


@contextmanager
def opened(
    catalog: Catalog, kind: str, config: C, *, data_key: str, reporter: Reporter, fabric: Fabric, fresh: bool = False,
    unit: str = "images", clock_steps: int = 1,
) -> Iterator[Training[C]]:  # fmt: skip
    """The run of this configuration and data, continued or new, for one command at a time; an error fails it.

    ``data_key`` stands for the data, and for the name of the model where there is one.
    """
    with Run.open(catalog, kind, config, data_key=data_key, fresh=fresh, fabric=fabric) as run:
        training = Training(run, fabric, reporter, unit=unit, clock_steps=clock_steps)
        try:
            yield training
        except KeyboardInterrupt:
            if training.begun:
                reporter.say(f"run {run.name} goes on from {training.safe:,} {unit}, with the same command")
            raise
        except Exception as error:
            if training.begun:
                with suppress(Exception):  # the first error is the one to tell of
                    run.record("failed", training.learner.images, {"complaint": str(error)})
            raise
