"""What TensorBoard shows where."""

from __future__ import annotations

import re

from deepstyle.board import table_row, tag
from deepstyle.config import GanConfig, load_config

FIGURES = ["loss/d", "frechet", "score/kid", "variety", "gradient/g", "weight/largest", "learning_rate", "samples/grid",
           "samples/real", "score/nearest"]  # fmt: skip


def test_the_gan_comes_first_and_its_samples_before_all() -> None:
    """Sorted as TensorBoard sorts, groups are samples, quality, game, machine, then the classifier and the detector."""
    tags = [tag("gan", name) for name in FIGURES] + [tag("classifier", "train/loss"), tag("detector", "ap/all")]
    ordered = sorted(tags, key=lambda one: (int(one.split()[0]), one))

    assert list(dict.fromkeys(one.partition("/")[0] for one in ordered)) == [
        "1 GAN samples", "2 GAN quality", "3 GAN game", "4 GAN machine", "5 classifier", "6 detector",
    ]  # fmt: skip
    assert ordered[:3] == [tag("gan", name) for name in ("samples/grid", "samples/real", "score/nearest")]
    assert sorted(tags) == ordered


def test_tags_are_characters_that_tensorboard_takes() -> None:
    """No tag is changed by TensorBoard's writer, and no two names share one."""
    tags = [
        tag("gan", name)
        for name in [
            *FIGURES,
            "kid",
            "samples/categories",
            "score/categories",
            "score/frechet",
            "weave/2",
            "ground/real filled",
        ]
    ]

    assert len(set(tags)) == len(tags)
    assert all(re.fullmatch(r"[\w ()/]+", one) for one in tags)


def test_the_table_of_runs_begins_with_what_was_reached() -> None:
    """Sorted by name, the first five columns are the distance, the images seen, size, loss and rate; no setting is lost."""
    config = load_config(GanConfig, None)
    row = table_row(config.model_dump(), {"frechet": 4.5, "kid": 0.1}, 20_000)
    without = table_row(config.model_dump(), {}, 20_000)

    assert sorted(row)[:5] == ["1 frechet", "2 images seen", "3 size", "4 loss", "5 lr"]
    assert (row["1 frechet"], row["2 images seen"], row["3 size"]) == (4.5, 20_000, config.size)
    assert sorted(without)[:4] == ["1 images seen", "2 size", "3 loss", "4 lr"]
    assert len(row) == len(config.model_dump()) + 2
    assert all(isinstance(value, int | float | str) for value in row.values())
