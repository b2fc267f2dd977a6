"""Tags of whole data sets, from the folders that their authors ship: Clothing Co-Parsing, DeepFashion, FashionAI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from deepstyle.annotations.ccp import label_names, load_mat
from deepstyle.annotations.convert import Tally
from deepstyle.annotations.deepfashion import attribute_rows
from deepstyle.annotations.lists import Attributes
from deepstyle.annotations.table import PhotoFinder
from deepstyle.annotations.tag_table import NO, UNKNOWN, YES, Gathered, TagTable, read_tag_table, read_tasks
from deepstyle.errors import InputError
from deepstyle.files import shown
from deepstyle.progress import Reporter

BODY = frozenset({"null", "skin", "hair"})  # of Clothing Co-Parsing's labels, those that are no clothes


def read_any_tags(source: Path, *, reporter: Reporter, images: Path | None = None) -> TagTable:
    """Tags from a CSV, or from the folder of Clothing Co-Parsing, DeepFashion or FashionAI. Raises InputError for any other."""
    return replace(_read(source, reporter, images), name=shown(source.resolve().name))


def _read(source: Path, reporter: Reporter, images: Path | None) -> TagTable:
    if not source.is_dir():
        return read_tag_table(source, images=images, reporter=reporter)
    if (source / "annotations" / "image-level").is_dir():
        return read_ccp_tags(source)
    if (source / "Images").is_dir() and (files := sorted((source / "Annotations").glob("[!.]*.csv"))):
        return read_tasks(files, [source])
    if any((source / name).is_dir() for name in ("Anno_coarse", "Anno_fine", "Anno")):
        return read_deepfashion_tags(source, reporter=reporter)
    raise InputError(
        f"{source}: neither Clothing Co-Parsing (annotations/image-level) nor DeepFashion (Anno_coarse, Anno_fine) "
        "nor FashionAI (Annotations/*.csv and Images); give one of them, unpacked, or a CSV of tags"
    )


def read_ccp_tags(source: Path) -> TagTable:
    """What each of Clothing Co-Parsing's tagged photos shows (Yang, Luo, Lin, CVPR 2014); broken files are left out."""
    names = label_names(source / "label_list.mat")
    gathered = Gathered(PhotoFinder([source / "photos"]))
    for path in sorted((source / "annotations" / "image-level").glob("[!.]*.mat")):
        try:
            ids = np.asarray(load_mat(path, "tags")).ravel()
        except InputError:
            continue
        tags = {names[int(key)] for key in ids if ids.dtype.kind in "uif" and 0 <= key < len(names)}
        gathered.add(f"{path.stem}.jpg", dict.fromkeys(sorted(tags - BODY), YES))
    return gathered.table({}, otherwise=NO)


def read_deepfashion_tags(source: Path, *, reporter: Reporter) -> TagTable:
    """DeepFashion's attributes with the authors' own partition; a photo's group is its folder, which shows one garment.

    The partition shares folders between its sides, which a training says aloud. What the files say is not known teaches and
    judges nothing; the fine annotations say yes or no alone.
    """
    photos, rows, attributes = attribute_rows(source, Tally(), reporter)
    gathered = Gathered(PhotoFinder([photos]))
    for row in rows:
        known = attributes.get(row.name, Attributes())
        tags = dict.fromkeys(known.yes, YES) | dict.fromkeys(known.unknown, UNKNOWN)
        gathered.add(row.name, tags, group=row.name.rpartition("/")[0], split=row.split)
    return gathered.table({}, otherwise=NO)
