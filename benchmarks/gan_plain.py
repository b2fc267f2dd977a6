"""Garments on a plain ground for the GAN's benchmarks, in ten categories: cut along drawn masks, or along the detector's.

    python benchmarks/gan_plain.py clothing-dataset/images.csv --masks ccp/train.json --masks ccp/val.json \
        --heldout ccp/test.json --out plain

TABLE is the Clothing Dataset's: each photo's surest garment is cut along the mask that the shipped detector gives it, and
keeps the table's category. The COCO files are those of `data ccp`: every garment with a mask is cut along it, and the shipped
judge gives it a category. A garment is left out when it is hidden (its largest part is not most of it, or fills too little
of its box), too small, or when the detector is in doubt about its outline, or the judge about its category. It lies in the
middle of a light grey square, its aspect kept.

Held out are the garments of ``--heldout`` and of the senders that `judge_train.py` reports on: neither detector, nor judge,
nor a generator that is trained on the rest has seen them. Leaves in OUT:

    cutouts, behind                     every garment as a PNG, alone and with what is behind it; run again, nothing is cut twice
    train-<size>, heldout-<size>        packed datasets, for `deepstyle.dataset.PackedDataset`
    train-behind-<size>, heldout-...    the same garments in the same squares, with what is behind them, its edge repeated
    sheet.png                           100 of them at random, to look at
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from judge_train import TEN

from deepstyle import images
from deepstyle.annotations.coco import read_coco
from deepstyle.annotations.mask import decode
from deepstyle.annotations.table import read_table, split_by_group
from deepstyle.boxes import Box
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.classifier.network import Classifier
from deepstyle.dataset import Item, PackedDataset
from deepstyle.detector.find import load_detector
from deepstyle.files import put_file
from deepstyle.ground import AROUND, Mask, main_part, on_plain
from deepstyle.progress import Reporter
from deepstyle.shape import HALF, SIDE, lay
from deepstyle.status import find_model

MAY_BE = {
    "full": ("Dress", "Outwear"),
    "lower": ("Pants", "Shorts", "Skirt"),
    "upper": ("Longsleeve", "Outwear", "Shirt", "T-Shirt"),
}  # categories of each of the detector's labels
WORN = tuple(sorted({category for group in MAY_BE.values() for category in group}))
SURE, LARGE = 0.5, 0.15  # least score; least share of the photo
DOUBT = 0.8  # most cells in doubt for each that is garment
TOLD = 0.6  # least probability of the category that the judge gives
SMALL = 40  # pixels: a garment whose longer side is shorter than that is left out
BATCH = 16  # photos that the detector sees at a time


def large_enough(mask: Mask) -> bool:
    """Whether a garment's longer side has enough pixels."""
    ys, xs = np.nonzero(mask)
    return bool(max(np.ptp(ys), np.ptp(xs)) + 1 >= SMALL)


def surest(found: Sequence[Box], height: int, width: int) -> Box | None:
    """The garment that a photo shows, if the detector is sure of it, of its outline, and it is large."""
    box = max(found, key=lambda one: one.score, default=None)
    if box is None or box.score < SURE or not box.shape:
        return None
    if (box.x1 - box.x0) * (box.y1 - box.y0) < LARGE * height * width:
        return None
    cells = np.frombuffer(box.shape, np.uint8).reshape(SIDE, SIDE)
    doubt = ((cells > 50) & (cells < 205)).sum() / max(1, (cells >= HALF).sum())
    return box if doubt <= DOUBT else None


def put(place: Path, name: str, cut: images.Pixels, photo: images.Pixels, mask: Mask) -> None:
    """Write a garment that was cut out, and with what is behind it as far around as its square goes."""
    ys, xs = np.nonzero(mask)
    edge = round(max(np.ptp(ys), np.ptp(xs)) * AROUND)
    y0, x0 = max(0, ys.min() - edge), max(0, xs.min() - edge)
    put_file(place / "behind" / name, images.encode(photo[y0 : ys.max() + 1 + edge, x0 : xs.max() + 1 + edge]))
    put_file(place / "cutouts" / name, images.encode(cut))


def of_table(table: Path, place: Path, reporter: Reporter) -> Iterator[tuple[str, bool, str]]:
    """Cut the table's garments out: category, whether it is held out, file name, of each that can be shown."""
    rows = [row for row in read_table(table).rows if row.label in TEN]
    _, report = split_by_group(rows, 0.15, 0)  # as judge_train.py does
    held = {row.group for row in report}
    wanted = [row for row in rows if row.label in WORN]
    detector = load_detector(find_model(None, "garments-lite", flag="DETECTOR", kind="detector"))
    with reporter.task("cutting out", total=len(wanted), unit="photos") as task:
        for some in (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)):
            photos = [images.decode(row.path.read_bytes()) for row in some]
            for row, photo, found in zip(some, photos, detector.detect(photos), strict=True):
                task.advance()
                height, width = photo.shape[:2]
                box = surest(found, height, width)
                mask = main_part(lay(box.shape, box.corners, (0, 0, width, height)) >= HALF) if box else None
                if mask is not None and large_enough(mask):
                    put(place, f"{row.path.stem}.png", on_plain(photo, mask), photo, mask)
                    yield row.label, row.group in held, f"{row.path.stem}.png"


def of_masks(path: Path, place: Path, judge: Classifier) -> Iterator[tuple[str, str]]:
    """Cut the garments of a COCO file out along its masks: category, file name, of each that can be shown."""
    for image in read_coco(path).images:
        photo = images.decode(image.path.read_bytes())
        for number, one in enumerate(image.annotations):
            mask = main_part(decode(one.mask, image.height, image.width)) if one.mask else None
            if mask is not None and large_enough(mask):
                cut = on_plain(photo, mask)
                seen = images.resize(cut, judge.image_size)[None]
                told = dict(zip(judge.labels, judge.embed(seen)[1][0], strict=True))
                category = max(MAY_BE[one.label], key=lambda category: told[category])
                if told[category] >= TOLD:
                    name = f"{image.path.stem}-{number}.png"
                    put(place, name, cut, photo, mask)
                    yield category, name


def cutouts(args: argparse.Namespace, reporter: Reporter) -> list[list[str]]:
    """Every garment as [category, side, file name]; from the list that an earlier run left, if there is one."""
    place, listed = args.out, args.out / "cutouts.json"
    if not listed.exists():
        for name in ("cutouts", "behind"):
            (place / name).mkdir(parents=True, exist_ok=True)
        judge = Classifier.load(find_classifier_folder(None))
        rows = [
            [label, ("train", "heldout")[held], name] for label, held, name in of_table(args.table, place, reporter)
        ]
        for side, files in (("train", args.masks), ("heldout", args.heldout)):
            rows += [[label, side, name] for path in files for label, name in of_masks(path, place, judge)]
        put_file(listed, json.dumps(rows).encode())
    found: list[list[str]] = json.loads(listed.read_text())
    return found


def main() -> None:
    """Cut, split, pack, and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="images.csv of the Clothing Dataset")
    parser.add_argument("--masks", type=Path, action="append", default=[], help="COCO file with masks (repeat it)")
    parser.add_argument("--heldout", type=Path, action="append", default=[], help="the same, held out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64], help="sides of the squares in pixels")
    args = parser.parse_args()
    reporter = Reporter()
    rows = cutouts(args, reporter)
    for size in args.sizes:
        for side, kind in itertools.product(("train", "heldout"), ("cutouts", "behind")):
            items = [
                Item(source=Path(name).stem, path=args.out / kind / name, label=label)
                for label, which, name in rows if which == side
            ]  # fmt: skip
            folder = args.out / (f"{side}-{size}" if kind == "cutouts" else f"{side}-behind-{size}")
            data = PackedDataset.pack(folder, items, size=size, fit="pad", reporter=reporter, label_names=WORN)
            counts = Counter(data.label_names[label] for label in data.labels)
            print(f"{folder.name}: {len(data):,} garments, {dict(sorted(counts.items()))}")
    data = PackedDataset(args.out / f"train-{args.sizes[0]}")
    some = np.sort(np.random.default_rng(0).choice(len(data), min(100, len(data)), replace=False))
    put_file(args.out / "sheet.png", images.encode(images.tile(data.images[some], columns=10)))


if __name__ == "__main__":
    main()
