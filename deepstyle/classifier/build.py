"""The name of a network -> the network: ours, torchvision's, or timm's where that is installed (edge: others' networks).

``small`` and ``lite0`` are ours, ``resnet18`` and the like torchvision's, ``timm/convnext_atto`` is one of timm's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import torch
import torchvision
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.backbone import WIDTH, SmallClassifier
from deepstyle.errors import ConfigError
from deepstyle.lite import MEAN, STD, LiteClassifier, classifier_from_published
from deepstyle.pretrained import TIMM, timm_of

OURS = ("small", "lite0")
RESNETS = ("resnet", "resnext", "wide_resnet")  # torchvision's whose last layer is called as ours is
TWO_OUTPUTS = ("googlenet", "inception_v3")  # of torchvision, while they train

Norm = tuple[tuple[float, float, float], tuple[float, float, float]]  # mean and deviation of values in [0, 1]


class Headed(nn.Module):
    """Somebody's network without its last layer (NCHW -> N x D), and a linear layer: NCHW -> N x labels."""

    def __init__(self, body: nn.Module, features: int, labels: int) -> None:
        super().__init__()
        self.body, self.fc = body, nn.Linear(features, labels)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each image."""
        logits: Tensor = self.fc(self.body(images))
        return logits


class Apart(nn.Module):
    """Networks that share nothing, side by side: NCHW -> N x (L + M + ...), what each gives after the one before."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each image."""
        return torch.cat([network(images) for network in self.networks], dim=1)


def build_network(
    network: str, labels: int, *, imagenet: Mapping[str, Tensor] | None = None, width: int = WIDTH
) -> nn.Module:
    """A network whose last layer ``fc`` is new: NCHW float32 -> N x labels logits.

    From scratch the residual branches of a ResNet (He et al. 2015, arXiv 1512.03385) start at zero (Goyal et al. 2017,
    arXiv 1706.02677, section 5.1); with ``imagenet``, the published state dict, all but the last layer starts from that.
    ``width`` is the small one's alone. Random values come from torch's global generator. Raises ConfigError for a
    network that is not known, ModelError for the state dict of another.
    """
    if network == "small":
        return SmallClassifier(labels, width).to(memory_format=torch.channels_last)
    if network == "lite0":
        built: nn.Module = LiteClassifier(labels)
        imagenet = classifier_from_published(imagenet) if imagenet is not None else None
    elif network.startswith(TIMM):
        body = timm_of(network).create_model(network.removeprefix(TIMM), num_classes=0)
        built = Headed(body, int(getattr(body, "head_hidden_size", None) or body.num_features), labels)
    else:
        built = _torchvision(network, labels)
    if imagenet is not None and isinstance(built, Headed):
        own = built.body.state_dict()
        weights.fill(
            built.body, {name: value for name, value in imagenet.items() if name in own}, origin=_origin(network)
        )
    elif imagenet is not None:
        last = {f"fc.{name}": value for name, value in built.get_submodule("fc").state_dict().items()}
        weights.fill(built, {**imagenet, **last}, origin=_origin(network))
    return built.to(memory_format=torch.channels_last)


def _origin(network: str) -> str:
    return f"the ImageNet weights of {network}"


def known_networks() -> list[str]:
    """The names of ours and of torchvision's."""
    theirs = torchvision.models.list_models(module=torchvision.models)
    return [*OURS, *(name for name in theirs if name not in TWO_OUTPUTS and not name.startswith("squeezenet"))]


def check_network(network: str) -> None:
    """Raises ConfigError with the remedy when there is no such network, or timm is needed and not installed."""
    if network.startswith(TIMM):
        timm_of(network)
    elif network not in known_networks():
        raise ConfigError(
            f"network {network}: unknown; known are {', '.join(known_networks())}, and timm/NAME for timm's networks"
        )


def _torchvision(network: str, labels: int) -> nn.Module:
    check_network(network)
    if network.startswith(RESNETS):
        resnet: nn.Module = torchvision.models.get_model(
            network, weights=None, num_classes=labels, zero_init_residual=True
        )
        return resnet
    body: nn.Module = torchvision.models.get_model(network, weights=None, num_classes=labels)
    path, last = [(path, part) for path, part in body.named_modules() if isinstance(part, nn.Linear)][-1]
    assert last.out_features == labels
    place, _, name = path.rpartition(".")
    setattr(body.get_submodule(place), name, nn.Identity())
    return Headed(body, last.in_features, labels)


@cache
def norm_of(network: str) -> Norm | None:
    """The mean and deviation that a network's published weights want, where these are not ImageNet's usual ones."""
    if network == "lite0":
        return MEAN, STD
    if network.startswith(TIMM):
        told = timm_of(network).get_pretrained_cfg(network.removeprefix(TIMM))
        return (told.mean, told.std) if told is not None else None
    return None


def check_sizes(network: nn.Module, name: str, sizes: Sequence[int]) -> None:
    """Raises ConfigError when a network cannot look at images of these sides: some know one size, or no small ones."""
    device = next(network.parameters()).device
    training = network.training
    for side in sorted(set(sizes)):
        try:
            with torch.inference_mode():
                network.eval()(torch.zeros(1, 3, side, side, device=device))
        except (RuntimeError, ValueError, AssertionError) as error:
            said = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"network {name}: cannot look at {side} x {side} pixels ({said}); training views grow through "
                f"{', '.join(map(str, sorted(set(sizes))))}; take another network, or a larger --set image_size"
            ) from error
    network.train(training)
