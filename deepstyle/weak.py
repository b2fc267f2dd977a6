"""When a result is too weak to be used as it is: one sentence that says what, why, and what to do (pure).

A summary that shows a number alone looks like success to who does not know what number to expect.
"""

from __future__ import annotations

import math

LITTLE_SKILL = 0.25  # of what guessing gets wrong, the share a classifier must get right (0: chance, 1: all)
FEW_LABELLED = 50  # images that a classifier learns from, or is judged by: two standard errors of a share are 14 points
LOW_AP50 = 0.3  # below it a detector misses or misplaces more garments than it finds
FEW_IMAGES = 20_000  # seen by a GAN: at 22,000 drawn garments have outlines (docs/log.md, the demo)
FEW_GARMENTS = 500  # to learn from: at 500 the Frechet distance is a fifth worse than at 7,640 (docs/log.md)
KNOWING = "--from demo-garments"  # 200 garments, ten minutes: two fifths of the distance from nothing (docs/log.md)


def weak_classifier(
    top1: float, labels: int, *, learned: int | None = None, judged: int | None = None, newest: bool = False
) -> list[str]:
    """Why a classifier with this top-1 (share in [0, 1]) over so many labels is no judge yet; empty when it is one.

    ``learned``, ``judged``: from how many images it learned, and by how many the top-1 is; None where nobody knows.
    ``newest``: it is the one that its workspace's commands take by themselves.
    """
    return [*_little_skill(top1, labels, newest=newest), *few_labelled(learned, judged)]


def few_labelled(learned: int | None, judged: int | None) -> list[str]:
    """Why a classifier that learned from so many images, and is judged by so many, is not to be relied on; empty if it is."""
    found = []
    if learned is not None and learned < FEW_LABELLED:
        found.append(
            f"learned from {learned:,} images, too few to know a category by; label {FEW_LABELLED} or more, or take the "
            "classifier that ships (`--classifier garment-categories`)"
        )
    if judged is not None and judged < FEW_LABELLED:
        apart = math.ceil(100 / math.sqrt(max(judged, 1)))  # two standard errors at most: 2 * sqrt(1 / 4 / n)
        found.append(
            f"judged by {judged:,} images, too few: on others its figures may be {min(apart, 100)} points higher or lower; "
            f"hold out {FEW_LABELLED} or more: label more, or raise --set validation_share"
        )
    return found


def _little_skill(top1: float, labels: int, *, newest: bool) -> list[str]:
    chance = 1 / labels
    if labels > 1 and (top1 - chance) / (1 - chance) >= LITTLE_SKILL:
        return []
    what = f"top-1 {top1:.0%} over {labels} labels, because it has learned little beyond guessing ({chance:.0%})"
    told = f"{what}; what it says of samples means little: train longer (--minutes) or on more images of each label"
    return [f"{told}; it judges from now on, unless `--classifier garment-categories` is given" if newest else told]


def weak_detector(ap50: float, photos: int) -> list[str]:
    """Why a detector with this AP50 (in [0, 1]) on so many photos cuts badly; empty when it does not."""
    if ap50 >= LOW_AP50:
        return []
    what = f"AP50 {ap50:.2f} on {photos:,} photos, because many garments are missed or misplaced below {LOW_AP50}"
    start = "start from what ships (--config lite0-256 --start-from garments-lite)"
    return [f"{what}; train longer (--minutes), {start}, or cut with `--detector garments-lite`"]


def weak_gan(images: int, seconds: float, garments: int, *, by_time: bool, learned: bool = False) -> list[str]:
    """What a GAN lacks that saw so many images of so many garments in so long.

    ``by_time``: --minutes ended it; ``learned``: it started from weights that knew garments.
    """
    found = []
    if images < FEW_IMAGES and not learned:
        remedy = f"--minutes {minutes_for(FEW_IMAGES, images, seconds)}" if by_time else f"--images {FEW_IMAGES}"
        found.append(
            f"too few: {images:,} images, because before some {FEW_IMAGES:,} samples are seldom garments; run again with "
            f"{remedy}: it goes on from here; or begin with what has learned: {KNOWING}"
        )
    if garments < FEW_GARMENTS:
        start = "" if learned else f", or begin with what has learned ({KNOWING})"
        found.append(
            f"{garments:,} garments, because samples of fewer than some {FEW_GARMENTS} vary little and may be copies "
            f"(`deepstyle sample --novelty` tells): add photos and crop them, then train again{start}"
        )
    return found


def minutes_for(wanted: int, images: int, seconds: float) -> int:
    """Whole minutes in which ``wanted`` images are seen at the pace of these, with a tenth to spare."""
    return max(1, math.ceil(1.1 * wanted / max(images, 1) * seconds / 60))
