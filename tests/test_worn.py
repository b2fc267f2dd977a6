"""Which categories a garment can have that a detector called upper, lower or full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_predict import save_colours
from test_tag import QUIET, add_garments

from deepstyle import pipeline
from deepstyle.annotations.worn import labels_of, surest
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.classifier.network import Classifier
from deepstyle.classifier.tag import tag_garments
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.data import Conditions
from deepstyle.scoring import pack_garments

SHIPPED = Classifier.load(find_classifier_folder(None, None)).labels


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("upper", {"Longsleeve", "Outwear", "Shirt", "T-Shirt"}),
        ("lower", {"Pants", "Shorts", "Skirt"}),
        ("full", {"Dress", "Outwear"}),
        ("sleeve", set(SHIPPED)),
    ],
)
def test_a_label_leaves_the_categories_that_it_can_mean(label: str, names: set[str]) -> None:
    """Of the categories of the judge that ships each label leaves its own; a label of another detector leaves all."""
    many = np.random.default_rng(0).random((500, len(SHIPPED)))
    found = {SHIPPED[k] for k in surest(many, SHIPPED, [label] * 500)}

    assert found == names


def test_what_nobody_has_placed_is_possible_everywhere() -> None:
    """A category of one's own may have any label; where a label rules out all of them, it says nothing of them."""
    assert labels_of("Kimono") == {"upper", "lower", "full"}
    assert surest(np.array([[0.9, 0.1]]), ("Shoes", "Hat"), ["upper"]).tolist() == [0]
    assert surest(np.array([[0.5, 0.2, 0.3]]), ("Shoes", "Kimono", "Pants"), ["upper"]).tolist() == [1]


def placed(folder: Path) -> Classifier:
    """The judge of three colours, which it calls a dress, a shirt and shoes."""
    judge = Classifier.load(save_colours(folder / "colours"))
    return Classifier(
        judge.network, judge.preprocessing, ("Dress", "Shirt", "Shoes"), "placed", weights_name="placed@1"
    )


def test_upper_garments_are_neither_dresses_nor_shoes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tag`, and a GAN that is told categories, take what the judge is surest of among those that the label leaves.

    The GAN knows no category that no garment has.
    """
    judge, told = placed(tmp_path), []
    monkeypatch.setattr(pipeline, "find_classifier", lambda *_: judge)
    monkeypatch.setattr(pipeline, "train_gan", lambda *_, conditions, **__: told.append(conditions))
    config = load_config(GanConfig, "dcgan-32", ["condition=category"])
    with Catalog(tmp_path / "w") as catalog:
        add_garments(catalog)
        assert tag_garments(catalog, judge, reporter=QUIET).tags == {"Shirt": 6}
        assert len(pack_garments(catalog, config, reporter=QUIET)) == 6
        pipeline.gan_from_garments(catalog, config, reporter=QUIET)

    (conditions,) = told
    assert (conditions.names, conditions.labels.tolist()) == (("Shirt",), [0] * 6)


def test_a_gan_is_told_the_categories_that_its_garments_have() -> None:
    """Of categories in any order those that occur remain, each image with its own."""
    conditions = Conditions.of(("Skirt", "Hat", "Dress", "Shoes"), np.array([2, 0, 0, 3, 2]))

    assert conditions.names == ("Skirt", "Dress", "Shoes")
    assert [conditions.names[number] for number in conditions.labels] == ["Dress", "Skirt", "Skirt", "Shoes", "Dress"]
    assert conditions.shares().tolist() == pytest.approx([0.4, 0.4, 0.2])
