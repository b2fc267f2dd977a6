"""Which detections become garments, and how they are cut (pure)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from deepstyle.config.base import MANY, Config

GROUNDS = ("keep", "blur", "remove")  # what can become of a background, besides a colour


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
                colour = ImageColor.getrgb(self.background)
            except ValueError as error:
                raise ValueError(
                    f"background {self.background!r} is none of {', '.join(GROUNDS)}, nor a colour"
                ) from error
            if colour[3:] not in {(), (255,)}:
                raise ValueError(
                    f"background {self.background!r} is see-through; transparent=true (--transparent) is that"
                )
        return self
