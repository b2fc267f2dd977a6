"""Training the category classifier: one run folder, one model folder; the same command continues or does nothing.

A step's images and their random views depend on (seed, images seen) alone and the learning rate on the progress alone,
so an interrupted run that is continued ends with the same weights as one that was not (for a budget in images; a budget
in minutes depends on the machine). The learning rate ends at zero, which does what a moving average of the weights
would do, so there is none unless ``ema`` asks for it.

Several processes (torchrun) share each batch, and each sees its images as one process would. On CPUs a process
normalises over its own share of the batch, on GPUs over all of it; the first process judges and writes.

Outcomes: ``done`` (the catalog has run and model), interrupted (the next call continues from the newest checkpoint),
``failed`` (TrainingError: a loss that is not finite; no checkpoint of it is kept).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deepstyle import weights
from deepstyle.about import today
from deepstyle.annotations.table import LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier import data, pictures
from deepstyle.classifier.augment import mix, random_views
from deepstyle.classifier.build import build_network
from deepstyle.classifier.card import card
from deepstyle.classifier.data import Packed
from deepstyle.classifier.evaluate import Predictions, Tested, evaluate, from_probabilities, tested
from deepstyle.classifier.learner import SAVE_SECONDS, Learner, check, learn, preprocessing_of, start, trunk_of
from deepstyle.classifier.network import KIND, Classifier
from deepstyle.config import ClassifierConfig, to_yaml
from deepstyle.dataset import PackedDataset
from deepstyle.engine import Stream, agreed, batch_indices, make_fabric, seeded, share_of
from deepstyle.errors import ConfigError
from deepstyle.files import check_name
from deepstyle.metrics.calibration import Calibration, calibrate
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened

VALIDATIONS = 12  # validations during a run, the last one at its end


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """What a training came to: shares in [0, 1] on ``validation_images``; ``seconds`` are of all resumes together.

    ``confused``: (true label, called label, images), the most frequent mistakes first. ``calibration``: of the probabilities,
    and the temperature by which the validation images make them true. ``test``: of images marked test, judged once at the
    end. None in what older versions trained, and where the table has no such images. ``validation_set``: which images the
    other figures are of. ``train_images``: so many it learned from, None in what older versions trained.
    """

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
    top5: float | None = None
    confused: tuple[tuple[str, str, int], ...] = ()
    calibration: Calibration | None = None
    test: Tested | None = None
    validation_set: str = ""
    train_images: int | None = None

    def in_short(self) -> str:
        """How good it is, in a line: on images held out, and on the test set if there is one."""
        told = f"top-1 {self.top1:.3f} on {self.validation_images:,} images it has not seen"
        return f"{told}, {self.test.top1:.3f} on the {self.test.images:,} {self.test.name}" if self.test else told


def train_classifier(
    table: LabelTable, catalog: Catalog, config: ClassifierConfig, *, reporter: Reporter, fresh: bool = False,
    name: str = "classifier", save_every: float = SAVE_SECONDS, fetch: Fetch = imagenet,
) -> TrainedClassifier:  # fmt: skip
    """Train a classifier on the table's images into ``models/<name>``, or continue; a finished one is only reported.

    ``save_every`` is the time in seconds between checkpoints; ``fetch`` brings the ImageNet weights when the config asks
    for them, a continued run needs none. Raises InputError (fewer than two labels, a label without a training image),
    ConfigError (a batch of one), ModelError (no such weights) and TrainingError (a loss that is not finite).
    """
    check_name(name, "--name")
    check(config)
    fabric = make_fabric(config.precision)
    share = share_of(fabric, config.batch_size)
    if share.stop - share.start < 2:
        raise ConfigError("batch_size: must be at least 2 a process, the network normalises over the batch")
    packed = data.pack(table, config, catalog.root / "datasets", name=name, reporter=reporter)
    train, identity = packed.train, f"{name}:{packed.key}"
    with opened(catalog, KIND, config, data_key=identity, reporter=reporter, fabric=fabric, fresh=fresh) as t:
        trunk, count = trunk_of(config, fetch, reporter) if t.new else None, len(train.label_names)
        state = start(config, fabric, lambda: build_network(config.network, count, imagenet=trunk, width=config.width))
        folder = catalog.root / "models" / name
        figures = t.resume(state, model=folder)
        if figures is None:
            _learn(t, state, train, packed.validation, save_every)
            figures = {}
            if t.run.leads:
                with state.averaged() as network:
                    seen = preprocessing_of(config, config.image_size)
                    classifier = Classifier(network, seen, train.label_names, name, tta=config.tta)
                    figures = _finish(t, classifier, packed, table.name)
            figures = agreed(fabric, figures)
        return _trained(figures, name, folder, train.label_names)


def _trained(figures: dict[str, Any], name: str, folder: Path, labels: tuple[str, ...]) -> TrainedClassifier:
    """What the recorded figures say."""
    known = {key: value for key, value in figures.items() if key not in {"recall", "confused", "calibration", "test"}}
    confused = tuple((str(true), str(called), int(count)) for true, called, count in figures.get("confused", ()))
    return TrainedClassifier(
        name=name, folder=folder, labels=labels, confused=confused,
        calibration=Calibration(**found) if (found := figures.get("calibration")) else None,
        test=Tested(**judged) if (judged := figures.get("test")) else None, **known,
    )  # fmt: skip


def _learn(
    t: Training[ClassifierConfig], state: Learner, train: PackedDataset, validation: PackedDataset, save_every: float,
) -> None:  # fmt: skip
    """The loop's two parts: a step on views of the training images, a look at the validation images."""
    config, fabric = t.config, t.fabric
    heavier = label_weights(train.labels, len(train.label_names), config.balance).to(fabric.device)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, size: int) -> Tensor:
        return train_step(model, optimizer, train, state.images, size, heavier, config, fabric)

    def look(network: nn.Module, size: int) -> tuple[dict[str, float], str]:
        looked = Classifier(network, preprocessing_of(config, size), train.label_names, t.run.name)
        found = _validation(evaluate(looked, validation, tta="none"))
        return found, f"top-1 {found['validation/top1']:.1%}"

    learn(t, state, step, look, names=("loss", "top1"), validations=VALIDATIONS, save_every=save_every)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, train: PackedDataset, images: int, size: int, heavier: Tensor,
    config: ClassifierConfig, fabric: Fabric,
) -> Tensor:  # fmt: skip
    """One batch, one update; returns (loss, top-1 share) on the device, so that nothing waits for it."""
    mine = share_of(fabric, config.batch_size)
    chosen = batch_indices(images, config.batch_size, len(train), config.seed)[mine]
    random = seeded(config.seed, Stream.STEP, images)
    views = random_views(train.images, chosen, size, fabric.device, random, (config.batch_size, mine))  # NCHW in [0, 1]
    truth = torch.from_numpy(train.labels[chosen]).to(fabric.device)
    targets = truth
    if config.mix != "none":
        views, targets = mix(views, functional.one_hot(truth, len(heavier)).float(), config.mix, random)
    optimizer.zero_grad(set_to_none=True)
    model.train()
    logits = model(preprocessing_of(config, size)(views))  # N x L
    weight = heavier if config.balance else None
    loss = functional.cross_entropy(logits, targets, weight=weight, label_smoothing=config.label_smoothing)
    fabric.backward(loss)
    optimizer.step()
    return torch.stack([loss.detach().float(), (logits.argmax(dim=1) == truth).float().mean()])


def label_weights(labels: NDArray[np.int64], count: int, balance: float) -> Tensor:
    """How much an image of each label weighs, L float32, 1 in the mean over all images: (1 / images of it) ** balance."""
    images = np.bincount(labels, minlength=count)
    heavier = np.maximum(images, 1.0) ** -balance
    return torch.from_numpy((heavier * images.sum() / (heavier * images).sum()).astype(np.float32))


def _validation(evaluation: Predictions) -> dict[str, float]:
    return {
        "validation/loss": evaluation.loss, "validation/top1": evaluation.top1, "validation/top3": evaluation.top3,
    }  # fmt: skip


def _finish(t: Training[ClassifierConfig], classifier: Classifier, packed: Packed, table: str) -> dict[str, Any]:
    """Make the probabilities true, judge the weights as kept, show where they err, write the model; the figures."""
    state, run = t.learner, t.run
    calibration, result = _calibrated(classifier, packed, t.config.seed, f"run {run.name}")
    test = tested(classifier, packed.test, f"images of {table} marked test") if packed.test is not None else None
    run.picture("confusion", pictures.confusion_picture(result), state.images, file="confusion.png")
    mistakes = pictures.mistakes_picture(packed.validation.images, result)
    if mistakes is not None:
        run.picture("worst mistakes", mistakes, state.images, file="mistakes.png")
    figures = {
        "top1": result.top1, "top3": result.top3, "top5": result.top5, "loss": result.loss,
        "validation_images": result.images, "train_images": len(packed.train),
        "images": state.images, "seconds": state.spent, "images_per_second": state.images / max(state.spent, 1e-9),
        "run": run.name, "recall": result.recall, "confused": [list(pair) for pair in result.most_confused(10)],
        "validation_set": f"images of {table} " + ("drawn in whole groups" if packed.drawn else "that its split holds out"),
        "calibration": asdict(calibration), "test": asdict(test) if test is not None else None,
    }  # fmt: skip
    folder = run.catalog.root / "models" / classifier.name
    words = t.card(card(classifier.name, classifier.labels, t.config, table, figures, day=today()))
    classifier.save(folder, to_yaml(t.config), {"run": run.name, "figures": figures}, half=True, extra=words)
    t.done(figures, model=classifier.name)
    t.reporter.say(
        f"{classifier.name}: top-1 {result.top1:.1%}, top-3 {result.top3:.1%} on {result.images} validation images; "
        f"{state.images:,} images in {state.spent:.0f} s"
    )
    return figures


def _calibrated(classifier: Classifier, packed: Packed, seed: int, origin: str) -> tuple[Calibration, Predictions]:
    """Divide the last layer by the temperature that the validation images choose; what the weights, as kept, say of them."""
    kept = classifier.network
    weights.fill(kept, weights.halved(kept.state_dict()), origin=origin)
    features, _ = classifier.embed(packed.validation.images)
    truth = packed.validation.labels
    found = calibrate(classifier.logits(features), truth, data.halves(packed.held_out, seed))
    classifier.cool(found.temperature)
    weights.fill(kept, weights.halved(kept.state_dict()), origin=origin)
    probabilities = torch.from_numpy(classifier.logits(features)).softmax(dim=1).numpy()
    return found, from_probabilities(truth, probabilities, classifier.labels)
