"""The small convolutional trunk that the category classifier and the small garment detector share.

The classifier learns it from pictures of single garments; the detector can start from that (``start_from`` in its config).
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

WIDTH = 32  # channels of the first stage; the later ones have two, four and eight times as many


def _block(inputs: int, outputs: int, stride: int) -> BasicBlock:
    """One residual block (He et al. 2015, arXiv 1512.03385) that may halve the resolution."""
    change = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, change if stride != 1 or inputs != outputs else None)


def small_body(width: int = WIDTH) -> nn.Sequential:
    """A residual network of 13 convolutions for CPUs: ``stem``, ``stage1`` to ``stage4`` (strides 2, 4, 8, 16, 32).

    NCHW float32, normalised -> N x 8 * width x H/32 x W/32.
    """
    first, second, third, fourth = width, 2 * width, 4 * width, 8 * width
    stem = nn.Sequential(nn.Conv2d(3, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
    return nn.Sequential(
        OrderedDict(
            stem=stem,
            stage1=_block(first, first, 2),
            stage2=_block(first, second, 2),
            stage3=nn.Sequential(_block(second, third, 2), _block(third, third, 1)),
            stage4=nn.Sequential(_block(third, fourth, 2), _block(fourth, fourth, 1)),
        )
    )


class SmallClassifier(nn.Module):
    """The small body, a global mean and one linear layer: NCHW float32, normalised -> N x labels logits."""

    def __init__(self, labels: int, width: int = WIDTH) -> None:
        super().__init__()
        self.body = small_body(width)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, labels)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each image."""
        logits: Tensor = self.fc(self.avgpool(self.body(images)).flatten(1))
        return logits
