"""The one COCO form that all label readers end in: boxes in pixels, labels by name, one JSON file.

Inside deepstyle a box is (x0, y0, x1, y1) in pixels, x1 and y1 exclusive; on disk it is COCO's [x, y, width, height].
Format: https://cocodataset.org/#format-data ("object detection").

How a row of a foreign file can end (``AnnotatedSet.dropped`` counts all but the first):
    kept            a box inside its photo
    clipped         kept, but it reached over the photo's edge and was cut there
    bad-mask        kept, but its ``segmentation`` is none of this photo: the box stays, the mask goes
    box-of-mask     kept, but it had no ``bbox``: the box is that of its ``segmentation``
    repeated        kept, but its photo has the very same annotation already
    repeated-photo  (of a photo) kept, but another id has the same file already
    no-box          neither a ``bbox`` nor a ``segmentation`` that could tell one
    crowd           ``iscrowd`` is set: a region, not a garment; what is found there counts neither as right nor as wrong
    no-area         width or height is zero, negative or not finite
    outside         it lies wholly outside its photo
    no-image        its ``image_id`` names no image of the file
    no-category     its ``category_id`` names no category of the file
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deepstyle.annotations import coco_rows
from deepstyle.annotations.coco_rows import XYXY, Key, Sized
from deepstyle.annotations.mask import extent, from_coco
from deepstyle.errors import InputError
from deepstyle.files import put_file

LABELS = ("upper", "lower", "full")
TOLERANCE = 1e-3  # pixels; a smaller overhang is rounding, cut without being counted


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One garment on a photo: ``box`` is (x0, y0, x1, y1) in pixels, ``label`` what the detector learns.

    ``category`` keeps the source's finer name (``blazer``), or is empty; ``mask`` says which pixels of the photo are the
    garment (compressed run lengths, see ``mask.py``), or is empty when nobody knows; ``attributes`` are words the source
    has for it (``floral``).
    """

    box: XYXY
    label: str
    category: str = ""
    mask: str = ""
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AnnotatedImage:
    """A photo and its garments: ``path`` is absolute, ``width`` and ``height`` in pixels after EXIF rotation.

    ``crowds`` are regions of more garments than anybody drew boxes around (COCO's ``iscrowd``); nothing is learned from them.
    """

    path: Path
    width: int
    height: int
    annotations: tuple[Annotation, ...] = ()
    crowds: tuple[Annotation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AnnotatedSet:
    """Photos with boxes; ``labels`` in the order of their ids. ``dropped`` counts what reading left out or changed.

    ``name``: of the file, or files, that they are from; "" where they are from none.
    """

    labels: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]
    dropped: dict[str, int] = field(default_factory=dict, compare=False)
    name: str = field(default="", compare=False)


def read_coco(path: Path) -> AnnotatedSet:
    """Read a COCO detection file; ``file_name`` is absolute or relative to the JSON's folder.

    Photos are not opened. Raises InputError when the file is missing, no JSON, or lacks a key that boxes need.
    """
    data = coco_rows.load(path)
    names: dict[Key, str] = {}
    for where, row in coco_rows.rows(path, data, "categories"):
        key, name = coco_rows.category(path, row, where)
        if names.setdefault(key, name) != name:
            raise InputError(
                f"{path}: {where} gives the id {key} to {name!r}, which {names[key]!r} has; ids must be unique"
            )
    labels = {key: names[key] for key in sorted(names, key=lambda key: (isinstance(key, str), key))}
    sizes: dict[Key, Sized] = {}
    for where, row in coco_rows.rows(path, data, "images"):
        key, image = coco_rows.image(path, row, where)
        if key in sizes:
            raise InputError(f"{path}: {where} repeats the id {key}; ids must be unique")
        sizes[key] = image
    attributes = _attributes(data)
    boxes: dict[Key, list[Annotation]] = {key: [] for key in sizes}
    crowds: dict[Key, list[Annotation]] = {key: [] for key in sizes}
    dropped: Counter[str] = Counter()
    for where, row in coco_rows.rows(path, data, "annotations"):
        key, one, outcomes = _annotation(path, row, where, sizes=sizes, labels=labels)
        dropped.update(outcomes)
        if one is not None:
            of, one = (crowds if "crowd" in outcomes else boxes)[key], replace(one, **_words(row, attributes))
            dropped.update(["repeated"] if one in of else [])
            of.append(one)
    if repeated := len(sizes) - len({file for file, _, _ in sizes.values()}):
        dropped["repeated-photo"] = repeated
    images = tuple(
        AnnotatedImage(path=file, width=width, height=height, annotations=tuple(boxes[key]), crowds=tuple(crowds[key]))
        for key, (file, width, height) in sizes.items()
    )
    return AnnotatedSet(
        labels=tuple(dict.fromkeys(labels.values())), images=images, dropped=dict(dropped), name=path.name
    )


def write_coco(path: Path, annotated: AnnotatedSet) -> None:
    """Write the set as COCO JSON, whole or not at all; ids count from 1, labels keep their order.

    ``file_name`` is relative when the photo lies below the JSON's folder (the folder can then move), else absolute.
    Raises InputError when an annotation's label is not among ``annotated.labels``, StorageError when it cannot be written.
    """
    ids = {label: k for k, label in enumerate(annotated.labels, 1)}
    base = path.parent.absolute().as_posix().rstrip("/") + "/"
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for key, image in enumerate(annotated.images, 1):
        file = image.path.absolute().as_posix().removeprefix(base)
        images.append({"id": key, "file_name": file, "width": image.width, "height": image.height})
        for k, one in enumerate((*image.annotations, *image.crowds)):
            if one.label not in ids:
                raise InputError(f"{image.path}: label {one.label!r} is none of {', '.join(ids)}; add it to the set")
            row = {"id": len(annotations) + 1, "image_id": key, "category_id": ids[one.label]}
            annotations.append(row | _fields(one, image) | {"iscrowd": int(k >= len(image.annotations))})
    categories = [{"id": k, "name": label} for label, k in ids.items()]
    data = {"images": images, "categories": categories, "annotations": annotations}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    put_file(path, text.encode("utf-8", "backslashreplace"))  # bytes of a name that are no text become JSON's escapes


def _fields(one: Annotation, image: AnnotatedImage) -> dict[str, Any]:
    """What COCO keeps of an annotation beside its ids; what is unknown is left out."""
    x0, y0, x1, y1 = one.box
    row: dict[str, Any] = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
    if one.mask:
        row["segmentation"] = {"size": [image.height, image.width], "counts": one.mask}
    if one.category or one.attributes:
        row["attributes"] = {"category": one.category} if one.category else {}
        row["attributes"] |= {"names": one.attributes} if one.attributes else {}
    return row


def clip(box: XYXY, width: int, height: int) -> XYXY | None:
    """Cut a box (pixels) to a photo of ``width`` x ``height``; None when nothing of it lies inside."""
    x0, y0, x1, y1 = max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3])
    return (x0, y0, x1, y1) if x1 - x0 > TOLERANCE and y1 - y0 > TOLERANCE else None


def fit(box: XYXY, width: int, height: int) -> tuple[XYXY | None, str]:
    """Cut a box (pixels) to its photo: the box and ``""`` or ``clipped``, or None and why there is none."""
    if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
        return None, "no-area"
    inside = clip(box, width, height)
    if inside is None:
        return None, "outside"
    cut = max(abs(a - b) for a, b in zip(box, inside, strict=True)) > TOLERANCE
    return inside, "clipped" if cut else ""


def _annotation(
    path: Path, row: dict[str, Any], where: str, *, sizes: dict[Key, Sized], labels: dict[Key, str]
) -> tuple[Key, Annotation | None, tuple[str, ...]]:
    """Read one row: its image's id, the annotation or None, and what is to count (see the module's text)."""
    key, category = (coco_rows.ident(path, row, name, where) for name in ("image_id", "category_id"))
    crowd = coco_rows.is_crowd(row)
    if key not in sizes or category not in labels:
        return key, None, ("no-image" if key not in sizes else "no-category",)
    if crowd and not row.get("bbox"):
        return key, None, ("crowd",)
    _, width, height = sizes[key]
    mask, broken = _mask(row, height, width)
    if row.get("bbox") in (None, "", [], {}):
        if not mask:
            return key, None, ("no-box",)
        return key, Annotation(box=extent(mask, height, width), label=labels[category], mask=mask), ("box-of-mask",)
    inside, outcome = fit(coco_rows.box(path, row, where), width, height)
    outcomes = ("crowd",) if crowd else (outcome,) if outcome else ()
    if inside is None:
        return key, None, outcomes
    if broken and not crowd:
        outcomes = (*outcomes, "bad-mask")
    return key, Annotation(box=inside, label=labels[category], mask=mask), outcomes


def _mask(row: dict[str, Any], height: int, width: int) -> tuple[str, bool]:
    """The mask of a row, "" without a good one, and whether what stands there is none of its photo."""
    try:
        return from_coco(row.get("segmentation"), height, width), False
    except InputError:
        return "", True


def _attributes(data: dict[str, Any]) -> dict[Any, str]:
    """Names of the attributes by id, where a file lists them as Fashionpedia does; else none."""
    rows = data.get("attributes")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {row["id"]: str(row["name"]) for row in rows if isinstance(row.get("id"), int) and "name" in row}


def _words(row: dict[str, Any], attributes: dict[Any, str]) -> dict[str, Any]:
    """The finer category and the attributes of a row: where ``write_coco`` puts them, or Fashionpedia's ids."""
    extra, ids = row.get("attributes"), row.get("attribute_ids")
    if attributes and isinstance(ids, list):
        return {"attributes": tuple(attributes[key] for key in ids if isinstance(key, int) and key in attributes)}
    if not isinstance(extra, dict):
        return {}
    names = extra.get("names")
    return {
        "category": str(extra.get("category") or ""),
        "attributes": tuple(str(name) for name in names if name is not None) if isinstance(names, list) else (),
    }
