"""Figures of the crops, against counts by hand and an independent computation."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torchvision.ops import box_iou

from deepstyle import weights
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.annotations.mask import encode
from deepstyle.boxes import Box, contained
from deepstyle.cli import main
from deepstyle.config import CropConfig, DetectorConfig, load_config, to_yaml
from deepstyle.crop.figures import crop_figures, mask_iou, surest_rules
from deepstyle.crop.rules import choose, people
from deepstyle.detector.networks import build_network
from deepstyle.images import encode as encode_image
from deepstyle.shape import SIDE

LABELS = ("upper", "lower", "full")
Corners = tuple[float, float, float, float]


def rules(*overrides: str) -> CropConfig:
    return load_config(CropConfig, None, ["min_side=1", "max_per_label=null", *overrides])


def photos(*garments: list[tuple[str, Corners]]) -> AnnotatedSet:
    images = tuple(
        AnnotatedImage(
            path=Path(f"{k}.png"), width=200, height=200,
            annotations=tuple(Annotation(box=box, label=label) for label, box in row),
        )
        for k, row in enumerate(garments)
    )  # fmt: skip
    return AnnotatedSet(labels=LABELS, images=images)


def found(label: str, score: float, corners: Corners) -> Box:
    return Box(x0=corners[0], y0=corners[1], x1=corners[2], y1=corners[3], label=label, score=score)


def test_figures_by_hand() -> None:
    """One right crop, one with the wrong label on the same cloth, a missed garment, a shoe photo with and without a crop."""
    whole = (0.0, 0.0, 100.0, 100.0)
    truth = photos([("upper", whole)], [("lower", whole)], [], [])
    boxes = [
        [found("upper", 0.9, whole), found("full", 0.6, (0, 0, 100, 95)), found("lower", 0.2, whole)],
        [],
        [found("full", 0.8, whole)],
        [found("full", 0.3, whole)],
    ]
    seen = crop_figures(truth, boxes, rules("min_score=0.5", "max_overlap=1"))

    assert (seen.crops, seen.doubles, seen.singles, seen.bare) == (3, 1, 2, 2)
    assert seen.precision == pytest.approx(1 / 3)
    assert (seen.recall, seen.main, seen.empty) == (0.5, 0.5, 0.5)


def test_crops_of_a_crowd_are_not_counted() -> None:
    """A crop that lies in a crowd of its label is neither right nor wrong; such a photo is none without garments."""
    truth = photos([("upper", (0.0, 0.0, 50.0, 50.0))], [])
    crowd = (Annotation(box=(100, 0, 200, 100), label="upper"),)
    truth = replace(truth, images=tuple(replace(image, crowds=crowd) for image in truth.images))
    boxes = [[found("upper", 0.9, (0, 0, 50, 50)), found("upper", 0.8, (110, 0, 190, 90))], []]
    seen = crop_figures(truth, boxes, rules())

    assert (seen.crops, seen.precision, seen.recall, seen.singles, seen.bare) == (1, 1.0, 1.0, 0, 0)


def test_crops_of_labels_that_nobody_annotated_are_not_counted() -> None:
    """Where a file has no category for dresses, nobody knows whether a dress is right: AP leaves it out, and so do the crops."""
    whole = (0.0, 0.0, 100.0, 100.0)
    truth = replace(photos([("upper", whole)]), labels=("upper", "lower"))
    seen = crop_figures(truth, [[found("full", 0.9, whole), found("upper", 0.8, whole)]], rules())

    assert (seen.crops, seen.precision, seen.main, seen.doubles) == (1, 1.0, 1.0, 0)


def test_no_photos_of_a_kind_have_no_share() -> None:
    """Without crops there is no precision, without garments no recall: None, and not a number that flatters."""
    seen = crop_figures(photos([]), [[]], rules())

    assert (seen.precision, seen.recall, seen.main, seen.empty) == (None, None, None, 1.0)


def test_precision_and_recall_against_an_independent_computation() -> None:
    """On random boxes apart from one another the right crops are those of the best assignment, by torchvision's IoU."""
    random = np.random.default_rng(0)
    truth_rows, boxes, wanted, total = [], [], 0, 0
    for _ in range(30):
        corners = [
            tuple(float(v) for v in (60 * k, y, 60 * k + 40, y + 60)) for k, y in enumerate(random.uniform(0, 90, 3))
        ]
        garments = [(LABELS[random.integers(3)], c) for c in corners]
        moved = [(LABELS[random.integers(3)], tuple(np.array(c) + random.uniform(-12, 12))) for c in corners]
        row = [found(label, float(random.uniform(0.5, 1)), c) for label, c in moved]
        overlap = box_iou(torch.tensor([b.corners for b in row]), torch.tensor(corners)).numpy()
        fits = [[overlap[i, k] >= 0.5 and row[i].label == garments[k][0] for k in range(3)] for i in range(3)]
        wanted += max(sum(fits[i][k] for i, k in enumerate(order)) for order in permutations(range(3)))
        total += len(row)
        truth_rows.append(garments)
        boxes.append(row)
    seen = crop_figures(photos(*truth_rows), boxes, rules("min_score=0"))  # type: ignore[arg-type]

    assert 0 < wanted < total
    assert seen.precision == pytest.approx(wanted / total)
    assert seen.recall == pytest.approx(wanted / total)


def test_one_cloth_is_cut_once_by_containment() -> None:
    """A box inside a surer one of another label goes where max_inside says so, though their IoU is small; a neighbour stays."""
    dress, top, shoe = (
        found("full", 0.9, (0, 0, 100, 300)),
        found("upper", 0.7, (10, 0, 90, 90)),
        found("lower", 0.6, (110, 0, 190, 90)),
    )
    kept = choose([dress, top, shoe], rules("min_score=0.1", "max_inside=0.8"), 400, 400)
    all_of_them = choose([dress, top, shoe], rules("min_score=0.1"), 400, 400)

    assert [one.k for one in kept] == [0, 2]
    assert [one.k for one in all_of_them] == [0, 1, 2]
    assert contained((0, 0, 10, 10), (5, 0, 105, 10)) == 0.5
    assert contained((0, 0, 10, 10), (20, 20, 30, 30)) == contained((3, 3, 3, 9), (0, 0, 10, 10)) == 0.0


def test_rules_are_chosen_for_precision_at_a_recall() -> None:
    """The surest rules drop the wrong crops and keep the recall asked for."""
    whole = (0.0, 0.0, 100.0, 100.0)
    truth = photos(*[[("upper", whole)]] * 4)
    boxes = [[found("upper", 0.5 + k / 10, whole), found("full", 0.42, (0, 0, 100, 180))] for k in range(4)]
    chosen, seen = surest_rules(truth, boxes, rules(), recall=0.9)

    assert (seen.precision, seen.recall) == (1.0, 1.0)
    assert chosen.min_score > 0.42 or chosen.max_inside < 1


def test_mask_iou_is_that_of_the_right_crops(tmp_path: Path) -> None:
    """Masks are compared pixel by pixel where the crop is right; a wrong crop, an unknown shape or mask counts for nothing."""
    box = (40.0, 20.0, 180.0, 160.0)
    true = np.zeros((200, 200), np.bool_)
    true[20:160, 40:110] = True
    cells = np.zeros((SIDE, SIDE), np.uint8)
    cells[:, : SIDE // 2] = 255
    shape = cells.tobytes()
    truth = photos([("upper", box)], [("upper", box)], [("upper", box)])
    with_mask = tuple(replace(a, mask=encode(true)) for a in truth.images[0].annotations)
    truth = replace(truth, images=(*(replace(im, annotations=with_mask) for im in truth.images[:2]), truth.images[2]))
    right, wrong = (replace(found(label, 0.9, box), shape=shape) for label in ("upper", "lower"))
    iou, number = mask_iou(truth, [[right], [wrong], [right]], rules())

    assert number == 1
    assert iou == pytest.approx(70 * 140 / (84 * 168), abs=0.02)  # a shape's grid reaches beyond the box by a tenth
    assert mask_iou(truth, [[found("upper", 0.9, box)], [], []], rules()) == (None, 0)


def test_a_long_photo_has_room_for_several_people() -> None:
    """Beside one another people are counted by the width they take; the most per label then holds for each."""
    row = [found("upper", 0.9 - k / 10, (100 * k, 0, 100 * k + 80, 100)) for k in range(5)]
    chosen = choose(row, load_config(CropConfig, None, ["min_side=1"]), 500, 150)

    assert [people(*size) for size in ((550, 825), (400, 200), (500, 150), (2750, 842), (842, 2750))] == [1, 1, 5, 5, 2]
    assert len(chosen) == 5
    assert len(choose(row, load_config(CropConfig, None, ["min_side=1"]), 500, 500)) == 1


def test_the_command_chooses_rules_on_other_photos(tmp_path: Path) -> None:
    """`eval-detector --choose-rules` reports with the rules chosen elsewhere, and refuses photos that would do both.

    A label that no photo shows has no figure, for programs and people; crops and pairs of them stand in rows of their own.
    """
    config = load_config(DetectorConfig, "small-256", ["width=8", "image_size=64", "max_size=128", "precision=32"])
    torch.manual_seed(0)
    about = {"kind": "detector", "backend": "torchvision"}
    weights.save_model(
        tmp_path / "models/eye", build_network(config, 3), config_yaml=to_yaml(config), labels=LABELS, about=about
    )
    for name in ("a", "b"):
        path = tmp_path / f"{name}.png"
        path.write_bytes(encode_image(np.random.default_rng(ord(name)).integers(0, 256, (200, 200, 3), np.uint8)))
        one = replace(photos([("upper", (20, 20, 180, 180))]).images[0], path=path)
        write_coco(tmp_path / f"{name}.json", AnnotatedSet(labels=LABELS, images=(one,)))
    words = ["-w", str(tmp_path), "eval-detector", str(tmp_path / "a.json"), "--detector", "eye", "--recall", "0"]
    told = CliRunner().invoke(main, [*words, "--choose-rules", str(tmp_path / "b.json"), "--json"])
    shown = CliRunner().invoke(main, words).output
    same = CliRunner().invoke(main, [*words, "--choose-rules", str(tmp_path / "a.json")])

    assert told.exit_code == 0, told.output
    assert set(json.loads(told.stdout)["rules"]) == {"min_score", "max_overlap", "max_inside"}
    assert json.loads(told.stdout)["per_label"] == {"upper": pytest.approx(0, abs=1), "lower": None, "full": None}
    assert re.search(r"AP per label +upper 0\.\d+, lower none there, full none there", shown)
    assert re.search(r"  crops +\d+\n  pairs of crops of one cloth +\d+\n", shown)
    assert same.exit_code == 1
    assert "choose the rules and report" in same.output
