"""The pure parts of the classifier: splits, schedules, views, figures and pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_confusion_matrix

from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.classifier import augment, data, learner
from deepstyle.classifier.augment import FEW, places, random_views, recolour
from deepstyle.classifier.evaluate import from_probabilities
from deepstyle.classifier.pictures import confusion_picture, mistakes_picture
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.engine import batch_indices, seeded
from deepstyle.errors import InputError, TrainingError
from deepstyle.progress import Reporter

CPU = torch.device("cpu")
CONFIG = load_config(ClassifierConfig, "classifier-64", ["validation_share=0.2"])


def test_figures_agree_with_torchmetrics() -> None:
    """Top-1, top-3, confusion and loss of random predictions are torchmetrics' and torch's."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 200)
    probabilities = rng.dirichlet(np.ones(6), 200).astype(np.float32)
    evaluation = from_probabilities(truth, probabilities, tuple("abcdef"))
    called, true = torch.from_numpy(probabilities), torch.from_numpy(truth)

    for k, value in ((1, evaluation.top1), (3, evaluation.top3)):
        expected = multiclass_accuracy(called, true, num_classes=6, average="micro", top_k=k)
        assert value == pytest.approx(float(expected))
    assert np.array_equal(evaluation.confusion, multiclass_confusion_matrix(called, true, num_classes=6).numpy())
    assert evaluation.loss == pytest.approx(float(torch.nn.functional.nll_loss(called.log(), true)), rel=1e-5)


def test_pictures_show_mistakes_only() -> None:
    """The sheet holds the worst mistakes first, at most as many as asked for; without a mistake there is none."""
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]], np.float32)
    images = np.zeros((3, 20, 20, 3), np.uint8)
    evaluation = from_probabilities(np.array([0, 1, 1]), probabilities, ("cap", "hat"))

    assert evaluation.worst_mistakes(5).tolist() == [2, 1]
    assert confusion_picture(evaluation).ndim == 3
    one, two = (mistakes_picture(images, evaluation, count=count) for count in (1, 2))
    assert one is not None
    assert two is not None
    assert one.shape[1] < two.shape[1]
    assert mistakes_picture(images, from_probabilities(np.array([0, 0, 0]), probabilities, ("cap", "hat"))) is None


def _rows(*entries: tuple[str, str | None, str | None]) -> LabelTable:
    rows = tuple(LabelRow(path=Path(f"{i}.jpg"), label=e[0], group=e[1], split=e[2]) for i, e in enumerate(entries))
    return LabelTable(rows=rows, labels=tuple(sorted({row.label for row in rows})), missing=())


def test_own_split_counts_and_test_rows_stay_out() -> None:
    """Where every row has a split it is used; test rows are a side of their own."""
    table = _rows(("a", None, "train"), ("b", None, "Train"), ("a", None, "val"), ("b", None, "test"))
    labels, sides = data.split(table, CONFIG)

    assert labels == ("a", "b")
    assert [row.path.name for row in sides.train] == ["0.jpg", "1.jpg"]
    assert [row.path.name for row in sides.validation] == ["2.jpg"]
    assert [row.path.name for row in sides.test] == ["3.jpg"]
    assert not sides.drawn


def test_groups_are_not_parted_without_a_split() -> None:
    """When some row has no split, groups go to one side whole, and test rows still stay out."""
    table = _rows(*[("ab"[i % 2], str(i // 4), None) for i in range(40)], ("a", "test", "test"))
    _, sides = data.split(table, CONFIG)
    groups = [{row.group for row in side} for side in (sides.train, sides.validation)]

    assert groups[0] & groups[1] == set()
    assert len(sides.train) + len(sides.validation) == 40
    assert sides.validation
    assert [row.group for row in sides.test] == ["test"]
    assert sides.drawn


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (_rows(("a", None, "train"), ("a", None, "val")), "at least 2 labels"),
        (_rows(("a", None, "train"), ("b", None, "val")), "no training image with label b"),
        (_rows(("a", None, "train"), ("b", None, "holdout")), "holdout"),
        (_rows(("a", None, "test"), ("b", None, "test")), "none that is not left out or marked test"),
    ],
)
def test_tables_that_cannot_be_learned_are_refused(table: LabelTable, words: str) -> None:
    """One label, a label without a training image and an unknown split are named before anything slow starts."""
    with pytest.raises(InputError, match=words):
        data.split(table, CONFIG)


def test_test_rows_and_gaps_of_a_split_are_told() -> None:
    """How many images are marked test is said, and that a split which some images lack is not used; nothing without either."""
    told = []
    for sides in (["train", "val", "test", "test"], ["train", "val", None], ["train", "val"], [None, None]):
        stream = io.StringIO()
        rows = _rows(*[("a", None, side) for side in sides]).rows
        data.tell_split(data.split_rows(rows, CONFIG), Reporter(stream=stream))
        told.append(stream.getvalue())

    assert told[0].startswith("2 images are marked test")
    assert told[1].startswith("warning: 1 of 3 images have no split")
    assert told[2:] == ["", ""]


def test_excluded_labels_are_left_out() -> None:
    """``exclude`` takes a label out of both sides."""
    table = _rows(*[("abc"[i % 3], str(i), None) for i in range(30)])

    assert data.split(table, CONFIG.model_copy(update={"exclude": ("c",)}))[0] == ("a", "b")


def test_loss_that_is_not_finite_stops_the_training() -> None:
    """A window of losses with a NaN in it is a TrainingError with a remedy."""
    with pytest.raises(TrainingError, match="lower --set lr"):
        learner.means(torch.tensor([float("nan"), 3.0]), 20, 1000, ("loss", "top1"))


def test_schedules_depend_on_the_progress_alone() -> None:
    """The rate rises to its peak and falls to zero; views grow to the full size."""
    rates = [learner.learning_rate(p / 100, 1.0) for p in range(101)]

    assert max(rates) == pytest.approx(1.0)
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert [learner.view_size(p, 96) for p in (0, 0.49, 0.5, 0.75, 1)] == [64, 64, 80, 96, 96]
    assert {learner.view_size(p, 32) for p in (0, 0.6, 1)} == {32}


def test_every_image_is_shown_once_an_epoch() -> None:
    """Batches are a function of the images seen and run through one order after another without a gap."""
    shown = np.concatenate([batch_indices(start, 8, 12, seed=3) for start in range(0, 24, 8)])

    assert sorted(shown[:12]) == list(range(12))
    assert sorted(shown[12:]) == list(range(12))
    assert shown[:12].tolist() != shown[12:].tolist()
    assert batch_indices(8, 8, 12, seed=3).tolist() == shown[8:16].tolist()


def test_views_are_random_but_repeatable() -> None:
    """The same generator gives the same views, in [0, 1] and of the wanted size; every image gets its own."""
    stored = np.random.default_rng(1).integers(0, 256, (1, 50, 50, 3), dtype=np.uint8)
    first, second = (random_views(stored, np.zeros(4, np.int64), 32, CPU, seeded(2)) for _ in range(2))

    assert first.shape == (4, 3, 32, 32)
    assert torch.equal(first, second)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert not torch.equal(first[0], first[1])


def test_views_look_where_torch_says() -> None:
    """Affine views look at the places that torch's own grid has."""
    matrix = torch.randn(5, 2, 3, generator=seeded(0))
    expected = torch.nn.functional.affine_grid(matrix, [5, 3, 24, 24], align_corners=False)

    torch.testing.assert_close(places(matrix, 24), expected, rtol=1e-5, atol=1e-5)


def test_colours_change_by_three_factors_in_a_row() -> None:
    """Brightness, contrast and saturation in a row are what their definitions give one after another, image by image."""
    images, factors = torch.rand(6, 3, 20, 20, generator=seeded(0)), 0.75 + 0.5 * torch.rand(3, 6, generator=seeded(1))
    for one, bright, contrast, saturation in zip(images, *factors, strict=True):
        lit = one * bright
        spread = lit.mean() + (lit - lit.mean()) * contrast
        expected = (spread.mean(0) + (spread - spread.mean(0)) * saturation).clamp(0, 1)
        told = recolour(one[None], bright[None], contrast[None], saturation[None])

        torch.testing.assert_close(told[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("preset", ["classifier-96", "classifier-64"])
def test_presets_load(preset: str) -> None:
    """The shipped presets are valid."""
    assert load_config(ClassifierConfig, preset).image_size == int(preset[-2:])


def test_a_share_of_a_batch_is_seen_as_in_the_whole() -> None:
    """A process that has a part of a batch makes the views that one process makes of that part, byte for byte."""
    stored = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 3), dtype=np.uint8)
    chosen = np.arange(8)
    whole = random_views(stored, chosen, 32, CPU, seeded(2))
    halves = (slice(0, 4), slice(4, 8))
    parts = [random_views(stored, chosen[one], 32, CPU, seeded(2), (8, one)) for one in halves]

    assert torch.equal(torch.cat(parts), whole)


def test_a_few_views_at_a_time_are_those_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images seen a few at a time give the batch's views byte for byte, and draw as much from the generator."""
    stored = np.random.default_rng(0).integers(0, 256, (50, 48, 48, 3), dtype=np.uint8)
    chosen = np.random.default_rng(1).permutation(50)[: 2 * FEW + 3]
    one, other = seeded(2), seeded(2)
    found = random_views(stored, chosen, 32, CPU, one)
    part = slice(4, 9)
    shared = random_views(stored, chosen[part], 32, CPU, seeded(2), (len(chosen), part))
    monkeypatch.setattr(augment, "FEW", len(chosen))
    whole = random_views(stored, chosen, 32, CPU, other)

    assert torch.equal(found, whole)
    assert torch.equal(shared, whole[part])
    assert torch.equal(torch.rand(1, generator=one), torch.rand(1, generator=other))
