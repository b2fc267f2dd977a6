"""Real garments for the GAN's benchmarks: what the shipped detector cuts out of photos, and photos of single garments.

    python benchmarks/gan_data.py clothing-co-parsing/photos clothing-dataset/images.csv --out data

Crops follow the default rules of `deepstyle crop`, every garment is stretched to the square as `deepstyle train-gan` does.
Labels are the detector's: full, lower, upper. Photos of the Clothing Dataset that are no garment in that sense (hats,
shoes) or of which it does not say what they show ("Not sure", "Other", "Skip") are left out. A tenth is held out; a photo's
garments, and a sender's photos, are on one side. Leaves in OUT:

    train, heldout    packed datasets, for `deepstyle.dataset.PackedDataset`
    images            train as PNGs, one folder a label, for `torchvision.datasets.ImageFolder`
    sheet.png         100 of them at random, to look at
    workspace         photos and garments; run again, nothing is cut twice
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepstyle import images
from deepstyle.annotations.table import LabelRow, read_table, split_by_group
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.photos import crop_photos
from deepstyle.dataset import Item, PackedDataset
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.progress import Reporter

KINDS = {
    "full": ("Body", "Dress"),
    "lower": ("Pants", "Shorts", "Skirt"),
    "upper": (
        "Blazer", "Blouse", "Hoodie", "Longsleeve", "Outwear", "Polo", "Shirt", "T-Shirt", "Top", "Undershirt"
    ),
}  # fmt: skip
LABEL_OF = {category: label for label, categories in KINDS.items() for category in categories}
HELD_OUT = 0.1  # share of the garments


def garments(photos: Path, root: Path, reporter: Reporter) -> list[LabelRow]:
    """Cut the garments out of a folder of JPEGs; one group a photo."""
    with Catalog(root) as catalog:
        for path in sorted(photos.glob("*.jpg")):
            data = path.read_bytes()
            seen = images.probe(data)
            catalog.add_photo(
                images.sha256(data), data, extension="jpg", width=seen.width, height=seen.height, dhash="0" * 16,
                image_url=f"http://a.example/{path.name}", page_url="http://a.example/",
            )  # fmt: skip
        crop_photos(catalog, load_config(CropConfig), reporter=reporter)
        return [LabelRow(path=catalog.path(one.path), label=one.label, group=one.photo) for one in catalog.garments()]


def singles(table: Path) -> list[LabelRow]:
    """The Clothing Dataset's photos that show a garment; one group a sender."""
    return [
        LabelRow(path=row.path, label=LABEL_OF[row.label], group=row.group)
        for row in read_table(table).rows if row.label in LABEL_OF
    ]  # fmt: skip


def pack(folder: Path, rows: Sequence[LabelRow], size: int, reporter: Reporter) -> PackedDataset:
    """The rows as one packed dataset."""
    items = [Item(source=row.path.stem, path=row.path, label=row.label) for row in rows]
    return PackedDataset.pack(folder, items, size=size, fit="stretch", reporter=reporter, label_names=sorted(KINDS))


def unpack(data: PackedDataset, folder: Path) -> None:
    """The same pixels as PNGs in one folder a label."""
    for name in data.label_names:
        (folder / name).mkdir()
    for number, (pixels, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (folder / data.label_names[label] / f"{number:06d}.png").write_bytes(images.encode(pixels))


def main() -> None:
    """Cut, split, pack, and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs of people")
    parser.add_argument("table", type=Path, help="images.csv of the Clothing Dataset")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=64, help="side of the squares in pixels")
    args = parser.parse_args()
    reporter = Reporter()
    cut, single = garments(args.photos, args.out / "workspace", reporter), singles(args.table)
    print(f"{len(cut):,} garments cut, {len(single):,} photos of single garments")
    train, heldout = split_by_group([*cut, *single], HELD_OUT, seed=0)
    for name, side in (("train", train), ("heldout", heldout)):
        data = pack(args.out / name, side, args.size, reporter)
        counts = Counter(data.label_names[label] for label in data.labels)
        print(f"{name}: {len(data):,} garments ({len(data.skipped)} unreadable), {dict(sorted(counts.items()))}")
    data = PackedDataset(args.out / "train")
    put_folder(args.out / "images", lambda folder: unpack(data, folder))
    some = np.sort(np.random.default_rng(0).choice(len(data), 100, replace=False))
    put_file(args.out / "sheet.png", images.encode(images.tile(data.images[some], columns=10)))


if __name__ == "__main__":
    main()
