"""What every converter shares: what was left out and why, which split a photo is in, photos' sizes, the files written.

A conversion ends as ``train.json``, ``val.json`` and, when there are such photos, ``test.json``; everything left out is
named in ``dropped.csv`` (reason, name, count). Outcomes that all converters share:
    no-photo        the row's photo is not there
    bad-photo       the photo's header is no readable image's
    no-area         the box is inverted, empty or not finite
    outside         the box lies wholly outside its photo
    clipped         kept, but the box reached over the photo's edge and was cut there
    bad-mask        kept, but its mask is none of this photo's
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, write_coco
from deepstyle.errors import InputError, UsageError
from deepstyle.files import open_regular, put_file, read_regular, shown
from deepstyle.images import MAX_BYTES, MAX_PIXELS, ImageInfo, probe
from deepstyle.progress import Reporter

EXAMPLES = 5  # names kept for each reason, for the terminal
SAMPLE = 24  # photos of the contact sheet
HEAD = 4096  # bytes that hold the header of nearly every photo; the others are read whole
CHUNK, THREADS = 512, 8  # photos a job; a disk answers several questions at once


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a conversion made: photos of each split, boxes of each label, what was left out and its first names.

    ``sample`` are up to 24 photos spread over the training set, to look at.
    """

    photos: dict[str, int]
    boxes: dict[str, int]
    dropped: dict[str, int]
    examples: dict[str, tuple[str, ...]]
    sample: tuple[AnnotatedImage, ...]


@dataclass(frozen=True)
class Tally:
    """What was left out: (reason, name, how many) in the order of finding."""

    rows: list[tuple[str, str, int]] = field(default_factory=list)

    def count(self, reason: str, name: str, amount: int = 1) -> None:
        """Note that ``amount`` things of ``name`` (kept as it can be printed) ended as ``reason``; 0 are not noted."""
        if amount:
            self.rows.append((reason, shown(name), amount))

    @property
    def words(self) -> str:
        """What was left out, as a line of a message: how often each reason, with a name."""
        return "; ".join(
            f"{reason} {self.totals()[reason]:,}, e.g. {names[0]}" for reason, names in self.examples().items()
        )

    def totals(self) -> dict[str, int]:
        """How often each reason was noted."""
        found: Counter[str] = Counter()
        for reason, _, amount in self.rows:
            found[reason] += amount
        return dict(found)

    def examples(self) -> dict[str, tuple[str, ...]]:
        """The first names of each reason."""
        found: dict[str, list[str]] = {}
        for reason, name, _ in self.rows:
            if len(names := found.setdefault(reason, [])) < EXAMPLES:
                names.append(name)
        return {reason: tuple(names) for reason, names in found.items()}


def write_splits(
    out: Path, splits: Mapping[str, Sequence[AnnotatedImage]], labels: Sequence[str], tally: Tally
) -> Summary:
    """Write ``out/<split>.json`` of each split and ``out/dropped.csv``, and sum up.

    A split without photos gets no file, and one that an earlier conversion left is removed: its photos may now be
    trained on. Train and val are always written. Raises InputError when no photo is left at all.
    """
    if not any(splits.values()):
        raise InputError(
            f"nothing is left to write into {shown(out)} ({tally.words or 'no photos'}); look where its photos are"
        )
    for name, images in splits.items():
        if images or name in {"train", "val"}:
            write_coco(out / f"{name}.json", AnnotatedSet(labels=tuple(labels), images=tuple(images)))
        else:
            (out / f"{name}.json").unlink(missing_ok=True)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("reason", "name", "count"), *tally.rows])
    put_file(out / "dropped.csv", text.getvalue().encode())
    boxes = Counter(one.label for image in chain(*splits.values()) for one in image.annotations)
    return Summary(
        photos={name: len(images) for name, images in splits.items()}, boxes={label: boxes[label] for label in labels},
        dropped=tally.totals(), examples=tally.examples(), sample=spread(splits.get("train", ()), SAMPLE),
    )  # fmt: skip


def spread(images: Sequence[AnnotatedImage], count: int) -> tuple[AnnotatedImage, ...]:
    """At most ``count`` photos at even distances."""
    step = max(1, len(images) // count)
    return tuple(images[::step][:count])


def check_shares(validation: float, test: float) -> None:
    """Refuse shares of a split that are negative or leave nothing to train on (UsageError)."""
    if not (validation >= 0 and test >= 0 and validation + test < 1):
        raise UsageError(
            f"validation share {validation} and test share {test} must leave a rest in [0, 1); 0.15 is usual"
        )


def place(name: str, seed: int) -> float:
    """Where a name stands in [0, 1), by its hash and ``seed`` alone: new photos move no old one."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(name: str, seed: int, validation: float, test: float) -> str:
    """``train``, ``val`` or ``test`` by the name's place: validation from the low end, test from the high end."""
    where = place(name, seed)
    return "val" if where < validation else "test" if where >= 1 - test else "train"


def parted(
    images: Sequence[AnnotatedImage], seed: int, validation: float, test: float
) -> dict[str, list[AnnotatedImage]]:
    """Part photos by their names' places; of two files or more one at least is in train, and in val when that has a share."""
    order = sorted({image.path for image in images}, key=lambda path: (place(path.name, seed), path))
    sides = {path: split_of(path.name, seed, validation, test) for path in order}
    if len(order) > 1:
        if validation > 0:
            sides[order[0]] = "val"
        if "train" not in sides.values():
            sides[order[-1]] = "train"
    return {name: [image for image in images if sides[image.path] == name] for name in ("train", "val", "test")}


def photo_sizes(paths: Sequence[str], reporter: Reporter) -> list[ImageInfo | str]:
    """Format and size of each photo, from its header alone; or ``no-photo``, ``bad-photo``."""
    chunks = [paths[k : k + CHUNK] for k in range(0, len(paths), CHUNK)]
    found: list[ImageInfo | str] = []
    with ThreadPoolExecutor(THREADS) as pool, reporter.task("headers", total=len(paths), unit="photos") as task:
        for sizes in pool.map(_sizes, chunks):
            found += sizes
            task.advance(len(sizes))
    return found


def _sizes(paths: Iterable[str]) -> list[ImageInfo | str]:
    return [_size(path) for path in paths]


def _size(path: str) -> ImageInfo | str:
    try:
        with open_regular(Path(path)) as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        return "no-photo"
    except (OSError, InputError):
        return "bad-photo"
    try:
        return jpeg_size(head) or probe(head if head.startswith(b"\xff\xd8") else read_regular(Path(path), MAX_BYTES))
    except (OSError, InputError):
        return _whole_size(path) if len(head) == HEAD else "bad-photo"


def jpeg_size(head: bytes) -> ImageInfo | None:
    """Size of a plain JPEG from its first bytes, eight times as fast as ``probe``; None when ``probe`` is to judge.

    Walks the segments to the frame header (ITU T.81, B.2.2). A segment APP1 may turn the photo (EXIF), so that one is
    left to ``probe``; and so is whatever is broken or oddly large.
    """
    at = 2 if head.startswith(b"\xff\xd8\xff") else len(head)
    while at + 9 <= len(head) and head[at] == 0xFF and head[at + 1] != 0xE1:
        if 0xC0 <= head[at + 1] <= 0xC2:  # baseline, extended, progressive
            height, width = int.from_bytes(head[at + 5 : at + 7], "big"), int.from_bytes(head[at + 7 : at + 9], "big")
            return ImageInfo(format="JPEG", width=width, height=height) if 0 < width * height <= MAX_PIXELS else None
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _whole_size(path: str) -> ImageInfo | str:
    """For headers longer than ``HEAD``: a large EXIF block."""
    try:
        return probe(read_regular(Path(path), MAX_BYTES))
    except (OSError, InputError):
        return "bad-photo"
