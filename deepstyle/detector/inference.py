"""A trained Faster R-CNN of torchvision, arranged for speed: the same boxes with less work (pure).

What is different from ``FasterRCNN.forward``, and what a photo gains by it on a CPU (benchmarks/same_network.py):

* batch norms are folded into the convolutions before them;
* the weights are kept in the working precision instead of being cast on every call, while anchors, boxes and scores stay
  in float32 (autocast rounds coordinates to bfloat16: two pixels in five hundred);
* only the proposals that the top-k kept are decoded;
* RoIAlign is one weighted gather on channels-last maps, all levels and photos at once: torchvision's kernel for CPUs
  walks through planes and takes three to twelve times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FrozenBatchNorm2d, batched_nms, clip_boxes_to_image

from deepstyle.detector.align import roi_align
from deepstyle.detector.light import balanced
from deepstyle.detector.masks import MaskHead, drawn_around, grids, regridded, shapes_of, without_specks
from deepstyle.detector.networks import maps_of, mask_channels
from deepstyle.detector.suppression import soft_nms, vote
from deepstyle.images import Pixels
from deepstyle.shape import SIDE

Size = tuple[int, int]  # height, width in pixels
MIN_SIDE = 1e-2  # pixels; thinner boxes are dropped, as torchvision does
SHAPED = 0.3  # score from which the mask head is asked for a detection's shape: few are cut below


@dataclass(frozen=True, kw_only=True)
class Detections:
    """Detections on one photo: boxes float32 K x 4 in pixels of the photo the network saw, labels int64 from 1, scores.

    ``shapes``: those of the first detections, best score first; none without a mask head.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    shapes: tuple[bytes, ...] = ()


class Trunk(Protocol):
    """The convolutions: N x 3 x H x W normalised -> what is seen of the photos.

    The map of detail (see ``maps_of``), and per level of the pyramid its map (NCHW), objectness (N x K), deltas (N x K x 4).
    """

    def __call__(self, batch: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """Run the backbone, the pyramid and the head of the region proposal network."""


class Head(Protocol):
    """The second stage: pooled regions R x (49 C), channels last -> logits R x (1 + labels), deltas R x 4 (1 + labels)."""

    def __call__(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Classify and refine regions."""


def fold_norms(network: nn.Module) -> None:
    """Fold every batch norm into the convolution registered just before it, in place; the network is in eval mode.

    y = g (W x + b - m) / sqrt(v + e) + h is itself a convolution (Jacob et al. 2017, arXiv 1712.05877, section 3.2).
    """
    for parent in list(network.modules()):
        before: nn.Module | None = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d | FrozenBatchNorm2d) and isinstance(before, nn.Conv2d):
                mean, variance = child.running_mean, child.running_var
                assert isinstance(mean, Tensor)
                assert isinstance(variance, Tensor)
                before.weight, before.bias = fuse_conv_bn_weights(
                    before.weight, before.bias, mean, variance, child.eps, child.weight, child.bias
                )
                setattr(parent, name, nn.Identity())
            before = child


class TorchTrunk(nn.Module):
    """The Trunk of a torchvision network."""

    def __init__(self, network: FasterRCNN) -> None:
        super().__init__()
        self.backbone, self.head = network.backbone, network.rpn.head

    def forward(self, batch: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """See Trunk."""
        detail, maps = maps_of(self.backbone, batch)
        objectness, deltas = self.head(maps)
        flat = [o.permute(0, 2, 3, 1).flatten(1) for o in objectness]  # anchors in the order row, column, shape
        return detail, maps, flat, [d.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4)) for d in deltas]


class TorchHead(nn.Module):
    """The Head of a torchvision network, with linear layers (``TwoMLPHead``) or convolutions first (version 2)."""

    def __init__(self, network: FasterRCNN) -> None:
        super().__init__()
        self.hidden, self.predictor = network.roi_heads.box_head, network.roi_heads.box_predictor
        self.cells: tuple[int, int] = network.roi_heads.box_roi_pool.output_size
        self.linear = isinstance(self.hidden, TwoMLPHead)
        if self.linear:
            weight = self.hidden.fc6.weight  # made for channels first: O x (C 7 7)
            rows = len(weight)
            arranged = weight.view(rows, -1, *self.cells).permute(0, 2, 3, 1).reshape(rows, -1)
            self.hidden.fc6.weight = nn.Parameter(arranged)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """See Head."""
        if not self.linear:
            regions = regions.view(len(regions), *self.cells, -1).permute(0, 3, 1, 2)
        logits, deltas = self.predictor(self.hidden(regions))
        return logits, deltas


class Inference:
    """A Faster R-CNN for inference only. ``network`` is left as it is; ``dtype`` is the precision of its layers.

    ``voting`` is the IoU from which detections of one label average their corners (see ``vote``); 0: they do not.
    ``softness`` is the sigma of ``soft_nms``; 0: plain suppression, as torchvision's.
    ``trunk`` and ``head`` may be replaced by other implementations of the same layers. ``masks`` tells the shapes of what
    was found; None: nobody does.
    """

    def __init__(
        self, network: FasterRCNN, *, device: torch.device, dtype: torch.dtype, voting: float = 0.0, softness: float = 0.0,
        masks: MaskHead | None = None,
    ) -> None:  # fmt: skip
        network = deepcopy(network).eval().requires_grad_(requires_grad=False)
        fold_norms(network)
        self.device, self.dtype, self._voting, self._softness = device, dtype, voting, softness
        self.channels = sum(mask_channels(network.backbone))  # of what mask heads see
        self.trunk: Trunk = TorchTrunk(network).to(device, dtype).to(memory_format=torch.channels_last)
        self.head: Head = TorchHead(network).to(device, dtype)
        self._masks = None if masks is None else deepcopy(masks).eval().requires_grad_(requires_grad=False)
        if self._masks is not None:
            self._masks.to(device, dtype).to(memory_format=torch.channels_last)
        self._rpn, self._roi = network.rpn, network.roi_heads
        mean, std = (
            torch.tensor(v, device=device) for v in (network.transform.image_mean, network.transform.image_std)
        )
        self._mean, self._std = mean * 255, std * 255
        self._divisor = int(network.transform.size_divisible)
        self._anchors: tuple[Size, list[Tensor]] = ((0, 0), [])

    @torch.inference_mode()
    def __call__(self, photos: Sequence[Pixels]) -> list[Detections]:
        """Detect on photos at the size the network wants (uint8 HWC RGB)."""
        sizes = [(len(photo), photo.shape[1]) for photo in photos]
        batch = self.batch(photos)
        detail, maps, objectness, deltas = self.trunk(batch)
        proposals = self._propose(batch, maps, objectness, deltas, sizes)
        logits, refined = self.head(self._pool(batch, maps, proposals))
        counts = [len(p) for p in proposals]
        decoded = self._roi.box_coder.decode(refined.float(), proposals).view(-1, logits.shape[1], 4)
        boxes = torch.split(decoded, counts)
        scores = torch.split(logits.float().softmax(1), counts)
        found = [self._select(*row) for row in zip(boxes, scores, sizes, strict=True)]
        return found if self._masks is None else self._shaped(batch, (detail, maps[0]), sizes, found, self._masks)

    def _shaped(
        self, batch: Tensor, maps: tuple[Tensor, Tensor], sizes: Sequence[Size], found: Sequence[Detections], masks: MaskHead
    ) -> list[Detections]:  # fmt: skip
        """The same detections, the surer ones drawn around their shapes. Earlier heads look at the second map alone."""
        counts = [int((one.scores >= SHAPED).sum()) for one in found]
        if not any(counts):
            return list(found)
        seen = maps if masks.squeeze.in_channels > maps[1].shape[1] else maps[1:]
        regions = [one.boxes[:count] for one, count in zip(found, counts, strict=True)]
        logits: Tensor = masks(self.gathered(batch, seen, [grids(one) for one in regions]))
        shares, before = without_specks(logits.float().sigmoid()), torch.cat(regions)
        around = torch.split(drawn_around(shares, before), counts)
        drawn = [clip_boxes_to_image(boxes, size) for boxes, size in zip(around, sizes, strict=True)]
        shapes = iter(shapes_of(regridded(shares, before, torch.cat(drawn))))
        return [
            replace(one, boxes=torch.cat([boxes, one.boxes[len(boxes) :]]), shapes=tuple(next(shapes) for _ in boxes))
            for one, boxes in zip(found, drawn, strict=True)
        ]

    def gathered(self, batch: Tensor, maps: Sequence[Tensor], regions: Sequence[Tensor]) -> Tensor:
        """Maps of the batch on the grids of each photo's regions (K x 4, see ``grids``): R x all channels x SIDE x SIDE."""
        boxes = torch.cat(list(regions))
        photo = torch.repeat_interleave(torch.tensor([len(r) for r in regions])).to(self.device)
        strides = [batch.shape[2] // one.shape[2] for one in maps]
        rows = [
            roi_align(
                [one], [stride], boxes, photo, torch.zeros_like(photo), cells=SIDE, samples=1 + (one is not maps[-1])
            )
            for one, stride in zip(maps, strides, strict=True)
        ]
        return torch.cat([row.view(len(boxes), SIDE, SIDE, -1) for row in rows], 3).permute(0, 3, 1, 2)

    @torch.no_grad()
    def seen(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """What a mask head sees of a batch, as ``__call__`` computes it: the map of detail, the pyramid's finest."""
        assert isinstance(self.trunk, TorchTrunk)
        detail, maps = maps_of(self.trunk.backbone, batch)
        return detail, maps[0]

    def _select(self, boxes: Tensor, scores: Tensor, size: Size) -> Detections:
        """The detections of one photo from boxes R x (1 + labels) x 4 and scores R x (1 + labels) of its regions."""
        labels = torch.arange(scores.shape[1], device=self.device).expand_as(scores)[:, 1:].flatten()
        boxes, scores = clip_boxes_to_image(boxes[:, 1:].flatten(0, 1), size), scores[:, 1:].flatten()
        sound = (scores > self._roi.score_thresh) & ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIDE).all(1)
        boxes, scores, labels = boxes[sound], scores[sound], labels[sound]
        roi, sigma = self._roi, self._softness
        if sigma:
            best, final = soft_nms(
                boxes, scores, labels, sigma=sigma, max_iou=roi.nms_thresh, min_score=roi.score_thresh,
                limit=roi.detections_per_img,
            )  # fmt: skip
        else:
            best = batched_nms(boxes, scores, labels, roi.nms_thresh)[: roi.detections_per_img]
            final = scores[best]
        kept = vote(boxes, scores, labels, best, self._voting) if self._voting else boxes[best]
        return Detections(boxes=kept, scores=final, labels=labels[best])

    def batch(self, photos: Sequence[Pixels]) -> Tensor:
        """Photos -> N x 3 x H x W, normalised, channels last; padded with the mean colour to a multiple of 32 pixels.

        One-colour light is taken off first (see ``balanced``).
        """
        height, width = (-(-max(p.shape[i] for p in photos) // self._divisor) * self._divisor for i in (0, 1))
        batch = torch.zeros(len(photos), height, width, 3, device=self.device)
        for row, photo in zip(batch, photos, strict=True):
            pixels = torch.from_numpy(photo).to(self.device)
            row[: len(photo), : photo.shape[1]] = (balanced(pixels) - self._mean) / self._std
        return batch.to(self.dtype).permute(0, 3, 1, 2)

    def _anchors_of(self, batch: Tensor, maps: Sequence[Tensor]) -> list[Tensor]:
        """Anchors per level, float32 K x 4; kept for the next batch, which usually has the same size."""
        size = (batch.shape[2], batch.shape[3])
        kept, anchors = self._anchors  # read at once: several threads may detect
        if kept != size:
            empty = [torch.empty(1, 1, *m.shape[2:], device=self.device) for m in maps]
            together = self._rpn.anchor_generator(ImageList(batch[:1], [size]), empty)[0]
            shapes = self._rpn.anchor_generator.num_anchors_per_location()
            anchors = list(together.split([m.shape[2] * m.shape[3] * n for m, n in zip(maps, shapes, strict=True)]))
            self._anchors = size, anchors
        return anchors

    def _propose(
        self, batch: Tensor, maps: Sequence[Tensor], objectness: Sequence[Tensor], deltas: Sequence[Tensor],
        sizes: Sequence[Size],
    ) -> list[Tensor]:  # fmt: skip
        """The regions of each photo that the second stage looks at, float32 K x 4 (Ren et al. 2015, section 3.1)."""
        boxes, scores, levels = [], [], []
        for level, anchors in enumerate(self._anchors_of(batch, maps)):
            score, best = objectness[level].float().topk(min(self._rpn.pre_nms_top_n(), len(anchors)), dim=1)
            moves = deltas[level].gather(1, best[..., None].expand(-1, -1, 4)).float()
            decoded = self._rpn.box_coder.decode_single(moves.flatten(0, 1), anchors[best.flatten()])
            boxes.append(decoded.view(*best.shape, 4))
            scores.append(score)
            levels.append(torch.full_like(best, level))
        together = zip(torch.cat(boxes, 1), torch.cat(scores, 1), torch.cat(levels, 1), sizes, strict=True)
        return [self._suppress(*row) for row in together]

    def _suppress(self, boxes: Tensor, scores: Tensor, levels: Tensor, size: Size) -> Tensor:
        boxes = clip_boxes_to_image(boxes, size)
        large = ((boxes[:, 2:] - boxes[:, :2]) >= self._rpn.min_size).all(1)
        boxes, scores, levels = boxes[large], scores[large], levels[large]
        kept: Tensor = boxes[batched_nms(boxes, scores, levels, self._rpn.nms_thresh)[: self._rpn.post_nms_top_n()]]
        return kept

    def _pool(self, batch: Tensor, maps: Sequence[Tensor], proposals: Sequence[Tensor]) -> Tensor:
        """RoIAlign on the level that fits each region (Lin et al. 2016, arXiv 1612.03144, equation 1): R x (49 C)."""
        pool = self._roi.box_roi_pool
        maps = list(maps[: len(pool.featmap_names)])
        strides = [batch.shape[2] // m.shape[2] for m in maps]
        lowest, highest = strides[0].bit_length() - 1, strides[-1].bit_length() - 1
        boxes = torch.cat(list(proposals))
        side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
        wanted = torch.floor(pool.canonical_level + torch.log2(side / pool.canonical_scale) + 1e-6)
        level = wanted.clamp(lowest, highest).long() - lowest
        photo = torch.repeat_interleave(torch.tensor([len(p) for p in proposals])).to(self.device)
        return roi_align(maps, strides, boxes, photo, level, cells=pool.output_size[0], samples=pool.sampling_ratio)
