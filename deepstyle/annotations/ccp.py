"""Clothing Co-Parsing: pixel masks -> boxes and masks of upper, lower and full garments, as COCO files.

Source: Yang, Luo, Lin, "Clothing Co-Parsing by Joint Image Segmentation and Labeling", CVPR 2014. A mask holds one of
59 label ids a pixel, and only what is visible. What becomes a box, and why:

* ``GARMENTS`` says which label is which garment. Coats and capes are ``full``, as in DeepFashion; so is ``suit``,
  although CCP mostly marks the jacket of a suit with it (the trousers then carry a box of their own).
* Tights and stockings are ``lower`` only when nothing else covers the legs: no lower, no full garment on the photo.
* One CCP label is one garment: parts that a bag, an arm, a belt or hair cut off are joined into one box. Connected
  parts (8 neighbours) under ``SPECK`` of the photo are strays of the annotation, dropped before they widen a box.
* CCP calls some denim jackets ``jeans``: parts of that label whose middle lies in the upper ``DENIM_JACKET`` of the
  person count as ``jacket`` (measured: middles of jackets lie at 0.28 to 0.36, the highest trousers' at 0.47).
* Layers keep a box each: a coat and the dress under it, a jacket and the shirt under it. The box of an inner garment
  spans its visible parts, so two slivers beneath an open blazer give one box from collar to hem, which is about what
  the eye completes.
* But trim is no garment: when at least ``TRIM_INSIDE`` of a box lies in that of a garment which shows more, and it
  shows less than ``TRIM_SHARE`` of the latter's pixels (a collar, a hem) or fills less than ``TRIM_FILL`` of its own
  box (collar and cuffs around a sweater: a second box nearly equal to the sweater's), the box is dropped.

How a photo can end (``Summary.dropped`` counts, ``dropped.csv`` names):
    kept            with at least one box
    no-photo        no photo of the mask's name
    bad-photo       the photo is no readable image
    bad-mask        the .mat file is broken, or its ``groundtruth`` is no grid of whole numbers
    size-differs    mask and photo differ in size, so that nobody knows where a pixel belongs
    no-garment      no box is left (nothing marked, or accessories only)
And how a part of a kept photo can: ``speck``, ``trim``, ``hosiery`` (tights under something), ``unknown-id``.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepstyle.annotations.coco import LABELS, AnnotatedImage, Annotation
from deepstyle.annotations.coco_rows import XYXY
from deepstyle.annotations.convert import Summary, Tally, check_shares, parted, write_splits
from deepstyle.annotations.mask import encode
from deepstyle.errors import InputError
from deepstyle.files import read_input, read_regular
from deepstyle.images import MAX_BYTES, probe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepstyle.progress import Reporter

MAT, SMALL_MAT = (
    2_000_000,
    100_000,
)  # bytes of a mask's file, and of the labels': packed, they can be a thousand times that
LARGEST = 16_000_000  # pixels of a mask
NUMBERS = {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
SPECK = 0.002  # share of the photo's pixels under which a connected part is a stray
TRIM_INSIDE, TRIM_SHARE, TRIM_FILL = 0.6, 0.05, 0.15  # see the module's text
DENIM_JACKET = 0.42  # height of the person (0 head, 1 feet) above which the middle of a part of jeans is a jacket's
HOSIERY = frozenset({"tights", "stockings"})
_UPPER = (
    "blazer", "blouse", "bodysuit", "bra", "cardigan", "hoodie", "jacket", "jumper", "shirt", "sweater", "sweatshirt",
    "t-shirt", "top", "vest",
)  # fmt: skip
Grid = NDArray[np.integer[Any]]  # height x width label ids
GARMENTS: dict[str, str] = (
    dict.fromkeys(_UPPER, "upper")
    | dict.fromkeys(("jeans", "leggings", "pants", "shorts", "skirt", *HOSIERY), "lower")
    | dict.fromkeys(("cape", "coat", "dress", "romper", "suit"), "full")
)


@dataclass(frozen=True)
class _Garment:
    """A joined garment: its box in pixels, how many pixels of it are visible, and which (``mask.py``'s text)."""

    category: str
    box: XYXY
    pixels: int
    mask: str

    @property
    def area(self) -> float:
        """Pixels of the box, of which the mask fills ``pixels``."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def convert_ccp(
    source: Path, out: Path, *, reporter: Reporter, validation_share: float = 0.15, test_share: float = 0, seed: int = 0
) -> Summary:
    """Turn CCP's pixel masks into COCO files in ``out`` (see ``convert.py``); the photos stay where they are.

    ``source`` holds photos/, annotations/pixel-level/*.mat and label_list.mat. A photo's side of the split depends on
    its name and ``seed`` alone, so new photos move no old one, and a ``test_share`` takes photos from training only.
    Raises InputError when the folder is not CCP's or no photo can be used, UsageError for shares out of bounds.
    """
    check_shares(validation_share, test_share)
    names = label_names(source / "label_list.mat")
    masks = _masks(source)
    kept: list[AnnotatedImage] = []
    tally = Tally()
    with reporter.task("masks to boxes", total=len(masks), unit="photos") as task:
        for mask in masks:
            image, reasons = _convert_one(source, mask, names)
            kept += [image] if image is not None else []
            for reason, amount in reasons.items():
                tally.count(reason, mask.stem, amount)
            task.advance()
    if not kept:
        raise InputError(f"{source}: no photo has a usable mask ({tally.words}); give Clothing Co-Parsing's folder")
    return write_splits(out, parted(kept, seed, validation_share, test_share), LABELS, tally)


def boxes_from_mask(mask: Grid, names: Sequence[str]) -> tuple[tuple[Annotation, ...], Counter[str]]:
    """Boxes and masks of the garments in one grid (height x width label ids; ``names[id]``), and why parts were left out.

    Boxes are (x0, y0, x1, y1) in pixels, in the order of the label ids; masks hold the joined parts. The rules are in the
    module's text.
    """
    left_out: Counter[str] = Counter()
    found: list[_Garment] = []
    mask = _denim_jackets(mask, names)
    for key in np.unique(mask):
        if not 0 <= key < len(names):
            left_out["unknown-id"] += 1
        elif names[key] in GARMENTS:
            garment, specks = _join(mask == key, names[key])
            found += [garment] if garment is not None else []
            left_out["speck"] += specks
    worn = [one for one in found if one.category not in HOSIERY]
    if any(GARMENTS[one.category] != "upper" for one in worn):
        left_out["hosiery"] += len(found) - len(worn)
        found = worn
    kept = [one for one in found if not any(_is_trim(one, other) for other in found)]
    left_out["trim"] += len(found) - len(kept)
    boxes = tuple(
        Annotation(box=one.box, label=GARMENTS[one.category], category=one.category, mask=one.mask) for one in kept
    )
    return boxes, +left_out


def _denim_jackets(mask: Grid, names: Sequence[str]) -> Grid:
    """Rename every part of ``jeans`` that is worn above the waist to ``jacket``."""
    if "jeans" not in names or "jacket" not in names:
        return mask
    key = names.index("jeans")
    parts, slices, _ = _parts(mask == key)
    if not slices:
        return mask
    person = np.flatnonzero((mask > 0).any(axis=1))  # rows
    waist = person[0] + DENIM_JACKET * (person[-1] + 1 - person[0])
    above = [k for k, part in enumerate(slices, 1) if (part[0].start + part[0].stop) / 2 < waist]
    return np.where(np.isin(parts, above), names.index("jacket"), mask) if above else mask


def _parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], list[tuple[slice, slice]], NDArray[np.int64]]:
    """Find connected parts (8 neighbours): their numbers from 1 in height x width, slices, and sizes in pixels."""
    from scipy import ndimage  # here: half a second that `--help` must not pay

    numbers, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return numbers, ndimage.find_objects(numbers), np.bincount(numbers.ravel(), minlength=count + 1)[1:]


def _join(mask: NDArray[np.bool_], category: str) -> tuple[_Garment | None, int]:
    """Join the parts of a mask (height x width) that are no specks into one garment; and count those that are."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = rows[0], columns[0]
    numbers, slices, sizes = _parts(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    large = np.flatnonzero(sizes >= SPECK * mask.size)
    if not large.size:
        return None, len(slices)
    ys, xs = zip(*(slices[k] for k in large), strict=True)
    box = (
        float(left + min(s.start for s in xs)), float(top + min(s.start for s in ys)),
        float(left + max(s.stop for s in xs)), float(top + max(s.stop for s in ys)),
    )  # fmt: skip
    joined = np.zeros_like(mask)
    joined[top : rows[-1] + 1, left : columns[-1] + 1] = np.isin(numbers, large + 1)
    return _Garment(category, box, int(sizes[large].sum()), encode(joined)), len(slices) - len(large)


def _is_trim(one: _Garment, other: _Garment) -> bool:
    """Whether ``one`` is only the collar, cuffs or hem that show of a garment worn under (or over) ``other``."""
    if one.pixels >= other.pixels:
        return False
    width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    inside = max(0.0, width) * max(0.0, height) / one.area
    little = one.pixels < TRIM_SHARE * other.pixels or one.pixels < TRIM_FILL * one.area
    return inside >= TRIM_INSIDE and little


def _convert_one(source: Path, mask: Path, names: Sequence[str]) -> tuple[AnnotatedImage | None, Counter[str]]:
    """Read one mask: its photo with boxes, or None; and what was dropped of it."""
    photo = source / "photos" / f"{mask.stem}.jpg"
    if not photo.is_file():
        return None, Counter({"no-photo": 1})
    try:
        info = probe(read_regular(photo, MAX_BYTES))
    except (OSError, InputError):
        return None, Counter({"bad-photo": 1})
    grid = _grid(mask)
    if grid is None:
        return None, Counter({"bad-mask": 1})
    if grid.shape != (info.height, info.width):
        return None, Counter({"size-differs": 1})
    boxes, left_out = boxes_from_mask(grid, names)
    if not boxes:
        return None, left_out + Counter({"no-garment": 1})
    return AnnotatedImage(path=photo.absolute(), width=info.width, height=info.height, annotations=boxes), left_out


def _grid(path: Path) -> Grid | None:
    """Read label ids (height x width) from a mask file; None when it holds none. MATLAB's doubles are accepted."""
    try:
        grid = np.asarray(load_mat(path, "groundtruth"))
    except InputError:
        return None
    if grid.ndim != 2 or not grid.size or grid.dtype.kind not in "uif":
        return None
    if grid.dtype.kind == "f":
        whole = np.nan_to_num(grid, nan=-1.0).astype(np.int64)
        return whole if (whole == grid).all() else None
    return grid


def load_mat(path: Path, name: str, *, cells: bool = False) -> Any:
    """Read a variable of a MATLAB file: an array of numbers, or with ``cells`` a cell array.

    Raises InputError when the file is broken, whatever scipy calls that, lacks the variable, or unpacks to more than
    any mask has.
    """
    from scipy.io import loadmat, whosmat

    data = read_input(
        path, SMALL_MAT if cells else MAT, "give Clothing Co-Parsing's folder, with photos/ and annotations/"
    )
    try:
        found = {title: (shape, kind) for title, shape, kind in whosmat(io.BytesIO(data))}
        shape, kind = found.get(name, ((), ""))
        if name not in found or math.prod(shape) > LARGEST or kind not in ({"cell"} if cells else NUMBERS):
            raise InputError(f"{path}: holds no {name!r} of a mask's size; take the file that comes with the photos")
        return loadmat(io.BytesIO(data), variable_names=[name])[name]
    except InputError:
        raise
    except Exception as error:  # scipy raises a dozen kinds, some from zlib, on broken bytes
        raise InputError(f"{path}: is no readable MATLAB file ({error})") from error


def label_names(path: Path) -> tuple[str, ...]:
    """CCP's label names by id, from ``label_list.mat`` (a 1 x 59 cell array)."""
    cells = (np.asarray(cell).ravel() for cell in np.asarray(load_mat(path, "label_list", cells=True)).ravel())
    return tuple(str(cell[0]).strip() if cell.size else "" for cell in cells)


def _masks(source: Path) -> list[Path]:
    folder = source / "annotations" / "pixel-level"
    masks = sorted(folder.glob("[!.]*.mat"))
    if not masks:
        raise InputError(f"{folder}: holds no .mat masks; give Clothing Co-Parsing's folder, unpacked")
    if not (source / "photos").is_dir():
        raise InputError(f"{source / 'photos'}: is missing; give Clothing Co-Parsing's folder with its photos")
    return masks
