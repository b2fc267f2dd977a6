"""Seeds -> images: what a trained generator makes, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepstyle import images, weights
from deepstyle.catalog import Catalog, put_file
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.networks import Generator
from deepstyle.errors import ModelError, UsageError

CHUNK = 16  # images per forward pass, always: another batch size may round a pixel differently


def latents(seeds: Sequence[int], length: int) -> Tensor:
    """One N(0, 1) vector per seed: N x length float32. A seed means the same vector everywhere."""
    return torch.stack([torch.randn(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.inference_mode()
def generate(generator: Generator, z: Tensor) -> images.Pixels:
    """N x latent -> N x size x size x 3 uint8 RGB. The generator must be in eval mode; float32 throughout."""
    device = next(generator.parameters()).device
    out = np.empty((len(z), generator.size, generator.size, 3), np.uint8)
    for start in range(0, len(z), CHUNK):
        part = z[start : start + CHUNK]
        filled = torch.cat([part, part.new_zeros(CHUNK - len(part), z.shape[1])])
        made = generator(filled.to(device))  # NCHW float32 in [-1, 1]
        out[start : start + CHUNK] = to_uint8(made[: len(part)])
    return out


def to_uint8(made: Tensor) -> images.Pixels:
    """NCHW float in [-1, 1] -> NHWC uint8 in [0, 255]."""
    scaled = (made.float() + 1).mul(127.5).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def load_generator(folder: Path) -> tuple[Generator, GanConfig]:
    """The generator (moving average, calibrated, eval mode) that a run folder holds. Raises ModelError."""
    config = load_config(GanConfig, folder / "config.yaml")
    generator = Generator(config.size, config.latent, config.width)
    path = folder / "generator.safetensors"
    if not path.is_file():
        raise ModelError(f"{folder} has no generator yet; continue `deepstyle train-gan` until its first snapshot")
    weights.load_weights(path, generator)
    return generator.eval(), config


def find_run(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of the named GAN run, or of the newest. Raises UsageError with the remedy when there is none."""
    row = catalog.run("gan", name)
    if row is None:
        known = ", ".join(r["name"] for r in catalog.query("SELECT name FROM runs WHERE kind = 'gan' ORDER BY name"))
        if name is not None:
            raise UsageError(f"--run {name}: no such run in {catalog.root}; there are: {known or 'none'}")
        raise UsageError(f"no GAN run in {catalog.root}: run `deepstyle train-gan` first")
    return catalog.path(row["path"])


def write_samples(folder: Path, generator: Generator, seeds: Sequence[int]) -> tuple[images.Pixels, Path]:
    """Generate each seed, write ``samples/seed-<n>.png`` and ``samples/grid.png``; returns the images and the grid's path."""
    made = generate(generator, latents(seeds, generator.latent))
    for seed, pixels in zip(seeds, made, strict=True):
        put_file(folder / "samples" / f"seed-{seed:06d}.png", images.encode(pixels))
    grid = folder / "samples" / "grid.png"
    put_file(grid, images.encode(images.tile(made, columns=columns_of(len(made)))))
    return made, grid


def columns_of(count: int) -> int:
    """Columns of a nearly square grid of ``count`` images."""
    return max(1, math.isqrt(count))
