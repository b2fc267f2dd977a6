"""The torchvision backend of the Detector protocol (edge): photos of any size in, boxes in their own pixels out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import torch
from torchvision.models.detection import FasterRCNN

from deepstyle import weights
from deepstyle.about import config_file, detector_name
from deepstyle.boxes import Box
from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.inference import Detections, Inference
from deepstyle.detector.masks import MaskHead, load_masks
from deepstyle.detector.networks import build_network, mask_channels
from deepstyle.detector.resize import scale_of, to_network
from deepstyle.detector.tiles import together, windows_of
from deepstyle.images import Pixels
from deepstyle.machine import best_device, in_bfloat

VIEWS = 16  # photos and windows that are looked at at a time, where there are windows


class TorchvisionDetector:
    """A trained Faster R-CNN; ``detect`` never changes it. ``name`` is ``<folder>@<digest of the weights>``.

    With ``masks`` its boxes have shapes and are drawn around them.
    """

    def __init__(
        self, network: FasterRCNN, config: DetectorConfig, labels: tuple[str, ...], name: str,
        masks: MaskHead | None = None,
    ) -> None:  # fmt: skip
        self.name, self.labels, self.config, self.masks = name, labels, config, masks
        self.inference = self.arrange(network)
        self._pool = self._workers()

    def arrange(self, network: FasterRCNN) -> Inference:
        """The network as it is used for detection: on the best device, in the precision of the config."""
        dtype = torch.bfloat16 if in_bfloat(self.config.precision) else torch.float32
        return self.inference_on(network, best_device(), dtype)

    def inference_on(self, network: FasterRCNN, device: torch.device, dtype: torch.dtype) -> Inference:
        """The network with the config's rules for overlapping boxes."""
        config = self.config
        return Inference(
            network, device=device, dtype=dtype, voting=config.box_voting, softness=config.soft_nms, masks=self.masks
        )

    @property
    def input_side(self) -> int:
        """Pixels of the shorter side that the network sees: larger photos need not be decoded whole."""
        return self.config.image_size

    def _workers(self) -> ThreadPoolExecutor | None:
        """Threads that detect with one processor each; None where the device shares out the work itself."""
        if self.inference.device.type != "cpu" or torch.get_num_threads() == 1:
            return None
        return ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,))

    @classmethod
    def load(cls, folder: Path, labels: tuple[str, ...]) -> Self:
        """Load a detector folder's weights and settings, and its mask head, if any; ``labels`` as its model.json has them."""
        config = load_config(DetectorConfig, config_file(folder))
        network = weights.loaded(folder / "weights.safetensors", lambda _: build_network(config, len(labels)))
        masks = load_masks(folder, mask_channels(network.backbone))
        return cls(network, config, labels, detector_name(folder), masks)

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """Boxes of each photo (uint8 HWC RGB), best score first, in that photo's pixels.

        A photo much longer than the network's view is looked at in windows as well (see ``tiles.py``).
        """
        windows = [windows_of(len(photo), photo.shape[1], self.config) for photo in photos]
        views = [photo[y0:y1, x0:x1] for photo, row in zip(photos, windows, strict=True) for x0, y0, x1, y1 in row]
        if not views:
            return self._shared(photos)
        every = [*photos, *views]
        found = [boxes for at in range(0, len(every), VIEWS) for boxes in self._shared(every[at : at + VIEWS])]
        parts = iter(found[len(photos) :])
        return [
            together(whole, [(window, next(parts)) for window in row], len(photo), photo.shape[1]) if row else whole
            for whole, photo, row in zip(found, photos, windows, strict=False)  # the parts follow the photos
        ]

    def _shared(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """On a CPU the photos are shared out: threads that work on one photo each waste less than threads that share one."""
        if self._pool is None or len(photos) < 2:
            return self._detect(photos)
        share = -(-len(photos) // torch.get_num_threads())
        parts = [photos[start : start + share] for start in range(0, len(photos), share)]
        return [boxes for part in self._pool.map(self._detect, parts) for boxes in part]

    def _detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        if not photos:
            return []
        found = self.inference([to_network(photo, self.config) for photo in photos])
        return [
            _boxes(row, scale_of(len(photo), photo.shape[1], self.config), photo.shape[1], photo.shape[0], self.labels)
            for row, photo in zip(found, photos, strict=True)
        ]


def _boxes(found: Detections, scale: float, width: int, height: int, labels: tuple[str, ...]) -> list[Box]:
    corners = (found.boxes / scale).cpu().numpy()
    corners[:, 0::2] = corners[:, 0::2].clip(0, width)
    corners[:, 1::2] = corners[:, 1::2].clip(0, height)
    shapes = found.shapes + (b"",) * (len(corners) - len(found.shapes))
    rows = zip(corners.tolist(), found.labels.tolist(), found.scores.tolist(), shapes, strict=True)
    boxes = [
        Box(x0=c[0], y0=c[1], x1=c[2], y1=c[3], label=labels[label - 1], score=min(1.0, score), shape=shape)
        for c, label, score, shape in rows
        if c[2] > c[0] and c[3] > c[1]
    ]
    return sorted(boxes, key=lambda box: -box.score)
