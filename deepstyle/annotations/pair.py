"""The COCO files of a detector's training or judgement, read and held against each other before anything slow starts (edge)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepstyle.annotations.coco import AnnotatedSet, read_coco
from deepstyle.errors import InputError
from deepstyle.files import names_folder, shown
from deepstyle.progress import Reporter

NAME_THEM = "name their folder: `deepstyle data coco FILE.json --map a=a,b=b --photos FOLDER --out DIR`"
COMPLETE = f"put the photo there, or {NAME_THEM}"


def read_pair(train: Sequence[Path], validation: Path, reporter: Reporter) -> tuple[AnnotatedSet, AnnotatedSet]:
    """The COCO files of a detector's training, opened before anything slow starts; several training files are joined.

    Raises InputError when their labels differ or cannot name a folder, a side has no boxes, a photo is on both sides
    or missing.
    """
    parts, held_out = [read_told(path, reporter) for path in train], read_told(validation, reporter)
    for label in held_out.labels:
        if not names_folder(label):
            raise InputError(
                f"{validation}: the label {label!r} cannot name a folder of garments; rename it, as with `deepstyle data coco`"
            )
    for path, part in zip(train, parts, strict=True):
        if part.labels != held_out.labels:
            raise InputError(
                f"{path} has the labels {part.labels}, {validation} has {held_out.labels}; they must agree"
            )
    joined = tuple(image for part in parts for image in part.images)
    for photos, paths in ((joined, train), (held_out.images, [validation])):
        if not any(image.annotations for image in photos):
            raise InputError(
                f"{', '.join(map(str, paths))}: no photo has a box; give a COCO file with annotations of its images"
            )
    if both := {image.path for image in joined} & {image.path for image in held_out.images}:
        raise InputError(f"{min(both)} is both trained on and validated on ({len(both)} such photos); split them first")
    for path, part in zip(train, parts, strict=True):
        require_files(path, part)
    require_files(validation, held_out, flag="--val")
    names = _names([*train, validation])
    return (
        AnnotatedSet(labels=held_out.labels, images=joined, name=", ".join(names[:-1])),
        replace(held_out, name=names[-1]),
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of some files, each once, as a model card tells them: with their folders where two are called alike."""
    times = Counter(path.absolute() for path in paths)
    alike = Counter(path.name for path in times)
    return [
        (path.name if alike[path.name] == 1 else f"{path.parent.name}/{path.name}")
        + (f" ({count} times)" if count > 1 else "")
        for path, count in times.items()
    ]


def read_told(path: Path, reporter: Reporter) -> AnnotatedSet:
    """A COCO file; what of it is no garment's box is told, because figures and models are without it."""
    data = read_coco(path)
    if data.dropped:
        told = ", ".join(f"{reason} {number:,}" for reason, number in sorted(data.dropped.items()))
        reporter.say(f"{path}: not every annotation is used as it is: {told}")
    return data


def require_files(path: Path, data: AnnotatedSet, *, flag: str = "") -> None:
    """Raise InputError, before slow work, when photos of a COCO file are missing: the first of them, and where it was looked for.

    ``flag``: the option that names the file.
    """
    missing = [one.path for one in data.images if not os.path.isfile(one.path)]  # noqa: PTH113  # of impossible names, too
    if missing:
        raise InputError(
            f"{flag + ' ' if flag else ''}{path}: {len(missing):,} of its {len(data.images):,} photos are missing, first "
            f"{shown(missing[0].name)}, which is not in the folder {shown(missing[0].parent)}; put them there, or {NAME_THEM}"
        )


def read_judged(
    validation: Path, choose: Path | None, *, labels: Sequence[str], name: str, reporter: Reporter
) -> tuple[AnnotatedSet, AnnotatedSet | None]:
    """The COCO file that the detector ``name`` is judged on, and the one that rules are chosen on, if one is.

    Raises InputError when a file has a label that is none of the detector's ``labels``, when they have a photo in common, and
    when a photo is missing.
    """
    truth, others = read_told(validation, reporter), read_told(choose, reporter) if choose is not None else None
    for path, data in ((validation, truth), (choose, others)):
        if data is not None and (unknown := [label for label in data.labels if label not in labels]):
            raise InputError(f"{path}: {name} knows {', '.join(labels)}, not {', '.join(unknown)}")
    if others is not None:
        assert choose is not None
        if both := {image.path for image in truth.images} & {image.path for image in others.images}:
            raise InputError(
                f"{min(both)} would both choose the rules and report ({len(both)} such photos); split them"
            )
        require_files(choose, others, flag="--choose-rules")
    require_files(validation, truth)
    return truth, others


def with_masks(data: AnnotatedSet) -> AnnotatedSet:
    """The photos that have masks, each once, with the garments that have one."""
    kept = (replace(im, annotations=tuple(a for a in im.annotations if a.mask)) for im in dict.fromkeys(data.images))
    return replace(data, images=tuple(im for im in kept if im.annotations))


def masked(data: AnnotatedSet, role: str) -> AnnotatedSet:
    """The garments that have a mask. Raises InputError naming the file, and its ``role``, when none has."""
    found = with_masks(data)
    if not found.images:
        raise InputError(
            f"{data.name or 'no file'} ({role}): no garment has a mask (COCO's `segmentation`); give a file with masks: "
            "`deepstyle data ccp` and `data deepfashion2` write them, `data label` by a detector that has a mask head"
        )
    return found
