"""The demo: a drawn fashion site and a drawn annotated set through all stages (loop)."""

from __future__ import annotations

import csv
import io
import socket
from pathlib import Path
from urllib.parse import urlsplit

from deepstyle import images, pipeline
from deepstyle.annotations.coco import LABELS, AnnotatedImage, AnnotatedSet, Annotation, write_coco
from deepstyle.annotations.label_sets import labels_from
from deepstyle.annotations.mask import decode
from deepstyle.annotations.pair import read_pair
from deepstyle.catalog import Catalog
from deepstyle.config import Stages
from deepstyle.demo.draw import Look, draw_look
from deepstyle.demo.site import DrawnSite
from deepstyle.files import put_file
from deepstyle.ground import main_part, on_plain
from deepstyle.progress import Reporter

SITE_SEED, TRAIN_SEED, VALIDATION_SEED = 1, 2, 3  # looks of the site, of training and of validation never coincide


def annotated_looks(
    folder: Path, seed: int, count: int, reporter: Reporter
) -> tuple[AnnotatedSet, list[tuple[str, str]]]:
    """Draw ``count`` looks with exact boxes and masks into ``folder``; also cut their garments for the classifier.

    Returns the annotated set and (garment file name, category) pairs. A drawing that exists is not drawn again.
    """
    photos, crops = [], []
    with reporter.task("drawing annotated looks", total=count, unit="looks") as task:
        for i in range(count):
            look = draw_look(seed * 1_000_000 + i)
            photo = folder / "looks" / f"{i:05d}.jpg"
            if not photo.is_file():
                put_file(photo, images.encode(look.pixels, "JPEG"))
            height, width = look.pixels.shape[:2]
            drawn = tuple(Annotation(box=g.box, label=g.label, category=g.category, mask=g.mask) for g in look.garments)
            photos.append(AnnotatedImage(path=photo, width=width, height=height, annotations=drawn))
            crops += _cut(folder, i, look)
            task.advance()
    return AnnotatedSet(labels=LABELS, images=tuple(photos)), crops


def _cut(folder: Path, number: int, look: Look) -> list[tuple[str, str]]:
    """Garments on a plain ground, as the GAN will show them; one that is mostly hidden is left out."""
    names, (height, width) = [], look.pixels.shape[:2]
    for k, garment in enumerate(look.garments):
        name = f"{number:05d}-{k}.png"
        if not (folder / "garments" / name).is_file():
            seen = main_part(decode(garment.mask, height, width))
            if seen is None:
                continue
            put_file(folder / "garments" / name, images.encode(on_plain(look.pixels, seen)))
        names.append((name, garment.category))
    return names


def write_table(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """A label table (image, label, split) that ``train-classifier`` reads."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("image", "label", "split"))
    writer.writerows(rows)
    put_file(path, text.getvalue().encode())


def free_port(catalog: Catalog) -> int:
    """The port of the last demo in this workspace if it is free, so that its crawl is continued; else 0, any free one."""
    start = catalog.newest_start()
    port = urlsplit(start).port if start is not None else None
    if port is None:
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def tour(catalog: Catalog, stages: Stages, *, looks: int, reporter: Reporter) -> pipeline.Outcome:
    """Draw, serve, scrape, train, crop, generate, score."""
    drawn = (catalog.root / "drawn").absolute()
    train, train_crops = annotated_looks(drawn / "train", TRAIN_SEED, 360, reporter)
    held_out, other_crops = annotated_looks(drawn / "validation", VALIDATION_SEED, 60, reporter)
    write_coco(drawn / "train.json", train)
    write_coco(drawn / "validation.json", held_out)
    rows = [(f"train/garments/{name}", label, "train") for name, label in train_crops]
    rows += [(f"validation/garments/{name}", label, "validation") for name, label in other_crops]
    write_table(drawn / "garments.csv", rows)
    reporter.say(f"drawing and serving a site of {looks} looks")
    with DrawnSite(seed=SITE_SEED, looks=looks, port=free_port(catalog)) as site:
        return pipeline.run_all(
            [site.url], catalog, stages, reporter=reporter,
            table=labels_from(drawn / "garments.csv", catalog, reporter=reporter),
            pair=read_pair([drawn / "train.json"], drawn / "validation.json", reporter),
        )  # fmt: skip
