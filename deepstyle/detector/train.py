"""The detector's training loop: AdamW, warm-up and cosine, a moving average of the weights, COCO AP on the way.

Outcomes: ``done`` (budget used up, model folder written), interrupted (the same command continues from the last
snapshot), TrainingError (a loss is not finite). Photos are counted, not epochs.
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
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, to_yaml
from deepstyle.detector.evaluate import Evaluation
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
from deepstyle.engine import agreed, batch_indices, make_fabric, seeded, share_of
from deepstyle.errors import InputError, TrainingError
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter, Task
from deepstyle.run import Budget, Run


@dataclass(frozen=True, kw_only=True)
class TrainedDetector:
    """What training left behind: the model folder and how good it is on the validation photos."""

    folder: Path
    evaluation: Evaluation
    images: int
    seconds: float
    run: str


@dataclass(kw_only=True)
class _State:
    """Everything that changes while training, and that a snapshot holds."""

    network: DetectorInTraining
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self, seconds: float) -> dict[str, Any]:
        """The state as plain values and tensors."""
        return {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": seconds,
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
    if not train.images or train.labels != validation.labels:
        raise InputError(
            f"train and validation must hold photos with the same labels: {train.labels} {validation.labels}"
        )
    data_key = f"{name}:" + data_digest(train)
    if start is not None:
        data_key += images.sha256((start / "weights.safetensors").read_bytes())
    fabric = make_fabric(config.precision)
    share_of(fabric, config.batch_size)
    with Run.open(catalog, "detector", config, data_key=data_key, fresh=fresh, fabric=fabric) as run:
        snapshot = run.latest(reporter.say)
        first = (
            partial(_begin, config=config, start=start, fetch=fetch, reporter=reporter) if snapshot is None else None
        )
        state = _state(train, config, fabric, first)
        if snapshot is not None:
            state.load(snapshot, str(run.folder))
            figures = run.finished(state.images, state.spent)
            if figures is not None and (catalog.root / "models" / name / "model.json").is_file():
                reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
                return trained(catalog, name, run.name, figures)
            reporter.say(f"run {run.name} continues at {state.images:,} photos")
        run.start(state.images)
        run.record("running", state.images, {})
        _loop(run, state, TrainingPhotos(train, config, reporter), validation, fabric, reporter)
        figures = agreed(fabric, _finish(run, state, validation, catalog, name, reporter) if run.leads else {})
        return trained(catalog, name, run.name, figures)


def _begin(detector: FasterRCNN, config: DetectorConfig, start: Path | None, fetch: Fetch, reporter: Reporter) -> None:
    """The weights that a new run starts from: another model's, ImageNet's, or the random ones that are there."""
    if start is not None:
        start_from(detector, start)
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
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.lr, weight_decay=config.weight_decay)
    return _State(network=network, average=average, optimizer=optimizer)


def follow(decay: float, average: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor) -> None:
    """Move the averaged weights towards the trained ones: at step n with decay min(``decay``, (1 + n) / (10 + n)).

    The ramp is that of TensorFlow's ExponentialMovingAverage; without it a short training's average is mostly of networks
    that had not learned yet.
    """
    n = int(steps)  # waits for the device: once
    get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(average, current, steps)  # type: ignore[no-untyped-call]


def data_digest(data: AnnotatedSet) -> str:
    """A digest of the photo names and boxes: another training set is another run."""
    rows = [(str(im.path), [(a.label, *a.box) for a in im.annotations]) for im in data.images]
    return images.sha256(repr((data.labels, rows)).encode())


def _loop(
    run: Run, state: _State, photos: TrainingPhotos, validation: AnnotatedSet, fabric: Fabric, reporter: Reporter
) -> None:
    config: DetectorConfig = run.config  # type: ignore[assignment]
    network, optimizer = fabric.setup(state.network, state.optimizer)
    budget = Budget(config.images, config.minutes, spent=state.spent)
    mine = share_of(fabric, config.batch_size)

    def prepare(step: int) -> tuple[list[Tensor], list[Target]]:
        indices = batch_indices(step * config.batch_size, config.batch_size, len(photos), config.seed)
        return photos.batch(indices[mine], config.seed, step, first=mine.start)

    with (
        ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        reporter.task("training the detector", total=config.images, unit="photos") as task,
    ):
        task.advance(state.images)
        upcoming: Future[tuple[list[Tensor], list[Target]]] = pool.submit(prepare, state.step)
        while (progress := agreed(fabric, budget.progress(state.images))) < 1.0:
            batch, targets = upcoming.result()
            # torchvision draws the proposals that train from the global generator
            torch.manual_seed(seeded(config.seed, 3, state.step, mine.start).initial_seed())
            upcoming = pool.submit(prepare, state.step + 1)
            rate = learning_rate(config, state.images, progress)
            losses = _step(network, optimizer, fabric, config, rate, [p.to(fabric.device) for p in batch], targets)
            if config.ema:
                state.average.update_parameters(state.network.detector)
            state.step += 1
            state.images += config.batch_size
            _report(run, state, task, losses, rate, budget)
            if state.images % config.evaluate_every < config.batch_size and state.images < config.images and run.leads:
                _validate(run, state, validation, reporter)
                run.save(state.images, state.dump(budget.seconds), keep=2)
    run.save(state.images, state.dump(budget.seconds), keep=2)
    state.spent = budget.seconds


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, fabric: Fabric, config: DetectorConfig, rate: float,
    batch: Sequence[Tensor], targets: list[Target],
) -> dict[str, float]:  # fmt: skip
    """One update; returns the four losses of Faster R-CNN and their sum."""
    for group in optimizer.param_groups:
        group["lr"] = rate
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


def _report(run: Run, state: _State, task: Task, losses: Mapping[str, float], rate: float, budget: Budget) -> None:
    batch = run.config.batch_size  # type: ignore[attr-defined]
    task.total = max(state.images + batch, state.images / max(budget.progress(state.images), 1e-6))
    task.advance(batch, note=f"loss {losses['total']:.3f}")
    if state.step % 20 == 0:
        run.log(state.images, {f"loss/{key}": value for key, value in losses.items()} | {"learning_rate": rate})


def _detector(run: Run, state: _State, labels: tuple[str, ...], name: str) -> TorchvisionDetector:
    config: DetectorConfig = run.config  # type: ignore[assignment]
    copy = build_network(config, len(labels))
    source = state.average.module if config.ema else state.network.detector
    copy.load_state_dict(source.state_dict())
    return TorchvisionDetector(copy, config, labels, name)


def _validate(run: Run, state: _State, validation: AnnotatedSet, reporter: Reporter) -> Evaluation:
    """Judge the averaged weights on the validation photos."""
    return validate(run, _detector(run, state, validation.labels, run.name), validation, state.images, reporter)


def _finish(
    run: Run, state: _State, validation: AnnotatedSet, catalog: Catalog, name: str, reporter: Reporter
) -> dict[str, Any]:
    """Validate a last time and write the model folder, then its rows; the figures."""
    result = _validate(run, state, validation, reporter)
    figures = {**result.as_dict(), "images": state.images, "seconds": round(state.spent, 1), "run": run.name}
    source = state.average.module if run.config.ema else state.network.detector  # type: ignore[attr-defined]
    about = {"kind": "detector", "backend": "torchvision", "figures": figures}
    folder = catalog.root / "models" / name
    weights.save_model(
        folder, source, config_yaml=to_yaml(run.config), labels=validation.labels, about=about, half=True
    )
    catalog.put_model(name, "detector", figures)
    run.record("done", state.images, figures)
    return figures


def trained(catalog: Catalog, name: str, run: str, figures: Mapping[str, Any]) -> TrainedDetector:
    """The result from the figures that a finished run recorded."""
    evaluation = Evaluation(**{key: figures[key] for key in ("ap", "ap50", "ap75", "per_label", "photos")})
    return TrainedDetector(
        folder=catalog.root / "models" / name, evaluation=evaluation, images=int(figures["images"]),
        seconds=float(figures["seconds"]), run=run,
    )  # fmt: skip
