"""The catalog's SQLite file: opening, migrating, waiting, transactions, and what can go wrong with it in words (edge).

Every statement of the catalog goes through here, so that no ``sqlite3.Error`` leaves it: each becomes a CatalogError that
says whether the disk is full, the file read-only, locked, damaged, or no catalog at all, and what to do about it.
"""

from __future__ import annotations

import functools
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from deepstyle.errors import CatalogError
from deepstyle.files import is_special, whole
from deepstyle.migrations import MIGRATIONS

T = TypeVar("T")
Row = sqlite3.Row
WAIT = 30.0  # seconds in all to wait for another process that holds the file
TABLES = frozenset({"crawls", "photos", "garments", "models", "runs"})  # a catalog of any version has these
NO_ROOM = 1_000_000  # bytes: with less than this left, a disk that fails is a full one
UNWRITABLE = frozenset({
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
})  # fmt: skip

_AGAIN = "then run the same command again: nothing that was finished is lost"
_READ_ONLY = (
    "{path} cannot be written ({error}): get the right to write it, or name another --workspace; as it is, `deepstyle status`, "
    "`deepstyle models`, `deepstyle where` and `deepstyle sample --out FOLDER` can be used"
)
WORDS = {
    sqlite3.SQLITE_FULL: "{path}: the disk is full; make room, " + _AGAIN,
    sqlite3.SQLITE_IOERR: "{path}: the disk fails ({error}); look after it, its free space and your quota, " + _AGAIN,
    sqlite3.SQLITE_BUSY: "{path}: another process has locked it for {wait:.0f} s (`fuser` names it); let it end, " + _AGAIN,
    sqlite3.SQLITE_LOCKED: "{path}: another process has locked it for {wait:.0f} s (`fuser` names it); let it end, " + _AGAIN,
    sqlite3.SQLITE_READONLY: _READ_ONLY, sqlite3.SQLITE_CANTOPEN: _READ_ONLY, sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT:
        "{path} is damaged ({error}): put a copy of it back, or save what can be read with `sqlite3 {path} .recover | sqlite3 "
        "new.sqlite`; photos, garments and runs are files beside it and not affected",
    sqlite3.SQLITE_NOTADB:
        "{path} is not a deepstyle catalog ({error}); move that file away, or name another --workspace",
}  # fmt: skip


class CatalogFile:
    """One connection to ``<root>/catalog.sqlite``, which is made or migrated when it must be. One thread.

    ``wait``: seconds that all statements together wait for other processes. ``reading``: nothing will be written, so a file
    that cannot be written is opened as it is. Raises CatalogError.
    """

    def __init__(self, root: Path, *, wait: float = WAIT, reading: bool = False) -> None:
        self.path = root / "catalog.sqlite"
        for part in ("", "-wal", "-shm", "-journal"):  # a pipe would be waited on for ever
            path = Path(f"{self.path}{part}")
            if is_special(path):
                raise CatalogError(f"{path} is no plain file; move it away, or name another --workspace")
        self._wait = wait
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._then: list[Callable[[], None]] = []  # what is done once the transaction is committed
        try:
            self._db = self._open(reading=reading)
        except CatalogError as error:
            if not reading or _code(error.__cause__) not in UNWRITABLE:
                raise
            self._db = self._open_as_it_is()

    # ---- opening and closing ------------------------------------------------------------------------------------

    def _open(self, *, reading: bool) -> sqlite3.Connection:
        """Open the file to read and write; wait while other processes open, migrate or write it."""
        deadline = time.monotonic() + self._wait
        with _in_words(self.path, self._wait):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=min(1.0, self._wait), isolation_level=None)
            with ExitStack() as undo:
                undo.callback(db.close)
                while True:
                    try:
                        _prepare(db, self.path, probe=not reading)
                        break
                    except sqlite3.OperationalError as error:
                        if (
                            _code(error) not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
                            or time.monotonic() > deadline
                        ):
                            raise
                        time.sleep(0.05)  # where waiting might be for ever, SQLite answers at once
                db.execute(f"PRAGMA busy_timeout = {round(1000 * self._wait)}")
                undo.pop_all()
        return db

    def _open_as_it_is(self) -> sqlite3.Connection:
        """Open a file that cannot be written: where it lies if SQLite can, or a copy, which is migrated."""
        log = Path(f"{self.path}-wal")  # holds what was written last, after a kill
        with _in_words(self.path, self._wait):
            unfinished = log.is_file() and log.stat().st_size > 0
            for way in ("mode=ro",) if unfinished else ("mode=ro", "immutable=1"):
                db = sqlite3.connect(f"{self.path.absolute().as_uri()}?{way}", uri=True, isolation_level=None)
                with ExitStack() as undo, suppress(sqlite3.OperationalError):  # SQLite would have to write beside it
                    undo.callback(db.close)
                    if _version(db) == len(MIGRATIONS):
                        reader = _reader(db)
                        undo.pop_all()
                        return reader
            self._copy = tempfile.TemporaryDirectory(prefix="deepstyle-")
            copy = Path(self._copy.name) / self.path.name
            with ExitStack() as undo:
                undo.callback(self._copy.cleanup)
                for source in (self.path, log) if unfinished else (self.path,):
                    shutil.copyfile(source, copy.with_name(source.name))
                db = sqlite3.connect(copy, isolation_level=None)
                undo.callback(db.close)
                _prepare(db, self.path, probe=False)
                undo.pop_all()
            return _reader(db)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    # ---- statements ---------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a reading statement."""
        with self._statement():
            return self._db.execute(sql, values).fetchall()

    def records(self, kind: type[T], sql: str, values: Sequence[Any] = ()) -> list[T]:
        """All rows of a reading statement, each as a record of this kind; texts of JSON become what they say."""
        rows = self.rows(sql, values)
        try:
            names = rows[0].keys() if rows else []
            known = _types(kind)  # type: ignore[arg-type]  # a class is hashable
            types = [known[name] for name in names]  # SQLite itself checks no values
            return [kind(**dict(zip(names, map(_checked, row, types), strict=True))) for row in rows]
        except (TypeError, ValueError, KeyError, RecursionError) as error:
            raise CatalogError(WORDS[sqlite3.SQLITE_CORRUPT].format(path=self.path, error=error)) from error

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        with self._statement():
            row: Row | None = self._db.execute(sql, values).fetchone()
            return row

    def run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One writing statement; its cursor knows ``rowcount`` and ``lastrowid``. Half a character of a text becomes ``?``."""
        with self._statement():
            try:
                return self._db.execute(sql, values)
            except UnicodeEncodeError:  # JSON and JavaScript may write half of a surrogate pair
                return self._db.execute(sql, [whole(one) if isinstance(one, str) else one for one in values])

    def run_each(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """A writing statement with each of the values; returns how many rows it changed."""
        with self._statement():
            before = self._db.total_changes
            self._db.executemany(sql, values)
            return self._db.total_changes - before

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or not at all; one inside another joins the outer one."""
        if self._db.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._then.clear()
            self._roll_back()
            raise
        then, self._then = self._then, []
        for act in then:
            act()

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do this once the transaction is committed, and never if it is not."""
        self._then.append(act)

    def _roll_back(self) -> None:
        """Take the transaction back, unless SQLite has done so already, as it does when the disk is full."""
        if self._db.in_transaction:
            self.run("ROLLBACK")

    @contextmanager
    def _statement(self) -> Iterator[None]:
        """Translate what goes wrong. Whoever waited in vain once does not wait again, to note how a run ended, say."""
        try:
            with _in_words(self.path, self._wait):
                yield
        except CatalogError as error:
            if _code(error.__cause__) == sqlite3.SQLITE_BUSY:
                self._db.execute("PRAGMA busy_timeout = 0")
            raise


@contextmanager
def _in_words(path: Path, wait: float) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeError) as error:  # UnicodeError: SQLite's own message holds damaged text
        raise CatalogError(explain(path, error, wait)) from error


def explain(path: Path, error: Exception, wait: float = WAIT) -> str:
    """What is wrong with the catalog at ``path``, and what to do; from SQLite's error code or the system's."""
    if isinstance(error, OSError):
        return f"--workspace {path.parent}: {error.strerror or error}; name a folder that can be made and written"
    code = _code(error)
    if code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < NO_ROOM:
        code = sqlite3.SQLITE_FULL
    elif code == sqlite3.SQLITE_ERROR and "no such" in str(error):
        code = sqlite3.SQLITE_NOTADB
    elif isinstance(error, UnicodeError) or "decode" in str(error):
        code = sqlite3.SQLITE_CORRUPT
    words = WORDS.get(code, "{path}: the catalog refused a statement ({error}); run the same command again")
    return words.format(path=path, error=error, wait=wait)


@functools.cache
def _types(kind: type) -> dict[str, tuple[type, ...]]:
    """The types that each field of a record may have in the catalog."""
    found: dict[str, tuple[type, ...]] = {}
    for name, hint in get_type_hints(kind).items():
        parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        found[name] = tuple(get_origin(one) or one for one in parts)
        found[name] += (int,) if float in found[name] else ()
    return found


def _checked(value: Any, types: tuple[type, ...]) -> Any:
    """The value of a field. Raises TypeError for one that no field of these types can have."""
    if dict in types:
        value = json.loads(value)
    if not isinstance(value, types):
        raise TypeError(f"{value!r:.40} where {types[0].__name__} belongs")
    return value


def _code(error: BaseException | None) -> int:
    """SQLite's primary error code; 0 for whatever else."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _reader(db: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, with writing refused."""
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA query_only = ON")
    return db


def _prepare(db: sqlite3.Connection, path: Path, *, probe: bool) -> None:
    """Make the file a catalog of this version; ``probe``: find out whether it can be written."""
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    version = _version(db)
    if version > len(MIGRATIONS):
        raise CatalogError(
            f"{path} has schema {version}, this deepstyle knows {len(MIGRATIONS)}: upgrade deepstyle, or use another --workspace"
        )
    if version < len(MIGRATIONS) or probe:
        _migrate(db, path)


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """Run the migrations that the file has not seen, all or none. Raises CatalogError when it is another program's."""
    db.execute("BEGIN IMMEDIATE")
    try:
        tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not tables >= TABLES:
            raise CatalogError(f"{path} is not a deepstyle catalog, but some other program's; name another --workspace")
        before = _version(db)  # another process may have been here in the meantime
        for statement in (statement for migration in MIGRATIONS[before:] for statement in migration):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")  # fails here if nothing can be written, BEGIN does not
        db.execute("COMMIT" if before < len(MIGRATIONS) else "ROLLBACK")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
