"""What several processes need to play one game; that together they give the samples of one is in test_torchrun.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_dcgan_train import packed

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.train import check, train_gan
from deepstyle.errors import ConfigError
from deepstyle.progress import Reporter

SETTINGS = [
    "size=32", "width=8", "max_width=16", "latent=16", "batch_size=8", "grid=4", "score_samples=16",
    "snapshot_every=160", "precision=32", "condition=label", "minibatch_stddev=true", "strength=0.3",
    "ada_images=500", "lr=0.00003",  # Adam makes a step of any gradient, of one that is rounding alone as well: a small one
]  # fmt: skip


def train(folder: Path, images: str) -> None:
    """Train on packed images, alone or as one of the processes that torchrun started."""
    with Catalog(folder) as catalog:
        train_gan(
            packed(folder), catalog, load_config(GanConfig, "residual-64", [*SETTINGS, f"images={images}"]),
            on_snapshot=None, reporter=Reporter(quiet=True),
        )  # fmt: skip


def test_processes_must_share_a_batch_evenly(tmp_path: Path) -> None:
    """Groups of the minibatch deviation must not be cut: a batch that leaves a process no multiple of four is refused."""
    with pytest.raises(ConfigError, match="multiple of 12"):
        check(packed(tmp_path), load_config(GanConfig, "residual-64", SETTINGS), 3)
