"""Forgetting photos (loop): a photo, everything cut from it, and packs that hold it go; it never comes back.

First it is recorded that the photo must never come back, then the files go, then the rows: a command that was killed finishes
what it began when it is run again. Models cannot unlearn: those that saw the photo are named and marked in their cards.
Pictures that runs drew of real garments stay in TensorBoard's files; the marked runs say so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deepstyle.about import CARD, today
from deepstyle.catalog import Catalog
from deepstyle.dataset import PackedDataset, drop_packs
from deepstyle.errors import InputError, UsageError
from deepstyle.files import TEMPORARY, put_file, read_regular, shown
from deepstyle.folders import drop_folder
from deepstyle.model_card import FORGOTTEN
from deepstyle.records import Garment, Photo

TITLE = f"## {FORGOTTEN}"
RECORDS = ("runs/*/score.json", "scores/*/score.json", "runs/*/samples/novelty*.csv", "samples/*/novelty*.csv")
MOST = 1_000_000_000  # bytes of a record or card
_SHA = re.compile(r"([0-9a-f]{64})(?:-\d+)?")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """What went and what stays: counts of photos and garments, names of packs.

    Runs and models are marked: those that ``saw`` a photo, and those trained when it was there already (``may_have_seen``).
    ``packs`` are packed datasets, and label checks with theirs; ``never_again``: what must not come back.
    """

    photos: int
    garments: int
    packs: tuple[str, ...]
    saw: tuple[str, ...]
    may_have_seen: tuple[str, ...]
    never_again: tuple[str, ...]


def forget(asked: Collection[str], catalog: Catalog) -> Forgetting:
    """Forget photos by address of a picture or page, host, hash, or the file or folder that was added. Raises UsageError."""
    found: dict[str, Photo] = {}
    with catalog.transaction():
        for one in asked:
            found |= {photo.sha256: photo for photo in _photos(one.strip(), catalog)}
        for photo in found.values():
            catalog.rights.never_again(photo.sha256, "photo", f"{photo.dhash} {photo.width} {photo.height}")
            for url in catalog.rights.urls_of(photo.sha256):
                catalog.rights.never_again(url, "url")
    garments = [garment for name in found for garment in catalog.garments_of(name)]
    packs = drop_packs(catalog.root / "datasets", found.keys())
    checks = _drop_checks(catalog.root / "label-checks", found.keys())
    saw, may = _seen_by(catalog, garments, found.values(), set(packs.values()))
    _mark(catalog.root, saw, found.keys(), "It was trained on")
    _mark(catalog.root, may, found.keys(), "It was trained after the workspace had, and may have seen,")
    _delete_files(catalog, found.values(), garments)
    with catalog.transaction():
        for name in found:
            catalog.rights.erase(name)
    return Forgetting(
        photos=len(found), garments=len(garments), packs=(*packs, *checks), saw=tuple(saw), may_have_seen=tuple(may),
        never_again=tuple(asked),
    )  # fmt: skip


def _photos(asked: str, catalog: Catalog) -> list[Photo]:
    """The photos that are meant; it is recorded at once that a URL or host must not come back."""
    rights = catalog.rights
    if match := _SHA.fullmatch(asked):
        photo = catalog.photo(match[1])
        rights.never_again(match[1], "photo")
        return [photo] if photo is not None else []
    if asked.startswith(("http://", "https://", "file://")):
        place = urlsplit(asked)
        if not place.netloc and place.scheme != "file":
            raise UsageError(f"{shown(asked)}: an address without a host")
        rights.never_again(asked, "url")
        return rights.photos_of(asked)
    if found := _added(asked, catalog):
        return found
    if _HOST.fullmatch(asked) and ("." in asked or ":" in asked or asked == "localhost"):
        name = asked.lower()
        rights.never_again(name, "host")
        return rights.photos_at(f"{scheme}://{name}{end}" for scheme in ("http", "https") for end in "/?:")
    raise UsageError(
        f"{shown(asked) or repr(asked)}: neither the address of a picture or page (https://...), nor a host (a.example), nor a "
        "file or folder that was added, nor a photo's hash"
    )


def _added(asked: str, catalog: Catalog) -> list[Photo]:
    """The photos of a file that was added, or of all that came from a folder and those in it, also when they have gone since.

    A garment's file stands for the photo that it is of.
    """
    path = Path(asked)
    if not asked:
        return []  # not the folder that one is in
    if match := _SHA.fullmatch(path.stem):
        return [photo] if (photo := catalog.photo(match[1])) is not None else []
    try:
        url = Path(os.path.abspath(path)).as_uri()  # noqa: PTH100  # resolve() follows links; add does not
    except (OSError, ValueError):  # a zero byte, say
        return []
    rights, below = catalog.rights, f"{url.rstrip('/')}/"
    found = {photo.sha256: photo for photo in rights.photos_of(url)}
    for photo in rights.photos_at([below]):  # not those that a list in this folder led to
        if any(one.startswith(below) for one in rights.urls_of(photo.sha256)):
            found[photo.sha256] = photo
    if found:
        rights.never_again(url, "url")
    return [found[name] for name in sorted(found)]


def _delete_files(catalog: Catalog, photos: Collection[Photo], garments: list[Garment]) -> None:
    """Delete the photos' and garments' files, thumbnails, and records that name them with the pictures beside."""
    for garment in garments:
        catalog.delete_file(garment.path)
    for photo in photos:
        catalog.delete_file(photo.path)
        if (catalog.root / "review" / "photos" / f"{photo.sha256}.jpg").exists():
            catalog.delete_file(f"review/photos/{photo.sha256}.jpg")
            catalog.delete_file("review/index.html")  # `deepstyle crop --review` writes it again
    names = {photo.sha256 for photo in photos}
    for record in sorted(path for pattern in RECORDS for path in catalog.root.glob(pattern)):
        if names.isdisjoint(_hashes(record)):
            continue
        picture = record.with_suffix(".png") if record.suffix == ".csv" else record.parent / "samples" / "nearest.png"
        for path in (picture, record):
            catalog.delete_file(path.relative_to(catalog.root).as_posix())


def _drop_checks(folder: Path, photos: Collection[str]) -> list[str]:
    """Delete the label checks that looked at garments of these photos, with their packs, runs and models; their names."""
    found = []
    for place in sorted(folder.iterdir()) if photos and folder.is_dir() else ():
        seen = (*place.glob("datasets/*/index.json"), place / "suspects.csv")
        begun = place.name.startswith(TEMPORARY)  # by a command that was stopped
        if not begun and all(_hashes(path).isdisjoint(photos) for path in seen):
            continue
        drop_folder(place)
        found.append(f"label-checks/{place.name.removeprefix(TEMPORARY)}")
    return found


def _hashes(path: Path) -> set[str]:
    try:
        return {match[1] for match in _SHA.finditer(read_regular(path, MOST).decode("utf-8", "replace"))}
    except (OSError, InputError):
        return set()


def _seen_by(
    catalog: Catalog, garments: list[Garment], photos: Collection[Photo], packs: set[str]
) -> tuple[list[str], list[str]]:
    """Folders of runs and models that saw the photos, and of those that may have: ``packs`` are the keys of those that held them.

    A run's data.key begins with, or holds, the key of its pack. A run whose pack is gone may have seen what was cut before
    it ended; one whose pack stands without the photo has not.
    """
    if not photos:
        return [], []
    standing = set(_keys(catalog.root / "datasets"))
    first = min([one.at for one in garments] or [one.at for one in photos])
    verdicts: dict[str, str] = {}
    for run in catalog.runs():
        key = _text(catalog.path(run.path) / "data.key")
        if any(pack and pack in key for pack in packs):
            verdicts[run.path] = "saw"
        elif run.at >= first and not any(pack in key for pack in standing):
            verdicts[run.path] = "may"
    for model in catalog.models():
        maker = str(model.figures.get("run", model.name))
        verdict = verdicts.get(f"runs/{maker}") or verdicts.get(f"runs/{model.name}")
        known = (catalog.root / "runs" / maker).is_dir()
        if verdict or (not known and model.at >= first):
            verdicts[model.path] = verdict or "may"
    return [one for one, how in verdicts.items() if how == "saw"], [
        one for one, how in verdicts.items() if how == "may"
    ]


def _keys(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*/index.json")):
        try:
            yield PackedDataset(path.parent).key
        except InputError:
            continue  # no pack, then no run's either


def _text(path: Path) -> str:
    try:
        return read_regular(path, MOST).decode("utf-8", "replace")
    except (OSError, InputError):
        return ""


def _mark(root: Path, folders: Collection[str], photos: Collection[str], words: str) -> None:
    """Write into the cards of runs and models which photos they know that are forgotten; once for each photo."""
    for folder in folders:
        card = root / folder / CARD
        if not card.parent.is_dir():
            continue
        text = _text(card) or f"# Model card: {card.parent.name}\n"
        new = [name for name in photos if name not in text]
        if not new:
            continue
        if TITLE not in text:
            text += (
                f"\n{TITLE}\n\nThese photos were removed from the workspace after the training; weights, and the pictures "
                "that TensorBoard shows of the training, may still carry them. Train again (`--fresh`) to be rid of them.\n\n"
            )
        text += "".join(f"- {today()}: {words} photo {name}.\n" for name in new)
        put_file(card, text.encode())
