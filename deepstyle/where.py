"""Where an image is from: a photo or garment's pages, a generated image's nearest real garments and theirs (loop, no torch).

What may be asked for:
    a garment      its file, or its name <photo's sha256>-<k>
    a photo        its file, wherever a copy of it lies, or its sha256
    a sample       its file, wherever a copy of it lies, or its name (seed-000042)
    a record       score.json, novelty.csv, or the picture beside either: all samples that it names
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepstyle import traces
from deepstyle.catalog import Catalog
from deepstyle.errors import InputError, UsageError
from deepstyle.files import exists, is_regular, read_regular, reason, shown
from deepstyle.images import sha256
from deepstyle.records import Photo, Sighting

LARGEST = 1_000_000_000  # bytes of a file that is looked up by its hash
GARMENT = re.compile(r"([0-9a-f]{64})-(\d{1,9})")
PHOTO = re.compile(r"[0-9a-f]{64}")
SEED = re.compile(
    r"seed-(\d+)(?:-(?P<label>.+?))??(?P<best>-best)?(?:-t(?P<truncation>[\d.]+(?:e-?\d+)?))?"
    r"(?:-x(?P<upscale>\d+))?"
)
GRID = re.compile(r"grid(-.+)?")
RECORDS = ("runs/*/samples/novelty*.csv", "samples/*/novelty*.csv")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a photo is from: every page that shows it, the one it was kept for first; what its owner says of it."""

    photo: str
    path: str
    width: int
    height: int
    title: str
    licence: str
    credit: str
    pages: tuple[Sighting, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One step on the way back: a garment or a photo, how far it is from the sample (None: it is what was asked for)."""

    garment: str | None
    distance: float | None
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Whence:
    """The answer for one image: ``kind`` is garment, photo or sample; ``record`` is the file that knows a sample's nearest."""

    asked: str
    kind: str
    name: str
    places: tuple[Place, ...]
    record: str = ""


def where(asked: str, catalog: Catalog) -> list[Whence]:
    """Where an image is from; several answers for a record of several samples.

    Raises UsageError for what is nothing of the workspace's, or a sample of which nothing is recorded: it says what to do.
    """
    path = next((path for path in (Path(asked), catalog.root / asked) if exists(path)), Path(asked))
    stem = path.name.removesuffix(path.suffix)
    if match := GARMENT.fullmatch(stem):
        return [_of_garment(asked, catalog, match[1], int(match[2]))]
    if PHOTO.fullmatch(stem) and (photo := catalog.photo(stem)) is not None:
        return [_of_photo(asked, catalog, photo)]
    if (record := _record_beside(path)) is not None:
        return [_of_sample(asked, catalog, trace, record) for trace in _read(record)]
    if is_regular(path):
        digest = sha256(_bytes(path))
        if (photo := catalog.photo(digest)) is not None:
            return [_of_photo(asked, catalog, photo)]
        wanted = [(trace, record) for trace, record in _traces(catalog, path) if trace.sha256 == digest]
    else:
        wanted = [(trace, record) for trace, record in _traces(catalog, None) if Path(trace.name).stem == stem]
    if wanted:
        return [_of_sample(asked, catalog, *wanted[0])]
    raise UsageError(_unknown(asked, path, catalog.root))


def rows_of(found: Whence) -> dict[str, str]:
    """The answer for people: a name and a text a line."""
    rows = {} if found.kind != "sample" else {"recorded in": shown(found.record)}
    for rank, place in enumerate(found.places, start=1):
        origin = place.origin
        if place.distance is None:
            rows["photo"] = f"{shown(origin.path)}, {origin.width} x {origin.height} pixels"
            rows |= {f"page {n}": page.page_url for n, page in enumerate(origin.pages, start=1)}
            rows["picture"] = origin.pages[0].image_url
            said = {"title": origin.title, "licence": origin.licence, "credit": origin.credit}
            rows |= {key: shown(text) for key, text in said.items() if text}
        else:
            said_of_it = [shown(text) for text in (origin.licence, origin.credit) if text]
            pages = ", ".join(traces.place_of(page.page_url, page.image_url) for page in origin.pages)
            rows[f"nearest {rank}"] = "; ".join(
                [f"distance {place.distance:.3f}", f"garment {place.garment}", pages, *said_of_it]
            )
    return rows


# ---- answers ----------------------------------------------------------------------------------------------------


def _of_garment(asked: str, catalog: Catalog, sha: str, k: int) -> Whence:
    photo = catalog.photo(sha)
    if photo is None:
        raise UsageError(f"{shown(asked)}: its photo is not in the workspace {catalog.root}; name another --workspace")
    name = f"{sha}-{k}"
    return Whence(
        asked=asked, kind="garment", name=name,
        places=(Place(garment=name, distance=None, origin=_origin(catalog, photo)),),
    )  # fmt: skip


def _of_photo(asked: str, catalog: Catalog, photo: Photo) -> Whence:
    place = Place(garment=None, distance=None, origin=_origin(catalog, photo))
    return Whence(asked=asked, kind="photo", name=photo.sha256, places=(place,))


def _of_sample(asked: str, catalog: Catalog, trace: traces.Trace, record: Path) -> Whence:
    places = tuple(
        Place(garment=near.name, distance=near.distance, origin=_origin_of(catalog, near)) for near in trace.near
    )
    return Whence(asked=asked, kind="sample", name=trace.name, places=places, record=str(record))


def _origin(catalog: Catalog, photo: Photo) -> Origin:
    return Origin(
        photo=photo.sha256, path=str(catalog.path(photo.path)), width=photo.width, height=photo.height, title=photo.title,
        licence=photo.licence, credit=photo.credit, pages=tuple(catalog.pages_of_photo(photo.sha256)),
    )  # fmt: skip


def _origin_of(catalog: Catalog, near: traces.Near) -> Origin:
    """What the catalog knows of a garment's photo; what the record says where the catalog does not know it."""
    match = GARMENT.fullmatch(near.name)
    photo = catalog.photo(match[1]) if match else None
    if photo is not None:
        return _origin(catalog, photo)
    page = Sighting(page_url=near.page_url, image_url=near.photo_url, title="")
    return Origin(
        photo=near.name, path="", width=0, height=0, title="", licence=near.licence, credit=near.credit, pages=(page,)
    )


# ---- records of nearest garments --------------------------------------------------------------------------------


def _record_beside(path: Path) -> Path | None:
    """The record that a path names: itself, or the one that a picture shows; None when it names none."""
    name = path.name
    if name == "score.json" or (name.startswith("novelty") and path.suffix == ".csv"):
        return path
    if name == "nearest.png" and path.parent.name == "samples":
        return path.parent.parent / "score.json"
    if name.startswith("novelty") and path.suffix == ".png":
        return path.with_suffix(".csv")
    return None


def _read(record: Path) -> list[traces.Trace]:
    try:
        text = _bytes(record).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(record)}: not a record of nearest garments ({error})") from error
    return (traces.from_score if record.suffix == ".json" else traces.from_csv)(text, shown(record))


def _bytes(path: Path) -> bytes:
    try:
        return read_regular(path, LARGEST)
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)})") from error


def _traces(catalog: Catalog, path: Path | None) -> Iterator[tuple[traces.Trace, Path]]:
    """All samples that records of the workspace, or beside the ``path``, know; the newest record first."""
    records = {record for pattern in RECORDS for record in catalog.root.glob(pattern)}
    if path is not None:
        records |= set(path.parent.glob("novelty*.csv"))
    for record in sorted(records, key=lambda one: (-one.stat().st_mtime, one)):
        try:
            found = _read(record)
        except InputError:
            continue  # another record may know; if none does, the message says how to make one
        yield from ((trace, record) for trace in found)


def _unknown(asked: str, path: Path, root: Path) -> str:
    """What to say of something that no record knows."""
    name = path.name.removesuffix(".png")
    match = SEED.fullmatch(name)
    if match is None and GRID.fullmatch(name):
        return (
            f"{shown(asked)}: a grid of several samples; ask for one of them, by its seed: "
            f"{shown(path.with_name('seed-000000.png'))}, say"
        )
    if match is None:
        gone = "" if exists(path) else "there is no such file; "
        return (
            f"{shown(asked)}: {gone}neither a garment, a photo nor a sample of the workspace {root}; give a file of garments/, "
            "photos/ or runs/*/samples/, or one's name"
        )
    words = ["deepstyle", "sample", "--novelty", "--seeds", str(int(match[1]))]
    folder = path.absolute().parent
    if folder.name == "samples" and folder.parent.parent.name == "runs":
        words += ["--run", folder.parent.name]
    elif folder.parent.name == "samples":
        words += ["--model", folder.name]
    words += ["--label", match["label"]] if match["label"] else []
    words += ["--best"] if match["best"] else []
    words += [word for flag in ("truncation", "upscale") if match[flag] for word in (f"--{flag}", match[flag])]
    return f"{shown(asked)}: nothing is recorded of what is nearest to it; run `{shlex.join(words)}`, then ask again"
