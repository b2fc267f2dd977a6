"""One step of the game. ``play`` is the game itself, on one screen; the rest of this file is what it calls.

Nothing here waits for the device: what a person wants to see stays on it until the loop asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from deepstyle.config import GanConfig
from deepstyle.dcgan.augment import SIGNS_EVERY, adapted, augment, flip
from deepstyle.dcgan.loss import discriminator_loss, generator_loss, relative, squared_gradient
from deepstyle.dcgan.players import Players
from deepstyle.engine import averaged


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a step leaves to be reported, on the device and without gradients: losses, N logits each, N images each."""

    d_loss: Tensor
    g_loss: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real: Tensor
    fake: Tensor


def play(p: Players, real: Tensor, labels: Tensor | None = None) -> Played:
    """One step on N real images (NCHW float32 in [-1, 1]) and their labels: D learns, then G against the new D.

    The discriminator's turn (Goodfellow et al. 2014, algorithm 1; Radford et al. 2015), with its gradient penalty on
    every ``penalty_every``-th step; then the generator's turn, with new z; then the moving average follows.
    """
    config, now = p.config, p.draw()
    real = flip(real, now.flips) if config.flip else real

    p.discriminator.requires_grad_(requires_grad=True)
    with torch.no_grad(), p.fabric.autocast():
        fake = p.generate(now.z[0], labels).float()
    seen = augment(real, p.policies, now.chances[0], p.strength)
    real_logits, fake_logits, penalty = logits_and_penalty(
        p, seen, augment(fake, p.policies, now.chances[1], p.strength), labels
    )
    d_loss = discriminator_loss(real_logits, fake_logits, config.loss)
    update(p.fabric, p.discriminator, p.d_optimizer, d_loss if penalty is None else d_loss + penalty)

    p.discriminator.requires_grad_(requires_grad=False)
    with p.fabric.autocast():
        made = augment(p.generate(now.z[1], labels), p.policies, now.chances[2], p.strength)
        rivals = p.discriminate(seen, labels).float() if config.loss == "relativistic" else None
        g_loss = generator_loss(p.discriminate(made, labels).float(), rivals, config.loss)
    update(p.fabric, p.generator, p.g_optimizer, g_loss)

    follow(p.average, p.generator, half_life(config, p.images), config.batch_size)
    adapt(p, relative(real_logits.detach(), fake_logits.detach(), config.loss)[0])
    return Played(
        d_loss=d_loss.detach(), g_loss=g_loss.detach(), real_logits=real_logits.detach(),
        fake_logits=fake_logits.detach(), real=real, fake=fake,
    )  # fmt: skip


def logits_and_penalty(
    p: Players, real: Tensor, fake: Tensor, labels: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """D's N logits of real and N of generated images, float32; and the weighted gradient penalty, on the steps that have one.

    One pass over both, except with batch norm, which Radford et al. give the two batches one after the other. A step
    with a penalty is float32 throughout (its gradients are differentiated again); its weight grows by the steps that
    have none (lazy regularisation, Karras et al. 2019, arXiv 1912.04958, appendix B).
    """
    config = p.config
    if config.norm == "batch":
        with p.fabric.autocast():
            return p.discriminate(real, labels).float(), p.discriminate(fake, labels).float(), None
    both, twice = torch.cat([real, fake]), None if labels is None else labels.repeat(2)
    if not (config.r1 or config.r2) or p.step % config.penalty_every:
        with p.fabric.autocast():
            real_logits, fake_logits = p.discriminate(both, twice).float().chunk(2)
        return real_logits, fake_logits, None
    logits = p.discriminator(both.requires_grad_(), twice)
    real_squares, fake_squares = squared_gradient(both, logits).chunk(2)
    penalty = p.pace.penalty * (config.r1 * real_squares.mean() + config.r2 * fake_squares.mean()) / 2
    p.penalty.copy_(penalty.detach())
    real_logits, fake_logits = logits.chunk(2)
    return real_logits, fake_logits, penalty * config.penalty_every


def update(fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of the optimiser down the loss, averaged over all processes (in one message)."""
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if fabric.world_size > 1:
        gradients = [tensor.grad for tensor in network.parameters() if tensor.grad is not None]
        flat = averaged(fabric, torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, torch.split(flat, [one.numel() for one in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))
    optimizer.step()


def half_life(config: GanConfig, images: int) -> float:
    """Half-life in images of the moving average at ``images`` seen: at most ``ema_ramp`` of them, where that is set."""
    return min(config.ema_images, config.ema_ramp * images) if config.ema_ramp else config.ema_images


@torch.no_grad()
def follow(average: nn.Module, generator: nn.Module, half: float, count: int) -> None:
    """Move the averaged weights towards the trained ones, half the way in ``half`` images (Yazici et al. 2018, 1806.04498)."""
    keep = 0.5 ** (count / half) if half else 0.0
    mine: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(generator.parameters())
    torch._foreach_lerp_(mine, theirs, 1 - keep)  # the documented foreach kernels have no public name


@torch.no_grad()
def adapt(p: Players, logits: Tensor) -> None:
    """Sum up the signs of D's logits on real images, and let ADA move the strength every SIGNS_EVERY steps."""
    if not isinstance(p.strength, Tensor) or p.config.ada_target is None:
        return
    p.signs += logits.sign().mean()
    if p.step % SIGNS_EVERY == SIGNS_EVERY - 1:
        change = SIGNS_EVERY * p.config.batch_size / p.config.ada_images
        mean = averaged(p.fabric, p.signs / SIGNS_EVERY)
        p.strength.copy_(adapted(p.strength, mean, p.config.ada_target, change))
        p.signs.zero_()
