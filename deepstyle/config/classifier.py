"""How classifiers and taggers are built and trained (pure)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from deepstyle.config.base import MANY, Config, Minutes, Precision, PretrainedFrom, Seed


class NetworkConfig(Config):
    """What classifier and tagger share: how their networks are built and trained."""

    kind: str = ""
    network: str = Field(
        "resnet18",
        pattern=r"^(timm/)?[A-Za-z0-9_.]+$",
        description="small, which a small detector can start from; lite0, the one that ships; any of torchvision's "
        "(resnet18, convnext_tiny, ...); timm/NAME for any of timm's, with deepstyle[timm]",
    )
    width: int = Field(
        32, ge=8, le=256, description="channels: width of the small network's first stage; others ignore it"
    )
    pretrained: bool = Field(False, description="start from ImageNet weights (torchvision's are downloaded)")
    pretrained_from: PretrainedFrom = ""
    image_size: int = Field(96, ge=32, le=512, description="pixels: side of the square the network sees")
    fit: Literal["pad", "plain", "mean", "stretch", "cover"] = Field(
        "pad",
        description="how a photo becomes it: padded with its edge, its ground's colour or its mean colour; stretched; cut",
    )
    batch_size: int = Field(32, ge=1, le=4096, description="images: batch of one step")
    images: int = Field(40_000, ge=1, le=MANY, description="images: training images to see, repeats counted")
    minutes: Minutes = None
    lr: float = Field(3e-3, gt=0, le=1, description="rate: peak learning rate of AdamW (one cycle)")
    backbone_lr: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share: the rate of the body's last stage, of the last layer's; its first stage has the square of it",
    )
    frozen_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share: part of the run in which the last layer alone learns (fine-tuning); 0: none, 1: all of it",
    )
    weight_decay: float = Field(0.05, ge=0, le=1, description="factor: AdamW's pull of the weights towards 0")
    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="share: part of each target that goes to all labels alike"
    )
    balance: float = Field(
        0.0, ge=0, le=1, description="exponent: how much rare labels weigh more; 0: not, 1: all labels weigh the same"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="factor: decay per step of the weights' moving average, less at first; 0: off"
    )
    validation_share: float = Field(
        0.1, gt=0, lt=0.9, description="share: part of the groups held out when no split is given"
    )
    exclude: tuple[str, ...] = Field((), description="labels left out of training")
    tta: Literal["none", "mirror", "ten", "eighteen"] = Field(
        "mirror",
        description="views of an image whose mean is judged at the end and in use: itself, and its mirror image, ten crops "
        "(corners, middle, mirrored), or eighteen (three by three, mirrored)",
    )
    precision: Precision = "auto"
    seed: Seed = 0


class ClassifierConfig(NetworkConfig):
    """How the category classifier is built and trained. Preset ``classifier-96``."""

    default_preset: ClassVar[str] = "classifier-96"
    kind: Literal["classifier"] = "classifier"
    mix: Literal["none", "mixup", "cutmix"] = Field(
        "none", description="blend pairs of training images, or put a patch of one into the other; and their labels"
    )


class TaggerConfig(NetworkConfig):
    """How the tagger is built and trained. Preset ``tagger-96``."""

    default_preset: ClassVar[str] = "tagger-96"
    kind: Literal["tagger"] = "tagger"
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share: how far targets are from yes and no")
    balance: float = Field(
        0.5,
        ge=0,
        le=1,
        description="exponent: how much a rare tag's photos weigh more; 0: not, 1: as the others together",
    )
    groups: dict[str, tuple[str, ...]] = Field(
        {}, description="groups of tags, each with a head of its own: {colour: [black, red], ...}; others are one group"
    )
    backbones: Literal["shared", "separate"] = Field(
        "shared",
        description="one network under all groups' heads, or one for each group: as many times slower and larger",
    )
    hidden: int = Field(0, ge=0, le=4096, description="numbers: of a head's inner layer; 0: a head is one layer")
    least_share: float = Field(
        0.01,
        ge=0,
        lt=0.5,
        description="share: of the training photos that must have a tag, and lack it; others are dropped",
    )
