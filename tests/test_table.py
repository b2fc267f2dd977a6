"""Label tables read from the shapes that occur, and split so that no group leaks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstyle.annotations.table import LabelRow, read_table, split_by_group
from deepstyle.errors import InputError, UsageError


def photos(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def rows(*groups: tuple[str | None, str, int]) -> list[LabelRow]:
    """So many rows of each (group, label, count)."""
    return [
        LabelRow(path=Path(f"/p/{i}-{k}.jpg"), label=label, group=group)
        for i, (group, label, count) in enumerate(groups)
        for k in range(count)
    ]


def test_clothing_dataset(tmp_path: Path) -> None:
    """Names without an extension are found in images/, senders become groups, absent photos are named."""
    photos(tmp_path / "images", "aa.jpg", "bb.JPG")
    table = tmp_path / "images.csv"
    table.write_text("image,sender_id,label,kids,split\naa,124,T-Shirt,False,train\nbb,3,Hat,True,\ncc,3,Hat,True,\n")
    found = read_table(table)

    assert found.rows == (
        LabelRow(path=tmp_path / "images/aa.jpg", label="T-Shirt", group="124", split="train"),
        LabelRow(path=tmp_path / "images/bb.JPG", label="Hat", group="3"),
    )
    assert found.labels == ("Hat", "T-Shirt")
    assert found.missing == ("cc",)


def test_byte_order_mark_and_backslashes(tmp_path: Path) -> None:
    """A file saved on Windows reads the same, and its paths lie below the folder given."""
    photos(tmp_path / "photos", "img/Blouse/1.jpg", "img/Blouse/2.PNG")
    table = tmp_path / "test_labels.csv"
    text = "\ufeffimage_name,category_name\r\nimg\\Blouse\\1.jpg,Blouse\r\nimg\\Blouse\\2.png,Top\r\n"
    table.write_bytes(text.encode())
    found = read_table(table, images=tmp_path / "photos")

    assert [row.path.name for row in found.rows] == ["1.jpg", "2.PNG"]
    assert found.labels == ("Blouse", "Top")
    assert found.rows[0].group is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["File Name|Class", "path|label", "filename|Category"])
def test_usual_columns_and_delimiters(tmp_path: Path, header: str, delimiter: str) -> None:
    """Columns are found under their usual names in any case, whatever parts them."""
    photos(tmp_path, "a.png")
    (tmp_path / "t.csv").write_text(f"{header}|x\na.png|Hat|1\n".replace("|", delimiter))

    assert read_table(tmp_path / "t.csv").rows == (LabelRow(path=tmp_path / "a.png", label="Hat"),)


def test_exact_column_wins(tmp_path: Path) -> None:
    """Of two columns that could be the label, the more usual name wins."""
    photos(tmp_path, "a.png")
    (tmp_path / "t.csv").write_text("class,image,label\n3,a.png,Hat\n")

    assert read_table(tmp_path / "t.csv").labels == ("Hat",)


def test_bad_rows_are_counted(tmp_path: Path) -> None:
    """Rows without a name or label, short rows and repeated photos are counted, never fatal."""
    photos(tmp_path, "a.jpg")
    (tmp_path / "t.csv").write_text("image,label\na.jpg,Hat\n,Hat\na.jpg,\na.jpg\n\na,Skirt\n")
    found = read_table(tmp_path / "t.csv")

    assert len(found.rows) == 1
    assert found.dropped == {"no-path": 1, "no-label": 2, "duplicate": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"image_name,labels\na,b\n", "no column for the label; found image_name, labels; name one of them: label"),
        (b"photo,label\na,b\n", "no column for the image; found photo, label; name one of them: image"),
        (b"", "holds no rows"),
        (b"image,label\n", "holds no rows"),
        (b"image,label\n\xff,b\n", "is no UTF-8 text"),
        (b'image,label\n"' + b"a" * 200_000 + b'",b\n', "is no CSV"),
    ],
)
def test_unusable_tables_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    """A table that cannot be used is refused by name, with what was found and what is expected."""
    (tmp_path / "t.csv").write_bytes(content)

    with pytest.raises(InputError, match=words) as caught:
        read_table(tmp_path / "t.csv")
    assert str(tmp_path / "t.csv") in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """A missing table and a missing photo folder are each named."""
    with pytest.raises(InputError, match=r"t\.csv: cannot be read"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(InputError, match="nowhere: is no folder"):
        read_table(tmp_path / "t.csv", images=tmp_path / "nowhere")


def test_one_huge_sender(tmp_path: Path) -> None:
    """One sender with a third of all photos goes to one side, and the share and labels still fit."""
    many = rows(*[(f"{label}{k}", label, 2 + k % 5) for k in range(60) for label in ("Hat", "Shirt", "Dress")])
    many += rows(("huge", "Shirt", 300), ("rare1", "Cape", 1), ("rare2", "Cape", 1))
    train, val = split_by_group(many, 0.15, 0)

    assert not {row.group for row in train} & {row.group for row in val}
    assert len(train) + len(val) == len(many)
    assert len(val) / len(many) == pytest.approx(0.15, abs=0.01)
    share = {label: n / Counter(row.label for row in many)[label] for label, n in Counter(r.label for r in val).items()}
    assert all(share[label] == pytest.approx(0.15, abs=0.02) for label in ("Hat", "Shirt", "Dress"))
    assert share["Cape"] == 0.5


def test_seed_and_order() -> None:
    """The split depends on the seed and the rows as a set, not on their order."""
    many = rows(*[(f"s{k}", "ab"[k % 2], 3) for k in range(40)])
    once = set(split_by_group(many, 0.2, 0)[1])

    assert set(split_by_group(many[::-1], 0.2, 0)[1]) == once
    assert set(split_by_group(many, 0.2, 1)[1]) != once


def test_rows_without_group_part_freely() -> None:
    """Rows without a group are each their own, and never meet a group of the same spelling."""
    train, val = split_by_group(rows((None, "Hat", 100), (None, "Dress", 20)), 0.25, 3)

    assert Counter(row.label for row in val) == {"Hat": 25, "Dress": 5}
    assert len(train) == 90


def test_what_cannot_be_parted() -> None:
    """A single group goes to train whole; two groups give one each; a share out of bounds is refused."""
    assert [len(side) for side in split_by_group(rows(("a", "Hat", 9)), 0.2, 0)] == [9, 0]
    assert sorted(len(side) for side in split_by_group(rows(("a", "Hat", 9), ("b", "Hat", 8)), 0.1, 0)) == [8, 9]
    assert split_by_group([], 0.2, 0) == ((), ())
    with pytest.raises(UsageError, match="share 0"):
        split_by_group([], 0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from("XYZ"), st.integers(1, 6)), max_size=9
    ),
    st.floats(0.05, 0.95),
    st.integers(0, 5),
)
def test_no_group_is_ever_in_both(groups: list[tuple[str | None, str, int]], share: float, seed: int) -> None:
    """Whatever the groups, every row is on one side, in order, and no group on both."""
    many = rows(*groups)
    train, val = split_by_group(many, share, seed)

    assert [row for row in many if row in set(train)] == list(train)
    assert Counter(train + val) == Counter(many)
    assert not {row.group for row in train if row.group} & {row.group for row in val if row.group}
