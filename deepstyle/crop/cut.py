"""The crop loop: photos -> detections in the catalog -> garments on disk.

Outcomes of a photo: detected (boxes, maybe none), failed (the file is missing or broken: recorded, counted, skipped).
Outcomes of a detection: cut, kept (the same garment is there already), passed over by the rules. Detections stay in the
catalog, so other rules cut again without the network; garments that the rules no longer want are removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from deepstyle import images
from deepstyle.catalog import Catalog, Row
from deepstyle.config import CropConfig
from deepstyle.crop.boxes import Box, choose, rule_of
from deepstyle.crop.detector import Detector
from deepstyle.errors import ImageError, UsageError
from deepstyle.images import Pixels
from deepstyle.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class CropSummary:
    """Photos looked at now, photos that failed, detections made now, and the garments that stand afterwards."""

    photos: int
    failed: int
    detections: int
    cut: int
    kept: int
    removed: int
    per_label: dict[str, int]


def crop(catalog: Catalog, detector: Detector, config: CropConfig, *, reporter: Reporter) -> CropSummary:
    """Detect on every photo the detector has not seen, then bring the garments in line with the rules.

    Raises UsageError when the workspace has no photos or a wanted label is unknown to the detector.
    """
    if not catalog.count("photos"):
        raise UsageError(f"{catalog.root} has no photos: run `deepstyle scrape URL` first")
    for label in config.labels:
        if label not in detector.labels:
            raise UsageError(f"--label {label}: the detector knows {', '.join(detector.labels)}")
    photos, failed, found = _detect_all(catalog, detector, config.batch_size, reporter)
    cut, kept, removed = _cut_all(catalog, detector.name, config, reporter)
    rows = catalog.query("SELECT label, count(*) AS n FROM garments GROUP BY label ORDER BY label")
    return CropSummary(
        photos=photos, failed=failed, detections=found, cut=cut, kept=kept, removed=removed,
        per_label={row["label"]: row["n"] for row in rows},
    )  # fmt: skip


def _read(catalog: Catalog, relative: str) -> Pixels | str:
    try:
        return images.decode(catalog.path(relative).read_bytes())
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except ImageError as error:
        return str(error)


def _decoded(catalog: Catalog, rows: Sequence[Row], batch: int) -> Iterator[list[tuple[Row, Pixels | str]]]:
    """Batches of (photo row, pixels or the reason why not); the next batch decodes while this one is used."""
    with ThreadPoolExecutor(2) as pool:
        windows = [rows[i : i + batch] for i in range(0, len(rows), batch)]
        ahead = [pool.submit(_read, catalog, row["path"]) for row in windows[0]] if windows else []
        for number, window in enumerate(windows):
            now = ahead
            following = windows[number + 1] if number + 1 < len(windows) else []
            ahead = [pool.submit(_read, catalog, row["path"]) for row in following]
            yield list(zip(window, (future.result() for future in now), strict=True))


def _detect_all(catalog: Catalog, detector: Detector, batch: int, reporter: Reporter) -> tuple[int, int, int]:
    rows = catalog.undetected(detector.name)
    failed = found = 0
    with reporter.task("detecting garments", total=len(rows), unit="photos") as task:
        for group in _decoded(catalog, rows, batch):
            good = [(row, pixels) for row, pixels in group if not isinstance(pixels, str)]
            for (row, _), boxes in zip(good, detector.detect([pixels for _, pixels in good]), strict=True):
                catalog.add_detections(
                    row["sha256"], detector.name, [(*box.corners, box.label, box.score) for box in boxes]
                )
                found += len(boxes)
            for row, problem in group:
                if isinstance(problem, str):
                    catalog.add_detections(row["sha256"], detector.name, [], error=problem)
                    reporter.say(f"  {row['path']}: {problem}; skipped")
                    failed += 1
            task.advance(len(group), note=f"{found} boxes")
    return len(rows), failed, found


def _wanted(catalog: Catalog, model: str, config: CropConfig) -> dict[str, list[tuple[int, Box]]]:
    wanted = {}
    for photo, rows in groupby(catalog.detections(model), key=lambda row: str(row["photo"])):
        group = list(rows)
        boxes = [Box(x0=r["x0"], y0=r["y0"], x1=r["x1"], y1=r["y1"], label=r["label"], score=r["score"]) for r in group]
        if chosen := choose(boxes, config, group[0]["width"], group[0]["height"]):
            wanted[photo] = [(group[k]["k"], box) for k, box in chosen]
    return wanted


def _cut_all(catalog: Catalog, model: str, config: CropConfig, reporter: Reporter) -> tuple[int, int, int]:
    wanted, rule = _wanted(catalog, model, config), rule_of(config)
    same: set[tuple[str, int]] = set()
    removed = 0
    want = {(photo, k): box for photo, chosen in wanted.items() for k, box in chosen}
    for row in catalog.garments():
        box = want.get((row["photo"], row["k"]))
        unchanged = box is not None and row["model"] == model and row["rule"] == rule and row["label"] == box.label
        if unchanged and catalog.path(row["path"]).is_file():
            same.add((row["photo"], row["k"]))
        elif box is None or row["label"] != box.label:
            catalog.drop_garment(row["photo"], row["k"])
            removed += 1
    todo = {photo: [(k, b) for k, b in rows if (photo, k) not in same] for photo, rows in wanted.items()}
    photos = [row for row in catalog.photos() if todo.get(row["sha256"])]
    cut = 0
    with reporter.task("cutting garments", total=len(photos), unit="photos") as task:
        for group in _decoded(catalog, photos, 8):
            for row, pixels in group:
                cut += (
                    0 if isinstance(pixels, str) else _cut_one(catalog, row, pixels, todo[row["sha256"]], model, rule)
                )
            task.advance(len(group), note=f"{cut} garments")
    return cut, len(same), removed


def _cut_one(catalog: Catalog, row: Row, pixels: Pixels, boxes: list[tuple[int, Box]], model: str, rule: str) -> int:
    for k, box in boxes:
        piece = images.crop(pixels, box.corners)
        catalog.add_garment(
            row["sha256"], k, box.label, box.corners, images.encode(piece), score=box.score,
            width=piece.shape[1], height=piece.shape[0], model=model, rule=rule,
        )  # fmt: skip
    return len(boxes)
