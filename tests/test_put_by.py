"""What a GAN's training puts by between its snapshots: an interruption costs a minute, and not one byte."""

from __future__ import annotations

import io
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from test_dcgan_train import EVERYTHING, config, losses, packed
from test_training import Counter, begin

from deepstyle import training
from deepstyle.budget import Budget
from deepstyle.catalog import Catalog
from deepstyle.dcgan.players import Draws, Players
from deepstyle.dcgan.train import train_gan
from deepstyle.progress import Reporter
from deepstyle.run import Run
from deepstyle.trouble import Stopped, stoppable

SETTINGS = [*EVERYTHING, "images=240", "keep_snapshots=3", "snapshot_every=80"]


def train(folder: Path, said: io.StringIO, judge: str = "") -> None:
    with Catalog(folder) as catalog:
        train_gan(
            packed(folder), catalog, config(*SETTINGS), reporter=Reporter(stream=said), judge=judge,
            on_snapshot=lambda samples: {"frechet": float(samples.mean())},
        )  # fmt: skip


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "runs/gan-001/snapshots").iterdir())


def interrupt(folder: Path, said: io.StringIO, step: int, judge: str = "") -> None:
    """Ctrl-C before that step, of a training that puts its state by after each."""
    draw = Players.draw

    def stop(p: Players) -> Draws:
        if p.step == step:
            raise KeyboardInterrupt
        return draw(p)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAFE", 0.0)
        patch.setattr(training, "SHARE", math.inf)
        patch.setattr(Players, "draw", stop)
        with pytest.raises(KeyboardInterrupt):
            train(folder, said, judge)


def test_an_interruption_between_snapshots_costs_nothing(tmp_path: Path) -> None:
    """It says where the run goes on; from there the same command ends with the bytes, losses and snapshots of no break."""
    said = io.StringIO()
    train(tmp_path / "straight", io.StringIO())
    interrupt(tmp_path, said, 27)
    before = checkpoints(tmp_path)
    train(tmp_path, said)
    one, other = (root / "runs/gan-001" for root in (tmp_path / "straight", tmp_path))

    assert "run gan-001 goes on from 216 images, with the same command" in said.getvalue()
    assert "continues at 216 images" in said.getvalue()
    assert before == ["0000000000.pt", "0000000080.pt", "0000000160.pt", "0000000216.state"]
    assert checkpoints(tmp_path) == checkpoints(tmp_path / "straight")
    for name in ("generator.safetensors", "samples/grid-0000000240.png"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert losses(tmp_path) == losses(tmp_path / "straight")


def test_another_judge_leaves_what_was_put_by(tmp_path: Path) -> None:
    """A new judge that finds a state between snapshots measures the snapshots, and adds none."""
    said = io.StringIO()
    interrupt(tmp_path, said, 12)
    interrupt(tmp_path, said, 12, judge="other eye")

    assert "judged by other eye from now on" in said.getvalue()
    assert checkpoints(tmp_path) == ["0000000000.pt", "0000000080.pt", "0000000096.state"]


class Slow(Counter):
    """It takes three seconds to write down."""

    now = 0.0

    def dump(self) -> dict[str, Any]:
        self.now += 3
        return super().dump()


def test_the_state_is_put_by_once_a_minute(tmp_path: Path) -> None:
    """After a minute of work, then after a hundred times what that took; weights that are not finite are not."""
    learner = Slow()
    with Catalog(tmp_path) as catalog, begin(catalog) as t:
        t.resume(learner)
        t.budget = Budget(100, None, clock=lambda: learner.now)
        written = []
        for seconds, weight in ((59, 1.0), (99, 1.0), (401, 1.0), (403, 1.0), (999, math.nan)):
            learner.now, learner.images = float(seconds), seconds
            torch.nn.init.constant_(learner.network.weight, weight)
            t.put_by()
            written.append([path.stem.lstrip("0") for path in (t.run.folder / "snapshots").glob("*.state")])

    assert written == [[], ["99"], ["99"], ["403"], ["403"]]


def test_what_is_put_by_gives_way(tmp_path: Path) -> None:
    """A newer state takes its place, a snapshot ends it, a damaged one is told and the snapshot before goes on."""
    said: list[str] = []
    with Catalog(tmp_path) as catalog, Run.open(catalog, "gan", config(), data_key="k") as run:
        run.save(80, {}, keep=2)
        run.put_by(90, {})
        run.put_by(100, {})
        newest = run.latest(said.append)
        assert checkpoints(tmp_path) == ["0000000080.pt", "0000000100.state"]
        (run.folder / "snapshots/0000000100.state").write_bytes(b"torn")
        before = run.latest(said.append)
        run.start(80)
        assert checkpoints(tmp_path) == ["0000000080.pt", "0000000100.state.damaged"]
        run.put_by(120, {})
        run.save(160, {}, keep=2)

    assert (newest or {})["images"] == 100
    assert (before or {})["images"] == 80
    assert "run gan-001 goes back to the snapshot before" in said[0]
    assert checkpoints(tmp_path) == ["0000000080.pt", "0000000100.state.damaged", "0000000160.pt"]


def test_ctrl_c_costs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the middle of a step it waits for the step's end and saves it; the same command ends as if there had been no break."""
    said = io.StringIO()
    train(tmp_path / "straight", io.StringIO())
    draw = Players.draw

    def press(p: Players) -> Draws:
        if p.step == 14:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(p)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Players, "draw", press)
        with stoppable(), pytest.raises(Stopped):
            train(tmp_path, said)
    before = checkpoints(tmp_path)
    train(tmp_path, said)

    assert "ending as soon as this step is saved; once more ends it at once" in capfd.readouterr().err
    assert "run gan-001 goes on from 120 images, with the same command" in said.getvalue()
    assert before == ["0000000000.pt", "0000000080.pt", "0000000120.state"]
    name = "runs/gan-001/generator.safetensors"
    assert (tmp_path / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert losses(tmp_path) == losses(tmp_path / "straight")
