"""Adding photos of one's own (loop): files and folders -> photos in the catalog. The same call resumes.

Outcomes of a file:
    kept            stored under its hash
    duplicate       the same bytes are in the catalog already
    near-duplicate  looks like a photo that is kept, and ``drop_near`` is on
    forgotten       `deepstyle forget` was told that it must never come back
    too-small       its shorter side has fewer than ``min_side`` pixels
    too-large       more than ``max_bytes`` bytes
    not-image, empty, broken, bomb    what ``images.py`` says of the bytes
    unreadable      a read error: tried again by the next call
    not-a-file      a pipe, device or socket: never opened

The catalog holds them as a crawl whose pages are the folders. A file that is as it was is not read again; one that changed is a
new photo. Worker threads read and decode; only the main thread touches the catalog, and a photo's file and rows are committed
one after another, so that a kill loses at most the photos in flight.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError, UsageError
from deepstyle.files import shown
from deepstyle.progress import Reporter
from deepstyle.records import Listing
from deepstyle.scraper.check import Checked, check
from deepstyle.scraper.folder import Bytes, LocalFile, find_files, full, read_file
from deepstyle.scraper.shelf import Shelf
from deepstyle.scraper.together import taking_photos

WORKERS = 4  # threads that read and decode
AHEAD = 2 * WORKERS  # files in flight
OWN = (
    "photos",
    "garments",
    "datasets",
    "models",
    "runs",
    "samples",
    "review",
)  # folders that the workspace fills itself
NAMED = 3  # files named for each reason to leave one out


@dataclass(frozen=True, kw_only=True)
class AddSummary:
    """What became of the files of this call.

    ``kept``: photos that are in the workspace because of these files, ``new`` ones among them. ``known``: files that were
    added before and have not changed. ``near_duplicates`` are among ``kept``, unless ``drop_near``. ``outcomes`` counts all
    files; ``left_out`` names the first of each outcome but kept.
    """

    files: int
    new: int
    known: int
    kept: int
    duplicates: int
    near_duplicates: int
    outcomes: dict[str, int]
    left_out: dict[str, list[str]]


def add(
    paths: Sequence[Path], catalog: Catalog, config: ScrapeConfig, *, reporter: Reporter, licence: str = "",
    credit: str = "",
) -> AddSummary:  # fmt: skip
    """Put the photos of these files and folders into the catalog, with what their owner says of them.

    ``licence`` and ``credit`` are kept with each photo; a later call with others replaces them. Raises UsageError for a
    path that does not exist or belongs to the workspace, InputError when there is no photo at all.
    """
    if not paths:
        raise UsageError("PATH: give a folder of photos, or photos")
    for path in paths:
        check_path(path, catalog.root)
    reporter.say("looking for files")
    files = {file.path: file for file in find_files(paths, without=catalog.root)}  # each once, however it was given
    work = _Adding(paths, catalog, config, licence=licence, credit=credit)
    waiting: deque[tuple[LocalFile, Future[Checked | Bytes]]] = deque()
    with (
        taking_photos(catalog.root), ThreadPoolExecutor(WORKERS) as pool,
        reporter.task("adding", total=len(files), unit="files") as task,
    ):  # fmt: skip
        for file in files.values():
            if not work.as_it_was(file):
                waiting.append((file, pool.submit(_look, file, config, work.shelf.known)))
            if len(waiting) > AHEAD:
                first, future = waiting.popleft()
                work.record(first, future.result())
            task.advance(1, note=f"{work.new:,} new")
        for file, future in waiting:
            work.record(file, future.result())
    work.crawl.finish()
    if work.full():
        reporter.say(f"stopped at max_photos={config.max_photos}; a larger one goes on from here")
    return _summary(work)


def check_path(path: Path, root: Path) -> None:
    """Raise UsageError for a path that cannot be added, InputError for one that is no file or folder."""
    if not os.path.lexists(path):
        raise UsageError(f"{shown(path)}: there is no such file or folder")
    here, home = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    if here == home or any(here.is_relative_to(home / name) for name in OWN):
        raise UsageError(f"{shown(path)}: belongs to the workspace {shown(root)}; give photos from elsewhere")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{shown(path)}: is a pipe, device or socket; give photos, or a folder of photos")


def _look(file: LocalFile, config: ScrapeConfig, known: Container[str]) -> Checked | Bytes:
    """What a worker thread does: read and check a file."""
    if file.outcome:
        return Bytes(outcome=file.outcome, detail=file.detail)
    if file.size > config.max_bytes:
        return Bytes(outcome="too-large", detail=f"{file.size:,} bytes; max_bytes is {config.max_bytes:,}")
    found = read_file(file.path, config.max_bytes)
    return found if found.outcome else check(found.data, config, known)


class _Adding:
    """The main thread's side: results of the workers -> rows, a transaction a file."""

    def __init__(
        self, paths: Sequence[Path], catalog: Catalog, config: ScrapeConfig, *, licence: str, credit: str
    ) -> None:
        self.paths, self.config = paths, config
        self.crawl = catalog.open_crawl(" ".join(full(path).as_uri() for path in paths))
        self.shelf = Shelf(catalog, config)
        self.outcomes: Counter[str] = Counter()
        self.left_out: dict[str, list[str]] = {}
        self.new = self.known = 0
        self._catalog, self._rights = catalog, {"licence": _text(licence), "credit": _text(credit)}
        self._folders: set[Path] = set()

    def full(self) -> bool:
        """Whether ``max_photos`` is reached."""
        return self.config.max_photos is not None and self.outcomes["kept"] >= self.config.max_photos

    def as_it_was(self, file: LocalFile) -> bool:
        """Whether the file was added before and has not changed; what its owner says of it may have."""
        before = self.crawl.file_added(file.url, file.size, file.mtime)
        if before is None or self.full():
            return False
        outcome, sha256 = before
        with self._catalog.transaction():
            self._list(file, outcome)
            self._catalog.set_rights(sha256, file.url, **self._rights)
        self.known += 1
        return True

    def record(self, file: LocalFile, found: Checked | Bytes) -> None:
        """Store what a worker found to be a photo, and note what became of the file."""
        if self.full():
            return
        with self._catalog.transaction():
            digest, outcome = None, found.outcome
            if isinstance(found, Checked):
                digest = found.sha256
                if outcome == "ok":
                    outcome = self.shelf.keep(_listing(file), found, **self._rights)
                    self.new += outcome == "kept"
                if outcome == "duplicate":
                    self._catalog.set_rights(digest, file.url, **self._rights)
                    before = self._catalog.photo(digest)
                    if before is not None and before.image_url == file.url:  # written again, and still the same
                        outcome = "kept"
            self.crawl.add_fetch(
                file.url, "file", outcome, size=file.size, sha256=digest, detail=found.detail, mtime=file.mtime
            )
            self._list(file, outcome)

    def _list(self, file: LocalFile, outcome: str) -> None:
        folder = file.path.parent
        if folder not in self._folders:
            self._folders.add(folder)
            self.crawl.queue_page(folder.as_uri(), parent=None, depth=0)
            self.crawl.finish_page(folder.as_uri(), "ok", title=shown(folder.name))
        self.crawl.queue_listing(_listing(file))
        self.crawl.finish_listing(file.url, outcome)
        self.outcomes[outcome] += 1
        if outcome != "kept" and len(names := self.left_out.setdefault(outcome, [])) < NAMED:
            names.append(shown(file.path))


def _text(given: str) -> str:
    """What was typed, as text that can be stored: bytes of another encoding than the terminal's are written out."""
    return given.encode("utf-8", "backslashreplace").decode()


def _listing(file: LocalFile) -> Listing:
    return Listing(image_url=file.url, page_url=file.path.parent.as_uri(), title=shown(file.path.stem))


def _summary(work: _Adding) -> AddSummary:
    """What came of it. Raises InputError when there was no photo at all."""
    outcomes = work.outcomes
    if not any(outcomes[good] for good in ("kept", "duplicate", "near-duplicate")):
        reasons = [f"{outcomes[name]:,} {name} ({', '.join(files)})" for name, files in work.left_out.items()]
        where = ", ".join(shown(path) for path in work.paths)
        side = work.config.min_side
        remedy = (
            f"; below min_side={side}: --set min_side={side // 2} takes smaller ones" if outcomes["too-small"] else ""
        )
        told = "; ".join(reasons) or "there are no files that are not hidden"
        raise InputError(f"{where}: no photo to add; {told}{remedy}")
    return AddSummary(
        files=outcomes.total(), new=work.new, known=work.known, kept=outcomes["kept"], duplicates=outcomes["duplicate"],
        near_duplicates=work.crawl.near_duplicates(), outcomes=dict(outcomes), left_out=work.left_out,
    )  # fmt: skip
