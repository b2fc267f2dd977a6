"""What the settings of all stages share (pure)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Annotated[
    Literal["auto", "32", "bf16"],
    Field(description="auto: bfloat16 where the processor computes in it, else float32; or one of these always"),
]
Seed = Annotated[int, Field(ge=0, lt=2**31, description="number: seed of every random choice")]
Minutes = Annotated[
    float | None, Field(gt=0, le=60 * 24 * 30, description="minutes: wall-clock budget; null: no limit")
]
PretrainedFrom = Annotated[
    str, Field(description="mirror's address, or folder, of those weights; empty: torchvision's host")
]

MANY = 10**12  # bound of counts that may be as large as anybody likes: no number is without one


class Config(BaseModel):
    """Common ground of all stages: frozen, no unknown keys, a default preset shipped in ``configs/``."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)
    default_preset: ClassVar[str]
