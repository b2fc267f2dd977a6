"""Seeds -> images: what a trained generator makes, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepstyle import images, weights
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.build import AnyGenerator, build_generator
from deepstyle.errors import ModelError
from deepstyle.files import put_file
from deepstyle.made import Made, marked

LAST, BEST = "generator.safetensors", "best.safetensors"  # in a run folder: newest, and best by Frechet distance
CHUNK = 16  # images per forward pass, always: another batch size may round a pixel differently


def latents(seeds: Sequence[int], length: int) -> Tensor:
    """One N(0, 1) vector per seed: N x length float32. A seed means the same vector everywhere."""
    return torch.stack([torch.randn(length, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def truncated(z: Tensor, limit: float | None) -> Tensor:
    """The same latents squeezed into (-limit, limit): N(0, 1) truncated there, each number keeping its rank; None: as they are.

    The smaller the limit, the more typical and the less varied the images (truncation trick, Brock et al. 2018,
    arXiv 1809.11096, section 3.1; they draw again what falls outside, which would break a seed's identity).
    """
    if limit is None:
        return z
    outside = torch.special.ndtr(torch.tensor(-limit, dtype=torch.float64))
    rank = torch.special.ndtr(z.double())
    squeezed: Tensor = torch.special.ndtri(outside + (1 - 2 * outside) * rank)
    return squeezed.to(z)


def labels_of(z: Tensor, shares: Tensor) -> Tensor:
    """A label for each z where none is asked for: the same for the same z, in the proportions ``shares``; N int64.

    A seed picks by its own z, not by the truncated one: that would pick another at each truncation.
    """
    chances = (z.cpu().double().sum(1) * 1000) % 1
    return torch.bucketize(chances, shares.cpu().double().cumsum(0)[:-1], right=True).to(z.device)


@torch.inference_mode()
def generate(generator: AnyGenerator, z: Tensor, labels: Tensor | None = None) -> images.Pixels:
    """N x latent -> N x size x size x 3 uint8 RGB. The generator must be in eval mode; float32 throughout.

    ``labels``: N int64, for a generator that is told labels; None: as ``labels_of`` picks them.
    """
    device = next(generator.parameters()).device
    if generator.told.vectors is None:
        labels = None
    elif labels is None:
        labels = labels_of(z, generator.told.shares)
    out = np.empty((len(z), generator.size, generator.size, 3), np.uint8)
    for start in range(0, len(z), CHUNK):
        part = z[start : start + CHUNK]
        made = generator(
            filled(part).to(device), None if labels is None else filled(labels[start : start + CHUNK]).to(device)
        )
        out[start : start + CHUNK] = to_uint8(made[: len(part)])
    return out


def filled(part: Tensor) -> Tensor:
    """A part of at most CHUNK rows, made up to CHUNK with zeros."""
    return torch.cat([part, part.new_zeros(CHUNK - len(part), *part.shape[1:])])


def to_uint8(made: Tensor) -> images.Pixels:
    """NCHW float in [-1, 1] -> NHWC uint8 in [0, 255]."""
    scaled = (made.float() + 1).mul(127.5).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def load_generator(folder: Path, *, best: bool = False) -> tuple[AnyGenerator, GanConfig]:
    """The generator (moving average, calibrated, eval mode) that a run folder holds: the last, or the best by Frechet distance.

    Raises ModelError when there is none.
    """
    config = load_config(GanConfig, folder / "config.yaml")
    path = folder / (BEST if best else LAST)
    if not path.is_file():
        wanted = "best generator (it takes a classifier to judge)" if best else "generator yet"
        raise ModelError(f"{folder} has no {wanted}; continue `deepstyle train-gan` until its first snapshot")
    return read_generator(path, config), config


def read_generator(path: Path, config: GanConfig) -> AnyGenerator:
    """The config's generator with the weights of a file, in eval mode. Raises ModelError for weights of another."""
    return weights.loaded(path, lambda state: build_generator(config, state.get("told.shares"))).eval()


def file_name(seed: int) -> str:
    """What the file of a seed's image is called, without extension."""
    return f"seed-{seed:06d}"


def put_samples(
    place: Path, made: images.Pixels, names: Sequence[str], seeds: Sequence[int | str], mark: Made,
    sheet: images.Pixels | None = None, *, grid: str = "grid",
) -> Path:  # fmt: skip
    """Write each of N images under its name, and a sheet of all of them (a square one if None) as ``grid``; its path.

    Every file carries the ``mark``, with the image's own of the N ``seeds``.
    """
    sheet = images.tile(made, columns=columns_of(len(made))) if sheet is None else sheet
    for name, pixels, seed in zip(names, made, seeds, strict=True):
        put_file(place / f"{name}.png", marked(images.encode(pixels), replace(mark, seeds=str(seed))))
    path = place / f"{grid}.png"
    put_file(path, marked(images.encode(sheet), replace(mark, seeds=span(seeds))))
    return path


def span(seeds: Sequence[int | str]) -> str:
    """Seeds in words: "0-63" for a range, else "3, 17, 42"; each once."""
    each = list(dict.fromkeys(seeds))
    first, last = each[0], each[-1]
    if len(each) > 2 and isinstance(first, int) and each == list(range(first, first + len(each))):
        return f"{first}-{last}"
    return ", ".join(map(str, each))


def columns_of(count: int) -> int:
    """Columns of a nearly square grid of ``count`` images: it is at least as wide as high."""
    return math.ceil(math.sqrt(count))
