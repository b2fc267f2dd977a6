"""COCO average precision against an independent implementation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, Annotation
from deepstyle.boxes import Box, iou
from deepstyle.detector.evaluate import average_precision
from deepstyle.detector.matching import counts, in_crowd, match
from deepstyle.errors import InputError

LABELS = ("upper", "lower")


def scene(seed: int) -> tuple[AnnotatedSet, list[list[Box]]]:
    """Random truths, and detections that are shaken copies, misses, doubles and inventions."""
    random = np.random.default_rng(seed)
    photos, found = [], []
    for n in range(12):
        truth, seen = [], []
        for _ in range(random.integers(1, 4)):
            x, y, w, h = random.uniform([0, 0, 60, 60], [200, 200, 200, 200])
            label = LABELS[random.integers(2)]
            truth.append(Annotation(box=(x, y, x + w, y + h), label=label))
            for _ in range(random.integers(0, 3)):
                dx, dy, dw, dh = random.normal(0, 12, 4)
                seen.append(
                    Box(x0=x + dx, y0=y + dy, x1=x + w + dw, y1=y + h + dh, label=label, score=random.uniform())
                )
        photos.append(AnnotatedImage(path=Path(f"{n}.jpg"), width=500, height=500, annotations=tuple(truth)))
        found.append(seen)
    return AnnotatedSet(labels=LABELS, images=tuple(photos)), found


@pytest.mark.parametrize("seed", range(3))
def test_counts_give_the_average_precision_of_coco(seed: int) -> None:
    """AP50 computed from our counts at every score equals faster-coco-eval's."""
    truth, found = scene(seed)
    per_label = []
    for label in LABELS:
        one = counts(truth, found, label, steps=20001)
        best = np.maximum.accumulate(
            one.precision
        )  # thresholds rise, recall falls: best precision at this recall or more
        per_label.append(np.mean([best[one.recall >= r][-1:].sum() for r in np.linspace(0, 1, 101)]))

    assert np.mean(per_label) == pytest.approx(average_precision(truth, found).ap50, abs=2e-3)


def test_a_garment_is_found_once() -> None:
    """Of two detections of one garment the better one is right, the other a false alarm; another label's box misses it."""
    truth = [Annotation(box=(0, 0, 10, 10), label="upper"), Annotation(box=(50, 50, 90, 90), label="lower")]
    first, second = (Box(x0=0, y0=0, x1=10, y1=9, label="upper", score=s) for s in (0.9, 0.8))
    other = Box(x0=50, y0=50, x1=90, y1=90, label="upper", score=0.7)
    outcome = match(truth, [second, other, first])

    assert outcome.right == (first,)
    assert outcome.wrong == (second, other)
    assert outcome.missed == (truth[1],)


@pytest.mark.parametrize(("height", "right"), [(5.0, 1), (4.9, 0)])
def test_half_of_the_union_is_enough(height: float, right: int) -> None:
    """A detection whose IoU with the garment is exactly one half has found it, one below has not."""
    truth = [Annotation(box=(0, 0, 10, 10), label="upper")]

    assert len(match(truth, [Box(x0=0, y0=0, x1=10, y1=height, label="upper", score=0.9)]).right) == right


def test_a_threshold_keeps_what_reaches_it() -> None:
    """At a threshold equal to the score a detection counts, above it none; precision without any is one."""
    photo = AnnotatedImage(
        path=Path("a.jpg"), width=50, height=50, annotations=(Annotation(box=(0, 0, 10, 10), label="upper"),)
    )
    found = [
        Box(x0=0, y0=0, x1=10, y1=10, label="upper", score=0.5),
        Box(x0=20, y0=20, x1=30, y1=30, label="upper", score=0.25),
    ]
    one = counts(AnnotatedSet(labels=("upper",), images=(photo,)), [found], "upper", steps=5)

    assert one.thresholds.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (one.right.tolist(), one.wrong.tolist(), one.missed.tolist()) == (
        [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1]
    )  # fmt: skip
    assert one.precision.tolist() == [0.5, 0.5, 1, 1, 1]
    assert one.recall.tolist() == [1, 1, 1, 0, 0]


def reference_ap(truth: AnnotatedSet, found: list[list[Box]], label: str, threshold: float) -> float:
    """AP of one label at one IoU by the definition: greedy matching, interpolated precision at 101 recalls."""
    rows = sorted(
        ((b.score, n, b) for n, seen in enumerate(found) for b in seen if b.label == label), key=lambda r: -r[0]
    )
    taken: set[tuple[int, int]] = set()
    hits = []
    for _, n, b in rows:
        best, best_iou = None, threshold
        for i, a in enumerate(truth.images[n].annotations):
            overlap = iou(b.corners, a.box)
            if a.label == label and (n, i) not in taken and overlap >= best_iou:
                best, best_iou = i, overlap
        if best is not None:
            taken.add((n, best))
        hits.append(best is not None)
    total = sum(a.label == label for im in truth.images for a in im.annotations)
    true = np.cumsum(hits)
    precision, recall = true / np.arange(1, len(hits) + 1), true / total
    return float(np.mean([max(precision[recall >= r], default=0.0) for r in np.linspace(0, 1, 101)]))


@pytest.mark.parametrize("seed", range(4))
def test_ap_agrees_with_the_definition(seed: int) -> None:
    """AP50, AP75, AP and the per-label AP equal a plain reimplementation to 1e-6."""
    truth, found = scene(seed)
    result = average_precision(truth, found)
    table = {
        label: [reference_ap(truth, found, label, t) for t in np.arange(0.5, 0.951, 0.05)] for label in LABELS
    }  # fmt: skip

    assert result.ap50 == pytest.approx(np.mean([row[0] for row in table.values()]), abs=1e-6)
    assert result.ap75 == pytest.approx(np.mean([row[5] for row in table.values()]), abs=1e-6)
    assert result.ap == pytest.approx(np.mean(list(table.values())), abs=1e-6)
    assert result.per_label == pytest.approx({label: np.mean(row) for label, row in table.items()}, abs=1e-6)


def test_crowds_are_neither_right_nor_wrong() -> None:
    """What is found on a crowd of its label costs nothing, as in COCO; beside it, or of another label, it is wrong."""
    one = Annotation(box=(0, 0, 100, 100), label="upper")
    crowd = Annotation(box=(200, 0, 500, 300), label="upper")
    photo = AnnotatedImage(path=Path("a.jpg"), width=500, height=500, annotations=(one,), crowds=(crowd,))
    truth = AnnotatedSet(labels=LABELS, images=(photo,))
    right = Box(x0=0, y0=0, x1=100, y1=100, label="upper", score=0.5)
    inside = Box(x0=220, y0=10, x1=300, y1=90, label="upper", score=0.9)
    beside = replace(inside, y0=250, y1=450)

    assert average_precision(truth, [[inside, right]]).ap == pytest.approx(1)
    assert average_precision(truth, [[beside, right]]).ap == pytest.approx(0.5)
    assert in_crowd(inside, photo.crowds)
    assert not in_crowd(beside, photo.crowds)
    assert not in_crowd(replace(inside, label="lower"), photo.crowds)
    with pytest.raises(InputError, match="holds no boxes"):
        average_precision(AnnotatedSet(labels=LABELS, images=(replace(photo, annotations=()),)), [[]])


def test_perfect_and_empty_detections() -> None:
    """The truth itself scores 1, nothing found scores 0, an empty truth is refused."""
    truth, _ = scene(0)
    perfect = [[Box(x0=a.box[0], y0=a.box[1], x1=a.box[2], y1=a.box[3], label=a.label, score=1.0) for a in im.annotations]
               for im in truth.images]  # fmt: skip

    assert average_precision(truth, perfect).ap == pytest.approx(1.0)
    assert average_precision(truth, [[] for _ in truth.images]).ap == 0.0
    with pytest.raises(InputError, match="no boxes"):
        average_precision(AnnotatedSet(labels=LABELS, images=()), [])


def test_a_label_that_no_photo_shows_has_no_average_precision() -> None:
    """It is None, not 0, whether or not anything is found; the means leave it out."""
    one = Annotation(box=(10, 10, 90, 90), label="upper")
    photo = AnnotatedImage(path=Path("a.jpg"), width=100, height=100, annotations=(one,))
    truth = AnnotatedSet(labels=LABELS, images=(photo,))
    found = [Box(x0=10, y0=10, x1=90, y1=90, label=label, score=0.9) for label in LABELS]
    right, nothing = average_precision(truth, [found]), average_precision(truth, [[]])

    assert right.per_label == {"upper": pytest.approx(1), "lower": None}
    assert right.ap == pytest.approx(1)
    assert (nothing.per_label, nothing.ap) == ({"upper": 0.0, "lower": None}, 0.0)
