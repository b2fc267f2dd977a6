"""The cells of a sheet of images: enlarged, with a caption under each (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle.colour import Pixels


def enlarge(images: Pixels, times: int) -> Pixels:
    """N x H x W x 3 uint8 images, so many times as high and wide, by Lanczos resampling: smooth, but with no new detail."""
    if times == 1:
        return images
    size = (images.shape[2] * times, images.shape[1] * times)
    return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.LANCZOS)) for one in images])


def caption(images: Pixels, names: Sequence[str]) -> Pixels:
    """Write a name under each of N x H x W x 3 uint8 images: N x (H + 12) x W x 3."""
    font = ImageFont.load_default(size=10)
    out = np.full((len(images), images.shape[1] + 12, *images.shape[2:]), 255, np.uint8)
    out[:, : images.shape[1]] = images
    for one, name in zip(out, names, strict=True):
        strip = Image.new("RGB", (images.shape[2], 12), "white")
        ImageDraw.Draw(strip).text((images.shape[2] / 2, 6), name, (90, 90, 90), font, anchor="mm")
        one[images.shape[1] :] = np.asarray(strip)
    return out
