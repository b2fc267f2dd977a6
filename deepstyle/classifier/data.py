"""From a table of labelled images to the packed datasets that a classifier learns from and is judged on.

*Train* images are learned from, *validation* images are looked at during the training and choose the temperature, and rows
marked *test* are judged once, at the end, by what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations.repeats import without_repeats
from deepstyle.annotations.table import LabelRow, LabelTable, require_photos, split_by_group
from deepstyle.classifier.augment import SLACK
from deepstyle.config import ClassifierConfig, NetworkConfig, as_flags
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import InputError
from deepstyle.progress import Reporter

TRAIN, VALIDATION, TEST = "train", {"validation", "valid", "val"}, "test"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The rows of each side; no photo is in two. ``drawn``: those held out were drawn, whole groups, not given by the table."""

    train: list[LabelRow]
    validation: list[LabelRow]
    test: list[LabelRow]
    drawn: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """The sides as datasets with the same labels; ``held_out`` are the rows of the validation images, in their order.

    ``drawn``: see ``Sides``.
    """

    train: PackedDataset
    validation: PackedDataset
    test: PackedDataset | None
    held_out: tuple[LabelRow, ...]
    drawn: bool

    @property
    def key(self) -> str:
        """What stands for all of their content."""
        keys = [self.train.key, self.validation.key, *([self.test.key] if self.test is not None else [])]
        return sha256(" ".join(keys).encode()).hexdigest()


def split(table: LabelTable, config: ClassifierConfig) -> tuple[tuple[str, ...], Sides]:
    """Labels, and the rows as ``split_rows`` parts them.

    The labels are those of photos that are not marked test. Raises InputError for fewer than two, and for one without a
    training image, too.
    """
    rows = [row for row in table.rows if row.label not in config.exclude]
    labels = tuple(sorted({row.label for row in rows if _side(row) != TEST}))
    if len(labels) < 2:
        told = ", ".join(labels) or "none that is not left out or marked test"
        raise InputError(f"a classifier needs images of at least 2 labels, the table has {told}")
    sides = split_rows(rows, config)
    require_labels(labels, (row.label for row in sides.train), "no training image")
    return labels, sides


def split_rows(rows: Sequence[LabelRow], config: NetworkConfig) -> Sides:
    """The rows of each side.

    The table's own split counts when every row has one. Otherwise, or when it holds nothing out, whole groups are
    drawn. Rows marked ``test`` are in neither. Raises InputError for an unknown split name, and when no image is left to
    learn from, or for validation.
    """
    test = [row for row in rows if _side(row) == TEST]
    rest = [row for row in rows if _side(row) != TEST]
    train, validation = _own_split(rest)
    if drawn := not validation:
        parts = split_by_group(train or rest, config.validation_share, config.seed)
        train, validation = list(parts[0]), list(parts[1])
    if not train:
        raise InputError("no image is left to train on; mark some rows of the split column as train")
    if not validation:
        raise InputError("no image is left for validation; raise validation_share, or give the rows a split")
    return Sides(train=train, validation=validation, test=test, drawn=drawn)


def halves(rows: Sequence[LabelRow], seed: int) -> NDArray[np.bool_] | None:
    """Which rows are in one of two halves that share no group; None where there is one group alone."""
    _, other = split_by_group(rows, 0.5, seed)
    names = {row.name for row in other}
    return np.array([row.name in names for row in rows]) if other else None


def tell(missing: Sequence[str], dropped: Mapping[str, int], reporter: Reporter) -> None:
    """Say what was left out of a table."""
    if missing:
        reporter.say(f"{len(missing)} listed images are missing and left out, e.g. {missing[0]}")
    if dropped:
        reporter.say(f"rows left out: {', '.join(f'{why} {count:,}' for why, count in dropped.items())}")


def tell_split(sides: Sides, reporter: Reporter) -> None:
    """Say what a table's own split does: images marked test, groups that are on two sides, gaps."""
    if sides.test:
        reporter.say(
            f"{len(sides.test):,} images are marked test: they are judged once, at the end, and choose nothing"
        )
    parted = [_side(row) for row in (*sides.train, *sides.validation)]
    if 0 < (gaps := parted.count("")) < len(parted):
        reporter.say(
            f"warning: {gaps:,} of {len(parted):,} images have no split, so that of the others is not used: whole groups are "
            "held out; fill the column in, or leave such images out (--set exclude=[LABEL])"
        )
    learned = [*sides.train, *sides.validation]
    for known, judged, words, other, remedy in (
        (sides.train, sides.validation, "held out", "trained on",
         "hold out whole groups instead (train-classifier --by-group, or a table without the split column)"),
        (learned, sides.test, "marked test", "trained or validated on", "mark whole groups test instead"),
    ):  # fmt: skip
        if both := shared_groups(known, judged):
            groups = {row.group for row in judged if row.group}
            reporter.say(
                f"warning: {len(both)} of the {len(groups)} groups {words} (senders, garments) are {other} as well, e.g. "
                f"{both[0]}: the figures are better than on strangers' photos; {remedy}"
            )


def shared_groups(train: Sequence[LabelRow], validation: Sequence[LabelRow]) -> list[str]:
    """The groups that are on both sides."""
    sides = [{row.group for row in side if row.group} for side in (train, validation)]
    return sorted(sides[0] & sides[1])


def _own_split(rows: Sequence[LabelRow]) -> tuple[list[LabelRow], list[LabelRow]]:
    """Rows by their own split; two empty lists when some row has none."""
    if not all(row.split for row in rows):
        return [], []
    if odd := {_side(row) for row in rows} - VALIDATION - {TRAIN}:
        raise InputError(f"the split column says {', '.join(sorted(odd))}; write train, validation or test")
    return [row for row in rows if _side(row) == TRAIN], [row for row in rows if _side(row) != TRAIN]


def _side(row: LabelRow) -> str:
    return (row.split or "").strip().lower()


def require_labels(labels: Sequence[str], present: Iterable[str], what: str) -> None:
    """Raise InputError naming the labels that do not occur in ``present``."""
    if absent := sorted(set(labels) - set(present)):
        raise InputError(
            f"{what} with label {', '.join(absent)}; add images, or leave out with {as_flags({'exclude': absent})}"
        )


def without(table: LabelTable, labels: Sequence[str]) -> LabelTable:
    """The table without some labels' rows."""
    rows = tuple(row for row in table.rows if row.label not in labels)
    return replace(table, rows=rows, labels=tuple(sorted({row.label for row in rows})))


def place_of(folder: Path, name: str, side: str, config: ClassifierConfig) -> Path:
    """Where ``pack`` puts a side's dataset."""
    return folder / f"{name}-{side}-{round(config.image_size * SLACK)}"


def pack(table: LabelTable, config: ClassifierConfig, folder: Path, *, name: str, reporter: Reporter) -> Packed:
    """Pack the sides to ``folder/<name>-train-<px>``, ``-validation-<px>``, ``-test-<px>``; what fits already is kept.

    A photo that the table has several times, under whatever names, is on one side, once (``without_repeats``). Images marked
    test of labels that no other image has are left out.
    """
    require_photos(table.rows, table.missing)
    if unknown := sorted(set(config.exclude) - set(table.labels)):
        reporter.say(
            f"exclude names {', '.join(unknown)}, which the table does not have; it has {', '.join(table.labels)}"
        )
    table = without_repeats(without(table, config.exclude))
    labels, sides = split(table, config)
    tell(table.missing, table.dropped, reporter)
    tell_split(sides, reporter)
    test = [row for row in sides.test if row.label in labels]
    if len(test) < len(sides.test):
        foreign = ", ".join(sorted({row.label for row in sides.test} - set(labels)))
        reporter.say(
            f"{len(sides.test) - len(test):,} test images left out, no other image has their labels: {foreign}"
        )
    packed = {
        side: _pack_side(place_of(folder, name, side, config), rows, config, labels, side, reporter)
        for side, rows in (("train", sides.train), ("validation", sides.validation), ("test", test))
        if rows
    }
    train, validation = packed["train"], packed["validation"]
    require_labels(labels, (labels[number] for number in train.labels), "no readable training image")
    rows = {row.name: row for row in sides.validation}
    held_out = tuple(rows[source] for source in validation.sources)
    return Packed(train=train, validation=validation, test=packed.get("test"), held_out=held_out, drawn=sides.drawn)


def _pack_side(
    target: Path,
    rows: Sequence[LabelRow],
    config: ClassifierConfig,
    labels: Sequence[str],
    side: str,
    reporter: Reporter,
) -> PackedDataset:
    size = round(config.image_size * SLACK)
    items = [Item(source=row.name, path=row.path, label=row.label, box=row.box) for row in rows]
    packed = PackedDataset.pack(target, items, size=size, fit=config.fit, reporter=reporter, label_names=labels)
    if packed.skipped:
        source, reason = next(iter(packed.skipped.items()))
        reporter.say(f"{len(packed.skipped)} {side} images left out, e.g. {source}: {reason}")
    return packed
