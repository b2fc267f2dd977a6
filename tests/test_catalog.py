"""The catalog: files before rows, migrations, queries."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from deepstyle.catalog import Catalog, garment_path
from deepstyle.catalog_crawl import Crawl
from deepstyle.errors import CatalogError
from deepstyle.files import put_file
from deepstyle.migrations import MIGRATIONS
from deepstyle.records import Listing


def add_photo(catalog: Catalog, sha: str, page: str = "http://a.example/p") -> bool:
    return catalog.add_photo(
        sha, b"bytes of " + sha.encode(), extension="jpg", width=300, height=400, dhash="0" * 16,
        image_url=f"http://a.example/{sha}.jpg", page_url=page,
    )  # fmt: skip


def test_a_photo_is_a_file_and_a_row(tmp_path: Path) -> None:
    """add_photo writes photos/ab/<sha>.jpg and its row, once."""
    with Catalog(tmp_path) as catalog:
        assert add_photo(catalog, "abcd")
        assert not add_photo(catalog, "abcd")

        assert (tmp_path / "photos/ab/abcd.jpg").read_bytes() == b"bytes of abcd"
        assert catalog.count("photos") == 1


def test_the_row_of_a_deleted_photo_is_not_believed(tmp_path: Path) -> None:
    """add_photo writes a file that is gone or torn again, and image_fetched does not vouch for it."""
    with Catalog(tmp_path) as catalog:
        add_photo(catalog, "abcd")
        crawl = catalog.open_crawl("http://a.example/")
        crawl.add_fetch("http://a.example/abcd.jpg", "image", "kept", sha256="abcd")
        path = tmp_path / "photos/ab/abcd.jpg"
        for spoil in (path.unlink, lambda: path.write_bytes(b"torn")):
            assert crawl.image_fetched("http://a.example/abcd.jpg") is not None
            spoil()
            assert crawl.image_fetched("http://a.example/abcd.jpg") is None
            assert add_photo(catalog, "abcd")
            assert path.read_bytes() == b"bytes of abcd"

        assert catalog.count("photos") == 1


def test_detections_are_replaced(tmp_path: Path) -> None:
    """What another crop recorded a moment ago, or an error of before, gives way to what is recorded now."""
    with Catalog(tmp_path) as catalog:
        add_photo(catalog, "abcd")
        catalog.detections.add("abcd", "m", [], error="broken")
        assert [row.sha256 for row in catalog.detections.undetected("m")] == ["abcd"]
        catalog.detections.add("abcd", "m", [(0, 0, 1, 1, "full", 0.9), (0, 0, 2, 2, "full", 0.8)])
        catalog.detections.add("abcd", "m", [(0, 0, 1, 1, "full", 0.9)])

        assert catalog.detections.undetected("m") == []
        assert len(catalog.detections.of("m")) == 1


def test_reopening_keeps_everything(tmp_path: Path) -> None:
    """A second process sees what the first one committed."""
    with Catalog(tmp_path) as catalog:
        add_photo(catalog, "abcd")
    with Catalog(tmp_path) as catalog:
        assert [row.sha256 for row in catalog.photos()] == ["abcd"]


def test_a_newer_catalog_is_refused(tmp_path: Path) -> None:
    """A catalog of a later schema raises CatalogError that says to upgrade."""
    with Catalog(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    with pytest.raises(CatalogError, match="upgrade"):
        Catalog(tmp_path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A file that is no SQLite database raises CatalogError naming it."""
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)

    with pytest.raises(CatalogError, match=r"catalog\.sqlite"):
        Catalog(tmp_path)


def _queue_and_fail(catalog: Catalog, crawl: Crawl) -> None:
    with catalog.transaction():
        crawl.queue_page("http://a.example/1", parent=None, depth=0)
        raise ZeroDivisionError


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """An exception inside a transaction rolls all of it back."""
    with Catalog(tmp_path) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        with pytest.raises(ZeroDivisionError):
            _queue_and_fail(catalog, crawl)

        assert crawl.queued_pages() == []


def test_a_crawl_is_resumed_or_started_afresh(tmp_path: Path) -> None:
    """The same start URL gives the same crawl; fresh gives a new one."""
    with Catalog(tmp_path) as catalog:
        first = catalog.open_crawl("http://a.example/")

        assert catalog.open_crawl("http://a.example/").number == first.number
        assert catalog.open_crawl("http://a.example/", fresh=True).number != first.number


def test_the_page_that_a_thumbnail_waits_for_leaves_its_outcome(tmp_path: Path) -> None:
    """A workspace of before, where that URL was part of the outcome, goes on: the outcome is a word, the URL a column."""
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db:
        for statement in (*MIGRATIONS[0], *MIGRATIONS[1], "PRAGMA user_version = 2"):
            db.execute(statement)
        db.execute("INSERT INTO crawls(id, start_url, started_at) VALUES (1, 'http://a.example/', 0)")
        db.execute(
            "INSERT INTO listings VALUES (1, 'http://a.example/s.jpg', 'http://a.example/', 't', 90, "
            "'deferred http://a.example/1')"
        )
        db.execute("INSERT INTO listings VALUES (1, 'http://a.example/b.jpg', 'http://a.example/', 't', NULL, 'kept')")
        db.commit()
    with Catalog(tmp_path) as catalog:
        crawl = catalog.open_crawl("http://a.example/")

        assert crawl.outcomes() == catalog.outcomes() == {"deferred": 1, "kept": 1}
        assert crawl.deferred_listings() == [
            Listing(
                image_url="http://a.example/s.jpg", page_url="http://a.example/", title="t", width_hint=90,
                detail_url="http://a.example/1",
            )
        ]  # fmt: skip
        assert not crawl.finish()
        crawl.finish_listing("http://a.example/s.jpg", "thumbnail")
        assert crawl.finish()
        assert crawl.finished()


def test_provenance_from_garment_to_page(tmp_path: Path) -> None:
    """One query leads from a garment to the page, and one to every page that showed the photo."""
    with Catalog(tmp_path) as catalog:
        crawl = catalog.open_crawl("http://a.example/")
        add_photo(catalog, "abcd", page="http://a.example/show")
        for page in ("http://a.example/show", "http://a.example/again"):
            crawl.queue_listing(Listing(image_url="http://a.example/abcd.jpg", page_url=page, title="look"))
        crawl.add_fetch("http://a.example/abcd.jpg", "image", "ok", sha256="abcd")
        catalog.add_garment("abcd", 0, "full", (1, 2, 3, 4), score=0.9, width=2, height=2, model="m", rule="r")

        assert [row.page_url for row in catalog.garments()] == ["http://a.example/show"]
        assert [one.page_url for one in catalog.pages_of_photo("abcd")] == [
            "http://a.example/show",
            "http://a.example/again",
        ]


def test_dropping_a_garment_removes_its_file(tmp_path: Path) -> None:
    """drop_garment deletes the row and the PNG."""
    with Catalog(tmp_path) as catalog:
        add_photo(catalog, "abcd")
        catalog.add_garment("abcd", 0, "full", (1, 2, 3, 4), score=1, width=2, height=2, model="m", rule="r")
        catalog.drop_garment("abcd", 0)

        assert catalog.garments() == []
        assert not (tmp_path / "garments/full/abcd-0.png").exists()


def _drop_and_fail(catalog: Catalog) -> None:
    with catalog.transaction():
        catalog.drop_garment("abcd", 0)
        raise ZeroDivisionError


def test_a_garment_that_was_not_dropped_after_all_keeps_its_file(tmp_path: Path) -> None:
    """The file goes when the transaction is committed; where that fails, row and file both stay."""
    with Catalog(tmp_path) as catalog:
        add_photo(catalog, "abcd")
        put_file(catalog.path(garment_path("abcd", 0, "full")), b"png")
        catalog.add_garment("abcd", 0, "full", (1, 2, 3, 4), score=1, width=2, height=2, model="m", rule="r")
        with pytest.raises(ZeroDivisionError):
            _drop_and_fail(catalog)

        assert len(catalog.garments()) == 1
        assert (tmp_path / "garments/full/abcd-0.png").read_bytes() == b"png"


def test_newest_model_and_run_are_found(tmp_path: Path) -> None:
    """Without a name the newest of a kind is meant; with one, that one."""
    now = iter(range(100))
    with Catalog(tmp_path, clock=lambda: float(next(now))) as catalog:
        catalog.put_model("old", "detector", {"ap": 0.1})
        catalog.put_model("new", "detector", {"ap": 0.2})
        newest, named = catalog.model("detector"), catalog.model("detector", "old")

        assert newest is not None
        assert named is not None
        assert (newest.name, named.name) == ("new", "old")
        assert catalog.model("classifier") is None


def test_kill_leaves_no_row_without_its_file(tmp_path: Path) -> None:
    """After kill -9 in the middle of adding photos, every row has its whole file."""
    script = (
        "import sys, pathlib; from deepstyle.catalog import Catalog\n"
        "with Catalog(pathlib.Path(sys.argv[1])) as c:\n"
        "    for i in range(10**6):\n"
        "        sha = f'{i:08x}'\n"
        "        c.add_photo(sha, sha.encode() * 5000, extension='jpg', width=1, height=1, dhash='0', "
        "image_url='u', page_url='p')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    deadline = time.monotonic() + 300
    while len(list(tmp_path.glob("photos/*/*.jpg"))) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    with Catalog(tmp_path) as catalog:
        rows = catalog.photos()
        assert len(rows) >= 20 - 1
        assert all(catalog.path(r.path).read_bytes() == r.sha256.encode() * 5000 for r in rows)


def test_processes_may_open_a_new_workspace_together(tmp_path: Path) -> None:
    """Six processes that open the same new workspace at once all find it complete, eight times in a row."""
    code = (
        "import sys; from pathlib import Path; from deepstyle.catalog import Catalog\n"
        "for folder in sys.stdin:\n    print(Catalog(Path(folder.strip())).count('photos'), flush=True)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for attempt in range(8):
        for process in started:
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / str(attempt)}\n")
            process.stdin.flush()

        assert [process.stdout.readline().strip() for process in started if process.stdout] == ["0"] * 6
    for process in started:
        process.communicate()
