"""Several taggers as one, and a first model that says which one looks."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from scipy.optimize import minimize
from test_predict import COLOURS, picture, save_colours
from test_tagger import CONFIG, GROUPS, make_table

from deepstyle.about import CARD
from deepstyle.annotations.tag_table import TagTable, read_tag_table
from deepstyle.catalog import Catalog
from deepstyle.classifier.average import Averaged, average_taggers, crossed
from deepstyle.classifier.network import Preprocessing
from deepstyle.classifier.predict import Picture, load, predict
from deepstyle.classifier.tag_figures import alternate, fit_shares
from deepstyle.classifier.tagger import Tagger, build_tagger
from deepstyle.classifier.together import Taggers
from deepstyle.cli import main
from deepstyle.config import to_yaml
from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError, ModelError, UsageError
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def add_tagger(root: Path, name: str, drawn: int, **changes: object) -> None:
    """A tagger of two groups that never learned, as if it had been trained in this workspace."""
    config = CONFIG.model_copy(update=changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(drawn)
        network = build_tagger(config, [2, 2])
    Tagger(network, Preprocessing(image_size=32), GROUPS, name).save(root / "models" / name, to_yaml(config), {})


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TagTable, Averaged]:
    """A workspace with two taggers and their mean."""
    root = tmp_path_factory.mktemp("together")
    table = make_table(root / "photos", 40)
    rows = [replace(row, split="test" if i >= 32 else None) for i, row in enumerate(table.rows)]
    table = replace(table, rows=tuple(rows), name="t.csv")
    add_tagger(root, "first", 0)
    add_tagger(root, "second", 1)
    with Catalog(root) as catalog:
        return root, table, average_taggers(table, catalog, ["first", "second"], reporter=QUIET, name="both")


def test_parts_make_what_is_known_most_likely() -> None:
    """The fitted parts are those that a general optimiser finds; what is not known has no say."""
    rng = np.random.default_rng(0)
    truth = (rng.random((80, 3)) < 0.3).astype(np.int8)
    shares = [(truth * s + (1 - truth) * (1 - s)).astype(np.float32) for s in rng.uniform(0.1, 0.9, (3, 80, 3))]
    known = truth.copy()
    known[::5] = -1
    blind = [np.where(known < 0, 0.5, one).astype(np.float32) for one in shares]
    yes = known[known >= 0] == 1
    said = np.stack([np.where(yes, one[known >= 0], 1 - one[known >= 0]) for one in shares])
    best = minimize(
        lambda parts: -np.log(parts @ said).mean(), np.full(3, 1 / 3), bounds=[(1e-6, 1)] * 3,
        constraints={"type": "eq", "fun": lambda parts: parts.sum() - 1},
    )  # fmt: skip

    assert fit_shares(known, shares) == pytest.approx(best.x, abs=0.01)
    assert fit_shares(known, blind) == pytest.approx(fit_shares(known, shares))
    assert fit_shares(truth, [truth.astype(np.float32), 1 - truth.astype(np.float32)]) == pytest.approx(
        [1, 0], abs=1e-3
    )


def test_each_half_is_judged_by_the_other() -> None:
    """The figures' mean has of each half of the photos the parts that the other half gave."""
    truth = np.tile(np.array([[1, 0], [0, 1]], np.int8), (10, 1))
    good, bad = truth * 0.8 + 0.1, np.where(np.arange(20) % 2 == 0, 0.5, 0.4)[:, None] * np.ones((20, 2))
    shares = [good.astype(np.float32), bad.astype(np.float32)]
    even = fit_shares(truth[::2], [one[::2] for one in shares])
    wanted = np.tensordot(even, np.stack(shares), axes=1)[1::2]

    assert crossed(truth, shares, alternate(20))[1::2] == pytest.approx(wanted, abs=1e-5)


def test_a_mean_of_taggers_is_judged_on_the_test_photos(averaged: tuple[Path, TagTable, Averaged]) -> None:
    """What the mean decides on photos marked test is told by the set's name, also in its folder; they chose no part of it."""
    root, table, found = averaged
    both = load(found.folder)
    assert isinstance(both, Taggers)
    photos = PackedDataset(next((root / "datasets").glob("first-test-*")))
    said = both.shares(photos.images)
    right = both.decide(said) == (table.values[32:, :4] == 1)

    assert found.test is not None
    assert (found.test.images, found.test_set) == (8, "photos of t.csv marked test")
    assert found.test.accuracy == pytest.approx(right.mean())
    assert json.loads((found.folder / "model.json").read_text())["figures"]["test"]["images"] == 8


def test_taggers_are_averaged_and_travel(averaged: tuple[Path, TagTable, Averaged]) -> None:
    """The mean of two taggers stands in a folder of its own, is listed, and names tags of files as one tagger does."""
    root, table, found = averaged
    both = load(found.folder)
    photos = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (20, 200)])
    assert isinstance(both, Taggers)
    expected = sum(part * load_tagger(root, name).shares(photos) for name, part in found.parts.items())
    told = list(predict(both, [Picture(file=str(row.path)) for row in table.rows[:3]]))
    with Catalog(root) as catalog:
        listed = catalog.model("taggers", "both")

    assert sum(found.parts.values()) == pytest.approx(1)
    assert set(found.alone) == {"first", "second"}
    assert both.shares(photos) == pytest.approx(expected, abs=1e-5)
    assert all({tag for tag, _ in one.top} & {"red", "blue"} for one in told)
    assert listed is not None
    assert listed.figures["mean_ap"] == found.figures.mean_ap


def load_tagger(root: Path, name: str) -> Tagger:
    return Tagger.load(root / "models" / name)


def test_the_card_of_a_mean_names_its_members_and_their_forgotten_photos(tmp_path: Path) -> None:
    """Beside model.json a card tells tags, figures, members with their shares, and which forgotten photos these have seen."""
    table = make_table(tmp_path / "photos", 40)
    add_tagger(tmp_path, "first", 0)
    add_tagger(tmp_path, "second", 1)
    mark = "# Model card: first\n\n## Forgotten photos\n\n- a day: It was trained on photo abc.\n"
    (tmp_path / "models/first" / CARD).write_text(mark)
    with Catalog(tmp_path) as catalog:
        result = average_taggers(table, catalog, ["first", "second"], reporter=QUIET, name="both")
    card = (result.folder / CARD).read_text()

    assert card.startswith("# Model card: both\n\nSays yes or no to each of 4 tags")
    assert f"first {result.parts['first']:.2f} (alone: mean average precision {result.alone['first']:.3f})" in card
    assert f"| photos of {table.name} held out | {result.figures.images} |" in card
    assert card.endswith("## Forgotten photos\n\n- a day: It was trained on photo abc.\n")


def test_members_that_do_not_belong_together_are_refused(
    averaged: tuple[Path, TagTable, Averaged], tmp_path: Path
) -> None:
    """One name alone, a member of another split, and a member that was trained again since are told by name."""
    root, table, _ = averaged
    shutil.copytree(root / "models", tmp_path / "models")
    add_tagger(tmp_path, "second", 2, seed=9)
    with Catalog(tmp_path) as catalog:
        with pytest.raises(UsageError, match="two taggers"):
            average_taggers(table, catalog, ["first"], reporter=QUIET, name="both")
        with pytest.raises(InputError, match="--average second"):
            average_taggers(table, catalog, ["first", "second"], reporter=QUIET, name="both")
    with pytest.raises(ModelError, match="member second was trained again"):
        Taggers.load(tmp_path / "models" / "both")


def _predict(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["predict", *map(str, words)])


def test_a_taggers_csv_has_all_tags_of_a_picture(tmp_path: Path) -> None:
    """The tags of a picture stand in one cell, surest first, however many --top asks for; a table that train-tagger reads."""
    groups = {f"group-{k}": (f"yes-{k}", f"no-{k}") for k in range(5)}  # of each group one tag is told at least
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_tagger(CONFIG, [2] * 5)
    Tagger(network, Preprocessing(image_size=32), groups, "many").save(tmp_path / "many", to_yaml(CONFIG), {})
    (tmp_path / "look.png").write_bytes(picture(1))
    (tmp_path / "torn.png").write_bytes(picture(1)[:60])
    words = (tmp_path / "look.png", tmp_path / "torn.png", "--model", tmp_path / "many")
    told = list(csv.DictReader(io.StringIO(_predict(*words, "--csv", "--top", "2").stdout)))
    (tmp_path / "tags.csv").write_text(_predict(*words, "--csv").stdout)
    (best, *_) = map(json.loads, _predict(*words, "--json").stdout.splitlines())

    assert list(told[0]) == ["file", "label", "confidence", "labels", "error"]
    assert len(best["top"]) >= 5
    assert told[0]["labels"].split(", ") == [one["label"] for one in best["top"]]
    assert told[0]["label"] == best["label"]
    assert (told[1]["labels"], "broken" in told[1]["error"]) == ("", True)
    assert set(read_tag_table(tmp_path / "tags.csv").tags) == {one["label"] for one in best["top"]}


def test_a_router_says_which_model_looks(tmp_path: Path) -> None:
    """Pictures that the router calls red go to the model for red, all others to --model; their order stays."""
    usual, special = save_colours(tmp_path / "usual"), save_colours(tmp_path / "special")
    about = json.loads((special / "model.json").read_text())
    (special / "model.json").write_text(json.dumps({**about, "labels": ["x", "y", "scarlet"]}))
    files: list[Path] = []
    for number in (2, 0, 1, 2):
        files.append(tmp_path / f"{len(files)}.png")
        files[-1].write_bytes(picture(number))
    told = _predict(*files, "--model", usual, "--router", usual, "--route", f"red={special}", "--json")

    assert told.exit_code == 0, told.output
    found = [json.loads(line)["label"] for line in told.stdout.splitlines()]
    assert found == ["scarlet", COLOURS[0], COLOURS[1], "scarlet"]
    for words, reason in (
        (("--router", usual, "--route", f"pink={special}"), "says no such label"),
        (("--router", usual), "belong together"),
        (("--router", usual, "--route", "red"), "LABEL=MODEL"),
    ):
        wrong = _predict(files[0], "--model", usual, *words)
        assert wrong.exit_code != 0
        assert reason in " ".join(wrong.output.split())


@pytest.mark.parametrize(
    "words", [["--region", "r"], ["--minutes", "5"], ["--fresh"], ["--config", "tagger-96"], ["--set", "width=8"]]
)
def test_an_average_refuses_what_is_of_trainings(tmp_path: Path, words: list[str]) -> None:
    """train-tagger --average trains nothing, so each flag of a training is refused by its name."""
    (tmp_path / "t.csv").write_text("image,tags\na.png,red\n")
    done = CliRunner().invoke(
        main, ["-w", str(tmp_path), "train-tagger", str(tmp_path / "t.csv"), "--average", "a", *words]
    )

    assert done.exit_code == 2
    assert f"{words[0]}: --average trains nothing; leave it out" in done.output
