"""The adversarial losses and the gradient penalty, on logits (pure)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus


def discriminator_loss(real: Tensor, fake: Tensor, kind: str = "bce") -> Tensor:
    """What D minimises on N real and N fake logits.

    bce: -log D(x) - log(1 - D(G(z))) (Goodfellow et al. 2014, eq. 1). hinge: Miyato et al. 2018 (1802.05957), eq. 16.
    relativistic: -log sigmoid(D(x) - D(G(z))) over pairs (Jolicoeur-Martineau 2018; Huang et al. 2024, R3GAN, eq. 2).
    """
    if kind == "relativistic":
        return softplus(fake - real).mean()
    if kind == "hinge":
        return relu(1 - real).mean() + relu(1 + fake).mean()
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(fake: Tensor, real: Tensor | None = None, kind: str = "bce") -> Tensor:
    """What G minimises on N fake logits (relativistic: and the N real ones they are paired with).

    bce: the non-saturating -log D(G(z)) (Goodfellow et al. 2014, section 3). hinge: -D(G(z)) (Miyato et al. 2018, eq. 17).
    relativistic: -log sigmoid(D(G(z)) - D(x)).
    """
    if kind == "relativistic":
        assert real is not None, "a relativistic loss compares with real images"
        return softplus(real - fake).mean()
    return -fake.mean() if kind == "hinge" else softplus(-fake).mean()


def slope(images: Tensor, logits: Tensor) -> Tensor:
    """dD/dx of each image, N x 3 x S x S, which can be differentiated again.

    R1 is half of a weight times the mean over real images of its squared length (Mescheder et al. 2018, 1801.04406, eq. 9),
    R2 the same over generated ones. ``logits`` must come from ``images`` (N x 3 x S x S float32, requiring gradients), each
    from its own.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient


def relative(real: Tensor, fake: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Logits whose sign and sigmoid mean something: a relativistic D only knows differences, so those (N and N numbers)."""
    return (real - fake, fake - real) if kind == "relativistic" else (real, fake)
