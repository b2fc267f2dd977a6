"""What each ingredient of the GAN buys: one short training per variant, scored against garments that none has seen.

    python benchmarks/gan_ablation.py data --judge workspace/models/trunk --minutes 20 --out out
    python benchmarks/gan_ablation.py data --judge workspace/models/trunk --images 100000 --out out --only base hinge
    python benchmarks/gan_ablation.py data --judge workspace/models/trunk --minutes 6 --garments 500 --out out-500 --only base ADA

``data`` is what gan_data.py wrote. Every variant differs from ``base`` (or from ``dcgan``, for what only that network has)
in one thing and has the same minutes, or sees the same number of images. Prints a table: Frechet distance, KID, precision,
recall (5,000 samples of the averaged generator on the classifier's features), images seen and images/s. Writes it to
table.json, and to sheet.png 32 samples of each. Interrupted, it continues. With --garments only that many are trained on,
which is where augmentation has to show what it is for; the garments held out stay the same.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gan_data
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle import images
from deepstyle.annotations.table import LabelRow
from deepstyle.catalog import Catalog
from deepstyle.classifier.network import Classifier
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.sample import generate, latents, load_generator
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.errors import TrainingError
from deepstyle.files import put_file
from deepstyle.metrics.distance import frechet_distance, kernel_distance, precision_recall
from deepstyle.metrics.score import Vectors
from deepstyle.progress import Reporter

PLUS, RESIDUAL, DCGAN = "dcgan-plus-64", "residual-64", "dcgan-64"
NO_PENALTY = ("r1=0", "r2=0")
TURNS = "updates=alternating"
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {  # name -> preset, and what differs from it
    "base": (PLUS, ()),
    # loss
    "bce": (PLUS, ("loss=bce",)),
    "alternating": (PLUS, (TURNS,)),
    "hinge": (PLUS, ("loss=hinge", TURNS)),  # against "alternating"
    # what keeps the discriminator in bounds
    "no penalty": (PLUS, NO_PENALTY),
    "r1 alone": (PLUS, ("r2=0",)),
    "penalty every step": (PLUS, ("penalty_every=1",)),
    "penalty every 16 steps": (PLUS, ("penalty_every=16",)),
    "stronger penalty": (PLUS, ("r1=2", "r2=2")),
    "spectral norm too": (PLUS, ("norm=spectral",)),
    "spectral norm, hinge": (PLUS, ("norm=spectral", "loss=hinge", TURNS, *NO_PENALTY)),
    # augmentation
    "no augmentation": (PLUS, ("augment=[]",)),
    "DiffAugment": (PLUS, ("augment=[color,translation,cutout]",)),
    "ADA": (PLUS, ("augment=[color,translation,cutout]", "strength=0", "ada_target=0.6", "ada_images=100000")),
    "no mirroring": (PLUS, ("flip=false",)),
    # averaging, labels
    "no moving average": (PLUS, ("ema_images=0",)),
    "no labels": (PLUS, ("condition=none",)),
    # optimiser and size
    "momentum": (PLUS, ("beta1=0.5", "beta2=0.999")),
    "batch 32": (PLUS, ("batch_size=32",)),
    "batch 64": (PLUS, ("batch_size=64",)),
    "half the learning rate": (PLUS, ("lr=0.0004",)),
    "twice the learning rate": (PLUS, ("lr=0.0016",)),
    "half the width": (PLUS, ("width=16",)),
    "twice the width": (PLUS, ("width=64",)),
    "compiled": (PLUS, ("compile=true",)),
    # residual blocks
    "residual": (RESIDUAL, ()),
    "residual, minibatch stddev": (RESIDUAL, ("minibatch_stddev=true",)),
    # the paper's game
    "dcgan": (DCGAN, ()),
    "dcgan, width 32": (DCGAN, ("width=32",)),
    "dcgan, batch 64": (DCGAN, ("batch_size=64",)),
    "dcgan, no augmentation": (DCGAN, ("augment=[]",)),
    "dcgan, spectral norm, hinge": (DCGAN, ("norm=spectral", "loss=hinge")),
    "dcgan, no moving average": (DCGAN, ("ema_images=0",)),
}  # fmt: skip
FIRST = 10_000_000  # seed of the first sample
COLUMNS, ROWS = 8, 4  # of a variant's samples on the sheet
Row = dict[str, float]


def training_set(args: argparse.Namespace) -> PackedDataset:
    """All garments to train on, or --garments of them, drawn at random."""
    if args.garments is None:
        return PackedDataset(args.data / "train")
    paths = sorted((args.data / "images").glob("*/*.png"))
    chosen = np.sort(np.random.default_rng(0).permutation(len(paths))[: args.garments])
    rows = [LabelRow(path=paths[n], label=paths[n].parent.name, group=paths[n].stem) for n in chosen]
    return gan_data.pack(args.out / "garments", rows, PackedDataset(args.data / "train").size, Reporter())


def configured(name: str, args: argparse.Namespace) -> GanConfig:
    """A variant's settings with the budget that all have."""
    preset, settings = VARIANTS[name]
    budget = [f"minutes={args.minutes}", "images=1000000000"] if args.minutes else [f"images={args.images}"]
    return load_config(GanConfig, preset, ["snapshot_every=50000", f"seed={args.seed}", *budget, *settings, *args.set])


def train(config: GanConfig, data: PackedDataset, place: Path) -> TrainedGan | None:
    """Train one variant (or find it trained); None when its game was lost too often."""
    with Catalog(place) as catalog:
        try:
            return train_gan(data, catalog, config, on_snapshot=None, reporter=Reporter())
        except TrainingError as error:
            print(f"{place.name}: {error}", flush=True)
            return None


def measure(name: str, data: PackedDataset, judge: Classifier, real: Vectors, args: argparse.Namespace) -> Row | None:
    """Train and score one variant, or read what was found; its samples stay beside its figures. None when it failed."""
    place = args.out / f"seed-{args.seed}" / name.replace(",", "").replace(" ", "-")
    config = configured(name, args)
    about = place / "figures.json"
    if about.is_file() and (found := json.loads(about.read_text()))["config"] == config.model_dump(mode="json"):
        return dict(found["row"])
    if (trained := train(config, data, place)) is None:
        return None
    generator, _ = load_generator(trained.folder)
    made = generate(generator, latents(range(FIRST, FIRST + args.samples), generator.latent))
    vectors, _ = judge.embed(made)
    precision, recall = precision_recall(real, vectors)
    row = {
        "frechet": frechet_distance(real, vectors), "kid": kernel_distance(real, vectors)[0], "precision": precision,
        "recall": recall, "images": trained.images, "images_per_second": trained.images / trained.seconds,
        "rollbacks": trained.rollbacks,
    }  # fmt: skip
    put_file(place / "samples.png", images.encode(images.tile(made[: COLUMNS * ROWS], columns=COLUMNS)))
    put_file(about, json.dumps({"config": config.model_dump(mode="json"), "row": row}).encode())
    return row


def line(name: str, row: Row | None) -> str:
    """A line of the table."""
    if row is None:
        return f"{name:<28} failed"
    return (
        f"{name:<28} {row['frechet']:8.2f} {row['kid']:8.4f} {row['precision']:9.2f} {row['recall']:7.2f} "
        f"{row['images']:10,.0f} {row['images_per_second']:8.0f}" + " *" * int(row["rollbacks"])
    )


def sheet(names: list[str], args: argparse.Namespace) -> images.Pixels:
    """The samples of these variants, two in a row, each below its name."""
    font = ImageFont.load_default(size=13)
    cells = []
    for name in names:
        path = args.out / f"seed-{args.seed}" / name.replace(",", "").replace(" ", "-") / "samples.png"
        picture = images.decode(path.read_bytes())
        cell = Image.new("RGB", (picture.shape[1] + 8, picture.shape[0] + 24), "white")
        ImageDraw.Draw(cell).text((4, 4), name, fill="black", font=font)
        cell.paste(Image.fromarray(picture), (4, 22))
        cells.append(np.asarray(cell))
    return images.tile(np.stack(cells), columns=2)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="what gan_data.py wrote, 64 px")
    parser.add_argument("--judge", type=Path, required=True, help="folder of a classifier")
    parser.add_argument("--out", type=Path, required=True)
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="of training, for each variant")
    budget.add_argument("--images", type=int, default=100_000, help="that each variant sees")
    parser.add_argument("--garments", type=int, help="to train on; all otherwise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of all variants")
    return parser.parse_args()


def main() -> None:
    """Run every variant, print the table, draw the sheet."""
    args = parsed()
    data, heldout = training_set(args), PackedDataset(args.data / "heldout")
    judge = Classifier.load(args.judge)
    real, _ = judge.embed(heldout.images)
    rows: dict[str, Row | None] = {}
    for name in args.only:
        rows[name] = measure(name, data, judge, real, args)
        print(line(name, rows[name]), flush=True)
    print(f"\n{'':<28}  Frechet      KID precision  recall     images images/s (* a rollback)")
    for name, row in rows.items():
        print(line(name, row))
    put_file(args.out / "table.json", json.dumps(rows, indent=1).encode())
    put_file(args.out / "sheet.png", images.encode(sheet([name for name, row in rows.items() if row], args)))


if __name__ == "__main__":
    main()
