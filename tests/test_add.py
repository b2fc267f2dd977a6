"""`deepstyle add`: photos of one's own are checked, kept once, traced to their folders, and read again when they changed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from loopback import photo
from PIL import Image

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.config import ScrapeConfig
from deepstyle.errors import InputError, UsageError
from deepstyle.progress import Reporter
from deepstyle.scraper.add import AddSummary, add

QUIET = Reporter(quiet=True)


def put(root: Path, *paths: Path, licence: str = "", credit: str = "", **changes: object) -> AddSummary:
    """One call of add on the workspace ``root``."""
    with Catalog(root) as catalog:
        config = ScrapeConfig.model_validate(changes)
        return add(paths, catalog, config, reporter=QUIET, licence=licence, credit=credit)


def shoot(folder: Path, *names: str, width: int = 300) -> Path:
    """A folder with a different photo for each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(int(images.sha256(os.fsencode(name))[:8], 16), width))
    return folder


def test_a_folder_becomes_photos_with_their_origin(tmp_path: Path) -> None:
    """Every image below a folder is stored under its hash, with its file, folder, title, licence and credit."""
    folder = shoot(tmp_path / "mine", "a.jpg", "fall/b.JPG", "fall/look 1.jpeg")
    summary = put(tmp_path / "w", folder, licence="CC BY 4.0", credit="Studio Müller")
    with Catalog(tmp_path / "w") as catalog:
        photos = {one.title: one for one in catalog.photos()}
        pages = catalog.pages_of_photo(photos["look 1"].sha256)
        outcomes = catalog.outcomes()

        assert (summary.files, summary.new, summary.kept, summary.left_out) == (3, 3, 3, {})
        assert set(photos) == {"a", "b", "look 1"}
        assert outcomes == {"kept": 3}
        one = photos["look 1"]
        assert (one.licence, one.credit) == ("CC BY 4.0", "Studio Müller")
        assert one.image_url == f"file://{folder}/fall/look%201.jpeg"
        assert [page.page_url for page in pages] == [f"file://{folder}/fall"]
        assert catalog.path(one.path).read_bytes() == (folder / "fall" / "look 1.jpeg").read_bytes()


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    """Each file that is no photo to keep has an outcome, as in a scrape; the first names of each are told."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    shoot(folder, "small.jpg", width=100)
    (folder / "copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    (folder / "torn.jpg").write_bytes((folder / "a.jpg").read_bytes()[:3000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "large.jpg").write_bytes(bytes(50_001))
    for i in range(5):
        (folder / f"note{i}.txt").write_text("no image")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "lost.jpg").symlink_to(folder / "nowhere")
    (folder / ".hidden.jpg").write_bytes(photo(7))
    summary = put(tmp_path / "w", folder, max_bytes=50_000)

    assert summary.outcomes == {
        "kept": 1, "too-small": 1, "duplicate": 1, "broken": 1, "empty": 1, "too-large": 1, "not-image": 5, "not-a-file": 1,
        "unreadable": 1,
    }  # fmt: skip
    assert summary.left_out["not-image"] == [str(folder / f"note{i}.txt") for i in range(3)]
    assert summary.left_out["not-a-file"] == [str(folder / "pipe.jpg")]
    with Catalog(tmp_path / "w") as catalog:
        assert catalog.count("photos") == 1


def test_near_duplicates_are_noted_or_dropped(tmp_path: Path) -> None:
    """A smaller copy of a photo is kept with what it repeats, or left out with drop_near: as a scrape does."""
    pixels = images.decode(photo(3, 600))
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "1.png").write_bytes(images.encode(pixels))
    Image.fromarray(pixels).resize((300, 160)).save(folder / "2.jpg")
    noted, dropped = (
        put(tmp_path / "a", folder, min_side=100), put(tmp_path / "b", folder, min_side=100, drop_near=True)
    )  # fmt: skip

    assert (noted.kept, noted.near_duplicates) == (2, 1)
    assert dropped.outcomes == {"kept": 1, "near-duplicate": 1}


def test_the_same_call_reads_only_what_changed(tmp_path: Path) -> None:
    """Again, nothing is new; a file that changed is a new photo, one that was written again is not, a new one is added."""
    folder = shoot(tmp_path / "mine", "a.jpg", "b.jpg", "c.jpg")
    put(tmp_path / "w", folder)
    again = put(tmp_path / "w", folder)
    assert (again.new, again.known, again.outcomes) == (0, 3, {"kept": 3})
    (folder / "a.jpg").write_bytes(photo(99))
    (folder / "b.jpg").write_bytes((folder / "b.jpg").read_bytes())
    os.utime(folder / "b.jpg", (1, 1))
    shoot(folder, "d.jpg")
    more = put(tmp_path / "w", folder)

    assert (more.new, more.known, more.outcomes) == (2, 1, {"kept": 4})
    with Catalog(tmp_path / "w") as catalog:
        assert catalog.count("photos") == 5  # the former a.jpg stays: garments may be cut from it


def test_a_photo_lost_from_the_workspace_is_added_again(tmp_path: Path) -> None:
    """The row of a photo whose file is gone is not believed, though its own file did not change."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    put(tmp_path / "w", folder)
    (kept,) = (tmp_path / "w").glob("photos/*/*.jpg")
    kept.unlink()

    assert put(tmp_path / "w", folder).new == 1
    assert kept.read_bytes() == (folder / "a.jpg").read_bytes()


def test_what_was_left_out_is_looked_at_again(tmp_path: Path) -> None:
    """Another limit, or a file that can be read now, brings photos that an earlier call left out."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    (folder / "locked").symlink_to(folder / "later.jpg")
    shoot(folder, "b.jpg", width=100)
    first = put(tmp_path / "w", folder)
    assert first.outcomes == {"kept": 1, "unreadable": 1, "too-small": 1}
    shoot(folder, "later.jpg")

    assert put(tmp_path / "w", folder, min_side=50).outcomes == {"kept": 3, "duplicate": 1}


def test_licence_and_credit_can_be_given_later(tmp_path: Path) -> None:
    """A second call with --licence sets it for files that did not change; a call without it leaves it."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    put(tmp_path / "w", folder)
    put(tmp_path / "w", folder, licence="CC0")
    put(tmp_path / "w", folder, credit="Me\udce9")
    with Catalog(tmp_path / "w") as catalog:
        assert [(one.licence, one.credit) for one in catalog.photos()] == [("CC0", "Me\\udce9")]


def test_others_words_on_a_photo_are_not_overwritten(tmp_path: Path) -> None:
    """A copy of a photo that came from elsewhere with a licence does not change that licence; its folder is a page more."""
    first, second = shoot(tmp_path / "one", "a.jpg"), tmp_path / "two"
    second.mkdir()
    (second / "b.jpg").write_bytes((first / "a.jpg").read_bytes())
    put(tmp_path / "w", first, licence="CC0")
    summary = put(tmp_path / "w", second, licence="mine", credit="Me")

    assert summary.outcomes == {"duplicate": 1}
    with Catalog(tmp_path / "w") as catalog:
        (one,) = catalog.photos()
        assert (one.licence, one.credit) == ("CC0", "Me")
        assert [page.page_url for page in catalog.pages_of_photo(one.sha256)] == [f"file://{first}", f"file://{second}"]


def test_odd_names_links_and_loops(tmp_path: Path) -> None:
    """Names that are not UTF-8, links to files and folders, and a folder in itself: each photo once, each address exact."""
    folder = shoot(tmp_path / "mine", os.fsdecode(b"caf\xe9.jpg"), "100%#?.jpg", "line\nbreak.jpg")
    elsewhere = shoot(tmp_path / "elsewhere", "far.jpg")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)
    (folder / "single.jpg").symlink_to(elsewhere / "far.jpg")
    summary = put(tmp_path / "w", folder)

    assert summary.outcomes == {"kept": 4, "duplicate": 1}
    with Catalog(tmp_path / "w") as catalog:
        urls = [urlsplit(one.image_url) for one in catalog.photos()]
    paths = [Path(os.fsdecode(unquote_to_bytes(url.path))) for url in urls]
    assert {os.fsencode(path.name) for path in paths} >= {b"caf\xe9.jpg", b"100%#?.jpg", b"line\nbreak.jpg"}
    assert all(path.is_file() for path in paths)


def test_a_workspace_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    """The workspace may lie among the photos: it is not looked into, and its own folders cannot be added."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    for _ in range(2):
        assert put(folder / "workspace", folder).outcomes == {"kept": 1}
    for path in (folder / "workspace", folder / "workspace" / "photos"):
        with pytest.raises(UsageError, match="belongs to the workspace"):
            put(folder / "workspace", path)


def test_what_is_no_photo_at_all_fails(tmp_path: Path) -> None:
    """An empty folder, a folder of other files, a pipe, a loop and a missing path end with their names and the reason."""
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(InputError, match=r"mine: no photo to add; there are no files that are not hidden"):
        put(tmp_path / "w", folder)
    (folder / "a.txt").write_text("text")
    with pytest.raises(InputError, match=r"no photo to add; 1 not-image \(.*a\.txt\)"):
        put(tmp_path / "w", folder)
    small = shoot(tmp_path / "small", "a.jpg")
    with pytest.raises(
        InputError, match=r"1 too-small \(.*a\.jpg\); below min_side=2000: --set min_side=1000 takes smaller"
    ):
        put(tmp_path / "w", small, min_side=2000)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: is a pipe, device or socket"):
        put(tmp_path / "w", tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match=r"1 unreadable \(.*loop\)"):
        put(tmp_path / "w", tmp_path / "loop")
    with pytest.raises(UsageError, match="missing: there is no such file"):
        put(tmp_path / "w", tmp_path / "missing")


def test_a_limit_of_photos_is_kept(tmp_path: Path) -> None:
    """max_photos ends the call exactly there; a larger one goes on."""
    folder = shoot(tmp_path / "mine", *(f"{i:02d}.jpg" for i in range(20)))

    assert put(tmp_path / "w", folder, max_photos=3).kept == 3
    assert put(tmp_path / "w", folder, max_photos=12).new == 9
    assert put(tmp_path / "w", folder).new == 8


def test_a_killed_call_is_continued(tmp_path: Path) -> None:
    """After kill -9 every photo in the catalog is whole, and the same call adds the rest."""
    folder = tmp_path / "mine"
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(60):
        out = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (260, 260, 3), dtype=np.uint8)).save(out, "PNG", compress_level=0)
        (folder / f"{i:02d}.png").write_bytes(out.getvalue())
    command = [sys.executable, "-m", "deepstyle", "-w", str(tmp_path / "w"), "-q", "add", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("w/photos/*/*.png"))) < 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Catalog(tmp_path / "w") as catalog:
        for one in catalog.photos():
            assert images.sha256(catalog.path(one.path).read_bytes()) == one.sha256
    summary = put(tmp_path / "w", folder)

    assert summary.outcomes == {"kept": 60}
    with Catalog(tmp_path / "w") as catalog:
        assert catalog.count("photos") == 60


def test_the_command_says_what_came_of_it(tmp_path: Path) -> None:
    """The command prints counts and names, or one JSON object; scrape and crop point to it."""
    folder = shoot(tmp_path / "mine", "a.jpg")
    (folder / "b.txt").write_text("text")
    call = ["-w", str(tmp_path / "w"), "-q"]
    said = CliRunner().invoke(main, [*call, "add", str(folder), "--licence", "CC0"])
    assert said.exit_code == 0, said.output
    assert "not-image" in said.output
    assert str(folder / "b.txt") in said.output
    (tmp_path / "small").mkdir()
    for k in range(5):
        (tmp_path / f"small/{k}.png").write_bytes(images.encode(np.full((20, 20, 3), 9 * k, np.uint8)))
    small = CliRunner().invoke(main, [*call, "add", str(tmp_path / "small"), str(folder)])
    assert "2.png and 2 more; --set min_side=" in small.output
    told = json.loads(CliRunner().invoke(main, [*call, "add", str(folder), "--json"]).output)
    assert (told["kept"], told["new"], told["known"]) == (1, 0, 1)
    wrong = CliRunner().invoke(main, [*call, "scrape", str(folder)])
    assert wrong.exit_code == 2
    assert f"deepstyle add {folder}" in wrong.output.replace("\n", "")
    with Catalog(tmp_path / "other"):
        pass
    empty = CliRunner().invoke(main, ["-w", str(tmp_path / "other"), "-q", "crop"])
    assert empty.exit_code == 2
    assert "deepstyle scrape URL" in empty.output
    assert "deepstyle add FOLDER" in empty.output
