"""DeepFashion, as its authors ship it, becomes COCO files; what is broken is counted and named."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from deepstyle.annotations.coco import AnnotatedImage, read_coco
from deepstyle.annotations.convert import Tally, jpeg_size, photo_sizes
from deepstyle.annotations.deepfashion import convert_deepfashion
from deepstyle.annotations.lists import attributes_of, read_list
from deepstyle.cli import main
from deepstyle.errors import InputError, UsageError
from deepstyle.images import decode as decode_image
from deepstyle.images import encode, probe
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
WHITE = encode(np.full((300, 200, 3), 255, np.uint8), "JPEG")  # 200 x 300 pixels
CATEGORIES = ["Tee  1", "Cape  3", "Jeans  2", "Dress  3"]
ATTRIBUTES = ["a-line  3", "abstract chevron print  1", "zip  4"]


def listing(path: Path, header: str, rows: list[str], count: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([str(len(rows) if count is None else count), header, *rows]) + "\n")


def name(k: int) -> str:
    return f"img/Folder_{k // 2}/img_{k:08d}.jpg"


def photo(root: Path, k: int) -> str:
    path = root / "Img" / name(k)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WHITE)
    return name(k)


def coarse(root: Path, count: int = 6) -> Path:
    """A benchmark of ``count`` photos, two a folder, in the manner of the coarse annotations."""
    names = [photo(root, k) for k in range(count)]
    anno = root / "Anno_coarse"
    listing(anno / "list_category_cloth.txt", "category_name  category_type", CATEGORIES)
    listing(anno / "list_category_img.txt", "image_name  category_label",
            [f"{one}    {(1, 3, 4)[k % 3]}" for k, one in enumerate(names)])  # fmt: skip
    listing(anno / "list_bbox.txt", "image_name  x_1  y_1  x_2  y_2", [f"{one}    010 020  110 220" for one in names])
    listing(anno / "list_attr_cloth.txt", "attribute_name  attribute_type", ATTRIBUTES)
    listing(anno / "list_attr_img.txt", "image_name  attribute_labels",
            [f"{one}   -1 {' 1' if k == 1 else '-1'}  {k % 2}" for k, one in enumerate(names)])  # fmt: skip
    listing(root / "Eval/list_eval_partition.txt", "image_name  evaluation_status",
            [f"{one}  {('train', 'val', 'test')[k % 3]}" for k, one in enumerate(names)])  # fmt: skip
    return root


def fine(root: Path) -> Path:
    """Two photos a split, in the manner of the fine annotations: no counts, no headers, rows in parallel."""
    anno = root / "Anno_fine"
    listing(anno / "list_category_cloth.txt", "category_name  category_type", CATEGORIES)
    listing(anno / "list_attr_cloth.txt", "attribute_name  attribute_type", ATTRIBUTES)
    for i, split in enumerate(("train", "val", "test")):
        names = [photo(root, 2 * i), photo(root, 2 * i + 1)]
        for part, rows in (
            ("", names),
            ("_bbox", ["10 20 110 220"] * 2),
            ("_cate", ["3", "4"]),
            ("_attr", ["0 1 1 "] * 2),
        ):
            (anno / f"{split}{part}.txt").write_text("\n".join(rows) + "\n")
    return root


def images(out: Path) -> dict[str, tuple[AnnotatedImage, ...]]:
    return {path.stem: read_coco(path).images for path in sorted(out.glob("*.json"))}


def test_types_boxes_attributes_and_the_authors_partition(tmp_path: Path) -> None:
    """Each photo keeps its split, its one box, its type as label, its category and its positive attributes."""
    summary = convert_deepfashion(coarse(tmp_path / "set"), tmp_path / "out", reporter=QUIET)
    found = images(tmp_path / "out")

    assert summary.photos == {"train": 2, "val": 2, "test": 2}
    assert summary.boxes == {"upper": 2, "lower": 2, "full": 2}
    assert summary.dropped == {}
    one = found["val"][0]
    assert (one.path, one.width, one.height) == (tmp_path / "set/Img" / name(1), 200, 300)
    assert one.annotations[0].box == (10.0, 20.0, 110.0, 220.0)
    assert (one.annotations[0].label, one.annotations[0].category) == ("lower", "Jeans")
    assert one.annotations[0].attributes == ("abstract chevron print", "zip")
    assert found["train"][0].annotations[0].attributes == ()


def test_category_labels_are_those_that_occur(tmp_path: Path) -> None:
    """With --labels category every split has the same labels, in the benchmark's order, without unused ones."""
    convert_deepfashion(coarse(tmp_path), tmp_path / "out", reporter=QUIET, labels="category")
    for split in ("train", "val", "test"):
        assert read_coco(tmp_path / "out" / f"{split}.json").labels == ("Tee", "Jeans", "Dress")


def test_the_fine_annotations(tmp_path: Path) -> None:
    """Parallel files are read by row; of both variants --variant chooses, and coarse comes first."""
    fine(tmp_path)
    alone = convert_deepfashion(tmp_path, tmp_path / "a", reporter=QUIET)
    coarse(tmp_path)
    chosen = convert_deepfashion(tmp_path, tmp_path / "b", reporter=QUIET, variant="fine")
    first = convert_deepfashion(tmp_path, tmp_path / "c", reporter=QUIET)
    one = images(tmp_path / "a")["test"][1]

    assert alone.boxes == chosen.boxes == {"upper": 0, "lower": 3, "full": 3}
    assert first.boxes["upper"] == 2
    assert (one.path.name, one.annotations[0].attributes) == ("img_00000005.jpg", ("abstract chevron print", "zip"))
    (tmp_path / "Anno_fine/val_cate.txt").write_text("1\n")
    with pytest.raises(InputError, match=r"val\.txt, _bbox and _cate have 2, 2 and 1 rows"):
        convert_deepfashion(tmp_path, tmp_path / "d", reporter=QUIET, variant="fine")


def test_a_photo_of_two_splits_is_taken_once(tmp_path: Path) -> None:
    """Of names that stand twice in the fine lists the first counts: none is judged on that is learned from; gaps are counted."""
    source = coarse(tmp_path, 4)
    fine = tmp_path / "Anno_fine"
    fine.mkdir()
    shutil.copy(tmp_path / "Anno_coarse/list_attr_cloth.txt", fine)
    for split, names in {"train": [name(0), name(1), name(0)], "val": [name(1), name(2)], "test": [name(3)]}.items():
        (fine / f"{split}.txt").write_text("\ufeff" + "\n".join(names) + "\n")
        (fine / f"{split}_bbox.txt").write_text("10 20 110 220\n" * len(names))
        (fine / f"{split}_cate.txt").write_text("1\n" * len(names))
    (fine / "train_attr.txt").write_text("1 0 0\n" * 2)
    summary = convert_deepfashion(source, tmp_path / "out", reporter=QUIET, variant="fine")

    assert summary.photos == {"train": 2, "val": 1, "test": 1}
    assert summary.dropped == {"duplicate": 2, "short-list": 1}


def test_folders_stay_together(tmp_path: Path) -> None:
    """With --split folder no garment folder is on two sides; the authors' partition does share them."""
    source = coarse(tmp_path / "set", 80)

    def shared(split: Any) -> int:
        convert_deepfashion(source, tmp_path / "out", reporter=QUIET, split=split)
        folders = [{image.path.parent for image in part} for part in images(tmp_path / "out").values()]
        assert all(folders)
        return sum(map(len, folders)) - len(set().union(*folders))

    assert shared("authors") > 0
    assert shared("folder") == 0


def test_every_broken_row_is_counted_and_named(tmp_path: Path) -> None:
    """Missing and unreadable photos, bad boxes, numbers and partners each have a reason; the other rows stay."""
    source = coarse(tmp_path / "set", 14)
    anno = source / "Anno_coarse"
    boxes = (anno / "list_bbox.txt").read_text().splitlines()[2:]
    for k, words in {2: "110 20 10 220", 3: "900 20 990 220", 4: "-5 20 110 400", 5: "a b c d", 6: "1 2 3"}.items():
        boxes[k] = f"{name(k)}  {words}"
    listing(anno / "list_bbox.txt", "h", [*(row for k, row in enumerate(boxes) if k != 7), boxes[0]], 16)
    categories = (anno / "list_category_img.txt").read_text().splitlines()[2:]
    categories[8] = f"{name(8)}  5"
    listing(anno / "list_category_img.txt", "h", [*categories[:9], *categories[10:], "img/none.jpg  1"])
    attributes = (anno / "list_attr_img.txt").read_text().splitlines()[2:]
    listing(anno / "list_attr_img.txt", "h", [*attributes[:-1], f"{name(13)}  1 1"])
    (source / "Img" / name(0)).unlink()
    (source / "Img" / name(1)).write_bytes(b"<html>")
    summary = convert_deepfashion(source, tmp_path / "out", reporter=QUIET)
    rows = (tmp_path / "out/dropped.csv").read_text().splitlines()

    # photo 6 counts twice: its row of the list is bad, so that the photo has no box
    assert summary.dropped == {
        "no-photo": 1, "bad-photo": 1, "no-area": 1, "outside": 1, "clipped": 1, "bad-row": 3, "no-box": 2,
        "no-category": 1, "no-split": 1, "duplicate": 1, "short-list": 2, "bad-attributes": 1,
    }  # fmt: skip
    assert sum(summary.photos.values()) == 14 - 9
    assert f"no-area,{name(2)},1" in rows
    assert f"no-photo,{name(0)},1" in rows


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (lambda root: (root / "Eval/list_eval_partition.txt").unlink(), r"list_eval_partition\.txt: cannot be read"),
        (lambda root: (root / "Anno_coarse/list_bbox.txt").write_text("img/a.jpg 1 2 3 4\n"), "row count and a header"),
        (lambda root: (root / "Anno_coarse").rename(root / "x"), "holds no Anno_coarse or Anno or Anno_fine"),
        (lambda root: (root / "Img").rename(root / "x"), "holds neither Img/img nor img"),
        (lambda root: listing(root / "Anno_coarse/list_category_cloth.txt", "h", ["Tee 7"]), "Tee is of type '7'"),
    ],
)
def test_missing_parts_are_named(tmp_path: Path, breaking: Any, words: str) -> None:
    """A missing or foreign label file, and missing photos, are refused by name before anything is written."""
    breaking(coarse(tmp_path / "set"))

    with pytest.raises(InputError, match=words):
        convert_deepfashion(tmp_path / "set", tmp_path / "out", reporter=QUIET)
    assert not (tmp_path / "out").exists()


def test_shares_out_of_bounds(tmp_path: Path) -> None:
    """Shares that leave nothing to train on are refused."""
    with pytest.raises(UsageError, match="must leave a rest"):
        convert_deepfashion(tmp_path, tmp_path, reporter=QUIET, validation_share=0.5, test_share=0.5)


def test_rows_of_lists(tmp_path: Path) -> None:
    """Names may hold blanks, runs of blanks part the columns, a byte order mark and CRLF are no matter."""
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf2\r\nname  a\r\nabstract chevron print \t  1\r\nimg/a b.jpg  2\r\n\r\n")

    assert read_list(path, 1, Tally()) == {"abstract chevron print": ["1"], "img/a b.jpg": ["2"]}
    assert attributes_of(b" -1  1 0 1\n", "wxyz") == (("x", "z"), ("y",))
    assert attributes_of(b"0 1 0 1", "wxyz") == (("x", "z"), ())
    assert attributes_of(b"1 1", "xyz") is None
    assert attributes_of(b"1 2 1", "xyz") is None
    assert attributes_of(b"1 n 1", "xyz") is None


def test_sizes_come_from_the_header(tmp_path: Path) -> None:
    """The quick header reader agrees with ``probe`` on every kind of photo, turned, progressive and large-headed too."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 6000  # longer than what is read at first
    kinds: list[dict[str, Any]] = [
        {"format": "JPEG"}, {"format": "JPEG", "progressive": True}, {"format": "JPEG", "exif": exif},
        {"format": "JPEG", "comment": b"x" * 9000}, {"format": "PNG"}, {"format": "WEBP"},
    ]  # fmt: skip
    paths = []
    for k, options in enumerate(kinds):
        out = io.BytesIO()
        Image.effect_noise((90 + k, 70), 50).convert("RGB").save(out, **options)
        paths.append(tmp_path / f"{k}.jpg")
        paths[-1].write_bytes(out.getvalue())
    sizes = photo_sizes([*map(str, paths), str(tmp_path), str(tmp_path / "none")], QUIET)

    assert sizes == [*(probe(path.read_bytes()) for path in paths), "bad-photo", "no-photo"]
    assert (sizes[2].width, sizes[2].height) == (70, 92)  # type: ignore[union-attr]
    assert jpeg_size(paths[0].read_bytes()[:4096]) == sizes[0]
    assert jpeg_size(WHITE[:20]) is None
    assert jpeg_size(b"") is None


def test_the_command_prints_the_summary_and_draws_boxes(tmp_path: Path) -> None:
    """`data deepfashion` prints photos, boxes, what was dropped and its first names, and draws a sheet."""
    source = coarse(tmp_path / "set")
    (source / "Img" / name(2)).unlink()
    result = CliRunner().invoke(main, ["-q", "data", "deepfashion", str(source), "--out", str(tmp_path / "out")])

    assert result.exit_code == 0
    assert "train 2, val 2, test 1" in result.output
    assert f"no-photo  {name(2)}" in result.output
    assert decode_image((tmp_path / "out/boxes.png").read_bytes()).shape[0] > 300
