"""Which labels are probably wrong, by confident learning (pure).

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", arXiv 1911.00068: a label's
threshold is the mean probability that the images which bear it have of it. An image whose probability of another label
passes that label's threshold, and is its highest, probably bears the wrong one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suspects(
    truth: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of N labels (int64) and N x L probabilities: the images that are in doubt, and the label that each should rather bear.

    The least probable own label comes first. The probabilities must be those of a classifier that has not learned from the
    image: of one that has, the labels it knows by heart seem right. A label that no image bears is suggested to none.
    """
    count = probabilities.shape[1]
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    borne = np.bincount(truth, minlength=count)
    thresholds = np.full(count, np.inf)
    np.divide(np.bincount(truth, own, minlength=count), borne, out=thresholds, where=borne > 0)  # eq. 2
    passed = np.where(probabilities >= thresholds, probabilities, -1)
    confident = passed.argmax(axis=1)  # eq. 1: the most probable of those that pass
    called = probabilities.argmax(axis=1)
    wrong = np.flatnonzero((passed.max(axis=1) >= 0) & (confident != truth) & (called != truth))
    order = wrong[np.argsort(own[wrong], kind="stable")]
    return order, confident[order]
