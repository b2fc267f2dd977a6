"""Kinds of damage to images, each in four degrees after none: what ``judge_damage.py`` judges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from deepstyle import images
from deepstyle.images import Pixels

Damage = Callable[[Pixels, NDArray[np.int64], int], Pixels]  # N x S x S x 3, labels, degree 1 to 4 -> as many
DEGREES = (1, 2, 3, 4)


def blur(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """A Gaussian of 0.5, 1, 1.5 or 3 pixels."""
    wide = (0.5, 1.0, 1.5, 3.0)[degree - 1]
    return np.asarray(gaussian_filter(pixels, (0, wide, wide, 0)))


def noise(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Gaussian noise of 5, 10, 20 or 40 levels."""
    drawn = np.random.default_rng(1).normal(0, 5 * 2 ** (degree - 1), pixels.shape)
    return np.asarray((pixels + drawn).clip(0, 255).astype(np.uint8))


def jpeg(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """JPEG of quality 60, 30, 15 or 5."""
    quality = (60, 30, 15, 5)[degree - 1]
    return np.stack([images.decode(images.encode(one, "JPEG", quality=quality)) for one in pixels])


def weave(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """The pattern of transposed convolutions: every other pixel brighter, its neighbours darker, by 3, 6, 12 or 24."""
    y, x = np.mgrid[: pixels.shape[1], : pixels.shape[2]]
    pattern = np.where((y + x) % 2, 1, -1)[None, :, :, None] * (3 * 2 ** (degree - 1))
    return np.asarray((pixels + pattern).clip(0, 255).astype(np.uint8))


def colour(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Red up and blue down by 8, 16, 32 or 64 levels."""
    return np.asarray((pixels + np.array([1, 0, -1]) * 8 * 2 ** (degree - 1)).clip(0, 255).astype(np.uint8))


def swap(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """1, 3, 9 or 27 pairs of squares of an eighth of the side exchanged between places of an image."""
    out, random, side = pixels.copy(), np.random.default_rng(2), pixels.shape[1] // 8
    for one in out:
        for _pair in range(3 ** (degree - 1)):
            (a, b), (c, d) = random.integers(0, 8, (2, 2)) * side
            first = one[a : a + side, b : b + side].copy()
            one[a : a + side, b : b + side] = one[c : c + side, d : d + side]
            one[c : c + side, d : d + side] = first
    return out


def missing(pixels: Pixels, labels: NDArray[np.int64], degree: int) -> Pixels:
    """A quarter, half, three quarters or all of the images of the rarer half of labels replaced by others."""
    random, counts = np.random.default_rng(3), np.bincount(labels)
    rare = np.argsort(counts)[: (len(counts) + 1) // 2]
    own, others = np.flatnonzero(~np.isin(labels, rare)), np.flatnonzero(np.isin(labels, rare))
    gone = random.permutation(others)[: round(len(others) * degree / 4)]
    out = pixels.copy()
    out[gone] = pixels[random.choice(own, len(gone))]
    return out


def duplicates(pixels: Pixels, _: NDArray[np.int64], degree: int) -> Pixels:
    """Only a half, a quarter, a tenth or a fiftieth of the images, repeated."""
    return pixels[np.arange(len(pixels)) % max(2, len(pixels) // (2, 4, 10, 50)[degree - 1])]


def mixture(pixels: Pixels, labels: NDArray[np.int64], degree: int) -> Pixels:
    """An eighth, a quarter, half or all of the images blurred by 1.5 pixels, noisy and repeated."""
    count = len(pixels) * 2 ** (degree - 1) // 8
    half = np.concatenate([pixels[: count // 2], pixels[: count - count // 2]])
    return np.concatenate([noise(blur(half, labels, 3), labels, 2), pixels[count:]])


KINDS: dict[str, Damage] = {
    "blur": blur, "noise": noise, "jpeg": jpeg, "weave": weave, "colour": colour, "swap": swap, "missing": missing,
    "duplicates": duplicates, "mixture": mixture,
}  # fmt: skip
