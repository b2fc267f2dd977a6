"""Inputs made to hurt: none hangs, none takes the machine's memory, and each is refused or read in words of ours."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from deepstyle import images
from deepstyle.annotations.ccp import label_names, load_mat
from deepstyle.annotations.coco import AnnotatedImage, AnnotatedSet, read_coco, write_coco
from deepstyle.annotations.lists import read_lines
from deepstyle.annotations.mask import from_coco
from deepstyle.annotations.sheet import contact_sheet
from deepstyle.annotations.table import read_table
from deepstyle.crop.marks import read_marks
from deepstyle.detector.evaluate import load_photo
from deepstyle.errors import DeepstyleError, InputError

SOURCES = {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes, colour: int = 2) -> bytes:
    """A black PNG of few bytes, with further chunks."""
    row = b"\0" + bytes(width * {0: 1, 2: 3, 6: 4}[colour])
    packer = zlib.compressobj(1)
    parts = [packer.compress(row) for _ in range(height)]
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    body = chunk(b"IDAT", b"".join(parts) + packer.flush())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(extra) + body + chunk(b"IEND", b"")


def coco(folder: Path, *, image: dict[str, object] | None = None, segmentation: object = None, **top: object) -> Path:
    row = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 50} | (image or {})
    one = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "segmentation": segmentation}
    data = {"images": [row], "categories": [{"id": 1, "name": "upper"}], "annotations": [one]} | top
    (folder / "c.json").write_text(json.dumps(data))
    return folder / "c.json"


def peak(script: str, folder: Path) -> tuple[float, str]:
    """The most memory in GB that a script held, and what it said."""
    highest = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"
    measured = f"{script}\nprint({highest})\n"  # getrusage would count what this very process had before the exec
    done = subprocess.run(
        [sys.executable, "-c", measured],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | SOURCES,
    )
    *said, kilobytes = done.stdout.splitlines()
    return int(kilobytes) / 1e6, "\n".join(said)


READ = """
from pathlib import Path
from deepstyle.annotations.coco import read_coco
from deepstyle.errors import InputError
try:
    print(read_coco(Path("c.json")).dropped)
except InputError as error:
    print(error)
"""


def test_a_photo_of_sixty_thousand_pixels_a_side_is_refused_before_its_mask(tmp_path: Path) -> None:
    """The claim of a COCO file costs nothing: it is larger than any photo that is read."""
    side = 60_000
    rle = {"size": [side, side], "counts": [0, side * side]}
    coco(tmp_path, image={"width": side, "height": side}, segmentation=rle)
    held, said = peak(READ, tmp_path)

    assert "images[0] is 60000 x 60000 pixels; photos of at most 64,000,000 are read" in said
    assert held < 0.6


def test_masks_of_the_largest_photo_take_little_memory(tmp_path: Path) -> None:
    """Run lengths are never unpacked to be read, and an outline that runs to and fro is no garment's."""
    side = 8000
    rle = {"size": [side, side], "counts": [5, side * side - 5]}
    coco(tmp_path, image={"width": side, "height": side}, segmentation=rle)
    held, said = peak(READ, tmp_path)
    zigzag = [float(value) for k in range(6000) for value in (side if k % 2 else 0, k)]
    coco(tmp_path, image={"width": side, "height": side}, segmentation=[zigzag])
    held_too, said_too = peak(READ, tmp_path)

    assert (said, said_too) == ("{}", "{'bad-mask': 1}")
    assert max(held, held_too) < 0.6


def test_listed_run_lengths_are_what_the_reference_writes() -> None:
    """Run lengths as a list become the text that unpacking and packing them again would give, on any runs."""
    from faster_coco_eval.core import mask as reference

    chance = random.Random(0)
    for _ in range(200):
        runs = [chance.choice([1, 2, 15, 16, 31, 32, 33, 500, 1023, 70_000]) for _ in range(chance.randint(2, 12))]
        height, width = sum(runs), 1
        grid = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
        text = reference.encode(np.asfortranarray(grid, dtype=np.uint8))["counts"].decode()

        assert from_coco({"size": [height, width], "counts": runs}, height, width) == text


@pytest.mark.parametrize(
    "counts", [[5, -1, 4996], [1, 2], [True, 4999], [1.5, 4998.5], ["1"], [], {}, 3, [10**30], "0" * 5_000_000],
    ids=range(10),
)  # fmt: skip
def test_run_lengths_must_fill_the_photo(counts: object) -> None:
    """Runs that are no whole numbers, negative, or not height x width in all are refused."""
    with pytest.raises(InputError):
        from_coco({"size": [50, 100], "counts": counts}, 50, 100)


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"file_name": "a\0b.jpg"}},
        {"image": {"file_name": "\ud800.jpg"}},
        {"categories": [{"id": 1, "name": "\udfff"}]},
        {"image": {"width": 10**12, "height": 10**12}},
        {"image": {"id": [1]}},
    ],
    ids=["zero byte", "half a pair", "half a pair as label", "huge", "odd id"],
)
def test_names_and_sizes_that_nothing_can_have_are_refused_by_row(change: dict[str, object], tmp_path: Path) -> None:
    """The message names the file and the row."""
    with pytest.raises(InputError, match=r"c\.json: (images|categories)\[0\]") as caught:
        read_coco(coco(tmp_path, **change))  # type: ignore[arg-type]
    str(caught.value).encode()


def test_json_nested_without_end_is_refused(tmp_path: Path) -> None:
    """A hundred thousand brackets are no COCO file; a name of 300 letters and a folder are none either."""
    (tmp_path / "c.json").write_text("[" * 100_000)
    for path in (tmp_path / "c.json", tmp_path / ("x" * 300), tmp_path, tmp_path / "a\0b", Path("/dev/zero")):
        with pytest.raises(InputError):
            read_coco(path)


def test_a_file_name_that_is_no_text_is_written_and_read_back(tmp_path: Path) -> None:
    """A photo whose name is not UTF-8 keeps its bytes on the way through a COCO file, and can be shown on a sheet."""
    name = os.fsdecode(b"look-\xff\xe9.png")
    (tmp_path / name).write_bytes(images.encode(np.zeros((30, 20, 3), np.uint8)))
    photo = AnnotatedImage(path=tmp_path / name, width=20, height=30)
    write_coco(tmp_path / "c.json", AnnotatedSet(labels=("upper",), images=(photo,)))
    (found,) = read_coco(tmp_path / "c.json").images

    assert found == photo
    assert load_photo(found).shape == (30, 20, 3)
    assert contact_sheet([found]).ndim == 3


READERS: dict[str, Callable[[Path], object]] = {
    "coco": read_coco,
    "table": read_table,
    "photo": lambda path: load_photo(AnnotatedImage(path=path, width=1, height=1)),
    "marks": lambda path: read_marks(path, "--exclude", "m"),
    "lines": read_lines,
    "mask": lambda path: load_mat(path, "groundtruth"),
    "labels": label_names,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("kind", ["pipe", "folder", "zero", "absent", "long", "random"])
def test_every_reader_refuses_what_is_no_file_of_its_kind(
    reader: Callable[[Path], object], kind: str, tmp_path: Path
) -> None:
    """A pipe does not hang, a folder, an endless device, no file and noise end as errors of ours."""
    path = {"zero": Path("/dev/zero"), "long": tmp_path / ("x" * 300)}.get(kind, tmp_path / "input")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "random":
        path.write_bytes(random.Random(0).randbytes(5000))
    if kind == "random" and reader is read_lines:
        assert read_lines(path)  # any bytes are lines
        return

    with pytest.raises(DeepstyleError):
        reader(path)


def test_odd_rows_of_a_table_are_missing_photos(tmp_path: Path) -> None:
    """Names with a zero byte, of 300 letters, in folders that cannot be, are named as missing; the good row is found."""
    (tmp_path / "a.jpg").write_bytes(b"")
    odd = ["b\0c", "x" * 300, "y" * 300 + "/z.jpg", "no\0/where.jpg", "/dev/null/x.jpg", "a.jpg/"]
    (tmp_path / "t.csv").write_text("image,label\n" + "".join(f"{name},l\n" for name in [*odd, "a.jpg"]))
    found = read_table(tmp_path / "t.csv")

    assert [row.path.name for row in found.rows] == ["a.jpg"]
    assert list(found.missing) == odd[:-1]


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "image,label\n" + "a" * 200_000 + ",b", ",".join(["c"] * 1_000_000) + "\n1", "image,label\n\xff"],
    ids=["header", "field", "columns", "encoding"],
)  # fmt: skip
def test_odd_tables_are_refused_in_few_words(text: str, tmp_path: Path) -> None:
    """Fields and headers without end, and bytes that are no text: the message is short."""
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"t\.csv") as caught:
        read_table(tmp_path / "t.csv")

    assert len(str(caught.value)) < 1000


TABLE = """
from pathlib import Path
from deepstyle.annotations.table import read_table
found = read_table(Path("t.csv"))
print(len(found.rows), len(found.missing))
"""


def test_a_table_of_many_short_rows_takes_little_memory(tmp_path: Path) -> None:
    """Rows are looked at one by one: two hundred thousand, whose photos are not there, are names and no more."""
    (tmp_path / "t.csv").write_text("image,label\n" + "".join(f"no/{k:x},b\n" for k in range(200_000)))
    held, said = peak(TABLE, tmp_path)

    assert said == "0 200000"
    assert held < 0.4


def test_packed_masks_that_claim_too_much_are_refused(tmp_path: Path) -> None:
    """A MATLAB file of some kilobytes that unpacks to gigabytes, or holds something else than numbers, is no mask."""
    savemat(tmp_path / "bomb.mat", {"groundtruth": np.zeros((5000, 5000), np.uint8)}, do_compression=True)
    savemat(tmp_path / "cell.mat", {"groundtruth": np.array([np.zeros(3)], object)})
    savemat(tmp_path / "good.mat", {"groundtruth": np.ones((5, 7), np.uint8)}, do_compression=True)
    (tmp_path / "large.mat").write_bytes(bytes(3_000_000))
    for name in ("bomb", "cell", "large"):
        with pytest.raises(InputError, match=name):
            load_mat(tmp_path / f"{name}.mat", "groundtruth")

    assert load_mat(tmp_path / "good.mat", "groundtruth").shape == (5, 7)
