"""How good the crops are that a detector gives under the rules of the cut: what the GAN sees (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet
from deepstyle.annotations.mask import decode
from deepstyle.boxes import Box, iou
from deepstyle.config import CropConfig
from deepstyle.crop.rules import choose
from deepstyle.detector.matching import in_crowd, match
from deepstyle.shape import on_photo

SAME = 0.6  # IoU from which two crops of a photo show the same cloth


@dataclass(frozen=True, kw_only=True)
class CropFigures:
    """The crops of annotated photos; shares in [0, 1], None where there is no photo of that kind.

    ``precision`` is the share of crops with the right label and an IoU of 0.5 or more, ``recall`` the share of garments that
    have such a crop, ``doubles`` the pairs of crops that overlap by an IoU over 0.6. ``main`` is the share of photos of a single
    garment whose surest crop has its label, ``empty`` the share of photos without a garment that give no crop.
    Crops of a crowd are not counted, nor are those of a label that nobody annotated, as AP leaves them out.
    """

    crops: int
    precision: float | None
    recall: float | None
    doubles: int
    singles: int
    main: float | None
    bare: int
    empty: float | None


def crop_figures(truth: AnnotatedSet, found: Sequence[Sequence[Box]], rules: CropConfig) -> CropFigures:
    """Figures of the crops that ``rules`` make of ``found[i]``, the boxes on ``truth.images[i]`` in its pixels."""
    crops = right = garments = doubles = singles = main = bare = empty = 0
    for image, boxes in zip(truth.images, found, strict=True):
        chosen = _crops(truth, image, boxes, rules)
        seen = match(image.annotations, chosen)
        wrong = sum(not in_crowd(box, image.crowds) for box in seen.wrong)
        crops, garments = crops + len(seen.right) + wrong, garments + len(image.annotations)
        right += len(seen.right)
        doubles += sum(iou(a.corners, b.corners) > SAME for a, b in combinations(chosen, 2))
        if image.crowds:
            continue  # nobody knows how many garments it shows
        if len(image.annotations) == 1:
            surest = max(chosen, key=lambda box: box.score, default=None)
            singles, main = singles + 1, main + (surest is not None and surest.label == image.annotations[0].label)
        if not image.annotations:
            bare, empty = bare + 1, empty + (not chosen)
    return CropFigures(
        crops=crops, precision=_share(right, crops), recall=_share(right, garments), doubles=doubles,
        singles=singles, main=_share(main, singles), bare=bare, empty=_share(empty, bare),
    )  # fmt: skip


def _crops(truth: AnnotatedSet, image: AnnotatedImage, boxes: Sequence[Box], rules: CropConfig) -> list[Box]:
    """What the rules cut of the labels that the annotations know, as if the others were never found."""
    known = [box for box in boxes if box.label in truth.labels]
    return [known[one.k] for one in choose(known, rules, image.width, image.height)]


def mask_iou(truth: AnnotatedSet, found: Sequence[Sequence[Box]], rules: CropConfig) -> tuple[float | None, int]:
    """Mean IoU, pixel by pixel, of the shapes of the right crops with the true masks, and over how many; None without any."""
    ious = []
    for image, boxes in zip(truth.images, found, strict=True):
        chosen = _crops(truth, image, boxes, rules)
        for box, garment in match(image.annotations, chosen).pairs:
            if box.shape and garment.mask:
                seen = on_photo(box.shape, box.corners, image.width, image.height)
                true = decode(garment.mask, image.height, image.width)
                ious.append(float((seen & true).sum() / (seen | true).sum()))
    return (sum(ious) / len(ious) if ious else None), len(ious)


def surest_rules(
    truth: AnnotatedSet, found: Sequence[Sequence[Box]], rules: CropConfig, *, recall: float
) -> tuple[CropConfig, CropFigures]:
    """The ``min_score``, ``max_overlap`` and ``max_inside`` whose crops are right most often while ``recall`` is found.

    To be asked of photos that neither train nor report. Where no rules reach the recall, those of the highest.
    """
    tried = [
        (
            made := rules.model_copy(
                update={"min_score": score / 100, "max_overlap": overlap / 10, "max_inside": inside / 20}
            ),
            crop_figures(truth, found, made),
        )
        for score in range(10, 96, 5)
        for overlap in (4, 5, 6, 7, 10)
        for inside in (14, 16, 17, 18, 19, 20)
    ]
    enough = [pair for pair in tried if (pair[1].recall or 0) >= recall]
    if not enough:
        return max(tried, key=lambda pair: pair[1].recall or 0)
    return max(enough, key=lambda pair: (pair[1].precision or 0, pair[1].recall or 0))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
