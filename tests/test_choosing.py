"""What train-gan chooses by itself, why, and what it keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.choosing import choices_for
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config, to_yaml
from deepstyle.dcgan.choose import Facts, advice, choose
from deepstyle.files import put_file
from deepstyle.images import sha256

THOUSANDS = {"lower": 3000, "upper": 4000}


def facts(**changes: Any) -> Facts:
    """Seven thousand garments, two cores, half an hour."""
    return replace(Facts(labels=THOUSANDS, side=200, cores=2, cuda=False, minutes=30.0), **changes)


def chosen(about: Facts, **given: Any) -> dict[str, Any]:
    """All settings that are chosen, each of which must have a reason and fit the default preset."""
    made = choose(about, given)
    settings = {key: value for choice in made for key, value in choice.settings.items()}
    load_config(GanConfig, None, [f"{key}={json.dumps(value)}" for key, value in (settings | given).items()])

    assert all(choice.reason for choice in made)
    return settings


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (
            {},
            {
                "size": 64, "width": 32, "batch_size": 16, "r1": 0.5, "condition": "label",
                "lr_end": 0.04, "penalty_end": 0.2,
            },
        ),
        ({"minutes": 1.0}, {"size": 32, "r1": 0.125, "lr_end": 1.0, "augment": ["translation"]}),
        ({"cuda": True}, {"size": 128, "batch_size": 64, "r1": 0.5}),
        ({"cuda": True, "labels": {"full": 20_000}}, {"width": 64, "augment": [], "condition": "none"}),
        ({"minutes": 300.0}, {"size": 128}),
        ({"minutes": 9.0}, {"size": 64, "lr_end": 0.04, "penalty_end": 1.0}),
        ({"minutes": 5.0}, {"size": 64, "lr_end": 1.0}),
        ({"minutes": None}, {"size": 64, "lr_end": 0.04, "penalty_end": 1.0}),
        ({"side": 60, "cuda": True}, {"size": 64}),
        ({"labels": {"full": 500}}, {"augment": ["color", "translation", "cutout"], "strength_end": 0.3}),
        ({"labels": {"full": 9}}, {"batch_size": 8}),
        ({}, {"ground": "keep"}),
        ({"masks": True}, {"ground": "plain"}),
        ({"plain": True}, {"fit": "plain"}),
        ({"labels": {"full": 900, "upper": 49}}, {"condition": "none"}),
        ({"labels": {"full": 900}, "categories": {"Dress": 500, "Outwear": 320, "Hat": 80}}, {"condition": "category"}),
        ({"labels": {"full": 110}, "categories": {"Dress": 51, "Outwear": 50, "Hat": 9}}, {"condition": "category"}),
        ({"labels": {"full": 900}, "categories": {"Dress": 809, "Hat": 45, "Shoes": 46}}, {"condition": "none"}),
        ({"labels": {"full": 900}, "categories": {"Dress": 900}}, {"condition": "none"}),
    ],
)  # fmt: skip
def test_the_choices_follow_the_facts(about: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Garments, their sizes and labels, the machine and the budget decide; every choice has a reason and is a valid one."""
    settings = chosen(facts(**about))

    assert {key: settings[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("about", "given", "told"),
    [
        ({"masks": True, "minutes": 9.0}, {}, True),
        ({"plain": True, "minutes": 9.0}, {}, True),
        ({"minutes": 9.0}, {}, False),
        ({"masks": True, "minutes": 9.0}, {"size": 32}, False),
        ({"masks": True, "minutes": 9.0}, {"ground": "keep"}, False),
        ({"masks": True, "minutes": 90.0}, {}, False),
    ],
)  # fmt: skip
def test_who_has_little_time_is_told_of_the_generator_that_ships(
    about: Mapping[str, Any], given: Mapping[str, Any], *, told: bool
) -> None:
    """Where it fits (64 px, a plain ground) and there is no time to reach it, its name is given; nothing is set by that."""
    known = facts(**about)
    said = advice(known, {**given, **chosen(known, **given)})

    assert [one.settings for one in said] == [{}] * told
    assert all(one.said == one.reason and "--from demo-garments" in one.said for one in said)


def reason(about: Facts, key: str, **given: Any) -> str:
    """Why a setting is chosen; "" when it is not."""
    return next((one.reason for one in choose(about, given) if key in one.settings), "")


def test_augmentation_follows_what_is_given() -> None:
    """Where the strength is given, or nothing is to be changed, none is chosen beside it, and no reason speaks of one."""
    few = facts(labels={"full": 500}, minutes=300.0, side=60)
    for given in ({"strength_end": None}, {"strength": 0.2}, {"ada_target": 0.6}):
        assert not {"strength", "strength_end"} & (chosen(few, **given).keys() - given.keys())
        assert reason(few, "augment", **given).endswith("times; how many of them are changed is given")
    assert not {"augment", "strength", "strength_end"} & chosen(few, augment=()).keys()
    assert chosen(few, strength_end=0.5)["strength"] == 0.0
    assert reason(few, "augment").endswith("more and more of them are changed")


def test_a_budget_of_images_is_not_told_as_the_machines() -> None:
    """When a number of images binds, not the time, the reason for the size names that number and no processor."""
    assert reason(facts(minutes=None, images=1000), "size").startswith("the budget is 1,000 images, below 20,000")
    assert reason(facts(minutes=300.0, images=50_000), "size") == "the budget is 50,000 images"
    assert reason(facts(), "size") == "in the time 2 CPU cores can show about 396,000 images of 64 px"
    assert "about 712,800 images" in reason(facts(bfloat=True), "size")


def test_what_is_given_is_not_chosen() -> None:
    """A given size is left alone, and what depends on it follows it."""
    settings = chosen(facts(), size=32, augment=[])

    assert not {"size", "augment"} & settings.keys()
    assert settings["r1"] == 0.125


def test_the_length_of_the_average_grows_with_the_budget() -> None:
    """Its half-life is at most 2.5 % of the images that the budget shows, and never below today's."""
    assert chosen(facts(minutes=None, images=4_000_000))["ema_images"] == 100_000
    assert chosen(facts(minutes=None, images=200_000))["ema_images"] == 5_000


def workspace(root: Path, count: int = 20) -> None:
    """A workspace with garments of two labels, one photo each."""
    with Catalog(root) as catalog:
        for number in range(count):
            data = f"no. {number}".encode()
            if catalog.photo(name := sha256(data)) is None:
                catalog.add_photo(
                    name, data, extension="jpg", width=200, height=200, dhash="0" * 16, image_url="http://a.example/a.jpg",
                    page_url="http://a.example/",
                )  # fmt: skip
                label = "full" if number % 2 else "upper"
                catalog.add_garment(name, 0, label, (0, 0, 99, 99), score=1, width=100, height=100, model="m", rule="r")


def dry(root: Path, *words: str) -> tuple[dict[str, Any], str]:
    """The settings that a dry run prints, and what it says."""
    done = CliRunner().invoke(main, ["-w", str(root), "train-gan", "--dry-run", *words])
    assert done.exit_code == 0, done.output
    return yaml.safe_load(done.stdout), done.stderr


def test_the_command_tells_its_choices(tmp_path: Path) -> None:
    """Each choice is a line with its reason; --set and --config leave nothing to choose of what they say."""
    workspace(tmp_path)
    told, said = dry(tmp_path, "--minutes", "0.05")
    own, _ = dry(tmp_path, "--minutes", "0.05", "--set", "size=128")
    preset, quiet = dry(tmp_path, "--config", "dcgan-plus-64")

    assert (told["size"], told["batch_size"], told["condition"], told["chosen_for"]) == (32, 16, "none", 20)
    assert "size=32: " in said
    assert "chosen" not in said
    assert "condition=none: only 10 garments are" in said
    assert (own["size"], own["r1"]) == (128, 0.5)
    assert (preset["size"], preset["chosen"], "size=" in quiet) == (64, [], False)


def test_a_run_keeps_its_choices(tmp_path: Path) -> None:
    """With another budget the choices are those of the run, unless garments came, something else is asked, or --fresh."""
    workspace(tmp_path)
    begun, _ = dry(tmp_path, "--minutes", "0.05")
    folder = tmp_path / "runs/gan-001"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(to_yaml(GanConfig.model_validate(begun)))
    with Catalog(tmp_path) as catalog:
        catalog.put_run("gan-001", "gan", status="running", images=0, figures={})

    longer, said = dry(tmp_path, "--minutes", "100")
    assert longer == begun | {"minutes": 100.0}
    assert "as gan-001 has it" in said
    assert dry(tmp_path, "--minutes", "100", "--fresh")[0]["size"] == 64
    assert dry(tmp_path, "--minutes", "100", "--set", "lr=0.001")[0]["size"] == 64
    workspace(tmp_path, 24)
    assert dry(tmp_path, "--minutes", "100")[0]["size"] == 64


def begin(root: Path, name: str, *words: str) -> dict[str, Any]:
    """A run that was begun with what `train-gan` chooses for these words; its settings."""
    told, _ = dry(root, *words)
    put_file(root / "runs" / name / "config.yaml", to_yaml(GanConfig.model_validate(told)).encode())
    with Catalog(root) as catalog:
        catalog.put_run(name, "gan", status="running", images=0, figures={})
    return told


def test_a_run_keeps_its_choices_though_others_were_begun(tmp_path: Path) -> None:
    """After a run of other settings, and one whose settings are lost, the first one's command goes on with its choices."""
    workspace(tmp_path)
    first = begin(tmp_path, "gan-001", "--minutes", "0.05")
    begin(tmp_path, "gan-002", "--set", "lr=0.001")
    begin(tmp_path, "gan-003")
    (tmp_path / "runs/gan-003/config.yaml").write_text("size: many")
    again, said = dry(tmp_path, "--minutes", "100")

    assert again == first | {"minutes": 100.0}
    assert "as gan-001 has it" in said


def test_the_choices_are_for_garments_that_are_sure_enough(tmp_path: Path) -> None:
    """--min-score counts the garments that it leaves; where it leaves none there is nothing to choose."""
    with Catalog(tmp_path) as catalog:
        data = b"unsure"
        catalog.add_photo(
            name := sha256(data), data, extension="jpg", width=200, height=200, dhash="0" * 16,
            image_url="http://a.example/u.jpg", page_url="http://a.example/",
        )  # fmt: skip
        catalog.add_garment(name, 0, "full", (0, 0, 9, 9), score=0.4, width=9, height=9, model="m", rule="r")
        assert choices_for(catalog, ["min_score=0.5"], fresh=False) == []
    workspace(tmp_path)
    with Catalog(tmp_path) as catalog:
        assert choices_for(catalog, ["min_score=0.5"], fresh=False)[-1].settings["chosen_for"] == 20
        assert choices_for(catalog, ["min_score=0.3"], fresh=False)[-1].settings["chosen_for"] == 21


def test_categories_are_counted_as_they_are_learned(tmp_path: Path) -> None:
    """Garments that are asked for by their categories are counted by these, not by what the detector called them."""
    workspace(tmp_path, 5)
    with Catalog(tmp_path) as catalog:
        for number, one in enumerate(catalog.garments()):
            catalog.tags.put(one, CATEGORY, "m", [("T-Shirt" if number < 3 else "Longsleeve", 0.9)])
        made = choices_for(catalog, ['labels=["t-shirt", "Longsleeve"]'], fresh=False)

    (why,) = (choice.reason for choice in made if "condition" in choice.settings)
    assert why == "only 2 garments are Longsleeve, too few to learn what that is"


def test_categories_are_told_where_all_garments_have_been_named(tmp_path: Path) -> None:
    """After `tag` both networks are told categories; one garment without a category, or labels that are asked for, and not."""
    workspace(tmp_path, 120)
    with Catalog(tmp_path) as catalog:
        garments = catalog.garments()
        for number, one in enumerate(garments[1:]):
            catalog.tags.put(one, CATEGORY, "m", [("T-Shirt" if number % 2 else "Longsleeve", 0.9)])
        conditions = []
        for given in ([], ["labels=[Longsleeve]"], []):
            made = choices_for(catalog, given, fresh=False)
            conditions += [choice.settings["condition"] for choice in made if "condition" in choice.settings]
            catalog.tags.put(garments[0], CATEGORY, "m", [("Longsleeve", 0.9)])

    assert conditions == ["label", "none", "category"]


def test_without_garments_nothing_is_chosen(tmp_path: Path) -> None:
    """An empty workspace has no choices."""
    with Catalog(tmp_path) as catalog:
        assert choices_for(catalog, [], fresh=False) == []
