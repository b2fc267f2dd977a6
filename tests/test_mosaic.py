"""Mosaics of annotated photos."""

from __future__ import annotations

import numpy as np

from deepstyle.detector.mosaic import GREY, Marked, mosaic
from deepstyle.detector.networks import UNKNOWN


def photo(height: int, width: int, label: int) -> Marked:
    """A grey photo with one rectangle of a garment, its exact box and its map."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    box = np.array([[width * 0.25, height * 0.25, width * 0.75, height * 0.75]], np.float32)
    x0, y0, x1, y1 = box[0].astype(int)
    pixels[y0:y1, x0:x1] = 60 * label
    found = np.zeros((height, width), np.uint8)
    found[y0:y1, x0:x1] = label
    return Marked(pixels=pixels, map=found, boxes=box, labels=np.array([label], np.int64))


def test_a_mosaic_shows_four_photos_with_their_boxes_on_their_garments() -> None:
    """Each quarter holds a whole photo at its aspect; boxes and map lie on the garment's pixels, the rest is grey and unknown."""
    four = [photo(320, 256, 1), photo(256, 384, 2), photo(256, 256, 3), photo(512, 256, 4)]

    made = mosaic(four, UNKNOWN)

    assert made.pixels.shape == (320, 256, 3)
    assert made.labels.tolist() == [1, 2, 3, 4]
    for k, (label, box) in enumerate(zip(made.labels, made.boxes, strict=True)):
        x0, y0, x1, y1 = box
        assert (x0 >= 128) == (k % 2 == 1)
        assert (y0 >= 160) == (k // 2 == 1)
        ys, xs = np.nonzero(made.map == label)
        assert np.allclose([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], box, atol=1.5)
        assert made.pixels[round((y0 + y1) / 2), round((x0 + x1) / 2)].tolist() == [60 * label] * 3
        source = four[k].boxes[0]
        assert np.isclose((x1 - x0) / (y1 - y0), (source[2] - source[0]) / (source[3] - source[1]), rtol=0.05)
    assert (made.pixels[made.map == UNKNOWN] == GREY).all()
    assert (made.map == UNKNOWN).any()
