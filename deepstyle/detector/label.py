"""The labelling loop: a trained detector writes the annotations that the next one learns from.

Self-training (Lee 2013, "Pseudo-Label"; Sohn et al. 2020, arXiv 2005.04757). Where the detector knows a garment's shape (it has
a mask head), that is its mask. How a photo can end:
    labelled      every garment it is known to show has a box (or, where nothing is known, at least one box)
    unsure        a garment that it shows was not found: it would teach the detector to overlook that
    failed        the file is missing or broken
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstyle import images
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.annotations.mask import encode
from deepstyle.boxes import Box, Detector
from deepstyle.detector.matching import plausible
from deepstyle.errors import ImageError, InputError
from deepstyle.files import read_input, shown
from deepstyle.progress import Reporter
from deepstyle.shape import on_photo


@dataclass(frozen=True, kw_only=True)
class LabelSummary:
    """Photos by how they ended, and boxes a label."""

    labelled: int
    unsure: int
    failed: int
    boxes: dict[str, int]


def label_photos(
    detector: Detector, photos: Sequence[Path], out: Path, *, min_score: float, reporter: Reporter,
    worn: Mapping[Path, Counter[str]] | None = None,
) -> LabelSummary:  # fmt: skip
    """Write what the detector finds on ``photos`` with at least ``min_score`` as the COCO file ``out``.

    ``worn`` says how many garments of each label a photo shows, where that is known: no more boxes than that are kept.
    """
    kept: list[AnnotatedImage] = []
    outcomes: Counter[str] = Counter()
    with reporter.task("labelling photos", total=len(photos), unit="photos") as task:
        for path in photos:
            try:
                pixels = images.decode(read_input(path, images.MAX_BYTES, "make it readable"))
            except ImageError as error:
                reporter.say(f"  {shown(path)}: {error}; skipped")
                outcomes["failed"] += 1
                task.advance()
                continue
            except InputError as error:
                reporter.say(f"  {error}; skipped")
                outcomes["failed"] += 1
                task.advance()
                continue
            known = worn.get(path) if worn is not None else None
            boxes = plausible(detector.detect([pixels])[0], min_score=min_score, worn=known)
            outcomes["labelled" if boxes else "unsure"] += 1
            if boxes:
                height, width = pixels.shape[:2]
                rows = tuple(
                    Annotation(box=box.corners, label=box.label, mask=mask_of(box, height, width)) for box in boxes
                )
                kept.append(AnnotatedImage(path=path.absolute(), width=width, height=height, annotations=rows))
            task.advance(note=f"{outcomes['labelled']} labelled")
    write_coco(out, AnnotatedSet(labels=detector.labels, images=tuple(kept)))
    boxes_a_label = Counter(one.label for image in kept for one in image.annotations)
    return LabelSummary(
        labelled=outcomes["labelled"], unsure=outcomes["unsure"], failed=outcomes["failed"], boxes=dict(boxes_a_label)
    )


def mask_of(box: Box, height: int, width: int) -> str:
    """Which pixels of a photo are the garment in the box (``mask.py``'s text); "" when the detector does not know, or none is."""
    if not box.shape:
        return ""
    grid = on_photo(box.shape, box.corners, width, height)
    return encode(grid) if grid.any() else ""
