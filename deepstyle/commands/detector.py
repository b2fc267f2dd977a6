"""Detectors: train-detector, train-masks, eval-detector, import-detector."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.options import (
    Bounded,
    Session,
    build_config,
    checked_name,
    configured,
    detector_option,
    json_option,
    open_catalog,
)
from deepstyle.commands.tables import show
from deepstyle.errors import UsageError
from deepstyle.weak import weak_detector

_train = click.argument("train", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True,
                        metavar="TRAIN.json...")  # fmt: skip
_validation = click.option("--val", "validation", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                           required=True, help="COCO file of photos that are never trained on.")  # fmt: skip


@click.command()
@json_option
@_train
@_validation
@click.option("--start-from", metavar="MODEL", help="Detector or small classifier (name or folder) to start from.")
@click.option("--minutes", type=float, help="Stop after this time; else after the photos that the settings say.")
@click.option("--name", default="detector", show_default=True, callback=checked_name, help="Name of the model folder.")
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@configured
@click.pass_obj
def train_detector(session: Session, train: tuple[Path, ...], validation: Path, start_from: str | None,
                   minutes: float | None, name: str, fresh: bool, config: str | None, overrides: tuple[str, ...],
                   dry_run: bool) -> None:  # fmt: skip
    """Train a Faster R-CNN on annotated photos (COCO files).

    Presets for CPUs: mobilenet-320 (the default), small-256, small-320, small-wide-256, lite0-256 (what ships);
    for GPUs: r50-fpn, r50-fpn-v2; detectron2-r50-fpn, detectron2-r101-fpn and detectron2-x101-fpn train with detectron2,
    which you install yourself. Several processes share the work under torchrun.

    \b
    Example:
        deepstyle train-detector ccp/train.json --val ccp/val.json --config small-256
        torchrun --nproc-per-node 4 -m deepstyle train-detector ccp/train.json --val ccp/val.json --config r50-fpn
    """
    from deepstyle.config import detector_kind

    flags = {"minutes": minutes, "start_from": start_from}
    built = build_config(session, detector_kind(config).__name__, config, overrides, flags, dry_run=dry_run)
    with open_catalog(session) as catalog:
        from deepstyle.annotations.pair import read_pair
        from deepstyle.status import find_model

        if start := getattr(built, "start_from", ""):  # detectron2's configs have none; told before torch is imported
            find_model(catalog, start, flag="--start-from")
        pair = read_pair(train, validation, session.reporter)
        from deepstyle import detectors

        result = detectors.detector_on(pair, catalog, built, reporter=session.reporter, name=name, fresh=fresh)
    rows = _precision_rows(result.evaluation) | {"photos seen": f"{result.images:,} in {result.seconds / 60:.1f} min"}
    weak = weak_detector(result.evaluation.ap50, result.evaluation.photos)
    show(f"the detector is in {result.folder}", rows, weak=weak, **asdict(result))


def _precision_rows(figures: Any) -> dict[str, Any]:
    return {
        "AP50": f"{figures.ap50:.3f}", "AP": f"{figures.ap:.3f}", "AP75": f"{figures.ap75:.3f}",
        "AP per label": ", ".join(
            f"{label} {'none there' if value is None else f'{value:.3f}'}" for label, value in figures.per_label.items()
        ),
        "validation photos": figures.photos,
    }  # fmt: skip


def _judged_crops(crops: Any) -> dict[str, Any]:
    rows = {"crops that are right": crops.precision, "garments cut rightly": crops.recall}
    rows |= {f"right label on {crops.singles} single garments": crops.main} if crops.singles else {}
    rows |= {f"no crop on {crops.bare} photos without a garment": crops.empty} if crops.bare else {}
    shown = {name: "-" if share is None else f"{share:.3f}" for name, share in rows.items()}
    return shown | {"crops": f"{crops.crops:,}", "pairs of crops of one cloth": f"{crops.doubles:,}"}


@click.command()
@json_option
@_train
@_validation
@detector_option
@click.option("--minutes", type=float, help="Stop after this time; else after the photos that the settings say.")
@click.option(
    "--name",
    callback=lambda c, p, v: v and checked_name(c, p, v),
    help="Model folder to write; otherwise the detector's own.",
)
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@configured
@click.pass_obj
def train_masks(session: Session, train: tuple[Path, ...], validation: Path, detector: str | None,
                minutes: float | None, name: str | None, fresh: bool, config: str | None, overrides: tuple[str, ...],
                dry_run: bool) -> None:  # fmt: skip
    """Teach a detector what in a box is garment.

    A small head learns from the masks of COCO files; garments without one are passed over. The detector's weights stay what
    they are. With the head it draws its boxes around the garments' shapes, and `crop` can cut along them (--background).

    \b
    Example:
        deepstyle train-masks ccp/train.json --val ccp/val.json --detector detector
    """
    built = build_config(session, "MaskConfig", config, overrides, {"minutes": minutes}, dry_run=dry_run)
    with open_catalog(session) as catalog:
        from deepstyle.annotations.pair import masked, read_pair
        from deepstyle.detector.find import find_detector

        folder = find_detector(catalog, detector)  # what is not there is told before torch is imported
        pair = read_pair(train, validation, session.reporter)
        masked(pair[0], "the photos to train on"), masked(pair[1], "the photos of --val")
        from deepstyle import detectors

        result = detectors.masks_on(pair, catalog, folder, built, reporter=session.reporter, name=name, fresh=fresh)
    rows = {
        "mask IoU": f"{result.iou:.3f} in the true boxes of {result.garments:,} garments",
        "photos seen": f"{result.images:,} in {result.seconds / 60:.1f} min",
    }
    show(f"the detector is in {result.folder}", rows, **asdict(result))


@click.command()
@json_option
@click.argument("validation", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="VAL.json")
@detector_option
@click.option("--choose-rules", "choose", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              metavar="OTHER.json", help="Choose the rules of the crop on these photos first.")  # fmt: skip
@click.option("--recall", type=Bounded(0, 1), default=0.7, show_default=True,
              help="Share of the garments that such rules must find.")  # fmt: skip
@click.pass_obj
def eval_detector(
    session: Session, validation: Path, detector: str | None, choose: Path | None, recall: float
) -> None:  # fmt: skip
    """Measure a detector's average precision, and its crops.

    COCO's AP on annotated photos, whatever backend the detector has. Crops are judged by the default rules: the share with
    the right label and an IoU of 0.5 or more, the share of garments that have such a crop, pairs that show one cloth; with
    masks, how well those of right crops agree with the true ones. --choose-rules looks for the rules whose crops are right
    most often, on photos that report nothing.

    \b
    Example:
        deepstyle eval-detector ccp/val.json --detector detector
        deepstyle eval-detector ccp/test.json --choose-rules ccp/val.json
    """
    with open_catalog(session) as catalog:
        from deepstyle.about import detector_name, read_about
        from deepstyle.annotations.pair import read_judged
        from deepstyle.detector.find import find_detector

        folder = find_detector(catalog, detector)
        truth, others = read_judged(
            validation,
            choose,
            labels=read_about(folder)["labels"],
            name=detector_name(folder),
            reporter=session.reporter,
        )  # what is wrong with the files is told before torch is imported
        from deepstyle import detectors

        judged = detectors.evaluate_detector(folder, truth, reporter=session.reporter, others=others, recall=recall)
    figures, rules = judged.precision, judged.rules
    weak = weak_detector(figures.ap50, figures.photos)
    rows = _precision_rows(figures) | _judged_crops(judged.crops)
    if judged.mask_iou is not None:
        rows["mask IoU of right crops"] = f"{judged.mask_iou:.3f} of {judged.masks:,}"
    if choose is not None:
        rows["cut so with"] = (
            f"deepstyle crop --min-score {rules.min_score:g} --max-overlap {rules.max_overlap:g} "
            f"--set max_inside={rules.max_inside:g}"
        )
    chosen = {key: getattr(rules, key) for key in ("min_score", "max_overlap", "max_inside")}
    masks = {"mask_iou": judged.mask_iou, "masks": judged.masks}
    show(f"{judged.name} on {validation}", rows, weak=weak, detector=judged.name, **asdict(figures),
          crop=asdict(judged.crops), rules=chosen, **masks)  # fmt: skip


@click.command()
@json_option
@click.argument("name", callback=checked_name)
@click.option("--yaml", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="detectron2's yaml of the network.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="Its weights: .pth, .pkl or .safetensors; none of their code runs.")  # fmt: skip
@click.option("--labels", required=True, help="Its labels in the order of its classes, e.g. upper,lower,full.")
@click.pass_obj
def import_detector(session: Session, name: str, yaml: Path, weights: Path, labels: str) -> None:
    """Bring a detector of detectron2 into the workspace.

    Any yaml and weights of that library will do.

    \b
    Example:
        deepstyle import-detector mine --yaml mine.yaml --weights model_final.pth --labels upper,lower,full
    """
    wanted = tuple(part.strip() for part in labels.split(",") if part.strip())
    if not wanted or len(set(wanted)) != len(wanted):
        raise UsageError(f"--labels {labels}: give each label once, with commas between them")
    with open_catalog(session) as catalog:
        from deepstyle.detector.detectron2_backend import import_detectron2

        folder = import_detectron2(catalog, name, yaml=yaml, path=weights, labels=wanted)
    rows = {"labels": ", ".join(wanted), "use it": f"deepstyle crop --detector {name}"}
    show(f"the detector is in {folder}", rows, folder=folder, labels=wanted)
