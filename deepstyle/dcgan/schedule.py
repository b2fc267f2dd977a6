"""How a game's settings change over its budget, all along one cosine (Huang et al. 2024, R3GAN, appendix) (pure).

At the start the game is coarse: a high rate, a short memory, a strong penalty, nothing augmented. At the end it is fine.
The share of the budget decides, so that a training of ten minutes and one of a day go the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from deepstyle.config import GanConfig


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The settings of a moment. ``lr`` and ``penalty`` are shares of the config's rate and of its ``r1`` and ``r2``.

    ``strength``: the probability of augmentation; None: as it is (ADA moves it, or it stays).
    """

    lr: float
    beta2: float
    penalty: float
    strength: float | None


def pace(config: GanConfig, progress: float) -> Pace:
    """The settings when this share of the budget (in [0, 1]) is used; a setting without an end value stays."""
    gone = (1 - math.cos(math.pi * progress)) / 2

    def between(start: float, end: float | None) -> float:
        return start if end is None else start + (end - start) * gone

    return Pace(
        lr=between(1.0, config.lr_end), beta2=between(config.beta2, config.beta2_end),
        penalty=between(1.0, config.penalty_end),
        strength=None if config.strength_end is None else between(config.strength, config.strength_end),
    )  # fmt: skip
