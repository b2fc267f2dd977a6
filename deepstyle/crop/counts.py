"""What a crop counts while it runs: photos, garments, and photos that could not be opened (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Counts:
    """Photos, detections and what became of garments; ``boxed``: of the cut ones, those whose box is all that is known."""

    photos: int = 0
    failed: int = 0
    detections: int = 0
    cut: int = 0
    kept: int = 0
    removed: int = 0
    excluded: int = 0
    boxed: int = 0


@dataclass(kw_only=True)
class Opening:
    """How photos were opened, for the network or for other rules: how many, how many in vain, and the first of these."""

    tried: int = 0
    unreadable: int = 0  # of those in vain: a read error, which may pass
    recut: int = 0  # of those in vain: other rules asked for
    first: str = ""
    small: int = 0  # photos on which garments are too small to be seen well
