"""Which labels of a table are probably wrong: each photo is judged by a classifier that has not learned from it (loop).

That is one of the user's (who must know that it is none of its training photos), or the table is parted into folds, whole groups
to one side, and a classifier that learns from the others judges each. The folds are trained in a workspace of their own,
so that none of their classifiers becomes the workspace's judge:

    label-checks/<name>/             workspace of the folds: their datasets, runs and models
    label-checks/<name>/suspects.csv    image, label, suggested label, and the probabilities of both; the least probable first
    label-checks/<name>/suspects.png    the first of them
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepstyle.annotations.repeats import without_repeats
from deepstyle.annotations.table import LabelRow, LabelTable, require_photos, split_by_group
from deepstyle.catalog import Catalog
from deepstyle.classifier import data
from deepstyle.classifier.augment import SLACK
from deepstyle.classifier.evaluate import Predictions, evaluate
from deepstyle.classifier.network import Classifier
from deepstyle.classifier.pictures import cards_picture
from deepstyle.classifier.suspects import suspects
from deepstyle.classifier.train import train_classifier
from deepstyle.config import ClassifierConfig, as_flags
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import InputError, UsageError
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.progress import Reporter

SHOWN = 24  # suspects on the picture
Judged = tuple[PackedDataset, Predictions]  # photos, and what a classifier that has not learned from them says


@dataclass(frozen=True, kw_only=True)
class LabelCheck:
    """How many ``images`` were judged, how many labels are in doubt, in which files they stand.

    ``pairs``: (label, suggested label, images), the most frequent first; ``top1``: share of labels that the judges agree with.
    """

    images: int
    suspects: int
    top1: float
    pairs: tuple[tuple[str, str, int], ...]
    table: Path
    picture: Path | None


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A photo whose label is in doubt, the label it should rather bear, and the probabilities of both."""

    image: str
    label: str
    suggested: str
    own: float
    other: float
    where: tuple[PackedDataset, int]


def check_by_folds(
    table: LabelTable, catalog: Catalog, config: ClassifierConfig, *, folds: int, name: str, reporter: Reporter
) -> LabelCheck:
    """Train ``folds`` classifiers, each on all groups but its own, and judge every photo once; run again, finished ones stay.

    The table's own split is not looked at. Raises UsageError for fewer than 2 folds, InputError when the groups are too few.
    """
    if folds < 2:
        raise UsageError(
            f"--folds {folds}: a photo is judged by those that learned from others, so there must be 2 or more"
        )
    place = catalog.root / "label-checks" / name
    with Catalog(place) as own:
        return _written(place, list(_judged_folds(table, own, config, folds, reporter)))


def check_by_model(
    table: LabelTable, catalog: Catalog, judge: Classifier, *, name: str, reporter: Reporter
) -> LabelCheck:
    """Judge every photo with a classifier that, the user says, has not learned from them.

    Raises InputError when the table has a label that the classifier does not know.
    """
    place, size = catalog.root / "label-checks" / name, round(judge.image_size * SLACK)
    require_photos(table.rows, table.missing)
    data.tell(table.missing, table.dropped, reporter)
    if foreign := sorted(set(table.labels) - set(judge.labels)):
        raise InputError(
            f"{judge.name} does not know {', '.join(foreign)}; leave them out with {as_flags({'exclude': foreign})}, or let "
            "--folds train classifiers on this table"
        )
    items = [Item(source=row.name, path=row.path, label=row.label, box=row.box) for row in table.rows]
    photos = PackedDataset.pack(
        place / "datasets" / f"all-{size}", items, size=size, fit=judge.preprocessing.fit, reporter=reporter
    )
    return _written(place, [(photos, evaluate(judge, photos))])


def parts_of(rows: Sequence[LabelRow], folds: int, seed: int) -> list[tuple[LabelRow, ...]]:
    """Rows in ``folds`` parts of about one size and one mixture of labels; no group is in two. Raises InputError for too few."""
    rest, parts = tuple(rows), []
    for left in range(folds, 1, -1):
        rest, part = split_by_group(rest, 1 / left, seed)
        parts.append(part)
    parts.append(rest)
    if not all(parts):
        raise InputError(f"--folds {folds}: the table has fewer groups of photos than that; take fewer folds")
    return parts


def folds_of(table: LabelTable, config: ClassifierConfig, folds: int) -> list[LabelTable]:
    """The table as each fold's training takes it, every photo once: the fold is held out, the others are learned from."""
    require_photos(table.rows, table.missing)
    table = without_repeats(data.without(table, config.exclude))
    held = [{row.path for row in part} for part in parts_of(table.rows, folds, config.seed)]
    return [
        replace(table, rows=tuple(replace(row, split="val" if row.path in one else "train") for row in table.rows))
        for one in held
    ]


def _judged_folds(
    table: LabelTable, own: Catalog, config: ClassifierConfig, folds: int, reporter: Reporter
) -> Iterator[Judged]:
    """What each fold's classifier says, without its temperature: the fold's wrong labels chose it, and would hide behind it."""
    for number, sided in enumerate(folds_of(table, config, folds), 1):
        name, part = f"fold-{number}-of-{folds}", sum(row.split == "val" for row in sided.rows)
        reporter.say(f"fold {number} of {folds}: {part:,} photos are judged by what is learned from the others")
        result = train_classifier(sided, own, config, reporter=reporter, name=name)
        photos = PackedDataset(data.place_of(own.root / "datasets", name, "validation", config))
        judge = Classifier.load(result.folder)
        if result.calibration is not None:
            judge.cool(1 / result.calibration.temperature)
        yield photos, evaluate(judge, photos)


def _written(place: Path, judged: Sequence[Judged]) -> LabelCheck:
    found = list(_suspects(judged))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["image", "label", "suggested", "probability", "suggested_probability"])
    writer.writerows([one.image, one.label, one.suggested, f"{one.own:.4f}", f"{one.other:.4f}"] for one in found)
    put_file(place / "suspects.csv", text.getvalue().encode())
    picture = place / "suspects.png" if found else None
    if picture is not None:
        shown = found[:SHOWN]
        cards = [(f"rather {one.suggested} {one.other:.0%}", f"labelled {one.label} {one.own:.1%}") for one in shown]
        pixels = [np.asarray(photos.images[at]) for photos, at in (one.where for one in shown)]
        put_file(picture, encode(cards_picture(pixels, cards)))
    images = sum(said.images for _, said in judged)
    return LabelCheck(
        images=images, suspects=len(found), top1=sum(said.top1 * said.images for _, said in judged) / images,
        pairs=tuple((*pair, count) for pair, count in Counter((one.label, one.suggested) for one in found).most_common()),
        table=place / "suspects.csv", picture=picture,
    )  # fmt: skip


def _suspects(judged: Sequence[Judged]) -> Iterator[Suspect]:
    """Those of all folds, the least probable first; thresholds are taken over all photos together, as Northcutt et al. do."""
    labels = judged[0][1].labels
    truth = np.concatenate([said.truth for _, said in judged])
    probabilities = np.concatenate([said.probabilities for _, said in judged])
    places = [(photos, at) for photos, said in judged for at in range(said.images)]
    for number, rather in zip(*suspects(truth, probabilities), strict=True):
        photos, at = places[number]
        own = int(truth[number])
        yield Suspect(
            image=photos.sources[at], label=labels[own], suggested=labels[rather], own=float(probabilities[number, own]),
            other=float(probabilities[number, rather]), where=(photos, at),
        )  # fmt: skip
