"""A network by its name: ours, torchvision's, and timm's with a hand-written timm and, where it is installed, the real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from deepstyle.classifier.build import Headed, build_network, check_network, check_sizes, known_networks, norm_of
from deepstyle.classifier.learner import check, preprocessing_of
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.classifier.tagger import build_tagger
from deepstyle.config import ClassifierConfig, TaggerConfig, load_config, to_yaml
from deepstyle.errors import ConfigError, ModelError
from deepstyle.pretrained import imagenet
from deepstyle.progress import Reporter

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3)).astype(np.uint8)


class FakeTimm(ModuleType):
    """What we use of timm, with one network of four features; its hub is out of reach."""

    def __init__(self) -> None:
        super().__init__("timm")

    def is_model(self, name: str) -> bool:
        """Only ``tiny`` is there."""
        return name == "tiny"

    def list_models(self, pattern: str) -> list[str]:
        """Names like the one that was asked for."""
        return ["tiny"] if "tin" in pattern else []

    def get_pretrained_cfg(self, name: str) -> Any:
        """What the published weights want."""
        return SimpleNamespace(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))

    def create_model(self, name: str, *, num_classes: int, pretrained: bool = False) -> nn.Module:
        """A network without its last layer."""
        assert num_classes == 0
        if pretrained:
            raise ConnectionError("no way to the hub")
        body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        body.num_features = 4  # type: ignore[assignment]
        return body


@pytest.fixture
def fake_timm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    norm_of.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", FakeTimm())
    yield
    norm_of.cache_clear()


def _round_trip(folder: Path, network: str) -> None:
    """Built, saved and loaded again, a classifier sees the same."""
    config = load_config(ClassifierConfig, None, [f"network={network}", "image_size=32"])
    torch.manual_seed(0)
    own = Classifier(
        build_network(network, 3).eval(), Preprocessing(image_size=32), ("a", "b", "c"), "x", weights_name=""
    )
    own.save(folder, to_yaml(config), {})
    again = Classifier.load(folder)

    assert own.embed(PIXELS)[1].shape == (2, 3)
    assert own.embed(PIXELS)[0].shape == (2, own.feature_size)
    assert again.embed(PIXELS)[1] == pytest.approx(own.embed(PIXELS)[1], abs=1e-5)


@pytest.mark.parametrize("network", ["shufflenet_v2_x0_5", "mobilenet_v3_small"])
def test_torchvisions_networks_by_name(tmp_path: Path, network: str) -> None:
    """Whatever torchvision calls its last layer, it is taken off, ours is put on, and the model folder holds both."""
    assert network in known_networks()
    _round_trip(tmp_path / "model", network)


def test_all_but_the_last_layer_is_published() -> None:
    """ImageNet's weights fill all but the last layer; those of another network are refused."""
    state = torchvision.models.mobilenet_v3_small().state_dict()
    network = build_network("mobilenet_v3_small", 3, imagenet=state)
    assert isinstance(network, Headed)

    assert all(torch.equal(value, state[name]) for name, value in network.body.state_dict().items())
    assert network.fc.weight.shape == (3, 1024)
    with pytest.raises(ModelError, match="ImageNet weights of shufflenet"):
        build_network("shufflenet_v2_x0_5", 3, imagenet=state)


def test_a_tagger_has_its_heads_on_any_network() -> None:
    """The heads of a tagger's groups take the place of the last layer."""
    config = load_config(TaggerConfig, None, ["network=shufflenet_v2_x0_5"])

    assert build_tagger(config, [2, 3]).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize("name", ["vgg", "squeezenet1_0", "inception_v3"])
def test_unknown_names_are_told_the_known_ones(name: str) -> None:
    """A name that is none, or of a network that cannot be trained here, is refused before anything is packed."""
    with pytest.raises(ConfigError, match=r"resnet18.*timm/NAME"):
        check(load_config(ClassifierConfig, None, [f"network={name}"]))


def test_sizes_that_a_network_cannot_see_are_told() -> None:
    """A network that knows one size only is refused with the sizes of the training's views."""

    class OneSize(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            if images.shape[-1] != 64:
                raise AssertionError("Wrong image height!")
            return images

    with pytest.raises(ConfigError, match=r"48 x 48 pixels \(Wrong image height!\).*48, 64"):
        check_sizes(OneSize(1, 1), "odd", [48, 64])
    check_sizes(OneSize(1, 1), "odd", [64])


def test_timm_that_is_not_there_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timm its networks are refused with the command that installs it."""
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"timm is not installed; .*deepstyle\[timm\]"):
        check_network("timm/tiny")


@pytest.mark.usefixtures("fake_timm")
def test_timms_networks_by_name(tmp_path: Path) -> None:
    """A network of timm's is built without its head, wants the mean and deviation that timm names, and travels."""
    config = load_config(ClassifierConfig, None, ["network=timm/tiny"])
    check(config)
    _round_trip(tmp_path / "model", "timm/tiny")

    assert preprocessing_of(config, 48).std == (0.25, 0.25, 0.25)
    with pytest.raises(ConfigError, match="it has tiny"):
        check_network("timm/tinier")
    with pytest.raises(ModelError, match=r"no way to the hub.*pretrained=false"):
        imagenet("timm/tiny", "", Reporter(quiet=True))


def test_real_timm(tmp_path: Path) -> None:
    """The same with timm itself, where it is installed."""
    pytest.importorskip("timm", reason="timm is not installed: python -m pip install 'deepstyle[timm]'")
    norm_of.cache_clear()
    _round_trip(tmp_path / "model", "timm/mobilenetv3_small_050")

    assert preprocessing_of(load_config(ClassifierConfig, None, ["network=timm/vit_tiny_patch16_224"]), 48).std == (
        0.5, 0.5, 0.5,
    )  # fmt: skip
