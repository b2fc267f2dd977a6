"""fastai's vision learner on a split table, as its documentation shows it; run by classifier_peer.py.

    python benchmarks/peer_fastai.py split.csv IMAGES --size 96 --epochs 15 --seed 0 [--imagenet FILE]

split.csv has the columns image, label, split (train, validation). Without ``--imagenet``: a ResNet-18 without pretrained
weights, RandomResizedCrop and flips, ``fit_one_cycle`` at 1e-3. With it: EfficientNet-Lite0 with those weights under its own
head, ``fine_tune`` at its own rates (one frozen epoch, then all). Nothing is chosen by the validation photos: the last
weights count. Prints one JSON line: top1, top3 on them, photos.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch


def warm(file: Path, count: int, fastai: Any) -> Any:
    """EfficientNet-Lite0 with ImageNet's weights under fastai's own head, as ``vision_learner`` puts them together."""
    from torch import nn

    from deepstyle.lite import FEATURES, LiteClassifier, classifier_from_published  # all that this needs is torch

    network = LiteClassifier(1000)
    published = torch.load(file, map_location="cpu", weights_only=True)
    told = network.load_state_dict(classifier_from_published(published), strict=False)
    assert not told.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in told.missing_keys)
    model = nn.Sequential(nn.Sequential(network.body, network.last), fastai.create_head(FEATURES, count))
    fastai.apply_init(model[1], nn.init.kaiming_normal_)
    return model


def main() -> None:
    """Train, then judge the validation photos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--imagenet", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from fastai.vision import all as fastai

    torch.set_num_threads(1)
    fastai.set_seed(options.seed, reproducible=True)
    table = pd.read_csv(options.table)
    table["held"] = table.split == "validation"
    views = [fastai.Normalize.from_stats((127 / 255,) * 3, (128 / 255,) * 3)] if options.imagenet else []
    loaders = fastai.ImageDataLoaders.from_df(
        table, options.images, fn_col="image", label_col="label", valid_col="held", bs=32, num_workers=0,
        item_tfms=fastai.RandomResizedCrop(options.size, min_scale=0.35), batch_tfms=[fastai.Flip(), *views],
    )  # fmt: skip
    if options.imagenet:
        learner = fastai.Learner(
            loaders, warm(options.imagenet, loaders.c, fastai), loss_func=fastai.CrossEntropyLossFlat(),
            splitter=lambda model: [fastai.params(model[0]), fastai.params(model[1])],
        )  # fmt: skip
    else:
        learner = fastai.vision_learner(loaders, fastai.resnet18, pretrained=False)
    with learner.no_bar(), learner.no_logging():
        if options.imagenet:
            learner.fine_tune(options.epochs)
        else:
            learner.fit_one_cycle(options.epochs, 1e-3)
        told, targets = learner.get_preds()
    best = told.topk(3).indices == targets[:, None]
    print(
        json.dumps(
            {"top1": best[:, 0].float().mean().item(), "top3": best.any(1).float().mean().item(), "photos": len(table)}
        )
    )


if __name__ == "__main__":
    main()
