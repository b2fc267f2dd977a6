"""Long photos in windows, and what was found on them together."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from deepstyle.boxes import Box
from deepstyle.config import DetectorConfig, load_config
from deepstyle.detector.inference import Detections
from deepstyle.detector.networks import build_network
from deepstyle.detector.tiles import OVERLAP, together, windows_of
from deepstyle.detector.torchvision_backend import VIEWS, TorchvisionDetector
from deepstyle.images import Pixels

CONFIG = load_config(DetectorConfig, "small-256", ["image_size=64", "max_size=128", "precision=32", "width=8"])


def box(x0: float, x1: float, *, score: float = 0.9, label: str = "full") -> Box:
    return Box(x0=x0, y0=10, x1=x1, y1=90, label=label, score=score)


@pytest.mark.parametrize(("height", "width"), [(100, 330), (842, 2750), (2750, 842), (100, 260), (50, 1999)])
def test_windows_cover_the_photo_and_overlap(height: int, width: int) -> None:
    """Windows reach from end to end, none is longer than the network's aspect, and neighbours share enough for a person."""
    windows = windows_of(height, width, CONFIG)
    long = max(height, width)
    spans = [(w[0], w[2]) if width > height else (w[1], w[3]) for w in windows]

    assert spans[0][0] == 0
    assert spans[-1][1] == long
    assert {b - a for a, b in spans} == {2 * min(height, width)}
    assert all(a[1] - b[0] >= int(OVERLAP * min(height, width)) - 1 for a, b in pairwise(spans))


def test_an_ordinary_photo_has_no_windows() -> None:
    """What the network sees well at once is looked at once."""
    assert windows_of(825, 550, CONFIG) == windows_of(100, 250, CONFIG) == []


def test_a_strip_has_no_windows() -> None:
    """A photo of 20 x 8,000 pixels, which took 286 windows and minutes, is looked at as it is."""
    assert windows_of(20, 8000, CONFIG) == windows_of(8000, 20, CONFIG) == []


def test_windows_are_looked_at_a_few_at_a_time() -> None:
    """However many windows photos have, the network is never given more than a few, so that memory stays."""
    torch.manual_seed(0)
    detector = TorchvisionDetector(build_network(CONFIG, 2), CONFIG, ("a", "b"), "x@0")
    given: list[int] = []
    look = detector.inference.__call__

    def noted(photos: list[Pixels]) -> list[Detections]:
        given.append(len(photos))
        return look(photos)

    detector.inference = noted  # type: ignore[assignment]
    long = np.zeros((16, 500, 3), np.uint8)
    detector.detect([long, long])

    assert max(given) <= VIEWS
    assert sum(given) == 2 * (1 + len(windows_of(16, 500, CONFIG))) > VIEWS


def test_each_garment_is_found_once() -> None:
    """Boxes are moved into the photo; one that a cut ends, or that a surer one of another window shows, goes."""
    left, right = (0, 0, 200, 100), (100, 0, 300, 100)
    found = together(
        [box(20, 60, score=0.4)],
        [
            (left, [box(21, 61), box(120, 170, score=0.8), box(160, 199.5)]),
            (right, [box(21, 70, score=0.7), box(60, 110), box(62, 108, score=0.6), replace(box(60, 110), label="upper")]),
        ],
        100,
        300,
    )  # fmt: skip

    assert [(one.x0, one.label) for one in found] == [
        (21, "full"),
        (160, "full"),
        (160, "upper"),
        (120, "full"),
        (162, "full"),
    ]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_the_detector_looks_at_a_long_photo_in_windows() -> None:
    """A photo of four squares side by side gets boxes from its windows, in its own pixels; one that is not long, from itself."""
    torch.manual_seed(0)
    detector = TorchvisionDetector(build_network(CONFIG, 2), CONFIG, ("a", "b"), "x@0")
    random = np.random.default_rng(0)
    long, square = (random.integers(0, 256, (64, width, 3), dtype=np.uint8) for width in (256, 64))
    found, rest = detector.detect([long, square])

    assert len(found) > len(detector._detect([long])[0])
    assert all(0 <= one.x0 < one.x1 <= 256 and 0 <= one.y0 < one.y1 <= 64 for one in found)
    assert all(0 <= one.x0 < one.x1 <= 64 for one in rest)
    assert detector.detect([square]) == detector._detect([square])
