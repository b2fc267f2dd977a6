"""ResNets for looking at batches on a CPU: norms folded, 3 x 3 convolutions with a third of the multiplications (pure).

Winograd's minimal filtering (Lavin and Gray 2016, arXiv 1509.09308): a tile of M x M outputs costs (M + 2)^2 products of
maps and weights that were transformed beforehand, not 9 M^2. Where maps are large and have few channels the transforms cost
more than they save, and convolutions stay as they are. Results differ by rounding only.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet

from deepstyle.backbone import SmallClassifier
from deepstyle.detector.inference import fold_norms

TILES = (3, 4)  # outputs a side of a tile: larger ones save little more, and round worse
LEAST = 16  # images of a batch from which it pays: for fewer, transformed weights are too much to read
THIN = 128  # channels from which it pays


@cache
def transforms(tile: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of maps, weights and products, float64: n^2 x n^2, n x 3, tile^2 x n^2, with n = tile + 2 (Toom and Cook)."""
    points = torch.tensor([0.0, 1.0, -1.0, 2.0, -2.0][: tile + 1], dtype=torch.float64)

    def powers(columns: int) -> Tensor:
        """Each point's powers, and the point at infinity."""
        last = torch.zeros(1, columns, dtype=torch.float64)
        last[0, -1] = 1
        return torch.cat([points[:, None] ** torch.arange(columns), last])

    maps, products = torch.linalg.inv(powers(tile + 2)).T, powers(tile).T
    return torch.kron(maps, maps), powers(3), torch.kron(products, products)


class Winograd(nn.Module):
    """A 3 x 3 convolution with stride 1 and padding 1 for inference. ``forward``: NCHW -> NCHW, channels last."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self._ready: dict[int, tuple[Tensor, Tensor, Tensor]] = {}  # tile -> transforms of maps and products, weights

    def forward(self, maps: Tensor) -> Tensor:
        """As the convolution does; by tiles for a batch on a CPU."""
        if len(maps) < LEAST or maps.device.type != "cpu" or maps.dtype != torch.float32:
            out: Tensor = self.conv(maps)
            return out
        count, channels, height, width = maps.shape
        tile = min(TILES, key=lambda m: (-(-height // m) * -(-width // m) * (m + 2) ** 2, m))
        seeing, weights, adding = self._prepared(tile)
        down, across, n = -(-height // tile), -(-width // tile), tile + 2
        padded = functional.pad(
            maps.permute(0, 2, 3, 1), (0, 0, 1, 1 + across * tile - width, 1, 1 + down * tile - height)
        )
        patches = padded.unfold(1, n, tile).unfold(2, n, tile).permute(4, 5, 0, 1, 2, 3)
        seen = (seeing @ patches.reshape(n * n, -1)).view(n * n, -1, channels)
        products = torch.bmm(seen, weights)
        if self.conv.bias is not None:
            products[n + 1] += self.conv.bias  # of the point (1, 1), which every output of a tile gets once
        tiles = (adding @ products.view(n * n, -1)).view(tile, tile, count, down, across, -1)
        joined = tiles.permute(2, 3, 0, 4, 1, 5).reshape(count, down * tile, across * tile, -1)
        return joined[:, :height, :width].permute(0, 3, 1, 2)

    def _prepared(self, tile: int) -> tuple[Tensor, Tensor, Tensor]:
        if tile not in self._ready:
            maps, weights, products = transforms(tile)
            side = weights.float()
            made = torch.einsum("ai,oqij,bj->abqo", side, self.conv.weight, side).flatten(0, 1).contiguous()
            self._ready[tile] = maps.float(), made, products.float()
        return self._ready[tile]


def arrange(network: nn.Module) -> None:
    """Change the ResNets of a network in evaluation mode, in place, for looking at batches; it can no longer be saved."""
    for resnet in [part for part in network.modules() if type(part) in {ResNet, SmallClassifier}]:
        resnet.requires_grad_(requires_grad=False)
        fold_norms(resnet)
        for parent in list(resnet.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Conv2d) and _fits(child):
                    setattr(parent, name, Winograd(child))


def _fits(conv: nn.Conv2d) -> bool:
    own = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups)
    return own == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and min(conv.in_channels, conv.out_channels) >= THIN
