"""Run folders: resuming, trimming, locking, budgets."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_dcgan_train import TINY
from test_sampling import add_garments

from deepstyle.budget import Budget
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import ModelError, UsageError
from deepstyle.run import Run
from deepstyle.weights import save_checkpoint


def config(*overrides: str) -> GanConfig:
    return load_config(GanConfig, None, overrides)


def test_the_same_config_continues_and_another_starts_anew(tmp_path: Path) -> None:
    """Budgets may change between a run and its continuation; anything else, other data, or fresh is a new run.

    Any earlier one continues, however many were begun since; of equal ones the newest.
    """
    with Catalog(tmp_path) as catalog:
        names = []
        for made, key, fresh in [
            (config(), "k", False), (config("minutes=5"), "k", False), (config("lr=0.1"), "k", False),
            (config("lr=0.1"), "other", False), (config("lr=0.1"), "other", True), (config(), "k", False),
            (config("lr=0.1"), "k", False), (config("lr=0.1"), "other", False), (config("lr=0.1"), "third", False),
        ]:  # fmt: skip
            with Run.open(catalog, "gan", made, data_key=key, fresh=fresh) as run:
                names.append(int(run.name.removeprefix("gan-")))

    assert names == [1, 1, 2, 3, 4, 1, 2, 4, 5]


def test_the_thousandth_run_comes_after_the_others(tmp_path: Path) -> None:
    """Runs are numbered, not sorted as text, and what is not ours among them is left alone."""
    for name in ("gan-999", "gan-1000", "gan-old", "gan-1001.bak"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        assert run.name == "gan-1001"


@pytest.mark.parametrize("setting", ["images=5", "minutes=5", "keep_snapshots=7"])
def test_a_budget_may_change(tmp_path: Path, setting: str) -> None:
    """Images, minutes and the number of snapshots that are kept are no part of what a run is: it continues."""
    with Catalog(tmp_path) as catalog:
        for made in (config(), config(setting)):
            with Run.open(catalog, "gan", made, data_key="k") as run:
                assert run.name == "gan-001"


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

    assert [(e.step, e.value) for e in events.Scalars("3 GAN game/loss")] == [(10, 10.0), (20, 20.0), (30, -1.0)]


def test_only_the_newest_snapshots_are_kept(tmp_path: Path) -> None:
    """Older snapshots are deleted, the newest is what latest() reads."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        assert run.latest(print) is None
        for images in (5, 10, 15):
            run.save(images, {"x": images}, keep=2)
        state = run.latest(print)

        assert [path.stem for path in run.snapshots()] == ["0000000010", "0000000015"]
        assert state is not None
        assert (state["images"], state["x"]) == (15, 15)


def test_a_snapshot_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A classifier's checkpoint in a GAN's folder raises ModelError naming the file."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        save_checkpoint(run.folder / "snapshots/0000000001.pt", {"kind": "classifier", "images": 1})

        with pytest.raises(ModelError, match="another kind"):
            run.latest(print)


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


def test_what_a_killed_process_was_writing_is_no_snapshot(tmp_path: Path) -> None:
    """A process killed inside the write of a snapshot leaves a hidden temporary file, which nothing trips over."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        (run.folder / "snapshots").mkdir()
        (run.folder / "snapshots/.tmp-abc.pt").write_bytes(b"PK half")

        assert run.latest(print) is None
        run.save(5, {"x": 1}, keep=1)
        assert [path.name for path in run.snapshots()] == ["0000000005.pt"]


def damage(path: Path) -> None:
    """Overwrite 5 KB in the middle of a file."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 5000] = np.random.default_rng(0).bytes(5000)
    path.write_bytes(data)


def test_a_damaged_snapshot_is_told_and_the_one_before_goes_on(tmp_path: Path) -> None:
    """The newest snapshot that can be read is taken, a line says why; the damaged one is put aside, not deleted."""
    said: list[str] = []
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        for images in (5, 10):
            run.save(images, {"x": torch.full((9999,), images)}, keep=2)
        damage(run.folder / "snapshots/0000000010.pt")
        state = run.latest(said.append)
        assert state is not None
        run.start(state["images"])

        assert state["images"] == 5
        assert "0000000010.pt: damaged" in said[0]
        assert "snapshot before" in said[0]
        assert [path.name for path in run.snapshots()] == ["0000000005.pt"]
        assert (run.folder / "snapshots/0000000010.pt.damaged").is_file()


def test_a_run_whose_only_snapshot_is_damaged_says_what_to_do(tmp_path: Path) -> None:
    """Without another snapshot the error names the file, the folder to delete, and --fresh."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        run.save(5, {"x": torch.zeros(9999)}, keep=2)
        damage(run.folder / "snapshots/0000000005.pt")

        with pytest.raises(ModelError, match=r"0000000005\.pt: damaged.*delete .*snapshots.*--fresh"):
            run.latest(print)


def test_damaged_statistics_are_left_out(tmp_path: Path) -> None:
    """Lines of stats.jsonl that are no lines of it (torn, or of other bytes) are left out when they are read."""
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        (run.folder / "stats.jsonl").write_bytes(b'{"images": 1}\n\xff\xfe\x00\n{"images": 2}\n{"ima')

        assert run.stats() == [{"images": 1}, {"images": 2}]


def test_an_older_run_that_went_on_is_named_for_what_comes_next(tmp_path: Path) -> None:
    """After settings A, then B, A's command goes on with A's run, and says that sample must be told its name."""
    with Catalog(tmp_path) as catalog:
        add_garments(catalog)
    flags = [flag for one in [*TINY, "augment=[]"] for flag in ("--set", one)]
    base = ["-q", "-w", str(tmp_path), "train-gan", "--config", "dcgan-32", *flags, "--images"]
    told = [CliRunner().invoke(main, [*base, *more]) for more in (["8"], ["8", "--set", "seed=1"], ["16"])]

    assert [one.exit_code for one in told] == [0, 0, 0]
    assert "run gan-001 is in" in told[2].output
    assert "deepstyle sample --run gan-001" in told[2].output
    assert "--run" not in told[0].output + told[1].output
