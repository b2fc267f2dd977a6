"""What `deepstyle crop` does: the detector, the marks, the cut (loop).

It imports nothing of training, which is 100 MB less, and torch only when there is a photo to look at.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.config import CropConfig, to_yaml
from deepstyle.crop.cut import CropSummary, crop
from deepstyle.crop.marks import apply_marks
from deepstyle.crop.rules import RULES
from deepstyle.detector.find import LateDetector, find_detector
from deepstyle.files import put_file
from deepstyle.progress import Reporter

ARENA_MAX = -8  # glibc's M_ARENA_MAX
ARENAS = 1


def crop_photos(
    catalog: Catalog, config: CropConfig, *, reporter: Reporter, detector: str | None = None,
    exclude: Path | None = None, include: Path | None = None,
) -> CropSummary:  # fmt: skip
    """Cut the garments out of every photo with the named (or newest) detector; ``exclude``, ``include``: lists of marks."""
    _few_arenas()
    put_file(catalog.path(RULES), to_yaml(config).encode())
    named = sum(catalog.tags.counts(CATEGORY).values())
    model = LateDetector(find_detector(catalog, detector), engine=config.engine)
    for what, number in apply_marks(catalog, model.name, exclude=exclude, include=include, reporter=reporter).items():
        reporter.say(f"{number} garments {what}")
    summary = crop(catalog, model, config, reporter=reporter)
    if gone := named - sum(catalog.tags.counts(CATEGORY).values()):
        reporter.say(
            f"{gone:,} garments have lost their category, since their pictures changed; `deepstyle tag` names it again"
        )
    return summary


def _few_arenas() -> None:
    """Let glibc hand out memory from two places instead of one per thread: each keeps the most that its threads ever used.

    To be called before threads start; systems without glibc are left alone.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(ARENA_MAX, ARENAS)
