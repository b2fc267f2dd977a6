"""One network, R50-FPN at 480 px: detectron2's DefaultPredictor, torchvision as it is, and our arrangement of it.

    python benchmarks/same_network.py PHOTOS --peer-python /path/to/python [--detector FOLDER --val VAL.json]

No trained R50 is at hand, so its weights are random: they show that our arrangement finds torchvision's own boxes in
float32 and how long each takes, not what bfloat16 or fewer proposals cost (twenty best of a thousand random candidates
change places at the slightest rounding; and detectron2 pools half a pixel elsewhere). That is measured as AP, with a
trained detector of any backbone and a COCO file. With neighbours on the machine set OMP_NUM_THREADS=1 for all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from crop_speed import peer

from deepstyle import images, weights
from deepstyle.annotations.coco import read_coco
from deepstyle.boxes import Box, iou
from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.evaluate import evaluate
from deepstyle.detector.inference import Detections, Inference
from deepstyle.detector.networks import build_network
from deepstyle.detector.resize import to_network
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

LABELS = ("upper", "lower", "full")


class Plain(Inference):
    """torchvision's own forward pass in float32, in the place of our arrangement."""

    def __init__(self, network: nn.Module) -> None:
        self.device, self._network = torch.device("cpu"), network.eval()

    @torch.inference_mode()
    def __call__(self, photos: Sequence[Pixels]) -> list[Detections]:
        """See Inference."""
        batch = [torch.from_numpy(photo).permute(2, 0, 1).float() / 255 for photo in photos]
        return [Detections(**row) for row in self._network(batch)]


class PlainDetector(TorchvisionDetector):
    """A detector without our arrangement."""

    def arrange(self, network: nn.Module) -> Inference:
        """Torchvision's forward pass."""
        return Plain(network)


def r50(proposals: int, photo: Pixels) -> tuple[nn.Module, DetectorConfig]:
    """R50-FPN at 480 px with random weights, norms that have seen the photo, and scores that differ."""
    config = load_config(
        DetectorConfig, "r50-fpn", ["pretrained=false", "image_size=480", "max_size=800", f"proposals={proposals}"]
    )
    torch.manual_seed(0)
    network = build_network(config, len(LABELS))
    seen = network.transform([torch.from_numpy(to_network(photo, config)).permute(2, 0, 1) / 255])[0].tensors
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.backbone(seen)
        spread = network.eval().backbone(seen)["0"].std().item()
        for block in network.backbone.fpn.layer_blocks:
            block[0].weight.mul_(10 / spread)
    return network, config


def rate(detect: Callable[[list[Pixels]], object], photos: list[Pixels]) -> float:
    """Photos/s, four at a time."""
    start = time.perf_counter()
    for first in range(0, len(photos), 4):
        detect(photos[first : first + 4])
    return len(photos) / (time.perf_counter() - start)


def agreement(expected: list[list[Box]], found: list[list[Box]]) -> float:
    """Share of the expected boxes that have a box of the same label at IoU 0.9 or more."""
    hits = [
        any(b.label == a.label and iou(a.corners, b.corners) >= 0.9 for b in row)
        for wanted, row in zip(expected, found, strict=True)
        for a in wanted
    ]
    return sum(hits) / max(1, len(hits))


def trained(folder: Path, val: Path) -> None:
    """AP of a trained detector in both arrangements."""
    truth, quiet = read_coco(val), Reporter(quiet=True)
    for name, kind, changes in (
        ("torchvision float32", PlainDetector, ["precision=32"]),
        ("torchvision float32, 1000 proposals", PlainDetector, ["precision=32", "proposals=1000"]),
        ("ours float32", TorchvisionDetector, ["precision=32"]),
        ("ours bfloat16", TorchvisionDetector, ["precision=bf16"]),
        ("ours bfloat16, 300 proposals", TorchvisionDetector, ["precision=bf16", "proposals=300"]),
    ):
        config = load_config(DetectorConfig, folder / "config.yaml", changes)
        network = build_network(config, len(truth.labels))
        weights.load_weights(folder / "weights.safetensors", network)
        result = evaluate(kind(network, config, truth.labels, name), truth, batch_size=8, reporter=quiet)
        print(f"{name}: AP {result.ap:.4f}, AP50 {result.ap50:.4f}, AP75 {result.ap75:.4f} on {result.photos} photos")


def main() -> None:
    """Alternate all arrangements, print medians, ratios and the agreement of boxes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--peer-python", help="a Python with detectron2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--detector", type=Path, help="a trained detector folder, for AP")
    parser.add_argument("--val", type=Path, help="COCO file, for AP")
    options = parser.parse_args()
    files = sorted(options.photos.glob("*.jpg"))[: options.count]
    photos = [images.decode(path.read_bytes()) for path in files]
    many, few = r50(1000, photos[0]), r50(300, photos[0])
    detectors: dict[str, TorchvisionDetector] = {
        "torchvision float32, 1000 proposals": PlainDetector(*many, LABELS, "plain"),
        "ours, 1000 proposals": TorchvisionDetector(*many, LABELS, "ours"),
        "ours, 300 proposals": TorchvisionDetector(*few, LABELS, "few"),
    }
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, detector in detectors.items():
            rates.setdefault(name, []).append(rate(detector.detect, photos))
        if options.peer_python:
            rates.setdefault("DefaultPredictor", []).append(len(files) / peer(options.peer_python, files, 480)[0])
    base = statistics.median(rates.get("DefaultPredictor", rates["torchvision float32, 1000 proposals"]))
    for name, values in rates.items():
        print(f"{name}: {statistics.median(values):.2f}/s, {statistics.median(values) / base:.2f}x")
    float32 = many[1].model_copy(update={"precision": "32"})
    expected = detectors["torchvision float32, 1000 proposals"].detect(photos)
    share = agreement(expected, TorchvisionDetector(many[0], float32, LABELS, "ours").detect(photos))
    print(f"boxes of torchvision found again (IoU 0.9) by ours in float32: {share:.1%}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {torch.get_num_threads()} threads")
    if options.detector and options.val:
        trained(options.detector, options.val)


if __name__ == "__main__":
    main()
