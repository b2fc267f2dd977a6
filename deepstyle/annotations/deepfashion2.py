"""DeepFashion2 -> COCO files with masks: one JSON a photo, several garments, 13 categories.

Source: Ge, Zhang, Wu, Wang, Tang, Luo, "DeepFashion2: A Versatile Benchmark for Detection, Pose Estimation,
Segmentation and Re-Identification of Clothing Images", CVPR 2019. The folder as its authors ship it:
``train/image/*.jpg`` with ``train/annos/*.json``, the same below ``validation/``; the test photos have no annotations.
A JSON holds ``item1``, ``item2``, ...: ``category_id`` (1 to 13), ``bounding_box`` [x0, y0, x1, y1] in pixels and
``segmentation``, a list of polygons that are the garment's visible parts.

How a photo or item can end, beside ``convert.py``'s ways: ``bad-json`` (no annotation of this form), ``bad-item`` (no
category of the 13, or no box), ``no-garment`` (no item is left), ``no-json``
(a photo of train or validation without annotations).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from deepstyle.annotations.coco import LABELS, AnnotatedImage, Annotation, fit
from deepstyle.annotations.convert import Summary, Tally, photo_sizes, write_splits
from deepstyle.annotations.deepfashion import Labels
from deepstyle.annotations.mask import from_coco
from deepstyle.errors import InputError
from deepstyle.files import read_regular
from deepstyle.images import ImageInfo
from deepstyle.progress import Reporter

FOLDERS = {"train": "train", "val": "validation", "test": "test"}
CATEGORIES = {  # in the order of category_id, from 1
    "short sleeve top": "upper", "long sleeve top": "upper", "short sleeve outwear": "upper",
    "long sleeve outwear": "upper", "vest": "upper", "sling": "upper", "shorts": "lower", "trousers": "lower",
    "skirt": "lower", "short sleeve dress": "full", "long sleeve dress": "full", "vest dress": "full",
    "sling dress": "full",
}  # fmt: skip
NAMES = tuple(CATEGORIES)
MOST = 10_000_000  # bytes of the annotations of one photo


def convert_deepfashion2(source: Path, out: Path, *, reporter: Reporter, labels: Labels = "type") -> Summary:
    """Turn DeepFashion2's annotations into COCO files in ``out``: train, and its validation as val.

    ``labels`` is ``type`` (upper, lower, full) or ``category`` (the 13). Raises InputError when no split is there.
    """
    tally = Tally()
    splits = {split: _split(source / folder, labels, tally, reporter) for split, folder in FOLDERS.items()}
    if not any(splits.values()):
        raise InputError(f"{source}: holds no train/annos or validation/annos; give DeepFashion2's folder, unpacked")
    return write_splits(out, splits, LABELS if labels == "type" else NAMES, tally)


def _split(folder: Path, labels: Labels, tally: Tally, reporter: Reporter) -> list[AnnotatedImage]:
    files = sorted(folder.absolute().glob("annos/[!.]*.json"))
    photos = [f"{folder.absolute()}{os.sep}image{os.sep}{file.stem}.jpg" for file in files]
    annotated = {file.stem for file in files}
    if folder.name != FOLDERS["test"] or files:
        for path in sorted(folder.glob("image/[!.]*.jpg")):
            if path.stem not in annotated:
                tally.count("no-json", f"{folder.name}/{path.stem}")
    images = []
    sizes = photo_sizes(photos, reporter) if files else []
    with reporter.task(f"{folder.name}: items", total=len(files), unit="photos") as task:
        for file, photo, size in zip(files, photos, sizes, strict=True):
            task.advance()
            if isinstance(size, str):
                tally.count(size, f"{folder.name}/{file.stem}")
                continue
            found = read_items(file, size, labels, tally)
            if found:
                images.append(AnnotatedImage(path=Path(photo), width=size.width, height=size.height, annotations=found))
    return images


def read_items(file: Path, size: ImageInfo, labels: Labels, tally: Tally) -> tuple[Annotation, ...]:
    """The garments of one photo of ``size``; what is left out is counted under the photo's name."""
    name = f"{file.parent.parent.name}/{file.stem}"
    try:
        data = json.loads(read_regular(file, MOST))
        items = [data[key] for key in data if key.startswith("item")]
    except (OSError, InputError, ValueError, TypeError, RecursionError):
        tally.count("bad-json", name)
        return ()
    found = []
    for item in items:
        one, outcomes = _item(item, size, labels)
        found += [one] if one is not None else []
        for outcome in outcomes:
            tally.count(outcome, name)
    if not found:
        tally.count("no-garment", name)
    return tuple(found)


def _item(item: Any, size: ImageInfo, labels: Labels) -> tuple[Annotation | None, list[str]]:
    """One garment or None, and what is to count."""
    try:
        number = int(item["category_id"]) - 1
        x0, y0, x1, y1 = map(float, item["bounding_box"])
        polygons = item.get("segmentation")
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None, ["bad-item"]
    if not 0 <= number < len(NAMES):
        return None, ["bad-item"]
    box, outcome = fit((x0, y0, x1, y1), size.width, size.height)
    outcomes = [outcome] if outcome else []
    if box is None:
        return None, outcomes
    try:
        mask = from_coco(polygons, size.height, size.width)
    except InputError:
        mask, outcomes = "", [*outcomes, "bad-mask"]
    category = NAMES[number]
    label = CATEGORIES[category] if labels == "type" else category
    return Annotation(box=box, label=label, category=category, mask=mask), outcomes
