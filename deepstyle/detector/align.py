"""RoIAlign as one weighted gather on channels-last maps, all levels and photos at once (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def roi_align(
    maps: Sequence[Tensor],
    strides: Sequence[int],
    boxes: Tensor,
    photo: Tensor,
    level: Tensor,
    *,
    cells: int,
    samples: int,
) -> Tensor:
    """RoIAlign (He et al. 2017, arXiv 1703.06870) as a weighted sum of map rows: R x (cells cells C), channels last.

    ``maps`` are NCHW per level, ``boxes`` R x 4 in pixels of the batch; ``photo`` and ``level`` (R, int64) say where
    each box lies; ``samples`` points a side are averaged in each cell. Equal to ``torchvision.ops.roi_align``.
    """
    table = torch.cat([m.permute(0, 2, 3, 1).flatten(0, 2) for m in maps])  # one row a place: (levels N H W) x C
    shapes = torch.tensor([[len(m), *m.shape[2:]] for m in maps], device=boxes.device)
    starts = shapes.prod(1).cumsum(0) - shapes.prod(1)
    height, width = shapes[level, 1], shapes[level, 2]
    scaled = boxes / torch.tensor(strides, device=boxes.device)[level, None]
    columns, across = _samples(scaled[:, 0], scaled[:, 2], width, cells * samples)
    rows, down = _samples(scaled[:, 1], scaled[:, 3], height, cells * samples)
    first = starts[level] + photo * height * width
    shape = (len(boxes), cells, 1, 2 * samples, 1)  # region, cell row, cell column, sample row, sample column
    rows, down = rows.view(shape), down.view(shape)
    columns, across = columns.view(shape).permute(0, 2, 1, 4, 3), across.view(shape).permute(0, 2, 1, 4, 3)
    places = first.view(-1, 1, 1, 1, 1) + rows * width.view(-1, 1, 1, 1, 1) + columns
    weights = (down * across / samples**2).to(table.dtype)
    count = (len(boxes) * cells * cells, (2 * samples) ** 2)
    pooled = F.embedding_bag(places.reshape(count), table, per_sample_weights=weights.reshape(count), mode="sum")
    return pooled.view(len(boxes), cells * cells * table.shape[1])


def _samples(low: Tensor, high: Tensor, length: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Bilinear samples along one side: for R sides and ``count`` points, the two places (int64) and weights of each."""
    steps = (torch.arange(count, device=low.device) + 0.5) / count
    points = low[:, None] + steps * (high - low).clamp(min=1)[:, None]
    end = (length - 1)[:, None]
    inside = (points >= -1) & (points <= length[:, None])
    points = torch.minimum(points.clamp(min=0), end.float())
    before = points.long()
    after = torch.minimum(before + 1, end)
    share = points - before
    return torch.stack([before, after], 2), torch.stack([1 - share, share], 2) * inside[..., None]
