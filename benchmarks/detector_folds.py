"""Figures of a detector's recipe on every annotated photo, none of which its detector has learned from: k-fold.

    python benchmarks/detector_folds.py ccp/train.json ccp/val.json ccp/test.json --more singles/train.json --out folds \
        --set pretrained_from=LITE0

The photos are parted by a hash of their names. Each fold in turn is left out: the others train (five times each beside MORE,
as the card of ``garments-lite`` has it), for a budget that is fixed beforehand, and the last weights look at the fold. Nothing
is chosen, so every photo reports. But the crops' rules can be: for each fold those are taken (`eval-detector --choose-rules`)
whose crops are right most often in the *other* folds, at the recall that is wanted; they stand on a line of their own.
Prints each fold's figures, and those of all photos together with the error that a draw of the photos has (bootstrap).
Interrupted, it continues; with ``--only 0 1`` it trains some folds, and tells what there is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, read_coco
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, DetectorConfig, load_config
from deepstyle.crop.figures import crop_figures, surest_rules
from deepstyle.detector.evaluate import average_precision, find_all
from deepstyle.detector.find import load_detector
from deepstyle.detector.train import train_detector
from deepstyle.files import put_file
from deepstyle.progress import Reporter

TIMES = 5  # that an annotated photo counts beside those of MORE
DRAWS = 200  # of the bootstrap
RULES = load_config(CropConfig, CropConfig.default_preset)


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A fold that reports: its photos, and what the detector that never saw them found there."""

    photos: AnnotatedSet
    found: list[list[Box]]


def part_of(image: AnnotatedImage, folds: int) -> int:
    """The fold of a photo, by its name."""
    return int(hashlib.sha256(image.path.name.encode()).hexdigest(), 16) % folds


def joined(sets: Sequence[AnnotatedSet]) -> AnnotatedSet:
    """Several sets of the same labels as one."""
    return replace(sets[0], images=tuple(image for one in sets for image in one.images))


def reported(k: int, photos: AnnotatedSet, more: Sequence[AnnotatedSet], args: argparse.Namespace) -> Fold:
    """Train on all folds but the k-th, or find that trained, and look at the k-th."""
    held = replace(photos, images=tuple(one for one in photos.images if part_of(one, args.folds) == k))
    rest = replace(photos, images=tuple(one for one in photos.images if part_of(one, args.folds) != k))
    place = args.out / f"fold-{k}"
    seen = place / "found.json"
    budget = [f"images={args.images}", f"evaluate_every={args.images}"]
    config = load_config(DetectorConfig, args.config, [*budget, *args.set])
    with Catalog(place) as catalog:
        trained = train_detector(
            joined([*[rest] * TIMES, *more]), held, catalog, config, reporter=Reporter(), name=f"fold-{k}"
        )
    if not seen.exists():
        found = find_all(load_detector(trained.folder), held, reporter=Reporter())
        rows = [[{key: value for key, value in asdict(box).items() if key != "shape"} for box in row] for row in found]
        put_file(seen, json.dumps(rows).encode())
    boxes = [[Box(**box) for box in row] for row in json.loads(seen.read_text())]
    return Fold(photos=held, found=boxes)


def line(name: str, fold: Fold) -> str:
    """One row of the table."""
    figures, crops = average_precision(fold.photos, fold.found), crop_figures(fold.photos, fold.found, RULES)
    labels = ", ".join(f"{label} {value:.3f}" for label, value in figures.per_label.items() if value is not None)
    return (
        f"{name} ({figures.photos} photos): AP50 {figures.ap50:.3f}, AP {figures.ap:.3f}, AP75 {figures.ap75:.3f}; {labels}; "
        f"{crops.crops} crops: right {crops.precision:.3f}, garments found so {crops.recall:.3f}, doubles {crops.doubles}"
    )


def together(folds: Sequence[Fold]) -> Fold:
    """All folds as one."""
    return Fold(photos=joined([fold.photos for fold in folds]), found=[row for fold in folds for row in fold.found])


def chosen_elsewhere(folds: Sequence[Fold], recall: float) -> str:
    """The crops of every fold by the rules that the other folds choose, counted together."""
    crops = right = garments = doubles = 0
    for k, fold in enumerate(folds):
        others = together([*folds[:k], *folds[k + 1 :]])
        rules, _ = surest_rules(others.photos, others.found, RULES, recall=recall)
        there = crop_figures(fold.photos, fold.found, rules)
        count = sum(len(image.annotations) for image in fold.photos.images)
        crops, garments, doubles = crops + there.crops, garments + count, doubles + there.doubles
        right += round((there.recall or 0) * count)
    return f"{crops} crops: right {right / crops:.3f}, garments found so {right / garments:.3f}, doubles {doubles}"


def errors(whole: Fold) -> dict[str, float]:
    """Standard errors of AP, AP50 and of both figures of the crops, over draws of the photos with replacement."""
    random, rows = np.random.default_rng(0), []
    for _ in range(DRAWS):
        drawn = random.integers(0, len(whole.found), len(whole.found))
        photos = replace(whole.photos, images=tuple(whole.photos.images[k] for k in drawn))
        found = [whole.found[k] for k in drawn]
        figures, crops = average_precision(photos, found), crop_figures(photos, found, RULES)
        rows.append((figures.ap, figures.ap50, crops.precision or 0, crops.recall or 0))
    return dict(zip(("AP", "AP50", "right", "found"), np.std(rows, axis=0).round(4).tolist(), strict=True))


def main() -> None:
    """Train what is not trained, tell every fold and all together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path, nargs="+", help="COCO files whose photos are parted")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="COCO files that only train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="lite0-256")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, nargs="*", help="folds to train now; all otherwise")
    parser.add_argument("--images", type=int, default=14_000, help="that each training sees")
    parser.add_argument("--recall", type=float, default=0.7, help="that chosen rules must reach in the other folds")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the trainings")
    args = parser.parse_args()
    photos, more = joined([read_coco(path) for path in args.annotations]), [read_coco(path) for path in args.more]
    folds = []
    for k in args.only if args.only is not None else range(args.folds):
        folds.append(reported(k, photos, more, args))
        print(line(f"fold {k}", folds[-1]), flush=True)
    whole = together(folds)
    print(line("all", whole))
    print(f"standard errors: {errors(whole)}")
    if len(folds) > 1:
        print(f"rules chosen by the other folds: {chosen_elsewhere(folds, args.recall)}")


if __name__ == "__main__":
    main()
