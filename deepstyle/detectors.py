"""What the commands around detectors do: train, evaluate, annotate; ``pipeline.py`` ties them to the other stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepstyle import images
from deepstyle.annotations.coco import AnnotatedSet, read_coco
from deepstyle.annotations.tags import read_tags
from deepstyle.boxes import Detector
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, DetectorConfig, Detectron2Config, MaskConfig, load_config
from deepstyle.crop.figures import CropFigures, crop_figures, mask_iou, surest_rules
from deepstyle.detector.evaluate import Evaluation, average_precision, find_all
from deepstyle.detector.find import find_detector, load_detector
from deepstyle.detector.label import LabelSummary, label_photos
from deepstyle.detector.loop import TrainedDetector
from deepstyle.detector.mask_train import TrainedMasks, train_masks
from deepstyle.detector.train import train_detector
from deepstyle.errors import InputError
from deepstyle.files import check_name, names_folder
from deepstyle.progress import Reporter
from deepstyle.status import find_model

PHOTOS = ("jpg", "jpeg", *sorted(set(images.EXTENSIONS.values()) - {"jpg"}))  # what files of photos are called


def read_pair(train: Sequence[Path], validation: Path, reporter: Reporter) -> tuple[AnnotatedSet, AnnotatedSet]:
    """The COCO files of a detector's training, opened before anything slow starts; several training files are joined.

    Raises InputError when their labels differ or cannot name a folder, a side has no boxes, or a photo is on both sides.
    """
    parts, held_out = [_read(path, reporter) for path in train], _read(validation, reporter)
    for label in held_out.labels:
        if not names_folder(label):
            raise InputError(
                f"{validation}: the label {label!r} cannot name a folder of garments; rename it, as with `deepstyle data coco`"
            )
    for path, part in zip(train, parts, strict=True):
        if part.labels != held_out.labels:
            raise InputError(
                f"{path} has the labels {part.labels}, {validation} has {held_out.labels}; they must agree"
            )
    joined = tuple(image for part in parts for image in part.images)
    for photos, paths in ((joined, train), (held_out.images, [validation])):
        if not any(image.annotations for image in photos):
            raise InputError(
                f"{', '.join(map(str, paths))}: no photo has a box; give a COCO file with annotations of its images"
            )
    if both := {image.path for image in joined} & {image.path for image in held_out.images}:
        raise InputError(f"{min(both)} is both trained on and validated on ({len(both)} such photos); split them first")
    names = _names([*train, validation])
    return (
        AnnotatedSet(labels=held_out.labels, images=joined, name=", ".join(names[:-1])),
        replace(held_out, name=names[-1]),
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of some files, each once, as a model card tells them: with their folders where two are called alike."""
    times = Counter(path.absolute() for path in paths)
    alike = Counter(path.name for path in times)
    return [
        (path.name if alike[path.name] == 1 else f"{path.parent.name}/{path.name}")
        + (f" ({count} times)" if count > 1 else "")
        for path, count in times.items()
    ]


def _read(path: Path, reporter: Reporter) -> AnnotatedSet:
    """A COCO file; what of it is no garment's box is told, because figures and models are without it."""
    data = read_coco(path)
    if data.dropped:
        told = ", ".join(f"{reason} {number:,}" for reason, number in sorted(data.dropped.items()))
        reporter.say(f"{path}: not every annotation is used as it is: {told}")
    return data


def detector_from(
    train: Sequence[Path], validation: Path, catalog: Catalog, config: DetectorConfig | Detectron2Config, *,
    reporter: Reporter, name: str = "detector", fresh: bool = False,
) -> TrainedDetector:  # fmt: skip
    """Train a detector from COCO files, with the backend that the config is for."""
    return detector_on(
        read_pair(train, validation, reporter), catalog, config, reporter=reporter, name=name, fresh=fresh
    )


def detector_on(
    pair: tuple[AnnotatedSet, AnnotatedSet], catalog: Catalog, config: DetectorConfig | Detectron2Config, *,
    reporter: Reporter, name: str = "detector", fresh: bool = False,
) -> TrainedDetector:  # fmt: skip
    """The same with the files read (``read_pair``)."""
    check_name(name, "--name")
    if isinstance(config, Detectron2Config):
        from deepstyle.detector.detectron2_train import train_detectron2

        return train_detectron2(*pair, catalog, config, reporter=reporter, name=name, fresh=fresh)
    start = find_model(catalog, config.start_from, flag="--start-from") if config.start_from else None
    return train_detector(*pair, catalog, config, reporter=reporter, name=name, start=start, fresh=fresh)


def masks_from(
    train: Sequence[Path], validation: Path, catalog: Catalog, config: MaskConfig, *, reporter: Reporter,
    detector: str | None = None, name: str | None = None, fresh: bool = False,
) -> TrainedMasks:  # fmt: skip
    """Train a mask head for the named (or newest) detector from COCO files with masks; ``name``: the folder, its own if None."""
    folder = find_detector(catalog, detector)
    pair = read_pair(train, validation, reporter)
    return masks_on(pair, catalog, folder, config, reporter=reporter, name=name, fresh=fresh)


def masks_on(
    pair: tuple[AnnotatedSet, AnnotatedSet], catalog: Catalog, folder: Path, config: MaskConfig, *,
    reporter: Reporter, name: str | None = None, fresh: bool = False,
) -> TrainedMasks:  # fmt: skip
    """The same with the files read and the detector found."""
    to = check_name(name or folder.name, "--name")
    return train_masks(*pair, catalog, folder, config, reporter=reporter, name=to, fresh=fresh)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A detector on annotated photos: its precision, its crops by the ``rules``, the IoU of so many of their masks."""

    name: str
    precision: Evaluation
    crops: CropFigures
    mask_iou: float | None
    masks: int
    rules: CropConfig


def evaluate_detector(
    validation: Path, catalog: Catalog, *, reporter: Reporter, detector: str | None = None, choose: Path | None = None,
    recall: float = 0.7,
) -> Judged:  # fmt: skip
    """Judge the named (or newest) detector on a COCO file's photos, and its crops by the default rules.

    ``choose``: a COCO file of other photos, on which the surest rules are chosen that find ``recall`` of the garments. Raises
    InputError when a file has a label that the detector does not know, or the two have a photo in common.
    """
    truth, judged = _read(validation, reporter), load_detector(find_detector(catalog, detector))
    rules = load_config(CropConfig, CropConfig.default_preset)
    _known_labels(validation, truth, judged)
    if choose is not None:
        others = _read(choose, reporter)
        _known_labels(choose, others, judged)
        if both := {image.path for image in truth.images} & {image.path for image in others.images}:
            raise InputError(
                f"{min(both)} would both choose the rules and report ({len(both)} such photos); split them"
            )
        rules, _ = surest_rules(others, find_all(judged, others, reporter=reporter), rules, recall=recall)
    found = find_all(judged, truth, reporter=reporter)
    iou, masks = mask_iou(truth, found, rules)
    return Judged(
        name=judged.name, precision=average_precision(truth, found), crops=crop_figures(truth, found, rules),
        mask_iou=iou, masks=masks, rules=rules,
    )  # fmt: skip


def _known_labels(path: Path, truth: AnnotatedSet, judged: Detector) -> None:
    if unknown := [label for label in truth.labels if label not in judged.labels]:
        raise InputError(f"{path}: {judged.name} knows {', '.join(judged.labels)}, not {', '.join(unknown)}")


def label_folder(
    source: Path, out: Path, catalog: Catalog, *, detector: str | None, min_score: float, reporter: Reporter
) -> LabelSummary:
    """Annotate the photos below ``source`` with a detector; Clothing Co-Parsing's tags are heeded where they are."""
    worn = read_tags(source) if (source / "annotations" / "image-level").is_dir() else None
    photos = sorted(worn) if worn is not None else sorted(path for path in source.rglob("*") if _is_photo(path))
    if not photos:
        raise InputError(f"{source}: holds no photos (files named .{', .'.join(PHOTOS)})")
    model = load_detector(find_detector(catalog, detector))
    return label_photos(model, photos, out, min_score=min_score, worn=worn, reporter=reporter)


def _is_photo(path: Path) -> bool:
    """Whether a file is called like a photo; a hidden one is what a killed process was writing."""
    return not path.name.startswith(".") and path.suffix.lower().lstrip(".") in PHOTOS
