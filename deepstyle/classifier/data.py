"""From a table of labelled images to the two packed datasets a classifier trains and is judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deepstyle.annotations.repeats import without_repeats
from deepstyle.annotations.table import LabelRow, LabelTable, split_by_group
from deepstyle.classifier.augment import SLACK
from deepstyle.config import ClassifierConfig, NetworkConfig, as_flags
from deepstyle.dataset import Item, PackedDataset
from deepstyle.errors import InputError
from deepstyle.progress import Reporter

TRAIN, VALIDATION, TEST = "train", {"validation", "valid", "val"}, "test"


def split(table: LabelTable, config: ClassifierConfig) -> tuple[tuple[str, ...], list[LabelRow], list[LabelRow]]:
    """Labels, training rows and validation rows, as ``split_rows`` parts them.

    Raises InputError for fewer than two labels, and a label without a training image, too.
    """
    rows = [row for row in table.rows if row.label not in config.exclude and _side(row) != TEST]
    labels = tuple(sorted({row.label for row in rows}))
    if len(labels) < 2:
        told = ", ".join(labels) or "none that is not left out or marked test"
        raise InputError(f"a classifier needs images of at least 2 labels, the table has {told}")
    train, validation = split_rows(rows, config)
    require_labels(labels, (row.label for row in train), "no training image")
    return labels, train, validation


def split_rows(rows: Sequence[LabelRow], config: NetworkConfig) -> tuple[list[LabelRow], list[LabelRow]]:
    """Training rows and validation rows.

    The table's own split counts when every row has one. Otherwise, or when it holds nothing out, whole groups are
    drawn. Rows marked ``test`` are in neither. Raises InputError for an unknown split name, and when one side is empty.
    """
    rows = [row for row in rows if _side(row) != TEST]
    train, validation = _own_split(rows)
    if not validation:
        parts = split_by_group(train or rows, config.validation_share, config.seed)
        train, validation = list(parts[0]), list(parts[1])
    if not train:
        raise InputError("no image is left to train on; mark some rows of the split column as train")
    if not validation:
        raise InputError("no image is left for validation; raise validation_share, or give the rows a split")
    return train, validation


def require_photos(rows: Sequence[LabelRow], missing: Sequence[str]) -> None:
    """Raise InputError when a table names photos, and none of them is there."""
    if missing and not rows:
        raise InputError(
            f"none of the table's {len(missing):,} images is there, e.g. {missing[0]}; give the folder of a CSV's images "
            "with --images"
        )


def tell(
    missing: Sequence[str], dropped: Mapping[str, int], train: Sequence[LabelRow], validation: Sequence[LabelRow],
    reporter: Reporter,
) -> None:  # fmt: skip
    """Say what was left out of a table, and that a given split shares groups between its sides, if it does."""
    if missing:
        reporter.say(f"{len(missing)} listed images are missing and left out, e.g. {missing[0]}")
    if dropped:
        reporter.say(f"rows left out: {', '.join(f'{why} {count:,}' for why, count in dropped.items())}")
    if both := shared_groups(train, validation):
        held_out = {row.group for row in validation if row.group}
        reporter.say(
            f"warning: {len(both)} of the {len(held_out)} groups held out (senders, garments) are trained on as well, e.g. "
            f"{both[0]}: the figures are better than on strangers' photos; hold out whole groups instead "
            "(train-classifier --by-group, or a table without the split column)"
        )


def tell_split(rows: Sequence[LabelRow], reporter: Reporter) -> None:
    """Say how many rows are marked test, and that a split column with gaps counts for nothing, if it has some."""
    sides = [_side(row) for row in rows]
    if tests := sides.count(TEST):
        reporter.say(f"{tests:,} images are marked test: nothing learns from them or is validated on them")
    parted = [side for side in sides if side != TEST]
    if 0 < (gaps := parted.count("")) < len(parted):
        reporter.say(
            f"warning: {gaps:,} of {len(parted):,} images have no split, so that of the others is not used: whole groups are "
            "held out; fill the column in, or leave such images out (--set exclude=[LABEL])"
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


def pack(
    table: LabelTable, config: ClassifierConfig, folder: Path, *, name: str, reporter: Reporter
) -> tuple[PackedDataset, PackedDataset]:
    """Pack both sides to ``folder/<name>-train-<px>`` and ``-validation-<px>``; what fits already is kept.

    A photo that the table has several times, under whatever names, is on one side, once (``without_repeats``).
    """
    require_photos(table.rows, table.missing)
    if unknown := sorted(set(config.exclude) - set(table.labels)):
        reporter.say(
            f"exclude names {', '.join(unknown)}, which the table does not have; it has {', '.join(table.labels)}"
        )
    table = without_repeats(without(table, config.exclude))
    labels, train, validation = split(table, config)
    tell(table.missing, table.dropped, train, validation, reporter)
    tell_split(table.rows, reporter)
    size = round(config.image_size * SLACK)
    sides = {"train": train, "validation": validation}
    packed: list[PackedDataset] = []
    for side, rows in sides.items():
        items = [Item(source=row.name, path=row.path, label=row.label, box=row.box) for row in rows]
        target = place_of(folder, name, side, config)
        packed.append(
            PackedDataset.pack(target, items, size=size, fit=config.fit, reporter=reporter, label_names=labels)
        )
        if skipped := packed[-1].skipped:
            source, reason = next(iter(skipped.items()))
            reporter.say(f"{len(skipped)} {side} images left out, e.g. {source}: {reason}")
    names = packed[0].label_names
    require_labels(names, (names[number] for number in packed[0].labels), "no readable training image")
    return packed[0], packed[1]
