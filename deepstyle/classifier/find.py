"""Finding the classifier that judges, and whether it is one; torch is imported when it is opened only (edge)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepstyle.catalog import Catalog
from deepstyle.status import find_model, read_model
from deepstyle.weak import weak_classifier

if TYPE_CHECKING:
    from deepstyle.classifier.network import Classifier

KIND = "classifier"  # as network.KIND, which is there with torch only
SHIPPED = "garment-categories"  # the classifier that comes with the package


def find_classifier_folder(
    catalog: Catalog | None, name: str | None = None, *, flag: str = "--classifier", kind: str = KIND
) -> Path:
    """The folder of a classifier: the named one (of the workspace, of the package, or a folder's path), or the newest.

    A workspace without one of its own, or no workspace at all, gets the one that ships. Raises UsageError with the remedy.
    """
    if name is None and catalog is not None and (record := catalog.model(KIND)) is not None:
        return catalog.path(record.path)
    remedy = "train one with `deepstyle train-classifier TABLE.csv`"
    return find_model(catalog, name or SHIPPED, flag=flag, kind=kind, remedy=remedy)


def find_named(catalog: Catalog | None, name: str | None = None, *, flag: str = "--model") -> Path:
    """The folder of the named model (of the workspace, of the package, or a folder's path), or the newest classifier's.

    A workspace without one of its own, or no workspace at all, gets the one that ships. Raises UsageError with the remedy.
    """
    return find_classifier_folder(catalog, name, flag=flag, kind="" if name else KIND)


def find_classifier(catalog: Catalog, name: str | None = None) -> Classifier:
    """That classifier, opened."""
    from deepstyle.classifier.network import Classifier

    return Classifier.load(find_classifier_folder(catalog, name))


def weak_judge(catalog: Catalog, name: str | None = None) -> list[str]:
    """Why the figures of that classifier's judgement mean little, if they do."""
    about = read_model(find_classifier_folder(catalog, name))
    if "top1" not in about.figures:
        return []
    return [
        f"the judge {about.name}: {sentence}" for sentence in weak_classifier(about.figures["top1"], len(about.labels))
    ]
