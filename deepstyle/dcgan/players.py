"""Both networks and everything else that changes while they play, and that a snapshot holds."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.config import GanConfig
from deepstyle.dcgan.augment import CHANCES, policies_for
from deepstyle.dcgan.build import build_discriminator, build_generator
from deepstyle.dcgan.schedule import pace
from deepstyle.dcgan.watch import Point
from deepstyle.engine import Stream, seeded, share_of


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The random numbers of one step for the N images of this process."""

    z: Tensor  # 2 x N x latent ~ N(0, 1): for the discriminator's turn and the generator's
    flips: Tensor  # N in [0, 1)
    chances: Tensor  # 3 x N x CHANCES in [0, 1): augmentation of real, of generated, and in the generator's turn


class Players:
    """Both networks, their optimisers, the generator's moving average, and how far they are.

    ``strength`` is the probability of augmentation: a float, or a tensor on the device that ADA moves, from the ``signs``
    of D that it sums up. ``pace`` is what the settings are at this share of the budget. ``points`` are what ``watch``
    remembers. ``best`` is the lowest Frechet distance so far, by the ``judge`` of that name, and at how many images; that
    judge has looked at what came after ``since`` images, -1 if it is the first.
    ``collapses`` where the game was lost. Several processes hold the same players; each plays ``mine`` of every batch.
    """

    def __init__(self, config: GanConfig, fabric: Fabric, real_images: int, shares: Tensor | None = None) -> None:
        torch.manual_seed(config.seed)
        self.config, self.fabric, self.mine = config, fabric, share_of(fabric, config.batch_size)
        self.policies = policies_for(config.augment, real_images)
        self.generator = build_generator(config, shares)
        self.discriminator = build_discriminator(config, 0 if shares is None else len(shares))
        for network in (self.generator, self.discriminator):
            network.to(fabric.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(requires_grad=False)
        if fabric.world_size > 1 and fabric.device.type == "cuda":  # on CPUs each process normalises its own share
            self.generator, self.discriminator = (
                nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
                for network in (self.generator, self.discriminator)
            )
        self.generate, self.discriminate = _compiled(self.generator, config), _compiled(self.discriminator, config)
        betas = (config.beta1, config.beta2)
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), lr=config.lr, betas=betas, fused=True)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=config.lr, betas=betas, fused=True)
        adapts = config.ada_target is not None and bool(self.policies)
        self.strength = torch.tensor(config.strength, device=fabric.device) if adapts else config.strength
        self.signs, self.penalty = torch.zeros(2, device=fabric.device)
        self.step, self.images, self.spent, self.rollbacks = 0, 0, 0.0, 0
        self.first: dict[str, float] = {}
        self.best: dict[str, float] = {}
        self.judge, self.since = "", -1
        self.collapses: list[int] = []
        self.points: list[Point] = []
        self.keep_pace(0.0)

    @property
    def base_lr(self) -> float:
        """The learning rate that schedules start from: the config's, halved at each rollback."""
        return self.config.lr * 0.5**self.rollbacks

    @property
    def lr(self) -> float:
        """The learning rate of both now."""
        return self.base_lr * self.pace.lr

    def keep_pace(self, progress: float) -> None:
        """Set what changes over the budget, of which the share ``progress`` is used."""
        self.pace = pace(self.config, progress)
        for group in [*self.g_optimizer.param_groups, *self.d_optimizer.param_groups]:
            group["lr"], group["betas"] = self.lr, (self.config.beta1, self.pace.beta2)
        if self.pace.strength is not None:
            self.strength = self.pace.strength

    def draw(self) -> Draws:
        """The random numbers of the step, from (seed, step, rollbacks) alone.

        Every process draws them for the whole batch and keeps its share: two processes play the game of one.
        """
        batch, device = self.config.batch_size, self.fabric.device
        random = seeded(self.config.seed, Stream.STEP, self.step, self.rollbacks, device=device)
        z = torch.randn(2, batch, self.config.latent, generator=random, device=device)
        flips = torch.rand(batch, generator=random, device=device)
        chances = torch.rand(3, batch, CHANCES, generator=random, device=device)
        return Draws(z=z[:, self.mine], flips=flips[self.mine], chances=chances[:, self.mine])

    @property
    def figures(self) -> dict[str, Any]:
        """What the catalog keeps of a game under way."""
        return {"first": self.first, "best": self.best, "judge": self.judge, "rollbacks": self.rollbacks}

    def dump(self) -> dict[str, Any]:
        """Everything a snapshot needs, as state dicts and plain values."""
        parts = ("generator", "discriminator", "average", "g_optimizer", "d_optimizer")
        states = {part: getattr(self, part).state_dict() for part in parts}
        plain = {
            name: getattr(self, name) for name in ("step", "rollbacks", "first", "best", "judge", "since", "collapses")
        }
        tensors = {name: float(getattr(self, name)) for name in ("strength", "signs", "penalty")}
        return {**states, **plain, **tensors, "seconds": self.spent, "points": [asdict(point) for point in self.points]}

    def load(self, state: Mapping[str, Any], origin: str) -> None:
        """Continue from a snapshot. Raises ModelError when it is of another network, or lacks something."""
        with weights.restoring(origin):
            for part in ("generator", "discriminator", "average"):
                weights.fill(getattr(self, part), state[part], origin=origin)
            weights.fill_optimizer(self.g_optimizer, state["g_optimizer"])
            weights.fill_optimizer(self.d_optimizer, state["d_optimizer"])
            self.step, self.images, self.spent = int(state["step"]), int(state["images"]), float(state["seconds"])
            self.first, self.judge = dict(state["first"]), str(state.get("judge", ""))
            self.since = int(state.get("since", -1))
            if "points" in state:  # else it is from before there were rollbacks and adaptive augmentation
                self.rollbacks, self.best = int(state["rollbacks"]), dict(state["best"])
                self.collapses = [int(place) for place in state.get("collapses", [])]
                self.points = [Point(**point) for point in state["points"]]
                for name in ("strength", "signs", "penalty"):
                    if isinstance(value := getattr(self, name), Tensor):
                        value.fill_(state[name])

    def largest(self) -> Tensor:
        """The largest absolute weight of both networks, NaN if one of them is; on the device."""
        parameters = [*self.generator.parameters(), *self.discriminator.parameters()]
        return torch.stack([tensor.detach().abs().max() for tensor in parameters]).max()


def _compiled(network: nn.Module, config: GanConfig) -> Any:
    """What runs the network's forward pass."""
    return torch.compile(network) if config.compile else network
