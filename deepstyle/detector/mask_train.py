"""The mask head's training on a finished detector (loop): its weights stay as they are, to the last bit.

The frozen trunk is the one that detects: norms folded, in the same precision. Only its maps are computed, and nothing is
remembered for gradients, so that a step costs little more than looking at the photos. The detector's folder is written again
with the head beside the same weights. Outcomes are those of ``train.py``.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from deepstyle import weights
from deepstyle.about import CARD, MASKS, card_of, digest_of, read_about, today
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.annotations.pair import masked
from deepstyle.catalog import Catalog
from deepstyle.config import MaskConfig, to_yaml
from deepstyle.detector.card import MASK_HEAD, masks_words
from deepstyle.detector.evaluate import require_photos
from deepstyle.detector.inference import Inference
from deepstyle.detector.loop import LOG_STEPS, SAFE, data_digest
from deepstyle.detector.mask_data import MaskBatch, MaskPhotos, prepared
from deepstyle.detector.masks import MaskHead, grids, overlap_loss, targets
from deepstyle.detector.resize import Sides
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.engine import agreed, batch_indices, make_fabric, share_of
from deepstyle.errors import ModelError, TrainingError
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.forget import TITLE
from deepstyle.model_card import with_section
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened


@dataclass(frozen=True, kw_only=True)
class TrainedMasks:
    """The detector's folder with its mask head; mean IoU in [0, 1] of the shapes in the true boxes of so many garments."""

    folder: Path
    iou: float
    garments: int
    images: int
    seconds: float
    run: str


@dataclass(kw_only=True)
class _State:
    """Everything that changes while training, and that a snapshot holds."""

    head: MaskHead
    optimizer: torch.optim.Optimizer
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self) -> dict[str, Any]:
        """The state as plain values and tensors."""
        return {
            "head": self.head.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
            "seconds": self.spent,
        }  # fmt: skip

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot of the same head."""
        with weights.restoring(origin):
            weights.fill(self.head, state["head"], origin=origin)
            weights.fill_optimizer(self.optimizer, state["optimizer"])
            self.images, self.step, self.spent = int(state["images"]), int(state["step"]), float(state["seconds"])


def train_masks(
    train: AnnotatedSet, validation: AnnotatedSet, catalog: Catalog, folder: Path, config: MaskConfig, *,
    reporter: Reporter, name: str, fresh: bool = False,
) -> TrainedMasks:  # fmt: skip
    """Train a mask head for the detector in ``folder`` and write ``models/<name>``: that detector with it.

    The same call resumes or returns the result. Raises InputError when a set holds no masks, ModelError when the detector is
    no torchvision one, TrainingError when the loss is not finite.
    """
    about = read_about(folder)
    if about.get("backend") != "torchvision":
        raise ModelError(f"{folder}: a {about.get('backend')} detector takes no mask head; name one of torchvision's")
    train, validation = masked(train, "the photos to train on"), masked(validation, "the photos of --val")
    detector = TorchvisionDetector.load(folder, tuple(str(label) for label in about["labels"]))
    key = f"{name}:{digest_of(folder / 'weights.safetensors')}:{data_digest(train)}"
    fabric = make_fabric(config.precision)
    share_of(fabric, config.batch_size)
    with opened(
        catalog, "masks", config, data_key=key, reporter=reporter, fabric=fabric, fresh=fresh, unit="photos"
    ) as t:
        state = _state(config, detector.inference.channels, fabric)
        figures = t.resume(state)
        to = catalog.root / "models" / name
        if figures is None or not (to / MASKS).is_file():
            if not t.over:
                require_photos(validation)
                _learn(t, state, MaskPhotos(train, config, detector.config, reporter), detector, validation)
            figures = _finish(t, state, detector, (train, validation), folder, name)
        return TrainedMasks(
            folder=to, iou=figures["iou"], garments=figures["garments"], images=int(figures["images"]),
            seconds=float(figures["seconds"]), run=t.run.name,
        )  # fmt: skip


def _state(config: MaskConfig, channels: int, fabric: Fabric) -> _State:
    torch.manual_seed(config.seed)
    head = MaskHead(channels, config.width).to(fabric.device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    return _State(head=head, optimizer=optimizer)


def _learn(
    t: Training[MaskConfig], state: _State, photos: MaskPhotos, detector: TorchvisionDetector, validation: AnnotatedSet
) -> None:
    """Step until the budget is used up; the next batch is prepared beside the step."""
    config, fabric = t.config, t.fabric
    head, optimizer = fabric.setup(state.head, state.optimizer)
    mine = share_of(fabric, config.batch_size)

    def prepare(step: int) -> MaskBatch:
        indices = batch_indices(step * config.batch_size, config.batch_size, len(photos), config.seed)
        return photos.batch(indices[mine], config.seed, step, first=mine.start)

    with (
        ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        t.task("training the mask head"),
    ):
        upcoming: Future[MaskBatch] = pool.submit(prepare, state.step)
        while not t.over:
            batch = upcoming.result()
            upcoming = pool.submit(prepare, state.step + 1)
            rate = _rate(config, state.images, t.progress)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _step(head, optimizer, fabric, detector.inference, config.overlap, batch)
            t.count(f"loss {loss:.3f}")
            if t.every(LOG_STEPS):
                t.log({"loss": loss, "learning_rate": rate})
            due = t.passed(config.evaluate_every)
            if due and t.run.leads:
                t.run.log(state.images, {"iou": _validate(state, detector, validation, t.reporter)[0]})
            if due or t.unsaved > SAFE:
                t.save()
            t.leave()
    t.save()


def _rate(config: MaskConfig, images: int, progress: float) -> float:
    """Linear warm-up, then half a cosine to 1 % of the peak, as the detector's."""
    warm = min(1.0, (images + config.batch_size) / config.warmup) if config.warmup else 1.0
    return config.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def _step(
    head: nn.Module, optimizer: torch.optim.Optimizer, fabric: Fabric, inference: Inference, overlap: float,
    batch: MaskBatch,
) -> float:  # fmt: skip
    """One update; returns the loss: the cells' cross-entropy (He et al. 2017, section 3), ``overlap`` times that of overlap."""
    gathered = _gathered(inference, batch.photos, batch.regions)
    logits: Tensor = head(gathered).float()
    true = torch.cat(batch.cells).to(logits.device)  # shares of a cell
    loss = F.binary_cross_entropy_with_logits(logits, true)
    if overlap:
        loss = loss + overlap * overlap_loss(logits.sigmoid(), true)
    value = float(loss.detach())
    if not math.isfinite(value):
        rate = optimizer.param_groups[0]["lr"]
        raise TrainingError(f"the mask head's loss is not finite; lower the rate: --set lr={rate / 4:g}")
    optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss)
    optimizer.step()
    return value


@torch.no_grad()
def _gathered(inference: Inference, photos: Sequence[Any], regions: Sequence[Tensor]) -> Tensor:
    batch = inference.batch(photos)
    regions = [one.to(inference.device) for one in regions]
    return inference.gathered(batch, inference.seen(batch), regions).float()


@torch.no_grad()
def _validate(
    state: _State, detector: TorchvisionDetector, validation: AnnotatedSet, reporter: Reporter
) -> tuple[float, int]:
    """Mean IoU of the shapes in the true boxes, cell by cell, and how many garments it is over."""
    sides: Sides = detector.config
    ious: list[float] = []
    with reporter.task("evaluating the masks", total=len(validation.images), unit="photos") as task:
        for image in validation.images:
            seen = prepared(image, sides)
            regions = grids(seen.boxes)
            found = state.head(_gathered(detector.inference, [seen.pixels], [regions])).cpu() >= 0
            true = targets(torch.from_numpy(seen.masks), torch.arange(len(regions)), regions) >= 0.5
            both, either = (found & true).sum((1, 2)), (found | true).sum((1, 2))
            ious += (both / either.clamp(min=1)).tolist()
            task.advance()
    return sum(ious) / len(ious), len(ious)


def _finish(
    t: Training[MaskConfig], state: _State, detector: TorchvisionDetector, pair: tuple[AnnotatedSet, AnnotatedSet],
    source: Path, name: str,
) -> dict[str, Any]:  # fmt: skip
    """Validate a last time and put the detector's folder there with its head, then the rows; the figures."""
    figures: dict[str, Any] = {}
    if t.run.leads:
        iou, garments = _validate(state, detector, pair[1], t.reporter)
        t.reporter.say(f"  mask IoU {iou:.3f} in the true boxes of {garments:,} garments")
        figures = {
            "iou": iou, "garments": garments, "images": state.images, "seconds": round(state.spent, 1), "run": t.run.name,
        }  # fmt: skip
        to = t.run.catalog.root / "models" / name
        _write(source, to, state.head, t.config, figures, masks_words(*pair, figures, day=today()))
        t.run.catalog.put_model(name, "detector", read_about(to).get("figures", {}))
        t.done(figures)
    return agreed(t.fabric, figures)


def _write(source: Path, to: Path, head: MaskHead, config: MaskConfig, figures: Mapping[str, Any], told: str) -> None:
    about = read_about(source)
    kept = card_of(source).get(CARD) or f"# Model card: {to.name}\n"
    card = with_section(kept, MASK_HEAD, told, before=TITLE)

    def fill_in(place: Path) -> None:
        for path in source.iterdir():
            shutil.copyfile(path, place / path.name)
        weights.save_weights(place / MASKS, weights.halved(head.state_dict()))
        put_file(place / "masks.yaml", to_yaml(config).encode())
        put_file(place / CARD, card.encode())
        put_file(place / "model.json", json.dumps({**about, "masks": dict(figures)}, indent=2).encode())

    put_folder(to, fill_in)
