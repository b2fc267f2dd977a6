"""The detector: augmentation, training with resume, the model folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepstyle import weights
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation
from deepstyle.annotations.mask import encode as encode_mask
from deepstyle.backbone import SmallClassifier
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.find import load_detector
from deepstyle.detector.loop import TrainedDetector
from deepstyle.detector.networks import UNKNOWN, build_network, parsing_target, start_from
from deepstyle.detector.photos import Target, jitter_colour, zoom_and_flip
from deepstyle.detector.resize import scale_of
from deepstyle.detector.torchvision_backend import TorchvisionDetector
from deepstyle.detector.train import follow, learning_rate, train_detector
from deepstyle.engine import batch_indices, seeded
from deepstyle.errors import ModelError
from deepstyle.images import decode, encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
LABELS = ("upper", "lower")
TINY = [
    "width=8",
    "weight_decay=0",
    "image_size=64",
    "max_size=128",
    "proposals=20",
    "box_samples=16",
    "batch_size=2",
    "precision=32",
]


def annotated(folder: Path, count: int = 8) -> AnnotatedSet:
    """Photos with one red block (upper) above one blue block (lower)."""
    random = np.random.default_rng(count)
    photos = []
    for i in range(count):
        pixels = np.full((96, 64, 3), 128, np.uint8)
        x, y, w, h = random.integers([4, 4, 24, 24], [20, 14, 40, 34]).tolist()
        pixels[y : y + h, x : x + w] = (220, 20, 20)
        pixels[y + h : y + 2 * h, x : x + w] = (20, 20, 220)
        path = folder / f"{count}-{i}.png"
        path.write_bytes(encode(pixels))
        boxes = (
            Annotation(box=(x, y, x + w, y + h), label="upper"),
            Annotation(box=(x, y + h, x + w, y + 2 * h), label="lower"),
        )
        photos.append(AnnotatedImage(path=path, width=64, height=96, annotations=boxes))
    return AnnotatedSet(labels=LABELS, images=tuple(photos))


def config(*overrides: str) -> DetectorConfig:
    return load_config(DetectorConfig, "small-256", [*TINY, *overrides])


def train(folder: Path, *overrides: str) -> TrainedDetector:
    folder.mkdir(exist_ok=True)
    with Catalog(folder) as catalog:
        return train_detector(annotated(folder), annotated(folder, 4), catalog, config(*overrides), reporter=QUIET)


@pytest.mark.slow
def test_it_finds_what_it_was_trained_on(tmp_path: Path) -> None:
    """A tiny network learns red blocks above blue blocks: AP50 above 0.8 on blocks it has not seen."""
    result = train(tmp_path, "images=900", "lr=0.003", "warmup=40", "ema=0.9", "scale_jitter=0")

    assert result.evaluation.ap50 > 0.8
    detector = load_detector(result.folder)
    unseen = annotated(tmp_path, 4)
    pixels = decode(unseen.images[0].path.read_bytes())
    twice = pixels.repeat(2, 0).repeat(2, 1)
    small, large = detector.detect([pixels, twice])
    assert small[0].label in LABELS
    assert np.allclose(np.array(small[0].corners) * 2, large[0].corners, atol=8)


def test_the_average_follows_quickly_at_first() -> None:
    """At step n the average keeps min(decay, (1 + n) / (10 + n)) of itself, as TensorFlow's ExponentialMovingAverage does."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=40)
    average, expected = torch.zeros(1, dtype=torch.float64), 0.0
    for step, value in enumerate(values):
        follow(0.7, [average], [torch.tensor([value])], torch.tensor(step))
        keep = min(0.7, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * value

    assert average.item() == pytest.approx(expected)


def test_resuming_gives_the_weights_of_going_straight(tmp_path: Path) -> None:
    """24 photos, stopped at 12, give the weights of 24 photos straight (same schedule, same batches)."""
    settings = ["evaluate_every=12", "images=24"]
    straight = train(tmp_path / "a", *settings)
    train(tmp_path / "b", *settings)
    run = tmp_path / "b/runs/detector-001"
    newest = max(run.glob("snapshots/*.pt"))
    newest.unlink()  # as if the process had been killed after the snapshot at 12
    resumed = train(tmp_path / "b", *settings)

    assert straight.images == resumed.images == 24
    assert (straight.folder / "weights.safetensors").read_bytes() == (
        resumed.folder / "weights.safetensors"
    ).read_bytes()
    lines = [json.loads(line)["images"] for line in (run / "stats.jsonl").read_text().splitlines()]
    assert lines == sorted(lines)


def target(boxes: list[list[float]], height: int, width: int) -> Target:
    return {
        "boxes": torch.tensor(boxes), "labels": torch.arange(1, len(boxes) + 1),
        "map": torch.zeros(height, width, dtype=torch.uint8),
    }  # fmt: skip


def test_zoom_moves_boxes_and_map_with_the_picture() -> None:
    """After zoom and flip each box still bounds its block, found again by colour, and the map still covers it."""
    for seed in range(20):
        photo = torch.full((3, 120, 80), 0.5)
        photo[:, 30:70, 20:50] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
        given = target([[20, 30, 50, 70]], 120, 80)
        given["map"][30:70, 20:50] = 7
        moved, changed = zoom_and_flip(photo, given, 0.3, seeded(seed))
        red = (moved[0] > 0.75) & (moved[1] < 0.25)
        rows, columns = torch.where(red.any(1))[0], torch.where(red.any(0))[0]
        found = torch.tensor([int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1])

        assert float((found - changed["boxes"][0]).abs().max()) <= 1.5
        assert ((changed["map"] == 7) == red).float().mean() > 0.98


def test_boxes_that_leave_the_picture_are_dropped() -> None:
    """A box of which little is left inside is dropped together with its label."""
    boxes = [[0.0, 0.0, 4.0, 4.0], [30.0, 30.0, 60.0, 60.0]]
    left = [
        zoom_and_flip(torch.zeros(3, 64, 64), target(boxes, 64, 64), 0.9, seeded(i))[1]["labels"].tolist()
        for i in range(40)
    ]

    assert [2] in left
    assert [1, 2] in left


def test_a_parsing_target_holds_the_middles_of_cells() -> None:
    """Each cell of 8 x 8 pixels has the category at its middle; cells beyond a smaller photo are unknown."""
    small = torch.zeros(16, 20, dtype=torch.uint8)
    small[:8, 8:16] = 3
    cells = parsing_target([small, torch.ones(24, 32, dtype=torch.uint8)], 3, 4)

    assert cells[0].tolist() == [[0, 3, UNKNOWN, UNKNOWN], [0, 0, UNKNOWN, UNKNOWN], [UNKNOWN] * 4]
    assert set(cells[1].flatten().tolist()) == {1}


def test_masks_teach_the_network(tmp_path: Path) -> None:
    """With masks there is a parsing loss, which falls; without them, or with parsing=0, there is none."""
    plain = annotated(tmp_path)
    masked = replace(plain, images=tuple(replace(im, annotations=tuple(
        replace(a, mask=encode_mask(filled(a.box, 96, 64))) for a in im.annotations)) for im in plain.images))  # fmt: skip
    losses = {}
    for name, data, weight in (("a", masked, 1), ("b", masked, 0), ("c", plain, 1)):
        with Catalog(tmp_path / name) as catalog:
            settings = [f"images={160 if name == 'a' else 40}", f"parsing={weight}", "ema=0"]
            train_detector(data, plain, catalog, config(*settings), reporter=QUIET)
        lines = [
            json.loads(line) for line in (tmp_path / name / "runs/detector-001/stats.jsonl").read_text().splitlines()
        ]
        losses[name] = [line["loss/parsing"] for line in lines if "loss/parsing" in line]
        assert any("learning_rate" in line for line in lines)

    assert losses["a"][-1] < 0.8 * losses["a"][0]
    assert losses["b"] == losses["c"] == []


def filled(box: tuple[float, float, float, float], height: int, width: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    grid = np.zeros((height, width), np.bool_)
    grid[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
    return grid


def test_training_starts_from_another_model(tmp_path: Path) -> None:
    """A detector's weights are taken over whole, a small classifier's as the trunk; another network's are refused."""
    made = config("width=32")
    network = build_network(made, 2)
    weights.save_model(tmp_path / "whole", network, config_yaml="", labels=LABELS, about={})
    trunk = SmallClassifier(5)
    weights.save_model(tmp_path / "trunk", trunk, config_yaml="", labels=LABELS, about={})
    weights.save_model(tmp_path / "other", torch.nn.Linear(1, 1), config_yaml="", labels=LABELS, about={})
    fresh = build_network(made, 2)
    start_from(fresh, tmp_path / "whole")

    assert all(
        torch.equal(a, b) for a, b in zip(fresh.state_dict().values(), network.state_dict().values(), strict=True)
    )
    start_from(fresh, tmp_path / "trunk")
    assert torch.equal(
        fresh.state_dict()["backbone.body.stage4.1.conv2.weight"], trunk.state_dict()["body.stage4.1.conv2.weight"]
    )
    with pytest.raises(ModelError, match="small trunk"):
        start_from(fresh, tmp_path / "other")
    with pytest.raises(ModelError, match="another model"):
        start_from(build_network(config("width=8"), 2), tmp_path / "trunk")


def test_training_starts_from_a_detector_of_other_labels(tmp_path: Path) -> None:
    """All but the layer that tells the labels is taken over; of another network's weights one is named, with the remedy."""
    network = build_network(config("width=32"), 2)
    weights.save_model(tmp_path / "two", network, config_yaml="", labels=LABELS, about={})
    fresh = build_network(config("width=32"), 5)
    assert not start_from(fresh, tmp_path / "two")
    assert start_from(build_network(config("width=32"), 2), tmp_path / "two")
    old, new = network.state_dict(), fresh.state_dict()

    assert new["roi_heads.box_predictor.cls_score.weight"].shape[0] == 6
    assert all(torch.equal(old[key], new[key]) for key in old if "box_predictor" not in key)
    with pytest.raises(ModelError, match=r"--start-from.*--config .*two/config\.yaml") as caught:
        start_from(build_network(config("backbone=mobilenet"), 2), tmp_path / "two")
    assert len(str(caught.value).replace(str(tmp_path), "")) < 250


def test_colour_jitter_stays_in_range() -> None:
    """Jittered photos stay in [0, 1]; strength 0 changes nothing."""
    photo = torch.rand(3, 8, 8)

    assert jitter_colour(photo, 0.0, seeded(0)) is photo
    changed = jitter_colour(photo, 0.5, seeded(0))
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1


def test_learning_rate_warms_up_and_falls() -> None:
    """The rate rises over the warm-up and ends at 1 % of the peak."""
    made = config("lr=0.01", "warmup=100", "batch_size=10")

    assert learning_rate(made, 0, 0.0) == pytest.approx(0.001)
    assert learning_rate(made, 90, 0.0) == pytest.approx(0.01)
    assert learning_rate(made, 1000, 1.0) == pytest.approx(0.0001)


def test_every_photo_is_seen_once_an_epoch() -> None:
    """Steps walk through one shuffle per epoch."""
    first = [i for step in range(5) for i in batch_indices(2 * step, 2, 10, 0)]
    second = [i for step in range(5, 10) for i in batch_indices(2 * step, 2, 10, 0)]

    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_scale_respects_both_sides() -> None:
    """The shorter side becomes image_size unless the longer one would pass max_size."""
    made = config()

    assert scale_of(640, 128, made) == pytest.approx(0.2)
    assert scale_of(96, 64, made) == pytest.approx(1.0)


@pytest.mark.parametrize("preset", ["mobilenet-320", "small-256", "small-320", "demo-detector", "r50-fpn-v2"])
def test_presets_build_and_detect(preset: str) -> None:
    """Each CPU preset builds a network that answers photos of any size with boxes inside them."""
    made = load_config(DetectorConfig, preset, ["precision=32", "image_size=96", "max_size=160", "proposals=50"])
    torch.manual_seed(0)
    detector = TorchvisionDetector(build_network(made, 2), made, LABELS, "new@0")
    photos = [np.zeros((300, 200, 3), np.uint8), np.zeros((64, 300, 3), np.uint8)]
    for boxes, photo in zip(detector.detect(photos), photos, strict=True):
        assert all(0 <= b.x0 < b.x1 <= photo.shape[1] and 0 <= b.y0 < b.y1 <= photo.shape[0] for b in boxes)
    assert detector.detect([]) == []


def test_foreign_detectors_are_named(tmp_path: Path) -> None:
    """A folder of a backend that is not known says what to do."""
    folder = tmp_path / "models/mine"
    weights.save_model(
        folder, torch.nn.Linear(1, 1), config_yaml="kind: detector\n", labels=LABELS, about={"backend": "x"}
    )
    with pytest.raises(ModelError, match="unknown backend"):
        load_detector(folder)
