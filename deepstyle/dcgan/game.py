"""One step of the game. ``play`` is the game itself, ``in_turns`` and ``at_once`` are the two ways in which both learn.

Nothing here waits for the device: what a person wants to see stays on it until the loop asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from deepstyle.config import GanConfig
from deepstyle.dcgan.augment import SIGNS_EVERY, adapted, augment, flip
from deepstyle.dcgan.loss import discriminator_loss, generator_loss, relative, slope
from deepstyle.dcgan.players import Draws, Players
from deepstyle.engine import averaged

TINY = 1e-30  # the least slope of D's loss that is divided by: D is sure, and its gradient is zero in float32


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a step leaves to be reported, on the device and without gradients: losses, N logits each, N images each."""

    d_loss: Tensor
    g_loss: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real: Tensor
    fake: Tensor


class Look(NamedTuple):
    """What D says of N real and N generated images: N logits each, float32; and on steps with a penalty that, weighted.

    ``slope``: then, too, the gradient of each generated image's logit, N x 3 x S x S float32.
    """

    real: Tensor
    fake: Tensor
    penalty: Tensor | None = None
    slope: Tensor | None = None


def play(p: Players, real: Tensor, labels: Tensor | None = None) -> Played:
    """One step on N real images (NCHW float32 in [-1, 1]) and their labels: both learn, the moving average follows."""
    now = p.draw()
    real = flip(real, now.flips) if p.config.flip else real
    seen = augment(real, p.policies, now.chances[0], p.strength)
    p.discriminator.requires_grad_(requires_grad=True)

    learn = at_once if p.config.updates == "simultaneous" else in_turns
    look, d_loss, g_loss, fake = learn(p, now, seen, labels)

    follow(p.average, p.generator, half_life(p.config, p.images), p.config.batch_size)
    adapt(p, relative(look.real.detach(), look.fake.detach(), p.config.loss)[0])
    return Played(
        d_loss=d_loss.detach(), g_loss=g_loss.detach(), real_logits=look.real.detach(), fake_logits=look.fake.detach(),
        real=real, fake=fake.detach(),
    )  # fmt: skip


def in_turns(p: Players, now: Draws, seen: Tensor, labels: Tensor | None) -> tuple[Look, Tensor, Tensor, Tensor]:
    """D learns, then G against the new D, with new z (Goodfellow et al. 2014, algorithm 1; Radford et al. 2015).

    What D said first, both losses, N generated images.
    """
    loss = p.config.loss
    with torch.no_grad(), p.fabric.autocast():
        fake = p.generate(now.z[0], labels).float()
    look = look_at(p, seen, augment(fake, p.policies, now.chances[1], p.strength), labels)
    d_loss = discriminator_learns(p, look)

    p.discriminator.requires_grad_(requires_grad=False)
    with p.fabric.autocast():
        made = augment(p.generate(now.z[1], labels), p.policies, now.chances[2], p.strength)
        rivals = p.discriminate(seen, labels).float() if loss == "relativistic" else None
        g_loss = generator_loss(p.discriminate(made, labels).float(), rivals, loss)
    update(p.fabric, p.generator, p.g_optimizer, g_loss)
    return look, d_loss, g_loss, fake


def at_once(p: Players, now: Draws, seen: Tensor, labels: Tensor | None) -> tuple[Look, Tensor, Tensor, Tensor]:
    """Both learn from one look of D at the same images: simultaneous gradient descent (Mescheder et al. 2018, 1801.04406).

    D's logit of an image depends on no other image, so what G learns from is D's own gradient at that image, times the
    ratio of both losses' slopes at that logit (the chain rule): D is passed once, not twice, and so is G.
    What D said, both losses, N generated images.
    """
    with p.fabric.autocast():
        fake = p.generate(now.z[0], labels).float()
        made = augment(fake, p.policies, now.chances[1], p.strength)
    shown = made.detach().requires_grad_()
    look = look_at(p, seen, shown, labels)
    d_loss = discriminator_learns(p, look)

    logits = look.fake.detach().requires_grad_()  # N, apart from both networks
    rivals = look.real.detach()
    g_loss = generator_loss(logits, rivals, p.config.loss)
    (towards,) = torch.autograd.grad(g_loss, logits)
    if look.slope is None:
        (against,) = torch.autograd.grad(discriminator_loss(rivals, logits, p.config.loss), logits)
        assert shown.grad is not None, "D has learned from these images"
        pull = shown.grad * (towards / against.clamp(min=TINY))[:, None, None, None]
    else:
        pull = look.slope * towards[:, None, None, None]
    update(p.fabric, p.generator, p.g_optimizer, made, pull)
    return look, d_loss, g_loss, fake


def discriminator_learns(p: Players, look: Look) -> Tensor:
    """One step of the discriminator on what it said, with its penalty where there is one; its loss without that."""
    loss = discriminator_loss(look.real, look.fake, p.config.loss)
    update(p.fabric, p.discriminator, p.d_optimizer, loss if look.penalty is None else loss + look.penalty)
    return loss


def look_at(p: Players, real: Tensor, fake: Tensor, labels: Tensor | None) -> Look:
    """D's logits of real and generated images, and the weighted gradient penalty, on the steps that have one.

    One pass over both, except with batch norm, which Radford et al. give the two batches one after the other. The
    weight of a penalty grows by the steps that have none (lazy regularisation, Karras et al. 2019, arXiv 1912.04958,
    appendix B).
    """
    config = p.config
    if config.norm == "batch":
        with p.fabric.autocast():
            return Look(p.discriminate(real, labels).float(), p.discriminate(fake, labels).float())
    both, twice = torch.cat([real, fake]), None if labels is None else labels.repeat(2)
    if not (config.r1 or config.r2) or p.step % config.penalty_every:
        with p.fabric.autocast():
            real_logits, fake_logits = p.discriminate(both, twice).float().chunk(2)
        return Look(real_logits, fake_logits)
    both = both.detach().requires_grad_()
    with p.fabric.autocast():
        logits = p.discriminator(both, twice).float()
    slopes = slope(both, logits)
    real_squares, fake_squares = slopes.square().sum((1, 2, 3)).chunk(2)
    penalty = p.pace.penalty * (config.r1 * real_squares.mean() + config.r2 * fake_squares.mean()) / 2
    p.penalty.copy_(penalty.detach())
    real_logits, fake_logits = logits.chunk(2)
    return Look(real_logits, fake_logits, penalty * config.penalty_every, slopes.detach().chunk(2)[1])


def update(
    fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, beyond: Tensor | None = None
) -> None:
    """One step of the optimiser down the loss, averaged over all processes (in one message).

    ``beyond``: where ``loss`` is no number but images, the gradient of what follows them; of their shape.
    """
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss, beyond)
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
