"""Whether an image is a copy of another one: shifted, zoomed, mirrored, in other light or colours (pure).

Features of a network say which images are alike; two shirts are alike, too. What tells a copy is that the same edges lie
at the same places: the gradients of two grey images, correlated at every shift, at a few zooms and in the mirror, each
over the part that both show (normalised cross-correlation, Lewis 1995). Gradients and a norm are blind to brightness;
what a brighter copy has lost in white is left out; the grey is the mean of the channels, so that swapped channels change
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepstyle.errors import InputError
from deepstyle.ground import filled
from deepstyle.images import Pixels

SIDE = 32  # pixels of the grey images that are compared
PLANE = (48, 48)  # of the Fourier transforms: no shift wraps around
ZOOMS = (25 / 32, 26 / 32, 0.9, 1.0, 1.12, 1.25)  # fine where a copy is small: its edges are
HALVES = ((0, 0), (0, 1), (1, 0), (1, 1))  # shifts by half a pixel of SIDE, down and to the right
FINE = 0.85  # up to this zoom, and at 1, these shifts are tried, too
SHIFT = 6  # pixels of SIDE that two images may be shifted at most, beside what a zoom leaves room for
WHITE, LIGHT = 0.985, 0.75  # of 1: where a copy is white and the other one light, brightening has hidden what was there
SEEN = 0.25  # of a garment's edges that count at least, however much is white
THUMB = 8  # pixels: side of the thumbnails that propose candidates beside the features
PROPOSED = 16  # candidates from features, and as many from thumbnails
COPY = 0.80  # correlation from which on an image is a copy; see docs/log.md
COPY_ON_PLAIN = 0.885  # the same where both lie on a plain ground: all their edges are those of two garments' outlines


@dataclass(frozen=True, kw_only=True)
class Match:
    """The best match of an image: the index of the other image, or -1, their correlation in [-1, 1], and what a copy has."""

    index: int
    likeness: float
    least: float = COPY

    @property
    def copied(self) -> bool:
        """Alike enough to be a copy."""
        return self.likeness >= self.least


def find_copies(
    samples: Pixels, real: Pixels, sample_vectors: NDArray[np.float32], real_vectors: NDArray[np.float32]
) -> list[Match]:
    """The best match of each of N x S x S x 3 uint8 among M x S x S x 3; the vectors are their features, N x D and M x D.

    Only candidates are compared: the ``PROPOSED`` nearest by features, and as many by thumbnails. Raises InputError for
    other shapes.
    """
    for side, pixels, vectors in (("generated", samples, sample_vectors), ("real", real, real_vectors)):
        if pixels.ndim != 4 or pixels.shape[3] != 3 or len(vectors) != len(pixels) or not len(pixels):
            raise InputError(f"the {side} images must be N x S x S x 3 with as many features, not {pixels.shape}")
    chosen = candidates(thumbnails(samples), thumbnails(real), sample_vectors, real_vectors)
    return [_best(samples[k], real, row) for k, row in enumerate(chosen)]


def find_repeats(samples: Pixels, vectors: NDArray[np.float32]) -> list[Match]:
    """For each sample the best match among the samples before it; the first one has none."""
    small, found = thumbnails(samples), [Match(index=-1, likeness=-1.0)]
    for k in range(1, len(samples)):
        rows = candidates(small[k : k + 1], small[:k], vectors[k : k + 1], vectors[:k])[0]
        found.append(_best(samples[k], samples, rows))
    return found


def _best(sample: Pixels, others: Pixels, rows: NDArray[np.int64]) -> Match:
    likeness = correlations(sample, np.ascontiguousarray(others[rows]))
    first = int(likeness.argmax())
    plain = filled(sample) is not None and filled(others[rows[first]]) is not None
    return Match(index=int(rows[first]), likeness=float(likeness[first]), least=COPY_ON_PLAIN if plain else COPY)


def candidates(
    small: Tensor, real_small: Tensor, vectors: NDArray[np.float32], real_vectors: NDArray[np.float32]
) -> list[NDArray[np.int64]]:
    """Indices of real images that each sample may be a copy of, from thumbnails and features."""
    count = min(PROPOSED, len(real_small))
    first, second = (torch.from_numpy(np.asarray(one, np.float32)) for one in (vectors, real_vectors))
    centre = second.mean(dim=0)
    first, second = functional.normalize(first - centre), functional.normalize(second - centre)
    mirrored = real_small.flip(3).flatten(1).T
    found = []
    for start in range(0, len(small), 256):
        part = slice(start, start + 256)
        thumb = small[part].flatten(1)
        near = torch.maximum(thumb @ real_small.flatten(1).T, thumb @ mirrored)
        rows = torch.cat([near.topk(count).indices, (first[part] @ second.T).topk(count).indices], dim=1)
        found += [np.unique(row) for row in rows.numpy()]
    return found


def thumbnails(pixels: Pixels) -> Tensor:
    """N x S x S x 3 uint8 -> N x 1 x THUMB x THUMB grey of mean 0 and length 1."""
    small = torch.cat([_grey(pixels[start : start + 1024], THUMB) for start in range(0, len(pixels), 1024)])
    small = small - small.mean(dim=(2, 3), keepdim=True)
    unit: Tensor = small / small.norm(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    return unit


def correlations(sample: Pixels, others: Pixels) -> Tensor:
    """The best correlation of S x S x 3 uint8 with each of N x S x S x 3, over shifts, zooms and the mirror; N float32."""
    spectra, energies, white = _shown(sample)
    box = torch.fft.rfft2(torch.ones(SIDE, SIDE), PLANE).conj()
    best = torch.full((len(others),), -1.0)
    for zoom in ZOOMS:
        side = round(SIDE * zoom)
        grey = _halved(_grey(others, 2 * side))
        its, shown = gradients(grey), 8 if zoom == 1 or zoom < FINE else 2
        field, area = torch.fft.rfft2(its, PLANE), torch.fft.rfft2(torch.ones(side, side), PLANE)
        product = torch.fft.irfft2((spectra[:shown, None] * field).sum(2), PLANE)  # shown x N x PLANE
        own_part = torch.fft.irfft2(energies[:shown, None] * area, PLANE)
        energy = its.square().sum(1)
        its_part = torch.fft.irfft2(box * torch.fft.rfft2(energy, PLANE), PLANE)
        if white is not None:
            unseen = torch.fft.rfft2(energy * (grey[:, 0] >= LIGHT), PLANE)
            hidden = torch.fft.irfft2(white[:shown, None] * unseen, PLANE)
            its_part = torch.maximum(its_part - hidden, SEEN * its_part)
        shifts = torch.arange(min(0, side - SIDE) - SHIFT, max(0, side - SIDE) + SHIFT + 1) % PLANE[0]
        found = product / (own_part.clamp(min=1e-6) * its_part.clamp(min=1e-6)).sqrt()
        best = torch.maximum(best, found[:, :, shifts][:, :, :, shifts].amax(dim=(0, 2, 3)))
    return best


def _shown(sample: Pixels) -> tuple[Tensor, Tensor, Tensor | None]:
    """Spectra of an image's gradients (8 x 2 x H x W), of their squares (8 x H x W), and of where it is white, conjugate.

    The image and its mirror image come first, then both moved by half a pixel of SIDE to the right, down, or both.
    """
    grey = _grey(sample[None], 2 * SIDE)
    moved = [functional.pad(grey, (x, 0, y, 0), mode="replicate")[:, :, : 2 * SIDE, : 2 * SIDE] for y, x in HALVES]
    small = _halved(torch.cat([side for one in moved for side in (one, one.flip(3))]))
    own = gradients(small)
    dark = functional.max_pool2d((small < WHITE).float(), 3, 1, 1)[:, 0]  # or beside what is not white
    white = None if bool(dark.all()) else torch.fft.rfft2(1 - dark, PLANE).conj()
    return torch.fft.rfft2(own, PLANE).conj(), torch.fft.rfft2(own.square().sum(1), PLANE).conj(), white


def _halved(grey: Tensor) -> Tensor:
    return functional.avg_pool2d(grey, 2)


def gradients(grey: Tensor) -> Tensor:
    """N x 1 x H x W -> N x 2 x H x W, central differences, pressed together: strong edges must not decide alone."""
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    steps = torch.cat(
        [padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2], padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]], dim=1
    )
    length = torch.hypot(steps[:, :1], steps[:, 1:])  # a 60th of the time of a norm over two channels
    pressed: Tensor = steps / (length + length.mean(dim=(2, 3), keepdim=True)).clamp(min=1e-6)
    return pressed


def _grey(pixels: Pixels, side: int) -> Tensor:
    """N x S x S x 3 uint8 -> N x 1 x side x side float32 in [0, 1], the mean of the channels."""
    grey = torch.from_numpy(np.require(pixels, requirements=("C", "W"))).float().mean(dim=3)[:, None] / 255
    return functional.interpolate(grey, (side, side), mode="bilinear", antialias=True, align_corners=False)
