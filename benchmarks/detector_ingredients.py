"""What each ingredient of the small detector buys: one short training per variant, AP on photos that none has seen.

    python benchmarks/detector_ingredients.py ccp/train.json ccp/val.json --trunk workspace/models/trunk --out out

Every variant differs from ``base`` in one thing, sees the same number of photos and is scored on the same ones. Prints AP,
AP50 and the ratio of its AP to base's; draws AP against the share of the training photos. Interrupted, it continues.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, read_coco
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.evaluate import Evaluation
from deepstyle.detector.train import train_detector
from deepstyle.progress import Reporter

COATS = {"cape", "coat", "suit"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One change: settings, the data, or the trunk left out."""

    settings: tuple[str, ...] = ()
    change: Callable[[AnnotatedSet], AnnotatedSet] = lambda data: data
    change_both: bool = False
    trunk: bool = True


def share(part: float) -> Callable[[AnnotatedSet], AnnotatedSet]:
    """Keep a part of the photos, chosen by a hash of their names: the smaller part lies within the larger."""

    def place(image: AnnotatedImage) -> bytes:
        return hashlib.sha256(image.path.name.encode()).digest()

    return lambda data: replace(data, images=tuple(sorted(data.images, key=place)[: round(part * len(data.images))]))


def coats_are_upper(data: AnnotatedSet) -> AnnotatedSet:
    """Another label map: coats, capes and suits count as upper garments instead of full ones."""
    return replace(data, images=tuple(
        replace(image, annotations=tuple(
            replace(one, label="upper") if one.category in COATS else one for one in image.annotations))
        for image in data.images))  # fmt: skip


VARIANTS = {
    "base": Variant(),
    "no pretrained trunk": Variant(trunk=False),
    "masks too": Variant(settings=("parsing=1",)),
    "no augmentation": Variant(settings=("colour_jitter=0", "scale_jitter=0")),
    "no moving average": Variant(settings=("ema=0",)),
    "320 px": Variant(settings=("image_size=320", "max_size=640")),
    "coats are upper": Variant(change=coats_are_upper, change_both=True),
    "half of the photos": Variant(change=share(0.5)),
    "a quarter of the photos": Variant(change=share(0.25)),
}
SHARES = {"a quarter of the photos": 25, "half of the photos": 50, "base": 100}  # per cent


def measure(name: str, args: argparse.Namespace) -> Evaluation:
    """Train one variant (or find it trained) and return its figures on the validation photos."""
    variant, train, validation = VARIANTS[name], read_coco(args.train), read_coco(args.validation)
    config = load_config(
        DetectorConfig, "small-256", [f"images={args.images}", "evaluate_every=1000000", *variant.settings]
    )
    with Catalog(args.out / name.replace(" ", "-")) as catalog:
        trained = train_detector(
            variant.change(train), variant.change(validation) if variant.change_both else validation, catalog, config,
            reporter=Reporter(), start=args.trunk if variant.trunk else None,
        )  # fmt: skip
    return trained.evaluation


def plot(found: dict[str, Evaluation], path: Path) -> None:
    """AP and AP50 against the share of the training photos."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for label, values in (("AP50", [found[name].ap50 for name in SHARES]), ("AP", [found[name].ap for name in SHARES])):
        axes.plot(list(SHARES.values()), values, marker="o", label=label)
    axes.set(xlabel="share of the training photos, %", ylabel="on photos not seen", ylim=(0, 1), xticks=[25, 50, 100])
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run every variant, print the table, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("--trunk", type=Path, required=True, help="folder of a small classifier")
    parser.add_argument("--images", type=int, default=6000, help="training photos each variant sees")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), default=list(VARIANTS))
    args = parser.parse_args()
    found = {name: measure(name, args) for name in args.only}
    base = found.get("base")
    for name, one in found.items():
        ratio = f"{one.ap / base.ap:.2f} of base" if base else ""
        print(f"{name:<24} AP {one.ap:.3f}  AP50 {one.ap50:.3f}  {ratio}")
    if set(SHARES) <= set(found):
        plot(found, args.out / "ap-share.png")
        print(f"plot: {args.out / 'ap-share.png'}")


if __name__ == "__main__":
    main()
