"""Generator and discriminator of Radford, Metz and Chintala 2015 (arXiv 1511.06434), for 32 to 256 pixels.

The paper's rules: strided convolutions instead of pooling, batch normalisation everywhere but at the generator's output
and the discriminator's input, ReLU and Tanh in the generator, LeakyReLU 0.2 in the discriminator, weights N(0, 0.02).
Younger options: labels, what keeps the discriminator in bounds, upsampling without a weave (``resized.py``). The other
network is in ``residual.py``.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from deepstyle.dcgan.patches import Close, Down, Open
from deepstyle.dcgan.resized import upsample


def feature_maps(size: int, width: int) -> list[int]:
    """Feature maps per resolution from 4 x 4 up to ``size / 2``: halved at each step, ``width`` at the last.

    The paper's 64 px network with ``width`` 128 has 1024, 512, 256, 128.
    """
    return [width * 2**i for i in reversed(range(int(math.log2(size)) - 2))]


class Told(nn.Module):
    """What z becomes for a generator that is told a label: z, and the label's learned vector after it.

    At the start that vector has a norm of about 1, as a one-hot code has; z has sqrt(latent). With a vector as long as z
    the generator ignored z and made one image for each label (measured: docs/log.md).

    ``shares`` (one per label, float32, sum 1) are the labels' frequencies in the training data; they travel with the
    weights. With no shares z stays as it is. ``size`` is the length of what ``forward`` gives.
    """

    shares: Tensor

    def __init__(self, latent: int, shares: Tensor | None) -> None:
        super().__init__()
        self.size = latent if shares is None else 2 * latent
        self.vectors: nn.Embedding | None = None
        if shares is not None:
            self.vectors = nn.Embedding(len(shares), latent)
            nn.init.normal_(self.vectors.weight, 0.0, latent**-0.5)
            self.register_buffer("shares", shares.float())

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """N x latent and N labels (int64; None without labels) -> N x size."""
        if self.vectors is None:
            return z
        assert labels is not None, "a generator with labels must be given some"
        return torch.cat([z, self.vectors(labels)], 1)


class Projection(nn.Module):
    """What a discriminator adds to its logit for the label: <vector(label), features> (Miyato and Koyama 2018, eq. 4)."""

    def __init__(self, labels: int, features: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(labels, features) if labels else None
        if self.vectors is not None:
            nn.init.normal_(self.vectors.weight, 0.0, 0.02)  # at the start labels say little

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """N x features and N labels -> N numbers (zeros without labels)."""
        if self.vectors is None:
            return features.new_zeros(len(features))
        assert labels is not None, "a discriminator with labels must be given some"
        product: Tensor = (self.vectors(labels) * features).sum(1)
        return product


class Generator(nn.Module):
    """z -> image. ``forward``: N x latent float32 ~ N(0, 1) -> N x 3 x size x size in [-1, 1].

    ``shares``: label frequencies of a generator that is told labels (see ``Told``). ``upsampling``: how the side doubles,
    "transposed" as in the paper, or one of the others (see ``resized.py``).
    """

    def __init__(
        self, size: int, latent: int, width: int, shares: Tensor | None = None, *, upsampling: str = "transposed"
    ) -> None:
        super().__init__()
        self.size, self.latent = size, latent
        self.told = Told(latent, shares)
        maps = feature_maps(size, width)
        layers: list[nn.Module] = [
            Open(self.told.size, maps[0]), nn.BatchNorm2d(maps[0]), nn.ReLU(inplace=True)
        ]  # fmt: skip
        for i, (before, after) in enumerate(pairwise(maps)):
            layers.append(upsample(upsampling, before, after, 8 * 2**i, bias=False))
            layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        layers += [upsample(upsampling, maps[-1], 3, size), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """N x latent (and N labels) -> N x 3 x size x size in [-1, 1]."""
        image: Tensor = self.layers(self.told(z, labels)[:, :, None, None])
        return image


class Discriminator(nn.Module):
    """image -> logit. ``forward``: N x 3 x size x size in [-1, 1] -> N logits, positive for real.

    ``norm``: "batch" as in the paper; "spectral" (Miyato et al. 2018, 1802.05957) or "none" in its place. ``labels``:
    how many labels it is told, 0 for none.
    """

    def __init__(self, size: int, width: int, norm: str = "batch", labels: int = 0) -> None:
        super().__init__()
        maps = feature_maps(size, width)[::-1]
        batch = norm == "batch"
        layers: list[nn.Module] = [Down(3, maps[0]), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in pairwise(maps):
            layers.append(Down(before, after, bias=not batch))
            layers += [nn.BatchNorm2d(after)] if batch else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers.append(Close(maps[-1]))
        self.layers = nn.Sequential(*layers)
        self.projection = Projection(labels, maps[-1])
        self.apply(initialise)
        if norm == "spectral":
            bound(self)

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Tensor:
        """N x 3 x size x size in [-1, 1] (and N labels) -> N logits."""
        features = self.layers[:-1](image)
        logits: Tensor = self.layers[-1](features).flatten() + self.projection(features.mean((2, 3)), labels)
        return logits


def bound(network: nn.Module) -> None:
    """Divide every weight matrix by its largest singular value (Miyato et al. 2018, arXiv 1802.05957)."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
            spectral_norm(module)


def initialise(module: nn.Module) -> None:
    """The paper's initialisation: N(0, 0.02) for weights, N(1, 0.02) for batch norm gains, 0 for biases."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


@torch.no_grad()
def calibrate(generator: nn.Module, z: Tensor, batch: int, labels: Tensor | None = None) -> None:
    """Set the batch norm statistics to those of the present weights over ``z`` (N x latent), then switch to eval.

    A moving average of weights never saw the activations that the trained network's running statistics describe.
    """
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    generator.train()
    for start in range(0, len(z) if norms else 0, batch):
        part = slice(start, start + batch)
        generator(z[part], labels[part] if labels is not None else None)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    generator.eval()
