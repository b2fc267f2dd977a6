"""Which of many overlapping detections stay, with what score, and where exactly they lie: pure, on the boxes of one photo."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou


def soft_nms(
    boxes: Tensor, scores: Tensor, labels: Tensor, *, sigma: float, max_iou: float, min_score: float, limit: int
) -> tuple[Tensor, Tensor]:
    """The best ``limit`` boxes and their scores: indices K (int64) and scores K (float32), best first.

    Each chosen box lowers the scores of its label's others by ``exp(-iou^2 / sigma)`` (Bodla et al. 2017, arXiv 1704.04503,
    equation 2), so that a jacket does not erase the shirt below it as plain suppression does; what overlaps it by more than
    ``max_iou`` goes, and so does what falls to ``min_score``. Boxes R x 4 in pixels, scores R float32, labels R int64.
    """
    together = box_iou(boxes, boxes) * (labels[:, None] == labels)
    kept = torch.where(together > max_iou, 0.0, torch.exp(-(together**2) / sigma))
    kept.fill_diagonal_(0.0)
    scores = scores.clone()
    chosen, final = [], []
    for _ in range(min(limit, len(scores))):
        best = int(scores.argmax())
        score = float(scores[best])
        if score <= min_score:
            break
        chosen.append(best)
        final.append(score)
        scores *= kept[best]
    return torch.tensor(chosen, dtype=torch.int64, device=boxes.device), torch.tensor(final, device=boxes.device)


def vote(boxes: Tensor, scores: Tensor, labels: Tensor, best: Tensor, min_iou: float) -> Tensor:
    """Each of the ``best`` boxes (indices, K) as the mean of all that agree with it, weighted by score: K x 4.

    Boxes R x 4 of the same label agree from ``min_iou`` on. Gidaris and Komodakis 2015 (arXiv 1505.01749), section 5.
    """
    agree = (box_iou(boxes[best], boxes) >= min_iou) & (labels[best][:, None] == labels)
    weights = agree * scores
    voted: Tensor = (weights @ boxes) / weights.sum(1, keepdim=True)
    return voted
