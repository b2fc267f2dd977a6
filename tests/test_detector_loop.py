"""What the trainings of both detector backends share: which run goes on, and how one ends."""

from __future__ import annotations

import math
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from test_detector_train import LABELS, QUIET, annotated, config, train

from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig
from deepstyle.detector import loop
from deepstyle.detector import train as training
from deepstyle.detector.loop import data_digest
from deepstyle.detector.train import train_detector
from deepstyle.errors import InputError, TrainingError
from deepstyle.trouble import Stopped, stoppable


def test_any_earlier_command_goes_on(tmp_path: Path) -> None:
    """After configuration A, then B, the command of A trains nothing and gives its model back in the place of B's."""
    first = train(tmp_path, "images=4")
    mine = (first.folder / "weights.safetensors").read_bytes()
    assert train(tmp_path, "images=4", "seed=1").run == "detector-002"
    assert (first.folder / "weights.safetensors").read_bytes() != mine
    again = train(tmp_path, "images=4")

    assert (again.run, again.images) == ("detector-001", 4)
    assert (first.folder / "weights.safetensors").read_bytes() == mine
    assert train(tmp_path, "images=8", "seed=1").run == "detector-002"


def test_a_copied_workspace_goes_on(tmp_path: Path) -> None:
    """Photos in another folder, copied with other times, are the same training set; other boxes are another."""
    (tmp_path / "w").mkdir()
    data = annotated(tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "copy", copy_function=shutil.copyfile)
    moved = replace(data, images=tuple(replace(im, path=tmp_path / "copy" / im.path.name) for im in data.images))
    first = moved.images[0]
    fewer = replace(data, images=(replace(first, annotations=first.annotations[1:]), *moved.images[1:]))

    assert data_digest(moved) == data_digest(data) != data_digest(fewer)


def test_a_kill_costs_minutes_however_seldom_is_validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots are written after some time, too: a training that dies before its first validation goes on from there."""
    straight = train(tmp_path / "a", "images=12")
    rates = training.learning_rate

    def dies(about: DetectorConfig, seen: int, progress: float) -> float:
        if seen >= 8:
            raise KeyboardInterrupt
        return rates(about, seen, progress)

    monkeypatch.setattr(loop, "SAFE", 0.0)
    monkeypatch.setattr(training, "learning_rate", dies)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", "images=12")
    seen: list[int] = []

    def counts(about: DetectorConfig, images: int, progress: float) -> float:
        seen.append(images)
        return rates(about, images, progress)

    monkeypatch.setattr(training, "learning_rate", counts)
    resumed = train(tmp_path / "b", "images=12")

    assert min(seen) == 8
    assert (resumed.folder / "weights.safetensors").read_bytes() == (
        straight.folder / "weights.safetensors"
    ).read_bytes()


def test_ctrl_c_waits_until_the_step_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed in the middle of a training's second step, that one is the first that need not be done again."""
    rates, seen = training.learning_rate, list[int]()

    def presses(about: DetectorConfig, images: int, progress: float) -> float:
        seen.append(images)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return rates(about, images, progress)

    monkeypatch.setattr(training, "learning_rate", presses)
    with stoppable(), pytest.raises(Stopped):
        train(tmp_path, "images=12")
    batch = seen[1]
    assert seen == [0, batch]
    train(tmp_path, "images=12")

    assert seen[2] == 2 * batch


def test_a_loss_that_is_not_finite_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate that is no number makes the weights so: the error says what to try, and the catalog says failed."""
    monkeypatch.setattr(training, "learning_rate", lambda *_: math.nan)
    with pytest.raises(TrainingError, match=r"loss is not finite.*--set lr="):
        train(tmp_path, "images=8")
    with Catalog(tmp_path) as catalog:
        record = catalog.run("detector")

    assert record is not None
    assert record.status == "failed"


def test_sets_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """No photos, or validation labels that differ, raise InputError before any work."""
    data = annotated(tmp_path)
    with Catalog(tmp_path) as catalog:
        for train_set, other in [
            (AnnotatedSet(labels=LABELS, images=()), data), (data, AnnotatedSet(labels=("x",), images=data.images)),
        ]:  # fmt: skip
            with pytest.raises(InputError):
                train_detector(train_set, other, catalog, config(), reporter=QUIET)
