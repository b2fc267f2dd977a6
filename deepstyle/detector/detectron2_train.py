"""The training loop of detectron2 networks: SGD with steps as in the DeepStyle article, COCO AP on the way.

Photos, augmentation, validation and the run folder are those of train.py; network, losses and optimizer are detectron2's.
Outcomes: ``done``, interrupted (the same command continues), ``failed`` (TrainingError: a loss is not finite).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.about import today
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, Detectron2Config
from deepstyle.detector.card import detector_card
from deepstyle.detector.detectron2_backend import (
    Detectron2Detector,
    build_detectron2,
    fill_detectron2,
    read_settings,
    save_detectron2,
)
from deepstyle.detector.evaluate import Evaluation, require_photos
from deepstyle.detector.loop import TrainedDetector, data_digest, finish, learn, require_fit, trained
from deepstyle.detector.photos import Target, TrainingPhotos
from deepstyle.detector.pictures import validate
from deepstyle.engine import Stream, batch_indices, make_fabric, seeded
from deepstyle.errors import ModelError, TrainingError, UsageError
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened


@dataclass(kw_only=True)
class _State:
    """Everything that changes while training, and that a snapshot holds."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self) -> dict[str, Any]:
        """The state as plain values and tensors."""
        own = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        return {**own, "step": self.step, "seconds": self.spent}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot of the same network."""
        with weights.restoring(origin):
            weights.fill(self.network, state["network"], origin=origin)
            weights.fill_optimizer(self.optimizer, state["optimizer"])
            self.images, self.step, self.spent = int(state["images"]), int(state["step"]), float(state["seconds"])


def settings_of(config: Detectron2Config, labels: Sequence[str]) -> Any:
    """detectron2's settings with ours on top. Without weights to start from nothing is frozen and the norms learn."""
    cfg = read_settings(config.yaml, labels)
    cfg.INPUT.MIN_SIZE_TRAIN, cfg.INPUT.MIN_SIZE_TEST = (config.image_size,), config.image_size
    cfg.INPUT.MAX_SIZE_TRAIN = cfg.INPUT.MAX_SIZE_TEST = config.max_size
    cfg.SOLVER.BASE_LR, cfg.SOLVER.STEPS, cfg.SOLVER.IMS_PER_BATCH = config.lr, config.steps, config.batch_size
    if not config.weights:
        cfg.MODEL.BACKBONE.FREEZE_AT, cfg.MODEL.RESNETS.NORM = 0, "BN"
    return cfg


def learning_rate(config: Detectron2Config, step: int, progress: float) -> float:
    """Linear warm-up from a thousandth, then a tenth after each of ``steps``; a time budget moves the steps with it."""
    warm = min(1.0, 0.001 + 0.999 * step / config.warmup) if config.warmup else 1.0
    passed = sum(progress * config.images >= update * config.batch_size for update in config.steps)
    return config.lr * warm * float(0.1**passed)


def train_detectron2(
    train: AnnotatedSet, validation: AnnotatedSet, catalog: Catalog, config: Detectron2Config, *, reporter: Reporter,
    name: str = "detector", fresh: bool = False,
) -> TrainedDetector:  # fmt: skip
    """Train a detectron2 network and write ``models/<name>``; the same call resumes or returns the result.

    Raises InputError (no photos, labels differ), UsageError without detectron2 or with several processes, TrainingError
    (a loss is not finite).
    """
    require_fit(train, validation)
    cfg = settings_of(config, train.labels)
    from detectron2.solver import build_optimizer

    fabric = make_fabric("32")
    if fabric.world_size > 1:
        raise UsageError("a detectron2 network trains on one process; run the command without torchrun")
    key = f"{name}:" + data_digest(train)
    with opened(
        catalog, "detector", config, data_key=key, reporter=reporter, fabric=fabric, fresh=fresh, unit="photos"
    ) as t:
        torch.manual_seed(config.seed)
        network = build_detectron2(cfg)
        if t.new and config.weights:
            _start_from(network, cfg.MODEL.WEIGHTS if config.weights == "yaml" else config.weights, reporter)
        state = _State(network=network, optimizer=build_optimizer(cfg, network))
        figures = t.resume(state, model=catalog.root / "models" / name)
        if figures is None:
            measure = partial(_validate, t, state, cfg, validation)
            if not t.over:
                require_photos(validation)
                _learn(t, state, cfg, train, measure)

            def write(folder: Path, found: dict[str, Any]) -> None:
                about, start = f"detectron2's {Path(config.yaml).name} at {config.image_size} px", _began(config)
                told = detector_card(name, train, validation, found, network=about, start=start, day=today())
                save_detectron2(folder, network, cfg, config, train.labels, found, card=t.card(told))

            figures = finish(t, name, measure, write)
        return trained(catalog, name, t.run.name, figures)


def _began(config: Detectron2Config) -> str:
    """What weights the training began with, for the model card."""
    if not config.weights:
        return "from random weights"
    return "from the weights that it names" if config.weights == "yaml" else f"from {Path(config.weights).name}"


def _start_from(network: nn.Module, source: str, reporter: Reporter) -> None:
    from detectron2.utils.file_io import PathManager

    try:
        path = Path(PathManager.get_local_path(source))
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"weights: {source} cannot be fetched ({error}); give a file: --set weights=FILE") from error
    reporter.say(f"{fill_detectron2(network, path, partly=True)} tensors from {path.name}")


def _inputs(photos: Sequence[Tensor], targets: Sequence[Target], *, rgb: bool) -> list[dict[str, Any]]:
    """Photos (float32 CHW RGB in [0, 1]) and targets (labels from 1) in the form of detectron2's models."""
    from detectron2.structures import Boxes, Instances

    rows = []
    for photo, target in zip(photos, targets, strict=True):
        truth = Instances((photo.shape[1], photo.shape[2]))
        truth.gt_boxes, truth.gt_classes = Boxes(target["boxes"]), target["labels"] - 1
        rows.append({"image": 255 * (photo if rgb else photo.flip(0)), "instances": truth})
    return rows


def _learn(
    t: Training[Detectron2Config], state: _State, cfg: Any, train: AnnotatedSet, measure: Callable[[], Evaluation]
) -> None:
    from detectron2.utils.events import EventStorage

    config = t.config
    shared = config.model_dump(include={"image_size", "max_size", "colour_jitter", "scale_jitter", "seed"})
    photos = TrainingPhotos(train, DetectorConfig(**shared), t.reporter)

    def step(progress: float) -> tuple[dict[str, float], float]:
        indices = batch_indices(state.step * config.batch_size, config.batch_size, len(photos), config.seed)
        batch, targets = photos.batch(indices, config.seed, state.step)
        # detectron2 draws the proposals that train from the global generator
        torch.manual_seed(seeded(config.seed, Stream.PROPOSALS, state.step).initial_seed())
        rate = learning_rate(config, state.step, progress)
        return _step(state, _inputs(batch, targets, rgb=cfg.INPUT.FORMAT == "RGB"), rate), rate

    with EventStorage(state.step):  # detectron2's networks count into it
        learn(t, step, measure)


def _step(state: _State, batch: list[dict[str, Any]], rate: float) -> dict[str, float]:
    """One update of SGD; returns the four losses of Faster R-CNN and their sum."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    parts: dict[str, Tensor] = state.network.train()(batch)
    total = torch.stack(list(parts.values())).sum()
    losses = {key.removeprefix("loss_"): float(value.detach()) for key, value in parts.items()}
    losses["total"] = float(total.detach())
    if not math.isfinite(losses["total"]):
        raise TrainingError(f"the detector's loss is not finite ({losses}); lower the rate: --set lr={rate / 4:g}")
    state.optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    return losses


def _validate(t: Training[Detectron2Config], state: _State, cfg: Any, validation: AnnotatedSet) -> Evaluation:
    """Evaluate the network on the validation photos."""
    detector = Detectron2Detector(state.network, cfg, validation.labels, t.run.name)
    return validate(t.run, detector, validation, state.images, t.reporter, batch_size=2)
