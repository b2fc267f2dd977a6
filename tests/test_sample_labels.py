"""Labels that `deepstyle sample` is asked for, with commas in their names and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from test_varying import generator

from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.trained import TrainedGenerator, save_model


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["tops, knit"], ["seed-000003-tops-knit.png"]),
        (["dress,skirt"], ["seed-000003-dress.png", "seed-000003-skirt.png"]),
        (["skirt", "tops, knit"], ["seed-000003-skirt.png", "seed-000003-tops-knit.png"]),
    ],
)
def test_a_label_may_have_a_comma(tmp_path: Path, words: list[str], files: list[str]) -> None:
    """A text that is a label as it stands is that label; any other is the names between its commas."""
    config = load_config(GanConfig, "dcgan-32", ["width=8", "latent=8", "condition=label"])
    names = ("dress", "skirt", "tops, knit")
    save_model(
        tmp_path / "m",
        TrainedGenerator(name="m", generator=generator(labels=3), config=config, labels=names, figures={}),
    )
    asked = [word for label in words for word in ("--label", label)]
    place = ["-q", "-w", str(tmp_path / "w"), "sample", "--model", str(tmp_path / "m"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*place, "--seeds", "3", *asked])

    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").glob("seed-*")) == files
