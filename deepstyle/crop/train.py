"""The detector's training loop: AdamW, warm-up and cosine, a moving average of the weights, COCO AP on the way.

Outcomes: ``done`` (budget used up, model folder written), interrupted (the same command continues from the last
snapshot), TrainingError (a loss is not finite). Photos are counted, not epochs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.models.detection import FasterRCNN

from deepstyle import images, weights
from deepstyle.annotations.coco import AnnotatedSet, Annotation
from deepstyle.annotations.sheet import contact_sheet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, to_yaml
from deepstyle.crop.detector import Detector
from deepstyle.crop.evaluate import Evaluation, evaluate, load_photo
from deepstyle.crop.networks import build_network, targets_to
from deepstyle.crop.photos import Target, TrainingPhotos
from deepstyle.crop.torchvision_detector import TorchvisionDetector
from deepstyle.engine import batch_indices, make_fabric, seeded
from deepstyle.errors import InputError, TrainingError
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

    network: FasterRCNN
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
        weights.fill(self.network, state["network"], origin=origin)
        weights.fill(self.average, state["average"], origin=origin)
        self.optimizer.load_state_dict(state["optimizer"])
        self.images, self.step, self.spent = int(state["images"]), int(state["step"]), float(state["seconds"])


def learning_rate(config: DetectorConfig, images: int, progress: float) -> float:
    """Linear warm-up over ``warmup`` photos, then half a cosine to 1 % of the peak (Loshchilov and Hutter 2016)."""
    warm = min(1.0, (images + config.batch_size) / config.warmup) if config.warmup else 1.0
    return config.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train_detector(
    train: AnnotatedSet, validation: AnnotatedSet, catalog: Catalog, config: DetectorConfig, *, reporter: Reporter,
    name: str = "detector", fresh: bool = False,
) -> TrainedDetector:  # fmt: skip
    """Train a Faster R-CNN on annotated photos and write ``models/<name>``; the same call resumes or returns the result.

    Raises InputError (no photos, labels differ), TrainingError (a loss is not finite).
    """
    if not train.images or train.labels != validation.labels:
        raise InputError(
            f"train and validation must hold photos with the same labels: {train.labels} {validation.labels}"
        )
    data_key = f"{name}:" + data_digest(train)
    with Run.open(catalog, "detector", config, data_key=data_key, fresh=fresh) as run:
        torch.manual_seed(config.seed)
        fabric = make_fabric(config.precision)
        network = build_network(config, len(train.labels), download=run.latest() is None)
        network.to(fabric.device, memory_format=torch.channels_last)
        decay = get_ema_multi_avg_fn(config.ema)  # type: ignore[no-untyped-call]
        average = AveragedModel(network, multi_avg_fn=decay, use_buffers=True)
        trained = [p for p in network.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=config.lr, weight_decay=config.weight_decay)
        state = _State(network=network, average=average, optimizer=optimizer)
        if (snapshot := run.latest()) is not None:
            state.load(snapshot, str(run.folder))
            if (figures := run.finished(state.images, state.spent)) is not None:
                reporter.say(f"run {run.name} is done already (--fresh trains a new one)")
                return _trained(catalog, name, run.name, figures)
            reporter.say(f"run {run.name} continues at {state.images:,} photos")
        run.start(state.images)
        run.record("running", state.images, {})
        _loop(run, state, TrainingPhotos(train, config, reporter), validation, fabric, reporter)
        return _finish(run, state, validation, catalog, name, reporter)


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
    losses: dict[str, float] = {}

    def prepare(step: int) -> tuple[list[Tensor], list[Target]]:
        return photos.batch(
            batch_indices(step * config.batch_size, config.batch_size, len(photos), config.seed), config.seed, step
        )

    with (
        ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        reporter.task("training the detector", total=config.images, unit="photos") as task,
    ):
        task.advance(state.images)
        upcoming: Future[tuple[list[Tensor], list[Target]]] = pool.submit(prepare, state.step)
        while (progress := budget.progress(state.images)) < 1.0:
            batch, targets = upcoming.result()
            # torchvision draws the proposals that train from the global generator
            torch.manual_seed(seeded(config.seed, 3, state.step).initial_seed())
            upcoming = pool.submit(prepare, state.step + 1)
            rate = learning_rate(config, state.images, progress)
            losses = _step(network, optimizer, fabric, config, rate, [p.to(fabric.device) for p in batch], targets)
            if config.ema:
                state.average.update_parameters(state.network)
            state.step += 1
            state.images += config.batch_size
            _report(run, state, task, losses, rate, budget)
            if state.images % config.evaluate_every < config.batch_size and budget.progress(state.images) < 1.0:
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
    source = state.average.module if config.ema else state.network
    copy.load_state_dict(source.state_dict())
    return TorchvisionDetector(copy, config, labels, name)


def _validate(run: Run, state: _State, validation: AnnotatedSet, reporter: Reporter) -> Evaluation:
    """AP of the averaged weights on the validation photos, and a picture of what they find."""
    detector = _detector(run, state, validation.labels, run.name)
    result = evaluate(detector, validation, batch_size=8, reporter=reporter)
    figures = {"ap/all": result.ap, "ap/50": result.ap50, "ap/75": result.ap75}
    run.log(state.images, figures | {f"ap/{label}": value for label, value in result.per_label.items()})
    run.picture("validation", boxes_sheet(detector, validation), state.images, file=f"boxes-{state.images:08d}.png")
    reporter.say(f"  at {state.images:,} photos: AP {result.ap:.3f}, AP50 {result.ap50:.3f}")
    return result


def boxes_sheet(detector: Detector, data: AnnotatedSet, *, count: int = 12) -> images.Pixels:
    """The first ``count`` photos twice: with their annotations, then with what was found (score 0.5 or more)."""
    cells = []
    for image in data.images[:count]:
        found = tuple(
            Annotation(box=box.corners, label=box.label, category=f"{box.score:.2f}")
            for box in detector.detect([load_photo(image)])[0]
            if box.score >= 0.5
        )
        cells += [image, replace(image, annotations=found)]
    return contact_sheet(cells, columns=8)


def _finish(
    run: Run, state: _State, validation: AnnotatedSet, catalog: Catalog, name: str, reporter: Reporter
) -> TrainedDetector:
    folder = catalog.root / "models" / name
    result = _validate(run, state, validation, reporter)
    figures = {**result.as_dict(), "images": state.images, "seconds": round(state.spent, 1), "run": run.name}
    source = state.average.module if run.config.ema else state.network  # type: ignore[attr-defined]
    about = {"backend": "torchvision", "figures": figures}
    weights.save_model(folder, source, config_yaml=to_yaml(run.config), labels=validation.labels, about=about)
    catalog.put_model(name, "detector", figures)
    run.record("done", state.images, figures)
    return _trained(catalog, name, run.name, figures)


def _trained(catalog: Catalog, name: str, run: str, figures: Mapping[str, Any]) -> TrainedDetector:
    evaluation = Evaluation(**{key: figures[key] for key in ("ap", "ap50", "ap75", "per_label", "photos")})
    return TrainedDetector(
        folder=catalog.root / "models" / name, evaluation=evaluation, images=int(figures["images"]),
        seconds=float(figures["seconds"]), run=run,
    )  # fmt: skip
