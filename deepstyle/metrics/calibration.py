"""Whether probabilities mean what they say, and the temperature that makes them (pure). Guo et al. 2017, arXiv 1706.04599."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from deepstyle.errors import InputError

BINS = 15  # of confidence, as in the paper
RANGE = (0.05, 20.0)  # temperatures that are tried

Floats = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The temperature that some ``images`` chose, and the expected calibration error at 1 (``before``) and at it (``after``).

    ``crossed``: each half of the images was judged at the temperature that the other half chose, so that ``after`` is of
    images that chose nothing. Otherwise it is of those that chose, and better than on others.
    """

    temperature: float
    before: float
    after: float
    images: int
    crossed: bool


def calibrate(logits: Floats, labels: NDArray[np.int64], half: NDArray[np.bool_] | None = None) -> Calibration:
    """The temperature of N x L logits that all images choose; ``half``: which N images are in the first of two halves.

    The halves should share no people. Raises InputError without images.
    """
    chosen, parts = temperature(logits, labels), [half, ~half] if half is not None else []
    crossed = all(part.any() for part in parts) and bool(parts)
    heats = np.full((len(labels), 1), chosen)
    for part in parts if crossed else ():
        heats[part] = temperature(logits[~part], labels[~part])
    exact = logits.astype(np.float64)
    errors = [calibration_error(softmax(exact / heat, axis=1), labels) for heat in (1.0, heats)]
    return Calibration(temperature=chosen, before=errors[0], after=errors[1], images=len(labels), crossed=crossed)


def calibration_error(probabilities: Floats, labels: NDArray[np.int64], bins: int = BINS) -> float:
    """Expected calibration error of N x L probabilities against N true labels, in [0, 1]; 0: 80 % sure is right 8 of 10 times.

    Images are put in ``bins`` of equal width by the probability of the called label; the error is the mean difference
    between that probability and the share of right calls, weighted by the images of a bin. Raises InputError without images.
    """
    _check(probabilities, labels)
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum(np.ceil(confidence * bins).astype(int) - 1, bins - 1).clip(0)
    gap = np.bincount(place, right - confidence, minlength=bins)  # of each bin: right calls less what was promised
    return float(np.abs(gap).sum() / len(labels))


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The number by which to divide N x L logits so that their cross entropy against N labels is least; > 1: too sure.

    It changes no ranking. Fit it on images of people who are not in the training set. Where every image is called right there
    is no least, the surer the better, and it is 1. Raises InputError without images.
    """
    _check(logits, labels)
    if (logits.argmax(axis=1) == labels).all():
        return 1.0
    exact, rows = logits.astype(np.float64), np.arange(len(labels))

    def loss(log_heat: float) -> float:
        return float(-log_softmax(exact / np.exp(log_heat), axis=1)[rows, labels].mean())

    low, high = np.log(RANGE)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x))


def _check(values: Floats, labels: NDArray[np.int64]) -> None:
    if values.ndim != 2 or len(values) != len(labels) or not len(labels):
        shape = " x ".join(map(str, values.shape))
        raise InputError(f"calibration needs N x L values and N labels, N >= 1, not {shape} and {len(labels)}")
