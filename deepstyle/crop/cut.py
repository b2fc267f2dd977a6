"""The crop loop: photos -> detections in the catalog -> garments on disk.

Outcomes of a photo: detected (boxes, maybe none), failed (the file is missing or broken: recorded, counted, skipped).
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
from itertools import groupby

from deepstyle.boxes import Box, Detector
from deepstyle.catalog import Catalog, Row
from deepstyle.config import CropConfig
from deepstyle.crop.files import Cut, Opened, open_photo, write_pieces
from deepstyle.crop.rules import Choice, choose, rule_of
from deepstyle.errors import ModelError, UsageError
from deepstyle.progress import Reporter

WINDOW = 64  # photos whose rows are held, and whose garments are committed, at a time when rules or marks changed
WORKERS = max(4, os.cpu_count() or 1)  # threads; more than two even on two cores: they wait for the disk as well
FINER = 2  # photos are decoded at this times the side the network sees, or more: its own resizing has the say


@dataclass(kw_only=True)
class _Counts:
    photos: int = 0
    failed: int = 0
    detections: int = 0
    cut: int = 0
    kept: int = 0
    removed: int = 0
    excluded: int = 0


@dataclass(frozen=True, kw_only=True)
class CropSummary:
    """The detector; photos looked at now, photos that failed, detections made now, and what became of the garments.

    ``excluded`` are those that the rules want and a person has marked; ``per_label`` is what stands afterwards.
    """

    detector: str
    photos: int
    failed: int
    detections: int
    cut: int
    kept: int
    removed: int
    excluded: int
    per_label: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What every part of the loop needs, and its counts."""

    catalog: Catalog
    model: str
    config: CropConfig
    reporter: Reporter
    pool: ThreadPoolExecutor
    counts: _Counts = field(default_factory=_Counts)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A photo, what was found on it, and its garments on their way to the disk."""

    photo: Opened
    boxes: list[Box]
    writing: Future[tuple[list[Cut], str]]


def crop(catalog: Catalog, detector: Detector, config: CropConfig, *, reporter: Reporter) -> CropSummary:
    """Detect on every photo the detector has not seen, then bring the garments in line with the rules and the marks.

    A detector that has an ``input_side`` (pixels of the shorter side it sees) is given large photos already smaller.
    Raises UsageError when the workspace has no photos or a wanted label is unknown to the detector, ModelError for a
    label that cannot name a folder, CatalogError when the disk takes no more files.
    """
    if not catalog.count("photos"):
        raise UsageError(f"{catalog.root} has no photos: run `deepstyle scrape URL` first")
    for label in config.labels:
        if label not in detector.labels:
            raise UsageError(f"--label {label}: the detector knows {', '.join(detector.labels)}")
    for label in detector.labels:
        if not label or label.startswith(".") or set(label) & set("/\\\0"):
            raise ModelError(f"detector {detector.name}: its label {label!r} cannot name a folder; rename it")
    with ThreadPoolExecutor(WORKERS) as pool:
        work = _Work(catalog=catalog, model=detector.name, config=config, reporter=reporter, pool=pool)
        _crop_new(work, detector)
        _settle(work)
    rows = catalog.query("SELECT label, count(*) AS n FROM garments GROUP BY label ORDER BY label")
    per_label = {row["label"]: row["n"] for row in rows}
    return CropSummary(detector=detector.name, **asdict(work.counts), per_label=per_label)


def _crop_new(work: _Work, detector: Detector) -> None:
    """Look at every photo that the detector has not seen, and cut its garments from the same decoded pixels."""
    side: int | None = getattr(detector, "input_side", None)
    total = work.catalog.count("photos") - work.catalog.count("detected", "model = ?", (work.model,))
    waiting: deque[list[_Look]] = deque()
    with work.reporter.task("cropping", total=total, unit="photos") as task:
        for batch in _opened(work, FINER * side if side else None):
            waiting.append(_detect(work, detector, batch))
            if len(waiting) > 1:
                task.advance(_record(work, waiting.popleft()), note=f"{work.counts.cut} garments")
        for looks in waiting:
            task.advance(_record(work, looks), note=f"{work.counts.cut} garments")


def _opened(work: _Work, at_least: int | None) -> Iterator[list[Opened]]:
    """Unseen photos in batches; the next batch decodes while this one is used."""
    ahead: list[Future[Opened]] = []
    after = ""
    while rows := work.catalog.undetected(work.model, after=after, limit=work.config.batch_size):
        after = rows[-1]["sha256"]
        now, ahead = ahead, [work.pool.submit(open_photo, work.catalog, row, at_least) for row in rows]
        if now:
            yield [future.result() for future in now]
    if ahead:
        yield [future.result() for future in ahead]


def _detect(work: _Work, detector: Detector, batch: Sequence[Opened]) -> list[_Look]:
    good = {photo.row["sha256"]: photo.pixels for photo in batch if photo.pixels is not None}
    found = dict(zip(good, detector.detect(list(good.values())), strict=True)) if good else {}
    looks = []
    for photo in batch:
        boxes = photo.in_photo(found.get(photo.row["sha256"], []))
        chosen = choose(boxes, work.config, photo.row["width"], photo.row["height"])
        looks.append(_Look(photo=photo, boxes=boxes, writing=_write(work, photo, chosen)))
    return looks


def _write(work: _Work, photo: Opened, choices: Sequence[Choice]) -> Future[tuple[list[Cut], str]]:
    return work.pool.submit(write_pieces, work.catalog, photo, choices, work.config)


def _record(work: _Work, looks: Sequence[_Look]) -> int:
    """Wait for the files of a batch, then commit its detections and garments together; returns its photos."""
    results = [look.writing.result() for look in looks]
    with work.catalog.transaction():
        for look, (cuts, problem) in zip(looks, results, strict=True):
            photo = look.photo.row["sha256"]
            boxes = [(*box.corners, box.label, box.score) for box in look.boxes]
            work.catalog.add_detections(photo, work.model, boxes, error=problem)
            work.counts.detections += len(boxes)
            new = {(cut.choice.k, cut.choice.box.label) for cut in cuts}
            for row in work.catalog.garments_between(photo, photo):  # another detector's
                if (row["k"], row["label"]) not in new:
                    _drop(work, row)
            _add(work, look.photo.row, cuts, problem)
    work.counts.photos += len(looks)
    return len(looks)


def _add(work: _Work, row: Row, cuts: Sequence[Cut], problem: str) -> None:
    """The rows of a photo's garments, whose files stand; inside a transaction."""
    if problem:
        work.reporter.say(f"  {row['path']}: {problem}; skipped")
        work.counts.failed += 1
    for cut in cuts:
        box = cut.choice.box
        work.catalog.add_garment(
            row["sha256"], cut.choice.k, box.label, box.corners, score=box.score, width=cut.width, height=cut.height,
            model=work.model, rule=rule_of(work.config),
        )  # fmt: skip
    work.counts.cut += len(cuts)


def _drop(work: _Work, row: Row) -> None:
    work.catalog.drop_garment(row["photo"], row["k"])
    work.counts.removed += 1


def _settle(work: _Work) -> None:
    """Bring all garments in line with rules and marks, a window of photos at a time; no network is asked."""
    new = work.counts.cut
    with work.reporter.task("checking garments", total=work.catalog.count("photos"), unit="photos") as task:
        for photos in windows(work.catalog):
            todo = _missing(work, photos)
            writing = [(row, _write(work, Opened(row=row), todo[row["sha256"]]))
                       for row in photos if row["sha256"] in todo]  # fmt: skip
            results = [(row, future.result()) for row, future in writing]
            with work.catalog.transaction():
                for row, (cuts, problem) in results:
                    _add(work, row, cuts, problem)
            task.advance(len(photos), note=f"{work.counts.cut - new} cut, {work.counts.removed} removed")
    work.counts.kept -= new  # they stand as well, but were cut just now


def windows(catalog: Catalog) -> Iterator[list[Row]]:
    """All photos by hash, WINDOW at a time, so that memory stays the same however many there are."""
    after = ""
    while photos := catalog.photos(after=after, limit=WINDOW):
        yield photos
        after = photos[-1]["sha256"]


def _missing(work: _Work, photos: Sequence[Row]) -> dict[str, list[Choice]]:
    """Drop the garments of these photos that are not wanted (any more); return those that are to be cut, by photo."""
    first, last = photos[0]["sha256"], photos[-1]["sha256"]
    want = {(photo, choice.k): choice for photo, choice in wanted(work.catalog, work.model, work.config, photos)}
    for mark in work.catalog.excluded(work.model, first, last) & set(want):
        work.counts.excluded += 1
        del want[mark]
    rule = rule_of(work.config)
    with work.catalog.transaction():
        for row in work.catalog.garments_between(first, last):
            choice = want.get((row["photo"], row["k"]))
            if choice is None or choice.box.label != row["label"]:
                _drop(work, row)
            elif (row["model"], row["rule"]) == (work.model, rule) and work.catalog.path(row["path"]).is_file():
                del want[row["photo"], row["k"]]
                work.counts.kept += 1
    pairs = groupby(want.items(), key=lambda item: item[0][0])
    return {photo: [choice for _, choice in group] for photo, group in pairs}


def wanted(catalog: Catalog, model: str, config: CropConfig, photos: Sequence[Row]) -> Iterator[tuple[str, Choice]]:
    """What the rules choose among the recorded detections on neighbouring photos, as (photo, choice), marks aside.

    A marked garment still counts for the rules: what it kept out stays out, so that marking brings nothing new.
    """
    of = {str(row["sha256"]): row for row in photos}
    rows = catalog.detections(model, photos[0]["sha256"], photos[-1]["sha256"])
    for photo, found in groupby(rows, key=lambda row: str(row["photo"])):
        boxes = [Box(x0=r["x0"], y0=r["y0"], x1=r["x1"], y1=r["y1"], label=r["label"], score=r["score"]) for r in found]
        for choice in choose(boxes, config, of[photo]["width"], of[photo]["height"]):
            yield photo, choice
