"""The review page: every garment on its photo, least sure first, for a person to mark bad ones (loop).

``review/index.html`` needs no server and no network: it opens from the disk, and its button saves ``exclude.txt``, which
``deepstyle crop --exclude`` reads back.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepstyle import images
from deepstyle.boxes import Corners
from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig
from deepstyle.crop.cut import WORKERS
from deepstyle.crop.files import LARGEST
from deepstyle.crop.rules import contested
from deepstyle.crop.wanted import wanted_of, windows
from deepstyle.errors import InputError
from deepstyle.files import put_file, read_regular
from deepstyle.images import Pixels
from deepstyle.progress import Reporter
from deepstyle.records import Photo

THUMB = (400, 320)  # largest width and height in pixels of a photo on the page


def write_review(catalog: Catalog, model: str, config: CropConfig, *, reporter: Reporter) -> Path:
    """Write the page of the garments that the rules choose among this model's detections; returns its path.

    Those marked before are on it as marked. Photos that cannot be read have no picture; thumbnails are kept.
    """
    folder = catalog.root / "review"
    photos: list[dict[str, Any]] = []
    garments: list[tuple[Any, ...]] = []
    labels: dict[str, int] = {}
    with (
        reporter.task("writing the review", total=catalog.count("photos"), unit="photos") as task,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        for window in windows(catalog):
            of = {photo.sha256: photo for photo in window}
            first, last = window[0].sha256, window[-1].sha256
            marks = catalog.detections.excluded(model, first, last)
            place: dict[str, int] = {}
            for photo, choice, boxes in wanted_of(catalog, model, config, window):
                if photo not in place:
                    place[photo] = len(photos)
                    photos.append(_photo(of[photo]))
                label = labels.setdefault(choice.box.label, len(labels))
                share = _shares(choice.box.corners, of[photo])
                doubt = int(contested(choice, boxes, config))
                mark = int((photo, choice.k) in marks)
                garments.append((place[photo], choice.k, label, round(choice.box.score, 4), *share, mark, doubt))
            list(pool.map(lambda photo, of=of: _thumbnail(catalog.root, of[photo], folder), place))
            task.advance(len(window))
    data = {"model": model, "labels": list(labels), "photos": photos, "garments": garments}
    put_file(folder / "index.html", page(data).encode())
    return folder / "index.html"


def page(data: dict[str, Any]) -> str:
    """The page with its data inside. What websites said is data there, never markup."""
    template = (resources.files("deepstyle.crop") / "review.html").read_text(encoding="utf-8")
    return template.replace("__DATA__", json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def thumbnail(data: bytes) -> Pixels:
    """Photo bytes -> uint8 HWC RGB that fits into ``THUMB``. Raises ImageError."""
    image = Image.fromarray(images.decode(data, at_least=max(THUMB)))
    image.thumbnail(THUMB, Image.Resampling.BICUBIC)
    return np.asarray(image)


def _photo(photo: Photo) -> dict[str, Any]:
    return {"sha256": photo.sha256, "path": f"../{photo.path}", "width": photo.width, "height": photo.height,
            "page": photo.page_url, "rights": "; ".join(filter(None, (photo.licence, photo.credit)))}  # fmt: skip


def _shares(corners: Corners, photo: Photo) -> list[float]:
    return [round(value / (photo.width if i % 2 == 0 else photo.height), 4) for i, value in enumerate(corners)]


def _thumbnail(root: Path, photo: Photo, folder: Path) -> None:
    path = folder / "photos" / f"{photo.sha256}.jpg"
    if path.is_file():
        return
    try:
        small = thumbnail(read_regular(root / photo.path, LARGEST))
    except (OSError, InputError):
        return  # the page says what the picture would show; the cut has named the photo
    put_file(path, images.encode(small, "JPEG", quality=80))
