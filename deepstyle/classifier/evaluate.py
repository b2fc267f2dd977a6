"""How good a classifier is on a packed dataset. The predictions are kept, so every further look at them is free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstyle.classifier.network import Classifier
from deepstyle.classifier.views import Tta
from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError
from deepstyle.metrics.calibration import calibration_error


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Figures of a classifier on ``images`` labelled images, all shares in [0, 1].

    ``confusion[i, j]`` counts images of label i called j (L x L int64); ``recall`` is the share found per label, None
    where the data has no image of it; ``loss`` is the cross entropy in nats; ``truth`` (N int64) and ``probabilities``
    (N x L float32) are the predictions themselves, in the dataset's order.
    """

    top1: float
    top3: float
    top5: float
    loss: float
    images: int
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    recall: dict[str, float | None]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def most_confused(self, count: int) -> list[tuple[str, str, int]]:
        """At most ``count`` pairs (true label, called label, images), the most frequent first."""
        wrong = self.confusion - np.diag(self.confusion.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)]
        return [(self.labels[i], self.labels[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j]]

    def worst_mistakes(self, count: int) -> NDArray[np.int64]:
        """Indices of at most ``count`` wrongly called images, the least probable true label first."""
        wrong = np.flatnonzero(self.probabilities.argmax(axis=1) != self.truth)
        order = np.argsort(self.probabilities[wrong, self.truth[wrong]], kind="stable")
        return wrong[order[:count]]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """Shares in [0, 1] on the ``images`` of a test set, which chose nothing; ``name`` says which images they are."""

    name: str
    images: int
    top1: float
    top3: float
    top5: float
    loss: float
    calibration_error: float


def tested(classifier: Classifier, dataset: PackedDataset, name: str) -> Tested:
    """The figures of a test set. Raises InputError as ``evaluate``."""
    found = evaluate(classifier, dataset)
    return Tested(
        name=name, images=found.images, top1=found.top1, top3=found.top3, top5=found.top5, loss=found.loss,
        calibration_error=calibration_error(found.probabilities, found.truth),
    )  # fmt: skip


def evaluate(
    classifier: Classifier, dataset: PackedDataset, *, batch_size: int = 128, tta: Tta | None = None
) -> Predictions:
    """Run the classifier over the whole dataset; labels are matched by name.

    ``tta``: the views of each image whose mean counts, the classifier's own by default.
    Raises InputError when the dataset has images of a label that the classifier does not know.
    """
    truth = _numbers(classifier, dataset)
    _, probabilities = classifier.embed(dataset.images, batch_size=batch_size, tta=tta)
    return from_probabilities(truth, probabilities, classifier.labels)


def from_probabilities(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32], labels: tuple[str, ...]
) -> Predictions:
    """The figures of N true labels (int64 indices) and N x L predicted probabilities."""
    count = len(labels)
    own = probabilities[np.arange(len(truth)), truth]
    above = (probabilities > own[:, None]) | ((probabilities == own[:, None]) & (np.arange(count) < truth[:, None]))
    better = above.sum(axis=1)  # how many labels are ranked before the true one; a tie goes to the earlier label
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (truth, probabilities.argmax(axis=1)), 1)
    totals = confusion.sum(axis=1)
    return Predictions(
        top1=float((better < 1).mean()),
        top3=float((better < 3).mean()),
        top5=float((better < 5).mean()),
        loss=float(-np.log(np.maximum(own.astype(np.float64), 1e-12)).mean()),
        images=len(truth),
        labels=labels,
        confusion=confusion,
        recall={name: float(confusion[i, i] / totals[i]) if totals[i] else None for i, name in enumerate(labels)},
        truth=truth,
        probabilities=probabilities,
    )


def _numbers(classifier: Classifier, dataset: PackedDataset) -> NDArray[np.int64]:
    """The dataset's labels as the classifier numbers them."""
    known = {name: number for number, name in enumerate(classifier.labels)}
    used = {dataset.label_names[number] for number in np.unique(dataset.labels)}
    if foreign := sorted(used - known.keys()):
        raise InputError(
            f"{dataset.folder}: classifier {classifier.name} does not know {', '.join(foreign)}; "
            f"it knows {', '.join(classifier.labels)}"
        )
    table = np.array([known.get(name, -1) for name in dataset.label_names], np.int64)
    return np.asarray(table[dataset.labels], np.int64)
