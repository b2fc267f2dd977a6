"""Options of other programs: the message says what to type instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle.cli import main
from deepstyle.commands.hints import HINTS, STAGES
from deepstyle.config import KINDS


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("scrape http://a.example/ --dest x", "`deepstyle -w DIR scrape ...`"),
        ("scrape -d x http://a.example/", "`deepstyle -w DIR scrape ...`"),
        ("scrape --url_list=looks.csv", "name the list itself as a SOURCE: `deepstyle scrape looks.csv`"),
        ("scrape http://a.example/ --image_size 256", "photos are kept as their sites send them"),
        ("scrape -r http://a.example/", "--depth says how far"),
        ("scrape -P x http://a.example/", "`deepstyle -w DIR scrape ...`"),
        ("train-gan --gpus 4", "`torchrun --nproc-per-node N -m deepstyle train-gan ...`"),
        ("train-gan --kimg 25000", "--images N or --minutes N"),
        ("train-gan --gamma=10", "--set r1=..."), ("train-gan --snap 10", "--set snapshot_every=N"),
        ("train-gan --cfg stylegan3-t", "--config takes a preset"), ("train-gan --outdir x", "`deepstyle -w DIR train-gan ...`"),
        ("train-gan --ema-images 5", "it is a setting: --set ema_images=..."),
        ("train-classifier . --epochs 5", "--set images=N or --minutes N"),
        ("train-classifier . --lr 0.1", "--set lr=0.001, say"), ("train-tagger . -b 32", "--set batch_size=32"),
        ("train-detector --num-gpus 2", "-m deepstyle train-detector"),
        ("crop --conf 0.5", "--min-score 0.8"), ("sample --trunc 0.5", "--truncation 0.7"),
    ],
)  # fmt: skip
def test_the_message_says_what_to_type_instead(words: str, told: str, tmp_path: Path) -> None:
    """Whoever comes from another program is told the way that leads there with this one; the exit is that of wrong use."""
    done = CliRunner().invoke(main, ["-w", str(tmp_path), *words.split()])

    assert done.exit_code == 2
    assert told in done.output
    assert "Did you mean" not in done.output


def test_an_option_that_nobody_has_is_told_as_before() -> None:
    """Where we know no better, click's own words stay, with what is called nearly so."""
    done = CliRunner().invoke(main, ["train-gan", "--minuts", "3"])

    assert done.exit_code == 2
    assert "No such option '--minuts'." in done.output
    assert "--minutes" in done.output


@pytest.mark.parametrize(("command", "option"), HINTS)
def test_what_is_hinted_at_is_there(command: str, option: str) -> None:
    """The option is none of the command's; those that its hint names are, and so are the settings and commands."""
    own = {name for one in main.commands[command].params for name in (*one.opts, *one.secondary_opts)}
    words = HINTS[command, option]
    others = re.findall(r"`deepstyle ([a-z][a-z-]*)[^`]*`", words)
    known = own.union(*({name for one in main.commands[other].params for name in one.opts} for other in others))

    assert option not in own
    assert set(re.findall(r"(?<!\S)--[a-z]+(?:-[a-z]+)*", words)) <= known | {"--nproc-per-node"}
    for other, key in re.findall(r"(?:`deepstyle ([a-z][a-z-]*) )?--set ([a-z_0-9]+)=", words):
        assert key in KINDS[STAGES[other or command]].model_fields
