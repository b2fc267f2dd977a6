"""The catalog's file: what a full, read-only, locked, damaged or foreign one leads to."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deepstyle.catalog import Catalog
from deepstyle.catalog_crawl import Crawl
from deepstyle.catalog_file import explain
from deepstyle.errors import CatalogError
from deepstyle.migrations import FIRST, MIGRATIONS

UNPRIVILEGED = """
import os, sys
from pathlib import Path
from click.testing import CliRunner
from deepstyle.cli import main
root, warm, *command = sys.argv[1:]
CliRunner().invoke(main, ["-w", warm, *command])
Path("/").as_uri()  # Python 3.13 imports what that needs when it is asked for
if os.geteuid() == 0:
    os.seteuid(65534)
result = CliRunner().invoke(main, ["-w", root, *command])
print(result.exit_code, result.output)
if result.exception and not isinstance(result.exception, SystemExit):
    raise result.exception
"""  # rights are ignored for root, so root gives its own up; by then the first call has imported all


def fill(root: Path, pages: int = 3) -> None:
    with Catalog(root) as catalog, catalog.transaction():
        crawl = catalog.open_crawl("http://a.example/")
        for i in range(pages):
            crawl.queue_page(f"http://a.example/{i:06d}/{'x' * 100}", parent=None, depth=0)
        catalog.put_model("seen", "classifier", {"top1": 0.5})


def queue_many(catalog: Catalog, crawl: Crawl) -> None:
    """100 pages of more than 50 KB in one transaction."""
    with catalog.transaction():
        for number in range(100):
            crawl.queue_page(f"http://a.example/{number}/{'x' * 500}", parent=None, depth=0)


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    """When the disk takes no more the message says so; what was committed stands, and goes on once there is room."""
    with Catalog(tmp_path) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        pages = catalog._db.rows("PRAGMA page_count")[0][0]
        catalog._db.run(f"PRAGMA max_page_count = {pages + 2}")
        crawl.queue_page("http://a.example/", parent=None, depth=0)
        with pytest.raises(CatalogError, match=r"catalog\.sqlite: the disk is full; make room, then run the same"):
            queue_many(catalog, crawl)
        assert catalog.count("pages") == 1
        catalog._db.run("PRAGMA max_page_count = 100000")
        queue_many(catalog, crawl)
        assert catalog.count("pages") == 101


def test_a_disk_that_fails_is_told_from_a_full_one(tmp_path: Path) -> None:
    """A write that the system refuses though there is room (here: a limit of file size) names the disk and the quota."""
    fill(tmp_path)
    code = (
        "import resource, sys; from pathlib import Path; from deepstyle.catalog import Catalog\n"
        "crawl = Catalog(Path(sys.argv[1])).open_crawl('http://a.example/')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "for i in range(10_000): crawl.add_fetch('http://a.example/' + 'x' * 1000, 'page', 'ok')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)

    assert "CatalogError" in done.stderr.splitlines()[-1]
    assert "the disk fails (disk I/O error); look after it, its free space and your quota" in done.stderr
    with Catalog(tmp_path) as catalog:
        assert catalog.count("pages") == 3


def readable_by_all(file: Path) -> bool:
    """Whether somebody without rights of their own may read a file: all folders above it may be entered."""
    return bool(file.stat().st_mode & 0o004) and all(above.stat().st_mode & 0o001 for above in file.parents)


def unprivileged(root: Path, *command: str) -> tuple[int, str]:
    """Run a command as somebody who may not write into the workspace: exit code and output."""
    for path in (root, *root.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(root), str(root.parent / "warm"), *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    root.chmod(0o755)
    if "No module named" in done.stdout + done.stderr and not readable_by_all(Path(os.__file__)):
        pytest.skip(
            f"{os.__file__}: others cannot read this Python, so it imports nothing more once it has given its rights up"
        )
    assert done.returncode == 0, done.stderr
    code, _, output = done.stdout.partition(" ")
    return int(code), output


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def closed(root: Path) -> None:
    fill(root)


def killed(root: Path) -> None:
    """As a kill leaves it: what was written last is in the log beside the file."""
    other = root.with_name("other")
    with Catalog(other) as catalog:
        catalog.put_model("seen", "classifier", {"top1": 0.5})
        for path in other.glob("catalog.sqlite*"):
            shutil.copy(path, root / path.name)
    assert (root / "catalog.sqlite-wal").stat().st_size > 0


def copied(root: Path) -> None:
    """As an archive may hold it: the log, but not the shared memory."""
    killed(root)
    (root / "catalog.sqlite-shm").unlink()


def older(root: Path) -> None:
    with closing(sqlite3.connect(root / "catalog.sqlite")) as db:
        for statement in (*FIRST, "PRAGMA user_version = 1"):
            db.execute(statement)
        db.execute("INSERT INTO models VALUES ('seen', 'detector', 'models/seen', '{}', 0)")
        db.commit()


@pytest.mark.parametrize("make", [closed, killed, copied, older])
def test_a_read_only_workspace_can_be_looked_at(public: Path, make: Callable[[Path], None]) -> None:
    """Status and models read a workspace that cannot be written, and change nothing; scrape says what it is at once."""
    root = public / "workspace"
    root.mkdir()
    make(root)
    before = {path.name: path.read_bytes() for path in root.iterdir() if not path.name.endswith("-shm")}
    for command in ("status", "models"):
        code, output = unprivileged(root, command)
        assert (code, "seen" in output) == (0, True), output
    code, output = unprivileged(root, "scrape", "no address")
    assert code == 1
    assert "catalog.sqlite cannot be written" in output

    assert {path.name: path.read_bytes() for path in root.iterdir() if not path.name.endswith("-shm")} == before


@pytest.mark.slow
def test_samples_of_a_read_only_workspace_go_elsewhere(public: Path) -> None:
    """Sample --out makes images with a workspace that cannot be written, in a folder that can."""
    root, out = public / "workspace", public / "out"
    fill(root)
    out.mkdir()
    out.chmod(0o777)
    code, output = unprivileged(root, "sample", "--model", "demo-garments", "--seeds", "3", "--out", str(out))

    assert code == 0, output
    assert (out / "seed-000003.png").is_file()
    assert [path.name for path in root.iterdir() if path.suffix != ".sqlite"] == []


def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    """A workspace that cannot be entered or made ends with its name and the remedy."""
    root = tmp_path / "file"
    root.write_bytes(b"no folder")
    for place in (root, root / "below"):
        with pytest.raises(CatalogError, match=r"--workspace .*file.*name a folder that can be made"):
            Catalog(place)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["a pipe", "a folder"])
def test_a_catalog_that_is_no_plain_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A pipe or a folder called catalog.sqlite is named, where opening it could wait for ever."""
    make(tmp_path / "catalog.sqlite")

    for reading in (False, True):
        with pytest.raises(CatalogError, match=r"catalog\.sqlite is no plain file; move it away"):
            Catalog(tmp_path, reading=reading)


@pytest.mark.parametrize("mode", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_lock_is_waited_for_once_and_named(tmp_path: Path, mode: str) -> None:
    """A workspace that another process has locked is waited for as long as said in all, then the message says so."""
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as db:
        if mode == "EXCLUSIVE":
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute(f"BEGIN {mode}")
        with pytest.raises(CatalogError, match=r"another process has locked it for 0 s .*let it end"):
            Catalog(tmp_path, wait=0.3)
    with Catalog(tmp_path, wait=0.3):
        pass


def test_an_empty_workspace_that_is_locked_is_named(tmp_path: Path) -> None:
    """So is one whose file another process is only just making."""
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CatalogError, match="locked"):
            Catalog(tmp_path, wait=0.3)


def test_a_lock_in_the_middle_of_the_work_is_named(tmp_path: Path) -> None:
    """A statement that waits in vain says so, and the next one does not wait again; reading goes on all the while."""
    fill(tmp_path)
    with Catalog(tmp_path, wait=0.3) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(CatalogError, match="locked"):
                    crawl.add_fetch("http://a.example/", "page", "ok")
            assert catalog._db.rows("PRAGMA busy_timeout")[0][0] == 0
            assert catalog.count("pages") == 3
            with Catalog(tmp_path, wait=0.3, reading=True) as other:
                assert other.count("pages") == 3
        crawl.add_fetch("http://a.example/", "page", "ok")


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    """Garbage in the middle of the file ends with a message that says what is damaged, what is not, and what to do."""
    fill(tmp_path, pages=2000)
    path = tmp_path / "catalog.sqlite"
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 2] = b"\xa5" * (len(data) // 2 - len(data) // 4)
    path.write_bytes(data)
    with Catalog(tmp_path) as catalog, pytest.raises(CatalogError, match=r"is damaged .*\.recover .*not affected"):
        catalog.open_crawl("http://a.example/").queued_pages()


@pytest.mark.parametrize("version", [0, 1, len(MIGRATIONS)])
def test_a_database_of_another_program_is_left_alone(tmp_path: Path, version: int) -> None:
    """A catalog.sqlite that is somebody else's is refused and not written to, whatever version it claims."""
    path = tmp_path / "catalog.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE books(title TEXT)")
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(CatalogError, match=r"catalog\.sqlite is not a deepstyle catalog"):
        Catalog(tmp_path)

    with closing(sqlite3.connect(path)) as db:
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_master")] == ["books"]


@pytest.mark.parametrize("part", ["-wal", "-shm"])
def test_a_pipe_or_folder_beside_the_catalog_is_refused_at_once(tmp_path: Path, part: str) -> None:
    """So is one that has the name of a file which SQLite keeps beside it."""
    path = tmp_path / f"catalog.sqlite{part}"
    for make in (os.mkfifo, os.mkdir):
        make(path)
        with pytest.raises(CatalogError, match="is no plain file"):
            Catalog(tmp_path, reading=True)
        path.unlink() if path.is_fifo() else path.rmdir()


def test_a_kind_of_error_nobody_thought_of_has_words(tmp_path: Path) -> None:
    """An error of SQLite without words of its own still names the file."""
    assert explain(tmp_path / "c", sqlite3.ProgrammingError("odd")) == (
        f"{tmp_path / 'c'}: the catalog refused a statement (odd); run the same command again"
    )


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE runs SET figures = '{\"last\": '", "UPDATE runs SET figures = '7'", "UPDATE runs SET name = x'ff00'",
        "UPDATE runs SET images = 'many'", "UPDATE runs SET status = CAST(x'ff' AS TEXT)",
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'images', 'imag3s') WHERE name = 'runs'",
    ],
)  # fmt: skip
def test_damaged_values_are_named(tmp_path: Path, damage: str) -> None:
    """A text that is cut short, bytes where a text belongs, or a column of another name: the catalog is called damaged."""
    with Catalog(tmp_path) as catalog:
        catalog.put_run("gan-001", "gan", status="done", images=1, figures={"last": {"frechet": 1.0}})
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db:
        db.executescript(damage)
    with Catalog(tmp_path) as catalog, pytest.raises(CatalogError, match=r"catalog\.sqlite is damaged"):
        catalog.runs()
