"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from deepstyle.errors import InputError
from deepstyle.metrics.calibration import calibrate, calibration_error, temperature


def test_the_error_is_what_the_definition_says() -> None:
    """It agrees with the definition worked out bin by bin."""
    random = np.random.default_rng(0)
    probabilities = softmax(2 * random.standard_normal((500, 4)), axis=1)
    labels = random.integers(0, 4, 500)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for k in range(15):
        inside = (sure > k / 15) & (sure <= (k + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - sure[inside].mean())

    assert calibration_error(probabilities, labels) == pytest.approx(expected)


def test_certainty_that_is_right_costs_nothing_and_wrong_costs_all() -> None:
    """One-hot predictions have the error 0 where they are right and 1 where they are wrong."""
    sure = np.eye(3)

    assert calibration_error(sure, np.array([0, 1, 2])) == 0
    assert calibration_error(sure, np.array([1, 2, 0])) == 1


def test_a_network_that_is_too_sure_is_cooled_by_what_it_was_heated_with() -> None:
    """Logits three times those that the labels were drawn from get a temperature of about 3, and less error."""
    random = np.random.default_rng(1)
    logits = random.standard_normal((20_000, 5))
    labels = np.array([random.choice(5, p=p) for p in softmax(logits, axis=1)])
    found = temperature(3 * logits, labels)

    assert found == pytest.approx(3, rel=0.1)
    cooled = calibration_error(softmax(3 * logits / found, axis=1), labels)
    assert cooled < 0.02 < calibration_error(softmax(3 * logits, axis=1), labels)


def test_nothing_cannot_be_calibrated() -> None:
    """No images, or labels of other images, are an error that tells the shapes."""
    with pytest.raises(InputError, match="0 x 3"):
        temperature(np.zeros((0, 3)), np.zeros(0, np.int64))
    with pytest.raises(InputError, match=r"2 x 3 and 5"):
        calibration_error(np.zeros((2, 3)), np.zeros(5, np.int64))


def test_each_half_is_judged_at_the_temperature_that_the_other_chose() -> None:
    """The error told after scaling is that of two halves by hand; without halves it is of the images that chose, and says so."""
    random = np.random.default_rng(2)
    logits = random.standard_normal((4000, 4)) * 2
    labels = np.array([random.choice(4, p=p) for p in softmax(logits / 2, axis=1)])
    half = np.arange(4000) < 1000
    crossed, same = calibrate(logits, labels, half), calibrate(logits, labels)
    by_hand = np.where(half, temperature(logits[~half], labels[~half]), temperature(logits[half], labels[half]))[
        :, None
    ]

    assert (crossed.crossed, same.crossed) == (True, False)
    assert crossed.temperature == same.temperature == temperature(logits, labels) == pytest.approx(2, rel=0.1)
    assert crossed.after == calibration_error(softmax(logits / by_hand, axis=1), labels)
    assert same.after == calibration_error(softmax(logits / same.temperature, axis=1), labels)
    assert crossed.before == same.before == calibration_error(softmax(logits, axis=1), labels) > 3 * crossed.after
    assert not calibrate(logits, labels, np.zeros(4000, np.bool_)).crossed


def test_what_is_called_right_throughout_chooses_no_temperature() -> None:
    """Images without a mistake would have the network infinitely sure; the temperature stays 1."""
    assert temperature(np.eye(3) * 2, np.array([0, 1, 2])) == 1
