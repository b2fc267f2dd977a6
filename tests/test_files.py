"""files.py: what is written appears whole, names lead nowhere else, and odd files are refused."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle import files, folders
from deepstyle.catalog import Catalog, garment_path
from deepstyle.cli import main
from deepstyle.errors import InputError, StorageError, UsageError
from deepstyle.files import check_name, put_file, put_files, read_regular
from deepstyle.folders import DAY, drop_folder, put_folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; the ledger's own files aside."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not path.name.startswith("catalog.sqlite")}


def test_put_file_replaces_and_leaves_no_rest(tmp_path: Path) -> None:
    """put_file overwrites in one step and leaves no temporary file."""
    put_file(tmp_path / "a/b.txt", b"one")
    put_file(tmp_path / "a/b.txt", b"two")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a/b.txt").read_bytes() == b"two"


def test_several_files_appear_together(tmp_path: Path) -> None:
    """put_files writes all of them, from several threads as well; the first that cannot be written is named."""
    wanted = {tmp_path / f"{n % 3}/{n}.jpg": bytes([n]) * 50_000 for n in range(20)}
    files = list(wanted.items())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put_files, [files[n::4] for n in range(4)]))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"file/a\.jpg"):
        put_files([(tmp_path / "file/a.jpg", b"new")])

    found = {path: path.read_bytes() for path in tmp_path.glob("*/*")}
    assert found == wanted


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


ODD_NAMES = ["..", "../..", "", ".", "a/b", "/tmp/elsewhere", "a b", "x" * 101, "a\nb", "\udc80", "a\0b"]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize(
    "command",
    [
        ("train-classifier", "table.csv", "--name"),
        ("train-detector", "table.csv", "--val", "table.csv", "--name"),
        ("import-detector", "--yaml", "table.csv", "--weights", "table.csv", "--labels", "a"),
    ],
    ids=lambda words: str(words[0]),
)
def test_a_name_that_is_no_folders_name_is_refused_before_any_work(
    command: tuple[str, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, the flag is named, and no file of the workspace or beside it is touched."""
    monkeypatch.chdir(tmp_path)
    for file in ("table.csv", "beside.txt", "ws/models/mine/model.json", "ws/photos/ab/x.jpg", "ws/catalog.sqlite"):
        put_file(tmp_path / file, b"{}")
    before = snapshot(tmp_path)
    result = CliRunner().invoke(main, ["-w", "ws", *command, "--", name] if "--yaml" in command else
                                ["-w", "ws", *command, name])  # fmt: skip

    assert result.exit_code == 2
    assert "NAME" in result.output if "--yaml" in command else "--name" in result.output
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["detector", "my-shop_2", "Röcke", "ジャケット"])
def test_usual_names_are_names(name: str) -> None:
    """Letters of any script, digits, - and _ are fine."""
    assert check_name(name, "--name") == name


def test_a_label_leads_no_garment_out_of_its_folder() -> None:
    """Whatever a detector calls its labels, a garment's file is one folder below garments."""
    for label in ("..", "../../x", "/etc", "a\\b", ".", "", "a\0b", "x" * 500, "\ud800", "T-shirt/top"):
        parts = garment_path("ab", 0, label).split("/")

        assert (parts[0], len(parts), parts[2]) == ("garments", 3, "ab-0.png")
        assert parts[1] not in {"", ".", ".."}
        assert len(os.fsencode(parts[1])) <= 100
    assert garment_path("ab", 0, "short sleeve top") == "garments/short sleeve top/ab-0.png"


@pytest.mark.parametrize(
    "place", ["ws/models", "ws/models/..", "ws/models/../..", "ws", "ws/photos", "beside", "ws/link"]
)
def test_put_folder_deletes_only_what_is_its_to_replace(place: str, tmp_path: Path) -> None:
    """A folder that is no model or dataset of a workspace, and holds other files, is refused and stays as it is."""
    with Catalog(tmp_path / "ws"):
        pass
    for file in ("ws/models/mine/model.json", "ws/photos/ab/x.jpg", "beside/thesis.txt"):
        put_file(tmp_path / file, b"precious")
    (tmp_path / "ws/link").symlink_to(tmp_path / "beside")
    before = snapshot(tmp_path)
    with pytest.raises(InputError):
        put_folder(tmp_path / place, lambda folder: put_file(folder / "model.json", b"new"))

    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("exchanges", [True, False])
def test_put_folder_replaces_a_model(*, exchanges: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new folder stands in the old one's place, nothing of either is left beside it, on any file system."""
    if not exchanges:
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    with Catalog(tmp_path):
        pass
    put_file(tmp_path / "models/a/old.txt", b"old")
    put_folder(tmp_path / "models/a", lambda folder: put_file(folder / "new.txt", b"new"))

    assert [path.name for path in (tmp_path / "models").iterdir()] == ["a"]
    assert snapshot(tmp_path) == {"models/a/new.txt": b"new"}


def test_a_folder_set_aside_comes_back(tmp_path: Path) -> None:
    """After a kill between the two renames of a file system that exchanges nothing, the old model stands there again."""
    put_file(tmp_path / "models/.old-a/model.json", b"old")
    with Catalog(tmp_path):
        pass

    assert snapshot(tmp_path) == {"models/a/model.json": b"old"}


def test_a_folder_is_dropped_whole(tmp_path: Path) -> None:
    """A folder goes with all that it holds, one that a kill left half-dropped as well; what cannot go is named."""
    for name in ("a", ".tmp-b"):
        put_file(tmp_path / name / "deep" / "file", b"x")
        drop_folder(tmp_path / name)

    assert snapshot(tmp_path) == {}
    with pytest.raises(StorageError, match=r"gone: cannot be deleted \(No such file"):
        drop_folder(tmp_path / "gone")


FOR_EVER = """
import sys
from pathlib import Path
from deepstyle.files import put_file
from deepstyle.folders import put_folder
folder, k = Path(sys.argv[1]), 0
def fill(place):
    put_file(place / "first", str(k).encode())
    put_file(place / "second", str(k).encode())
while True:
    put_folder(folder, fill)
    print(flush=True)
    k += 1
"""


def test_a_kill_leaves_the_old_folder_or_the_new(tmp_path: Path) -> None:
    """Kill -9 at any moment of put_folder: the folder is there, and both its files are of one time."""
    with Catalog(tmp_path):
        pass
    folder = tmp_path / "models/a"
    for wait in range(8):
        with subprocess.Popen([sys.executable, "-c", FOR_EVER, str(folder)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.003 * wait)
            child.send_signal(signal.SIGKILL)

        assert (folder / "first").read_bytes() == (folder / "second").read_bytes()


def test_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    """A file where a folder must be, or a name too long: StorageError with the path, and a remedy where one is known."""
    put_file(tmp_path / "file", b"")
    with pytest.raises(StorageError, match=r"file/x.*Not a directory|file/x.*File exists"):
        put_file(tmp_path / "file" / "x", b"")
    with pytest.raises(StorageError, match="shorter name"):
        put_file(tmp_path / ("x" * 300), b"")
    with pytest.raises(StorageError, match="none that a file can have"):
        put_file(tmp_path / "a\0b", b"")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe, a device, a socket, a folder, an endless file of the kernel and a file over the limit end at once."""
    os.mkfifo(tmp_path / "pipe")
    put_file(tmp_path / "file", b"content")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        for odd in (tmp_path / "pipe", tmp_path / "door", tmp_path, Path("/dev/zero"), Path("/dev/null")):
            with pytest.raises(InputError, match="is no regular file"):
                read_regular(odd, 100)
    with pytest.raises(InputError, match="at most 3 are read"):
        read_regular(tmp_path / "file", 3)
    with pytest.raises(InputError, match="none that a file can have"):
        read_regular(tmp_path / "a\0b", 100)

    assert read_regular(tmp_path / "file", 100) == b"content"
    assert read_regular(Path("/proc/self/status"), 100) == b""


def test_space_is_reserved_or_refused(tmp_path: Path) -> None:
    """A file has its blocks from the beginning; more than the disk has is refused with the bytes that are needed."""
    files.reserve(tmp_path / "some", 1 << 20)

    assert (tmp_path / "some").stat().st_blocks * 512 >= 1 << 20
    with pytest.raises(StorageError, match=r"needs 4,611,686,018,427,387,904 bytes"):
        files.reserve(tmp_path / "all", 1 << 62)
    assert not (tmp_path / "all").exists()


def test_names_are_checked_in_the_library_too(tmp_path: Path) -> None:
    """Who calls the pipeline instead of the command is stopped in the same way."""
    from deepstyle.annotations.table import LabelTable
    from deepstyle.classifier.train import train_classifier
    from deepstyle.config import ClassifierConfig, load_config
    from deepstyle.progress import Reporter

    config = load_config(ClassifierConfig)
    with Catalog(tmp_path) as catalog, pytest.raises(UsageError, match="--name"):
        train_classifier(LabelTable(rows=(), labels=()), catalog, config, reporter=Reporter(quiet=True), name="..")
