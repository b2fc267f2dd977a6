"""Finding the classifier that judges, and whether it is one; torch is imported when it is opened only (edge)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepstyle.about import read_about
from deepstyle.catalog import Catalog
from deepstyle.errors import UsageError
from deepstyle.status import find_model, newest_model, read_model
from deepstyle.weak import weak_classifier

if TYPE_CHECKING:
    from deepstyle.classifier.network import Classifier

KIND = "classifier"  # as network.KIND, which is there with torch only
LOOKING = {KIND, "tagger", "taggers"}  # kinds of models that look at pictures
REMEDY = {
    "gan": "of a generator `deepstyle sample --model NAME` makes images, and writes it with --export",
    "detector": "a detector finds garments: `deepstyle crop --detector NAME`",
}
SHIPPED = "garment-categories"  # the classifier that comes with the package


def find_classifier_folder(
    catalog: Catalog | None, name: str | None = None, *, flag: str = "--classifier", kind: str = KIND
) -> Path:
    """The folder of a classifier: the named one (of the workspace, of the package, or a folder's path), or the newest.

    A workspace without one of its own, or no workspace at all, gets the one that ships. Raises UsageError with the remedy.
    """
    if name is None and catalog is not None and (folder := newest_model(catalog, KIND)) is not None:
        return folder
    remedy = "train one with `deepstyle train-classifier TABLE.csv`"
    return find_model(catalog, name or SHIPPED, flag=flag, kind=kind, remedy=remedy)


def find_named(catalog: Catalog | None, name: str | None = None, *, flag: str = "--model") -> Path:
    """The folder of the named model (of the workspace, of the package, or a folder's path), or the newest classifier's.

    A workspace without one of its own, or no workspace at all, gets the one that ships. Raises UsageError with the
    remedy, for a model of another kind, too.
    """
    folder = find_classifier_folder(catalog, name, flag=flag, kind="" if name else KIND)
    if (kind := str(read_about(folder).get("kind", KIND))) not in LOOKING:
        remedy = REMEDY.get(kind, "`deepstyle models` lists each one's kind")
        raise UsageError(f"{flag} {name}: is no classifier or tagger but a {kind}; {remedy}")
    return folder


def parted_routes(router: str | None, routes: Sequence[str]) -> dict[str, str]:
    """``LABEL=MODEL`` -> the name of the model for each label. Raises UsageError without a router, or a label, or a model."""
    if bool(router) != bool(routes):
        raise UsageError("--router CLASSIFIER and --route LABEL=MODEL belong together")
    parted = [route.partition("=") for route in routes]
    if odd := next((route for route, part in zip(routes, parted, strict=True) if not all(part)), None):
        raise UsageError(f"--route {odd}: write LABEL=MODEL, e.g. --route worn=worn-tagger")
    return {label: model for label, _, model in parted}


def find_classifier(catalog: Catalog, name: str | None = None) -> Classifier:
    """That classifier, opened."""
    from deepstyle.classifier.network import Classifier

    return Classifier.load(find_classifier_folder(catalog, name))


def weak_judge(catalog: Catalog, name: str | None = None) -> list[str]:
    """Why the figures of that classifier's judgement mean little, if they do."""
    return weak_model(find_classifier_folder(catalog, name))


def weak_model(folder: Path) -> list[str]:
    """Why what the classifier in a folder says means little, if it does; of taggers nothing is said."""
    about, figures = read_model(folder), read_about(folder).get("figures")
    if "top1" not in about.figures or not isinstance(figures, dict):
        return []
    learned, judged = (
        found if isinstance(found := figures.get(key), int) else None for key in ("train_images", "validation_images")
    )
    weak = weak_classifier(about.figures["top1"], len(about.labels), learned=learned, judged=judged)
    return [f"the judge {about.name}: {sentence}" for sentence in weak]
