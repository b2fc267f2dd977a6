"""DeepFashion, Category and Attribute Prediction Benchmark -> COCO files with attributes.

Source: Liu, Luo, Qiu, Wang, Tang, "DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich
Annotations", CVPR 2016. The folder as its authors ship it: ``Img/img/<garment folder>/*.jpg``, ``Anno_coarse/`` or
``Anno/`` (289,222 photos) with ``Eval/list_eval_partition.txt``, ``Anno_fine/`` (20,000 photos) with files in parallel.
Each photo has one box. ``type`` labels are upper, lower, full, as DeepStyle used them; ``category`` labels are the 46
of the 50 categories that occur. The category and the attributes stay with each annotation.

The authors' own partition shares garment folders between train, val and test: the same garment, photographed again.
``split="folder"`` parts the photos by folder instead.

How a row can end, beside ``convert.py``'s ways: ``bad-row`` (no numbers where there must be, or a category or split
that does not exist), ``no-box``, ``no-category``, ``no-split`` (another file names the photo, this one does not),
``duplicate`` (a name again in the same list, or in another split's; the first row counts), ``short-list`` (rows that a
file promises and lacks), ``bad-attributes`` (kept, without them).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from deepstyle.annotations.coco import LABELS, AnnotatedImage, Annotation, fit
from deepstyle.annotations.convert import Summary, Tally, check_shares, photo_sizes, split_of, write_splits
from deepstyle.annotations.lists import Attributes, attributes_of, read_attributes, read_lines, read_list
from deepstyle.errors import InputError
from deepstyle.images import ImageInfo
from deepstyle.progress import Reporter

SPLITS = ("train", "val", "test")
TYPES = {"1": "upper", "2": "lower", "3": "full"}  # category_type
FOLDERS = {"coarse": ("Anno_coarse", "Anno"), "fine": ("Anno_fine",)}

Labels = Literal["type", "category"]
Split = Literal["authors", "folder"]


class Row(NamedTuple):
    """What the label files say of a photo, as text: ``box`` has 4 numbers, ``category`` is a row number from 1."""

    name: str
    split: str
    box: Sequence[str]
    category: str


@dataclass(frozen=True)
class _Names:
    """Categories as (name, label of the type), and how an annotation is to be labelled."""

    categories: tuple[tuple[str, str], ...]
    labels: Labels

    def read(self, row: Row, size: ImageInfo | str, attributes: tuple[str, ...]) -> tuple[Annotation | None, str]:
        """One row as an annotation, or None; and how it ended (``""``: as it was)."""
        if isinstance(size, str):
            return None, size
        try:
            x0, y0, x1, y1 = map(float, row.box)
            number = int(row.category) - 1
        except ValueError:
            return None, "bad-row"
        if not 0 <= number < len(self.categories) or row.split not in SPLITS:
            return None, "bad-row"
        box, outcome = fit((x0, y0, x1, y1), size.width, size.height)
        category, label = self.categories[number]
        label = category if self.labels == "category" else label
        return box and Annotation(box=box, label=label, category=category, attributes=attributes), outcome

    def used(self, splits: dict[str, list[AnnotatedImage]]) -> tuple[str, ...]:
        """The labels of the COCO files: the three types, or the categories that occur, in the benchmark's order."""
        if self.labels == "type":
            return LABELS
        found = {one.label for images in splits.values() for image in images for one in image.annotations}
        return tuple(name for name, _ in self.categories if name in found)


def convert_deepfashion(
    source: Path, out: Path, *, reporter: Reporter, labels: Labels = "type", variant: str | None = None,
    split: Split = "authors", validation_share: float = 0.15, test_share: float = 0.15, seed: int = 0,
) -> Summary:  # fmt: skip
    """Turn the benchmark's label files into COCO files in ``out``; the photos stay where they are.

    ``variant`` is ``coarse`` or ``fine`` (the first that is there otherwise). The shares and ``seed`` are for
    ``split="folder"`` only. Raises InputError when a label file or the photos' folder is missing or of another form,
    UsageError for shares out of bounds.
    """
    check_shares(validation_share, test_share)
    tally = Tally()
    names = _Names(_categories(source, _annotations(source, variant)), labels)
    photos, rows, attributes = attribute_rows(source, tally, reporter, variant=variant)
    sizes = photo_sizes([f"{photos}{os.sep}{row.name}" for row in rows], reporter)
    splits: dict[str, list[AnnotatedImage]] = {name: [] for name in SPLITS}
    for row, size in zip(rows, sizes, strict=True):
        one, outcome = names.read(row, size, attributes.get(row.name, Attributes()).yes)
        if outcome:
            tally.count(outcome, row.name)
        if one is None or isinstance(size, str):
            continue
        side = row.split
        if split == "folder":
            side = split_of(row.name.rpartition("/")[0], seed, validation_share, test_share)
        path = Path(f"{photos}{os.sep}{row.name}")
        splits[side].append(AnnotatedImage(path=path, width=size.width, height=size.height, annotations=(one,)))
    return write_splits(out, splits, names.used(splits), tally)


def attribute_rows(
    source: Path, tally: Tally, reporter: Reporter, *, variant: str | None = None
) -> tuple[Path, list[Row], dict[str, Attributes]]:
    """The folder of the photos, a row for each photo, and the photos' attributes. Raises InputError as above."""
    folder, photos = _annotations(source, variant), _photos(source)
    reporter.say(f"reading {folder}")
    if (folder / "train.txt").is_file():
        return photos, *_parallel_rows(folder, tally)
    rows = _listed_rows(folder, source / "Eval", tally)
    table = folder / "list_attr_img.txt"
    return photos, rows, read_attributes(table, _attribute_names(folder), tally, reporter) if table.is_file() else {}


def category_rows(source: Path, tally: Tally, reporter: Reporter) -> tuple[Path, list[tuple[Row, str]]]:
    """The folder of the photos, and each photo's row with its category's name. Raises InputError as above."""
    folder, photos = _annotations(source, None), _photos(source)
    reporter.say(f"reading {folder}")
    names = {str(number): name for number, (name, _) in enumerate(_categories(source, folder), 1)}
    fine = (folder / "train.txt").is_file()
    rows = _parallel_rows(folder, tally)[0] if fine else _listed_rows(folder, source / "Eval", tally)
    found: list[tuple[Row, str]] = []
    for row in rows:
        category = names.get(row.category.lstrip("0"))
        if category is None or row.split not in SPLITS:
            tally.count("bad-row", row.name)
        else:
            found.append((row, category))
    return photos, found


def _annotations(source: Path, variant: str | None) -> Path:
    """The folder of label files: of the variant, or the first that is there."""
    wanted = FOLDERS[variant] if variant else [name for names in FOLDERS.values() for name in names]
    for name in wanted:
        if (source / name).is_dir():
            return source / name
    raise InputError(f"{source}: holds no {' or '.join(wanted)}; give the benchmark's folder with its label files")


def _photos(source: Path) -> Path:
    """The folder that the names ``img/...`` start from, absolute."""
    for folder in (source / "Img", source):
        if (folder / "img").is_dir():
            return folder.absolute()
    raise InputError(f"{source}: holds neither Img/img nor img; unpack the benchmark's img.zip into {source / 'Img'}")


def _categories(source: Path, folder: Path) -> tuple[tuple[str, str], ...]:
    """Name and type of each category, in the order that numbers them; the fine folder may leave it to the coarse."""
    file = "list_category_cloth.txt"
    places = [path for path in (folder / file, *(source / name / file for name in FOLDERS["coarse"])) if path.is_file()]
    path = places[0] if places else folder / file
    rows = read_list(path, 1, Tally())
    for name, (kind,) in rows.items():
        if kind not in TYPES:
            raise InputError(f"{path}: {name} is of type {kind!r}; types are 1 upper, 2 lower, 3 full")
    return tuple((name, TYPES[kind]) for name, (kind,) in rows.items())


def _listed_rows(folder: Path, evaluation: Path, tally: Tally) -> list[Row]:
    """Rows of the counted lists, joined by the photo's name."""
    splits = read_list(evaluation / "list_eval_partition.txt", 1, tally)
    boxes = read_list(folder / "list_bbox.txt", 4, tally)
    categories = read_list(folder / "list_category_img.txt", 1, tally)
    rows = []
    for name, (split,) in splits.items():
        if name in boxes and name in categories:
            rows.append(Row(name, split, boxes[name], categories[name][0]))
        else:
            tally.count("no-box" if name not in boxes else "no-category", name)
    for name in (boxes | categories).keys() - splits.keys():
        tally.count("no-split", name)
    return rows


def _parallel_rows(folder: Path, tally: Tally) -> tuple[list[Row], dict[str, Attributes]]:
    """Rows of the fine annotations, whose files are parallel; and the photos' attributes, where they are shipped."""
    rows: dict[str, Row] = {}
    attributes: dict[str, Attributes] = {}
    for split in SPLITS:
        names, boxes, categories = (read_lines(folder / f"{split}{part}.txt") for part in ("", "_bbox", "_cate"))
        if not len(names) == len(boxes) == len(categories):
            counts = f"{len(names)}, {len(boxes)} and {len(categories)}"
            raise InputError(
                f"{folder}: {split}.txt, _bbox and _cate have {counts} rows, which must agree; unpack again"
            )
        for name, box, category in zip(names, boxes, categories, strict=True):
            tally.count("duplicate", f"{split}.txt: {name}", int(name in rows))
            rows.setdefault(name, Row(name, split, box.split(), category))
        table = folder / f"{split}_attr.txt"
        if table.is_file():
            known, lines = _attribute_names(folder), read_lines(table)
            tally.count("short-list", table.name, max(0, len(names) - len(lines)))
            for name, line in zip(names, lines, strict=False):
                values = attributes_of(line.encode(), known)
                tally.count("bad-attributes", name, 1 if values is None else 0)
                attributes.setdefault(name, values or Attributes())
    return list(rows.values()), attributes


def _attribute_names(folder: Path) -> tuple[str, ...]:
    """Names of the attributes in the order of their columns; names may hold blanks."""
    return tuple(read_list(folder / "list_attr_cloth.txt", 1, Tally()))
