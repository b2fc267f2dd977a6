"""Faster R-CNN (Ren et al. 2015, arXiv 1506.01497) with FPN (Lin et al. 2017, arXiv 1612.03144), built on torchvision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, mobilenet_backbone, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from deepstyle import lite, weights
from deepstyle.backbone import small_body
from deepstyle.config import DetectorConfig
from deepstyle.errors import ConfigError, ModelError

LAST = "roi_heads.box_predictor."  # the layer that tells the labels
ASPECTS = (0.5, 1.0, 2.0)  # height / width of the anchors
IMAGENET = {
    "lite0": "efficientnet_lite0",
    "mobilenet": "mobilenet_v3_large",
    "r50": "resnet50",
    "r50-v2": "resnet50",
}  # backbone -> what pretrained.py calls its network
DETAIL = 4  # stride of the map that mask heads see beside the pyramid's finest
UNKNOWN = 255  # in a parsing map: nobody marked what this pixel shows


def small_backbone(width: int) -> BackboneWithFPN:
    """The small body of ``deepstyle.backbone`` with an FPN on strides 8, 16 and 32; maps of ``3 * width`` channels."""
    channels = [2 * width, 4 * width, 8 * width]
    return BackboneWithFPN(small_body(width), {"stage2": "0", "stage3": "1", "stage4": "2"}, channels, 3 * width)


def lite0_backbone(width: int, frozen: int) -> BackboneWithFPN:
    """EfficientNet-Lite0 with an FPN on strides 8, 16 and 32; its first ``frozen`` stages are not trained."""
    body = lite.lite0_body()
    lite.freeze(body, frozen)
    return BackboneWithFPN(body, {"stage3": "0", "stage5": "1", "stage7": "2"}, list(lite.CHANNELS), 3 * width)


def _backbone(config: DetectorConfig) -> BackboneWithFPN:
    norm = FrozenBatchNorm2d if config.pretrained and config.backbone != "r50-v2" else nn.BatchNorm2d
    if config.backbone == "small":
        return small_backbone(config.width)
    if config.backbone == "lite0":
        return lite0_backbone(config.width, config.frozen_stages)
    if config.backbone == "mobilenet":
        layers = 3 if config.pretrained else 6
        return mobilenet_backbone(
            backbone_name=IMAGENET["mobilenet"], weights=None, fpn=True, norm_layer=norm, trainable_layers=layers
        )
    layers = 3 if config.pretrained else 5
    return resnet_fpn_backbone(
        backbone_name=IMAGENET[config.backbone], weights=None, norm_layer=norm, trainable_layers=layers
    )


def maps_of(backbone: BackboneWithFPN, batch: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The body's last map of stride ``DETAIL`` or less, and the maps of the pyramid, the finest first; NCHW.

    What the backbone's own ``forward`` does, which keeps no map that is not the pyramid's.
    """
    named, detail, seen = backbone.body.return_layers, batch, batch
    kept: OrderedDict[str, Tensor] = OrderedDict()
    for name, layer in backbone.body.items():
        seen = layer(seen)
        if DETAIL * seen.shape[2] >= batch.shape[2]:
            detail = seen
        if name in named:
            kept[named[name]] = seen
    return detail, list(backbone.fpn(kept).values())


@torch.no_grad()
def mask_channels(backbone: BackboneWithFPN) -> tuple[int, int]:
    """Channels of the map of detail and of the pyramid's maps."""
    trained = backbone.training
    detail, maps = maps_of(backbone.eval(), next(backbone.parameters()).new_zeros(1, 3, 64, 64))
    backbone.train(trained)
    return detail.shape[1], maps[0].shape[1]


def imagenet_name(config: DetectorConfig) -> str:
    """What torchvision calls the network whose ImageNet weights a pretrained backbone starts from. Raises ConfigError."""
    if config.backbone not in IMAGENET:
        raise ConfigError(f"backbone {config.backbone}: torchvision has no weights for it; use --set pretrained=false")
    return IMAGENET[config.backbone]


def start_from_imagenet(network: FasterRCNN, state: Mapping[str, Tensor]) -> None:
    """Fill the backbone's body from the state dict of torchvision's classifier. Raises ModelError when it is of another."""
    if lite.is_published(state):
        body = lite.from_published(state)
    else:
        named = {name.removeprefix("features."): value for name, value in state.items()}
        body = {name: value for name, value in named.items() if not name.startswith(("fc.", "classifier."))}
    weights.fill(network.backbone.body, body, origin="the ImageNet weights")


def build_network(config: DetectorConfig, labels: int) -> FasterRCNN:
    """A Faster R-CNN for ``labels`` garment labels (background is added), with random weights."""
    backbone = _backbone(config)
    channels = int(backbone.out_channels)
    sizes: tuple[tuple[int, ...], ...] = ((32,), (64,), (128,), (256,), (512,))
    heads: dict[str, nn.Module] = {}
    if config.backbone == "mobilenet":
        sizes = ((32, 64, 128, 256, 512),) * 3
    elif config.backbone == "r50-v2":
        heads = {  # Li et al. 2021, arXiv 2111.11429: a deeper RPN head, convolutions in the box head
            "rpn_head": RPNHead(channels, len(ASPECTS), conv_depth=2),
            "box_head": FastRCNNConvFCHead((channels, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d),
        }
    elif config.backbone in {"small", "lite0"}:
        sizes = ((32, 64), (96, 128), (192, 256), (320, 448))
        heads = {
            "box_roi_pool": MultiScaleRoIAlign(featmap_names=["0", "1", "2"], output_size=7, sampling_ratio=1),
            "box_head": TwoMLPHead(channels * 49, 8 * config.width),
            "box_predictor": FastRCNNPredictor(8 * config.width, labels + 1),
        }
    return FasterRCNN(
        backbone, None if "box_predictor" in heads else labels + 1, min_size=config.image_size, max_size=config.max_size,
        rpn_anchor_generator=AnchorGenerator(sizes, (ASPECTS,) * len(sizes)),
        rpn_pre_nms_top_n_train=min(2000, 4 * config.proposals), rpn_post_nms_top_n_train=2 * config.proposals,
        rpn_pre_nms_top_n_test=2 * config.proposals, rpn_post_nms_top_n_test=config.proposals,
        rpn_batch_size_per_image=128, box_batch_size_per_image=config.box_samples, box_positive_fraction=0.25,
        box_detections_per_img=30, box_score_thresh=0.01, box_nms_thresh=config.nms,
        image_mean=lite.MEAN if config.backbone == "lite0" else None,
        image_std=lite.STD if config.backbone == "lite0" else None, **heads,
    )  # fmt: skip


def start_from(network: FasterRCNN, folder: Path) -> bool:
    """Fill a network from another model's folder: all of it from a detector's, the small trunk from a classifier's.

    A detector of other labels gives all but its last layer, which keeps the weights that it has: then False.
    Raises ModelError when the two do not fit.
    """
    path = folder / "weights.safetensors"
    state = weights.read_weights(path)
    if any(key.startswith("backbone.") for key in state):
        own = network.state_dict()
        last = {key for key in own.keys() & state.keys() if key.startswith(LAST) and own[key].shape != state[key].shape}
        try:
            weights.fill(
                network, {key: own[key] if key in last else value for key, value in state.items()}, origin=str(path)
            )
        except ModelError as error:
            raise ModelError(f"--start-from: {error}; take its settings: --config {folder / 'config.yaml'}") from error
        return not last
    trunk = {key.removeprefix("body."): value for key, value in state.items() if key.startswith("body.")}
    if not trunk:
        raise ModelError(f"{path}: holds no small trunk; train one with train-classifier --set network=small")
    weights.fill(network.backbone.body, trunk, origin=str(path))
    return True


def _exact(_: nn.Module, __: Any, outputs: tuple[Any, Any]) -> tuple[Any, Any]:
    """Bring what a head says of boxes to float32.

    torchvision computes anchors, targets and boxes in the type of its features; in bfloat16 that is 2 pixels in 500.
    """
    first, second = (
        [part.float() for part in parts] if isinstance(parts, list) else parts.float() for parts in outputs
    )
    return first, second


class DetectorInTraining(nn.Module):
    """A Faster R-CNN together with what only its training needs: forward gives the losses.

    Beside the four losses of Faster R-CNN there is ``parsing``: a 1 x 1 convolution on the finest FPN map tells the category
    of each cell of 8 x 8 pixels, by cross-entropy, where the target's map knows it. Pixels teach where a garment ends
    far more densely than boxes do; the idea is that of Mask R-CNN (He et al. 2017, arXiv 1703.06870, table 8: boxes gain
    from masks). The head is thrown away after training. Off by default: on Clothing Co-Parsing it gained nothing (docs/log.md).
    """

    def __init__(self, detector: FasterRCNN, categories: int, weight: float) -> None:
        super().__init__()
        self.detector, self.weight = detector, weight
        self.parsing = nn.Conv2d(int(detector.backbone.out_channels), categories + 1, 1) if categories else None
        for head in (detector.rpn.head, detector.roi_heads.box_predictor):
            head.register_forward_hook(_exact)

    def forward(self, photos: list[Tensor], targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses by name, for photos (CHW float32 in [0, 1]) and targets (boxes, labels, map; see photos.py)."""
        detector = self.detector
        images, boxes = detector.transform(photos, [{key: t[key] for key in ("boxes", "labels")} for t in targets])
        features = {name: found.float() for name, found in detector.backbone(images.tensors).items()}
        losses: dict[str, Tensor]
        proposals, losses = detector.rpn(images, features, boxes)
        losses |= detector.roi_heads(features, proposals, images.image_sizes, boxes)[1]
        if self.parsing is not None:
            seen = self.parsing(features["0"])  # N x categories + 1 x H/8 x W/8
            cells = parsing_target([t["map"] for t in targets], seen.shape[2], seen.shape[3])
            total = F.cross_entropy(seen.float(), cells, ignore_index=UNKNOWN, reduction="sum")
            losses["loss_parsing"] = self.weight * total / (cells != UNKNOWN).sum().clamp(min=1)
        return losses


def parsing_target(maps: list[Tensor], height: int, width: int) -> Tensor:
    """Maps (uint8 H x W) -> int64 N x ``height`` x ``width`` cells of 8 x 8 pixels; ``UNKNOWN`` where a photo was padded."""
    cells = torch.full((len(maps), height, width), UNKNOWN, dtype=torch.int64, device=maps[0].device)
    for row, categories in zip(cells, maps, strict=True):
        middles = categories[4::8, 4::8]
        row[: middles.shape[0], : middles.shape[1]] = middles
    return cells


def targets_to(device: torch.device, targets: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Move detection targets to a device."""
    return [{key: value.to(device) for key, value in target.items()} for target in targets]
