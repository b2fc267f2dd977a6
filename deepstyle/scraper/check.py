"""Bytes -> whether they are a photo to keep: format, size in pixels, hashes (pure)."""

from __future__ import annotations

import threading
from collections.abc import Container
from contextlib import nullcontext
from dataclasses import dataclass

from deepstyle import images
from deepstyle.config import ScrapeConfig
from deepstyle.errors import ImageError

LARGE = 16_000_000  # pixels: decoded, larger photos fill much memory, so they are decoded one at a time
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What bytes are. ``outcome`` is ``ok``, ``too-small``, or what ``images.py`` says is wrong; ``dhash`` only if decoded."""

    outcome: str
    data: bytes
    sha256: str
    info: images.ImageInfo | None = None
    dhash: str = ""
    detail: str = ""


def check(data: bytes, config: ScrapeConfig, known: Container[str]) -> Checked:
    """Look at a photo's bytes; those whose hash is ``known`` are not decoded again."""
    digest = images.sha256(data)
    try:
        info = images.probe(data, max_pixels=config.max_pixels)
        if min(info.width, info.height) < config.min_side:
            size = f"{info.width} x {info.height} pixels"
            return Checked(outcome="too-small", data=data, sha256=digest, info=info, detail=size)
        if digest in known:
            return Checked(outcome="ok", data=data, sha256=digest, info=info)
        with _one_at_a_time if info.width * info.height > LARGE else nullcontext():
            dhash = images.difference_hash(images.decode(data, max_pixels=config.max_pixels))
    except ImageError as error:
        return Checked(outcome=error.reason, data=data, sha256=digest, detail=str(error))
    return Checked(outcome="ok", data=data, sha256=digest, info=info, dhash=dhash)
