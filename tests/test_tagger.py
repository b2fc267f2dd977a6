"""The tagger, trained for real on small pictures with two tags a group, and the figures of tags."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchmetrics.functional.classification import binary_average_precision, multilabel_f1_score

from deepstyle.about import CARD, today
from deepstyle.annotations.table import LabelRow
from deepstyle.annotations.tag_table import TagTable, named
from deepstyle.catalog import Catalog
from deepstyle.classifier import tag_figures
from deepstyle.classifier.build import Apart
from deepstyle.classifier.learner import parameter_groups
from deepstyle.classifier.predict import Picture, load, predict
from deepstyle.classifier.tagger import Heads, Tagger, build_tagger
from deepstyle.classifier.train_tagger import TrainedTagger, frequent, loss_of, prepare, train_tagger
from deepstyle.commands.tagger import report
from deepstyle.config import TaggerConfig, load_config
from deepstyle.dataset import PackedDataset
from deepstyle.errors import InputError, ModelError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
SETTINGS = "network=small width=8 image_size=32 batch_size=16 images=960 lr=0.005 validation_share=0.2 precision=32"
CONFIG = load_config(TaggerConfig, None, [*SETTINGS.split(), "hidden=8", "least_share=0.05"])
GROUPS = {"colour": ("red", "blue"), "place": ("high", "low")}


def make_table(folder: Path, count: int = 60) -> TagTable:
    """Pictures with a patch of one of two colours, high or low; ``rare`` is on one of them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, values = [], []
    for i in range(count):
        red, high = i % 2, i // 2 % 2
        pixels = np.random.default_rng(i).integers(0, 60, (32, 32, 3)).astype(np.uint8)
        pixels[slice(2, 14) if high else slice(18, 30), 4:28, 0 if red else 2] = 220
        path = folder / f"{i:02d}.png"
        path.write_bytes(encode(pixels))
        rows.append(LabelRow(path=path, label="", group=str(i // 4)))
        values.append([red, 1 - red, high, -1 if i < 4 else 1 - high, int(i == 0)])
    tags = ("red", "blue", "high", "low", "rare")
    groups = {**GROUPS, "others": ("rare",)}
    return named(TagTable(rows=tuple(rows), tags=tags, values=np.array(values, np.int8), groups=groups))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TagTable, TrainedTagger]:
    """A workspace with a tagger that was trained once for all tests here."""
    root = tmp_path_factory.mktemp("tagger")
    table = make_table(root / "photos")
    with Catalog(root) as catalog:
        return root, table, train_tagger(table, catalog, CONFIG, reporter=QUIET)


def test_learns_two_groups_of_tags(trained: tuple[Path, TagTable, TrainedTagger]) -> None:
    """Colour and place are told apart by a head each; a tag that is on one photo is left out; figures say how it went."""
    root, table, result = trained
    with Catalog(root) as catalog:
        again = train_tagger(table, catalog, CONFIG, reporter=QUIET)
        run, model = catalog.run("tagger"), catalog.model("tagger", "tagger")

    assert result.dropped == ("rare",)
    assert result.tags == ("red", "blue", "high", "low")
    assert result.figures.mean_ap == 1.0
    assert result.figures.micro_f1 > 0.9
    assert result.figures.groups == {"colour": 1.0, "place": 1.0}
    assert again == result
    assert run is not None
    assert model is not None
    assert (run.status, model.figures["mean_ap"]) == ("done", 1.0)
    points = [json.loads(line) for line in (root / "runs" / result.run / "stats.jsonl").read_text().splitlines()]
    assert {"train/loss", "train/accuracy", "validation/map", "validation/f1", "lr"} <= points[-1].keys()


def test_the_tagger_s_card_tells_figures_by_the_photos_they_are_of(
    trained: tuple[Path, TagTable, TrainedTagger],
) -> None:
    """Beside the weights a card tells tags, figures and whose they are, what the photos held out chose, what was left out."""
    _, table, result = trained
    card = (result.folder / CARD).read_text()

    assert "colour: red, blue; place: high, low" in card
    assert f"| photos of {table.name} held out | {result.figures.images} | 1.000 |" in card
    assert "chose the thresholds" in card
    assert "left out: rare" in card
    assert f"run {result.run}, {today()}, on {table.name}" in card
    assert f"{result.images:,} images seen" in card


def test_a_loaded_tagger_names_tags_of_files(trained: tuple[Path, TagTable, TrainedTagger]) -> None:
    """``predict`` with a tagger tells all the tags that a picture has, one of each group at least."""
    _, table, result = trained
    tagger = load(result.folder)
    found = list(predict(tagger, [Picture(file=str(row.path)) for row in table.rows[4:12]]))

    assert isinstance(tagger, Tagger)
    assert tagger.groups == GROUPS
    for one, values in zip(found, table.values[4:12], strict=True):
        assert {tag for tag, _ in one.top} == {
            tag for tag, value in zip(table.tags[:4], values, strict=False) if value == 1
        }


@pytest.mark.parametrize("part", ["groups", "thresholds", "labels", "kind"])
def test_an_incomplete_tagger_is_refused(
    trained: tuple[Path, TagTable, TrainedTagger], tmp_path: Path, part: str
) -> None:
    """A model.json without its groups or thresholds, with other labels or of another kind is a ModelError."""
    folder = trained[2].folder
    about = json.loads((folder / "model.json").read_text())
    about[part] = {"groups": {"colour": ["red"]}, "thresholds": [0.5, 2.0], "labels": ["a"], "kind": "classifier"}[part]
    for file in ("config.yaml", "weights.safetensors"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(about))

    with pytest.raises(ModelError):
        Tagger.load(tmp_path)


def test_figures_agree_with_torchmetrics() -> None:
    """Average precision (with ties) and F1 are those of an independent implementation."""
    rng = np.random.default_rng(0)
    truth = (rng.random((200, 3)) < [0.1, 0.5, 0.8]).astype(np.int8)
    shares = (rng.random((200, 3)) * 0.6 + truth * 0.3).round(2).astype(np.float32)
    for tag in range(3):
        theirs = binary_average_precision(torch.from_numpy(shares[:, tag]), torch.from_numpy(truth[:, tag]).long())
        assert tag_figures.average_precision(truth[:, tag] == 1, shares[:, tag]) == pytest.approx(
            float(theirs), abs=1e-6
        )
    groups = {"a": ("x", "y", "z")}
    found = tag_figures.figures(truth, shares, groups)
    decided = np.zeros_like(truth, bool)
    for side in (slice(0, None, 2), slice(1, None, 2)):
        other = slice(1 - (side.start or 0), None, 2)
        decided[side] = tag_figures.decide(shares[side], tag_figures.tune(truth[other], shares[other]), [slice(0, 3)])
    theirs = multilabel_f1_score(torch.from_numpy(decided).float(), torch.from_numpy(truth).long(), 3, average="micro")
    assert found.micro_f1 == pytest.approx(float(theirs), abs=1e-6)


def test_what_is_not_known_counts_nowhere() -> None:
    """A photo of which a tag is not known changes neither its figures nor the loss; a tag that no photo has has none."""
    truth = np.array([[1, 0], [0, 0], [-1, 0], [1, -1]], np.int8)
    shares = np.array([[0.9, 0.2], [0.3, 0.1], [0.99, 0.4], [0.8, 0.9]], np.float32)
    found = tag_figures.figures(truth, shares, {"a": ("x", "y")})
    logits = torch.from_numpy(shares)
    known = torch.from_numpy(truth) >= 0
    plain = functional.binary_cross_entropy_with_logits(logits[known], torch.from_numpy(truth).float()[known])

    assert [(one.positives, one.ap) for one in found.tags] == [(2, 1.0), (0, None)]
    assert found.mean_ap == 1.0
    assert found.always_no == pytest.approx(4 / 6)
    assert float(loss_of(logits, torch.from_numpy(truth), torch.ones(2), 0.0)) == pytest.approx(float(plain))


def test_always_saying_no_is_told_beside_the_accuracy() -> None:
    """With few tags a photo "no" is right nearly always; its F1 would be 0, and a guess's precision is the tag's share."""
    truth = np.zeros((100, 10), np.int8)
    truth[np.arange(100), np.arange(100) % 10] = 1
    found = tag_figures.figures(truth, np.full(truth.shape, 0.5, np.float32), {"a": tuple("abcdefghij")})

    assert found.always_no == pytest.approx(0.9)
    assert found.chance_map == found.mean_ap == pytest.approx(0.1)


def test_a_photo_without_a_tag_gets_the_nearest() -> None:
    """Where no tag of a group passes, the one that comes nearest to its threshold is taken; other groups are left alone."""
    shares = np.array([[0.1, 0.3, 0.9], [0.7, 0.2, 0.1]], np.float32)
    decided = tag_figures.decide(shares, np.array([0.2, 0.8, 0.5]), [slice(0, 2), slice(2, 3)])

    assert decided.tolist() == [[True, False, True], [True, False, True]]


def test_thresholds_give_the_best_f1() -> None:
    """No threshold on a grid beats the tuned one on the photos it was tuned on."""
    rng = np.random.default_rng(1)
    truth = rng.random(150) < 0.2
    scores = (rng.random(150) * 0.7 + truth * 0.2).astype(np.float32)
    best = tag_figures.best_threshold(truth, scores)
    reached = {t: tag_figures._f1(truth, scores >= t) for t in (best, *np.linspace(0, 1, 101))}

    assert reached[best] == max(reached.values())
    assert tag_figures.best_threshold(np.zeros(3, bool), np.ones(3, np.float32)) == 0.5


def test_rare_and_constant_tags_are_dropped(tmp_path: Path) -> None:
    """A tag that few training photos have, or nearly all, is not learned; when none is left, that is an error."""
    table = make_table(tmp_path / "photos", 8)
    always = replace(table, values=np.concatenate([table.values[:, :4], np.ones((8, 1), np.int8)], axis=1))
    with Catalog(tmp_path / "w") as catalog, pytest.raises(InputError, match="least_share"):
        train_tagger(replace(table, values=np.zeros_like(table.values)), catalog, CONFIG, reporter=QUIET)

    assert frequent(table, range(8), 0.2) == ([0, 1, 2, 3], ("rare",))
    assert frequent(always, range(8), 0.0)[1] == ("rare",)


def test_photos_marked_test_are_judged_at_the_thresholds_that_were_tuned_without_them(tmp_path: Path) -> None:
    """Their figures are those of the kept tagger's decisions, in the result, on record and in the report, by the set's name."""
    table = make_table(tmp_path / "photos", 32)
    sides = ["train"] * 16 + ["val"] * 8 + ["test"] * 8
    rows = tuple(replace(row, split=side) for row, side in zip(table.rows, sides, strict=True))
    config = CONFIG.model_copy(update={"images": 32, "exclude": ("rare",)})
    with Catalog(tmp_path) as catalog:
        result = train_tagger(replace(table, rows=rows, name="t.csv"), catalog, config, reporter=QUIET)
    tagger = Tagger.load(result.folder)
    shares = tagger.shares(PackedDataset(next((tmp_path / "datasets").glob("tagger-test-*"))).images)
    truth = table.values[24:, :4]
    by_hand = multilabel_f1_score(
        torch.from_numpy(tagger.decide(shares)).int(), torch.from_numpy(truth), num_labels=4, average="micro"
    )

    assert result.test is not None
    assert (result.test.images, result.test_set) == (8, "photos of t.csv marked test")
    assert result.test.micro_f1 == pytest.approx(float(by_hand))
    assert [one.threshold for one in result.test.tags] == tagger.thresholds.tolist()
    assert set(result.test.group_f1) == set(result.figures.group_f1) == set(GROUPS)
    assert json.loads((result.folder / "model.json").read_text())["figures"]["test"]["images"] == 8
    assert "on the 8 photos of t.csv marked test, judged once" in report(result)["test set"]
    assert "F1" in report(result)["groups"]
    assert report(replace(result, test=None))["test set"].startswith("none")


def test_thresholds_are_judged_by_halves_that_share_no_group(trained: tuple[Path, TagTable, TrainedTagger]) -> None:
    """The photos held out are parted by their groups, so that no garment tunes the threshold that decides on it."""
    root, table, _ = trained
    side = prepare(table, CONFIG, root / "datasets", name="tagger", reporter=QUIET).validation
    half = side.half(0)
    groups = [
        {row.group for row, one in zip(side.rows, half, strict=True) if one == wanted} for wanted in (True, False)
    ]

    assert all(groups)
    assert groups[0].isdisjoint(groups[1])


def test_each_group_may_have_a_network_of_its_own(tmp_path: Path) -> None:
    """With separate backbones a group's shares depend on its own network alone; model.json says so, and ``predict`` takes it."""
    config = CONFIG.model_copy(
        update={"backbones": "separate", "images": 32, "frozen_share": 0.5, "exclude": ("rare",)}
    )
    table = make_table(tmp_path / "photos", 24)
    with Catalog(tmp_path) as catalog:
        result = train_tagger(table, catalog, config, reporter=QUIET)
    tagger = Tagger.load(result.folder)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 37, 37, 3)).astype(np.uint8)
    before = tagger.shares(pixels)
    assert isinstance(tagger.network, Apart)
    torch.nn.init.zeros_(next(tagger.network.networks[1].parameters()))
    after = tagger.shares(pixels)
    (told,) = predict(load(result.folder), [Picture(file=str(table.rows[0].path))])

    assert json.loads((result.folder / "model.json").read_text())["backbones"] == "separate"
    assert len(tagger.network.networks) == len(tagger.groups) == 2
    assert np.array_equal(after[:, :2], before[:, :2])
    assert not np.array_equal(after[:, 2:], before[:, 2:])
    assert {tag for tag, _ in told.top} & set(GROUPS["colour"])


def test_separate_networks_learn_at_rates_of_their_own_stages() -> None:
    """Each network's last layer has the full rate, and its first stage the lowest, as where there is one network."""
    config = CONFIG.model_copy(update={"backbone_lr": 0.1})
    shared = parameter_groups(build_tagger(config, [2, 2]), config)
    apart = parameter_groups(build_tagger(config.model_copy(update={"backbones": "separate"}), [2, 2]), config)

    assert [group["scale"] for group in apart] == 2 * [group["scale"] for group in shared]
    assert [group["head"] for group in apart] == 2 * [group["head"] for group in shared]


def test_each_group_has_a_head_of_its_own() -> None:
    """What one group's head gives depends on its weights alone."""
    heads = Heads(4, [2, 3], 5)
    features = torch.rand(6, 4)
    before = heads(features)
    torch.nn.init.zeros_(heads.get_parameter("groups.1.2.weight"))

    assert before.shape == (6, 5)
    assert torch.equal(heads(features)[:, :2], before[:, :2])
    assert not torch.equal(heads(features)[:, 2:], before[:, 2:])
