"""Taggers, several tags a photo: train-tagger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepstyle.commands.options import (
    PhotosFolder,
    Session,
    build_config,
    checked_name,
    configured,
    json_option,
    open_catalog,
    region_detector,
)
from deepstyle.commands.tables import show
from deepstyle.errors import UsageError

if TYPE_CHECKING:
    from deepstyle.classifier.tag_figures import TagFigures
    from deepstyle.classifier.train_tagger import TrainedTagger


@click.command()
@json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="TABLE.csv|FOLDER")
@click.option("--images", "folder", type=PhotosFolder(path_type=Path, exists=True, file_okay=False),
              help="Folder of the images; beside the table otherwise.")  # fmt: skip
@click.option("--minutes", type=float, help="Stop after this time; else after the images that the settings say.")
@click.option("--name", default="tagger", show_default=True, callback=checked_name, help="Name of the model folder.")
@click.option("--region", metavar="DETECTOR", help="Learn from what this detector is surest of in each photo, cut out.")
@click.option("--average", "members", multiple=True, metavar="TAGGER",
              help="Train nothing: average these taggers of the same table (may be repeated) as --name.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@configured
@click.pass_obj
def train_tagger(session: Session, source: Path, folder: Path | None, minutes: float | None, name: str, fresh: bool,
                 region: str | None, members: tuple[str, ...], config: str | None, overrides: tuple[str, ...],
                 dry_run: bool) -> None:  # fmt: skip
    """Train a tagger: several tags a photo.

    The source is a CSV (a column a tag, or one column of tags with commas between them, or FashionAI's image,task,nnymn),
    or the folder of Clothing Co-Parsing, DeepFashion or FashionAI. Tags that are on too few photos are left out;
    thresholds are tuned on photos that are held out. Groups of tags have a head each, on one network or, with --set
    backbones=separate, on one each. Rows that a split column calls test are judged once, at the end. Works under torchrun.

    \b
    Example:
        deepstyle train-tagger clothing-co-parsing --minutes 10
        deepstyle train-tagger shoes.csv --set "groups={colour: [black, red], kind: [boot, heel]}"
        deepstyle predict boots.jpg --model tagger
        deepstyle train-tagger shoes.csv --average first --average second --name both
    """
    given = {
        "--region": region, "--minutes": minutes, "--fresh": fresh, "--config": config, "--set": overrides,
        "--dry-run": dry_run,
    }  # fmt: skip
    if members and (
        unused := [flag for flag, value in given.items() if value is not None and value is not False and value != ()]
    ):
        raise UsageError(
            f"{', '.join(unused)}: --average trains nothing; leave {'it' if len(unused) == 1 else 'them'} out"
        )
    built = build_config(session, "TaggerConfig", config, overrides, {"minutes": minutes}, dry_run=dry_run)
    with open_catalog(session) as catalog:
        from deepstyle.annotations.table import require_photos
        from deepstyle.annotations.tag_sets import read_any_tags
        from deepstyle.status import find_model

        for flag, kind, named in (
            ("--region", "detector", [region] if region else []),
            ("--average", "tagger", members),
        ):
            for one in named:  # what is not there is told before torch is imported
                find_model(catalog, one, flag=flag, kind=kind)
        table = read_any_tags(source, reporter=session.reporter, images=folder)
        require_photos(table.rows, table.missing)
        from deepstyle.classifier import train_tagger as training

        if members:
            _averaged(session, table, catalog, members, name)
            return
        result = training.train_tagger(table, catalog, built, reporter=session.reporter, name=name, fresh=fresh,
                                       region=region_detector(catalog, region))  # fmt: skip
    show(f"the tagger is in {result.folder}", report(result), **asdict(result))


def report(result: TrainedTagger) -> dict[str, str]:
    """What a training came to, for people: figures of the photos held out, and of the test set by its name."""
    found = result.figures
    ranked = sorted(((one.ap, one.tag) for one in found.tags if one.ap is not None), reverse=True)
    groups = [
        f"{group} {value:.3f}" + (f" (F1 {found.group_f1[group]:.3f})" if group in found.group_f1 else "")
        for group, value in found.groups.items()
    ]
    return {
        "mean average precision": f"{found.mean_ap:.3f} ({found.chance_map:.3f} by guessing)",
        "F1": f"{found.micro_f1:.3f} over all decisions, {found.macro_f1:.3f} the mean of the tags",
        "right": f"{found.accuracy:.2%} of all decisions ({found.always_no:.2%} by always saying no)",
        "groups": ", ".join(groups),
        "best tags": _tag_figures(ranked[:5]), "worst tags": _tag_figures(ranked[-5:]),
        "tags left out": ", ".join(result.dropped) or "none", "validation images": f"{found.images:,}",
        "test set": _test_set(result.test, result.test_set),
        "images seen": f"{result.images:,} in {result.seconds / 60:.1f} min ({result.images_per_second:.0f}/s)",
    }  # fmt: skip


def _averaged(session: Session, table: Any, catalog: Any, members: Sequence[str], name: str) -> None:
    """Average taggers, and tell what each of them does and what they do together."""
    from deepstyle.classifier.average import average_taggers

    found = average_taggers(table, catalog, members, reporter=session.reporter, name=name)
    rows = {
        "parts of the mean": ", ".join(f"{one} {part:.2f}" for one, part in found.parts.items()),
        "mean average precision": f"{found.figures.mean_ap:.3f}",
        "alone": ", ".join(f"{one} {value:.3f}" for one, value in found.alone.items()),
        "F1": f"{found.figures.micro_f1:.3f} over all decisions", "validation images": found.figures.images,
        "test set": _test_set(found.test, found.test_set),
    }  # fmt: skip
    show(f"the taggers are averaged in {found.folder}", rows, **asdict(found))


def _test_set(test: TagFigures | None, name: str) -> str:
    if test is None:
        return "none: no photo is marked test"
    return (
        f"mean average precision {test.mean_ap:.3f} ({test.chance_map:.3f} by guessing), F1 {test.micro_f1:.3f}, right "
        f"{test.accuracy:.2%} ({test.always_no:.2%} by always saying no) on the {test.images:,} {name}, judged once"
    )


def _tag_figures(ranked: Sequence[tuple[float, str]]) -> str:
    return ", ".join(f"{tag} {ap:.2f}" for ap, tag in ranked)
