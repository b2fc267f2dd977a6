"""ResNets arranged for looking at batches: the same numbers by less work."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock

from deepstyle.backbone import SmallClassifier
from deepstyle.classifier.build import Apart
from deepstyle.classifier.winograd import LEAST, Winograd, arrange
from deepstyle.lite import LiteClassifier


def settled(network: nn.Module) -> nn.Module:
    """A network in evaluation mode whose norms change something."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            for values, low in ((part.running_var, 0.5), (part.running_mean, -0.5), (part.bias, -0.5)):
                assert values is not None
                values.data.uniform_(low, low + 1)
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(3, 3), (4, 4), (5, 7), (6, 1), (12, 10)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution(height: int, width: int, bias: bool) -> None:  # noqa: FBT001
    """Whatever the sides of the maps, a batch gets what the convolution gives, within rounding."""
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, 3, padding=1, bias=bias)
    maps = torch.randn(LEAST, 5, height, width)
    with torch.inference_mode():
        found, wanted = Winograd(conv)(maps), conv(maps)

    assert torch.allclose(found, wanted, atol=1e-4)


def test_resnets_are_arranged_and_answer_alike() -> None:
    """A ResNet, the small network, and each of several beside one another lose their norms and keep their answers."""
    torch.manual_seed(0)
    images = torch.randn(LEAST, 3, 32, 32)
    resnet = ResNet(BasicBlock, [1] * 4)
    resnet.layer4, resnet.fc = nn.Sequential(), nn.Linear(256, 3)
    for made in (resnet, Apart([SmallClassifier(2, width=16)])):
        network = settled(made)
        with torch.inference_mode():
            wanted = network(images)
            arrange(network)
            found, few = network(images), network(images[:2])

        assert any(isinstance(part, Winograd) for part in network.modules())
        assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
        assert torch.allclose(found, wanted, atol=1e-3, rtol=1e-3)
        assert torch.allclose(few, wanted[:2], atol=1e-3, rtol=1e-3)


def test_others_stay_as_they_are() -> None:
    """Networks that are no ResNets, and convolutions of another kind or of few channels, are left alone."""
    lite = LiteClassifier(2).eval()
    before = [type(part) for part in lite.modules()]
    arrange(lite)
    small = SmallClassifier(2, width=8).eval()
    arrange(small)

    assert [type(part) for part in lite.modules()] == before
    assert not any(isinstance(part, Winograd) for part in small.modules())
