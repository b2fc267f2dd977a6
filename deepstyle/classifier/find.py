"""Finding the classifier that judges, and whether it is one (edge)."""

from __future__ import annotations

from deepstyle.catalog import Catalog
from deepstyle.classifier.network import KIND, Classifier
from deepstyle.errors import UsageError
from deepstyle.status import read_model
from deepstyle.weak import weak_classifier


def find_classifier(catalog: Catalog, name: str | None = None) -> Classifier | None:
    """The named classifier, or the newest; None when there is none. Raises UsageError for an unknown name."""
    record = catalog.model(KIND, name)
    if record is None and name is not None:
        raise UsageError(f"--classifier {name}: there is no such classifier in {catalog.root}; see `deepstyle status`")
    return Classifier.load(catalog.path(record.path)) if record is not None else None


def weak_judge(catalog: Catalog, name: str | None = None) -> list[str]:
    """Why the figures of the named (or newest) classifier's judgement mean little, if they do."""
    record = catalog.model(KIND, name)
    about = read_model(catalog.path(record.path)) if record is not None else None
    if about is None or "top1" not in about.figures:
        return []
    return [
        f"the judge {about.name}: {sentence}" for sentence in weak_classifier(about.figures["top1"], len(about.labels))
    ]
