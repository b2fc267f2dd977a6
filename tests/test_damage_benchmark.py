"""The benchmark of damage: intervals of its correlations, and generators as one more kind."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from deepstyle.images import encode

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import judge_damage


def test_each_correlation_has_its_interval() -> None:
    """A figure that falls with every degree in every draw has 1, one that turns about in half of the draws is told so."""
    falling = [[{"precision": 1.0 - 0.1 * degree} for _ in range(9)] for degree in range(5)]
    turned = [[{"precision": (0.1 if draw > 4 else -0.1) * degree} for draw in range(9)] for degree in range(5)]
    found = judge_damage.table({"blur": falling, "swap": turned})["precision"]

    assert found["kinds"]["blur"]["interval"] == pytest.approx([1.0, 1.0])
    assert found["kinds"]["swap"]["interval"] == pytest.approx([-1.0, 1.0])
    assert found["interval"] == pytest.approx([0.0, 1.0])
    assert found["mean"] == pytest.approx(1.0)
    assert found["lowest"][1] == pytest.approx(1.0)


def test_all_images_come_first_then_draws_of_two_thirds() -> None:
    """The first comparison is of all images, the others of two thirds of each side, none of them twice."""
    first, *drawn = judge_damage.draws_of(12, 4)

    assert [len(side) for side in first] == [12, 12]
    assert len(drawn) == 4
    assert all(len(np.unique(side)) == len(side) == 8 for pair in drawn for side in pair)


def test_samples_of_generators_are_read_in_their_order(tmp_path: Path) -> None:
    """Folders become sets in the order given, as many pictures of each; one with too few is refused by name."""
    for level in (1, 2):
        (tmp_path / str(level)).mkdir()
        for k in range(3):
            (tmp_path / str(level) / f"{k}.png").write_bytes(encode(np.full((20, 20, 3), 100 * level, np.uint8)))
    sets = judge_damage.from_folders([tmp_path / "2", tmp_path / "1"], 2, 16)

    assert [one.shape for one in sets] == [(2, 16, 16, 3)] * 2
    assert [int(one.mean()) for one in sets] == [200, 100]
    with pytest.raises(SystemExit, match="holds 3 pictures"):
        judge_damage.from_folders([tmp_path / "1"], 4, 16)
