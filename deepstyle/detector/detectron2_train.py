"""The training loop of detectron2 networks: SGD with steps as in the DeepStyle article, COCO AP on the way.

Photos, augmentation, validation and the run folder are those of train.py; network, losses and optimizer are detectron2's.
Outcomes: ``done``, interrupted (the same command continues), TrainingError (a loss is not finite).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, Detectron2Config
from deepstyle.detector.detectron2_backend import (
    Detectron2Detector,
    build_detectron2,
    fill_detectron2,
    read_settings,
    save_detectron2,
)
from deepstyle.detector.evaluate import Evaluation
from deepstyle.detector.photos import Target, TrainingPhotos
from deepstyle.detector.pictures import validate
from deepstyle.detector.train import TrainedDetector, data_digest, trained
from deepstyle.engine import batch_indices, seeded
from deepstyle.errors import InputError, ModelError, TrainingError
from deepstyle.progress import Reporter
from deepstyle.run import Budget, Run


@dataclass(kw_only=True)
class _State:
    """Everything that changes while training, and that a snapshot holds."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self, seconds: float) -> dict[str, Any]:
        """The state as plain values and tensors."""
        own = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        return {**own, "step": self.step, "seconds": seconds}

    def load(self, state: dict[str, Any], origin: str) -> None:
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

    Raises InputError (no photos, labels differ), UsageError without detectron2, TrainingError (a loss is not finite).
    """
    if not train.images or train.labels != validation.labels:
        raise InputError(
            f"train and validation must hold photos with the same labels: {train.labels} {validation.labels}"
        )
    cfg = settings_of(config, train.labels)
    from detectron2.solver import build_optimizer

    with Run.open(catalog, "detector", config, data_key=f"{name}:" + data_digest(train), fresh=fresh) as run:
        torch.manual_seed(config.seed)
        network = build_detectron2(cfg)
        state = _State(network=network, optimizer=build_optimizer(cfg, network))
        if (snapshot := run.latest(reporter.say)) is not None:
            state.load(snapshot, str(run.folder))
            if (figures := run.finished(state.images, state.spent)) is not None:
                reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
                return trained(catalog, name, run.name, figures)
            reporter.say(f"run {run.name} continues at {state.images:,} photos")
        elif config.weights:
            _start_from(network, cfg.MODEL.WEIGHTS if config.weights == "yaml" else config.weights, reporter)
        run.start(state.images)
        run.record("running", state.images, {})
        _loop(run, state, cfg, train, validation, reporter)
        result = _validate(run, state, cfg, validation, reporter)
        figures = {**result.as_dict(), "images": state.images, "seconds": round(state.spent, 1), "run": run.name}
        save_detectron2(catalog.root / "models" / name, network, cfg, config, validation.labels, figures)
        catalog.put_model(name, "detector", figures)
        run.record("done", state.images, figures)
        return trained(catalog, name, run.name, figures)


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


def _loop(run: Run, state: _State, cfg: Any, train: AnnotatedSet, validation: AnnotatedSet, reporter: Reporter) -> None:
    from detectron2.utils.events import EventStorage

    config: Detectron2Config = run.config  # type: ignore[assignment]
    shared = config.model_dump(include={"image_size", "max_size", "colour_jitter", "scale_jitter", "seed"})
    photos = TrainingPhotos(train, DetectorConfig(**shared), reporter)
    budget = Budget(config.images, config.minutes, spent=state.spent)
    with (
        EventStorage(state.step),  # detectron2's networks count into it
        reporter.task("training the detector", total=config.images, unit="photos") as task,
    ):
        task.advance(state.images)
        while (progress := budget.progress(state.images)) < 1.0:
            indices = batch_indices(state.step * config.batch_size, config.batch_size, len(photos), config.seed)
            batch, targets = photos.batch(indices, config.seed, state.step)
            torch.manual_seed(seeded(config.seed, 3, state.step).initial_seed())  # proposals are drawn from it
            rate = learning_rate(config, state.step, progress)
            losses = _step(state, _inputs(batch, targets, rgb=cfg.INPUT.FORMAT == "RGB"), rate)
            state.step += 1
            state.images += config.batch_size
            task.total = max(state.images, state.images / max(budget.progress(state.images), 1e-6))
            task.advance(config.batch_size, note=f"loss {losses['total']:.3f}")
            if state.step % 20 == 0:
                run.log(state.images, {f"loss/{key}": value for key, value in losses.items()} | {"learning_rate": rate})
            if state.images % config.evaluate_every < config.batch_size and budget.progress(state.images) < 1.0:
                _validate(run, state, cfg, validation, reporter)
                run.save(state.images, state.dump(budget.seconds), keep=2)
    run.save(state.images, state.dump(budget.seconds), keep=2)
    state.spent = budget.seconds


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


def _validate(run: Run, state: _State, cfg: Any, validation: AnnotatedSet, reporter: Reporter) -> Evaluation:
    """Judge the network on the validation photos."""
    detector = Detectron2Detector(state.network, cfg, validation.labels, run.name)
    return validate(run, detector, validation, state.images, reporter, batch_size=2)
