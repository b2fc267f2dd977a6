"""How near samples are to real garments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from test_score import MeanColours, _where, garments

from deepstyle.commands.sample import novelty_told
from deepstyle.dataset import Item, PackedDataset
from deepstyle.images import encode
from deepstyle.metrics.copies import Match
from deepstyle.metrics.novelty import Novelty, novelty, usual_distance
from deepstyle.metrics.score import Neighbour
from deepstyle.progress import Reporter
from deepstyle.sampling import Samples


@pytest.fixture
def real(tmp_path: Path) -> PackedDataset:
    """Thirty packed garments."""
    items = []
    for i, pixels in enumerate(garments(30, 16, seed=1)):
        (tmp_path / f"{i}.png").write_bytes(encode(pixels))
        items.append(Item(source=f"photo{i}-0", path=tmp_path / f"{i}.png", label="full"))
    return PackedDataset.pack(tmp_path / "packed", items, size=16, fit="pad", reporter=Reporter(quiet=True))


def test_the_usual_distance_is_the_median_to_the_nearest_other() -> None:
    """It is what scipy finds with the diagonal left out; a garment that is there twice is at distance 0 from itself."""
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    table = cdist(vectors, vectors, "cosine")
    np.fill_diagonal(table, np.inf)

    assert usual_distance(vectors) == pytest.approx(np.median(table.min(axis=1)), rel=1e-5)
    assert usual_distance(np.concatenate([vectors, vectors])) == pytest.approx(0, abs=1e-12)


def test_usually_near_is_not_near() -> None:
    """A ratio of exactly one, as real garments have to one another, is not near; the share counts what is below."""
    assert Novelty(nearest=[], usual=1.0, ratios=[1.0, 0.999, 1.001, 0.0]).near == 0.5


def test_a_copy_is_told_from_what_is_new(real: PackedDataset) -> None:
    """A copied garment has ratio 0 and its page, an image unlike all has a ratio above 1; half of the samples are near."""
    new = np.full((2, 16, 16, 3), 128, np.uint8)
    new[1, :8] = 10
    samples = np.concatenate([new, np.asarray(real.images[4:6])])
    found, sheet = novelty(samples, real, embed=MeanColours(), provenance=_where, names=["a", "b", "c", "d"])

    assert found.ratios[2:] == pytest.approx([0, 0], abs=1e-6)
    assert min(found.ratios[:2]) > 1
    assert found.near == 0.5
    assert found.nearest[2][0].page_url == "https://shop.example/photo4-0"
    assert [len(row) for row in found.nearest] == [3] * 4
    assert sheet.shape[0] == 2 * (128 + 16 + 4)


def test_garments_drawn_alike_are_about_half_near(real: PackedDataset) -> None:
    """New garments from where the real ones come from are as near as these are to one another: about half below 1."""
    found, _ = novelty(
        garments(60, 16, seed=2), real, embed=MeanColours(), provenance=_where, names=[str(i) for i in range(60)]
    )

    assert 0.3 < found.near < 0.7


def test_copies_and_repeats_are_told() -> None:
    """A copy that three other samples are nearer than is named with the file of its own photo; repeats are counted."""
    near = [
        [Neighbour(source=f"g{k}", page_url="file:///home/me", image_url=f"file:///home/me/{k}.jpg", distance=k / 10)]
        for k in range(5)
    ]
    new, same = Match(index=0, likeness=0.1), Match(index=2, likeness=0.95)
    found = Novelty(
        nearest=near, usual=1.0, ratios=[k / 10 for k in range(5)], copies=[new, new, new, new, same],
        repeats=[new, new, new, same, new],
    )  # fmt: skip
    names = [f"seed-{k}" for k in range(5)]
    made = Samples(pixels=garments(5, 8, 0), seeds=list(range(5)), labels=[""] * 5, names=names, grid=Path("grid.png"))
    rows, told = novelty_told(made, found, Path("novelty.csv"))

    assert rows["copies"] == "1 of 5 look like copies of real garments"
    assert rows["seed-4"] == "a copy of a garment from file:///home/me/4.jpg"
    assert rows["repeats"] == "1 of 5 look like another sample"
    assert [key for key in rows if key.startswith("seed")] == ["seed-4", "seed-0", "seed-1", "seed-2"]
    assert [(one["file"], one["garment"], one["likeness"]) for one in told["copies"]] == [("seed-4.png", "g4", 0.95)]
    assert told["repeats"] == {"seed-3": "seed-2"}
