"""Run folders: resuming, trimming, locking, budgets."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import ModelError, UsageError
from deepstyle.run import Budget, Run
from deepstyle.weights import save_checkpoint


def config(*overrides: str) -> GanConfig:
    return load_config(GanConfig, None, overrides)


def test_the_same_config_continues_and_another_starts_anew(tmp_path: Path) -> None:
    """Budgets may change between a run and its continuation; anything else, other data, or fresh is a new run."""
    with Catalog(tmp_path) as catalog:
        names = []
        for made, key, fresh in [
            (config(), "k", False), (config("minutes=5"), "k", False), (config("lr=0.1"), "k", False),
            (config("lr=0.1"), "other", False), (config("lr=0.1"), "other", True),
        ]:  # fmt: skip
            with Run.open(catalog, "gan", made, data_key=key, fresh=fresh) as run:
                names.append(run.name)

    assert names == ["gan-001", "gan-001", "gan-002", "gan-003", "gan-004"]


def test_later_points_are_dropped_on_resume(tmp_path: Path) -> None:
    """What was logged after the last snapshot, and a torn last line, vanish when the run continues."""
    with Catalog(tmp_path) as catalog:
        with Run.open(catalog, "gan", config(), data_key="k") as run:
            run.start(0)
            for images in (10, 20, 30):
                run.log(images, {"loss": float(images)})
            with (run.folder / "stats.jsonl").open("a") as out:
                out.write('{"images": 40, "lo')
        with Run.open(catalog, "gan", config(), data_key="k") as run:
            run.start(20)
            run.log(30, {"loss": -1.0})

            assert [(p["images"], p["loss"]) for p in run.stats()] == [(10, 10.0), (20, 20.0), (30, -1.0)]


def test_tensorboard_shows_each_point_once(tmp_path: Path) -> None:
    """After a resume TensorBoard has one value per step, the newer one."""
    with Catalog(tmp_path) as catalog:
        with Run.open(catalog, "gan", config(), data_key="k") as run:
            run.start(0)
            for images in (10, 20, 30):
                run.log(images, {"loss": float(images)})
        time.sleep(1.1)  # TensorBoard tells its files apart by the second they began in
        with Run.open(catalog, "gan", config(), data_key="k") as run:
            run.start(20)
            run.log(30, {"loss": -1.0})
        events = EventAccumulator(str(run.folder)).Reload()

    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 10.0), (20, 20.0), (30, -1.0)]


def test_only_the_newest_snapshots_are_kept(tmp_path: Path) -> None:
    """Older snapshots are deleted, the newest is what latest() reads."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        assert run.latest() is None
        for images in (5, 10, 15):
            run.save(images, {"x": images}, keep=2)
        state = run.latest()

        assert [path.stem for path in run.snapshots()] == ["0000000010", "0000000015"]
        assert state is not None
        assert (state["images"], state["x"]) == (15, 15)


def test_a_snapshot_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A classifier's checkpoint in a GAN's folder raises ModelError naming the file."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        save_checkpoint(run.folder / "snapshots/0000000001.pt", {"kind": "classifier", "images": 1})

        with pytest.raises(ModelError, match="another kind"):
            run.latest()


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    """Opening a run that is being trained raises UsageError."""
    with (
        Catalog(tmp_path) as catalog,
        Run.open(catalog, "gan", config(), data_key="k"),
        pytest.raises(UsageError, match="another process"),
    ):
        Run.open(catalog, "gan", config(), data_key="k")


def test_budget_is_whichever_is_further() -> None:
    """Progress is the larger share of images and of minutes, counting what earlier processes spent."""
    now = iter([0.0, 30.0, 30.0, 30.0])
    budget = Budget(100, 1.0, spent=15.0, clock=lambda: next(now))

    assert budget.progress(10) == 0.75
    assert budget.progress(90) == 0.9
    assert budget.progress(1000) == 1.0
    assert Budget(100, None).progress(50) == 0.5
