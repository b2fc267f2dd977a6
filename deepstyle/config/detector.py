"""How detectors and their mask heads are built and trained (pure)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from deepstyle.config.base import MANY, Config, Minutes, Precision, PretrainedFrom, Seed


class DetectorConfig(Config):
    """How the garment detector is built and trained.

    Presets: mobilenet-320, r50-fpn, r50-fpn-v2, small-256, small-320, small-wide-256, lite0-256.
    """

    default_preset: ClassVar[str] = "mobilenet-320"
    kind: Literal["detector"] = "detector"
    backbone: Literal["lite0", "mobilenet", "r50", "r50-v2", "small"] = Field(
        "mobilenet", description="MobileNetV3-Large, ResNet-50, the same with deeper heads (v2), or our small network"
    )
    width: int = Field(
        32,
        ge=8,
        le=256,
        description="channels: the small backbone's first stage; a third of lite0's pyramid; others ignore it",
    )
    pretrained: bool = Field(False, description="start from an ImageNet backbone (torchvision's are downloaded)")
    pretrained_from: PretrainedFrom = ""
    start_from: str = Field(
        "",
        description="model (name or folder) to start from: a detector of the same layers, or a small classifier's trunk",
    )
    parsing: float = Field(
        0.0, ge=0, le=10, description="factor: weight of the per-pixel loss, where annotations have masks; 0: off"
    )
    image_size: int = Field(320, ge=64, le=2048, description="pixels: shorter side the network sees")
    max_size: int = Field(640, ge=64, le=4096, description="pixels: longer side the network sees, at most")
    proposals: int = Field(150, ge=10, le=2000, description="proposals: boxes per photo that the first stage hands on")
    nms: float = Field(
        0.5,
        gt=0,
        le=1,
        description="IoU: overlap from which the surer of two detections of a label suppresses the other",
    )
    soft_nms: float = Field(
        0.0,
        ge=0,
        le=10,
        description="sigma: of soft suppression: the smaller, the more score overlapping detections lose; 0: off",
    )
    box_voting: float = Field(
        0.0, ge=0, le=1, description="IoU: overlap from which detections of a label average their corners; 0: off"
    )
    box_samples: int = Field(
        48, ge=4, le=1024, description="proposals: boxes per photo that the second stage trains on"
    )
    batch_size: int = Field(8, ge=1, le=256, description="photos: batch of one step")
    images: int = Field(20_000, ge=1, le=MANY, description="photos: training photos to see, repeats counted")
    minutes: Minutes = None
    lr: float = Field(2e-3, gt=0, le=1, description="rate: peak learning rate of AdamW")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="factor: AdamW's pull of the weights towards 0")
    warmup: int = Field(500, ge=0, le=MANY, description="photos: first ones, over which the learning rate rises")
    ema: float = Field(
        0.998, ge=0, lt=1, description="factor: decay per step of the weights' moving average, less at first; 0: off"
    )
    clip_norm: float = Field(10.0, gt=0, le=MANY, description="norm: largest gradient, longer ones are shortened to it")
    colour_jitter: float = Field(
        0.2, ge=0, le=1, description="share: most that brightness, contrast, saturation change"
    )
    scale_jitter: float = Field(0.2, ge=0, lt=1, description="share: largest relative zoom; 0: off")
    light_jitter: float = Field(0.0, ge=0, le=1, description="share: photos shown in low or coloured light, or blurred")
    mosaic: float = Field(
        0.0, ge=0, le=1, description="share: photos shown with three others, each a quarter of the view"
    )
    frozen_stages: int = Field(2, ge=0, le=7, description="stages: the first of lite0's seven that are not trained")
    backbone_lr: float = Field(1.0, gt=0, le=1, description="share: the body's learning rate, of the others'")
    evaluate_every: int = Field(5_000, ge=1, le=MANY, description="photos: trained on from one validation to the next")
    precision: Precision = "auto"
    seed: Seed = 0


class Detectron2Config(Config):
    """How a detectron2 detector is trained. Presets ``detectron2-r50-fpn``, ``detectron2-r101-fpn``, ``detectron2-x101-fpn``.

    What is not here stands in ``yaml``, detectron2's own settings.
    """

    default_preset: ClassVar[str] = "detectron2-r50-fpn"
    kind: Literal["detector"] = "detector"
    backend: Literal["detectron2"] = Field(
        "detectron2", description="what tells this kind of detector from torchvision's"
    )
    yaml: str = Field("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", description="a yaml file, or a model zoo name")
    weights: str | None = Field(
        None, description="file or address of weights to start from; yaml: those it names; null: from scratch"
    )
    image_size: int = Field(800, ge=64, le=2048, description="pixels: shorter side the network sees")
    max_size: int = Field(1333, ge=64, le=4096, description="pixels: longer side the network sees, at most")
    batch_size: int = Field(2, ge=1, le=256, description="photos: batch of one update")
    images: int = Field(720_000, ge=1, le=MANY, description="photos: training photos to see, repeats counted")
    minutes: Minutes = None
    lr: float = Field(2.5e-3, gt=0, le=1, description="rate: learning rate of SGD (BASE_LR)")
    steps: tuple[int, ...] = Field(
        (240_000, 320_000), description="updates: after each of which the rate falls to a tenth"
    )
    warmup: int = Field(
        1_000, ge=0, le=MANY, description="updates: first ones, over which the rate rises from a thousandth"
    )
    colour_jitter: float = Field(
        0.0, ge=0, le=1, description="share: most that brightness, contrast, saturation change"
    )
    scale_jitter: float = Field(0.0, ge=0, lt=1, description="share: largest relative zoom; 0: off")
    evaluate_every: int = Field(20_000, ge=1, le=MANY, description="photos: trained on from one validation to the next")
    seed: Seed = 0


class MaskConfig(Config):
    """How the mask head of a finished detector is built and trained. Preset ``masks``."""

    default_preset: ClassVar[str] = "masks"
    kind: Literal["masks"] = "masks"
    width: int = Field(
        64, ge=4, le=512, description="channels: the head's finest layers; the others have twice as many"
    )
    batch_size: int = Field(4, ge=1, le=256, description="photos: batch of one step")
    images: int = Field(8_000, ge=1, le=MANY, description="photos: training photos to see, repeats counted")
    minutes: Minutes = None
    lr: float = Field(2e-3, gt=0, le=1, description="rate: peak learning rate of AdamW")
    weight_decay: float = Field(0.01, ge=0, le=1, description="factor: AdamW's pull of the weights towards 0")
    warmup: int = Field(200, ge=0, le=MANY, description="photos: first ones, over which the learning rate rises")
    overlap: float = Field(
        3.0,
        ge=0,
        le=100,
        description="factor: weight of the shapes' overlap in the loss, beside their cells'; 0: cells alone",
    )
    boxes: int = Field(
        2, ge=1, le=64, description="boxes: shown of each garment per visit, each moved by another jitter"
    )
    box_jitter: float = Field(0.1, ge=0, lt=0.5, description="share: of a box's side, most that a corner is moved by")
    colour_jitter: float = Field(
        0.3, ge=0, le=1, description="share: most that brightness, contrast, saturation change"
    )
    scale_jitter: float = Field(0.3, ge=0, lt=1, description="share: largest relative zoom; 0: off")
    light_jitter: float = Field(
        0.25, ge=0, le=1, description="share: photos shown in low or coloured light, or blurred"
    )
    evaluate_every: int = Field(2_000, ge=1, le=MANY, description="photos: trained on from one validation to the next")
    precision: Precision = "auto"
    seed: Seed = 0
