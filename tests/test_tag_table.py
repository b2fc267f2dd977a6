"""Tables of tags in every shape, read from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from deepstyle.annotations.tag_sets import read_any_tags
from deepstyle.annotations.tag_table import read_tag_table, regrouped
from deepstyle.errors import InputError
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)


def _files(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number} {name}".encode())


def _table(folder: Path, text: str) -> Path:
    (folder / "tags.csv").write_text(text, encoding="utf-8-sig")
    return folder / "tags.csv"


def test_a_column_a_tag(tmp_path: Path) -> None:
    """1 is yes, nothing and 0 are no, ? is not known; where there is a -1, that is no and 0 not known."""
    _files(tmp_path / "images", "a.jpg", "b.jpg")
    plain = read_tag_table(_table(tmp_path, "image_name,black,boot\na.jpg,1,\nb.jpg,0,?\nnone.jpg,1,1\n"))
    signed = read_tag_table(_table(tmp_path, "image,black,boot,sender_id\na,1,-1,x\nb,0,1,y\n"))

    assert plain.tags == signed.tags == ("black", "boot")
    assert plain.values.tolist() == [[1, 0], [0, -1]]
    assert signed.values.tolist() == [[1, 0], [-1, 1]]
    assert plain.missing == ("none.jpg",)
    assert [row.group for row in signed.rows] == ["x", "y"]
    with pytest.raises(InputError, match="column black holds 'maybe so'"):
        read_tag_table(_table(tmp_path, "image,black\na.jpg,maybe so\n"))


def test_one_column_of_tags(tmp_path: Path) -> None:
    """Tags with commas between them, with a byte order mark and backslashes, as DeepFashion's lists are passed on."""
    _files(tmp_path, "img/x/1.jpg", "img/x/2.jpg")
    found = read_tag_table(
        _table(tmp_path, 'image_name,labels\nimg\\x\\1.jpg,"feather,pleated"\nimg\\x\\2.jpg,sheer\n')
    )

    assert found.tags == ("feather", "pleated", "sheer")
    assert found.values.tolist() == [[1, 1, 0], [0, 0, 1]]
    assert found.groups == {"tags": found.tags}


@pytest.mark.parametrize("mark", ["|", ";"])
def test_tags_that_are_not_parted_by_commas_are_refused(tmp_path: Path, mark: str) -> None:
    """A column of tags with another mark and no comma at all is refused, naming the mark."""
    path = tmp_path / "tags.csv"
    path.write_text(f"image,tags\na.png,red{mark}boot\nb.png,blue\n")

    with pytest.raises(InputError, match=f"write , in place of \\{mark}"):
        read_any_tags(path, reporter=QUIET)


def test_tags_with_blanks_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where most rows have blanks and none a comma, it is said that each is one tag."""
    (tmp_path / "a.png").write_bytes(b"1")
    (tmp_path / "tags.csv").write_text("image,tags\na.png,red boot\n")
    found = read_any_tags(tmp_path / "tags.csv", reporter=Reporter())

    assert found.tags == ("red boot",)
    assert "'red boot' is one tag" in " ".join(capsys.readouterr().err.split())


def test_fashionai_rows(tmp_path: Path) -> None:
    """A letter for each value of a task; m counts as neither, tasks that no row names are not known; a group a task."""
    _files(tmp_path, "Images/a.jpg", "Images/b.jpg")
    rows = (
        "Images/a.jpg,skirt_length_labels,nym\nImages/b.jpg,coat_length_labels,ny\nImages/a.jpg,coat_length_labels,yn\n"
    )
    found = read_tag_table(_table(tmp_path, rows))

    assert found.groups == {
        "skirt_length": ("skirt_length:0", "skirt_length:1", "skirt_length:2"),
        "coat_length": ("coat_length:0", "coat_length:1"),
    }
    assert found.values.tolist() == [[0, 1, -1, 1, 0], [-1, -1, -1, 0, 1]]
    with pytest.raises(InputError, match="letters"):
        read_tag_table(_table(tmp_path, "Images/a.jpg,skirt,ny\nImages/b.jpg,skirt,2\n"))


@pytest.mark.parametrize("head", ["", "image,task,letters\n", "image_name,attr_key,attr_values\n"])
@pytest.mark.parametrize("count", [1, 2])
def test_fashionai_rows_with_and_without_a_header(tmp_path: Path, head: str, count: int) -> None:
    """A file of one row is read as one of many, and names of the columns above the rows are no photo."""
    _files(tmp_path, "a.jpg", "b.jpg")
    rows = ["a.jpg,skirt_length_labels,nym\n", "b.jpg,skirt_length_labels,ynn\n"][:count]
    found = read_tag_table(_table(tmp_path, head + "".join(rows)))

    assert found.groups == {"skirt_length": ("skirt_length:0", "skirt_length:1", "skirt_length:2")}
    assert found.values.tolist() == [[0, 1, -1], [1, 0, 0]][:count]
    assert found.missing == ()


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("image,black,my\na.jpg,y,n\n", ("black", "my")),
        ("image,sender_id,red\na.jpg,tom,n\n", ("red",)),
        ("image,tags,split\na.jpg,boot,train\n", ("boot",)),
    ],
)
def test_columns_of_tags_are_not_taken_for_tasks(tmp_path: Path, text: str, tags: tuple[str, ...]) -> None:
    """Names of columns that look like letters of a task, and groups beside a yes or no, stay what they are."""
    _files(tmp_path, "a.jpg")

    assert read_tag_table(_table(tmp_path, text)).tags == tags


def test_repeated_photos_go_from_the_training_side(tmp_path: Path) -> None:
    """Of photos with the same bytes one stays, the one that is held out if there is such."""
    _files(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "c.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    found = read_tag_table(_table(tmp_path, "image,red,split\na.jpg,1,train\nb.jpg,0,train\nc.jpg,1,validation\n"))

    assert [row.path.name for row in found.rows] == ["b.jpg", "c.jpg"]
    assert found.values.tolist() == [[0], [1]]
    assert found.dropped == {"duplicate": 1}


def test_clothing_co_parsing_and_others(tmp_path: Path) -> None:
    """The folder of Clothing Co-Parsing gives its image tags without skin and hair; any other folder is refused."""
    names = np.empty((1, 4), object)
    names[0] = [np.array([name]) for name in ("null", "skin", "dress", "boots")]
    folder = tmp_path / "ccp"
    _files(folder, "photos/0001.jpg", "photos/0002.jpg")
    (folder / "annotations" / "image-level").mkdir(parents=True)
    savemat(folder / "label_list.mat", {"label_list": names})
    savemat(folder / "annotations" / "image-level" / "0001.mat", {"tags": np.array([[0], [1], [2]])})
    savemat(folder / "annotations" / "image-level" / "0002.mat", {"tags": np.array([[1], [3], [2]])})
    found = read_any_tags(folder, reporter=QUIET)

    assert found.tags == ("boots", "dress")
    assert found.values.tolist() == [[0, 1], [1, 1]]
    with pytest.raises(InputError, match="neither Clothing Co-Parsing"):
        read_any_tags(tmp_path, reporter=QUIET)


def test_deepfashion_attributes(tmp_path: Path) -> None:
    """DeepFashion's attributes come with the authors' partition, and with its folders as groups; 0 beside -1 is not known."""
    files = {
        "Eval/list_eval_partition.txt": "2\nimage_name evaluation_status\nimg/A/1.jpg train\nimg/B/1.jpg val\n",
        "Anno_coarse/list_bbox.txt": "2\nimage_name x_1 y_1 x_2 y_2\nimg/A/1.jpg 1 1 9 9\nimg/B/1.jpg 1 1 9 9\n",
        "Anno_coarse/list_category_img.txt": "2\nimage_name category_label\nimg/A/1.jpg 1\nimg/B/1.jpg 1\n",
        "Anno_coarse/list_category_cloth.txt": "1\ncategory_name category_type\nDress 3\n",
        "Anno_coarse/list_attr_cloth.txt": "3\nattribute_name attribute_type\nfloral print 1\nred 2\nsheer 3\n",
        "Anno_coarse/list_attr_img.txt": "2\nimage_name attribute_labels\nimg/A/1.jpg 1 -1 0\nimg/B/1.jpg 1 1 -1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    _files(tmp_path, "img/A/1.jpg", "img/B/1.jpg")
    found = read_any_tags(tmp_path, reporter=QUIET)

    assert found.tags == ("floral print", "red", "sheer")
    assert found.values.tolist() == [[1, 0, -1], [1, 1, 0]]
    assert [(row.group, row.split) for row in found.rows] == [("img/A", "train"), ("img/B", "val")]


def test_tags_can_be_grouped(tmp_path: Path) -> None:
    """Groups put tags in their order, the rest into a last group; a tag that is not there or twice is refused."""
    _files(tmp_path, "a.jpg")
    table = read_tag_table(_table(tmp_path, "image,red,boot,blue\na.jpg,1,0,?\n"))
    found = regrouped(table, {"colour": ("red", "blue")})

    assert (found.tags, found.values.tolist()) == (("red", "blue", "boot"), [[1, -1, 0]])
    assert found.groups == {"colour": ("red", "blue"), "others": ("boot",)}
    for groups in ({"colour": ("red", "green")}, {"colour": ("red",), "kind": ("red",)}):
        with pytest.raises(InputError, match="groups name"):
            regrouped(table, groups)
