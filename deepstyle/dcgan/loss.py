"""The adversarial losses, on logits (pure)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross entropy of N real and M fake logits: -log D(x) - log(1 - D(G(z))) (Goodfellow et al. 2014, eq. 1)."""
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """The non-saturating loss -log D(G(z)) of N fake logits (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake).mean()
