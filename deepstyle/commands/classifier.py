"""The classifier: train-classifier, check-labels, and predict and tag, which take taggers as well."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepstyle.commands.early import check_predict, tell_gone
from deepstyle.commands.options import (
    Labelled,
    Session,
    build_config,
    checked_name,
    configured,
    has_catalog,
    json_option,
    labelled,
    open_catalog,
    region_detector,
)
from deepstyle.commands.tables import counts, show
from deepstyle.errors import InputError, UsageError
from deepstyle.weak import weak_classifier

if TYPE_CHECKING:
    from deepstyle.classifier.train import TrainedClassifier

FINE_TUNE = ("pretrained=true", "frozen_share=0.25", "backbone_lr=0.1", "lr=0.002")


@click.command()
@json_option
@labelled
@click.option("--minutes", type=float, help="Stop after this time; else after the images that the settings say.")
@click.option(
    "--name", default="classifier", show_default=True, callback=checked_name, help="Name of the model folder."
)
@click.option("--find-lr", is_flag=True, help="Only try learning rates, draw what the loss does, and suggest one.")
@click.option(
    "--fine-tune", is_flag=True, help=f"Start from ImageNet weights, gently: --set {' --set '.join(FINE_TUNE)}."
)
@click.option("--by-group", is_flag=True,
              help="Hold out whole groups (senders, garments), whatever split the source has.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@configured
@click.pass_obj
def train_classifier(session: Session, source: Labelled, minutes: float | None, name: str, find_lr: bool, by_group: bool,
                     fine_tune: bool, fresh: bool, config: str | None, overrides: tuple[str, ...],
                     dry_run: bool) -> None:  # fmt: skip
    """Train the category classifier on labelled images.

    The source is a CSV with a column for the image and one for the label (a column sender_id or group keeps related images
    on one side of the split), a folder with a folder per category (or train, val, test of such), DeepFashion's Category and
    Attribute benchmark, or a COCO file, whose boxes are cut out. --garments takes the workspace's garments by the
    categories that `deepstyle tag` gave them, or by the detector's labels. Works under torchrun.

    Images held out choose the temperature that makes the probabilities true. Rows that a split column calls test are judged
    once, at the end, and the report names them.

    --fine-tune starts from ImageNet weights: first the last layer alone learns, then all, the first stages the least.

    \b
    Example:
        deepstyle train-classifier clothing-dataset/images.csv --minutes 10
        deepstyle train-classifier my-photos/
        deepstyle train-classifier --garments --name mine
        deepstyle train-classifier clothing-dataset/images.csv --fine-tune --set network=lite0
    """
    if find_lr and (minutes is not None or fresh):
        raise UsageError("--find-lr tries learning rates and trains nothing; leave --minutes and --fresh out")
    given = (*(FINE_TUNE if fine_tune else ()), *overrides)
    built = build_config(session, "ClassifierConfig", config, given, {"minutes": minutes}, dry_run=dry_run)
    with open_catalog(session, must_exist=source.path is None) as catalog:
        from deepstyle.annotations.label_sets import labels_from

        table = labels_from(source.path, catalog, reporter=session.reporter, images=source.images, grouped=by_group)
        if find_lr:
            from deepstyle.classifier.find_lr import find_rate  # torch comes with it: what is wrong has been told

            _show_rate(find_rate(table, catalog, built, reporter=session.reporter, name=name))
            return
        from deepstyle.classifier import train as training

        result = training.train_classifier(table, catalog, built, reporter=session.reporter, name=name, fresh=fresh)
        newest = (found := catalog.model("classifier")) is not None and found.name == result.name
    known = {"learned": result.train_images, "judged": result.validation_images}
    weak = weak_classifier(result.top1, len(result.labels), newest=newest, **known)
    show(f"the classifier is in {result.folder}", report(result), weak=weak, **asdict(result))


def report(result: TrainedClassifier) -> dict[str, str]:
    """What a training came to, for people: figures of the images held out, and of the test set by its name."""
    top5 = {"top-5": f"{result.top5:.3f}"} if result.top5 is not None and len(result.labels) > 5 else {}
    pairs = ", ".join(f"{true} called {called} {count}" for true, called, count in result.confused[:5])
    told = {
        "top-1": f"{result.top1:.3f}", "top-3": f"{result.top3:.3f}", **top5, "labels": ", ".join(result.labels),
        "validation images": f"{result.validation_images:,} {result.validation_set}".strip(), "most confused": pairs or "none",
    }  # fmt: skip
    if (found := result.calibration) is not None:
        how = (
            "each half of the validation images at the temperature that the other half chose"
            if found.crossed
            else "of the images that chose the temperature: larger on others"
        )
        told["calibration error"] = (
            f"{found.after:.3f}, before {found.before:.3f} (temperature {found.temperature:.2f}; {how})"
        )
    if (test := result.test) is not None:
        told["test set"] = (
            f"top-1 {test.top1:.3f}, top-3 {test.top3:.3f}, top-5 {test.top5:.3f}, calibration error "
            f"{test.calibration_error:.3f} on the {test.images:,} {test.name}, judged once"
        )
    else:
        told["test set"] = "none: no image is marked test"
    rate = f"{result.images_per_second:.0f}/s"
    return told | {"images seen": f"{result.images:,} in {result.seconds / 60:.1f} min ({rate})"}


def _show_rate(found: Any) -> None:
    """Which learning rate is suggested."""
    rows = {"suggested": f"--set lr={found.suggested:.1e}", "the loss falls fastest at": f"{found.steepest:.1e}"}
    show(f"the losses are drawn in {found.picture}", rows, **asdict(found))


@click.command()
@json_option
@labelled
@click.option(
    "--folds", type=int, help="Parts of the table, each judged by what is learned from the others.  [default: 3]"
)
@click.option(
    "--model", metavar="NAME|FOLDER", help="A classifier that judges instead; it must know none of the photos."
)
@click.option("--minutes", type=float, help="Of each fold's training; else after the images that the settings say.")
@click.option("--name", default="labels", show_default=True, callback=checked_name, help="Name of the check's folder.")
@configured
@click.pass_obj
def check_labels(session: Session, source: Labelled, folds: int | None, model: str | None, minutes: float | None,
                 name: str, config: str | None, overrides: tuple[str, ...], dry_run: bool) -> None:  # fmt: skip
    """List the labels of a table that are probably wrong.

    The sources are those of train-classifier. They are parted into folds, whole groups to one side; a classifier that
    learns from the others judges each (confident learning, Northcutt et al. 2021). Writes a list and a picture of the
    worst, nothing else is changed.

    \b
    Example:
        deepstyle check-labels clothing-dataset/images.csv --minutes 5
        deepstyle check-labels my-photos/
        deepstyle check-labels my-photos.csv --model garment-categories
    """
    from deepstyle.config import keys_of

    if model is not None and (folds is not None or minutes is not None):
        raise UsageError(
            "--folds and --minutes are of classifiers to train, --model is one that is trained: give either"
        )
    if model is not None and (config is not None or set(keys_of(overrides)) - {"exclude"}):
        raise UsageError(
            "--config and --set are of classifiers to train; beside --model only --set exclude=[...] counts"
        )
    built = build_config(session, "ClassifierConfig", config, overrides, {"minutes": minutes}, dry_run=dry_run)
    with open_catalog(session, must_exist=source.path is None) as catalog:
        from deepstyle.annotations.label_sets import labels_from
        from deepstyle.classifier.find import find_classifier_folder

        folder = None if model is None else find_classifier_folder(catalog, model, flag="--model")
        rows = labels_from(source.path, catalog, reporter=session.reporter, images=source.images)
        from deepstyle.classifier import check_labels as checking  # torch comes with it
        from deepstyle.classifier import data
        from deepstyle.classifier.network import Classifier

        if folder is None:
            found = checking.check_by_folds(
                rows, catalog, built, folds=folds or 3, name=name, reporter=session.reporter
            )
        else:
            judge = Classifier.load(folder)
            known = data.without(rows, built.exclude)
            found = checking.check_by_model(known, catalog, judge, name=name, reporter=session.reporter)
    pairs = ", ".join(f"{label} rather {other} {count}" for label, other, count in found.pairs[:5])
    show(f"the labels in doubt are in {found.table}", {
        "images": f"{found.images:,}", "labels in doubt": f"{found.suspects:,}", "most often": pairs or "none",
        "labels that were told": f"{found.top1:.1%}", "the first of them": found.picture or "none",
    }, **asdict(found))  # fmt: skip


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER|-...",
                type=click.Path(path_type=Path, exists=True, allow_dash=True))  # fmt: skip
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A classifier or tagger; the newest classifier otherwise, or the one that ships.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Labels told of each picture; of a tagger all the tags.",
)
@click.option(
    "--batch", type=click.IntRange(1, 4096), default=64, show_default=True, help="Pictures looked at at once."
)
@click.option("--tta", type=click.Choice(["none", "mirror", "ten", "eighteen"]),
              help="Views of a picture whose mean counts: crops are slower; the model's own otherwise.")  # fmt: skip
@click.option("--region", metavar="DETECTOR|none",
              help="Look at what this detector is surest of in each picture, cut out; none: at the whole picture. "
              "The classifier that ships looks at both.")  # fmt: skip
@click.option("--router", metavar="CLASSIFIER", help="A classifier that says which model looks at each picture.")
@click.option("--route", "routes", multiple=True, metavar="LABEL=MODEL",
              help="The model for pictures that the router calls so (may be repeated); --model for all others.")  # fmt: skip
@click.option("--csv", "form", flag_value="csv", help="Print comma-separated values.")
@click.option("--json", "form", flag_value="json", help="Print a JSON object a picture, one a line.")
@click.pass_obj
def predict(session: Session, paths: tuple[Path, ...], model: str | None, top: int, batch: int, tta: Any,
            region: str | None, router: str | None, routes: tuple[str, ...], form: str | None) -> None:  # fmt: skip
    """Say what category pictures of garments are of.

    Of a folder every picture in it; of - what comes on standard input: a picture, or the name of a file on each line.
    Needs no workspace. A picture that cannot be read is told of, and stops nothing. The classifier that ships looks at the
    whole picture and at the garment in it that `garments-lite` is sure of; the mean of both counts.

    \b
    Example:
        deepstyle predict jacket.jpg
        deepstyle predict my-photos/ --csv > categories.csv
        deepstyle predict my-photos/ --model flat-tagger --router worn-or-flat --route worn=worn-tagger
        find . -name '*.png' | deepstyle predict - --json
    """
    from contextlib import nullcontext

    with open_catalog(session, reading=True) if has_catalog(session) else nullcontext() as catalog:
        check_predict(session, catalog, paths, model=model, router=router, routes=routes, region=region)
        from deepstyle.classifier import predict as predicting

        judge = predicting.find(catalog, model, router, routes)
        detector = region_detector(catalog, None if region == "none" else region)
    cut = predicting.region_for(judge, detector, session.reporter)
    also = region_detector(None, predicting.looks_beside(judge) if region is None else None)
    beside = predicting.beside_of(also) if also else None
    pictures = predicting.pictures_of(paths, sys.stdin.buffer)
    looked, failed, places = 0, 0, None if predicting.tells_tags(judge) else top
    if form == "csv":
        click.echo(predicting.csv_head(places))
    for found in predicting.predict(judge, pictures, top=top, batch_size=batch, tta=tta, region=cut, beside=beside):
        line = predicting.as_line(found, form, top=places, width=max(map(len, judge.labels)))
        click.echo(predicting.as_bytes(line))
        looked, failed = looked + 1, failed + bool(found.error)
    if failed == looked:
        raise InputError(f"none of the {looked:,} pictures could be read: {found.file}: {found.error}")
    session.reporter.say(f"{judge.name} looked at {looked - failed:,} pictures; {failed:,} could not be read")


@click.command()
@json_option
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A classifier or tagger; the newest classifier otherwise, or the one that ships.",
)
@click.pass_obj
def tag(session: Session, model: str | None) -> None:
    """Name the category of each garment, or a tagger's tags.

    A category is the surest one that the detector's label leaves: an upper garment is no skirt. They stand in the catalog:
    `train-gan --label dress` learns from those garments, `status` counts them. Garments that this model has named are
    not looked at again; another one's names replace them.

    \b
    Example:
        deepstyle tag
        deepstyle train-gan --label dress --label skirt
    """
    with open_catalog(session, must_exist=True) as catalog:
        from deepstyle.classifier.find import SHIPPED, find_named, weak_model

        if model is None:
            tell_gone(session, catalog, "classifier")
        folder = find_named(catalog, model)  # before torch is imported
        from deepstyle.classifier.predict import load
        from deepstyle.classifier.tag import tag_garments

        judge = load(folder)
        summary = tag_garments(catalog, judge, reporter=session.reporter)
    rows = {"named now": f"{summary.tagged:,}", "named before": f"{summary.kept:,}", "names": counts(summary.tags)}
    if summary.failed:
        rows["garments that could not be read"] = f"{summary.failed:,}"
    weak = weak_model(folder)
    weak += (
        [f"its names are no better; `deepstyle tag --model {SHIPPED}` names them by the one that ships"] if weak else []
    )
    show(f"garments were named by {summary.model}", rows, weak=weak, **asdict(summary))
