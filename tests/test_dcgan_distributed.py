"""Several processes play one game: together they give the samples of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_dcgan_train import losses, packed

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.sample import generate, latents, load_generator
from deepstyle.dcgan.train import train_gan
from deepstyle.errors import ConfigError
from deepstyle.progress import Reporter

SETTINGS = [
    "size=32", "width=8", "max_width=16", "latent=16", "batch_size=16", "grid=4", "score_samples=16",
    "snapshot_every=160", "precision=32", "condition=label", "minibatch_stddev=true", "strength=0.3",
    "ada_images=1000", "lr=0.00003",  # Adam makes a step of any gradient, of one that is rounding alone as well: a small one
]  # fmt: skip

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
import test_dcgan_distributed
test_dcgan_distributed.train(Path(sys.argv[2]), sys.argv[3])
"""


def train(folder: Path, images: str) -> None:
    """Train on packed images, alone or as one of the processes that torchrun started."""
    with Catalog(folder) as catalog:
        train_gan(
            packed(folder), catalog, load_config(GanConfig, "residual-64", [*SETTINGS, f"images={images}"]),
            on_snapshot=None, reporter=Reporter(quiet=True),
        )  # fmt: skip


@pytest.mark.slow
def test_two_processes_give_the_samples_of_one(tmp_path: Path) -> None:
    """Two processes with half of each batch, resumed between, reach the losses and samples of one, within float tolerance."""
    for name in ("one", "two"):
        packed(tmp_path / name)
        Catalog(tmp_path / name).close()
    train(tmp_path / "one", "800")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    for images in ("320", "800"):
        subprocess.run(
            [*command, str(Path(__file__).parent), str(tmp_path / "two"), images], check=True, capture_output=True
        )
    z = latents(range(16), 16)
    one, two = (generate(load_generator(tmp_path / name / "runs/gan-001")[0], z) for name in ("one", "two"))

    assert [path.name for path in (tmp_path / "two/runs").iterdir()] == ["gan-001"]
    assert np.abs(one.astype(int) - two).max() <= 2
    mine, theirs = losses(tmp_path / "one")[-1], losses(tmp_path / "two")[-1]
    for key in ("loss/d", "loss/g", "loss/penalty", "d/real", "augmentation", "gradient/g"):
        assert mine[key] == pytest.approx(theirs[key], rel=0.01, abs=1e-3), key


def test_processes_must_share_a_batch_evenly(tmp_path: Path) -> None:
    """Groups of the minibatch deviation must not be cut: a batch that leaves a process no multiple of four is refused."""
    from deepstyle.dcgan.train import check

    with pytest.raises(ConfigError, match="multiple of 12"):
        check(packed(tmp_path), load_config(GanConfig, "residual-64", SETTINGS), 3)
