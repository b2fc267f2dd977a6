"""The mark of the sheets that a score draws of samples beside real images: in their file, and in TensorBoard."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_copies import drawn
from test_varying import generator

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.classifier.build import build_network
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.config import ClassifierConfig, GanConfig, load_config, to_yaml
from deepstyle.dcgan.sample import LAST
from deepstyle.dcgan.trained import open_run, save_model
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.progress import Reporter
from deepstyle.scoring import Wanted, score_wanted

QUIET = Reporter(quiet=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workspace (a tiny run), a model of that run, real pictures and a small judge."""
    for k, pixels in enumerate(drawn(8, seed=0)):
        put_file(tmp_path / "real" / f"{k}.png", encode(pixels))
    torch.manual_seed(0)
    config = load_config(ClassifierConfig, "classifier-64", ["network=small", "pretrained=false", "width=8"])
    judge = Classifier(build_network("small", 2, width=8), Preprocessing(image_size=32), ("a", "b"), "eye")
    judge.save(tmp_path / "eye", to_yaml(config), {})
    run = tmp_path / "w/runs/gan-001"
    put_file(run / "config.yaml", to_yaml(load_config(GanConfig, "dcgan-32", ["width=8", "latent=8"])).encode())
    weights.save_weights(run / LAST, generator().state_dict())
    with Catalog(tmp_path / "w") as catalog:
        catalog.put_run("gan-001", "gan", status="done", images=5, figures={})
    save_model(tmp_path / "tiny", open_run(run, {}))
    return tmp_path


def test_sheets_with_samples_are_marked(folder: Path) -> None:
    """Of a model and of a run, in the file and in TensorBoard, the sheet of nearest images says that a model made half of it."""
    mark = b"compositeSynthetic"
    with Catalog(folder / "w") as catalog:
        for what in ({"model": str(folder / "tiny")}, {"run": "gan-001"}):
            wanted = Wanted(**what, against=folder / "real", classifier=str(folder / "eye"), count=6)  # type: ignore[arg-type]
            assert mark in score_wanted(catalog, wanted, reporter=QUIET).sheet.read_bytes()
    (events,) = (folder / "w/runs/gan-001").glob("events.*")

    assert mark in events.read_bytes()
