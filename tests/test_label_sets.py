"""Labelled photos as people have them, read as one table: folders, DeepFashion, COCO boxes, the workspace's garments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from test_deepfashion import coarse, fine
from test_tag import add_garments

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.annotations.label_sets import by_group, labels_from, read_any_labels
from deepstyle.annotations.repeats import without_repeats
from deepstyle.annotations.table import LabelRow, LabelTable
from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY, TAG
from deepstyle.classifier.data import pack, split
from deepstyle.cli import main
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.errors import InputError, UsageError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
SMALL = ("network=small", "width=8", "image_size=32", "batch_size=4", "images=8", "precision=32")
CONFIG = load_config(ClassifierConfig, "classifier-64", list(SMALL))


def tree(root: Path, *names: str) -> Path:
    """Photos that differ, below ``root``."""
    for k, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encode(np.full((20, 20, 3), k, np.uint8)))
    return root


def read(source: Path) -> LabelTable:
    return read_any_labels(source, reporter=QUIET)


def told(table: LabelTable, root: Path) -> list[tuple[str, str, str | None, str | None]]:
    return [(row.path.relative_to(root).as_posix(), row.label, row.group, row.split) for row in table.rows]


def test_a_folder_per_category(tmp_path: Path) -> None:
    """A folder's name is its photos' category; photos in one folder below it are one group; what is no photo is passed over."""
    root = tree(
        tmp_path, "Dress/1.JPG", "Dress/red one/1.png", "Dress/red one/2.png", "Skirt/1.webp", "loose.png", ".x/1.png"
    )
    (root / "Skirt" / "notes.txt").write_text("none")
    found = read(root)

    assert told(found, root) == [
        ("Dress/1.JPG", "Dress", None, None),
        ("Dress/red one/1.png", "Dress", "Dress/red one", None),
        ("Dress/red one/2.png", "Dress", "Dress/red one", None),
        ("Skirt/1.webp", "Skirt", None, None),
    ]
    assert found.labels == ("Dress", "Skirt")
    assert found.dropped == {"no-label": 1}


def test_folders_of_a_split(tmp_path: Path) -> None:
    """Folders train, valid and test part the photos; a garment on two sides is one group; a stray folder is refused."""
    names = ("train/Dress/a/1.png", "train/Skirt/1.png", "Valid/Dress/a/2.png", "Valid/Skirt/2.png", "test/Skirt/3.png")
    found = read(tree(tmp_path, *names))
    labels, sides = split(found, CONFIG)

    assert labels == ("Dress", "Skirt")
    assert [row.path.name for row in sides.train] == ["1.png", "1.png"]
    assert [row.path.name for row in sides.validation] == ["2.png", "2.png"]
    assert [row.path.name for row in sides.test] == ["3.png"]
    assert sides.train[0].group == sides.validation[0].group == "Dress/a"
    (tmp_path / "Coat").mkdir()
    with pytest.raises(InputError, match="holds Coat beside a train folder"):
        read(tmp_path)


def test_whole_groups_are_held_out_when_asked(tmp_path: Path) -> None:
    """Without its own split a table's groups are on one side each, and its test photos stay on none."""
    names = [f"{side}/{label}/{k}/{side}.png" for k in range(6) for side in ("train", "val") for label in ("a", "b")]
    table = by_group(read(tree(tmp_path, *names, "test/a/1.png")))
    _, sides = split(table, CONFIG)

    assert len(sides.train) + len(sides.validation) == 24
    assert {row.group for row in sides.train}.isdisjoint({row.group for row in sides.validation})


@pytest.mark.parametrize("names", [(), ("a.png",), ("notes/readme.txt",)])
def test_a_folder_without_categories_is_refused(tmp_path: Path, names: Sequence[str]) -> None:
    """A folder with no folder of photos in it is named, and what could be given."""
    with pytest.raises(InputError, match=r"holds no folders with photos.*one for each category, or a CSV"):
        read(tree(tmp_path, *names))


def test_deepfashion_with_its_own_partition(tmp_path: Path) -> None:
    """A photo gets its category's name, its folder as the group and its side; the 800 MB of attributes are not read.

    Rows that cannot be are counted, photos that are not there are named.
    """
    root = coarse(tmp_path)
    (root / "Anno_coarse/list_attr_img.txt").write_text("no list at all")
    (root / "Img/img/Folder_2/img_00000004.jpg").unlink()
    partition = root / "Eval/list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("05.jpg  test", "05.jpg  none"))
    found = read(root)

    assert [(row.path.name[-6:-4], row.label, row.group, row.split) for row in found.rows] == [
        ("00", "Tee", "img/Folder_0", "train"),
        ("01", "Jeans", "img/Folder_0", "val"),
        ("02", "Dress", "img/Folder_1", "test"),
        ("03", "Tee", "img/Folder_1", "train"),
    ]
    assert found.labels == ("Dress", "Jeans", "Tee")
    assert found.missing == ("img/Folder_2/img_00000004.jpg",)
    assert found.dropped == {"bad-row": 1}


def test_the_fine_annotations_of_deepfashion(tmp_path: Path) -> None:
    """The 20,000 photos whose files are parallel are read the same way."""
    found = read(fine(tmp_path))

    assert [(row.label, row.split) for row in found.rows] == [
        (label, side) for side in ("train", "val", "test") for label in ("Jeans", "Dress")
    ]


def boxes(file: Path, count: int) -> None:
    """Grey photos with a red and a blue garment each, and a third that lies outside."""
    images = []
    for k in range(count):
        pixels = np.full((40, 60, 3), 100 + k, np.uint8)
        pixels[5:35, 5:25], pixels[5:35, 35:55] = (200 + k, 0, 0), (0, 0, 200 + k)
        path = file.parent / f"{file.stem}{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(pixels))
        both = (Annotation(box=(5, 5, 25, 35), label="red"), Annotation(box=(35, 5, 55, 35), label="blue"))
        images.append(AnnotatedImage(path=path, width=60, height=40, annotations=both))
    write_coco(file, AnnotatedSet(labels=("red", "blue"), images=tuple(images)))


def test_boxes_of_a_coco_file_are_cut_out(tmp_path: Path) -> None:
    """Each annotation is an image of its own, only its box is packed; one photo's are on one side, and a lost photo is named."""
    boxes(tmp_path / "all.json", 8)
    (tmp_path / "all7.png").unlink()
    found = read(tmp_path / "all.json")
    assert len(found.rows) == 14
    assert found.missing == (str(tmp_path / "all7.png"),)
    made = pack(found, CONFIG, tmp_path / "datasets", name="boxes", reporter=QUIET)
    packs = [made.train, made.validation]

    assert sum(map(len, packs)) == 14
    for packed in packs:
        own = (packed.images.max(axis=(1, 2)) >= 200) & (
            packed.images.min(axis=(1, 2)) >= 200
        )  # N x 3: all of it red, or blue
        assert [packed.label_names[number] for number in packed.labels] == [
            "red" if red else "blue" for red, _, _ in own
        ]
        assert (own.sum(axis=1) == 1).all()
        assert packed.sources[0].endswith(".png#xywh=5,5,20,30")
    sides = [{name.partition("#")[0] for name in packed.sources} for packed in packs]
    assert sides[0].isdisjoint(sides[1])


def test_coco_files_of_a_split(tmp_path: Path) -> None:
    """A folder with train.json and val.json, as the converters write it, keeps their sides."""
    boxes(tmp_path / "train.json", 2)
    boxes(tmp_path / "val.json", 1)

    assert [row.split for row in read(tmp_path).rows] == ["train"] * 4 + ["val"] * 2


def test_a_copy_of_a_photo_is_a_copy_box_by_box(tmp_path: Path) -> None:
    """Two boxes of one photo both stay; the same box of a byte copy of it does not."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"same")
    rows = [LabelRow(path=tmp_path / name, label="x", box=(x, 0, 9, 9)) for name in ("a.png", "b.png") for x in (0, 1)]
    found = without_repeats(LabelTable(rows=tuple(rows), labels=("x",)))

    assert found.rows == tuple(rows[:2])
    assert found.dropped == {"duplicate": 2}


def test_garments_by_category_or_the_detectors_label(tmp_path: Path) -> None:
    """Garments bear the detector's label until `tag` has named categories; then those count; a photo's are one group."""
    with Catalog(tmp_path) as catalog:
        with pytest.raises(InputError, match="has no garments; run `deepstyle crop`"):
            labels_from(None, catalog, reporter=QUIET)
        add_garments(catalog, 4)
        plain = labels_from(None, catalog, reporter=QUIET)
        for one, category in zip(catalog.garments()[:3], ("coat", "coat", "tee"), strict=True):
            catalog.tags.put(one, CATEGORY, "judge", [(category, 0.9)])
            catalog.tags.put(one, TAG, "tagger", [("floral", 0.99)])
        catalog.path(catalog.garments()[1].path).unlink()
        named = labels_from(None, catalog, reporter=QUIET)

    assert [(row.label, row.group) for row in plain.rows] == [("upper", f"{k:04x}") for k in range(4)]
    assert [(row.label, row.group) for row in named.rows] == [("coat", "0000"), ("tee", "0002")]
    assert named.missing == ("garments/upper/0001-0.png",)
    assert named.dropped == {"no-category": 1}


def test_images_are_of_a_csv(tmp_path: Path) -> None:
    """A folder of images for a source that says itself where they are is refused, not passed over."""
    with pytest.raises(UsageError, match=r"--images .* is for a CSV"):
        read_any_labels(tree(tmp_path, "a/1.png"), reporter=QUIET, images=tmp_path)


def call(workspace: Path, *arguments: Any) -> Any:
    return CliRunner().invoke(main, ["-q", "-w", str(workspace), *map(str, arguments)])


def test_the_commands_take_all_sources(tmp_path: Path) -> None:
    """train-classifier, its --find-lr and check-labels read the same sources; none or two of them are refused."""
    names = [f"{label}/{k}.png" for k in range(6) for label in ("Dress", "Skirt")]
    source, work = tree(tmp_path / "photos", *names), tmp_path / "w"
    settings = [part for one in SMALL for part in ("--set", one)]
    done = call(work, "train-classifier", source, "--json", *settings)
    checked = call(work, "check-labels", source, "--json", "--model", "classifier")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["labels"] == ["Dress", "Skirt"]
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["images"] == 12
    for arguments in (
        ("train-classifier",),
        ("check-labels", source, "--garments"),
        ("train-classifier", source, "--garments"),
    ):
        refused = call(work, *arguments)
        assert refused.exit_code == 2
        assert "or take --garments: one of them" in refused.output
    nothing = call(work, "train-classifier", "--garments", "--find-lr")
    assert "has no garments" in nothing.output


def test_run_takes_the_sources_of_train_classifier(tmp_path: Path) -> None:
    """`run --labels` reads a folder per category before anything is scraped, and refuses one without categories."""
    words = ("run", "http://127.0.0.1:9/", "--labels")
    read = call(tmp_path / "w", *words, tree(tmp_path / "good", "Dress/1.png", "Skirt/1.png"))
    refused = call(tmp_path / "w", *words, tree(tmp_path / "bad", "1.png"))

    assert "private-address" in read.output
    assert "holds no folders with photos" in refused.output
