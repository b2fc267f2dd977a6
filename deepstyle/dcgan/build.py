"""A config -> its two networks."""

from __future__ import annotations

from torch import Tensor

from deepstyle.config import GanConfig
from deepstyle.dcgan.networks import Discriminator, Generator
from deepstyle.dcgan.residual import ResidualDiscriminator, ResidualGenerator

AnyGenerator = Generator | ResidualGenerator
AnyDiscriminator = Discriminator | ResidualDiscriminator


def build_generator(config: GanConfig, shares: Tensor | None = None) -> AnyGenerator:
    """The config's generator, initialised from torch's global generator; ``shares``: label frequencies, if it is told labels."""
    if config.network == "residual":
        return ResidualGenerator(config.size, config.latent, config.width, config.max_width, shares)
    return Generator(config.size, config.latent, config.width, shares, upsampling=config.upsampling)


def build_discriminator(config: GanConfig, labels: int = 0) -> AnyDiscriminator:
    """The config's discriminator, initialised the same way; ``labels``: how many labels it is told, 0 for none."""
    if config.network == "residual":
        return ResidualDiscriminator(
            config.size, config.width, config.max_width, config.norm, labels, spread=config.minibatch_stddev
        )
    return Discriminator(config.size, config.width, config.norm, labels)
