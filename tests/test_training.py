"""What every training shares, with a learner written by hand: opening, resuming, ending, and what the catalog says of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from deepstyle import weights
from deepstyle.budget import Budget
from deepstyle.catalog import Catalog
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.engine import make_fabric
from deepstyle.errors import ModelError, TrainingError
from deepstyle.progress import Reporter
from deepstyle.status import status_of
from deepstyle.training import Training, opened

SETTINGS = ["batch_size=10", "images=100", "precision=32"]


class Counter:
    """Learns to count its steps."""

    def __init__(self) -> None:
        self.network = nn.Linear(1, 1)
        self.images, self.step, self.spent = 0, 0, 0.0

    def dump(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "step": self.step, "seconds": self.spent}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        with weights.restoring(origin):
            weights.fill(self.network, state["network"], origin=origin)
            self.images, self.step, self.spent = int(state["images"]), int(state["step"]), float(state["seconds"])


def config(*overrides: str) -> ClassifierConfig:
    return load_config(ClassifierConfig, None, [*SETTINGS, *overrides])


def begin(
    catalog: Catalog, *overrides: str, key: str = "k", said: io.StringIO | None = None
) -> AbstractContextManager[Training[ClassifierConfig]]:
    reporter = Reporter(stream=said or io.StringIO())
    return opened(catalog, "classifier", config(*overrides), data_key=key, reporter=reporter, fabric=make_fabric("32"))


def train(catalog: Catalog, *overrides: str, model: Path | None = None, said: io.StringIO | None = None) -> list[int]:
    """Train to the end; the images seen at each step that was done now."""
    seen = []
    with begin(catalog, *overrides, said=said) as t:
        learner = Counter()
        if t.resume(learner, model=model) is None:
            with t.task("counting"):
                while not t.over:
                    t.count()
                    seen.append(learner.images)
                    t.save()
            t.done({"steps": learner.step, "run": t.run.name})
    return seen


def status(catalog: Catalog, name: str = "classifier-001") -> tuple[str, dict[str, Any]]:
    record = catalog.run("classifier", name)
    assert record is not None
    return record.status, record.figures


def test_a_training_is_done_once(tmp_path: Path) -> None:
    """It trains to its budget, is recorded as done, is only reported then, and goes on when the budget grows."""
    said = io.StringIO()
    with Catalog(tmp_path) as catalog:
        assert train(catalog) == list(range(10, 101, 10))
        assert status(catalog) == ("done", {"steps": 10, "run": "classifier-001"})
        assert train(catalog, said=said) == []
        assert train(catalog, "images=120", said=said) == [110, 120]

    assert "classifier-001 is done already" in said.getvalue()
    assert "continues at 100 images" in said.getvalue()


def test_another_number_of_threads_is_said(tmp_path: Path) -> None:
    """A run that continues with other threads than it had says what that means and how to keep them; else nothing."""
    told, before = [], torch.get_num_threads()
    try:
        with Catalog(tmp_path) as catalog:
            for threads, images in ((2, 100), (2, 110), (3, 120)):
                torch.set_num_threads(threads)
                said = io.StringIO()
                train(catalog, f"images={images}", said=said)
                told.append("with 3 threads, before with 2" in said.getvalue())
    finally:
        torch.set_num_threads(before)

    assert told == [False, False, True]
    assert "OMP_NUM_THREADS=2 keeps them" in said.getvalue()


def test_a_training_says_where_its_settings_are(tmp_path: Path) -> None:
    """One line names the run's config.yaml, in which every setting stands."""
    said = io.StringIO()
    with Catalog(tmp_path) as catalog:
        train(catalog, said=said)
    (line,) = [line for line in said.getvalue().splitlines() if "all its settings are in" in line]

    assert load_config(ClassifierConfig, Path(line.rpartition(" in ")[2])) == config()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TrainingError("the loss is nan"), "failed"),
        (ZeroDivisionError("a bug"), "failed"),
        (KeyboardInterrupt(), "running"),
    ],
)
def test_how_a_training_broke_off_is_recorded(tmp_path: Path, error: BaseException, outcome: str) -> None:
    """Any error fails the run, with its words; an interruption leaves it stopped; the same command continues either."""
    with Catalog(tmp_path) as catalog:
        train(catalog)
        with pytest.raises(type(error)), begin(catalog, "images=200") as t:  # noqa: PT012  # what is inside raises
            learner = Counter()
            assert t.resume(learner) is None
            with t.task("counting"):
                t.count()
                t.save()
                assert [run["status"] for run in status_of(catalog).runs.values()] == ["running"]
                raise error
        figures = {"complaint": str(error)} if outcome == "failed" else {}
        assert status(catalog) == (outcome, figures)
        [run] = status_of(catalog).runs.values()
        assert run["status"] == ("stopped" if outcome == "running" else outcome)  # as `deepstyle status` tells it
        assert train(catalog, "images=200")[0] == 120
        assert status(catalog)[0] == "done"


def test_a_snapshot_that_does_not_fit_fails_nothing_that_was_done(tmp_path: Path) -> None:
    """An odd snapshot of a finished run is a ModelError; the catalog still says that the run is done."""
    with Catalog(tmp_path) as catalog:
        train(catalog)
        weights.save_checkpoint(
            tmp_path / "runs/classifier-001/snapshots/0000000100.pt", {"kind": "classifier", "images": 100}
        )
        with pytest.raises(ModelError, match=r"classifier-001.*network.*--fresh"):
            train(catalog)
        assert status(catalog)[0] == "done"


def test_a_snapshot_is_written_of_finite_weights_only(tmp_path: Path) -> None:
    """Weights that are not finite fail the training; the snapshot before is the last one."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(TrainingError, match=r"network.*not finite \(bias\) after 20 images.*--set lr="):  # noqa: PT012, SIM117
            with begin(catalog) as t:
                learner = Counter()
                t.resume(learner)
                with t.task("counting"):
                    t.count()
                    t.save()
                    t.count()
                    learner.network.bias.data[0] = torch.nan
                    t.save()
        assert status(catalog)[0] == "failed"
        assert [path.stem for path in (tmp_path / "runs/classifier-001/snapshots").iterdir()] == ["0000000010"]


def test_a_model_of_another_run_is_written_again(tmp_path: Path) -> None:
    """A finished run whose model folder was lost, or made by another run since, has something left to do."""
    model, said = tmp_path / "models/m", io.StringIO()
    with Catalog(tmp_path) as catalog:
        for makers in ("classifier-001", "classifier-002", None):
            train(catalog)
            if makers is None:
                (model / "model.json").unlink()
            else:
                about = {"figures": {"run": makers}}
                weights.save_model(model, nn.Linear(1, 1), config_yaml="", labels=("a",), about=about)
            with begin(catalog, said=said) as t:
                figures = t.resume(Counter(), model=model)
                assert t.over
                t.done({"steps": 10})
            assert (figures is not None) == (makers == "classifier-001")

    assert said.getvalue().count("written again") == 2


def test_what_is_due_follows_the_images_and_never_the_end(tmp_path: Path) -> None:
    """A look is due when a multiple was passed, and not at the last step, which is looked at anyway; also on a clock."""
    with Catalog(tmp_path) as catalog, begin(catalog, "images=60", "minutes=1") as t:
        now = [0.0]
        t.resume(Counter())
        t.budget = Budget(60, 1.0, clock=lambda: now[0])
        due = []
        with t.task("counting"):
            while not t.over:
                now[0] = 60.0 if t.learner.images == 30 else 0.0
                t.count()
                due.append((t.learner.images, t.passed(20), t.every(2)))

    assert due == [(10, False, False), (20, True, True), (30, False, False), (40, False, True)]


def test_points_have_a_rate(tmp_path: Path) -> None:
    """Each point in stats.jsonl has the images per second since the one before."""
    with Catalog(tmp_path) as catalog, begin(catalog) as t:
        t.resume(Counter())
        with t.task("counting"):
            t.count()
            t.log({"loss": 1.0})
        points = t.run.stats()

    assert [(point["images"], point["loss"]) for point in points] == [(10, 1.0)]
    assert points[0]["images_per_second"] > 0
