"""Soft suppression and box voting."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchvision.ops import batched_nms

from deepstyle.boxes import iou
from deepstyle.detector.suppression import soft_nms, vote


def crowd(count: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    """Random boxes that overlap much, their scores and labels 1 to 3."""
    random = torch.Generator().manual_seed(1)
    corners = torch.rand(count, 2, generator=random) * 20
    boxes = torch.cat([corners, corners + 30 + torch.rand(count, 2, generator=random) * 10], 1)
    return boxes, torch.rand(count, generator=random), torch.randint(1, 4, (count,), generator=random)


def by_the_book(
    boxes: list[list[float]], scores: list[float], labels: list[int], sigma: float, max_iou: float
) -> list[tuple[int, float]]:
    """Figure 2 of the paper, one pair at a time, in Python's floats."""
    left = dict(enumerate(scores))
    found = []
    while left:
        best = max(left, key=lambda k: left[k])
        found.append((best, left.pop(best)))
        for k in list(left):
            if labels[k] == labels[best]:
                overlap = iou(tuple(boxes[k]), tuple(boxes[best]))  # type: ignore[arg-type]
                left[k] *= 0.0 if overlap > max_iou else math.exp(-(overlap**2) / sigma)
    return found


def test_soft_nms_is_the_papers() -> None:
    """Choice, order and scores are those of a plain loop over pairs."""
    boxes, scores, labels = crowd()
    best, final = soft_nms(boxes, scores, labels, sigma=0.5, max_iou=0.8, min_score=0.05, limit=25)
    rows = by_the_book(boxes.tolist(), scores.tolist(), labels.tolist(), 0.5, 0.8)
    wanted = [row for row in rows if row[1] > 0.05][:25]

    assert best.tolist() == [k for k, _ in wanted]
    assert final.tolist() == pytest.approx([score for _, score in wanted], rel=1e-5)
    assert len(wanted) > len(batched_nms(boxes, scores, labels, 0.5))


def test_a_large_sigma_is_plain_suppression() -> None:
    """When nothing is lowered, what stays is what torchvision's suppression leaves."""
    boxes, scores, labels = crowd()
    best, final = soft_nms(boxes, scores, labels, sigma=1e9, max_iou=0.5, min_score=0.0, limit=100)

    assert best.tolist() == batched_nms(boxes, scores, labels, 0.5).tolist()
    assert torch.equal(final, scores[best])


def pair(height: float) -> tuple[Tensor, Tensor, Tensor]:
    """A box of 10 x 10 with score 0.9, one of 10 x ``height`` inside it with 0.5, of one label: an IoU of height / 10."""
    return torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, height]]), torch.tensor([0.9, 0.5]), torch.tensor([1, 1])


@pytest.mark.parametrize(("height", "left"), [(5.0, 2), (5.01, 1), (4.9, 2)])
def test_what_overlaps_by_more_than_the_limit_goes(height: float, left: int) -> None:
    """At an IoU of exactly ``max_iou`` a box is only lowered, above it it goes."""
    best, final = soft_nms(*pair(height), sigma=0.5, max_iou=0.5, min_score=0.0, limit=9)

    assert len(best) == left
    assert final.tolist()[1:] == pytest.approx([0.5 * math.exp(-((height / 10) ** 2) / 0.5)][: left - 1])


def test_a_score_at_the_lowest_is_too_low() -> None:
    """What has fallen to ``min_score`` goes, what is above it stays, and never are there more than ``limit``."""
    boxes, scores, labels = (
        torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6]]),
        torch.tensor([0.5, 0.25]),
        torch.tensor([1, 1]),
    )

    for lowest, limit, left in ((0.25, 9, 1), (0.24, 9, 2), (0.24, 1, 1), (0.5, 9, 0)):
        assert len(soft_nms(boxes, scores, labels, sigma=1, max_iou=1, min_score=lowest, limit=limit)[0]) == left


@pytest.mark.parametrize(("height", "lower"), [(5.0, (0.9 * 10 + 0.5 * 5) / 1.4), (4.9, 10.0)])
def test_boxes_agree_from_the_least_iou_on(height: float, lower: float) -> None:
    """At an IoU of exactly ``min_iou`` two boxes vote together, below it each stays where it is."""
    voted = vote(*pair(height), torch.tensor([0]), 0.5)

    assert voted[0].tolist() == pytest.approx([0, 0, 10, lower])


def test_no_detection_is_no_error() -> None:
    """A photo without any detection leaves two empty tensors."""
    best, final = soft_nms(
        torch.empty(0, 4), torch.empty(0), torch.empty(0, dtype=torch.int64), sigma=0.5, max_iou=0.7, min_score=0.0, limit=5
    )  # fmt: skip

    assert best.shape == final.shape == (0,)
    assert best.dtype == torch.int64


def test_agreeing_boxes_vote() -> None:
    """A box becomes the mean, by score, of the boxes of its label that overlap it enough; others do not change it."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 20], [0, 0, 10, 11]])
    scores, labels = torch.tensor([0.9, 0.3, 0.8, 0.7]), torch.tensor([1, 1, 1, 2])
    voted = vote(boxes, scores, labels, torch.tensor([0, 3]), 0.8)

    assert voted[0].tolist() == pytest.approx([0, 0, 10, (0.9 * 10 + 0.3 * 11) / 1.2])
    assert voted[1].tolist() == [0, 0, 10, 11]
