"""What a GAN's training came to, in words: does it still learn, did it collapse, does it copy, what does it leave out (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from deepstyle.weak import FEW_IMAGES

LEAST = 4  # looks in the second half of a training from which a trend can be told
SURE = 2.0  # standard errors that a trend must be away from none
STEEP = 0.2  # fall of the distance from one doubling of the images to the next: a training at its beginning
SLOW = 0.005  # fall of the distance an hour that is not worth waiting for
STEADY = 0.02  # growth of the distance from one doubling of the images to the next that is not worth a word
ENDED = "no longer improving: more or cleaner garments will help more than more time"
COPIES = 0.05  # share of samples beyond which copies are no chance


def looks_of_one(stats: Sequence[Mapping[str, float]], since: int) -> list[Mapping[str, float]]:
    """The points without the looks of a former judge, up to ``since`` images: figures of two are never compared."""
    return [point for point in stats if "frechet" not in point or point["images"] > since]


def verdict(
    stats: Sequence[Mapping[str, float]], *, images: int, seconds: float, collapses: Sequence[int] = (),
    learned: bool = False,
) -> list[str]:  # fmt: skip
    """Sentences on a training of so many ``images`` and ``seconds``; ``stats``: its points, oldest first.

    Points with ``frechet`` are its looks at samples, ``copies`` and ``coverage`` of the last of them are shares in [0, 1].
    ``learned``: it started from weights that had learned, so that few images are not too few.
    """
    looks = [point for point in stats if "frechet" in point and point["images"] > 0 and point["frechet"] > 0]
    last = looks[-1] if looks else {}
    early = learned and images < FEW_IMAGES
    said = [] if early else [_trend([(point["images"], point["frechet"]) for point in looks], images, seconds)]
    if collapses:
        places = ", ".join(f"{place:,}" for place in collapses)
        said.append(f"collapsed at {places} images, and went on from before that at half the rate")
    if last.get("copies", 0.0) > COPIES:
        said.append(
            f"memorises: {last['copies']:.0%} of samples are copies of garments or nearly (`deepstyle sample --novelty`)"
        )
    if "coverage" in last:
        said.append(f"covers {last['coverage']:.0%} of the real garments")
    return [sentence for sentence in said if sentence]


def _trend(looks: Sequence[tuple[float, float]], images: int, seconds: float) -> str:
    """Whether the distance still falls, by a line through its logarithm over the second half of the training."""
    late = [(math.log2(seen), math.log(far)) for seen, far in looks if seen >= images / 2]
    if images < FEW_IMAGES:
        return f"undertrained: {images:,} images are too few to judge it; train until {FEW_IMAGES:,} at least"
    if len(late) < LEAST:
        return ""
    slope, error = _line(late)
    if slope > -SURE * error:
        return _standing(slope, error)
    doubling = 1 - math.exp(slope)
    if doubling > STEEP:
        return (
            f"undertrained: the distance falls by {doubling:.0%} when the images double; train at least twice as long"
        )
    hourly = 1 - math.exp(slope * math.log2(1 + 3600 / max(seconds, 1e-9)))
    if hourly < SLOW:
        return ENDED
    return f"still improving at {hourly:.1%} an hour: train longer"


def _standing(slope: float, error: float) -> str:
    """Of a distance that does not surely fall: it grows, it stands, or the looks differ too much to tell."""
    growth = math.exp(slope) - 1
    if slope > SURE * error and growth > STEADY:
        return (
            f"getting worse: the distance grows by {growth:.0%} when the images double; take the best generator "
            "(`deepstyle sample --best`)"
        )
    if SURE * error > STEEP:  # the fall of a training at its beginning would be lost among such looks
        return "too early to tell whether it still improves: the looks at it differ too much from one another"
    return ENDED


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The slope of the least squares line through x, y, and its standard error."""
    x, y = np.array(points).T
    x = x - x.mean()
    slope = float((x * y).sum() / (x * x).sum())
    rest = y - y.mean() - slope * x
    return slope, math.sqrt(float((rest * rest).sum()) / (len(x) - 2) / float((x * x).sum()))
