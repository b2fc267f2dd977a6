"""A classifier's runs: begun again, by name, and continued after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_classifier import CONFIG, QUIET, make_table

from deepstyle.catalog import Catalog
from deepstyle.classifier.train import TrainedClassifier, train_classifier


def test_fresh_starts_another_run(tmp_path: Path) -> None:
    """``fresh`` trains again, in the next run folder, to the same weights: the seed decides."""
    table, config = make_table(tmp_path / "photos", 12), CONFIG.model_copy(update={"images": 32})
    with Catalog(tmp_path) as catalog:
        first = train_classifier(table, catalog, config, reporter=QUIET)
        before = (first.folder / "weights.safetensors").read_bytes()
        second = train_classifier(table, catalog, config, reporter=QUIET, fresh=True)

    assert (first.run, second.run) == ("classifier-001", "classifier-002")
    assert (second.folder / "weights.safetensors").read_bytes() == before


def test_another_name_is_another_run(tmp_path: Path) -> None:
    """``--name`` belongs to a run: another model's is not continued, and each is when its name is given again."""
    table, config = make_table(tmp_path / "photos", 12), CONFIG.model_copy(update={"images": 32})
    more = config.model_copy(update={"images": 64})
    with Catalog(tmp_path) as catalog:
        made = [train_classifier(table, catalog, config, reporter=QUIET, name=name).run for name in ("whole", "half")]
        again = [train_classifier(table, catalog, more, reporter=QUIET, name=name).run for name in ("whole", "half")]

    assert made == again == ["classifier-001", "classifier-002"]


CHILD = """
import os, signal, sys, torch
from pathlib import Path
from deepstyle.catalog import Catalog
from deepstyle.config import ClassifierConfig
from deepstyle.progress import Reporter
from deepstyle.weights import load_checkpoint, read_weights
from deepstyle.classifier.train import train_classifier
from deepstyle.run import Run
sys.path.insert(0, sys.argv[1])
from test_classifier import make_table
torch.set_num_threads(1)
save = Run.save

def die(run, images, *rest, **more):
    if run.snapshots():  # at the second one
        os.kill(os.getpid(), signal.SIGKILL)
    return save(run, images, *rest, **more)

Run.save = die
root = Path(sys.argv[2])
config = ClassifierConfig.model_validate_json(sys.argv[3])
with Catalog(root) as catalog:
    train_classifier(make_table(root / "photos"), catalog, config, reporter=Reporter(quiet=True), save_every=0)
"""


@pytest.mark.slow
def test_killed_run_continues_to_the_same_weights(tmp_path: Path) -> None:
    """A run killed with SIGKILL after its first checkpoint ends, continued, exactly where an undisturbed one ends."""
    config = CONFIG.model_copy(update={"images": 24 * 16, "lr": 1e-3})
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    table = make_table(killed / "photos")
    shutil.copytree(killed / "photos", whole / "photos")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(killed), config.model_dump_json()],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}, check=False,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL
    snapshots = killed / "runs" / "classifier-001" / "snapshots"
    seen = max(int(path.stem) for path in snapshots.glob("0*.pt"))

    with Catalog(killed) as catalog:
        continued = train_classifier(table, catalog, config, reporter=QUIET)
    with Catalog(whole) as catalog:
        straight = train_classifier(make_table(whole / "photos"), catalog, config, reporter=QUIET)

    assert 0 < seen < config.images
    assert continued.run == "classifier-001"
    for name in ("top1", "top3", "loss", "images"):
        assert getattr(continued, name) == getattr(straight, name)
    assert _file(continued) == _file(straight)
    assert _points(killed) == _points(whole)


def _file(result: TrainedClassifier) -> bytes:
    return (result.folder / "weights.safetensors").read_bytes()


def _points(root: Path) -> list[dict[str, float]]:
    lines = (root / "runs" / "classifier-001" / "stats.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "images_per_second"} for line in lines]
