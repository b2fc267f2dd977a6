"""What a training keeps, the best of it, and the way back after a collapse."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from test_dcgan_train import TINY, losses, packed

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.players import Draws, Players
from deepstyle.dcgan.sample import generate, latents, load_generator
from deepstyle.dcgan.snapshots import OnSnapshot
from deepstyle.dcgan.train import TrainedGan, collapsed, train_gan
from deepstyle.engine import make_fabric
from deepstyle.errors import ModelError, TrainingError
from deepstyle.progress import Reporter

PLUS = [*TINY, "max_width=16", "augment=[]", "snapshot_every=200"]
SHORT = ["images=400", "snapshot_every=80"]  # 50 steps of 8: the losses are looked at once, at the end


@pytest.fixture
def explodes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A game in which a weight overflows at the given step, until there was a rollback: on every CPU alike."""

    def arrange(step: int) -> None:
        draw = Players.draw

        def overflow(p: Players) -> Draws:
            if p.step == step and p.rollbacks == 0:
                next(p.generator.parameters()).data.fill_(float("inf"))
            return draw(p)

        monkeypatch.setattr(Players, "draw", overflow)

    return arrange


def train(
    folder: Path, settings: list[str], said: io.StringIO | None = None, on_snapshot: OnSnapshot | None = None,
    judge: str = "",
) -> TrainedGan:  # fmt: skip
    with Catalog(folder) as catalog:
        return train_gan(
            packed(folder), catalog, load_config(GanConfig, "residual-64", settings), on_snapshot=on_snapshot,
            reporter=Reporter(stream=said or io.StringIO()), judge=judge,
        )  # fmt: skip


def test_an_explosion_is_rolled_back(tmp_path: Path, explodes: Callable[..., None]) -> None:
    """Numbers that overflow are said, the game returns to the last good snapshot at half the rate, and reaches its end."""
    said = io.StringIO()
    explodes(25)
    result = train(tmp_path, [*PLUS, *SHORT, "lr=0.002"], said)

    assert result.rollbacks == 1
    assert re.search(r"is (nan|inf) at 240 images: back to 160, learning rate 0.001 \(rollback 1\)", said.getvalue())
    assert result.images == 400
    lines = losses(result.folder.parent.parent)
    assert lines[-1]["learning_rate"] == pytest.approx(0.001)
    assert [line["images"] for line in lines] == sorted(line["images"] for line in lines)
    assert all(np.isfinite(list(line.values())).all() for line in lines)


def test_resuming_after_a_rollback_gives_the_bytes_of_going_straight(
    tmp_path: Path, explodes: Callable[..., None]
) -> None:
    """A restart between a rollback and the end changes no byte: rate, count and random numbers are in the snapshot."""
    explodes(25)
    straight = train(tmp_path / "a", [*PLUS, *SHORT])
    train(tmp_path / "b", [*PLUS, *SHORT, "images=280"])
    resumed = train(tmp_path / "b", [*PLUS, *SHORT])

    assert resumed.rollbacks == straight.rollbacks == 1
    for name in ("generator.safetensors", "samples/grid-0000000400.png"):
        assert (straight.folder / name).read_bytes() == (resumed.folder / name).read_bytes()


def test_too_many_collapses_fail_the_run(tmp_path: Path, explodes: Callable[..., None]) -> None:
    """Without rollbacks left the training stops with what happened and what to try; the last snapshot is finite."""
    explodes(5)
    with pytest.raises(TrainingError, match=r"(?s)gan-001, .* is (inf|nan).* at 104 images.*--set lr=0\.05"):
        train(tmp_path, [*PLUS, "lr=0.1", "rollbacks=0", "snapshot_every=100", "images=1200"])
    with Catalog(tmp_path) as catalog:
        row = catalog.run("gan")

    assert row is not None
    assert row.status == "failed"
    assert all(
        value.isfinite().all()
        for value in weights.read_weights(tmp_path / "runs/gan-001/generator.safetensors").values()
    )


def test_the_best_is_kept_beside_the_last(tmp_path: Path) -> None:
    """best.safetensors holds the generator with the lowest Frechet distance, generator.safetensors the last one."""
    figures = iter([5.0, 2.0, 3.0, 4.0])
    seen = []

    def judge(samples: np.ndarray) -> dict[str, float]:
        seen.append(samples.copy())
        return {"frechet": next(figures)}

    settings = [*PLUS, "images=240", "snapshot_every=80"]
    result = train(tmp_path, settings, on_snapshot=judge)
    again = [generate(load_generator(result.folder, best=best)[0], latents(range(1_000_000, 1_000_016), 16))
             for best in (True, False)]  # fmt: skip

    assert result.best == {"frechet": 2.0, "images": 80}
    assert (again[0] == seen[1]).all()
    assert (again[1] == seen[3]).all()
    assert train(tmp_path, settings).best == result.best


def test_another_judge_measures_what_is_kept_again(tmp_path: Path) -> None:
    """Figures of two judges are never compared: the best and the kept snapshots compete again by the new one's figures."""
    figures = iter([5.0, 2.0, 3.0, 4.0])
    looked = []

    def other(samples: np.ndarray) -> dict[str, float]:
        looked.append(samples.copy())
        return {"frechet": 100.0 - len(looked), "coverage": 0.3}

    settings = [*PLUS, "images=240", "snapshot_every=80"]
    first = train(
        tmp_path, settings, on_snapshot=lambda _: {"frechet": next(figures), "coverage": 0.9}, judge="eye at 96 px"
    )
    assert train(tmp_path, settings, on_snapshot=other, judge="eye at 96 px").best == first.best
    assert not looked
    second = train(tmp_path, settings, on_snapshot=other, judge="other eye")
    made = generate(load_generator(second.folder, best=True)[0], latents(range(1_000_000, 1_000_016), 16))

    assert first.best == {"frechet": 2.0, "images": 80}
    assert (second.first, second.last) == ({}, {"frechet": 97.0, "coverage": 0.3})
    assert (first.verdict[-1], second.verdict[-1]) == (
        "covers 90% of the real garments",
        "covers 30% of the real garments",
    )
    assert second.best == {"frechet": 97.0, "images": 240}
    with Catalog(tmp_path) as catalog:
        row = catalog.run("gan")
    assert row is not None
    assert row.figures["verdict"] == second.verdict
    assert (made == looked[-1]).all()
    assert train(tmp_path, settings, on_snapshot=other, judge="other eye").best == second.best
    assert len(looked) == 3


def test_no_judge_no_best(tmp_path: Path) -> None:
    """Without figures there is no best generator, and asking for it says what it takes."""
    result = train(tmp_path, [*PLUS, "images=80"])

    assert result.best == {}
    with pytest.raises(ModelError, match="classifier"):
        load_generator(result.folder, best=True)


def test_a_collapse_is_judged_over_a_window() -> None:
    """Twenty looks at a discriminator that is sure of everything are a complaint; memory stays bounded."""
    torch.manual_seed(0)
    p = Players(load_config(GanConfig, "residual-64", PLUS), make_fabric("32"), 40)
    verdicts = [collapsed(p, {"d/real": 0.999, "d/fake": 0.001, "variety": 0.8}) for _ in range(20)]

    assert verdicts[:19] == [None] * 19
    assert "discriminator collapse" in str(verdicts[19])
    assert len(p.points) == 20


def test_a_snapshot_opens_without_running_code(tmp_path: Path) -> None:
    """A snapshot holds tensors and plain values only, and everything that changes."""
    result = train(tmp_path, [*PLUS, "images=80"])
    state = weights.load_checkpoint(next((result.folder / "snapshots").glob("*80.pt")))

    assert {"step", "rollbacks", "best", "strength", "signs", "penalty", "points", "seconds"} <= set(state)
    assert json.loads(json.dumps(state["best"])) == {}


def test_a_snapshot_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """A snapshot without what rollbacks and adaptive augmentation need is continued from, at its images."""
    said = io.StringIO()
    result = train(tmp_path, [*PLUS, "images=80"])
    path = next((result.folder / "snapshots").glob("*80.pt"))
    state = weights.load_checkpoint(path)
    new = {"rollbacks", "best", "strength", "signs", "penalty", "points"}
    weights.save_checkpoint(path, {name: value for name, value in state.items() if name not in new})

    assert train(tmp_path, [*PLUS, "images=160"], said).images == 160
    assert "continues at 80 images" in said.getvalue()


ODD: list[dict[str, object]] = [
    {"step": None}, {"generator": [1, 2]}, {"generator": {"x": 1}}, {"g_optimizer": {}}, {"first": 3}, {"points": [{"x": 1}]},
    {"strength": "much"}, {"seconds": "long"}, {"rollbacks": {}}, {"since": "x"}, {"collapses": 3}, {"collapses": ["x"]},
]  # fmt: skip
LATER = {"points", "judge", "since", "collapses"}  # what snapshots of former releases do not have


def test_odd_snapshots_are_refused(tmp_path: Path) -> None:
    """A snapshot that lacks something, or holds something else in its place, is a ModelError that names the run."""
    made = load_config(GanConfig, "residual-64", [*PLUS, "ada_target=0.6", "augment=color"])
    fabric = make_fabric("32")
    whole = Players(made, fabric, 40).dump() | {"images": 0}
    broken = [whole | odd for odd in ODD] + [
        {k: v for k, v in whole.items() if k != name} for name in whole if name not in LATER
    ]

    Players(made, fabric, 40).load(whole, "gan-001")
    for state in broken:
        with pytest.raises(ModelError, match="gan-001"):
            Players(made, fabric, 40).load(state, "gan-001")


def test_a_damaged_snapshot_costs_time_only(tmp_path: Path) -> None:
    """With its newest snapshot damaged the same command says so, goes on from the one before, and ends with the same bytes."""
    said = io.StringIO()
    settings = [*PLUS, "snapshot_every=40"]
    straight = train(tmp_path / "a", [*settings, "images=120"])
    stopped = train(tmp_path / "b", [*settings, "images=80"])
    newest = stopped.folder / "snapshots/0000000080.pt"
    damaged = bytearray(newest.read_bytes())
    damaged[20_000:25_000] = bytes(5_000)
    newest.write_bytes(damaged)
    resumed = train(tmp_path / "b", [*settings, "images=120"], said)

    assert "0000000080.pt: damaged" in said.getvalue()
    assert "continues at 40 images" in said.getvalue()
    for name in ("generator.safetensors", "samples/grid-0000000120.png"):
        assert (straight.folder / name).read_bytes() == (resumed.folder / name).read_bytes()
