"""Any COCO detection file -> COCO files with our labels, by a map of its categories.

A map is written ``dress=full,skirt=lower`` (with ``;`` between the pairs when names hold commas), or is the name of one
that is shipped. Fashionpedia (Jia et al., ECCV 2020) keeps its 13 garments for the body; accessories, shoes and the
parts of garments (sleeve, collar, ...) are left out. ModaNet (Zheng et al., ACM MM 2018) calls coats, jackets, suits
and cardigans all ``outer``, which most often end at the hip: it maps them to upper.

How a row can end, beside ``coco.py``'s and ``convert.py``'s ways: ``not-mapped`` (counted by category), ``size-differs``
(the photo is not of the size that the file says), ``no-garment`` (nothing is left on the photo).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deepstyle.annotations.coco import LABELS, AnnotatedImage, AnnotatedSet, Annotation, read_coco
from deepstyle.annotations.convert import Summary, Tally, check_shares, parted, photo_sizes, write_splits
from deepstyle.errors import InputError, UsageError
from deepstyle.files import is_regular, names_folder, shown
from deepstyle.progress import Reporter

MAPS: dict[str, dict[str, str]] = {
    "fashionpedia": {
        "shirt, blouse": "upper", "top, t-shirt, sweatshirt": "upper", "sweater": "upper", "cardigan": "upper",
        "jacket": "upper", "vest": "upper", "pants": "lower", "shorts": "lower", "skirt": "lower", "coat": "full",
        "dress": "full", "jumpsuit": "full", "cape": "full",
    },
    "modanet": {"outer": "upper", "top": "upper", "pants": "lower", "shorts": "lower", "skirt": "lower", "dress": "full"},
}  # fmt: skip


def read_map(text: str) -> dict[str, str]:
    """Read a map of category -> label: the name of a shipped one, or pairs. Raises UsageError for anything else."""
    if text in MAPS:
        return MAPS[text]
    pairs = [pair.split("=") for pair in text.split(";" if ";" in text else ",") if pair.strip()]
    if not pairs or any(len(pair) != 2 or not all(part.strip() for part in pair) for pair in pairs):
        raise UsageError(f"--map {text}: write category=label,category=label, or one of {', '.join(MAPS)}")
    if odd := [label.strip() for _, label in pairs if not names_folder(label.strip())]:
        raise UsageError(
            f"--map {text}: {odd[0]} cannot name a folder, where the crop will put its garments; name it otherwise"
        )
    return {category.strip(): label.strip() for category, label in pairs}


def convert_coco(
    source: Path, out: Path, mapping: Mapping[str, str], *, reporter: Reporter, validation: Path | None = None,
    photos: Path | None = None, validation_share: float = 0.15, test_share: float = 0, seed: int = 0,
) -> Summary:  # fmt: skip
    """Turn a COCO file into COCO files in ``out`` whose labels are those of ``mapping``.

    ``validation`` is the authors' own validation file; without it photos are held out by their file names. ``photos``
    is the folder of the photos, when they do not lie where the file says: in the folders that it names, or by their names
    alone. Raises InputError for files that are no COCO or hold too few photos for two sides, UsageError when no category
    is in the map.
    """
    check_shares(validation_share, test_share)
    tally = Tally()
    splits = parted(
        _read(source, mapping, photos, tally, reporter), seed, 0 if validation else validation_share, test_share
    )
    if validation is not None:
        splits["val"] = _read(validation, mapping, photos, tally, reporter)
    elif not splits["train"] or (validation_share > 0 and not splits["val"]):
        raise InputError(
            f"{source}: one photo is left, too few to train and validate on; give more, or name others as --val"
        )
    if not splits["train"]:
        raise InputError(f"{source}: its one photo is drawn for test.json; leave --test-share out, or give more")
    used = set(mapping.values())
    return write_splits(out, splits, LABELS if used <= set(LABELS) else list(dict.fromkeys(mapping.values())), tally)


def _read(
    path: Path, mapping: Mapping[str, str], photos: Path | None, tally: Tally, reporter: Reporter
) -> list[AnnotatedImage]:
    """Read one file: its photos that are there, with the garments of the map."""
    reporter.say(f"reading {shown(path)}")
    data = read_coco(path)
    _check(path, data, mapping)
    for reason, amount in data.dropped.items():
        tally.count(reason, path.name, amount)
    images = [_moved(image, path, photos) for image in data.images] if photos else data.images
    if photos and len({image.path for image in images}) < len({image.path for image in data.images}):
        (twice, _), *_ = Counter(image.path for image in images).most_common(1)
        raise InputError(
            f"--photos {photos}: {twice} would be several photos of {path}; keep the folders that it names"
        )
    left_out: Counter[str] = Counter()
    kept = []
    for image, size in zip(images, photo_sizes([str(image.path) for image in images], reporter), strict=True):
        left_out.update(one.label for one in image.annotations if one.label not in mapping)
        found, crowds = (_mapped(of, mapping) for of in (image.annotations, image.crowds))
        same = not isinstance(size, str) and (size.width, size.height) == (image.width, image.height)
        if same and found:
            kept.append(replace(image, annotations=found, crowds=crowds))
        else:
            reason = size if isinstance(size, str) else "no-garment" if same else "size-differs"
            tally.count(reason, image.path.name)
    for category, amount in left_out.items():
        tally.count("not-mapped", f"{path.name}: {category}", amount)
    if not kept:
        raise InputError(f"{path}: nothing is left ({tally.words}); name the folder of its photos with --photos")
    return kept


def _moved(image: AnnotatedImage, path: Path, photos: Path) -> AnnotatedImage:
    """The photo below ``photos``: where the file's own folders lead from there, or else by its name alone."""
    below = photos.absolute() / os.path.relpath(image.path, path.parent.absolute())
    return replace(image, path=below if is_regular(below) else photos.absolute() / image.path.name)


def _mapped(found: Sequence[Annotation], mapping: Mapping[str, str]) -> tuple[Annotation, ...]:
    """The annotations whose category is in the map, with its label."""
    return tuple(replace(one, label=mapping[one.label], category=one.label) for one in found if one.label in mapping)


def _check(path: Path, data: AnnotatedSet, mapping: Mapping[str, str]) -> None:
    """Refuse a map that misspells the file's categories; shipped maps need only fit at all."""
    unknown = set(mapping) - set(data.labels)
    if unknown and (mapping not in MAPS.values() or len(unknown) == len(mapping)):
        named = ", ".join(sorted(unknown))
        raise UsageError(f"--map: {path} has no category {named}; it has {'; '.join(data.labels)}")
