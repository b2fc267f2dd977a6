"""COCO average precision of a detector on annotated photos (Lin et al. 2014, arXiv 1405.0312), by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from deepstyle import images
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet
from deepstyle.annotations.pair import COMPLETE
from deepstyle.boxes import Box, Detector
from deepstyle.errors import ImageError, InputError
from deepstyle.files import read_input, shown
from deepstyle.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """AP over IoU 0.50:0.95, AP50 and AP75 in [0, 1], AP per label, and the number of photos they rest on.

    A label that no photo shows has no AP: None, and the means leave it out.
    """

    ap: float
    ap50: float
    ap75: float
    per_label: dict[str, float | None]
    photos: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def average_precision(truth: AnnotatedSet, found: Sequence[Sequence[Box]]) -> Evaluation:
    """COCO AP of ``found[i]`` (boxes in pixels) against ``truth.images[i]``. Raises InputError on an empty truth.

    What is found on a crowd of its label is passed over, as COCO does.
    """
    number = {label: i for i, label in enumerate(truth.labels, start=1)}
    every = [
        (n, c, a) for n, im in enumerate(truth.images) for c, of in enumerate((im.annotations, im.crowds)) for a in of
    ]
    boxes = [
        {"id": i, "image_id": n, "category_id": number[a.label], "bbox": _xywh(a.box), "area": _area(a.box), "iscrowd": c}
        for i, (n, c, a) in enumerate(every, start=1)
    ]  # fmt: skip
    if all(row["iscrowd"] for row in boxes):
        raise InputError("there is nothing to evaluate on: the validation set holds no boxes")
    reference = COCO(
        {
            "images": [{"id": n, "width": im.width, "height": im.height} for n, im in enumerate(truth.images)],
            "annotations": boxes,
            "categories": [{"id": i, "name": label} for label, i in number.items()],
        }
    )
    results = [
        {"image_id": n, "category_id": number[b.label], "bbox": _xywh(b.corners), "score": b.score}
        for n, row in enumerate(found)
        for b in row
        if b.label in number
    ]
    if not results:
        there = {a.label for im in truth.images for a in im.annotations}
        nothing = {label: 0.0 if label in there else None for label in truth.labels}
        return Evaluation(ap=0.0, ap50=0.0, ap75=0.0, per_label=nothing, photos=len(truth.images))
    coco = COCOeval_faster(reference, reference.loadRes(results), iouType="bbox", extra_calc=False)
    coco.evaluate()
    coco.accumulate()
    coco.summarize()
    precision = np.asarray(coco.eval["precision"])  # IoU x recall x label x area x max detections
    per_label = {label: _mean(precision[:, :, i, 0, -1]) for i, label in enumerate(truth.labels)}
    ap, ap50, ap75 = (float(value) for value in coco.stats[:3])
    return Evaluation(ap=ap, ap50=ap50, ap75=ap75, per_label=per_label, photos=len(truth.images))


def find_all(detector: Detector, photos: AnnotatedSet, *, batch_size: int = 8, reporter: Reporter) -> list[list[Box]]:
    """Run the detector over annotated photos; boxes of each, in their order, in pixels of the annotations.

    Raises InputError for a photo that is missing, broken, or of other proportions than its annotations say.
    """
    found: list[list[Box]] = []
    with reporter.task("evaluating the detector", total=len(photos.images), unit="photos") as task:
        for window in _batches(photos.images, batch_size):
            boxes = detector.detect([pixels for _, pixels in window])
            found += [_annotated(row, *pair) for row, pair in zip(boxes, window, strict=True)]
            task.advance(len(window))
    return found


def _annotated(boxes: Sequence[Box], image: AnnotatedImage, pixels: images.Pixels) -> list[Box]:
    """Boxes in the photo's pixels -> in those of its annotations, which may be of a copy of another size."""
    x, y = image.width / pixels.shape[1], image.height / pixels.shape[0]
    return [box.scaled(x, y) for box in boxes]


def _batches(annotated: Sequence[AnnotatedImage], size: int) -> Iterator[list[tuple[AnnotatedImage, images.Pixels]]]:
    """The photos, decoded: ``size`` of them, or as many as together have the pixels of the largest that is read."""
    batch: list[tuple[AnnotatedImage, images.Pixels]] = []
    for image in annotated:
        batch.append((image, load_photo(image)))
        if len(batch) == size or sum(pixels.size // 3 for _, pixels in batch) >= images.MAX_PIXELS:
            yield batch
            batch = []
    if batch:
        yield batch


def evaluate(detector: Detector, truth: AnnotatedSet, *, batch_size: int = 8, reporter: Reporter) -> Evaluation:
    """Run the detector over the photos of ``truth`` and score it."""
    return average_precision(truth, find_all(detector, truth, batch_size=batch_size, reporter=reporter))


def load_photo(image: AnnotatedImage) -> images.Pixels:
    """Decode an annotated photo. Raises InputError naming the file when it is missing, broken, or of other proportions."""
    with opened_photo(image) as pixels:
        return pixels


@contextmanager
def _naming(image: AnnotatedImage) -> Iterator[None]:
    """Whatever is wrong with the photo's bytes as InputError that names it."""
    try:
        yield
    except ImageError as error:
        raise InputError(f"{shown(image.path)}: {error}; remove it from the annotations") from error


@contextmanager
def opened_photo(image: AnnotatedImage) -> Iterator[images.Pixels]:
    """``load_photo`` for work in threads: only so many pixels are open at a time (``images.ROOM``)."""
    data = read_input(image.path, images.MAX_BYTES, COMPLETE)
    with _naming(image), images.decoded(data) as pixels:
        _require_proportions(image, *pixels.shape[:2])
        yield pixels


def require_photos(data: AnnotatedSet) -> None:
    """Look at the header of every photo before slow work. Raises InputError as ``load_photo`` would, but for broken pixels."""
    for image in data.images:
        with _naming(image):
            info = images.probe(read_input(image.path, images.MAX_BYTES, COMPLETE))
        _require_proportions(image, info.height, info.width)


def _require_proportions(image: AnnotatedImage, height: int, width: int) -> None:
    """Raise InputError unless a photo of this size is the annotated one or a copy of it, enlarged or reduced.

    A copy's sides are rounded: multiplied crosswise with the other's they differ by less than the longest side.
    """
    if abs(width * image.height - height * image.width) > max(width, height, image.width, image.height):
        raise InputError(
            f"{shown(image.path)}: has {width} x {height} pixels as it is shown (after EXIF rotation), its annotations are "
            f"of {image.width} x {image.height}; annotate it as it is, or give the photo that was annotated"
        )


def _xywh(box: tuple[float, float, float, float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _mean(values: np.ndarray[Any, Any]) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None
