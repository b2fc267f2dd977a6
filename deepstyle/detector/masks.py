"""The mask head: which cells of a box are garment (He et al. 2017, arXiv 1703.06870, the mask branch), on a finished trunk.

It reads a map of stride 4, which knows edges, and the finest one of the pyramid, which knows garments, gathered on the
``SIDE`` x ``SIDE`` points of a box's grid (RoIAlign), looks at them at half that size, and comes back to full size with what
it saw first (as Ronneberger et al. 2015 do, arXiv 1505.04597): half the work of eight convolutions at one size. One head
for all labels. It is saved beside the detector's weights; a detector without one finds boxes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import roi_align  # the library's: its pixels are areas, of which a cell takes the mean

from deepstyle import weights
from deepstyle.about import MASKS
from deepstyle.errors import ModelError
from deepstyle.shape import CONTEXT, SIDE

EDGE = 0.4  # share of a cell from which a shape's box begins (docs/log.md)
SPECK = 0.05  # share of a shape's cells; parts that are smaller are not of the garment


class MaskHead(nn.Module):
    """Gathered maps R x ``channels`` x SIDE x SIDE -> logits R x SIDE x SIDE of "this cell is garment"."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, width, 1)
        self.down = nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.near = nn.Conv2d(2 * width, 2 * width, 3, 1, 1)
        self.far = nn.Conv2d(2 * width, 2 * width, 3, 1, 2, dilation=2)
        self.up = nn.Conv2d(2 * width, width, 1)
        self.refine = nn.Conv2d(width, width, 3, 1, 1)
        self.logits = nn.Conv2d(width, 1, 1)
        for part in (self.squeeze, self.down, self.near, self.far, self.up, self.refine):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]  # these convolutions have one

    def forward(self, gathered: Tensor) -> Tensor:
        """See the class."""
        fine = F.relu(self.squeeze(gathered))
        seen = F.relu(self.near(F.relu(self.down(fine))))
        seen = self.up(F.relu(seen + self.far(seen)))
        fine = fine + F.interpolate(seen, scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = self.logits(F.relu(self.refine(F.relu(fine))))
        return logits.squeeze(1)


def grids(boxes: Tensor) -> Tensor:
    """What the grids of boxes cover (see ``shape.around``): K x 4 -> K x 4, in the same pixels."""
    reach = CONTEXT * (boxes[:, 2:] - boxes[:, :2])
    return torch.cat([boxes[:, :2] - reach, boxes[:, 2:] + reach], 1)


def shapes_of(shares: Tensor) -> list[bytes]:
    """Shares of a cell in [0, 1], R x SIDE x SIDE -> a shape each (see ``shape.py``)."""
    cells = (shares * 255).round().to(torch.uint8).cpu().numpy()
    return [one.tobytes() for one in cells]


def targets(masks: Tensor, which: Tensor, regions: Tensor) -> Tensor:
    """How much of each cell is garment, in [0, 1]: R x SIDE x SIDE.

    ``masks`` are K x H x W (uint8, 255 is garment); ``which`` of them (R, int64) belongs to each of the ``regions`` (R x 4).
    """
    rows = torch.cat([which[:, None].float(), regions], 1)
    cells: Tensor = roi_align(masks[:, None].float() / 255, rows, SIDE, 1.0, -1, aligned=True)
    return cells.squeeze(1)


def without_specks(shares: Tensor) -> Tensor:
    """Shapes without their smallest parts: K x SIDE x SIDE shares of a cell, 0 where a part has less than ``SPECK`` of its cells.

    What lies apart from a garment is mostly something else of its colour; an open jacket's halves stay.
    """
    from scipy import ndimage  # here: `--help` must not pay for it

    inside = (shares >= EDGE).cpu().numpy()
    parts, count = ndimage.label(
        inside, ndimage.generate_binary_structure(2, 1)[None] & [[[False]], [[True]], [[False]]]
    )
    of = np.zeros(count + 1, np.int64)  # the shape that each part is of
    of[parts] = np.arange(len(parts))[:, None, None]
    small = np.bincount(parts.ravel(), minlength=count + 1) < SPECK * inside.sum((1, 2))[of]
    return shares.masked_fill(torch.from_numpy(small[parts] & inside).to(shares.device), 0.0)


def drawn_around(shares: Tensor, boxes: Tensor) -> Tensor:
    """The boxes (K x 4) drawn around their shapes: K x SIDE x SIDE shares of a cell in [0, 1], on the boxes' ``grids``.

    A side lies where the shares, the greatest of each row or column, first reach ``EDGE``, between the centres of two cells.
    A box of which no cell does stays as it is.
    """
    covered = grids(boxes)
    cell = (covered[:, 2:] - covered[:, :2]) / SIDE
    across, down = shares.amax(1), shares.amax(2)
    first = torch.stack([_first(across), _first(down)], 1)
    last = SIDE - torch.stack([_first(across.flip(1)), _first(down.flip(1))], 1)
    drawn = torch.cat([covered[:, :2] + cell * first, covered[:, :2] + cell * last], 1)
    return torch.where((shares.amax((1, 2)) >= EDGE)[:, None], drawn, boxes)


def regridded(shares: Tensor, boxes: Tensor, others: Tensor) -> Tensor:
    """Shares on the ``grids`` of boxes (K x 4) -> those on the grids of ``others``; K x SIDE x SIDE, nothing beyond the first."""
    covered = grids(boxes)
    cell = (covered[:, 2:] - covered[:, :2]) / SIDE
    places = (grids(others) - covered[:, :2].repeat(1, 2)) / cell.repeat(1, 2)
    rows = torch.cat([torch.arange(len(shares), device=shares.device)[:, None], places], 1)
    moved: Tensor = roi_align(shares[:, None], rows, SIDE, 1.0, -1, aligned=True)
    return moved.squeeze(1)


def _first(profile: Tensor) -> Tensor:
    """Where rows of K x SIDE values first reach ``EDGE``, in cells from the start; 0 where the first one does."""
    at = (profile >= EDGE).int().argmax(1, keepdim=True)
    here, before = profile.gather(1, at), profile.gather(1, (at - 1).clamp(min=0))
    crossing = at + 0.5 - (here - EDGE) / (here - before).clamp(min=1e-6)
    return torch.where(at > 0, crossing, 0.0).squeeze(1)


def overlap_loss(shares: Tensor, true: Tensor) -> Tensor:
    """1 - Jaccard index, the mean over R x SIDE x SIDE shares of a cell in [0, 1], which both may be anything between.

    |x ∩ y| is the sum of the cells' minima, |x ∪ y| of their maxima: the metric loss JML1 of Wang et al. 2023 (arXiv
    2302.05666), as min(x, y) = (x + y - |x - y|) / 2. What masks are judged by, where the cross-entropy counts cells.
    """
    both, either = torch.minimum(shares, true).sum((1, 2)), torch.maximum(shares, true).sum((1, 2))
    return (1 - (both + 1) / (either + 1)).mean()  # of one cell more, so that an empty grid has a gradient


def load_masks(folder: Path, channels: tuple[int, int]) -> MaskHead | None:
    """The mask head of a detector's folder; None when it has none. Raises ModelError when it is unreadable or of another.

    ``channels``: of the map of detail and of the pyramid's maps. A head that was trained on the second alone is read as such.
    """
    path = folder / MASKS
    return weights.loaded(path, lambda found: _built(found, channels, path)) if path.exists() else None


def _built(found: Mapping[str, Tensor], channels: tuple[int, int], path: Path) -> MaskHead:
    squeeze = found.get("squeeze.weight")
    if squeeze is None or squeeze.dim() != 4:
        raise ModelError(f"{path}: holds no mask head; train it again with `deepstyle train-masks`")
    return MaskHead(channels[1] if squeeze.shape[1] == channels[1] else sum(channels), len(squeeze))
