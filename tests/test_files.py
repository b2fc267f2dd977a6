"""files.py: what is written appears whole, and what a killed command left goes when nobody can need it."""

import os
import time
from pathlib import Path

from deepstyle.catalog import Catalog
from deepstyle.files import DAY, put_file


def test_put_file_replaces_and_leaves_no_rest(tmp_path: Path) -> None:
    """put_file overwrites in one step and leaves no temporary file."""
    put_file(tmp_path / "a/b.txt", b"one")
    put_file(tmp_path / "a/b.txt", b"two")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a/b.txt").read_bytes() == b"two"


def test_old_rests_of_killed_commands_go_when_the_workspace_is_opened(tmp_path: Path) -> None:
    """Temporary files and folders older than a day are swept; younger ones, and files of other names, stay."""
    places = ["photos/ab", "garments/upper", "datasets", "models", "runs/gan-001", "runs/gan-001/snapshots"]
    old: list[Path] = []
    young: list[Path] = []
    for place in places:
        for name, kept in ((".tmp-old.jpg", old), (".tmp-young.jpg", young), ("other.jpg", young)):
            put_file(tmp_path / place / name, b"half")
            kept.append(tmp_path / place / name)
    folder = tmp_path / "models/.tmp-folder"
    put_file(folder / "weights", b"half")
    then = time.time() - DAY - 60
    for path in (*old, folder, *(tmp_path / place / "other.jpg" for place in places)):
        os.utime(path, (then, then))
    with Catalog(tmp_path):
        pass

    assert not [path for path in (*old, folder) if path.exists()]
    assert all(path.exists() for path in young)
