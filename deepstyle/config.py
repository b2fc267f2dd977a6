"""One road for configuration: preset -> file -> ``--set`` -> one frozen object, printed, saved with the run, passed down.

Every setting has a description, which `deepstyle settings` shows; a number's opens with its unit ("pixels: ..."). Every
number has a bound; a bad one is refused by name before slow work starts.

Longer than other files because it is the one list of every setting.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from deepstyle.errors import ConfigError, InputError
from deepstyle.files import exists, read_regular, reason, shown

Precision = Annotated[
    Literal["auto", "32", "bf16"],
    Field(description="auto: bfloat16 where the processor computes in it, else float32; or one of these always"),
]
Seed = Annotated[int, Field(ge=0, lt=2**31, description="number: seed of every random choice")]
Minutes = Annotated[
    float | None, Field(gt=0, le=60 * 24 * 30, description="minutes: wall-clock budget; null: no limit")
]


VALUES = frozenset({"runway-houses"})  # files in configs/ that fill templates and are no presets
MOST = 100_000  # bytes of a config file; ours have 3,000 at most
GROUNDS = ("keep", "blur", "remove")  # what can become of a background, besides a colour
MANY = 10**12  # bound of counts that may be as large as anybody likes: no number is without one


class Config(BaseModel):
    """Common ground of all stages: frozen, no unknown keys, a default preset shipped in ``configs/``."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    default_preset: ClassVar[str]


class ScrapeConfig(Config):
    """How a gallery is crawled. Preset ``scrape``."""

    default_preset: ClassVar[str] = "scrape"
    kind: Literal["scrape"] = "scrape"
    rate: float = Field(
        4.0,
        gt=0,
        le=1000,
        description="requests/s: most asked of one host; a site's Crawl-delay wins where it is slower",
    )
    connections: int = Field(4, ge=1, le=64, description="connections: most at a time to one host")
    user_agent: str = Field(
        "deepstyle/0.1 (+https://github.com/deepstyle/deepstyle)",
        min_length=3,
        description="what sites are told of who asks",
    )
    contact: str = Field(
        "",
        max_length=200,
        pattern=r"^[\x20-\x7e]*$",
        description="mail or web address of yours; sites are told it in the User-Agent (--contact)",
    )
    headers: dict[str, str] = Field(
        {}, description="names and values: headers sent to the hosts of the URLs that were given (--header)"
    )
    cookies: str = Field("", description="Netscape cookies.txt of the sites' cookies (--cookies); empty: none")
    proxy: str = Field("", description="http(s) proxy's address (--proxy); empty: none, whatever the environment says")
    render: bool = Field(False, description="run pages' scripts in a headless Chromium (--render)")
    also_hosts: tuple[str, ...] = Field((), description="hosts whose pages are visited, too (--also-host)")
    connect_timeout: float = Field(10, gt=0, le=300, description="seconds: time in which a connection must stand")
    read_timeout: float = Field(20, gt=0, le=600, description="seconds: silence after which an answer is given up")
    deadline: float = Field(60, gt=0, le=3600, description="seconds: time one whole response may take")
    retries: int = Field(3, ge=0, le=20, description="tries: repeats after a 429, 5xx or broken connection")
    max_retry_wait: float = Field(60, ge=0, le=3600, description="seconds: longest Retry-After that is waited for")
    max_redirects: int = Field(5, ge=0, le=30, description="redirects: most followed from one address")
    max_bytes: int = Field(30_000_000, ge=1_000, le=1_000_000_000, description="bytes: largest body, decompressed")
    max_pixels: int = Field(
        64_000_000, ge=10_000, le=1_000_000_000, description="pixels: width times height of the largest photo"
    )
    min_side: int = Field(256, ge=1, le=10_000, description="pixels: shorter side a photo must have")
    max_depth: int = Field(8, ge=0, le=1000, description="links: farthest from the start page")
    max_pages: int = Field(5_000, ge=1, le=10_000_000, description="pages: most that one crawl visits")
    max_photos: int | None = Field(None, ge=1, le=MANY, description="photos: stop after this many; null: all")
    near_distance: int = Field(
        4, ge=0, le=32, description="bits: of a 64-bit hash, that may differ between near duplicates"
    )
    drop_near: bool = Field(False, description="do not keep near duplicates")
    allow_private: bool = Field(False, description="permit loopback and private addresses")

    @property
    def agent(self) -> str:
        """The User-Agent with the contact in it."""
        if not self.contact:
            return self.user_agent
        if self.user_agent.endswith(")"):
            return f"{self.user_agent[:-1]}; {self.contact})"
        return f"{self.user_agent} ({self.contact})"

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[\x20-\x7e\t]*", value):
                raise ValueError(f"{name!r} is no header; write --header 'Name: value'")
        return headers

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: str) -> str:
        if proxy and not re.fullmatch(r"https?://[^\s/?#]+/?", proxy):
            raise ValueError("write it as http://host:port")
        return proxy


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
    pretrained_from: str = Field(
        "", description="mirror's address, or folder, of those weights; empty: torchvision's host"
    )
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
        32, ge=4, le=512, description="channels: the head's finest layers; the others have twice as many"
    )
    batch_size: int = Field(4, ge=1, le=256, description="photos: batch of one step")
    images: int = Field(8_000, ge=1, le=MANY, description="photos: training photos to see, repeats counted")
    minutes: Minutes = None
    lr: float = Field(2e-3, gt=0, le=1, description="rate: peak learning rate of AdamW")
    weight_decay: float = Field(0.01, ge=0, le=1, description="factor: AdamW's pull of the weights towards 0")
    warmup: int = Field(200, ge=0, le=MANY, description="photos: first ones, over which the learning rate rises")
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


class CropConfig(Config):
    """Which detections become garments, and how they are cut. Preset ``crop``."""

    default_preset: ClassVar[str] = "crop"
    kind: Literal["crop"] = "crop"
    labels: tuple[str, ...] = Field((), description="labels to cut; empty: all the detector knows")
    min_score: float = Field(0.5, ge=0, le=1, description="score: confidence from which a detection is cut")
    margin: float = Field(
        0.05, ge=0, le=2, description="share: context added on each side, as a part of the box's side"
    )
    aspect: Literal["tight", "square", "pad-edge", "pad-mean"] = Field(
        "tight", description="the box as it is; a square of the photo around it; padded with its edge or mean colour"
    )
    background: str = Field(
        "keep", description="what is not garment: keep, blur, remove (white), or a colour (green, '#20c040')"
    )
    transparent: bool = Field(False, description="what is not garment is transparent in the file (RGBA)")
    min_side: int = Field(48, ge=1, le=10_000, description="pixels: shorter side that box and margin must have")
    max_overlap: float = Field(
        1.0, ge=0, le=1, description="IoU: overlap a garment may have with a surer one of any label; 1: any"
    )
    max_inside: float = Field(
        1.0, ge=0, le=1, description="share: of the smaller of two garments' boxes, inside that of a surer one; 1: any"
    )
    max_per_label: int | None = Field(
        1,
        ge=1,
        le=MANY,
        description="garments: most per photo and label, surest first (more where a long photo has room for several people); "
        "null: all",
    )
    max_per_photo: int | None = Field(
        None, ge=1, le=MANY, description="garments: most per photo, surest first; null: all"
    )
    batch_size: int = Field(4, ge=1, le=256, description="photos: batch of one forward pass")
    engine: Literal["torch", "openvino"] = Field("torch", description="what runs a torchvision detector")

    @model_validator(mode="after")
    def _ground(self) -> Self:
        if self.background not in GROUNDS:
            from PIL import ImageColor  # here: `--help` must not pay for it

            try:
                ImageColor.getrgb(self.background)
            except ValueError as error:
                raise ValueError(
                    f"background {self.background!r} is none of {', '.join(GROUNDS)}, nor a colour"
                ) from error
        return self


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
    pretrained_from: str = Field(
        "", description="mirror's address, or folder, of those weights; empty: torchvision's host"
    )
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
        lt=1,
        description="share: part of the run in which the last layer alone learns (fine-tuning); 0: none",
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
    hidden: int = Field(0, ge=0, le=4096, description="numbers: of a head's inner layer; 0: a head is one layer")
    least_share: float = Field(
        0.01,
        ge=0,
        lt=0.5,
        description="share: of the training photos that must have a tag, and lack it; others are dropped",
    )


class GanConfig(Config):
    """How the GAN is built and trained.

    Presets: ``dcgan-plus-64`` (the default) to ``-256``, ``dcgan-32`` to ``-256`` (the paper's), ``residual-64``.
    """

    default_preset: ClassVar[str] = "dcgan-plus-64"
    kind: Literal["gan"] = "gan"
    network: Literal["dcgan", "residual"] = Field(
        "dcgan", description="the paper's stack; or residual blocks, skip output"
    )
    size: Literal[32, 64, 128, 256] = Field(64, description="pixels: side of the images")
    latent: int = Field(100, ge=2, le=4096, description="numbers: length of the random vector z")
    width: int = Field(64, ge=4, le=512, description="maps: feature maps of the layer nearest the image (ngf = ndf)")
    upsampling: Literal["transposed", "nearest", "filtered", "mixed"] = Field(
        "transposed",
        description="how dcgan's generator doubles the side: the paper's transposed convolutions; nearest neighbours and "
        "3 x 3 convolutions, which leave no weave; these with a [1, 2, 1] filter; or the first to 16 px, nearest above",
    )
    max_width: int = Field(256, ge=4, le=4096, description="maps: most feature maps of a residual network's layer")
    norm: Literal["batch", "spectral", "none"] = Field("batch", description="what keeps the discriminator in bounds")
    minibatch_stddev: bool = Field(
        False, description="residual: the discriminator sees how much groups of 4 images vary"
    )
    start_from: str = Field(
        "", description="GAN's run or model whose weights it starts from (--from); empty: random ones"
    )
    condition: Literal["none", "label", "category"] = Field(
        "none", description="tell both networks each garment's label, or the category the classifier gives it"
    )
    loss: Literal["bce", "hinge", "relativistic"] = Field("bce", description="the game's loss")
    r1: float = Field(0.0, ge=0, le=10_000, description="factor: weight of D's squared gradient at real images; 0: off")
    r2: float = Field(0.0, ge=0, le=10_000, description="factor: the same at generated images; 0: off")
    penalty_every: int = Field(1, ge=1, le=1000, description="steps: from one gradient penalty to the next")
    batch_size: int = Field(64, ge=2, le=8192, description="images: real ones in a step, of all processes together")
    images: int = Field(1_000_000, ge=1, le=MANY, description="images: real ones to show, repeats counted")
    minutes: Minutes = None
    lr: float = Field(2e-4, gt=0, le=0.1, description="rate: learning rate of Adam for both networks")
    beta1: float = Field(0.5, ge=0, lt=1, description="factor: Adam's decay of the mean gradient (its momentum)")
    beta2: float = Field(0.999, ge=0, lt=1, description="factor: Adam's decay of the mean squared gradient")
    lr_end: float = Field(
        1.0, gt=0, le=1, description="share: of the learning rate at the end of the budget, by a cosine; 1: it stays"
    )
    beta2_end: float | None = Field(
        None, ge=0, lt=1, description="factor: beta2 at the end of the budget, by the same cosine; null: it stays"
    )
    penalty_end: float = Field(
        1.0, ge=0, le=1, description="share: of r1 and r2 at the end of the budget, by the same cosine; 1: they stay"
    )
    ema_images: float = Field(
        5_000, ge=0, le=MANY, description="images: half-life of the generator's moving average; 0: off"
    )
    ema_ramp: float = Field(
        0.0, ge=0, le=1, description="share: limit of that half-life, as a part of the images seen; 0: none"
    )
    flip: bool = Field(True, description="mirror half of the real images")
    augment: Literal["auto"] | tuple[Literal["color", "translation", "cutout"], ...] = Field(
        "auto", description="DiffAugment policies; auto: translation below 10,000 garments, none above"
    )
    strength: float = Field(
        1.0, ge=0, le=1, description="probability: with which each policy changes an image, at the start"
    )
    strength_end: float | None = Field(
        None, ge=0, le=1, description="probability: strength at the end of the budget, by the cosine; null: it stays"
    )
    ada_target: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="number: mean sign of D at real images that the strength is steered to (ADA); null: it stays",
    )
    ada_images: int = Field(500_000, ge=1, le=MANY, description="images: time in which the strength can go from 0 to 1")
    rollbacks: int = Field(
        3, ge=0, le=100, description="times: returns to a good snapshot, each at half the rate, before giving up"
    )
    compile: bool = Field(False, description="torch.compile both networks (not on steps with a gradient penalty)")
    labels: tuple[str, ...] = Field((), description="garment labels to learn from; empty: all")
    min_score: float = Field(
        0.0, ge=0, le=1, description="score: of the detector, from which a garment is learned from"
    )
    ground: Literal["keep", "plain"] = Field(
        "keep",
        description="what is around a garment: as it was cut; or light grey, along its mask, the aspect kept and garments that "
        "are mostly hidden left out",
    )
    fit: Literal["pad", "plain", "stretch", "cover"] = Field(
        "stretch",
        description="how a garment becomes a square: padded with its edge, padded with the colour of its plain ground, "
        "stretched, or cut to a square",
    )
    snapshot_every: int = Field(
        20_000, ge=1, le=MANY, description="images: seen from one snapshot, and sample grid, to the next"
    )
    keep_snapshots: int = Field(2, ge=1, le=MANY, description="snapshots: latest ones kept on disk")
    grid: int = Field(64, ge=4, le=400, description="samples: images of a grid, of the same seeds each time")
    score_samples: int = Field(
        1_000, ge=16, le=100_000, description="samples: images behind each Frechet distance while training"
    )
    chosen: tuple[str, ...] = Field((), description="settings that train-gan chose by itself")
    chosen_for: int = Field(
        0, ge=0, le=MANY, description="garments: number of them that it chose for; 0: it chose none"
    )
    judge_size: int | None = Field(
        None, ge=32, le=2048, description="pixels: what the classifier sees while training; null: 64 for lite0"
    )
    precision: Precision = "auto"
    seed: Seed = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must not repeat")
        if self.norm == "batch" and self.network == "residual":
            raise ValueError("a residual network has no batch norm: set norm=none or norm=spectral")
        if self.norm == "batch" and (self.r1 or self.r2):
            raise ValueError(
                "r1 and r2 need a gradient per image, batch norm mixes them: set norm=none, or r1=0 and r2=0"
            )
        if self.strength_end is not None and self.ada_target is not None:
            raise ValueError("ada_target and strength_end both move the strength: set one of them to null")
        if self.upsampling != "transposed" and self.network == "residual":
            raise ValueError("a residual network has its own upsampling: set upsampling=transposed")
        if self.minibatch_stddev and (self.network != "residual" or self.batch_size % 4):
            raise ValueError("minibatch_stddev needs network=residual and a batch_size that 4 divides")
        return self


C = TypeVar("C", bound=Config)
KINDS: dict[str, type[Config]] = {  # what a command takes without --config; a detectron2 detector is asked for by name
    "scrape": ScrapeConfig, "detector": DetectorConfig, "masks": MaskConfig, "crop": CropConfig,
    "classifier": ClassifierConfig, "tagger": TaggerConfig, "gan": GanConfig,
}  # fmt: skip


CIRCUMSTANCES = {  # settings that another training, which starts from this one, does not take over
    "images", "minutes", "labels", "min_score", "start_from", "snapshot_every", "keep_snapshots", "grid", "score_samples",
    "judge_size", "rollbacks", "compile", "precision", "seed", "chosen", "chosen_for",
}  # fmt: skip


def presets() -> dict[str, Path]:
    """Every preset shipped with the package: name -> YAML file."""
    folder = Path(str(resources.files("deepstyle") / "configs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.stem not in VALUES}


def load_values(source: str) -> dict[str, tuple[str, ...]]:
    """What fills the gaps of a template: each name's texts, from a shipped file (VALUES) or one's own YAML file."""
    path = Path(str(resources.files("deepstyle") / "configs" / f"{source}.yaml")) if source in VALUES else source
    values = _read(str(path), flag="--values")
    values.pop("kind", None)
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in values.items():
        if not isinstance(texts, list) or not texts or not all(isinstance(one, str | int) for one in texts):
            raise ConfigError(f"--values {source}: {name} must be a list of words, e.g. {name}: [one, two]")
        found[name] = tuple(str(one) for one in texts)
    return found


def detector_kind(source: str | Path | None = None) -> type[DetectorConfig | Detectron2Config]:
    """The class of a detector's preset or YAML file, by its ``backend`` key; torchvision's without one."""
    named = _read(str(source), kind="detector").get("backend") if source is not None else None
    return Detectron2Config if named == "detectron2" else DetectorConfig


def config_of(source: str) -> Config:
    """The config of any preset or YAML file, by its ``kind`` key. Raises ConfigError when it names no stage."""
    kind = _stage(source)
    return load_config(detector_kind(source) if kind == "detector" else KINDS[kind], source)


def _stage(source: str) -> str:
    """What a preset or YAML file is for: a stage, or the training of masks."""
    kind = _read(source).get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"--config {source}: its `kind` must be one of {', '.join(KINDS)}")
    return kind


def load_config(
    kind: type[C], source: str | Path | None = None, overrides: Sequence[str] = (), *, like: Config | None = None
) -> C:
    """Build a config: defaults, then the preset or YAML file ``source``, then ``key=value`` overrides.

    Without ``source`` the settings of ``like`` take the place of the default preset, those of one run's circumstances aside.
    Raises ConfigError naming the preset, file or override, and what would be right.
    """
    name = str(source) if source is not None else kind.default_preset
    expected = kind.model_fields["kind"].default
    if source is None and like is not None:
        values = like.model_dump(mode="json", exclude=CIRCUMSTANCES)
    else:
        values = _read(name, kind=expected)
    if values.get("kind", expected) != expected:
        raise ConfigError(f"--config {name}: this is a {values['kind']} config, the command needs a {expected} one")
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {override}: write it as key=value, e.g. --set batch_size=32")
        values[key.strip()] = _parsed(text, f"--set {override}")
    return build(kind, values, origin=f"--config {name}")


def build(kind: type[C], values: dict[str, Any], *, origin: str) -> C:
    """Validate ``values`` into a config; every wrong key is named in the ConfigError."""
    try:
        return kind.model_validate({**values, **_texts(values)})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'config'}: {_plain(item, kind)}"
            for item in error.errors()
        )
        raise ConfigError(f"{origin}: {problems}") from error


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """YAML reads ``32`` as a number and ``a`` as a text; fields that want a text or a list get one."""
    fixed: dict[str, Any] = {}
    if isinstance(values.get("precision"), int):
        fixed["precision"] = str(values["precision"])
    for key in ("labels", "augment", "exclude", "chosen"):
        if isinstance(values.get(key), str) and values[key] != "auto":
            fixed[key] = [part for part in values[key].replace(",", " ").split() if part]
    return fixed


def _plain(problem: ErrorDetails, kind: type[Config]) -> str:
    key, message = ".".join(map(str, problem["loc"])), problem["msg"]
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, kind.model_fields, n=1)
        return (
            f"unknown key; did you mean {near[0]}?"
            if near
            else f"unknown key; known are {', '.join(kind.model_fields)}"
        )
    return message[0].lower() + message[1:]


def _read(name: str, kind: str = "", flag: str = "--config") -> dict[str, Any]:
    """The keys and values of a preset or YAML file; ``kind``: the stage whose presets a misspelt name is compared with."""
    path = presets().get(name, Path(name))
    if not exists(path):
        known = [preset for preset in presets() if not kind or _read(preset)["kind"] == kind]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(known)}."
        raise ConfigError(
            f"{flag} {shown(name)}: neither a file nor a preset; {hint} `deepstyle settings` tells what they are"
        )
    try:
        values = _parsed(read_regular(path, MOST).decode("utf-8-sig"), f"{flag} {shown(path)}")
    except OSError as error:
        raise ConfigError(f"{flag} {shown(path)}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{flag} {shown(path)}: not valid YAML ({error})") from error
    except InputError as error:
        raise ConfigError(f"{flag} {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{flag} {shown(path)}: must be a mapping of key: value lines")
    return dict(values)


class _Plain(yaml.SafeLoader):
    """YAML without aliases, of which a few lines can stand for a billion values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A value written out; never one that stands elsewhere."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name) stands for a value; write the value itself")
        return super().compose_node(parent, index)


def _parsed(text: str, origin: str) -> Any:
    """The value that a YAML text is. Raises ConfigError whatever is wrong with it."""
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not valid YAML ({' '.join(str(error).split())})") from error
    except RecursionError as error:
        raise ConfigError(f"{origin}: brackets within brackets without end are no value") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:  # PyYAML's of 2020-99-99
        raise ConfigError(f"{origin}: not a value that YAML knows ({error}); put a text in quotes") from error


def to_yaml(config: Config) -> str:
    """The whole config as YAML, in the order of its fields; ``load_config`` reads it back to an equal object."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


class Stages(BaseModel):
    """One config per stage, for commands that run several."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scrape: ScrapeConfig
    detector: DetectorConfig | Detectron2Config
    crop: CropConfig
    classifier: ClassifierConfig
    gan: GanConfig


def load_stages(sources: Sequence[str] = (), overrides: Sequence[str] = ()) -> Stages:
    """Configs of all stages: each source replaces the preset of the stage it is for; overrides are ``stage.key=value``."""
    chosen: dict[str, str] = {}
    for source in sources:
        if (stage := _stage(source)) not in Stages.model_fields:
            raise ConfigError(f"--config {source}: is for none of the stages {', '.join(Stages.model_fields)}")
        chosen[stage] = source
    changes: dict[str, list[str]] = {stage: [] for stage in Stages.model_fields}
    for override in overrides:
        stage, dot, rest = override.partition(".")
        if not dot or stage not in changes:
            raise ConfigError(f"--set {override}: write it as STAGE.KEY=VALUE; stages: {', '.join(changes)}")
        changes[stage].append(rest)
    return Stages(
        scrape=load_config(ScrapeConfig, chosen.get("scrape"), changes["scrape"]),
        detector=load_config(detector_kind(chosen.get("detector")), chosen.get("detector"), changes["detector"]),
        crop=load_config(CropConfig, chosen.get("crop"), changes["crop"]),
        classifier=load_config(ClassifierConfig, chosen.get("classifier"), changes["classifier"]),
        gan=load_config(GanConfig, chosen.get("gan"), changes["gan"]),
    )
