"""Bytes -> whether they are a photo to keep: format, size in pixels, hashes (pure)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from deepstyle import images
from deepstyle.config import ScrapeConfig
from deepstyle.errors import ImageError
from deepstyle.looks import Looks

HASHED = 128  # pixels: shorter side that the hash needs; a JPEG is decoded at 1/2, 1/4 or 1/8 where that has it


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What bytes are. ``outcome`` is ``ok``, ``too-small``, or what ``images.py`` says is wrong; ``looks`` only if decoded."""

    outcome: str
    data: bytes
    sha256: str
    info: images.ImageInfo | None = None
    looks: Looks | None = None
    detail: str = ""


def check(data: bytes, config: ScrapeConfig, known: Container[str]) -> Checked:
    """Look at a photo's bytes; those whose hash is ``known`` are not decoded again."""
    digest = images.sha256(data)
    try:
        info, looks = images.inspect(
            data, max_pixels=config.max_pixels, at_least=HASHED,
            wanted=lambda info: min(info.width, info.height) >= config.min_side and digest not in known,
        )  # fmt: skip
        if min(info.width, info.height) < config.min_side:
            size = f"{info.width} x {info.height} pixels"
            return Checked(outcome="too-small", data=data, sha256=digest, info=info, detail=size)
    except ImageError as error:
        return Checked(outcome=error.reason, data=data, sha256=digest, detail=str(error))
    return Checked(outcome="ok", data=data, sha256=digest, info=info, looks=looks)
