"""The torchvision backend of the Detector protocol (edge): photos of any size in, boxes in their own pixels out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from lightning.fabric import Fabric
from PIL import Image
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from deepstyle import weights
from deepstyle.config import DetectorConfig, load_config
from deepstyle.crop.boxes import Box
from deepstyle.crop.networks import build_network
from deepstyle.engine import make_fabric
from deepstyle.images import Pixels


def scale_of(height: int, width: int, config: DetectorConfig) -> float:
    """The factor that brings the shorter side to ``image_size`` without the longer one passing ``max_size``."""
    return min(config.image_size / min(height, width), config.max_size / max(height, width))


def to_network(pixels: Pixels, config: DetectorConfig) -> tuple[Tensor, float]:
    """Resize one photo for the network: uint8 HWC RGB -> (float32 CHW in [0, 1], the scale applied)."""
    height, width = pixels.shape[:2]
    scale = scale_of(height, width, config)
    if scale != 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    return torch.from_numpy(np.require(pixels, requirements=("C", "W"))).permute(2, 0, 1).float().div_(255), scale


class TorchvisionDetector:
    """A trained Faster R-CNN; ``detect`` never changes it. ``name`` is ``<folder>@<digest of the weights>``."""

    def __init__(self, network: FasterRCNN, config: DetectorConfig, labels: tuple[str, ...], name: str) -> None:
        self.name, self.labels, self.config = name, labels, config
        self._fabric: Fabric = make_fabric(config.precision)
        self._network = network.to(self._fabric.device, memory_format=torch.channels_last).eval()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load ``weights.safetensors``, ``config.yaml`` and ``model.json`` of a detector folder."""
        about = weights.read_about(folder)
        config = load_config(DetectorConfig, folder / "config.yaml")
        labels = tuple(str(label) for label in about["labels"])
        network = build_network(config, len(labels))
        path = folder / "weights.safetensors"
        weights.load_weights(path, network)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        return cls(network, config, labels, f"{folder.name}@{digest}")

    @torch.inference_mode()
    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """Boxes of each photo (uint8 HWC RGB), best score first, in that photo's pixels."""
        if not photos:
            return []
        prepared = [to_network(photo, self.config) for photo in photos]
        with self._fabric.autocast():
            outputs = self._network([tensor.to(self._fabric.device) for tensor, _ in prepared])
        return [
            _boxes(output, scale, photo.shape[1], photo.shape[0], self.labels)
            for output, (_, scale), photo in zip(outputs, prepared, photos, strict=True)
        ]


def _boxes(output: dict[str, Tensor], scale: float, width: int, height: int, labels: tuple[str, ...]) -> list[Box]:
    corners = (output["boxes"].float() / scale).cpu().numpy()
    corners[:, 0::2] = corners[:, 0::2].clip(0, width)
    corners[:, 1::2] = corners[:, 1::2].clip(0, height)
    rows = zip(corners.tolist(), output["labels"].tolist(), output["scores"].float().tolist(), strict=True)
    found = [
        Box(x0=c[0], y0=c[1], x1=c[2], y1=c[3], label=labels[label - 1], score=min(1.0, score))
        for c, label, score in rows
        if c[2] > c[0] and c[3] > c[1]
    ]
    return sorted(found, key=lambda box: -box.score)
