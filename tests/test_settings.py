"""Every setting and preset explains itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle.cli import main
from deepstyle.config import KINDS, Config, CropConfig, Detectron2Config, GanConfig, config_of, load_config, presets
from deepstyle.settings import allowed, list_presets, settings_of

CLASSES = [*KINDS.values(), Detectron2Config]


def run(*words: str) -> str:
    result = CliRunner().invoke(main, ["settings", *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_setting_has_a_meaning_and_every_number_a_unit(kind: type[Config]) -> None:
    """No key is without a description; a number's opens with its unit, as the other settings' do not."""
    for one in settings_of(load_config(kind, None)):
        number = isinstance(one.default, int | float) and not isinstance(one.default, bool)

        assert one.meaning, one.key
        assert one.allowed, one.key
        assert bool(one.unit) >= number, f"{one.key}: its description must open with its unit and a colon"
        assert re.fullmatch(r"[A-Za-z/]*", one.unit), one.key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("size", "32, 64, 128, 256"),
        ("lr", "above 0 to 0.1"),
        ("beta1", "0 to below 1"),
        ("images", "from 1"),
        ("minutes", "above 0 to 43,200 or null"),
        ("ada_target", "above 0 to below 1 or null"),
        ("augment", "auto or list of color, translation, cutout"),
        ("labels", "list of texts"),
        ("flip", "true, false"),
    ],
)
def test_bounds_in_words(key: str, words: str) -> None:
    """What a setting may be is told in words: ranges, choices, lists, null."""
    assert allowed(GanConfig.model_fields[key]) == words


def test_the_presets_are_listed_by_kind_with_one_default_each() -> None:
    """Each preset is listed once with its first comment line, which is a sentence; one of each kind is the default."""
    found = list_presets()

    assert {one.name for one in found} == set(presets())
    assert sorted(one.kind for one in found if one.default) == sorted(KINDS)
    assert next(one for one in found if one.kind == "gan").name == "dcgan-plus-64"
    assert all(one.summary.endswith(".") for one in found), [one.summary for one in found]


def test_a_preset_is_shown_with_what_it_changes() -> None:
    """`settings dcgan-64` marks the values of its own, and has the others too."""
    told = run("dcgan-64")

    assert re.search(r"^\* batch_size +16 +images +2 to 8,192 +real ones in a step", told, re.MULTILINE)
    assert re.search(r"^  size +64 +pixels", told, re.MULTILINE)
    assert set(GanConfig.model_fields) - {"kind"} <= set(re.findall(r"^[* ] ([a-z]\w+)", told, re.MULTILINE))


def test_programs_get_json() -> None:
    """--json gives one object: all presets, or every setting of one."""
    every = json.loads(run("--json"))["presets"]
    one = json.loads(run("detectron2-r50-fpn", "--json"))["settings"]

    assert {row["name"] for row in every} == set(presets())
    assert {row["key"] for row in one} == set(Detectron2Config.model_fields) - {"kind"}
    assert all(set(row) == {"key", "value", "default", "unit", "allowed", "meaning"} for row in one)


def test_a_file_is_told_by_its_kind(tmp_path: Path) -> None:
    """A YAML file is explained like a preset, by its `kind`."""
    (tmp_path / "mine.yaml").write_text("kind: crop\nmargin: 0.2\n")

    assert isinstance(config_of(str(tmp_path / "mine.yaml")), CropConfig)
    assert re.search(r"^\* margin +0.2 +share", run(str(tmp_path / "mine.yaml")), re.MULTILINE)


def test_a_pipe_gets_each_setting_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal: nothing is cut off or wrapped, so that grep finds a setting with its meaning."""
    monkeypatch.setenv("COLUMNS", "40")
    lines = [line for line in run("scrape").splitlines() if line.startswith("  ")]

    assert len(lines) == 1 + len(settings_of(config_of("scrape")))
    assert all(one.meaning in line for one, line in zip(settings_of(config_of("scrape")), lines[1:], strict=True))
