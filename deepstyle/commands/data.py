"""Labelled data sets into COCO files: data ccp, deepfashion, ..., download, label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.options import Bounded, F, Ordered, Session, detector_option, json_option, open_catalog
from deepstyle.commands.tables import counts, show
from deepstyle.files import plain_place


@click.group(cls=Ordered)
def data() -> None:
    """Fetch labelled data sets, turn them into COCO files.

    Those files are what train-detector learns from. Each command writes train.json, val.json and, when there are such
    photos, test.json, names what it left out in dropped.csv, and draws boxes.png to look at.
    """


def _conversion(function: F) -> F:
    """Add the options that every conversion has."""
    folder = click.Path(path_type=Path, file_okay=False)
    out = click.option("--out", type=folder, required=True, help="Folder for the COCO files.")
    return out(click.pass_obj(function))  # type: ignore[return-value]  # click's decorators keep the signature


def _split_options(validation: float, test: float) -> Callable[[F], F]:
    """Add the options of an own split, with these shares as defaults."""

    def add(function: F) -> F:
        for option in (
            click.option("--seed", type=int, default=0, show_default=True, help="Another seed holds out other photos."),
            click.option("--test-share", type=Bounded(0, 0.9), default=test, show_default=True,
                         help="Share of photos in test.json."),
            click.option("--validation-share", type=Bounded(0.01, 0.9), default=validation, show_default=True,
                         help="Share of photos in val.json."),
        ):  # fmt: skip
            function = option(function)
        return function

    return add


_source = click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))

_labels = click.option("--labels", type=click.Choice(["type", "category"]), default="type", show_default=True,
                       help="upper, lower, full; or the set's own categories.")  # fmt: skip


def _converted(out: Path, summary: Any) -> None:
    """Draw the contact sheet and print what a conversion made."""
    from deepstyle.annotations.sheet import contact_sheet
    from deepstyle.files import put_file
    from deepstyle.images import encode

    rows: dict[str, Any] = {"photos": counts(summary.photos), "boxes": counts(summary.boxes)}
    rows["dropped"] = counts(summary.dropped)
    rows |= {f"  {reason}": ", ".join(names) for reason, names in summary.examples.items()}
    result = {"folder": out, "photos": summary.photos, "boxes": summary.boxes, "dropped": summary.dropped}
    if summary.sample:
        put_file(out / "boxes.png", encode(contact_sheet(summary.sample)))
        rows["picture"] = result["picture"] = out / "boxes.png"
    show(f"annotations are in {out}", rows, **result)


@data.command()
@json_option
@_source
@_split_options(0.15, 0)
@_conversion
def ccp(session: Session, source: Path, out: Path, **shares: Any) -> None:
    """Clothing Co-Parsing: pixel masks -> boxes and masks.

    Yang, Luo and Lin 2014. The labels are upper, lower and full.

    \b
    Example:
        deepstyle data ccp clothing-co-parsing --out workspace/ccp
    """
    from deepstyle.annotations.ccp import convert_ccp

    _converted(out, convert_ccp(source, out, reporter=session.reporter, **shares))


@data.command()
@json_option
@_source
@_labels
@click.option("--variant", type=click.Choice(["coarse", "fine"]), help="Which annotations; the first found otherwise.")
@click.option("--split", type=click.Choice(["authors", "folder"]), default="authors", show_default=True,
              help="The authors' partition, or an own one that keeps each garment folder together.")  # fmt: skip
@_split_options(0.15, 0.15)
@_conversion
def deepfashion(session: Session, source: Path, out: Path, **options: Any) -> None:
    """DeepFashion: one box a photo, with attributes.

    Category and Attribute Prediction, by Liu, Luo, Qiu, Wang and Tang 2016. SOURCE holds Img/, Eval/ and Anno/,
    Anno_coarse/ or Anno_fine/. The authors' test photos show garments that are in train too; --split folder keeps a
    garment on one side (the shares and the seed are for this split only).

    \b
    Example:
        deepstyle data deepfashion DeepFashion --labels category --split folder --out workspace/deepfashion
    """
    from deepstyle.annotations.deepfashion import convert_deepfashion

    _converted(out, convert_deepfashion(source, out, reporter=session.reporter, **options))


@data.command()
@json_option
@_source
@_labels
@_conversion
def deepfashion2(session: Session, source: Path, out: Path, labels: Any) -> None:
    """DeepFashion2: boxes and masks, 13 categories.

    Ge, Zhang, Wang, Tang and Luo 2019; a photo may show several garments. SOURCE holds train/ and validation/, each
    with image/ and annos/; the latter becomes val.json. The authors publish no annotations of the test photos.

    \b
    Example:
        deepstyle data deepfashion2 DeepFashion2 --out workspace/deepfashion2
    """
    from deepstyle.annotations.deepfashion2 import convert_deepfashion2

    _converted(out, convert_deepfashion2(source, out, reporter=session.reporter, labels=labels))


@data.command()
@json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="SOURCE.json")
@click.option("--map", "mapping", required=True, metavar="NAME|PAIRS",
              help="fashionpedia, modanet, or category=label,... (with ; between pairs when names hold commas).")  # fmt: skip
@click.option("--val", "validation", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The authors' validation file; without it --validation-share of SOURCE is held out.")  # fmt: skip
@click.option("--photos", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of the photos; where the file says otherwise.")  # fmt: skip
@_split_options(0.15, 0)
@_conversion
def coco(session: Session, source: Path, out: Path, mapping: str, **options: Any) -> None:
    """Any COCO file, Fashionpedia and ModaNet too.

    Its categories become the labels of a map. Categories that the map leaves out are dropped and counted. Polygons
    become masks.

    \b
    Example:
        deepstyle data coco modanet.json --map modanet --photos photos --out workspace/modanet
        deepstyle data coco shop.json --map "dress=full,shirt=upper,jeans=lower" --out workspace/shop
    """
    from deepstyle.annotations.relabel import convert_coco, read_map

    _converted(out, convert_coco(source, out, read_map(mapping), reporter=session.reporter, **options))


@data.command()
@json_option
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="IMAGES.csv")
@_split_options(0.15, 0)
@_conversion
def singles(session: Session, table: Path, out: Path, **shares: Any) -> None:
    """Photos of single garments with a category: a box each.

    The box is what stands out from the photo's edge, or the whole photo. Photos of shoes and hats become photos without a
    garment. A sender's photos stay on one side of the split.

    \b
    Example:
        deepstyle data singles clothing-dataset/images.csv --out workspace/singles
    """
    from deepstyle.annotations.singles import convert_singles

    _converted(out, convert_singles(table, out, reporter=session.reporter, **shares))


@data.command()
@json_option
@click.argument("name", type=click.Choice(["ccp", "clothing-dataset"]))
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder; the repository's name otherwise."
)
@click.option("--from", "mirror", metavar="URL", help="A mirror: the repository's files below this address.")
@click.pass_obj
def download(session: Session, name: str, out: Path | None, mirror: str | None) -> None:
    """Fetch an openly licensed set, every file checked.

    It comes from its public repository, each file checked by its git checksum. Files that are there and whole are kept,
    so that the same command continues. ccp is for `data ccp`, clothing-dataset for `train-classifier
    clothing-dataset/images.csv`.

    \b
    Example:
        deepstyle data download ccp --out clothing-co-parsing
    """
    from deepstyle.annotations import download as downloads

    chosen = downloads.SETS[name]
    folder = out or Path(chosen.repository.partition("/")[2])
    click.echo(f"{chosen.title}\nlicence: {chosen.licence}\nsource: {mirror or chosen.url}", err=True)
    summary = downloads.download(chosen.entries(), folder, mirror or chosen.url, reporter=session.reporter)
    show(
        f"{name} is in {folder}", {"fetched": f"{summary.fetched:,} files", "kept": f"{summary.kept:,} files"},
        folder=folder, licence=chosen.licence, source=mirror or chosen.url, **asdict(summary),
    )  # fmt: skip


@data.command()
@json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="COCO file to write.")
@detector_option
@click.option("--min-score", type=Bounded(0, 1), default=0.6, show_default=True,
              help="Confidence from which a detection becomes an annotation.")  # fmt: skip
@click.pass_obj
def label(session: Session, source: Path, out: Path, detector: str | None, min_score: float) -> None:
    """Let a detector annotate photos for the next one.

    SOURCE is a folder of photos. If it is Clothing Co-Parsing's, its photos with tags only are annotated, and the tags
    say how many garments of each label to look for (a lower --min-score will do then).

    \b
    Example:
        deepstyle data label clothing-co-parsing --min-score 0.3 --out workspace/ccp/more.json
        deepstyle train-detector workspace/ccp/train.json workspace/ccp/more.json --val workspace/ccp/val.json
    """
    place = plain_place(out)
    with open_catalog(session) as catalog:
        from deepstyle.annotations.tags import photos_below
        from deepstyle.detector.find import find_detector, load_detector

        folder, (photos, worn) = find_detector(catalog, detector), photos_below(source)  # before torch is imported
        from deepstyle.detector.label import label_photos

        summary = label_photos(
            load_detector(folder), photos, place, min_score=min_score, worn=worn, reporter=session.reporter
        )
    rows = asdict(summary) | {"boxes": counts(summary.boxes)}
    show(f"annotations are in {out}", rows, file=out, **asdict(summary))
