"""The one COCO form that all label readers end in: boxes in pixels, labels by name, one JSON file.

Inside deepstyle a box is (x0, y0, x1, y1) in pixels, x1 and y1 exclusive; on disk it is COCO's [x, y, width, height].
Format: https://cocodataset.org/#format-data ("object detection").

How a row of a foreign file can end (``AnnotatedSet.dropped`` counts all but the first):
    kept            a box inside its photo
    clipped         kept, but it reached over the photo's edge and was cut there
    bad-mask        kept, but its ``segmentation`` is none of this photo: the box stays, the mask goes
    crowd           ``iscrowd`` is set: a region, not a garment
    no-area         width or height is zero, negative or not finite
    outside         it lies wholly outside its photo
    no-image        its ``image_id`` names no image of the file
    no-category     its ``category_id`` names no category of the file
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepstyle.annotations.mask import from_coco
from deepstyle.errors import InputError
from deepstyle.files import put_file, read_input
from deepstyle.images import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = ("upper", "lower", "full")
MOST = 4_000_000_000  # bytes of a COCO file
TOLERANCE = 1e-3  # pixels; a smaller overhang is rounding, cut without being counted

XYXY = tuple[float, float, float, float]


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
    """A photo and its garments: ``path`` is absolute, ``width`` and ``height`` in pixels after EXIF rotation."""

    path: Path
    width: int
    height: int
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AnnotatedSet:
    """Photos with boxes; ``labels`` in the order of their ids. ``dropped`` counts what reading left out or changed."""

    labels: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]
    dropped: dict[str, int] = field(default_factory=dict, compare=False)


def read_coco(path: Path) -> AnnotatedSet:
    """Read a COCO detection file; ``file_name`` is absolute or relative to the JSON's folder.

    Photos are not opened. Raises InputError when the file is missing, no JSON, or lacks a key that boxes need.
    """
    data = _load(path)
    names = {
        _get(path, row, "id", int, f"categories[{i}]"): _text(path, row, "name", f"categories[{i}]")
        for i, row in _rows(path, data, "categories")
    }
    labels = {key: names[key] for key in sorted(names)}
    sizes: dict[int, tuple[Path, int, int]] = {}
    for i, row in _rows(path, data, "images"):
        key, image = _image(path, row, f"images[{i}]")
        if key in sizes:
            raise InputError(f"{path}: images[{i}] repeats the id {key}; ids must be unique")
        sizes[key] = image
    attributes = _attributes(data)
    boxes: dict[int, list[Annotation]] = {key: [] for key in sizes}
    dropped: Counter[str] = Counter()
    for i, row in _rows(path, data, "annotations"):
        key, one, outcomes = _annotation(path, row, f"annotations[{i}]", sizes=sizes, labels=labels)
        dropped.update(outcomes)
        if one is not None:
            boxes[key].append(replace(one, **_words(row, attributes)))
    images = tuple(
        AnnotatedImage(path=file, width=width, height=height, annotations=tuple(boxes[key]))
        for key, (file, width, height) in sizes.items()
    )
    return AnnotatedSet(labels=tuple(dict.fromkeys(labels.values())), images=images, dropped=dict(dropped))


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
        for one in image.annotations:
            if one.label not in ids:
                raise InputError(f"{image.path}: label {one.label!r} is none of {', '.join(ids)}; add it to the set")
            row = {"id": len(annotations) + 1, "image_id": key, "category_id": ids[one.label]}
            annotations.append(row | _fields(one, image))
    categories = [{"id": k, "name": label} for label, k in ids.items()]
    data = {"images": images, "categories": categories, "annotations": annotations}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    put_file(path, text.encode("utf-8", "backslashreplace"))  # bytes of a name that are no text become JSON's escapes


def _fields(one: Annotation, image: AnnotatedImage) -> dict[str, Any]:
    """What COCO keeps of an annotation beside its ids; what is unknown is left out."""
    x0, y0, x1, y1 = one.box
    row: dict[str, Any] = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0), "iscrowd": 0}
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


def _load(path: Path) -> dict[str, Any]:
    text = read_input(path, MOST, "give a COCO annotation file")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # JSONDecodeError, UnicodeDecodeError, nesting without end
        raise InputError(f"{path}: is no JSON ({error}); give a COCO annotation file") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: holds a {type(data).__name__}; COCO is an object of images, annotations, categories")
    return data


def _rows(path: Path, data: dict[str, Any], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = data.get(key)
    if not isinstance(rows, list):
        wrong = f"has no {key!r}" if key not in data else f"{key!r} is a {type(rows).__name__}, not a list"
        raise InputError(f"{path}: {wrong}; COCO needs the lists images, annotations and categories")
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"{path}: {key}[{i}] is a {type(row).__name__}, not an object")
        yield i, row


def _get(path: Path, row: dict[str, Any], key: str, kind: type, where: str) -> Any:
    if key not in row:
        raise InputError(f"{path}: {where} lacks {key!r}")
    value = row[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{path}: {where}.{key} is {value!r}, not of type {kind.__name__}")
    return value


def _image(path: Path, row: dict[str, Any], where: str) -> tuple[int, tuple[Path, int, int]]:
    width, height = (_get(path, row, key, int, where) for key in ("width", "height"))
    if width < 1 or height < 1:
        raise InputError(f"{path}: {where} is {width} x {height} pixels; both must be positive")
    if width * height > MAX_PIXELS:
        raise InputError(f"{path}: {where} is {width} x {height} pixels; photos of at most {MAX_PIXELS:,} are read")
    name = _text(path, row, "file_name", where)
    if "\0" in name:
        raise InputError(f"{path}: {where}.file_name is {name!r}, which no file can be called")
    file = Path(os.path.normpath(path.parent.absolute() / name))
    return _get(path, row, "id", int, where), (file, width, height)


def _text(path: Path, row: dict[str, Any], key: str, where: str) -> str:
    """A text that can be a file's name or be shown; half a pair of UTF-16 is neither."""
    text: str = _get(path, row, key, str, where)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: {where}.{key} is {text!r}, which is no text; export the file again") from error
    return text


def _box(path: Path, row: dict[str, Any], where: str) -> XYXY:
    """COCO's [x, y, width, height] as (x0, y0, x1, y1)."""
    values = _get(path, row, "bbox", list, where)
    if len(values) != 4 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise InputError(f"{path}: {where}.bbox is {values!r}, not four numbers [x, y, width, height]")
    x, y, width, height = (float(v) for v in values)
    return x, y, x + width, y + height


def _annotation(
    path: Path, row: dict[str, Any], where: str, *, sizes: dict[int, tuple[Path, int, int]], labels: dict[int, str]
) -> tuple[int, Annotation | None, tuple[str, ...]]:
    """Read one row: its image's id, the annotation or None, and what is to count (see the module's text)."""
    key, category = (_get(path, row, name, int, where) for name in ("image_id", "category_id"))
    if row.get("iscrowd"):
        return key, None, ("crowd",)
    if key not in sizes or category not in labels:
        return key, None, ("no-image" if key not in sizes else "no-category",)
    _, width, height = sizes[key]
    inside, outcome = fit(_box(path, row, where), width, height)
    outcomes = (outcome,) if outcome else ()
    if inside is None:
        return key, None, outcomes
    try:
        mask = from_coco(row.get("segmentation"), height, width)
    except InputError:
        mask, outcomes = "", (*outcomes, "bad-mask")
    return key, Annotation(box=inside, label=labels[category], mask=mask), outcomes


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
        "category": str(extra.get("category", "")),
        "attributes": tuple(map(str, names)) if isinstance(names, list) else (),
    }
