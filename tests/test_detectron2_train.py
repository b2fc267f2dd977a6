"""The loop of detectron2's training where the library is missing: its place is taken by a linear network written by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_detector_train import LABELS, QUIET, annotated
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.about import CARD
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import Detectron2Config, load_config
from deepstyle.detector import detectron2_train as training
from deepstyle.detector.loop import TrainedDetector
from deepstyle.errors import TrainingError
from deepstyle.images import Pixels

SETTINGS = ["weights=", "image_size=64", "max_size=96", "batch_size=2", "steps=[]", "warmup=0", "lr=0.01"]


class Linear(nn.Module):
    """Losses of a linear layer on the mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, photos: Sequence[Tensor]) -> dict[str, Tensor]:
        made = self.layer(torch.stack([photo.mean((1, 2)) for photo in photos]))
        return {"loss_cls": made.square().mean(), "loss_box_reg": (made - 1).square().mean()}


class WholePhoto:
    """Finds one garment in every photo: all of it."""

    labels: tuple[str, ...] = LABELS

    def __init__(self, *_: object) -> None:
        self.name = "whole@1"

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        return [[Box(x0=0, y0=0, x1=p.shape[1], y1=p.shape[0], label="upper", score=0.9)] for p in photos]


@contextmanager
def storage(_: int) -> Iterator[None]:
    yield


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the loop takes from detectron2, and from the backend that wraps it."""
    parts: dict[str, dict[str, Any]] = {
        "detectron2": {}, "detectron2.utils": {}, "detectron2.utils.events": {"EventStorage": storage},
        "detectron2.solver": {"build_optimizer": lambda _, net: torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)},
    }  # fmt: skip
    for name, names in parts.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)

    def save(
        folder: Path,
        network: nn.Module,
        _: Any,
        __: Any,
        labels: tuple[str, ...],
        figures: dict[str, Any],
        *,
        card: dict[str, str],
    ) -> None:
        about = {"backend": "detectron2", "figures": figures}
        weights.save_model(folder, network, config_yaml="", labels=labels, about=about, extra=card)

    monkeypatch.setattr(training, "settings_of", lambda *_: SimpleNamespace(INPUT=SimpleNamespace(FORMAT="RGB")))
    monkeypatch.setattr(training, "build_detectron2", lambda _: Linear())
    monkeypatch.setattr(training, "_inputs", lambda photos, _, **__: photos)
    monkeypatch.setattr(training, "Detectron2Detector", WholePhoto)
    monkeypatch.setattr(training, "save_detectron2", save)


def train(folder: Path, *overrides: str) -> TrainedDetector:
    folder.mkdir(exist_ok=True)
    made = load_config(Detectron2Config, "detectron2-r50-fpn", [*SETTINGS, *overrides])
    with Catalog(folder) as catalog:
        return training.train_detectron2(annotated(folder), annotated(folder, 4), catalog, made, reporter=QUIET)


def test_resuming_gives_the_weights_of_going_straight(tmp_path: Path) -> None:
    """8 photos stopped at 4 give the weights of 8 straight, validated at 4 and, once, at the end."""
    straight = train(tmp_path / "a", "images=8", "evaluate_every=4")
    train(tmp_path / "b", "images=4", "evaluate_every=4")
    resumed = train(tmp_path / "b", "images=8", "evaluate_every=4")
    one, two = ((result.folder / "weights.safetensors").read_bytes() for result in (straight, resumed))

    assert one == two
    assert "detectron2's" in (straight.folder / CARD).read_text()
    assert (straight.run, straight.images, resumed.images) == ("detector-001", 8, 8)
    assert straight.evaluation == resumed.evaluation == train(tmp_path / "b", "images=8", "evaluate_every=4").evaluation
    validated = sorted(path.name for path in (tmp_path / "a/runs/detector-001/samples").glob("boxes-*"))
    assert validated == ["boxes-00000004.png", "boxes-00000008.png"]


def test_a_loss_that_is_not_finite_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate that is no number makes the weights so: the error says what to try, and the catalog says failed."""
    monkeypatch.setattr(training, "learning_rate", lambda *_: np.nan)
    with pytest.raises(TrainingError, match=r"loss is not finite"):
        train(tmp_path, "images=8")
    with Catalog(tmp_path) as catalog:
        record = catalog.run("detector")

    assert record is not None
    assert record.status == "failed"
