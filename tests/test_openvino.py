"""The exported network against the one it was exported from."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from deepstyle import weights
from deepstyle.boxes import iou
from deepstyle.config import DetectorConfig, load_config, to_yaml
from deepstyle.demo.draw import draw_look
from deepstyle.detector.find import load_detector
from deepstyle.detector.networks import build_network
from deepstyle.errors import UsageError

LABELS = ("upper", "lower", "full")


def folder(root: Path, *overrides: str) -> Path:
    """A model folder with random weights."""
    config = load_config(DetectorConfig, "small-256", overrides)
    torch.manual_seed(0)
    about = {"backend": "torchvision"}
    network = build_network(config, len(LABELS))
    weights.save_model(root / "model", network, config_yaml=to_yaml(config), labels=LABELS, about=about)
    return root / "model"


@pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")
@pytest.mark.parametrize(("precision", "overlap"), [("32", 0.99), ("auto", 0.5)])
def test_boxes_are_those_of_torch(tmp_path: Path, precision: str, overlap: float) -> None:
    """Photos of two shapes get the same boxes: to a hundredth of their area in float32, roughly in bfloat16."""
    place = folder(tmp_path, f"precision={precision}")
    photos = [draw_look(1, width=200, height=300).pixels, draw_look(2, width=300, height=200).pixels]
    plain, exported = load_detector(place), load_detector(place, engine="openvino")

    assert exported.name == plain.name
    for expected, found in zip(plain.detect(photos), exported.detect(photos), strict=True):
        assert expected
        best = [max(iou(a.corners, b.corners) for b in found if b.label == a.label) for a in expected[:5]]
        assert np.mean(best) >= overlap


def test_a_missing_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenVINO the error names the extra; a detector of another backend cannot be exported."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UsageError, match=r"deepstyle\[openvino\]"):
        load_detector(folder(tmp_path), engine="openvino")
    (tmp_path / "model/model.json").write_text('{"labels": ["a"], "backend": "detectron2"}')
    with pytest.raises(UsageError, match="only torchvision"):
        load_detector(tmp_path / "model", engine="openvino")
