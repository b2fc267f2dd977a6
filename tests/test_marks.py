"""Marks: lists read, recorded, kept through re-cuts, taken back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from cutting import QUIET, FakeDetector, cut, files, fill

from deepstyle.catalog import Catalog
from deepstyle.crop.marks import apply_marks, parse_marks
from deepstyle.errors import InputError, UsageError
from deepstyle.progress import Reporter


def mark(catalog: Catalog, model: str = "fake@1", **lists: str) -> dict[str, int]:
    paths: dict[str, Path | None] = {"exclude": None, "include": None}
    for name, text in lists.items():
        path = catalog.root / f"{name}.txt"
        path.write_text(text)
        paths[name] = path
    return apply_marks(catalog, model, exclude=paths["exclude"], include=paths["include"], reporter=QUIET)


def test_a_list_is_read_as_files_are_named() -> None:
    """Bare names, file names and paths are marks; repeats, comments and blanks are not counted; the rest is strange."""
    found = parse_marks(
        "# deepstyle marks, detector small@1\nab-0\n\nab-0\ngarments/full/cd-12.png\nC:\\g\\ef-3.png\nwhat?\n"
    )

    assert found.model == "small@1"
    assert found.marks == (("ab", 0), ("cd", 12), ("ef", 3))
    assert found.strange == ("what?",)


def test_marked_garments_go_and_stay_away(tmp_path: Path) -> None:
    """A marked garment is removed, with its file, and no later rule cuts it; nothing takes its place."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        detector = FakeDetector()
        cut(catalog, detector)
        sha = catalog.photos()[0].sha256
        before = files(tmp_path)

        assert mark(catalog, exclude=f"{sha}-0\n") == {"excluded now": 1}
        summary = cut(catalog, detector)
        assert (summary.removed, summary.kept, summary.excluded, summary.cut) == (1, 3, 1, 0)
        assert before - files(tmp_path) == {f"garments/upper/{sha}-0.png"}
        for rules in (["margin=0.3"], ["max_per_photo=1"], ["aspect=square", "labels=upper"]):
            cut(catalog, detector, *rules)
            assert f"garments/upper/{sha}-0.png" not in files(tmp_path)
            if rules == ["max_per_photo=1"]:
                assert not any(sha in name for name in files(tmp_path))
        assert detector.seen == 2


def test_marks_are_taken_back(tmp_path: Path) -> None:
    """--include undoes --exclude: the next cut makes the same bytes again."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        row = catalog.garments()[0]
        before = catalog.path(row.path).read_bytes()
        mark(catalog, exclude=f"{row.photo}-{row.k}\n")
        cut(catalog, FakeDetector())
        assert not catalog.path(row.path).exists()

        assert mark(catalog, include=row.path) == {"included again": 1}
        assert cut(catalog, FakeDetector()).cut == 1
        assert catalog.path(row.path).read_bytes() == before


def test_marks_belong_to_their_detector(tmp_path: Path) -> None:
    """Another detector starts without marks; a list that names the first one is refused with the remedy."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        sha = catalog.photos()[0].sha256
        mark(catalog, exclude=f"# deepstyle marks, detector fake@1\n{sha}-0\n")

        assert cut(catalog, FakeDetector("fake@2")).excluded == 0
        with pytest.raises(UsageError, match=r"--detector.*--review"):
            mark(catalog, "fake@2", exclude=f"# deepstyle marks, detector fake@1\n{sha}-0\n")
        assert cut(catalog, FakeDetector("fake@1")).excluded == 1


def test_unknown_marks_are_named_and_passed_over(tmp_path: Path) -> None:
    """A mark of nothing, or a line that is none, is told to the person; the others count."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)
        cut(catalog, FakeDetector())
        sha = catalog.photos()[0].sha256
        path = tmp_path / "list.txt"
        path.write_text(f"{sha}-7\nhello\n{sha}-1\n")
        told = io.StringIO()
        counted = apply_marks(catalog, "fake@1", exclude=path, include=None, reporter=Reporter(stream=told))

        assert counted == {"excluded now": 1}
        assert f"{sha}-7" in told.getvalue()
        assert "hello: not a mark" in told.getvalue()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00binary", b"label,score\nfull,1\n"])
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, data: bytes) -> None:
    """Bytes that are no text, or text without a single mark, raise InputError naming flag and file."""
    (tmp_path / "list.txt").write_bytes(data)
    with Catalog(tmp_path) as catalog, pytest.raises(InputError, match=r"--include .*list\.txt"):
        apply_marks(catalog, "fake@1", exclude=None, include=tmp_path / "list.txt", reporter=QUIET)


def test_an_empty_list_marks_nothing(tmp_path: Path) -> None:
    """Nothing marked on the page is nothing excluded."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1)

        assert mark(catalog, exclude="# deepstyle marks, detector fake@1\n") == {"excluded now": 0}
