"""`deepstyle tag`: garments of a catalog get categories, by which a GAN's data are chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_predict import COLOURS, picture, save_colours

from deepstyle.catalog import Catalog, garment_path
from deepstyle.catalog_tags import CATEGORY
from deepstyle.classifier.network import Classifier
from deepstyle.classifier.tag import tag_garments
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import UsageError
from deepstyle.files import put_file
from deepstyle.progress import Reporter
from deepstyle.scoring import pack_garments
from deepstyle.status import status_of

QUIET = Reporter(quiet=True)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier of three colours."""
    return Classifier.load(save_colours(tmp_path_factory.mktemp("models") / "colours"))


def add_garments(catalog: Catalog, count: int = 6) -> None:
    """Photos with a garment each, of the three colours in turn; a detector called all of them upper."""
    for number in range(count):
        sha = f"{number:04x}"
        catalog.add_photo(
            sha,
            b"jpg",
            extension="jpg",
            width=9,
            height=9,
            dhash="0" * 16,
            image_url=f"file:///{sha}",
            page_url="file:///",
        )
        cut(catalog, sha, number % 3)


def cut(catalog: Catalog, sha: str, colour: int) -> None:
    """A garment's file, then its row."""
    put_file(catalog.path(garment_path(sha, 0, "upper")), picture(colour))
    catalog.add_garment(sha, 0, "upper", (0, 0, 9, 9), score=0.9, width=24, height=40, model="m", rule="r")


def test_garments_are_named_once(tmp_path: Path, judge: Classifier) -> None:
    """Every garment gets its category; again nothing is left to name; a torn file is counted, and stops nothing."""
    with Catalog(tmp_path) as catalog:
        add_garments(catalog)
        put_file(catalog.path(garment_path("0005", 0, "upper")), b"torn")
        first, second = (tag_garments(catalog, judge, reporter=QUIET) for _ in range(2))

        assert (first.tagged, first.kept, first.failed) == (5, 0, 1)
        assert (second.tagged, second.kept, second.failed) == (0, 5, 1)
        assert status_of(catalog).categories == first.tags == {"blue": 2, "green": 2, "red": 1}


def test_a_garment_that_is_cut_anew_is_named_anew(tmp_path: Path, judge: Classifier) -> None:
    """A new cut, and a dropped garment, take the old category with them; one that went meanwhile gets none."""
    with Catalog(tmp_path, clock=iter(range(1, 1000)).__next__) as catalog:
        add_garments(catalog, 3)
        tag_garments(catalog, judge, reporter=QUIET)
        before = catalog.garments()[0]
        cut(catalog, "0000", 2)
        catalog.drop_garment("0001", 0)

        assert catalog.tags.counts(CATEGORY) == {"red": 1}
        assert not catalog.tags.put(before, CATEGORY, "m", [("blue", 1.0)])
        assert tag_garments(catalog, judge, reporter=QUIET).tags == {"red": 2}


def test_another_judge_replaces_the_names(tmp_path: Path) -> None:
    """A garment has one category: the latest judge's; tags of another kind stay."""
    with Catalog(tmp_path) as catalog:
        add_garments(catalog, 1)
        garment = catalog.garments()[0]
        for kind, model, tag in ((CATEGORY, "a", "coat"), ("tag", "t", "striped"), (CATEGORY, "b", "dress")):
            assert catalog.tags.put(garment, kind, model, [(tag, 0.5)])

        assert catalog.tags.counts(CATEGORY) == {"dress": 1}
        assert catalog.tags.counts("tag") == {"striped": 1}
        assert [one.name for one in catalog.tags.untagged("a")] == ["0000-0"]
        assert catalog.tags.untagged("b") == []


def test_names_by_a_weak_judge_are_called_weak(tmp_path: Path) -> None:
    """What a classifier says that knows little is told to be weak, with the one that ships as a way out."""
    about = save_colours(tmp_path / "colours") / "model.json"
    with Catalog(tmp_path / "w") as catalog:
        add_garments(catalog)
    for top1, weak in ((0.4, 2), (0.9, 0)):
        told = json.loads(about.read_text()) | {"figures": {"top1": top1, "validation_images": 50, "train_images": 50}}
        about.write_text(json.dumps(told))
        done = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "tag", "--model", str(tmp_path / "colours")])

        assert done.exit_code == 0, done.output
        assert done.output.count("  weak: ") == weak
        assert ("`deepstyle tag --model garment-categories`" in done.output) == bool(weak)


def test_a_gan_learns_from_categories(tmp_path: Path, judge: Classifier) -> None:
    """``labels`` may be categories, in any case of letters: those garments are packed, called as they were asked for."""
    config = load_config(GanConfig, "dcgan-32", ["labels=RED,blue"])
    with Catalog(tmp_path) as catalog:
        add_garments(catalog)
        with pytest.raises(UsageError, match="deepstyle tag"):
            pack_garments(catalog, config, reporter=QUIET)
        tag_garments(catalog, judge, reporter=QUIET)
        packed = pack_garments(catalog, config, reporter=QUIET)
        whole = pack_garments(catalog, load_config(GanConfig, "dcgan-32"), reporter=QUIET)
        with pytest.raises(UsageError, match=f"there are upper, {', '.join(COLOURS)}$"):
            pack_garments(catalog, load_config(GanConfig, "dcgan-32", ["labels=hat"]), reporter=QUIET)

    assert packed.label_names == ("RED", "blue")
    assert [packed.label_names[number] for number in packed.labels] == ["blue", "RED", "blue", "RED"]
    assert (whole.label_names, len(whole)) == (("upper",), 6)
