"""fastai's prediction of photos from files, as its documentation shows it; run by predict_speed.py.

    ls photos/*.jpg | python benchmarks/peer_fastai_predict.py --size 96 --workers 0 --threads 2

A learner with a ResNet-18 of ten labels that nobody trained, ``learn.get_preds(dl=learn.dls.test_dl(files))``. After 64 photos
that warm up, prints one JSON line: CPU seconds (those of its workers included) and seconds of all photos.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import torch
from torchvision.models import resnet18

WARM = 64


def spent() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Look at the photos that standard input names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    files = [Path(line) for line in sys.stdin.read().splitlines()]
    warnings.simplefilter("ignore")
    from fastai.vision import all as fastai

    torch.set_num_threads(options.threads)
    loaders = fastai.ImageDataLoaders.from_name_func(
        files[0].parent, files[: 2 * WARM], label_func=lambda name: str(sum(map(ord, name)) % 10), bs=64,
        item_tfms=fastai.Resize(options.size), batch_tfms=fastai.Normalize.from_stats(*fastai.imagenet_stats),
        num_workers=options.workers,
    )  # fmt: skip
    torch.manual_seed(0)
    learner = fastai.Learner(loaders, resnet18(num_classes=10), loss_func=fastai.CrossEntropyLossFlat())

    def look(some: list[Path]) -> None:
        with learner.no_bar(), learner.no_logging():
            learner.get_preds(dl=learner.dls.test_dl(some))

    look(files[:WARM])
    wall, cpu = time.perf_counter(), spent()
    look(files)
    print(json.dumps({"cpu": spent() - cpu, "wall": time.perf_counter() - wall}))


if __name__ == "__main__":
    main()
