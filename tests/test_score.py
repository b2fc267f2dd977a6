"""The score of samples against real garments, with a hand-written extractor in place of a classifier."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import InputError
from deepstyle.ground import ground_figures
from deepstyle.images import Pixels, encode
from deepstyle.metrics.score import score_samples, to_json
from deepstyle.progress import Reporter
from deepstyle.records import Garment

LABELS = ("red", "green", "blue")


class MeanColours:
    """Features are the mean colours of four quarters, probabilities the shares of the three channels."""

    calls = 0

    def __call__(self, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        half = pixels.shape[1] // 2
        quarters = [pixels[:, y : y + half, x : x + half].mean(axis=(1, 2)) for y in (0, half) for x in (0, half)]
        channels = pixels.mean(axis=(1, 2)) + 1e-6
        shares = channels / channels.sum(axis=1, keepdims=True)
        return np.concatenate(quarters, axis=1).astype(np.float32), shares.astype(np.float32)


def garments(count: int, size: int, seed: int) -> Pixels:
    """Noise with one strong channel, red, green and blue in turn."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (count, size, size, 3)).astype(np.uint8)
    for i in range(count):
        images[i, :, :, i % 3] += np.uint8(120 + rng.integers(0, 70))
    return images


def packed(folder: Path) -> PackedDataset:
    """Thirty packed garments."""
    items = []
    for i, pixels in enumerate(garments(30, 16, seed=1)):
        path = folder / f"{i}.png"
        path.write_bytes(encode(pixels))
        items.append(Item(source=f"photo{i}-0", path=path, label=LABELS[i % 3]))
    return PackedDataset.pack(folder / "packed", items, size=16, fit="pad", reporter=Reporter(quiet=True))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> PackedDataset:
    return packed(tmp_path_factory.mktemp("real"))


def _where(source: str) -> Garment:
    return Garment(
        photo=source, k=0, label="upper", path="", x0=0, y0=0, x1=1, y1=1, score=1, width=1, height=1, model="m", rule="r",
        at=0, page_url=f"https://shop.example/{source}", image_url=f"https://cdn.example/{source}.jpg", licence="CC0",
        credit="Studio",
    )  # fmt: skip


def test_it_names_both_judges(real: PackedDataset) -> None:
    """The JSON tells what features and patches come from, and the patches of the real garments themselves are nearer."""
    judge = {"weights": "eye@0123abcd", "preprocessing": {"image_size": 16}, "seed": 7}

    def patches(pixels: Pixels) -> float:
        score, _ = score_samples(
            pixels, real, embed=MeanColours(), labels=LABELS, features_name="eye", provenance=_where, judge=judge
        )
        told = json.loads(to_json(score))
        assert told["judges"]["features"] == {"name": "eye", **judge}
        assert told["judges"]["patches"] == {"name": "sliced Wasserstein distance of patches", "seed": 0}
        return float(told["patches"])

    assert patches(garments(12, 16, seed=1)) < patches(garments(12, 16, seed=1) // 2)


def test_score_names_the_nearest_garments_and_their_pages(real: PackedDataset) -> None:
    """A sample that is a copy of a real garment finds it, with its page, at distance 0; the figures are in range."""
    samples = np.concatenate([np.asarray(real.images[4:6]), garments(18, 16, seed=2)])
    score, sheet = score_samples(
        samples, real, embed=MeanColours(), labels=LABELS, features_name="mean-colours", provenance=_where
    )

    first = score.nearest[0][0]
    assert (first.source, first.page_url) == ("photo4-0", "https://shop.example/photo4-0")
    assert (first.licence, first.credit) == ("CC0", "Studio")
    assert first.image_url == "https://cdn.example/photo4-0.jpg"
    assert first.distance == pytest.approx(0, abs=1e-6)
    assert [len(row) for row in score.nearest] == [3] * 8
    assert (score.samples, score.real, score.features, score.manifold) == (20, 30, "mean-colours", 30)
    assert sum(score.histogram.values()) == pytest.approx(1)
    assert score.real_histogram == pytest.approx({"red": 1 / 3, "green": 1 / 3, "blue": 1 / 3})
    assert 0 <= score.precision <= 1
    assert 0 <= score.recall <= 1
    assert 0 <= score.coverage <= 1
    assert sheet.dtype == np.uint8
    assert sheet.ndim == 3


def test_worse_samples_score_worse(real: PackedDataset) -> None:
    """Noise is farther from the garments than garments of the same kind are, by every figure."""
    noise = np.random.default_rng(3).integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    good, bad = (
        score_samples(s, real, embed=MeanColours(), labels=LABELS, features_name="x", provenance=_where)[0]
        for s in (garments(30, 16, seed=4), noise)
    )

    assert good.frechet < bad.frechet
    assert good.kid < bad.kid
    assert good.precision > bad.precision
    assert good.confidence > bad.confidence


def test_json_holds_every_field(real: PackedDataset) -> None:
    """The JSON can be read back and names counts, features and provenance."""
    score, _ = score_samples(
        garments(12, 16, seed=5), real, embed=MeanColours(), labels=LABELS, features_name="x", provenance=_where,
        nearest_of=2,
    )  # fmt: skip
    data = json.loads(to_json(score))

    assert data["frechet"] == score.frechet
    assert data["histogram"] == score.histogram
    assert (set(data["weave"]), set(data["real_weave"])) == ({"2", "4", "8"}, {"2", "4", "8"})
    assert data["ground"].keys() <= {"plain", "filled"}
    assert data["real_ground"] == ground_figures(real.images)
    assert set(data["nearest"][1][0]) == {"source", "page_url", "image_url", "distance", "licence", "credit"}


def test_wrong_samples_are_refused(real: PackedDataset) -> None:
    """Floats, too few samples and labels that do not fit the extractor are refused."""

    def score(samples: np.ndarray, labels: tuple[str, ...] = LABELS) -> object:
        return score_samples(samples, real, embed=MeanColours(), labels=labels, features_name="x", provenance=_where)

    with pytest.raises(InputError, match="uint8"):
        score(np.zeros((9, 8, 8, 3), np.float32))
    with pytest.raises(InputError, match="3 generated"):
        score(garments(3, 16, seed=8))
    with pytest.raises(InputError, match="3 probabilities"):
        score(garments(9, 16, seed=8), ("a", "b"))
