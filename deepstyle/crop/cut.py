"""The crop loop: photos -> detections in the catalog -> garments on disk.

Outcomes of a photo: detected (boxes, maybe none), failed (the file is missing, unreadable or broken: named, counted, skipped,
and tried again by the next crop; what was cut from it earlier stays).
Outcomes of a detection: cut, kept (the same garment is there already), excluded (marked by a person), passed over by the
rules. Detections stay in the catalog, so other rules cut again without the network; garments that are no longer wanted
are removed.

A new photo is decoded once: while the network looks at one batch, threads decode the next and cut the one before. What is
held at a time is three batches of photos and one window of rows, however many photos there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from deepstyle.boxes import Box, Detector
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.counts import Counts, Opening
from deepstyle.crop.files import Opened, Written, open_photo, settle_names, write_pieces
from deepstyle.crop.plans import Plan, plans_of
from deepstyle.crop.rules import Choice, choose, rule_of, too_small
from deepstyle.crop.wanted import windows
from deepstyle.errors import InputError, ModelError, UsageError
from deepstyle.files import names_folder
from deepstyle.folders import alone
from deepstyle.progress import Reporter
from deepstyle.records import Garment
from deepstyle.shape import pack

WORKERS = max(4, os.cpu_count() or 1)  # threads; more than two even on two cores: they wait for the disk as well
NAMED = 10  # photos that fail are named, at most: the rest is counted
FINER = 2  # photos are decoded at this times the side the network sees, or more: its own resizing has the say


@dataclass(frozen=True, kw_only=True)
class CropSummary:
    """The detector; photos looked at now, photos that failed, detections made now, and what became of the garments.

    ``excluded`` are those that the rules want and a person has marked; ``boxed`` of the cut ones have no known shape: their box
    is it; ``per_label`` is what stands afterwards.
    """

    detector: str
    photos: int
    failed: int
    detections: int
    cut: int
    kept: int
    removed: int
    excluded: int
    boxed: int
    per_label: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What every part of the loop needs, and its counts."""

    catalog: Catalog
    model: str
    config: CropConfig
    reporter: Reporter
    pool: ThreadPoolExecutor
    counts: Counts = field(default_factory=Counts)
    opening: Opening = field(default_factory=Opening)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A photo, the boxes found on it, and its garments' files, which a worker thread is still writing."""

    opened: Opened
    boxes: list[Box]
    writing: Future[Written]


def crop(catalog: Catalog, detector: Detector, config: CropConfig, *, reporter: Reporter) -> CropSummary:
    """Detect on every photo the detector has not seen, then bring the garments in line with the rules and the marks.

    A detector that has an ``input_side`` (pixels of the shorter side it sees) is given large photos already smaller.
    Raises UsageError when the workspace has no photos or a wanted label is unknown to the detector, ModelError for a
    label that cannot name a folder, StorageError when the disk takes no more files, InputError when no photo can be used.
    """
    if not catalog.count("photos"):
        raise UsageError(f"{catalog.root} has no photos: run `deepstyle scrape URL` or `deepstyle add FOLDER` first")
    for label in config.labels:
        if label not in detector.labels:
            raise UsageError(f"--label {label}: the detector knows {', '.join(detector.labels)}")
    for label in detector.labels:
        if not names_folder(label):
            raise ModelError(f"detector {detector.name}: its label {label!r} cannot name a folder; rename it")
    others = "another crop is at work in this workspace; waiting for its end"
    lock = alone(catalog.root / ".crop.lock", waiting=lambda: reporter.say(others))
    with lock, ThreadPoolExecutor(WORKERS) as pool:
        work = _Work(catalog=catalog, model=detector.name, config=config, reporter=reporter, pool=pool)
        _crop_new(work, detector)
        _settle(work)
    _check(work)
    if work.opening.small:
        reporter.say(
            f"on {work.opening.small:,} photos garments are so small that the network hardly sees them: cut the photos to the "
            "people, or use a detector with a larger image_size"
        )
    if work.counts.boxed and (config.background != "keep" or config.transparent):
        reporter.say(
            f"{work.counts.boxed:,} garments have no mask: all of their box counts as garment (a detector learns masks with "
            "`deepstyle train-masks`)"
        )
    return CropSummary(detector=detector.name, **asdict(work.counts), per_label=catalog.garment_counts())


def _crop_new(work: _Work, detector: Detector) -> None:
    """Look at every photo that the detector has not seen, and cut its garments from the same decoded pixels."""
    side: int | None = getattr(detector, "input_side", None)
    total = work.catalog.count("photos") - len(work.catalog.detections.looked_at(work.model))
    if not total:  # a re-cut: "0 photos" would sound as if nothing had been done
        return
    waiting: deque[list[_Seen]] = deque()
    with work.reporter.task("cropping", total=total, unit="photos") as task:
        for batch in _opened(work, FINER * side if side else None):
            waiting.append(_detect(work, detector, batch))
            if len(waiting) > 1:
                task.advance(_record(work, waiting.popleft()), note=f"{work.counts.cut} garments")
        for seen in waiting:
            task.advance(_record(work, seen), note=f"{work.counts.cut} garments")


def _opened(work: _Work, at_least: int | None) -> Iterator[list[Opened]]:
    """Unseen photos in batches; the next batch decodes while this one is used."""
    ahead: list[Future[Opened]] = []
    after = ""
    while photos := work.catalog.detections.undetected(work.model, after=after, limit=work.config.batch_size):
        after = photos[-1].sha256
        now, ahead = ahead, [work.pool.submit(open_photo, work.catalog.root, photo, at_least) for photo in photos]
        if now:
            yield [future.result() for future in now]
    if ahead:
        yield [future.result() for future in ahead]


def _detect(work: _Work, detector: Detector, batch: Sequence[Opened]) -> list[_Seen]:
    good = {opened.photo.sha256: opened.pixels for opened in batch if opened.pixels is not None}
    found = dict(zip(good, detector.detect(list(good.values())), strict=True)) if good else {}
    placed, pairs, side = [], [], getattr(detector, "input_side", None)
    for opened in batch:
        photo, boxes = opened.photo, opened.in_photo(found.get(opened.photo.sha256, []))
        work.opening.small += side is not None and too_small(boxes, photo.width, photo.height, side)
        placed.append(boxes)
        pairs.append((opened, choose(boxes, work.config, photo.width, photo.height)))
    return [
        _Seen(opened=opened, boxes=boxes, writing=writing)
        for opened, boxes, writing in zip(batch, placed, _write(work, pairs), strict=True)
    ]


def _write(work: _Work, pairs: Sequence[tuple[Opened, list[Choice]]]) -> list[Future[Written]]:
    """Have the chosen garments of photos written. Whoever stops this finds their old rows in doubt: they are cut again."""
    work.catalog.doubt((opened.photo.sha256, choice.k) for opened, choices in pairs for choice in choices)
    return [
        work.pool.submit(write_pieces, work.catalog.root, opened, choices, work.config) for opened, choices in pairs
    ]


def _record(work: _Work, seen: Sequence[_Seen]) -> int:
    """Wait for the files of a batch, then commit its detections and garments together; returns its photos."""
    results = [one.writing.result() for one in seen]
    settle_names(work.catalog.root, results)
    with work.catalog.transaction():
        for one, written in zip(seen, results, strict=True):
            photo = one.opened.photo.sha256
            if not _usable(work, written):
                if written.opened.fault == "broken":
                    work.catalog.detections.add(photo, work.model, [], error=written.opened.problem)
                continue
            boxes = [(*box.corners, box.label, box.score) for box in one.boxes]
            shapes = [pack(box.shape) for box in one.boxes if box.shape]  # the surest have one
            work.catalog.detections.add(photo, work.model, boxes, shapes=shapes)
            work.counts.detections += len(boxes)
            new = {(cut.choice.k, cut.choice.box.label) for cut in written.cuts}
            old = work.catalog.garments_between(photo, photo)  # another detector's
            _replace(work, [one for one in old if (one.k, one.label) not in new], written)
    work.counts.photos += len(seen)
    return len(seen)


def _usable(work: _Work, written: Written) -> bool:
    """Whether the photo could be opened; one that could not is named and counted."""
    opened, opening = written.opened, work.opening
    opening.tried += 1
    if not opened.fault:
        return True
    work.counts.failed += 1
    opening.unreadable += opened.fault == "unreadable"
    opening.first = opening.first or f"{opened.photo.path}: {opened.problem}"
    if work.counts.failed <= NAMED:
        work.reporter.say(f"  {opened.photo.path}: {opened.problem}; skipped")
    return False


def _replace(work: _Work, old: Sequence[Garment], written: Written) -> None:
    """Remove a photo's old garments and add the rows of its new ones, whose files stand; inside a transaction."""
    for one in old:
        work.catalog.drop_garment(one.photo, one.k)
    for cut in written.cuts:
        box = cut.choice.box
        work.catalog.add_garment(
            written.opened.photo.sha256, cut.choice.k, box.label, box.corners, score=box.score, width=cut.width,
            height=cut.height, model=work.model, rule=rule_of(work.config), share=cut.share,
        )  # fmt: skip
        work.counts.boxed += cut.share is None
    work.counts.removed += len(old)
    work.counts.cut += len(written.cuts)


def _settle(work: _Work) -> None:
    """Bring all garments in line with rules and marks, a window of photos at a time; no network is asked."""
    new = work.counts.cut
    waiting: deque[tuple[int, list[Plan], list[Future[Written]]]] = deque()

    def note() -> str:
        return f"{work.counts.cut - new} cut, {work.counts.removed} removed"

    with work.reporter.task("checking garments", total=work.catalog.count("photos"), unit="photos") as task:
        for photos in windows(work.catalog):
            plans = plans_of(work.catalog, work.model, work.config, photos, work.counts)
            writing = _write(work, [(Opened(photo=plan.photo), plan.cut) for plan in plans])
            waiting.append((len(photos), plans, writing))
            if len(waiting) > 1:  # while this window is written, the one before is recorded, and the next planned
                task.advance(_bring_in_line(work, *waiting.popleft()), note=note())
        for window in waiting:
            task.advance(_bring_in_line(work, *window), note=note())
    work.counts.kept -= new  # they stand as well, but were cut just now


def _bring_in_line(work: _Work, photos: int, plans: Sequence[Plan], writing: Sequence[Future[Written]]) -> int:
    """Wait for the files of a window, then commit its garments together; returns its photos."""
    results = [future.result() for future in writing]
    settle_names(work.catalog.root, results)
    with work.catalog.transaction():
        for plan, written in zip(plans, results, strict=True):
            if not plan.cut or _usable(work, written):
                _replace(work, plan.drop, written)
            else:
                work.opening.recut += 1
    return photos


def _check(work: _Work) -> None:
    """Raise InputError when no photo could be used: all failed, by read errors or with nothing left to show for it."""
    failed, opening = work.counts.failed, work.opening
    if failed > NAMED:
        work.reporter.say(f"  and {failed - NAMED:,} photos more failed")
    if not failed or failed < opening.tried:
        return
    standing = work.counts.cut + work.counts.kept
    if opening.unreadable or (not standing and (opening.recut or not work.catalog.detections.looked_at(work.model))):
        raise InputError(
            f"{work.catalog.root}: none of the {failed:,} photos to look at could be used, the first is {opening.first}; "
            "make them readable, or fetch them again with `deepstyle scrape` or `add`, then run the same command"
        )
