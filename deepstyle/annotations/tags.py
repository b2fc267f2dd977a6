"""Clothing Co-Parsing's other photos: tags say which garments they show, but not where.

Source: Yang, Luo, Lin, CVPR 2014; ``annotations/image-level/*.mat`` hold the label ids of a photo in ``tags``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from deepstyle.annotations.ccp import GARMENTS, HOSIERY, label_names, load_mat
from deepstyle.errors import InputError


def read_tags(source: Path) -> dict[Path, Counter[str]]:
    """How many garments of each label (upper, lower, full) every tagged photo shows; photos without a garment are left out.

    Tights and stockings count when nothing else covers the legs, as in ``ccp``. Broken or missing files are left out.
    Raises InputError when the folder is not Clothing Co-Parsing's.
    """
    names = label_names(source / "label_list.mat")
    worn: dict[Path, Counter[str]] = {}
    for path in sorted((source / "annotations" / "image-level").glob("[!.]*.mat")):
        photo = source / "photos" / f"{path.stem}.jpg"
        try:
            ids = np.asarray(load_mat(path, "tags")).ravel()
        except InputError:
            continue
        tags = {names[int(key)] for key in ids if ids.dtype.kind in "uif" and 0 <= key < len(names)}
        if found := garments(tags):
            worn[photo.absolute()] = found
    return {photo: found for photo, found in worn.items() if photo.is_file()}


def garments(tags: set[str]) -> Counter[str]:
    """Count tags by the label of their garment."""
    worn = tags - HOSIERY
    if any(GARMENTS.get(tag) in {"lower", "full"} for tag in worn):
        tags = worn
    return Counter(GARMENTS[tag] for tag in tags if tag in GARMENTS)
