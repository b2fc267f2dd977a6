"""Clothing Co-Parsing's other photos: tags say which garments they show, but not where.

Source: Yang, Luo, Lin, CVPR 2014; ``annotations/image-level/*.mat`` hold the label ids of a photo in ``tags``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from deepstyle import images
from deepstyle.annotations.ccp import GARMENTS, HOSIERY, label_names, load_mat
from deepstyle.errors import InputError

PHOTOS = ("jpg", "jpeg", *sorted(set(images.EXTENSIONS.values()) - {"jpg"}))  # what files of photos are called


def photos_below(source: Path) -> tuple[list[Path], dict[Path, Counter[str]] | None]:
    """The photos below a folder; of Clothing Co-Parsing's those with tags alone, and what is worn on them.

    Raises InputError when there are none.
    """
    worn = read_tags(source) if (source / "annotations" / "image-level").is_dir() else None
    photos = sorted(worn) if worn is not None else sorted(path for path in source.rglob("*") if _is_photo(path))
    if not photos:
        raise InputError(f"{source}: holds no photos (files named .{', .'.join(PHOTOS)})")
    return photos, worn


def _is_photo(path: Path) -> bool:
    """Whether a file is called like a photo; a hidden one is what a killed process was writing."""
    return not path.name.startswith(".") and path.suffix.lower().lstrip(".") in PHOTOS


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
