"""What the commands around detectors do: train, evaluate; ``pipeline.py`` ties them to the other stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, DetectorConfig, Detectron2Config, MaskConfig, load_config
from deepstyle.crop.figures import CropFigures, crop_figures, mask_iou, surest_rules
from deepstyle.detector.evaluate import Evaluation, average_precision, find_all
from deepstyle.detector.find import load_detector
from deepstyle.detector.loop import TrainedDetector
from deepstyle.detector.mask_train import TrainedMasks, train_masks
from deepstyle.detector.train import train_detector
from deepstyle.files import check_name
from deepstyle.progress import Reporter
from deepstyle.status import find_model


def detector_on(
    pair: tuple[AnnotatedSet, AnnotatedSet], catalog: Catalog, config: DetectorConfig | Detectron2Config, *,
    reporter: Reporter, name: str = "detector", fresh: bool = False,
) -> TrainedDetector:  # fmt: skip
    """Train a detector on a pair of sets (``read_pair``), with the backend that the config is for."""
    check_name(name, "--name")
    if isinstance(config, Detectron2Config):
        from deepstyle.detector.detectron2_train import train_detectron2

        return train_detectron2(*pair, catalog, config, reporter=reporter, name=name, fresh=fresh)
    start = find_model(catalog, config.start_from, flag="--start-from") if config.start_from else None
    return train_detector(*pair, catalog, config, reporter=reporter, name=name, start=start, fresh=fresh)


def masks_on(
    pair: tuple[AnnotatedSet, AnnotatedSet], catalog: Catalog, folder: Path, config: MaskConfig, *,
    reporter: Reporter, name: str | None = None, fresh: bool = False,
) -> TrainedMasks:  # fmt: skip
    """Train a mask head for the detector in ``folder`` on sets with masks; ``name``: the folder to write, its own if None."""
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
    folder: Path, truth: AnnotatedSet, *, reporter: Reporter, others: AnnotatedSet | None = None, recall: float = 0.7
) -> Judged:
    """Judge the detector in ``folder`` on annotated photos, and its crops by the default rules.

    ``others``: other annotated photos, on which the surest rules are chosen that find ``recall`` of the garments
    (``read_judged`` reads both).
    """
    judged = load_detector(folder)
    rules = load_config(CropConfig, CropConfig.default_preset)
    if others is not None:
        rules, _ = surest_rules(others, find_all(judged, others, reporter=reporter), rules, recall=recall)
    found = find_all(judged, truth, reporter=reporter)
    iou, masks = mask_iou(truth, found, rules)
    return Judged(
        name=judged.name, precision=average_precision(truth, found), crops=crop_figures(truth, found, rules),
        mask_iou=iou, masks=masks, rules=rules,
    )  # fmt: skip
