"""Garments out of photos: crop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.early import tell_gone
from deepstyle.commands.options import Session, build_config, configured, detector_option, json_option, open_catalog
from deepstyle.commands.tables import counts, show


@click.command()
@json_option
@detector_option
@click.option("--label", "labels", multiple=True, help="Cut this label only (may be repeated).")
@click.option("--min-score", type=float, help="Confidence from which a detection is cut.")
@click.option(
    "--per-photo", type=click.Choice(["one", "all"]), help="The surest garment, or all; one a label otherwise."
)
@click.option("--max-overlap", type=float, help="IoU up to which a garment may overlap a surer one; 1: any.")
@click.option("--min-side", type=int, help="Pixels the shorter side must have.")
@click.option("--margin", type=float, help="Context on each side, as a share of the box.")
@click.option("--aspect", type=click.Choice(["tight", "square", "pad-edge", "pad-mean"]),
              help="The box; a square with more of the photo; padded to a square with edge or mean colour.")  # fmt: skip
@click.option("--background", metavar="keep|blur|remove|COLOUR",
              help="What is not garment, along the mask: as it is, blurred, white, or in a colour (green).")  # fmt: skip
@click.option("--transparent", is_flag=True, help="Write it as transparent (RGBA); readers of RGB see white there.")
@click.option("--engine", type=click.Choice(["torch", "openvino"]), help="What runs a torchvision detector.")
@click.option("--review", is_flag=True, help="Also write a page on which bad garments can be marked.")
@click.option("--exclude", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="LIST",
              help="Marked garments (the page saves the list) go, and stay out of later cuts.")  # fmt: skip
@click.option("--include", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="LIST",
              help="Take such marks back.")  # fmt: skip
@configured
@click.pass_obj
def crop(session: Session, /, detector: str | None, per_photo: str | None, review: bool, exclude: Path | None,
         include: Path | None, config: str | None, overrides: tuple[str, ...], dry_run: bool,
         **flags: Any) -> None:  # fmt: skip
    """Find the garments in the photos and cut them out.

    Detections are kept: other rules (labels, score, margin, aspect, ...) cut again without running the network. With nothing
    but --review, --exclude or --include the rules of the last crop stay.

    \b
    Example:
        deepstyle crop --label full --min-score 0.9 --aspect pad-edge
        deepstyle crop --review
        deepstyle crop --exclude ~/Downloads/exclude.txt
    """
    from deepstyle.crop.rules import RULES

    given = {"labels": list(flags.pop("labels")) or None, **flags}
    number = {"one": ("max_per_photo=1",), "all": ("max_per_photo=null", "max_per_label=null"), None: ()}[per_photo]
    said = overrides or number or any(value not in (None, False) for value in given.values())
    last = session.workspace / RULES
    if config is None and not said and (review or exclude or include) and last.is_file():
        config = str(last)
    built = build_config(session, "CropConfig", config, (*overrides, *number), given, dry_run=dry_run)
    with open_catalog(session, must_exist=True) as catalog:
        if detector is None:
            tell_gone(session, catalog, "detector")
        from deepstyle.crop.photos import crop_photos
        from deepstyle.crop.review import write_review

        summary = crop_photos(
            catalog, built, reporter=session.reporter, detector=detector, exclude=exclude, include=include
        )
        page: dict[str, Any] = {}
        if review:
            page = {"review": write_review(catalog, summary.detector, built, reporter=session.reporter)}
    folder, rows = session.workspace / "garments", _crop_rows(summary)
    show(f"garments are in {folder}", rows | page, folder=folder, **asdict(summary), **page)


def _crop_rows(summary: Any) -> dict[str, Any]:
    """What a cut or a re-cut changed: a re-cut looks at no photo, and cuts all the same."""
    looked = (
        f"{summary.photos:,}" if summary.photos else "none: all were looked at before; cut from what was found then"
    )
    rows = {
        "cut": f"{summary.cut:,} garments", "kept as they were": f"{summary.kept:,}", "removed": f"{summary.removed:,}",
        "photos looked at": looked, "there are now": counts(summary.per_label), "detector": summary.detector,
    }  # fmt: skip
    if summary.photos:
        rows["detections"] = f"{summary.detections:,}"
    if summary.failed:
        rows["photos that failed"] = f"{summary.failed:,}"
    if summary.excluded:
        rows["left out by marks"] = f"{summary.excluded:,}"
    return rows
