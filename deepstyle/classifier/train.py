"""Training the category classifier: one run folder, one model folder; the same command continues or does nothing.

A step's images and their random views depend on (seed, images seen) alone and the learning rate on the progress alone,
so an interrupted run that is continued ends with the same weights as one that was not (for a budget in images; a budget
in minutes depends on the machine). The learning rate ends at zero, which does what a moving average of the weights
would do, so there is none.

Several processes (torchrun) share each batch, and each sees its images as one process would. On CPUs a process
normalises over its own share of the batch, on GPUs over all of it; the first process judges and writes.

Outcomes: ``done`` (the catalog has run and model), interrupted (the next call continues from the newest checkpoint),
``failed`` (TrainingError: a loss that is not finite; no checkpoint of it is kept).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from deepstyle import weights
from deepstyle.annotations.table import LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier import data, pictures
from deepstyle.classifier.augment import augment
from deepstyle.classifier.evaluate import Predictions, evaluate
from deepstyle.classifier.network import KIND, Classifier, Preprocessing, build_network, to_float
from deepstyle.config import ClassifierConfig, to_yaml
from deepstyle.dataset import PackedDataset
from deepstyle.engine import Stream, agreed, averaged, batch_indices, make_fabric, seeded, share_of
from deepstyle.errors import ConfigError, TrainingError
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened

LOG_STEPS = 20  # steps between two points in TensorBoard; checkpoints are written at such points only
VALIDATIONS = 12  # validations during a run, the last one at its end
SAVE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """What a training came to: shares in [0, 1] on ``validation_images``; ``seconds`` are of all resumes together."""

    name: str
    folder: Path
    labels: tuple[str, ...]
    top1: float
    top3: float
    loss: float
    validation_images: int
    images: int
    seconds: float
    images_per_second: float
    run: str


@dataclass(kw_only=True)
class _State:
    """All that changes while training; what ``dump`` returns is all a resume needs. ``batch``: images a step."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    batch: int
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self) -> dict[str, Any]:
        """Everything a snapshot needs, as state dicts and plain values."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "seconds": self.spent}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot of the same network."""
        with weights.restoring(origin):
            weights.fill(self.network, state["network"], origin=origin)
            weights.fill_optimizer(self.optimizer, state["optimizer"])
            self.images, self.spent = int(state["images"]), float(state["seconds"])
            self.step = self.images // self.batch


def train_classifier(
    table: LabelTable, catalog: Catalog, config: ClassifierConfig, *, reporter: Reporter, fresh: bool = False,
    name: str = "classifier", save_every: float = SAVE_SECONDS, fetch: Fetch = imagenet,
) -> TrainedClassifier:  # fmt: skip
    """Train a classifier on the table's images into ``models/<name>``, or continue; a finished one is only reported.

    ``save_every`` is the time in seconds between checkpoints; ``fetch`` brings the ImageNet weights when the config asks
    for them, a continued run needs none. Raises InputError (fewer than two labels, a label without a training image),
    ConfigError (a batch of one), ModelError (no such weights) and TrainingError (a loss that is not finite).
    """
    if config.pretrained and config.network == "small":
        raise ConfigError("network small: torchvision has no weights for it; use --set pretrained=false")
    if config.network == "lite0":  # its norms keep the statistics they came with, so it cannot begin from nothing
        raise ConfigError("network lite0: train-classifier cannot start it; use --set network=resnet18, or small")
    fabric = make_fabric(config.precision)
    share = share_of(fabric, config.batch_size)
    if share.stop - share.start < 2:
        raise ConfigError("batch_size: must be at least 2 a process, the network normalises over the batch")
    train, validation = data.pack(table, config, catalog.root / "datasets", name=name, reporter=reporter)
    key = hashlib.sha256(f"{train.key} {validation.key}".encode()).hexdigest()
    with opened(catalog, KIND, config, data_key=f"{name}:{key}", reporter=reporter, fabric=fabric, fresh=fresh) as t:
        trunk = fetch(config.network, config.pretrained_from, reporter) if config.pretrained and t.new else None
        state = _start(config, len(train.label_names), fabric, trunk)
        folder = catalog.root / "models" / name
        figures = t.resume(state, model=folder)
        if figures is None:
            _learn(t, state, train, validation, save_every)
            preprocessing = Preprocessing(image_size=config.image_size, fit=data.FIT)
            classifier = Classifier(state.network, preprocessing, train.label_names, name)
            figures = agreed(fabric, _finish(t, classifier, validation) if t.run.leads else {})
        known = {key: value for key, value in figures.items() if key != "recall"}
        return TrainedClassifier(name=name, folder=folder, labels=train.label_names, **known)


def _start(config: ClassifierConfig, labels: int, fabric: Fabric, trunk: Mapping[str, Tensor] | None) -> _State:
    """A network with weights that depend on the seed (and ``trunk``) alone, and its optimizer; biases and norms do not decay."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_network(config.network, labels, imagenet=trunk, width=config.width)
    network.to(fabric.device)
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.lr, fused=True)
    return _State(network=network, optimizer=optimizer, batch=config.batch_size)


def learning_rate(progress: float, peak: float) -> float:
    """One cycle (Smith 2018, arXiv 1803.09820): from peak / 25 up for a fifth of the run, then down to zero."""
    rise = 0.2
    if progress < rise:
        return peak * (1 + 24 * (1 - math.cos(math.pi * progress / rise)) / 2) / 25
    return peak * (1 + math.cos(math.pi * min(1.0, (progress - rise) / (1 - rise)))) / 2


def view_size(progress: float, image_size: int) -> int:
    """The side in pixels of training views: two thirds at first, all of it in the last quarter.

    Small views cost half as much and teach the coarse things first (progressive resizing, Howard 2018, fast.ai's
    DAWNBench entry); a multiple of 16, at least 32.
    """
    share = 2 / 3 if progress < 0.5 else 5 / 6
    small = max(32, round(image_size * share / 16) * 16)
    return image_size if progress >= 0.75 else min(small, image_size)


def _learn(
    t: Training[ClassifierConfig], state: _State, train: PackedDataset, validation: PackedDataset, save_every: float,
) -> None:  # fmt: skip
    """Step until the budget is used up; log, validate and save at points that depend on the images seen.

    A validation sees images of the size of the last training views: norms that know one size are lost at another.
    """
    config, fabric = t.config, t.fabric
    model, optimizer = fabric.setup(state.network, state.optimizer)
    window = torch.zeros(2, device=fabric.device)  # sum of losses, sum of top-1 shares, since the last point
    logged, saved = state.step, t.budget.seconds
    with t.task(f"training {t.run.name}"):
        while not t.over:
            rate = learning_rate(t.progress, config.lr)
            for group in optimizer.param_groups:
                group["lr"] = rate
            size, before = view_size(t.progress, config.image_size), t.progress
            window += _step(model, optimizer, train, state.images, size, config, fabric)
            t.count()
            due = int(t.progress * VALIDATIONS) > int(before * VALIDATIONS)
            if not due and not t.every(LOG_STEPS):
                continue
            values = _means(averaged(fabric, window), state.step - logged, state.images) | {"lr": rate, "pixels": size}
            if due and t.run.leads:
                looked = Classifier(state.network, Preprocessing(image_size=size), train.label_names, t.run.name)
                values |= _validation(evaluate(looked, validation, mirror=False))
                t.note(f"top-1 {values['validation/top1']:.1%}")
            t.log(values)
            window.zero_()
            logged = state.step
            if t.budget.seconds - saved >= save_every or t.over:
                saved = t.budget.seconds
                t.save()


def _step(
    model: nn.Module, optimizer: torch.optim.Optimizer, train: PackedDataset, images: int, size: int,
    config: ClassifierConfig, fabric: Fabric,
) -> Tensor:  # fmt: skip
    """One batch, one update; returns (loss, top-1 share) on the device, so that nothing waits for it."""
    mine = share_of(fabric, config.batch_size)
    chosen = batch_indices(images, config.batch_size, len(train), config.seed)[mine]
    pixels = to_float(train.images[chosen], fabric.device)  # NCHW float32 in [0, 1]
    views = augment(pixels, size, seeded(config.seed, Stream.STEP, images), (config.batch_size, mine))
    truth = torch.from_numpy(train.labels[chosen]).to(fabric.device)
    optimizer.zero_grad(set_to_none=True)
    model.train()
    logits = model(Preprocessing(image_size=size)(views))  # N x L
    loss = functional.cross_entropy(logits, truth, label_smoothing=config.label_smoothing)
    fabric.backward(loss)
    optimizer.step()
    return torch.stack([loss.detach().float(), (logits.argmax(dim=1) == truth).float().mean()])


def _means(window: Tensor, steps: int, images: int) -> dict[str, float]:
    loss, top1 = (window / max(steps, 1)).tolist()
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss is not finite after {images:,} images; use a lower --set lr, or --set precision=32"
        )
    return {"train/loss": loss, "train/top1": top1}


def _validation(evaluation: Predictions) -> dict[str, float]:
    return {
        "validation/loss": evaluation.loss, "validation/top1": evaluation.top1, "validation/top3": evaluation.top3,
    }  # fmt: skip


def _finish(t: Training[ClassifierConfig], classifier: Classifier, validation: PackedDataset) -> dict[str, Any]:
    """Evaluate the weights as they are kept, show where they err, write the model folder, tell the catalog; the figures."""
    state, run = t.learner, t.run
    weights.fill(classifier.network, weights.halved(classifier.network.state_dict()), origin=f"run {run.name}")
    result = evaluate(classifier, validation)
    run.picture("confusion", pictures.confusion_picture(result), state.images, file="confusion.png")
    mistakes = pictures.mistakes_picture(validation.images, result)
    if mistakes is not None:
        run.picture("worst mistakes", mistakes, state.images, file="mistakes.png")
    figures = {
        "top1": result.top1, "top3": result.top3, "loss": result.loss, "validation_images": result.images,
        "images": state.images, "seconds": state.spent, "images_per_second": state.images / max(state.spent, 1e-9),
        "run": run.name, "recall": result.recall,
    }  # fmt: skip
    folder = run.catalog.root / "models" / classifier.name
    classifier.save(folder, to_yaml(t.config), {"run": run.name, "figures": figures}, half=True)
    t.done(figures, model=classifier.name)
    t.reporter.say(
        f"{classifier.name}: top-1 {result.top1:.1%}, top-3 {result.top3:.1%} on {result.images} validation images; "
        f"{state.images:,} images in {state.spent:.0f} s"
    )
    return figures
