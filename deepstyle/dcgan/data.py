"""The real images of a step: uint8 from the packed dataset, floats only on the device; and the labels they go with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepstyle.dataset import PackedDataset
from deepstyle.images import Pixels

CHUNK = 4096  # images copied to the device at a time


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What both networks are told of each image: N int64 indices into ``names``."""

    names: tuple[str, ...]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, names: Sequence[str], labels: NDArray[np.int64]) -> Self:
        """Only the names that an image has: of the others nothing would be learned, and nobody shall ask for them."""
        there, numbers = np.unique(labels, return_inverse=True)
        return cls(names=tuple(names[number] for number in there), labels=numbers.astype(np.int64))

    def shares(self) -> Tensor:
        """The frequency of each label, float32, sum 1."""
        return torch.from_numpy(np.bincount(self.labels, minlength=len(self.names)) / len(self.labels)).float()


class RealImages:
    """The packed images, on the device as a whole when they fit into ``room`` bytes of it, else read batch by batch.

    ``room`` None: half of a GPU's free memory, nothing on a CPU (the memory map is as good there).
    """

    def __init__(
        self, data: PackedDataset, conditions: Conditions | None, device: torch.device, room: int | None = None
    ) -> None:
        self._data, self._device = data.images, device
        self.labels = torch.from_numpy(conditions.labels).to(device) if conditions is not None else None
        if room is None:
            room = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 0
        self.resident = _moved(data.images, device) if data.images.nbytes <= room else None

    def batch(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """The images of N indices, N x 3 x S x S float32 in [-1, 1], channels last in memory; their N labels, if any."""
        places = self._send(torch.from_numpy(indices))
        stored = self.resident
        pixels = (
            stored[places] if stored is not None else self._send(torch.from_numpy(self._data[indices]))
        )  # NHWC uint8
        images = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        return images, self.labels[places] if self.labels is not None else None

    def _send(self, host: Tensor) -> Tensor:
        """To the device without waiting for it."""
        return host.pin_memory().to(self._device, non_blocking=True) if self._device.type == "cuda" else host


def _moved(pixels: Pixels, device: torch.device) -> Tensor:
    whole = torch.empty(pixels.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(pixels), CHUNK):
        whole[start : start + CHUNK] = torch.from_numpy(pixels[start : start + CHUNK].copy()).to(device)
    return whole
