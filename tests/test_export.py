"""Where `deepstyle photos export` writes: plain files and folders, and nothing else in their place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import ScrapeConfig
from deepstyle.errors import UsageError
from deepstyle.export import export
from deepstyle.files import put_file
from deepstyle.progress import Reporter
from deepstyle.scraper.add import add


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A workspace with one photo."""
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    put_file(tmp_path / "mine" / "a.png", images.encode(pixels))
    with Catalog(tmp_path / "w") as catalog:
        add([tmp_path / "mine"], catalog, ScrapeConfig(), reporter=Reporter(quiet=True))
        yield catalog


def test_a_table_takes_the_place_of_no_pipe_or_device(catalog: Catalog, tmp_path: Path) -> None:
    """A pipe is refused and still there afterwards, behind a link as well, as /dev/stdout is: a rename would end it."""
    pipe, link = tmp_path / "pipe", tmp_path / "stdout"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for place in (pipe, link):
        with pytest.raises(UsageError, match=f"--out .*{place.name}: is a pipe, device or socket; .* name a plain one"):
            export(catalog, "jsonl", place)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()


def test_a_table_is_written_where_a_link_leads(catalog: Catalog, tmp_path: Path) -> None:
    """The link stays one, and the file that it names holds the table."""
    put_file(tmp_path / "there" / "photos.csv", b"old")
    link = tmp_path / "photos.csv"
    link.symlink_to(tmp_path / "there" / "photos.csv")

    assert export(catalog, "csv", link) == 1
    assert link.is_symlink()
    assert (tmp_path / "there" / "photos.csv").read_text().startswith("sha256,")


def test_a_folder_is_no_table_and_a_file_no_folder(catalog: Catalog, tmp_path: Path) -> None:
    """What is wrong about the name is said in words: a table needs a file, shards need a folder."""
    put_file(tmp_path / "file", b"mine")
    with pytest.raises(UsageError, match=r"--out .*mine: is a folder; .* name a plain one"):
        export(catalog, "csv", tmp_path / "mine")
    with pytest.raises(UsageError, match=r"--out .*file: is a file; --to webdataset writes \.tar files into a folder"):
        export(catalog, "webdataset", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"mine"
