"""The settings of the demo (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from deepstyle.config import Stages, load_stages

GRID_EVERY = 2_500  # images: eight grids and more by the time that drawn garments have outlines (weak.FEW_IMAGES)


def demo_stages(*, images_seen: int, minutes: float, overrides: Sequence[str] = ()) -> Stages:
    """The demo's configs, with ``overrides`` (STAGE.KEY=VALUE) on top; the GAN's other settings are chosen, as by train-gan.

    Fewer samples behind each Frechet distance than usual: a snapshot takes a tenth as long.
    """
    return load_stages(
        ["demo-detector", "classifier-64"],
        [
            "scrape.allow_private=true", "scrape.rate=200", "scrape.min_side=200", "masks.images=3000",
            "masks.evaluate_every=3000", f"gan.minutes={minutes}",
            f"gan.images={images_seen}", f"gan.snapshot_every={GRID_EVERY}", "gan.score_samples=300",
            *overrides,
        ],
    )  # fmt: skip
