"""What a classifier or tagger takes pictures of one's own for: files, folders or standard input -> labels, in batches (loop).

How a picture can end: with its surest labels, or with the ``error`` why it could not be looked at; one never stops another.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from deepstyle import images
from deepstyle.about import read_about
from deepstyle.annotations.table import SUFFIXES
from deepstyle.boxes import Detector
from deepstyle.catalog import Catalog
from deepstyle.classifier import tagger, together
from deepstyle.classifier.augment import SLACK
from deepstyle.classifier.find import find_named, parted_routes
from deepstyle.classifier.network import Classifier, Preprocessing
from deepstyle.classifier.region import ENOUGH, Region, region_of
from deepstyle.classifier.routed import Routed, Single
from deepstyle.classifier.tagger import Tagger, Tags
from deepstyle.classifier.together import Taggers
from deepstyle.classifier.views import Tta
from deepstyle.errors import ImageError, InputError, UsageError
from deepstyle.files import read_regular, reason, shown
from deepstyle.progress import Reporter
from deepstyle.scraper.folder import find_files

Model = Single | Routed
STDIN = Path("-")
SURE = 0.5  # score from which a garment is looked at beside the whole picture
LEAST = 0.05  # share from which a further label is told to people
MOST_NAMES = 500_000_000  # bytes of a list of files on standard input


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Where a picture is: a file, or ``data`` that came on standard input."""

    file: str
    data: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A picture's surest labels with their shares in [0, 1], the first once more by itself; or an ``error``.

    Of a tagger all the tags that the picture has.
    """

    file: str
    label: str = ""
    confidence: float = 0.0
    top: tuple[tuple[str, float], ...] = ()
    error: str = ""


def load(folder: Path) -> Single:
    """The classifier, the tagger or the taggers in a folder, for looking only: in bfloat16 where the processor computes in it.

    Raises ModelError when there is none.
    """
    kinds: dict[str, type[Tagger | Taggers]] = {together.KIND: Taggers, tagger.KIND: Tagger}
    return kinds.get(str(read_about(folder).get("kind")), Classifier).load(folder, arranged=True)


def find(catalog: Catalog | None, name: str | None, router: str | None = None, routes: Sequence[str] = ()) -> Model:
    """The named model, and with a ``router`` those that look where it says: ``routes`` are LABEL=MODEL.

    Raises UsageError with the remedy.
    """
    own = load(find_named(catalog, name))
    named = parted_routes(router, routes)
    if router is None:
        return own
    first = load(find_named(catalog, router, flag="--router"))
    if not isinstance(first, Classifier):
        raise UsageError(f"--router {router}: is no classifier; it must say one label of each picture")
    return Routed(
        first, {label: load(find_named(catalog, model, flag="--route")) for label, model in named.items()}, own
    )


def region_for(model: Model, detector: Detector | None, reporter: Reporter) -> Region | None:
    """What cuts pictures for that model; says so when it learned from other regions than these."""
    known = model.region if isinstance(model, Tagger) else ""
    if known != (detector.name if detector else "") and isinstance(model, Tagger):
        learned = (
            f"from regions that {known} cut; give --region {known.partition('@')[0]}" if known else "from whole photos"
        )
        reporter.say(f"warning: {model.name} learned {learned}")
    return region_of(detector) if detector else None


def looks_beside(model: Model) -> str | None:
    """The name of the detector that finds what a classifier looks at beside the whole picture, if it does."""
    return (model.beside or None) if isinstance(model, Classifier) else None


def beside_of(detector: Detector) -> Region:
    """What a classifier looks at beside the whole picture: the garment that the detector is sure of, without room around it."""
    return region_of(detector, room=0.0, least=SURE)


def pictures_of(paths: Sequence[Path], stdin: BinaryIO) -> Iterator[Picture]:
    """The pictures of files, and of folders by their names' endings; ``-`` is ``stdin``: one picture, or a file's name a line.

    Raises InputError when a folder holds none.
    """
    for path in paths:
        if path == STDIN:
            yield from _from_stdin(stdin)
        elif path.is_dir():
            found = [
                one.path for one in find_files([path], without=path / ".git") if one.path.suffix.lower() in SUFFIXES
            ]
            if not found:
                raise InputError(f"{shown(path)}: holds no pictures (files named {', '.join(SUFFIXES)})")
            yield from (Picture(file=os.fspath(path / one.relative_to(path.absolute()))) for one in found)
        else:
            yield Picture(file=os.fspath(path))


def _from_stdin(stdin: BinaryIO) -> Iterator[Picture]:
    data = stdin.read(MOST_NAMES)
    try:
        images.probe(data)
    except ImageError as error:
        if error.reason != "not-image":
            raise InputError(f"-: standard input holds neither a picture nor names of files ({error})") from error
        names = [name for name in data.decode(errors="surrogateescape").splitlines() if name.strip()]
        if not names:
            raise InputError(
                "-: standard input holds neither a picture nor names of files (nothing but blank lines)"
            ) from error
        yield from (Picture(file=name) for name in names)
    else:
        yield Picture(file="-", data=data)


def predict(
    model: Model,
    pictures: Iterable[Picture],
    *,
    top: int = 3,
    batch_size: int = 64,
    workers: int | None = None,
    tta: Tta | None = None,
    region: Region | None = None,
    beside: Region | None = None,
) -> Iterator[Prediction]:
    """Each picture's ``top`` labels, in their order. Files are read on ``workers`` threads while the network looks.

    ``tta``: the views of a picture whose mean counts, the model's own by default; ``region`` cuts out what is looked at,
    ``beside`` what is looked at as well: the mean of both counts.
    """
    rest = iter(pictures)
    cuts = (region, beside) if beside else (region,)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        ahead: deque[tuple[Picture, Future[images.Pixels | str]]] = deque()

        def fill(count: int) -> None:
            for one in islice(rest, count):
                ahead.append((one, pool.submit(_load, one, model.preprocessing, cuts)))

        fill(2 * batch_size)
        while ahead:
            batch = [ahead.popleft() for _ in range(min(batch_size, len(ahead)))]
            fill(batch_size)
            yield from _judged(model, [(one, loaded.result()) for one, loaded in batch], top, tta)


def _judged(
    model: Model, batch: Sequence[tuple[Picture, images.Pixels | str]], top: int, tta: Tta | None
) -> Iterator[Prediction]:
    seen = [pixels for _, pixels in batch if not isinstance(pixels, str)]
    rows = iter(_chosen(model, np.stack(seen), top, tta) if seen else ())
    for one, pixels in batch:
        if isinstance(pixels, str):
            yield Prediction(file=one.file, error=pixels)
            continue
        best = next(rows)
        yield Prediction(file=one.file, label=best[0][0], confidence=best[0][1], top=best)


def _chosen(model: Model, pixels: images.Pixels, top: int, tta: Tta | None) -> Iterator[tuple[tuple[str, float], ...]]:
    """The labels that are told of each of N pictures, the surest first; ``pixels``: N x looks x S x S x 3 uint8."""
    if isinstance(model, Routed):
        told_of: dict[int, tuple[tuple[str, float], ...]] = {}
        for one, rows in model.parted(pixels[:, 0]):
            told_of |= dict(zip(rows.tolist(), _chosen(one, pixels[rows], top, tta), strict=True))
        yield from (told_of[i] for i in range(len(pixels)))
        return
    looks = pixels.reshape(-1, *pixels.shape[2:])
    shares = model.shares(looks, tta=tta) if isinstance(model, Tags) else model.embed(looks, tta=tta)[1]
    shares = shares.reshape(*pixels.shape[:2], -1).mean(axis=1)
    told = model.decide(shares) if isinstance(model, Tags) else np.ones(shares.shape, np.bool_)
    most = len(model.labels) if isinstance(model, Tags) else top
    for row, has in zip(shares, told, strict=True):
        order = [int(i) for i in np.argsort(-row, kind="stable") if has[i]]
        yield tuple((model.labels[i], float(row[i])) for i in order[:most])


def _load(picture: Picture, preprocessing: Preprocessing, cuts: Sequence[Region | None]) -> images.Pixels | str:
    """The picture, or what each cut leaves of it, as training saw it: squares a little larger than the network's.

    Or why it cannot be looked at.
    """
    size = round(preprocessing.image_size * SLACK)
    try:
        data = picture.data if picture.data is not None else read_regular(Path(picture.file), images.MAX_BYTES)
        with images.decoded(data, at_least=max(2 * size, ENOUGH if any(cuts) else 0)) as pixels:
            return np.stack([images.resize(cut(pixels) if cut else pixels, size, preprocessing.fit) for cut in cuts])
    except OSError as error:
        return f"cannot be read ({reason(error)})"
    except InputError as error:
        return str(error)


def tells_tags(model: Model) -> bool:
    """Whether the model tells as many labels of a picture as it has: a tagger, or a router with one."""
    return any(
        isinstance(one, Tags)
        for one in ([*model.routes.values(), model.otherwise] if isinstance(model, Routed) else [model])
    )


def csv_head(top: int | None) -> str:
    """The first line of a CSV of predictions: a column for each of ``top`` places, or one of all labels (None)."""
    if top is None:
        return "file,label,confidence,labels,error"
    more = [f"{name}_{place}" for place in range(2, top + 1) for name in ("label", "confidence")]
    return ",".join(["file", "label", "confidence", *more, "error"])


def as_line(found: Prediction, form: str | None, *, top: int | None, width: int) -> str:
    """A prediction as one line: of ``csv`` (see ``csv_head``), of ``json``, or for people with labels ``width`` letters wide."""
    if form == "json":
        best = [{"label": label, "confidence": share} for label, share in found.top]
        told = {"label": found.label, "confidence": found.confidence, "top": best}
        return json.dumps({"file": found.file, **({"error": found.error} if found.error else told)})
    if form == "csv":
        cells = [cell for label, share in found.top[: top or 1] for cell in (label, f"{share:.4f}")]
        cells += [""] * (2 * (top or 1) - len(cells))
        every = [", ".join(label for label, _ in found.top)] if top is None else []
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="")
        writer.writerow([found.file, *cells, *every, found.error])
        return out.getvalue()
    if found.error:
        return f"{'not read':<{width + 8}}{found.file}: {found.error}"
    others = ", ".join(f"{label} {share:.0%}" for label, share in found.top[1:] if share >= LEAST)
    return f"{found.label:<{width}} {found.confidence:6.1%} {found.file}" + (f" ({others})" if others else "")


def as_bytes(line: str) -> bytes:
    """A line as UTF-8; a file's name that is none comes out as the bytes that it is."""
    try:
        return line.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character in a label
        return line.encode("utf-8", "backslashreplace")
