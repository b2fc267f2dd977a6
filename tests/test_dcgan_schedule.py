"""Settings that change over the budget, and going on in the middle of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from test_dcgan_game import players, real
from test_dcgan_train import config, losses, packed, train

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.game import look_at
from deepstyle.dcgan.schedule import Pace, pace
from deepstyle.dcgan.train import train_gan
from deepstyle.errors import ConfigError
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

R3GAN = ["lr=0.0002", "lr_end=0.25", "beta2=0.9", "beta2_end=0.99", "penalty_end=0.1", "strength=0", "strength_end=0.3"]


def test_the_settings_follow_a_cosine() -> None:
    """R3GAN's own numbers at the start, after a quarter, in the middle and at the end of a budget."""
    told = load_config(GanConfig, "dcgan-plus-64", R3GAN)
    start, quarter, middle, end = (pace(told, share) for share in (0, 0.25, 0.5, 1))

    assert start == Pace(lr=1, beta2=0.9, penalty=1, strength=0)
    assert (quarter.lr, quarter.penalty) == pytest.approx((1 - 0.75 * 0.1464466, 1 - 0.9 * 0.1464466))
    assert (middle.lr, middle.beta2, middle.penalty, middle.strength) == pytest.approx((0.625, 0.945, 0.55, 0.15))
    assert (end.lr, end.beta2, end.penalty, end.strength) == pytest.approx((0.25, 0.99, 0.1, 0.3))
    assert math.isclose(end.lr * told.lr, 5e-5)


def test_without_end_values_everything_stays() -> None:
    """The presets as they are play the same game from the first image to the last."""
    told = load_config(GanConfig, "dcgan-64")

    assert pace(told, 0.7) == pace(told, 0) == Pace(lr=1, beta2=told.beta2, penalty=1, strength=None)


def test_the_players_keep_pace() -> None:
    """Both optimisers, the penalty and the augmentation are those of the moment; a rollback still halves the rate."""
    p = players(*R3GAN, "penalty_every=1", "ada_target=null")
    a, b = real(p), real(p).flip(2)
    strong = look_at(p, a, b, None)[2]
    p.rollbacks = 1
    p.keep_pace(1.0)
    weak = look_at(p, a, b, None)[2]

    for optimizer in (p.g_optimizer, p.d_optimizer):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(2.5e-5)
        assert optimizer.param_groups[0]["betas"] == pytest.approx((0.0, 0.99))
    assert p.strength == pytest.approx(0.3)
    assert strong is not None
    assert weak is not None
    torch.testing.assert_close(weak, 0.1 * strong)


class Stopped:
    """Presses Ctrl-C at the third snapshot."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, samples: Pixels) -> dict[str, float]:
        self.looks += 1
        if self.looks == 3:
            raise KeyboardInterrupt
        return {"frechet": float(samples.mean())}


def test_resuming_in_the_middle_of_a_schedule_is_exact(tmp_path: Path) -> None:
    """A training interrupted in the middle of its budget ends with the bytes of one that went straight."""
    settings = [
        "images=400", "snapshot_every=136", "norm=none", "loss=relativistic", "r1=1", "r2=1", "penalty_every=4", "ema_ramp=0.1",
        "augment=color,translation,cutout", "upsampling=mixed", *R3GAN,
    ]  # fmt: skip
    train(tmp_path / "a", *settings)
    with Catalog(tmp_path / "b") as catalog, pytest.raises(KeyboardInterrupt):
        train_gan(
            packed(tmp_path / "b"), catalog, config(*settings), on_snapshot=Stopped(), reporter=Reporter(quiet=True)
        )
    train(tmp_path / "b", *settings)

    for name in ("generator.safetensors", "samples/grid-0000000400.png"):
        assert (tmp_path / "a/runs/gan-001" / name).read_bytes() == (tmp_path / "b/runs/gan-001" / name).read_bytes()
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    assert [one["learning_rate"] for one in losses(tmp_path / "a") if "learning_rate" in one] == [
        pytest.approx(5e-5, rel=0.01)
    ]


def test_two_hands_on_the_strength_are_refused() -> None:
    """A schedule of the strength beside adaptive augmentation is refused by both names."""
    with pytest.raises(ConfigError, match=r"ada_target and strength_end"):
        load_config(GanConfig, "residual-64", ["strength_end=0.3"])
