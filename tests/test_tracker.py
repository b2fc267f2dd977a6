"""A generator's figures while it trains, with a hand-written extractor in place of a classifier."""

from __future__ import annotations

import numpy as np
import pytest
from test_score import LABELS, MeanColours, garments, packed

from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError
from deepstyle.metrics.distance import coverage, frechet_distance, kernel_distance, precision_recall
from deepstyle.metrics.score import histogram
from deepstyle.metrics.tracker import BAR, GAP, INKS, LINE, Tracker, histogram_picture

WEAVE = ("weave/2", "weave/4", "weave/8")
GROUND = ("ground/plain",)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> PackedDataset:
    return packed(tmp_path_factory.mktemp("real"))


def test_tracker_looks_at_the_real_garments_once(real: PackedDataset) -> None:
    """The tracker gives the plain distances, any number of times, and embeds the real side only at the start."""
    embed = MeanColours()
    tracker = Tracker(real, embed, LABELS)
    samples = garments(20, 16, seed=6)
    tracker(garments(17, 16, seed=7))
    figures = tracker(samples)
    assert embed.calls == 3
    first, second = embed(real.images)[0], embed(samples)[0]

    assert list(figures) == [
        "frechet",
        "kid",
        "precision",
        "recall",
        "coverage",
        "copies",
        *WEAVE,
        *GROUND,
        "samples/categories",
    ]
    assert figures["frechet"] == frechet_distance(first, second)
    assert figures["kid"] == kernel_distance(first, second, subsets=10)[0]
    assert (figures["precision"], figures["recall"]) == precision_recall(first, second)
    assert figures["coverage"] == coverage(first, second)


def test_few_images_have_a_frechet_distance_only(real: PackedDataset) -> None:
    """Fewer samples than neighbourhoods need give the distance and the picture, not an error; floats are refused."""
    tracker = Tracker(real, MeanColours(), LABELS)

    assert set(tracker(garments(9, 16, seed=6))) == {"frechet", *WEAVE, *GROUND, "samples/categories"}
    with pytest.raises(InputError, match="uint8"):
        tracker(np.zeros((9, 8, 8, 3), np.float32))


def test_bars_are_as_long_as_the_shares() -> None:
    """Each label has a grey bar of the real share and an orange one of the samples' share; the largest fills the width."""
    picture = histogram_picture({"dress": 0.4, "skirt": 0.6}, {"dress": 0.8, "skirt": 0.2})
    lengths = [
        int((picture[GAP + row * (2 * LINE + GAP) + k * LINE + 1] == ink).all(axis=1).sum())
        for row in range(2)
        for k, ink in enumerate(INKS)
    ]

    assert lengths == [BAR // 2 + 1, BAR + 1, 3 * BAR // 4 + 1, BAR // 4 + 1]


def test_a_worn_garment_is_called_nothing_that_it_cannot_be() -> None:
    """What a detector calls upper or lower is no shoe and no dress, whatever the judge is surest of; else anything counts."""
    labels = ("Dress", "Shirt", "Shoes", "Skirt")
    shares = np.array([[0.1, 0.2, 0.6, 0.1], [0.5, 0.1, 0.1, 0.3]], np.float32)

    assert histogram(shares, labels, ("lower", "upper")) == {"Dress": 0, "Shirt": 0.5, "Shoes": 0, "Skirt": 0.5}
    assert histogram(shares, labels, ("lower",)) == {"Dress": 0, "Shirt": 0, "Shoes": 0, "Skirt": 1}
    assert histogram(shares, labels) == {"Dress": 0.5, "Shirt": 0, "Shoes": 0.5, "Skirt": 0}
