"""A generator's figures while it trains: the real garments are looked at once. Pure but for ``embed``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle.dataset import PackedDataset
from deepstyle.ground import ground_figures
from deepstyle.images import Pixels
from deepstyle.metrics.distance import FrechetReference, coverage, kernel_distance, nearest, precision_recall
from deepstyle.metrics.score import Embed, Vectors, check_samples, histogram, subset
from deepstyle.metrics.weave import weave_figures

LEAST = 16  # images on a side from which KID, precision, recall and coverage mean anything
GARMENTS = 2_000  # real ones that are looked at, at most: the judge sees some twenty a second on a CPU core
MANIFOLD = 1_000  # real images that precision, recall and coverage look at: a look must not cost what training does
COPY = 0.5  # of the usual distance of two garments: a sample nearer than that is a copy or nearly
SUBSETS = 10  # of the kernel distance; `deepstyle score` takes 100
BAR, LINE, GAP = 300, 13, 8  # pixels: the longest bar, the height of a bar, the space between two labels
INKS = ((150, 150, 150), (245, 124, 0))  # real garments, samples
Figures = dict[str, float | Pixels]


class Tracker:
    """Called with samples, gives their figures against the real garments, by the names TensorBoard shows.

    ``real`` is the packed dataset, of which ``GARMENTS`` are looked at, drawn with a fixed seed;
    ``embed`` the feature extractor, ``labels`` names the columns of its probabilities.
    Raises InputError for fewer than two real images.
    """

    def __init__(self, real: PackedDataset, embed: Embed, labels: Sequence[str]) -> None:
        self._embed, self._labels, self._worn = embed, labels, real.label_names
        self._vectors, probabilities = embed(subset(real.images, GARMENTS))
        self._reference = FrechetReference(self._vectors)
        self._manifold = subset(self._vectors, MANIFOLD)
        self._shares = histogram(probabilities, labels, self._worn)
        _, far = nearest(self._vectors, self._vectors, 2)
        self._near = COPY * float(np.median(far[:, 1]))
        self._chance, self._looked = float((far[:, 1] < self._near).mean()), len(self._vectors) / len(real)

    def __call__(self, samples: Pixels) -> Figures:
        """``frechet``, ``kid``, ``precision``, ``recall``, ``coverage``, ``copies``, weave, ground, ``samples/categories``.

        Of N x S x S x 3 uint8, N >= 2. With fewer than ``LEAST`` images on a side there is only the Frechet distance, the
        weave, the ground and the picture. Compare figures at equal N only. Raises InputError.
        """
        check_samples(samples)
        vectors, probabilities = self._embed(samples)
        figures: Figures = {"frechet": self._reference.distance(vectors)}
        if min(len(vectors), len(self._vectors)) >= LEAST:
            figures["kid"] = kernel_distance(self._vectors, vectors, subsets=SUBSETS)[0]
            figures["precision"], figures["recall"] = precision_recall(self._manifold, vectors)
            figures["coverage"] = coverage(self._manifold, vectors)
            figures["copies"] = self._copies(vectors)
        figures |= weave_figures(samples)
        figures |= {f"ground/{name}": value for name, value in ground_figures(samples).items()}
        shares = histogram(probabilities, self._labels, self._worn)
        return figures | {"samples/categories": histogram_picture(self._shares, shares)}

    def _copies(self, vectors: Vectors) -> float:
        """About what share of N x D features are a garment's or nearly, beyond what garments are of one another."""
        _, far = nearest(vectors, self._vectors, 1)
        beyond = float((far[:, 0] < self._near).mean()) - self._chance
        return min(1.0, max(0.0, beyond / self._looked))


def histogram_picture(real: dict[str, float], samples: dict[str, float]) -> Pixels:
    """Two bars for each label as H x W x 3 uint8: its share of the real garments, and of the samples (they sum to 1)."""
    font = ImageFont.load_default(size=12)
    margin = 12 + max(round(font.getlength(label)) for label in real)
    step, largest = 2 * LINE + GAP, max([*real.values(), *samples.values()])
    sheet = Image.new("RGB", (margin + BAR + 48, step * len(real) + LINE + 2 * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for row, label in enumerate(real):
        y = GAP + row * step
        draw.text((margin - 6, y + LINE), label, fill="black", font=font, anchor="rm")
        for k, (share, ink) in enumerate(zip((real[label], samples[label]), INKS, strict=True)):
            top, end = y + k * LINE, margin + round(BAR * share / largest)
            draw.rectangle((margin, top, end, top + LINE - 2), fill=ink)
            draw.text((end + 4, top + LINE // 2), f"{share:.0%}", fill=(60, 60, 60), font=font, anchor="lm")
    words = "share of the real garments (grey) and of the samples (orange)"
    draw.text((6, sheet.height - GAP), words, fill="black", font=font, anchor="lm")
    return np.asarray(sheet)
