"""Photos that are not of the size that their annotations say: copies are scaled, what is turned is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation
from deepstyle.annotations.mask import encode as encode_mask
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, MaskConfig, load_config
from deepstyle.detector.evaluate import average_precision, find_all, require_photos
from deepstyle.detector.mask_data import MaskPhotos
from deepstyle.detector.photos import TrainingPhotos
from deepstyle.detector.train import train_detector
from deepstyle.errors import InputError
from deepstyle.images import encode
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
PLAIN = ["image_size=64", "max_size=128", "colour_jitter=0", "light_jitter=0", "scale_jitter=0"]


def annotated(folder: Path, height: int, width: int) -> AnnotatedSet:
    """A photo of ``height`` x ``width`` pixels with one red block, annotated with box and mask on 301 x 201 pixels."""
    folder.mkdir(exist_ok=True)
    path = folder / "look.png"
    x, y = width / 201, height / 301
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[round(40 * y) : round(240 * y), round(30 * x) : round(150 * x)] = (220, 20, 20)
    path.write_bytes(encode(pixels))
    mask = np.zeros((301, 201), np.bool_)
    mask[40:240, 30:150] = True
    one = Annotation(box=(30, 40, 150, 240), label="upper", mask=encode_mask(mask))
    return AnnotatedSet(
        labels=("upper",), images=(AnnotatedImage(path=path, width=201, height=301, annotations=(one,)),)
    )


def red(pixels: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """The box of what is red, in pixels."""
    ys, xs = np.nonzero(pixels[..., 0].astype(int) - pixels[..., 1] > 100)
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


class RedDetector:
    """Finds what is red."""

    name, labels = "red@1", ("upper",)

    def detect(self, photos: Sequence[NDArray[np.uint8]]) -> list[list[Box]]:
        """One box a photo."""
        return [[Box(x0=x0, y0=y0, x1=x1, y1=y1, label="upper", score=0.9)] for x0, y0, x1, y1 in map(red, photos)]


def judged(data: AnnotatedSet) -> object:
    return find_all(RedDetector(), data, reporter=QUIET)


def learned_from(data: AnnotatedSet) -> object:
    return TrainingPhotos(data, load_config(DetectorConfig, "small-256", PLAIN), QUIET)


def shapes_learned_from(data: AnnotatedSet) -> object:
    sides = load_config(DetectorConfig, "small-256", PLAIN)
    return MaskPhotos(data, load_config(MaskConfig, None, PLAIN[2:]), sides, QUIET)


@pytest.mark.parametrize(("height", "width"), [(301, 201), (150, 100), (151, 101), (602, 402), (75, 50)])
def test_a_copy_of_another_size_is_judged_as_the_photo_itself(height: int, width: int, tmp_path: Path) -> None:
    """What is found on a reduced or enlarged copy, however its sides were rounded, is held against the boxes at their size."""
    data = annotated(tmp_path, height, width)
    found = find_all(RedDetector(), data, reporter=QUIET)

    assert average_precision(data, found).ap50 == pytest.approx(1)
    assert found[0][0].corners == pytest.approx((30, 40, 150, 240), abs=4)


@pytest.mark.parametrize(("height", "width"), [(301, 201), (150, 100), (301, 200)])
def test_a_copy_of_another_size_teaches_boxes_and_masks_where_the_garment_is(
    height: int, width: int, tmp_path: Path
) -> None:
    """Boxes and masks of a copy lie on its garment, in the detector's training and in that of the mask head."""
    data = annotated(tmp_path, height, width)
    learned = TrainingPhotos(data, load_config(DetectorConfig, "small-256", PLAIN), QUIET)
    (photo,), (target,) = learned.batch([0], 0, 0)
    config = load_config(MaskConfig, None, ["colour_jitter=0", "light_jitter=0", "box_jitter=0", "scale_jitter=0"])
    batch = MaskPhotos(data, config, load_config(DetectorConfig, "small-256", PLAIN), QUIET).batch([0], 0, 0)
    true = red((photo.permute(1, 2, 0) * 255).to(torch.uint8).numpy())

    assert target["boxes"][0].tolist() == pytest.approx(true, abs=1.5)
    learned_map = np.zeros((*target["map"].shape, 3), np.uint8)
    learned_map[target["map"].numpy() == 1] = (255, 0, 0)
    assert red(learned_map) == pytest.approx(true, abs=1.5)
    x0, y0, x1, y1 = batch.regions[0][0].tolist()  # around the box, a tenth of it larger on each side
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(
        tuple(np.array(red(batch.photos[0])).reshape(2, 2).mean(0)), abs=1.5
    )


@pytest.mark.parametrize("content", [None, b"", b"no photo"])
def test_a_photo_to_validate_on_is_looked_for_before_training(content: bytes | None, tmp_path: Path) -> None:
    """A validation file whose photo is missing or none stops a training before its first step, by the photo's name."""
    for side in "tv":
        (tmp_path / side).mkdir()
    train, validation = annotated(tmp_path / "t", 301, 201), annotated(tmp_path / "v", 301, 201)
    if content is None:
        validation.images[0].path.unlink()
    else:
        validation.images[0].path.write_bytes(content)
    config = load_config(DetectorConfig, "small-256", [*PLAIN, "images=4"])
    with Catalog(tmp_path / "w") as catalog, pytest.raises(InputError, match=r"v.look\.png"):
        train_detector(train, validation, catalog, config, reporter=QUIET)

    assert not list((tmp_path / "w").rglob("*.pt"))


@pytest.mark.parametrize("use", [require_photos, judged, learned_from, shapes_learned_from])
def test_a_photo_of_other_proportions_is_named_with_both_sizes(
    use: Callable[[AnnotatedSet], object], tmp_path: Path
) -> None:
    """A photo that was turned since it was annotated, or cut, is refused in words, whoever opens it."""
    turned = annotated(tmp_path, 201, 301)
    with pytest.raises(InputError, match=r"look\.png: has 301 x 201 pixels .* of 201 x 301; annotate it as it is"):
        use(turned)
    (image,) = turned.images
    with pytest.raises(InputError, match="300 x 190"):
        use(replace(turned, images=(replace(image, width=300, height=190),)))
