"""The tagger as a thing: a trunk with a head for each group of tags, or one trunk each; loading it, pixels -> shares -> tags.

models/<name>/weights.safetensors, config.yaml   as a classifier's
models/<name>/model.json                         kind, labels (tags), groups, backbones, thresholds, preprocessing, figures, run
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.about import name_of
from deepstyle.classifier.augment import to_float
from deepstyle.classifier.build import Apart, build_network
from deepstyle.classifier.network import Preprocessing, complete, opened, parts, ready, rounded, scoring
from deepstyle.classifier.tag_figures import Shares, decide, slices
from deepstyle.classifier.views import Tta, views
from deepstyle.config import TaggerConfig
from deepstyle.images import Pixels
from deepstyle.machine import in_bfloat

KIND = "tagger"
FORMAT = 1


class Heads(nn.Module):
    """A head for each group of tags: N x D features -> N x T logits; with ``hidden`` each has an inner layer."""

    def __init__(self, features: int, sizes: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            nn.Sequential(nn.Linear(features, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, size))
            if hidden
            else nn.Linear(features, size)
            for size in sizes
        )

    def forward(self, features: Tensor) -> Tensor:
        """The logits of all groups, one after the other."""
        return torch.cat([head(features) for head in self.groups], dim=1)


def build_tagger(
    config: TaggerConfig, sizes: Sequence[int], *, imagenet: Mapping[str, Tensor] | None = None
) -> nn.Module:
    """A classifier's network (``build_network``) whose last layer is the heads of groups with so many tags each.

    With separate backbones there is such a network for each group.
    """
    if config.backbones == "separate":
        return Apart([_with_heads(config, [size], imagenet) for size in sizes])
    return _with_heads(config, sizes, imagenet)


def _with_heads(config: TaggerConfig, sizes: Sequence[int], imagenet: Mapping[str, Tensor] | None) -> nn.Module:
    network = build_network(config.network, 2, imagenet=imagenet, width=config.width)
    last = network.get_submodule("fc")
    assert isinstance(last, nn.Linear)
    network.add_module("fc", Heads(last.in_features, sizes, config.hidden))
    return network


class Tags(ABC):
    """What tells tags: ``groups`` are tags by group, in the order of the outputs, ``thresholds`` T shares."""

    def __init__(
        self, preprocessing: Preprocessing, groups: Mapping[str, tuple[str, ...]], name: str,
        thresholds: Sequence[float] | None, weights_name: str,
    ) -> None:  # fmt: skip
        self.preprocessing, self.groups, self.name, self.weights_name = preprocessing, dict(groups), name, weights_name
        self.labels = tuple(tag for members in groups.values() for tag in members)
        self.thresholds = np.array(thresholds if thresholds is not None else [0.5] * len(self.labels))

    @abstractmethod
    def shares(self, pixels: Pixels, *, batch_size: int = 128, tta: Tta | None = None) -> Shares:
        """N x S x S x 3 uint8, any S -> N x T shares in [0, 1], the mean over the views of ``tta`` (its own by default)."""

    def decide(self, shares: Shares) -> NDArray[np.bool_]:
        """Which tags each of N images gets, N x T: see ``tag_figures.decide``."""
        return decide(shares, self.thresholds, slices(self.groups))


class Tagger(Tags):
    """A network with its tags; ``tta``: the views whose mean counts; ``region``: the detector whose regions it learned from.

    ``bfloat``: it computes in bfloat16.
    """

    def __init__(
        self, network: nn.Module, preprocessing: Preprocessing, groups: Mapping[str, tuple[str, ...]], name: str, *,
        thresholds: Sequence[float] | None = None, weights_name: str = "", tta: Tta = "mirror",
        region: str = "", bfloat: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(preprocessing, groups, name, thresholds, weights_name)
        self.network, self.tta, self.region, self.bfloat = network, tta, region, bfloat

    @classmethod
    def load(cls, folder: Path, *, device: torch.device | None = None, arranged: bool = False) -> Self:
        """Open a model folder on ``device`` (a GPU if there is one, by default); ``arranged``: see ``network.ready``.

        Raises ModelError when the folder is incomplete, of another kind or damaged.
        """
        about, config, preprocessing = opened(folder, KIND, TaggerConfig)
        with complete(folder, KIND):
            groups = {str(name): tuple(map(str, members)) for name, members in about["groups"].items()}
            thresholds = [float(value) for value in about["thresholds"]]
            if [tag for members in groups.values() for tag in members] != about["labels"]:
                raise ValueError("its groups are not of its labels")
            if len(thresholds) != len(about["labels"]) or not all(0 <= value <= 1 for value in thresholds):
                raise ValueError("it has not one threshold in [0, 1] for each tag")
        sizes = [len(members) for members in groups.values()]
        network = weights.loaded(folder / "weights.safetensors", lambda _: build_tagger(config, sizes))
        return cls(
            ready(network, device, arranged=arranged), preprocessing, groups, folder.name,
            thresholds=thresholds, weights_name=name_of(folder), tta=config.tta, region=str(about.get("region", "")),
            bfloat=arranged and in_bfloat(config.precision),
        )  # fmt: skip

    def save(
        self, folder: Path, config_yaml: str, about: dict[str, Any], *, extra: Mapping[str, str] | None = None
    ) -> None:
        """Write the model folder in half precision; ``about`` (figures, run) is added to model.json, ``extra`` texts as files."""
        own = {"kind": KIND, "format": FORMAT, "preprocessing": asdict(self.preprocessing), "groups": self.groups,
               "backbones": "separate" if isinstance(self.network, Apart) else "shared",
               "thresholds": self.thresholds.tolist(), "region": self.region, **about}  # fmt: skip
        weights.save_model(
            folder, self.network, config_yaml=config_yaml, labels=self.labels, about=own, half=True, extra=extra
        )

    def shares(self, pixels: Pixels, *, batch_size: int = 128, tta: Tta | None = None) -> Shares:
        """N x S x S x 3 uint8, any S -> N x T shares in [0, 1], the mean over the views of ``tta`` (its own by default)."""
        found = np.empty((len(pixels), len(self.labels)), np.float32)
        device = next(self.network.parameters()).device
        with scoring(self.network):
            for part in parts(len(pixels), batch_size, self.preprocessing.image_size, device):
                found[part] = self.told(to_float(pixels[part], device), tta).cpu().numpy()
        return found

    def told(self, images: Tensor, tta: Tta | None = None) -> Tensor:
        """NCHW float32 in [0, 1] -> N x T shares, as those of ``shares``, for who sets mode and precision itself."""
        seen = views(images, self.preprocessing.image_size, tta or self.tta)
        with rounded(images, bfloat=self.bfloat):
            logits = [self.network(self.preprocessing(view)).float() for view in seen]
        return torch.stack(logits).sigmoid().mean(dim=0)
