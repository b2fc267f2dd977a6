"""Samples beside their nearest real images, as a picture (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deepstyle.images import Pixels, resize

TILE, LINE, GAP = 128, 16, 4  # pixels: side of an image on the sheet, height of a caption, space between


def neighbour_sheet(
    samples: Pixels, real: Pixels, indices: NDArray[np.int64], distances: NDArray[np.float64],
    names: Sequence[str] = (),
) -> Pixels:  # fmt: skip
    """Lay each sample beside its nearest real images, two samples a row, as H x W x 3 uint8 with captions.

    ``names``: what each sample is called; by number otherwise.
    """
    wide = (1 + indices.shape[1]) * (TILE + GAP) + 3 * GAP  # one sample and its neighbours
    rows = -(-len(samples) // 2)
    size = (wide * min(2, len(samples)), rows * (TILE + LINE + GAP))
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for n, sample in enumerate(samples):
        x, y = (n % 2) * wide + GAP, (n // 2) * (TILE + LINE + GAP) + GAP
        cells = [(sample, names[n] if names else f"sample {n + 1}")]
        cells += [(real[i], f"real, {far:.3f}") for i, far in zip(indices[n], distances[n], strict=True)]
        for k, (pixels, caption) in enumerate(cells):
            left = x + k * (TILE + GAP) + (2 * GAP if k else 0)
            sheet.paste(Image.fromarray(resize(np.asarray(pixels), TILE)), (left, y))
            draw.text((left, y + TILE + 1), caption, fill=(190, 0, 0) if not k else (60, 60, 60), font=font)
    return np.asarray(sheet)
