"""The models that ship: small, documented, found by `crop`, `sample` and the other commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepstyle.annotations.coco import LABELS, AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.demo.draw import draw_look
from deepstyle.detector.find import SHIPPED, find_detector, load_detector
from deepstyle.errors import UsageError
from deepstyle.images import decode, encode, sha256
from deepstyle.source import find_source
from deepstyle.status import packaged_models
from deepstyle.weights import read_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Catalog(tmp_path) as catalog:
        return find_detector(catalog)


def test_it_is_small_and_safe(folder: Path) -> None:
    """The shipped weights are safetensors of under 20 MB, and nothing else but text lies beside them."""
    assert folder.name == SHIPPED
    assert (folder / "weights.safetensors").stat().st_size < 20_000_000
    assert {path.name for path in folder.iterdir()} == {
        "MODEL_CARD.md", "config.yaml", "masks.safetensors", "masks.yaml", "model.json", "weights.safetensors"
    }  # fmt: skip


def test_the_card_tells_its_figures(folder: Path) -> None:
    """The model card's AP50, AP and AP75 are those that the model folder holds; it names data, licences and limits."""
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    figures = json.loads((folder / "model.json").read_text(encoding="utf-8"))["figures"]
    row = re.search(r"\| all \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|", card)

    assert row is not None
    assert [float(value) for value in row.groups()] == [round(figures[key], 3) for key in ("ap50", "ap", "ap75")]
    for word in ("CC0-1.0", "Apache-2.0", "## Limits", "## How it was made"):
        assert word in card


def test_it_answers_photos_of_any_size(folder: Path) -> None:
    """It loads, knows upper, lower and full, and gives boxes inside the photo, the same ones every time."""
    detector = load_detector(folder)
    random = np.random.default_rng(0)
    photos = [random.integers(0, 255, (h, w, 3), np.uint8) for h, w in ((330, 220), (90, 400))]
    first, again = detector.detect(photos), detector.detect(photos)

    assert detector.labels == ("upper", "lower", "full")
    assert first == again
    for photo, boxes in zip(photos, first, strict=True):
        assert all(0 <= b.x0 < b.x1 <= photo.shape[1] and 0 <= b.y0 < b.y1 <= photo.shape[0] for b in boxes)


def test_a_workspace_of_its_own_comes_first(tmp_path: Path) -> None:
    """A workspace's own detector is taken before the shipped one, which still has its name; unknown names are told."""
    with Catalog(tmp_path) as catalog:
        catalog.put_model("mine", "detector", {})
        (tmp_path / "models/mine").mkdir(parents=True)

        assert find_detector(catalog) == tmp_path / "models/mine"
        assert find_detector(catalog, SHIPPED).name == SHIPPED
        assert find_detector(catalog, str(find_detector(catalog, SHIPPED))).name == SHIPPED
        with pytest.raises(UsageError, match=r"yours.*mine, garments-lite"):
            find_detector(catalog, "yours")


def test_its_figures_can_be_checked_anywhere(tmp_path: Path) -> None:
    """`deepstyle eval-detector` judges the shipped detector where there is no workspace yet."""
    look = draw_look(0, width=200, height=300)
    (tmp_path / "look.png").write_bytes(encode(look.pixels))
    boxes = tuple(Annotation(box=one.box, label=one.label) for one in look.garments)
    image = AnnotatedImage(path=tmp_path / "look.png", width=200, height=300, annotations=boxes)
    write_coco(tmp_path / "val.json", AnnotatedSet(labels=LABELS, images=(image,)))
    words = ["-q", "-w", str(tmp_path / "new"), "eval-detector", str(tmp_path / "val.json"), "--json"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)

    assert done.exit_code == 0
    told = json.loads(done.output)
    assert told["detector"].startswith(f"{SHIPPED}@")
    assert told["photos"] == 1


def test_crop_works_without_training(tmp_path: Path) -> None:
    """In a workspace that holds photos and nothing else `deepstyle crop` runs; `deepstyle models` names the detector."""
    with Catalog(tmp_path) as catalog:
        data = encode(np.full((400, 300, 3), 200, np.uint8))
        catalog.add_photo(
            sha256(data), data, extension="png", width=300, height=400, dhash="0" * 16, image_url="http://x/1",
            page_url="http://x/",
        )  # fmt: skip
    done = CliRunner().invoke(main, ["-w", str(tmp_path), "crop"], catch_exceptions=False)
    again = CliRunner().invoke(main, ["-w", str(tmp_path), "crop", "--json"], catch_exceptions=False)
    listed = CliRunner().invoke(main, ["-w", str(tmp_path), "models", "--json"], catch_exceptions=False)

    assert done.exit_code == 0
    assert re.search(r"photos looked at +1\n", done.output)
    assert json.loads(again.stdout)["photos"] == 0
    assert "checking garments" in again.stderr
    assert SHIPPED in listed.output
    assert [one.name for one in packaged_models()] == [
        "demo-garments",
        "demo-garments-128",
        "garment-categories",
        SHIPPED,
    ]


@pytest.mark.parametrize("name", ["demo-garments", "demo-garments-128"])
def test_what_ships_can_be_trained_on(tmp_path: Path, name: str) -> None:
    """The generators bring the discriminators that they learned against: with fresh ones they would unlearn first."""
    with Catalog(tmp_path) as catalog:
        source = find_source(catalog, name)

    assert source.whole
    assert source.rival is not None
    assert read_weights(source.rival)["projection.vectors.weight"].shape == (len(source.labels), 256)


def test_what_is_exported_again_keeps_its_card_and_its_discriminator(tmp_path: Path) -> None:
    """A model put elsewhere says what it did of its data and their licences, and can be trained on as before."""
    words = ["-q", "-w", str(tmp_path), "sample", "--model", "demo-garments", "--export", "safetensors"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    folder = Path(next(one.path for one in packaged_models() if one.name == "demo-garments"))
    made = tmp_path / "models" / "demo-garments"

    assert done.exit_code == 0
    assert (made / "MODEL_CARD.md").read_bytes() == (folder / "MODEL_CARD.md").read_bytes()
    old, new = (read_weights(one / "discriminator.safetensors") for one in (folder, made))
    assert old.keys() == new.keys()
    assert all(old[key].equal(new[key]) for key in old)


@pytest.mark.parametrize(("name", "side"), [("demo-garments", 64), ("demo-garments-128", 128)])
def test_the_generators_work_without_training(tmp_path: Path, name: str, side: int) -> None:
    """`deepstyle sample --model NAME` makes varied images in an empty folder, under a licence; its card tells more."""
    words = ["-q", "-w", str(tmp_path / "new"), "sample", "--model", name, "--seeds", "0-3"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    files = [path.read_bytes() for path in sorted((tmp_path / "new").rglob("seed-*.png"))]
    made = [decode(file) for file in files]
    folder = Path(next(one.path for one in packaged_models() if one.name == name))
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")

    assert done.exit_code == 0
    assert [image.shape for image in made] == [(side, side, 3)] * 4
    assert np.stack(made).std(0).mean() > 15, "the samples are all alike"
    assert all(b"UsageTerms" in file and b"Apache-2.0" in file for file in files)
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) < 12_000_000
    figures = json.loads((folder / "model.json").read_text(encoding="utf-8"))["figures"]
    listed = CliRunner().invoke(main, ["-w", str(tmp_path), "models"], catch_exceptions=False)
    assert f"| Frechet distance, `garment-categories` | {figures['frechet']} (" in card
    assert f"frechet {figures['frechet']}\n" in listed.output
    assert all(word in card for word in ("CC0-1.0", "Apache-2.0", "## Limits", "## How it was made"))
