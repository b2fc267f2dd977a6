"""A folder's pictures as squares: their side, the draw, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstyle.errors import InputError
from deepstyle.files import put_file
from deepstyle.images import encode
from deepstyle.squares import read_pictures


def put(path: Path, height: int, width: int) -> None:
    """A grey picture of that size."""
    put_file(path, encode(np.full((height, width, 3), 90, np.uint8)))


@pytest.mark.parametrize(("height", "width", "side"), [(32, 40, 32), (100, 96, 64), (128, 128, 128), (600, 500, 256)])
def test_the_side_is_one_that_generators_have(tmp_path: Path, height: int, width: int, side: int) -> None:
    """It is the largest of 32, 64, 128 and 256 that the first picture has, unless a size is asked for."""
    put(tmp_path / "a.png", height, width)
    put(tmp_path / "b.png", 20, 20)

    assert read_pictures(tmp_path).images.shape == (2, side, side, 3)
    assert read_pictures(tmp_path, size=48).images.shape == (2, 48, 48, 3)


def test_what_is_too_small_or_none_is_named(tmp_path: Path) -> None:
    """A first picture below 32 pixels and a folder without pictures are refused by name."""
    with pytest.raises(InputError, match="holds no pictures"):
        read_pictures(tmp_path)
    put(tmp_path / "icon.png", 20, 64)
    with pytest.raises(InputError, match=r"icon\.png: its shorter side has 20 pixels"):
        read_pictures(tmp_path)


def test_pictures_are_drawn_from_all_folders(tmp_path: Path) -> None:
    """A count takes the same draw every time, from every class, in the order of names; broken files are counted and replaced."""
    for name in ("dress", "skirt"):
        for k in range(30):
            put(tmp_path / name / f"{k:02d}.png", 32, 32)
        for k in range(6):
            put_file(tmp_path / name / f"torn-{k}.png", b"no picture")
    found, again, every = (read_pictures(tmp_path, count=count) for count in (20, 20, None))
    classes = [Path(one).parent.name for one in found.sources]

    assert found.sources == again.sources == tuple(sorted(found.sources))
    assert min(classes.count("dress"), classes.count("skirt")) >= 4
    assert (len(found.images), found.files) == (20, 72)
    assert 0 < found.unread < every.unread == 12
    assert f"20 of its 72 pictures are drawn; {found.unread} of {20 + found.unread} files cannot be read" in found.said
    assert every.said == "12 of 72 files cannot be read"
