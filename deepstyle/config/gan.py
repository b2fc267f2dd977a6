"""How the GAN is built and trained (pure)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from deepstyle.config.base import MANY, Config, Minutes, Precision, Seed

CIRCUMSTANCES = {  # settings that another training, which starts from this one, does not take over
    "images", "minutes", "labels", "min_score", "start_from", "snapshot_every", "keep_snapshots", "grid", "score_samples",
    "judge_size", "rollbacks", "compile", "precision", "seed", "chosen", "chosen_for",
}  # fmt: skip


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
    upsampling: Literal["transposed", "nearest", "balanced", "filtered", "mixed"] = Field(
        "transposed",
        description="how dcgan's generator doubles the side: the paper's transposed convolutions; nearest neighbours and "
        "3 x 3 convolutions, which leave little weave; these with kernels that weigh both diagonals alike, or with a [1, 2, 1] "
        "filter; or the first to 16 px, nearest above",
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
    updates: Literal["alternating", "simultaneous"] = Field(
        "alternating",
        description="D learns and then G against the new D; or both at once from the same images, which is faster",
    )
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
        if self.updates == "simultaneous" and (self.norm == "batch" or self.minibatch_stddev or self.loss == "hinge"):
            raise ValueError(
                "updates=simultaneous needs a discriminator that looks at each image alone and a smooth loss: set norm=none or "
                "norm=spectral, minibatch_stddev=false, and loss=bce or loss=relativistic; or updates=alternating"
            )
        if self.strength_end is not None and self.ada_target is not None:
            raise ValueError("ada_target and strength_end both move the strength: set one of them to null")
        if self.upsampling != "transposed" and self.network == "residual":
            raise ValueError("a residual network has its own upsampling: set upsampling=transposed")
        if self.minibatch_stddev and (self.network != "residual" or self.batch_size % 4):
            raise ValueError("minibatch_stddev needs network=residual and a batch_size that 4 divides")
        return self
