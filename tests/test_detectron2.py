"""The detectron2 backend, against the real library where it is installed."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import DetectorConfig, Detectron2Config, detector_kind, load_config, presets
from deepstyle.demo.draw import draw_look
from deepstyle.detector.detectron2_backend import Detectron2Detector, read_settings, require_detectron2
from deepstyle.detector.find import load_detector
from deepstyle.errors import ConfigError, ModelError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

LABELS = ("upper", "lower", "full")
needs_detectron2 = pytest.mark.skipif(find_spec("detectron2") is None, reason="detectron2 is not installed")

TINY = """
_BASE_: "base.yaml"
MODEL:
  RESNETS: {DEPTH: 18, RES2_OUT_CHANNELS: 64, NORM: BN}
  BACKBONE: {FREEZE_AT: 0}
  FPN: {OUT_CHANNELS: 16}
  ROI_BOX_HEAD: {FC_DIM: 32}
  RPN: {POST_NMS_TOPK_TRAIN: 40, POST_NMS_TOPK_TEST: 20, BATCH_SIZE_PER_IMAGE: 32}
  ROI_HEADS: {BATCH_SIZE_PER_IMAGE: 16, SCORE_THRESH_TEST: 0.01}
"""
BASE = """
MODEL:
  BACKBONE: {NAME: build_resnet_fpn_backbone}
  RESNETS: {OUT_FEATURES: [res2, res3, res4, res5]}
  FPN: {IN_FEATURES: [res2, res3, res4, res5]}
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [96], [128]]}
  RPN: {IN_FEATURES: [p2, p3, p4, p5, p6], PRE_NMS_TOPK_TRAIN: 100, PRE_NMS_TOPK_TEST: 50}
  ROI_HEADS: {NAME: StandardROIHeads, IN_FEATURES: [p2, p3, p4, p5]}
  ROI_BOX_HEAD: {NAME: FastRCNNConvFCHead, NUM_FC: 2, POOLER_RESOLUTION: 7}
VERSION: 2
"""


@pytest.fixture
def quiet() -> Iterator[None]:
    """detectron2's own warnings about newer torch are not about us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def tiny(folder: Path) -> Path:
    (folder / "base.yaml").write_text(BASE)
    (folder / "tiny.yaml").write_text(TINY)
    return folder / "tiny.yaml"


def looks(folder: Path, name: str, seeds: range) -> AnnotatedSet:
    """Drawn looks with exact boxes, also as a COCO file."""
    rows = []
    for seed in seeds:
        look = draw_look(seed, width=96, height=144)
        path = folder / f"{seed}.png"
        path.write_bytes(encode(look.pixels))
        boxes = tuple(Annotation(box=garment.box, label=garment.label) for garment in look.garments)
        rows.append(AnnotatedImage(path=path, width=96, height=144, annotations=boxes))
    data = AnnotatedSet(labels=LABELS, images=tuple(rows))
    write_coco(folder / f"{name}.json", data)
    return data


def config(folder: Path, *overrides: str) -> Detectron2Config:
    small = [f"yaml={tiny(folder)}", "weights=", "image_size=64", "max_size=96", "steps=[]", "warmup=2", "lr=0.01"]
    return load_config(Detectron2Config, "detectron2-r50-fpn", [*small, *overrides])


def train(folder: Path, *overrides: str) -> Any:
    from deepstyle.detector.detectron2_train import train_detectron2

    folder.mkdir(exist_ok=True)
    sets = looks(folder, "train", range(6)), looks(folder, "val", range(10, 12))
    with Catalog(folder) as catalog:
        return train_detectron2(*sets, catalog, config(folder, *overrides), reporter=Reporter(quiet=True))


def test_presets_mirror_the_article() -> None:
    """The three presets have the article's rate, steps and length: 0.0025, 240k and 320k of 360k updates, 800 px."""
    names = [name for name in presets() if name.startswith("detectron2-")]
    assert len(names) == 3
    for name in names:
        made = load_config(Detectron2Config, name)
        assert detector_kind(name) is Detectron2Config
        assert (made.lr, made.steps, made.images // made.batch_size) == (0.0025, (240_000, 320_000), 360_000)
        assert (made.image_size, made.max_size) == (800, 1333)
    assert detector_kind("small-256") is detector_kind() is DetectorConfig


def test_the_rate_warms_up_and_steps_down() -> None:
    """A thousandth at first, full after the warm-up, a tenth and a hundredth after the steps; minutes move the steps."""
    from deepstyle.detector.detectron2_train import learning_rate

    made = load_config(Detectron2Config, "detectron2-r50-fpn")
    rates = [learning_rate(made, step, step / 360_000) for step in (0, 1_000, 239_999, 240_001, 320_001)]

    assert rates == pytest.approx([2.5e-6, 2.5e-3, 2.5e-3, 2.5e-4, 2.5e-5])
    assert learning_rate(made, 5_000, 0.7) == pytest.approx(2.5e-4)


def test_without_the_library_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where detectron2 is missing the error gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "detectron2", None)
    with pytest.raises(UsageError, match=r"pip install --no-build-isolation 'git\+https://github.com/facebookresearch"):
        require_detectron2()
    looks(tmp_path, "t", range(1))
    looks(tmp_path, "v", range(1, 2))
    train, validation = str(tmp_path / "t.json"), str(tmp_path / "v.json")
    result = CliRunner().invoke(
        main, ["-w", str(tmp_path), "train-detector", train, "--val", validation, "--config", "detectron2-r50-fpn"]
    )

    assert result.exit_code == 2
    assert "no-build-isolation" in result.output


@needs_detectron2
@pytest.mark.slow
def test_training_resumes_to_the_same_weights(tmp_path: Path, quiet: None) -> None:
    """8 photos stopped at 4 give the weights of 8 straight; the folder loads, and moves to another place."""
    settings = ["images=8", "evaluate_every=4"]
    straight = train(tmp_path / "a", *settings)
    train(tmp_path / "b", *settings)
    run = tmp_path / "b/runs/detector-001"
    max(run.glob("snapshots/*.pt")).unlink()
    resumed = train(tmp_path / "b", *settings)
    one, two = ((result.folder / "weights.safetensors").read_bytes() for result in (straight, resumed))

    assert one == two
    assert straight.images == resumed.images == 8
    assert list((run / "samples").glob("boxes-*.png"))
    assert json.loads((straight.folder / "model.json").read_text())["backend"] == "detectron2"
    assert str(tmp_path) not in (straight.folder / "detectron2.yaml").read_text()
    moved = (tmp_path / "a/models/detector").rename(tmp_path / "elsewhere")
    assert load_detector(moved).labels == LABELS


@needs_detectron2
def test_boxes_are_those_of_the_default_predictor(tmp_path: Path, quiet: None) -> None:
    """On the same weights our backend finds detectron2's own boxes, one photo at a time and in a batch."""
    from detectron2.engine import DefaultPredictor

    cfg = read_settings(tiny(tmp_path), LABELS)
    cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST, cfg.DATASETS.TEST = 96, 160, ()
    torch.manual_seed(0)
    predictor = DefaultPredictor(cfg)
    detector = Detectron2Detector(predictor.model, cfg, LABELS, "x@0")
    photos = [draw_look(seed, width=96, height=144).pixels for seed in (1, 2)]
    batch = detector.detect(photos)
    for photo, together in zip(photos, batch, strict=True):
        expected = predictor(photo[:, :, ::-1])["instances"]
        alone = detector.detect([photo])[0]
        assert len(expected) == len(alone) == len(together) > 0
        assert np.allclose(expected.pred_boxes.tensor.numpy(), [box.corners for box in alone], atol=1e-4)
        assert [LABELS[k] for k in expected.pred_classes] == [box.label for box in alone]
        assert np.allclose([box.corners for box in alone], [box.corners for box in together], atol=0.05)


@needs_detectron2
def test_any_yaml_and_weights_become_a_detector(tmp_path: Path, quiet: None) -> None:
    """import-detector takes a user's yaml and .pth; eval-detector and crop's loader use it; another network is refused."""
    from deepstyle.detector.detectron2_backend import build_detectron2

    path = tiny(tmp_path)
    network = build_detectron2(read_settings(path, LABELS))
    torch.save({"model": network.state_dict()}, tmp_path / "model_final.pth")
    looks(tmp_path, "val", range(2))
    base = ["-w", str(tmp_path / "w")]
    flags = ["--yaml", str(path), "--weights", str(tmp_path / "model_final.pth")]
    made = CliRunner().invoke(main, [*base, "import-detector", "mine", *flags, "--labels", "upper,lower,full"])
    judged = CliRunner().invoke(main, [*base, "eval-detector", str(tmp_path / "val.json"), "--json"])
    other = CliRunner().invoke(main, [*base, "import-detector", "four", *flags, "--labels", "a,b,c,d"])

    assert made.exit_code == 0, made.output
    assert "trained elsewhere" in (tmp_path / "w/models/mine/MODEL_CARD.md").read_text()
    assert judged.exit_code == 0, judged.output
    figures = json.loads(judged.stdout)
    assert figures["detector"].startswith("mine@")
    assert 0 <= figures["ap"] <= 1
    assert set(figures["per_label"]) == set(LABELS)
    assert other.exit_code == 1
    assert "another network" in other.output


@needs_detectron2
def test_presets_name_networks_of_the_zoo(quiet: None) -> None:
    """The presets are R-50, R-101 and ResNeXt-101-32x8d with FPN and three classes."""
    shapes = []
    for name in ("detectron2-r50-fpn", "detectron2-r101-fpn", "detectron2-x101-fpn"):
        cfg = read_settings(load_config(Detectron2Config, name).yaml, LABELS)
        assert cfg.MODEL.ROI_HEADS.NUM_CLASSES == 3
        assert cfg.MODEL.BACKBONE.NAME == "build_resnet_fpn_backbone"
        shapes.append((cfg.MODEL.RESNETS.DEPTH, cfg.MODEL.RESNETS.NUM_GROUPS, cfg.MODEL.RESNETS.WIDTH_PER_GROUP))
    assert shapes == [(50, 1, 64), (101, 1, 64), (101, 32, 8)]


@needs_detectron2
def test_bad_settings_are_named(tmp_path: Path, quiet: None) -> None:
    """An unknown zoo name, a yaml with unknown keys, and one that would run code are ConfigErrors; the code never runs."""
    bad, evil = tmp_path / "bad.yaml", tmp_path / "evil.yaml"
    bad.write_text("MODEL: {NO_SUCH_KEY: 1}\nVERSION: 2\n")
    evil.write_text(f"MODEL: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n")
    for source in ("COCO-Detection/none.yaml", bad, evil):
        with pytest.raises(ConfigError, match=Path(source).name):
            read_settings(source, LABELS)
    assert not (tmp_path / "made").exists()
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "model.json").write_text('{"labels": ["a"], "backend": "detectron2"}')
    with pytest.raises(ModelError, match="not a complete"):
        load_detector(folder)
