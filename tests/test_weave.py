"""The weave against sums over pixels written out, and against patterns whose strength is known."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from deepstyle.images import Pixels
from deepstyle.metrics.weave import spectrum, weave, weave_figures


def noise(count: int, side: int = 32) -> Pixels:
    """Images without any pattern."""
    return np.random.default_rng(0).integers(80, 176, (count, side, side, 3)).astype(np.uint8)


def power_at(pictures: Pixels, down: int, across: int) -> float:
    """The mean power at one frequency, by the sum that defines it."""
    total, side = 0.0, pictures.shape[1]
    window = [math.sin(math.pi * k / side) ** 2 for k in range(side)]
    for picture in pictures.tolist():
        grey = [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in picture]
        mean = sum(map(sum, grey)) / side**2
        wave = sum(
            (grey[y][x] - mean) * window[y] * window[x] * cmath.exp(-2j * math.pi * (down * y + across * x) / side)
            for y in range(side) for x in range(side)
        )  # fmt: skip
        total += abs(wave) ** 2
    return total / len(pictures)


def test_the_spectrum_is_its_defining_sum() -> None:
    """The power at frequencies of period 2, on an axis and on the diagonal, is that of the sum over all pixels."""
    pictures = noise(2, 16)
    power = spectrum(pictures)

    for place in ((0, 8), (8, 8), (3, 13)):
        assert power[place] == pytest.approx(power_at(pictures, *place))


def test_the_figure_is_the_power_over_its_neighbours() -> None:
    """At 2 px: down, across and the diagonal, each over the geometric mean of the powers 2 and 3 frequencies away; their mean."""
    pictures = noise(2, 16)
    lines = [[(8 + k, 0) for k in (0, 2, -2, 3, -3)], [(0, 8 + k) for k in (0, 2, -2, 3, -3)],
             [(8 + k, 8 + k) for k in (0, 2, -2, 3, -3)]]  # fmt: skip
    ratios = []
    for line in lines:
        here, *beside = [power_at(pictures, *place) + 1 for place in line]
        ratios.append(here / math.prod(beside) ** 0.25)

    assert weave(pictures)[2] == pytest.approx(sum(ratios) / 3)


@pytest.mark.parametrize("period", [2, 4, 8])
@pytest.mark.parametrize("kind", ["rows", "columns", "diagonal"])
def test_a_pattern_is_found_at_its_period(period: int, kind: str) -> None:
    """A faint pattern is seen at its own period, ten times as strong as without it, and nowhere else."""
    plain = noise(64)
    y, x = np.mgrid[:32, :32]
    place = {"rows": y, "columns": x, "diagonal": x + y}[kind]
    wave = np.rint(24 * np.cos(2 * np.pi * place / period)).astype(np.int64)
    found, without = weave((plain + wave[:, :, None]).astype(np.uint8)), weave(plain)

    assert found[period] > 10 * without[period]
    assert all(found[other] < 2 * without[other] for other in (2, 4, 8) if other != period)


def test_nothing_is_no_weave() -> None:
    """Images of noise, and flat ones, are about as strong at every period as beside it."""
    assert weave_figures(noise(256)) == pytest.approx({"weave/2": 1, "weave/4": 1, "weave/8": 1}, abs=0.4)
    assert weave(np.full((3, 32, 32, 3), 200, np.uint8)) == pytest.approx({2: 1, 4: 1, 8: 1})
