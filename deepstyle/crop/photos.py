"""What `deepstyle crop` does: the detector, the marks, the cut. It imports nothing of training: that is 100 MB less (loop)."""

from __future__ import annotations

from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.cut import CropSummary, crop
from deepstyle.crop.marks import apply_marks
from deepstyle.detector.find import find_detector, load_detector
from deepstyle.machine import few_arenas
from deepstyle.progress import Reporter


def crop_photos(
    catalog: Catalog, config: CropConfig, *, reporter: Reporter, detector: str | None = None,
    exclude: Path | None = None, include: Path | None = None,
) -> CropSummary:  # fmt: skip
    """Cut the garments out of every photo with the named (or newest) detector; ``exclude``, ``include``: lists of marks."""
    few_arenas()
    model = load_detector(find_detector(catalog, detector), engine=config.engine)
    for what, number in apply_marks(catalog, model.name, exclude=exclude, include=include, reporter=reporter).items():
        reporter.say(f"{number} garments {what}")
    return crop(catalog, model, config, reporter=reporter)
