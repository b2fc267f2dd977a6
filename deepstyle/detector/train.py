"""The detector's training loop: AdamW, warm-up and cosine, a moving average of the weights, COCO AP on the way.

Outcomes: ``done`` (budget used up, model folder written), interrupted (the same command continues from the last
snapshot), ``failed`` (TrainingError: a loss is not finite). Photos are counted, not epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.models.detection import FasterRCNN

from deepstyle import images, weights
from deepstyle.about import today
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, to_yaml
from deepstyle.detector.card import detector_card
from deepstyle.detector.evaluate import Evaluation, require_photos
from deepstyle.detector.loop import TrainedDetector, data_digest, finish, learn, require_fit, trained
from deepstyle.detector.networks import (
    DetectorInTraining,
    build_network,
    imagenet_name,
    start_from,
    start_from_imagenet,
    targets_to,
)
from deepstyle.detector.photos import Target, TrainingPhotos, categories_of
from deepstyle.detector.pictures import validate
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.engine import Stream, batch_indices, make_fabric, seeded, share_of
from deepstyle.errors import TrainingError
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened


@dataclass(kw_only=True)
class _State:
    """Everything that changes while training, and that a snapshot holds."""

    network: DetectorInTraining
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self) -> dict[str, Any]:
        """The state as plain values and tensors."""
        return {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.spent,
        }  # fmt: skip

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot of the same network."""
        with weights.restoring(origin):
            weights.fill(self.network, state["network"], origin=origin)
            weights.fill(self.average, state["average"], origin=origin)
            weights.fill_optimizer(self.optimizer, state["optimizer"])
            self.images, self.step, self.spent = int(state["images"]), int(state["step"]), float(state["seconds"])


def learning_rate(config: DetectorConfig, images: int, progress: float) -> float:
    """Linear warm-up over ``warmup`` photos, then half a cosine to 1 % of the peak (Loshchilov and Hutter 2016)."""
    warm = min(1.0, (images + config.batch_size) / config.warmup) if config.warmup else 1.0
    return config.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train_detector(
    train: AnnotatedSet, validation: AnnotatedSet, catalog: Catalog, config: DetectorConfig, *, reporter: Reporter,
    name: str = "detector", start: Path | None = None, fresh: bool = False, fetch: Fetch = imagenet,
) -> TrainedDetector:  # fmt: skip
    """Train a Faster R-CNN on annotated photos and write ``models/<name>``; the same call resumes or returns the result.

    ``start`` is the model folder to start from: a detector's, or a classifier's whose trunk the small backbone takes over.
    ``fetch`` brings the ImageNet weights when the config asks for them; a continued run needs none.
    Raises InputError (no photos, labels differ), ModelError (no such weights), TrainingError (a loss is not finite).
    """
    require_fit(train, validation)
    data_key = f"{name}:" + data_digest(train)
    if start is not None:
        data_key += images.sha256((start / "weights.safetensors").read_bytes())
    fabric = make_fabric(config.precision)
    share_of(fabric, config.batch_size)
    with opened(
        catalog, "detector", config, data_key=data_key, reporter=reporter, fabric=fabric, fresh=fresh, unit="photos"
    ) as t:
        begin = partial(_begin, config=config, start=start, fetch=fetch, reporter=reporter) if t.new else None
        state = _state(train, config, fabric, begin)
        figures = t.resume(state, model=catalog.root / "models" / name)
        if figures is None:
            if not t.over:
                require_photos(validation)
                _learn(t, state, TrainingPhotos(train, config, reporter), validation)

            def write(folder: Path, found: dict[str, Any]) -> None:
                network = f"Faster R-CNN on the backbone {config.backbone} at {config.image_size} px"
                told = detector_card(
                    name, train, validation, found, network=network, start=_began(config, start), day=today()
                )
                _write(state, config, train.labels, folder, found, t.card(told, *([start] if start else [])))

            figures = finish(t, name, lambda: _validate(t, state, validation), write)
        return trained(catalog, name, t.run.name, figures)


def _begin(detector: FasterRCNN, config: DetectorConfig, start: Path | None, fetch: Fetch, reporter: Reporter) -> None:
    """The weights that a new run starts from: another model's, ImageNet's, or the random ones that are there."""
    if start is not None:
        if not start_from(detector, start):
            reporter.say(f"{start} has other labels: all but the last layer, which tells them, is taken over")
    elif config.pretrained:
        start_from_imagenet(detector, fetch(imagenet_name(config), config.pretrained_from, reporter))


def _state(
    data: AnnotatedSet, config: DetectorConfig, fabric: Fabric, begin: Callable[[FasterRCNN], None] | None
) -> _State:
    """Networks and optimizer at the beginning, on the device; ``begin`` is None where a snapshot will fill them."""
    torch.manual_seed(config.seed)
    detector = build_network(config, len(data.labels))
    if begin is not None:
        begin(detector)
    network = DetectorInTraining(detector, len(categories_of(data)) if config.parsing else 0, config.parsing)
    network = network.to(fabric.device).to(memory_format=torch.channels_last)
    average = AveragedModel(detector, multi_avg_fn=partial(follow, config.ema), use_buffers=True)
    optimizer = torch.optim.AdamW(parameter_groups(network, config), lr=config.lr, weight_decay=config.weight_decay)
    return _State(network=network, average=average, optimizer=optimizer)


def parameter_groups(network: DetectorInTraining, config: DetectorConfig) -> list[dict[str, Any]]:
    """What is trained, for the optimizer: the body's weights apart where they learn at a share of the rate."""
    body = [p for p in network.detector.backbone.body.parameters() if p.requires_grad]
    if config.backbone_lr == 1 or not body:
        return [{"params": [p for p in network.parameters() if p.requires_grad]}]
    inside = set(map(id, body))
    others = [p for p in network.parameters() if p.requires_grad and id(p) not in inside]
    return [{"params": others}, {"params": body, "share": config.backbone_lr}]


def follow(decay: float, average: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor) -> None:
    """Move the averaged weights towards the trained ones: at step n with decay min(``decay``, (1 + n) / (10 + n)).

    The ramp is that of TensorFlow's ExponentialMovingAverage; without it a short training's average is mostly of networks
    that had not learned yet.
    """
    n = int(steps)  # waits for the device: once
    get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(average, current, steps)  # type: ignore[no-untyped-call]


def _learn(t: Training[DetectorConfig], state: _State, photos: TrainingPhotos, validation: AnnotatedSet) -> None:
    """Step until the budget is used up; the next batch is prepared beside the step."""
    config, fabric = t.config, t.fabric
    network, optimizer = fabric.setup(state.network, state.optimizer)
    mine = share_of(fabric, config.batch_size)

    def prepare(step: int) -> tuple[list[Tensor], list[Target]]:
        indices = batch_indices(step * config.batch_size, config.batch_size, len(photos), config.seed)
        return photos.batch(indices[mine], config.seed, step, first=mine.start)

    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        upcoming: Future[tuple[list[Tensor], list[Target]]] = pool.submit(prepare, state.step)

        def step(progress: float) -> tuple[dict[str, float], float]:
            nonlocal upcoming
            batch, targets = upcoming.result()
            # torchvision draws the proposals that train from the global generator
            torch.manual_seed(seeded(config.seed, Stream.PROPOSALS, state.step, mine.start).initial_seed())
            upcoming = pool.submit(prepare, state.step + 1)
            rate = learning_rate(config, state.images, progress)
            losses = _step(network, optimizer, fabric, config, rate, [p.to(fabric.device) for p in batch], targets)
            if config.ema:
                state.average.update_parameters(state.network.detector)
            return losses, rate

        learn(t, step, lambda: _validate(t, state, validation))


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, fabric: Fabric, config: DetectorConfig, rate: float,
    batch: Sequence[Tensor], targets: list[Target],
) -> dict[str, float]:  # fmt: skip
    """One update; returns the four losses of Faster R-CNN and their sum."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    network.train()
    parts: dict[str, Tensor] = network(list(batch), targets_to(fabric.device, targets))
    total = torch.stack(list(parts.values())).sum()
    losses = {key.removeprefix("loss_"): float(value.detach()) for key, value in parts.items()}
    losses["total"] = float(total.detach())
    if not math.isfinite(losses["total"]):
        raise TrainingError(f"the detector's loss is not finite ({losses}); lower the rate: --set lr={config.lr / 4:g}")
    optimizer.zero_grad(set_to_none=True)
    fabric.backward(total)
    fabric.clip_gradients(network, optimizer, max_norm=config.clip_norm)
    optimizer.step()
    return losses


def _source(state: _State, config: DetectorConfig) -> nn.Module:
    """The weights that count: the averaged ones, where there are."""
    return state.average.module if config.ema else state.network.detector


def _validate(t: Training[DetectorConfig], state: _State, validation: AnnotatedSet) -> Evaluation:
    """Evaluate the weights that count on the validation photos."""
    copy = build_network(t.config, len(validation.labels))
    copy.load_state_dict(_source(state, t.config).state_dict())
    detector = TorchvisionDetector(copy, t.config, validation.labels, t.run.name)
    return validate(t.run, detector, validation, state.images, t.reporter)


def _began(config: DetectorConfig, start: Path | None) -> str:
    """What weights the training began with, for the model card."""
    if start is not None:
        return f"from the weights of {start.name}"
    return "from ImageNet weights" if config.pretrained else "from random weights"


def _write(
    state: _State,
    config: DetectorConfig,
    labels: tuple[str, ...],
    folder: Path,
    figures: Mapping[str, Any],
    card: Mapping[str, str],
) -> None:
    about = {"kind": "detector", "backend": "torchvision", "figures": figures}
    weights.save_model(
        folder, _source(state, config), config_yaml=to_yaml(config), labels=labels, about=about, half=True,
        extra=card,
    )  # fmt: skip
