"""Faster R-CNN (Ren et al. 2015, arXiv 1506.01497) with FPN (Lin et al. 2017, arXiv 1612.03144), built on torchvision."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, mobilenet_backbone, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.resnet import BasicBlock
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from deepstyle.config import DetectorConfig
from deepstyle.errors import ModelError

ASPECTS = (0.5, 1.0, 2.0)  # height / width of the anchors


def _stage(inputs: int, outputs: int, stride: int) -> BasicBlock:
    """One residual block (He et al. 2015, arXiv 1512.03385) that may halve the resolution."""
    change = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, change if stride != 1 or inputs != outputs else None)


def small_backbone(width: int) -> BackboneWithFPN:
    """A ten-layer residual network for CPUs with an FPN on strides 8, 16 and 32.

    Input NCHW float32, normalised; output maps of ``3 * width`` channels.
    """
    body = nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(nn.Conv2d(3, width, 5, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
            stage1=_stage(width, width, 2),  # stride 4
            stage2=_stage(width, 2 * width, 2),  # stride 8
            stage3=nn.Sequential(_stage(2 * width, 4 * width, 2), _stage(4 * width, 4 * width, 1)),  # stride 16
            stage4=nn.Sequential(_stage(4 * width, 8 * width, 2), _stage(8 * width, 8 * width, 1)),  # stride 32
        )
    )
    channels = [2 * width, 4 * width, 8 * width]
    return BackboneWithFPN(body, {"stage2": "0", "stage3": "1", "stage4": "2"}, channels, 3 * width)


def _backbone(config: DetectorConfig, *, download: bool) -> BackboneWithFPN:
    norm = FrozenBatchNorm2d if config.pretrained else nn.BatchNorm2d
    if config.backbone == "small":
        return small_backbone(config.width)
    try:
        if config.backbone == "mobilenet":
            weights = MobileNet_V3_Large_Weights.IMAGENET1K_V2 if download else None
            found: BackboneWithFPN = mobilenet_backbone(
                backbone_name="mobilenet_v3_large", weights=weights, fpn=True, norm_layer=norm,
                trainable_layers=3 if config.pretrained else 6,
            )  # fmt: skip
            return found
        weights = ResNet50_Weights.IMAGENET1K_V2 if download else None
        return resnet_fpn_backbone(
            backbone_name="resnet50", weights=weights, norm_layer=norm, trainable_layers=3 if config.pretrained else 5
        )
    except OSError as error:
        raise ModelError(
            f"pretrained=true: the ImageNet backbone cannot be downloaded ({error}); use --set pretrained=false"
        ) from error


def build_network(config: DetectorConfig, labels: int, *, download: bool = False) -> FasterRCNN:
    """A Faster R-CNN for ``labels`` garment labels (background is added). ``download`` fetches a pretrained backbone."""
    backbone = _backbone(config, download=download and config.pretrained)
    channels = int(backbone.out_channels)
    if config.backbone == "r50":
        sizes: tuple[tuple[int, ...], ...] = ((32,), (64,), (128,), (256,), (512,))
        heads: dict[str, nn.Module] = {}
    elif config.backbone == "mobilenet":
        sizes = ((32, 64, 128, 256, 512),) * 3
        heads = {}
    else:
        sizes = ((32, 64), (96, 128), (192, 256), (320, 448))
        pool = MultiScaleRoIAlign(featmap_names=["0", "1", "2"], output_size=7, sampling_ratio=1)
        heads = {
            "box_roi_pool": pool, "box_head": TwoMLPHead(channels * 49, 8 * config.width),
            "box_predictor": FastRCNNPredictor(8 * config.width, labels + 1),
        }  # fmt: skip
    return FasterRCNN(
        backbone, None if heads else labels + 1, min_size=config.image_size, max_size=config.max_size,
        rpn_anchor_generator=AnchorGenerator(sizes, (ASPECTS,) * len(sizes)),
        rpn_pre_nms_top_n_train=min(2000, 4 * config.proposals), rpn_post_nms_top_n_train=2 * config.proposals,
        rpn_pre_nms_top_n_test=2 * config.proposals, rpn_post_nms_top_n_test=config.proposals,
        rpn_batch_size_per_image=128, box_batch_size_per_image=config.box_samples, box_positive_fraction=0.25,
        box_detections_per_img=20, box_score_thresh=0.02, **heads,
    )  # fmt: skip


def targets_to(device: torch.device, targets: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Move detection targets (boxes float32 K x 4, labels int64 K) to a device."""
    return [{key: value.to(device) for key, value in target.items()} for target in targets]
