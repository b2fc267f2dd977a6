"""The weave: how much stronger generated images are at the periods of their generator's upsampling than beside them (pure).

What doubles the side over and over can leave patterns with periods of 2, 4 and 8 pixels, which real garments do not have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstyle.images import Pixels

PERIODS = (2, 4, 8)  # pixels: the last three doublings of the side
AWAY = (2, 3)  # frequencies to both sides that are compared with: the window blurs a frequency over its next neighbours
GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
MOST = 2_000  # images looked at, evenly spaced
CHUNK = 256  # images transformed at a time
FLOOR = 1.0  # power far below that of rounding to 256 levels: two flat pictures compare as 1


def weave(pictures: Pixels) -> dict[int, float]:
    """Period in pixels -> how strong it is in N x S x S x 3 uint8, S a multiple of 16: 1 means no more than beside it.

    The mean power of the grey images at that period on both axes and the diagonals, each over the geometric mean of its
    neighbours on the same line, AWAY to both sides; their mean.
    """
    power = spectrum(pictures)
    return {
        period: float(np.mean([_ratio(power, *place) for place in _places(len(power), period)])) for period in PERIODS
    }


def weave_figures(pictures: Pixels) -> dict[str, float]:
    """The same by the names that TensorBoard and score.json show: ``weave/2``, ``weave/4``, ``weave/8``."""
    return {f"weave/{period}": value for period, value in weave(pictures).items()}


def spectrum(pictures: Pixels) -> NDArray[np.float64]:
    """The mean power of N x S x S x 3 uint8 images at each frequency, S x S: grey, less their means, in a Hann window.

    Without the window the jump from one edge of an image to the other would stand on the axes, at all periods.
    """
    side = pictures.shape[1]
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(side) / side)
    some = np.linspace(0, len(pictures) - 1, min(len(pictures), MOST)).astype(np.int64)
    total = np.zeros((side, side))
    for start in range(0, len(some), CHUNK):
        grey = pictures[some[start : start + CHUNK]] @ GREY
        grey -= grey.mean((1, 2), keepdims=True)
        total += (np.abs(np.fft.fft2(grey * line[:, None] * line)) ** 2).sum(0)
    return total / len(some)


def _places(side: int, period: int) -> list[tuple[int, int]]:
    """The frequencies of a period: down, across, and on the diagonals (at period 2 both are one)."""
    one = side // period
    return list(dict.fromkeys([(one, 0), (0, one), (one, one), (one, side - one)]))


def _ratio(power: NDArray[np.float64], down: int, across: int) -> float:
    side = len(power)
    step = (1 if down else 0, (-1 if across > side // 2 else 1) if across else 0)  # towards higher frequencies
    beside = [power[(down + k * step[0]) % side, (across + k * step[1]) % side] for away in AWAY for k in (away, -away)]
    return float((power[down, across] + FLOOR) / (np.exp(np.mean(np.log(np.add(beside, FLOOR))))))
