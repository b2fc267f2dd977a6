"""FashionAI's form, end to end: a drawn tree of photos and rows image,task,nnymn becomes a tagger with a head a task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from deepstyle.annotations.tag_sets import read_any_tags
from deepstyle.classifier.tagger import Tagger
from deepstyle.cli import main
from deepstyle.errors import InputError
from deepstyle.images import encode, resize
from deepstyle.progress import Reporter

SETTINGS = (
    "network=small", "width=8", "image_size=32", "batch_size=16", "images=960", "lr=0.005", "validation_share=0.2",
    "precision=32", "least_share=0.05", "fit=mean",
)  # fmt: skip
TASKS = {"sleeve_length": ("nny", "nyn", "ynn", "mny"), "skirt_length": ("ny", "yn")}


def draw_tree(root: Path, count: int = 36) -> Path:
    """Photos twice as high as wide: a task's photos have a band of its colour, whose length is the task's value."""
    for task, rows in TASKS.items():
        folder = root / "Images" / f"{task}_labels"
        folder.mkdir(parents=True)
        lines = []
        for i in range(count):
            letters = rows[i % len(rows)]
            pixels = np.random.default_rng(i).integers(0, 40, (48, 24, 3)).astype(np.uint8)
            pixels[4:44, 4 : 8 + 7 * letters.index("y"), 0 if task == "sleeve_length" else 2] = 210
            (folder / f"{i}.jpg").write_bytes(encode(pixels, "JPEG"))
            lines.append(f"Images/{task}_labels/{i}.jpg,{task}_labels,{letters}\n")
        (root / "Annotations").mkdir(exist_ok=True)
        (root / "Annotations" / f"{task}.csv").write_text("".join(lines))
    return root


def _run(workspace: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["-w", str(workspace), *map(str, words)])


def test_a_tree_of_fashionai_is_learned_and_told(tmp_path: Path) -> None:
    """Each task's rows teach its own head alone, ``m`` teaches nothing, and ``predict`` tells a value of every task."""
    root = draw_tree(tmp_path / "fashionai")
    flags = [flag for one in SETTINGS for flag in ("--set", one)]
    done = _run(tmp_path / "w", "train-tagger", root, *flags, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    tagger = Tagger.load(tmp_path / "w" / "models" / "tagger")
    asked = _run(
        tmp_path / "w", "predict", root / "Images" / "skirt_length_labels" / "1.jpg", "--model", "tagger", "--json"
    )
    tags = [one["label"] for one in json.loads(asked.stdout)["top"]]

    assert tagger.groups == {
        "skirt_length": ("skirt_length:0", "skirt_length:1"),
        "sleeve_length": ("sleeve_length:0", "sleeve_length:1", "sleeve_length:2"),
    }
    assert tagger.preprocessing.fit == "mean"
    assert set(told["figures"]["groups"]) == set(TASKS)
    assert told["figures"]["mean_ap"] > told["figures"]["chance_map"] + 0.2
    assert {tag.partition(":")[0] for tag in tags} == set(TASKS)


def test_the_tree_is_read_as_its_rules_say(tmp_path: Path) -> None:
    """All files of Annotations together; other tasks of a photo, and ``m``, are not known; a row of another form is refused."""
    root = draw_tree(tmp_path, 4)
    table = read_any_tags(root, reporter=Reporter(quiet=True))
    place = table.tags.index("sleeve_length:0")

    assert len(table.rows) == 8
    assert sorted(table.values[:, place].tolist()) == [-1, -1, -1, -1, -1, 0, 0, 1]
    (root / "Annotations" / "z.csv").write_text("image,task\na,b\n")
    with pytest.raises(InputError, match="letters"):
        read_any_tags(root, reporter=Reporter(quiet=True))


def test_mean_colour_beside_a_narrow_photo() -> None:
    """``mean`` keeps the aspect and fills the square with the picture's mean colour, its edge's notwithstanding."""
    pixels = np.zeros((40, 20, 3), np.uint8)
    pixels[:, 5:15] = (200, 100, 50)
    square = resize(pixels, 40, "mean")

    assert (square[:, 10:30] == pixels).all()
    assert (square[:, :10] == (100, 50, 25)).all()
    assert (square[:, 30:] == (100, 50, 25)).all()
