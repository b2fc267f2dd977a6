"""What the trainings of both backends share: the data's key, the loop around a step, the validations, the end (loop)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deepstyle import images
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, Detectron2Config
from deepstyle.detector.evaluate import Evaluation
from deepstyle.engine import agreed
from deepstyle.errors import InputError
from deepstyle.training import Training

LOG_STEPS = 20  # steps between two points in TensorBoard
SAFE = 600.0  # seconds between two snapshots, however seldom is validated: what a kill can cost
D = TypeVar("D", DetectorConfig, Detectron2Config)


@dataclass(frozen=True, kw_only=True)
class TrainedDetector:
    """What training left behind: the model folder and how good it is on the validation photos."""

    folder: Path
    evaluation: Evaluation
    images: int
    seconds: float
    run: str


def require_fit(train: AnnotatedSet, validation: AnnotatedSet) -> None:
    """Raise InputError when there are no photos, or the labels of the two sets differ."""
    if not train.images or train.labels != validation.labels:
        raise InputError(
            f"train and validation must hold photos with the same labels: {train.labels} {validation.labels}"
        )


def data_digest(data: AnnotatedSet) -> str:
    """A digest of the photos' names and sizes and of what is annotated; wherever the photos lie, it is the same."""
    rows = [
        (im.path.name, _size(im), im.width, im.height, [(a.label, a.category, *a.box, a.mask) for a in im.annotations])
        for im in data.images
    ]
    return images.sha256(repr((data.labels, rows)).encode())


def _size(image: AnnotatedImage) -> int:
    try:
        return image.path.stat().st_size
    except OSError:
        return 0  # reading it will tell


def learn(
    t: Training[D], step: Callable[[float], tuple[dict[str, float], float]], validate: Callable[[], Evaluation]
) -> None:
    """Step until the budget is used up; log; every ``evaluate_every`` photos validate and save, every ``SAFE`` seconds save.

    ``step`` takes the share of the budget that is used, and gives the losses (with their ``total``) and the learning rate.
    """
    with t.task("training the detector"):
        while not t.over:
            losses, rate = step(t.progress)
            t.count(f"loss {losses['total']:.3f}")
            if t.every(LOG_STEPS):
                t.log({f"loss/{key}": value for key, value in losses.items()} | {"learning_rate": rate})
            due = t.passed(t.config.evaluate_every)
            if due and t.run.leads:
                validate()
            if due or t.unsaved > SAFE:
                t.save()
            t.leave()
    t.save()


def finish(
    t: Training[D], name: str, validate: Callable[[], Evaluation], write: Callable[[Path, dict[str, Any]], None]
) -> dict[str, Any]:
    """Validate a last time, let ``write`` put the model folder there with these figures, then its row; the figures."""
    figures: dict[str, Any] = {}
    if t.run.leads:
        seen = {"images": t.learner.images, "seconds": round(t.learner.spent, 1), "run": t.run.name}
        figures = {**validate().as_dict(), **seen}
        write(t.run.catalog.root / "models" / name, figures)
        t.done(figures, model=name)
    return agreed(t.fabric, figures)


def trained(catalog: Catalog, name: str, run: str, figures: Mapping[str, Any]) -> TrainedDetector:
    """The result from the figures that a finished run recorded."""
    evaluation = Evaluation(**{key: figures[key] for key in ("ap", "ap50", "ap75", "per_label", "photos")})
    return TrainedDetector(
        folder=catalog.root / "models" / name, evaluation=evaluation, images=int(figures["images"]),
        seconds=float(figures["seconds"]), run=run,
    )  # fmt: skip
