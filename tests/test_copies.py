"""Copies of images, however moved and lit, and images that are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from deepstyle.errors import InputError
from deepstyle.images import Pixels, decode, encode
from deepstyle.metrics.copies import COPY, COPY_ON_PLAIN, PROPOSED, correlations, find_copies, find_repeats

SIDE = 64


def drawn(count: int, seed: int) -> Pixels:
    """Soft shapes with edges in three channels, no two alike."""
    random = np.random.default_rng(seed)
    noise = gaussian_filter(random.standard_normal((count, SIDE, SIDE, 3)), (0, 5, 5, 0))
    levels = np.where(noise > 0, 190, 60) + 400 * noise
    return np.asarray(levels.clip(0, 255).astype(np.uint8))


REAL = drawn(40, seed=0)
OTHERS = drawn(12, seed=1)


def vectors(pixels: Pixels) -> np.ndarray:
    """Features that know the colours of an image and of its middle."""
    inner = pixels[:, 16:48, 16:48].mean(axis=(1, 2))
    return np.concatenate([pixels.mean(axis=(1, 2)), inner], axis=1).astype(np.float32)


def _moved(image: Pixels, down: int, right: int) -> Pixels:
    wide = np.pad(image, ((16, 16), (16, 16), (0, 0)), mode="edge")
    return wide[16 - down : 80 - down, 16 - right : 80 - right]


def _noisy(image: Pixels) -> Pixels:
    return (image + np.random.default_rng(2).normal(0, 14, image.shape)).clip(0, 255).astype(np.uint8)


def _zoomed(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image[6:58, 6:58]).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _smaller(image: Pixels) -> Pixels:
    inner = np.asarray(Image.fromarray(image).resize((51, 51), Image.Resampling.LANCZOS))
    return np.pad(inner, ((6, 7), (6, 7), (0, 0)), mode="edge")


KINDS: dict[str, Callable[[Pixels], Pixels]] = {
    "exact": lambda image: image,
    "jpeg": lambda image: decode(encode(image, "JPEG", quality=40)),
    "noisy": _noisy,
    "brighter": lambda image: (image * 1.2 + 10).clip(0, 255).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "channels swapped": lambda image: image[..., ::-1],
    "shifted by 2": lambda image: _moved(image, 0, 2),
    "shifted by 5": lambda image: _moved(image, 3, -4),
    "shifted by 10": lambda image: _moved(image, -10, 0),
    "zoomed in": _zoomed,
    "zoomed out": _smaller,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_found_however_it_was_changed(kind: str) -> None:
    """Each kind of copy leads to its source, and is alike enough to be called one."""
    changed = np.stack([KINDS[kind](REAL[k]) for k in (3, 17, 29)])
    found = find_copies(changed, REAL, vectors(changed), vectors(REAL))

    assert [one.index for one in found] == [3, 17, 29]
    assert all(one.copied for one in found)


def test_new_images_are_no_copies() -> None:
    """Images drawn in the same way with other numbers are no copies, nor are real ones of one another."""
    new = find_copies(OTHERS, REAL, vectors(OTHERS), vectors(REAL))
    among = find_repeats(REAL[:20], vectors(REAL[:20]))

    assert not any(one.copied for one in [*new, *among])
    assert max(one.likeness for one in new) < COPY - 0.1


def test_two_garments_of_one_outline_are_no_copies() -> None:
    """On a plain ground the outline is most of what there is to see: two garments that share only that are not one."""
    first, second = (np.full((SIDE, SIDE, 3), 240, np.uint8) for _ in range(2))
    first[12:52, 16:48] = 60
    second[12:52, 16:48] = 90
    second[22:34, 24:40] = 190  # a print
    both = np.stack([first, second])
    real = np.stack([first, *OTHERS])
    copy, shirt = find_copies(both, real, vectors(both), vectors(real))

    assert (copy.index, copy.copied) == (0, True)
    assert COPY < shirt.likeness < COPY_ON_PLAIN
    assert not shirt.copied


def test_a_smaller_copy_on_a_plain_ground_is_hardly_less_alike() -> None:
    """Its edges are thin: the comparison finds its size and place to less than a pixel, so that it clears the threshold well."""
    real = np.full((12, SIDE, SIDE, 3), 240, np.uint8)
    for whole, inner in zip(real, REAL, strict=False):
        whole[14:50, 14:50] = np.asarray(Image.fromarray(inner).resize((36, 36)))
    alike = [float(correlations(_smaller(image), image[None])[0]) for image in real]

    assert min(alike) > COPY_ON_PLAIN + 0.035


def test_what_a_brighter_copy_lost_in_white_does_not_hide_it() -> None:
    """Folds of a light garment are gone where it was made white; what is left is its source's all the same."""
    real = np.full((12, SIDE, SIDE, 3), 240, np.uint8)
    for whole, inner in zip(real, REAL, strict=False):
        small = np.asarray(Image.fromarray(inner).resize((36, 36))).astype(int)
        whole[14:50, 14:50] = 205 + small // 8  # light, with folds: all of them white in the copy
        whole[30:34, 14:50] = small[16:20]  # a belt
    brighter = (real * 1.25 + 8).clip(0, 255).astype(np.uint8)
    alike = np.stack([correlations(image, real).numpy() for image in brighter])

    assert np.diag(alike).min() > COPY_ON_PLAIN + 0.03
    assert (alike.argmax(axis=1) == np.arange(12)).all()


def test_white_images_are_nobodys_copies() -> None:
    """Where all or nearly all of an image is white, nothing is left to compare, and light images are no sources of it."""
    light = 200 + REAL // 5
    white = np.full((2, SIDE, SIDE, 3), 255, np.uint8)
    white[1, 60:62, 60:62] = 0

    assert max(float(correlations(one, light).max()) for one in white) < COPY - 0.1


def test_repeats_count_from_the_second() -> None:
    """Of an image that occurs three times, two are repeats of an earlier one."""
    images = np.concatenate([REAL[:4], REAL[2:3], REAL[5:7], np.ascontiguousarray(REAL[2:3, :, ::-1])])
    found = find_repeats(images, vectors(images))

    assert [k for k, one in enumerate(found) if one.copied] == [4, 7]
    assert found[4].index == 2


def test_flat_images_are_nobodys_copies() -> None:
    """An image without an edge correlates with nothing, and nothing divides by zero."""
    flat = np.full((1, SIDE, SIDE, 3), 128, np.uint8)

    assert float(correlations(flat[0], REAL[: 2 * PROPOSED]).max()) < 0.2
    assert np.isfinite(correlations(REAL[0], flat).numpy()).all()


def test_wrong_shapes_are_refused() -> None:
    """Features that do not belong to the images, and no images, are an error that names the side."""
    with pytest.raises(InputError, match="real images"):
        find_copies(OTHERS, REAL, vectors(OTHERS), vectors(OTHERS))
    with pytest.raises(InputError, match="generated images"):
        find_copies(OTHERS[:0], REAL, vectors(OTHERS), vectors(REAL))
