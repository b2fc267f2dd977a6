"""The open sets come whole, checked and once, from a real server on loopback that breaks in every way."""

from __future__ import annotations

import hashlib
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from loopback import Exchange, serve

from deepstyle.annotations.download import ATTEMPTS, SETS, DownloadSummary, OpenSet, RemoteFile, blob_sha1, download
from deepstyle.cli import main
from deepstyle.errors import InputError, UsageError
from deepstyle.progress import Reporter

QUIET = Reporter(quiet=True)
FILES = {f"photos/{k:04d}.jpg": bytes([k]) * (1000 + k) for k in range(40)} | {"LICENSE": b"CC0", "a b+c.txt": b"x"}
ENTRIES = tuple(RemoteFile(blob_sha1(data), len(data), path) for path, data in FILES.items())
TREES = {
    "ccp": "ed77ce5ed969cb362f75ef140d332d347bde81be",
    "clothing-dataset": "77635b965e5cd721f0a99b4c19dd2b9bc1c0a995",
}


def routes(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"/m/" + path.replace(" ", "%20").replace("+", "%2B"): data for path, data in FILES.items()}
    return found | {"/m/" + path: route for path, route in changes.items()}


def fetch(url: str, folder: Path) -> DownloadSummary:
    return download(ENTRIES, folder, url + "/m/", reporter=QUIET, pause=0.01)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_once(tmp_path: Path) -> None:
    """All files come with their bytes; the second run asks the server for nothing."""
    with serve(routes()) as site:
        assert fetch(site.url, tmp_path) == DownloadSummary(fetched=len(FILES), kept=0)
        assert content(tmp_path) == FILES
        hits = sum(site.hits.values())
        assert fetch(site.url, tmp_path) == DownloadSummary(fetched=0, kept=len(FILES))

    assert hits == sum(site.hits.values()) == len(FILES)


def test_only_broken_and_missing_files_are_fetched_again(tmp_path: Path) -> None:
    """A file that was cut short, one with a flipped byte and one that is gone come again; the others are kept."""
    with serve(routes()) as site:
        fetch(site.url, tmp_path)
        site.hits.clear()
        (tmp_path / "photos/0001.jpg").write_bytes(FILES["photos/0001.jpg"][:-1])
        (tmp_path / "photos/0002.jpg").write_bytes(b"\xff" + FILES["photos/0002.jpg"][1:])
        (tmp_path / "LICENSE").unlink()
        (tmp_path / "photos/.tmp-x1y2.jpg").write_bytes(b"what a killed run was writing")
        assert fetch(site.url, tmp_path) == DownloadSummary(fetched=3, kept=len(FILES) - 3)

    assert content(tmp_path) == FILES
    assert set(site.hits) == {"/m/photos/0001.jpg", "/m/photos/0002.jpg", "/m/LICENSE"}


def test_passing_faults_are_tried_again(tmp_path: Path) -> None:
    """A busy server, a line that drops and a body cut short are tried again, and the file comes whole."""
    seen: dict[str, int] = defaultdict(int)

    def busy(exchange: Exchange) -> None:
        seen["busy"] += 1
        path = exchange.path.removeprefix("/m/")
        exchange.send(FILES[path], status=503 if seen["busy"] < 3 else 200)

    def drops(exchange: Exchange) -> None:
        seen["drops"] += 1
        path = exchange.path.removeprefix("/m/")
        if seen["drops"] < 2:
            exchange.send_response(200)
            exchange.send_header("Content-Length", "5000")
            exchange.end_headers()
            exchange.wfile.write(FILES[path][:500])
            exchange.close_connection = True
        else:
            exchange.send(FILES[path])

    with serve(routes(**{"photos/0003.jpg": busy, "photos/0004.jpg": drops})) as site:
        assert fetch(site.url, tmp_path).fetched == len(FILES)

    assert seen == {"busy": 3, "drops": 2}
    assert content(tmp_path) == FILES


def test_what_does_not_come_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    """Wrong bytes and a missing file are named after their tries; they leave no file, and a mended mirror completes."""
    wrong = routes(**{"photos/0005.jpg": b"<html>", "photos/0006.jpg": FILES["photos/0006.jpg"] + b"!"})
    del wrong["/m/photos/0007.jpg"]
    with serve(wrong) as site:
        with pytest.raises(InputError, match=f"3 of {len(FILES)} files did not come") as caught:
            fetch(site.url, tmp_path)
        assert site.hits["/m/photos/0005.jpg"] == site.hits["/m/photos/0006.jpg"] == ATTEMPTS
        assert site.hits["/m/photos/0007.jpg"] == 1
    with serve(routes()) as site:
        assert "photos/0005.jpg (other bytes than the published ones)" in str(caught.value)
        assert "photos/0007.jpg (HTTP 404)" in str(caught.value)
        assert content(tmp_path) == {path: FILES[path] for path in FILES if path[-5:] not in {"5.jpg", "6.jpg", "7.jpg"}
                                     or not path.startswith("photos/000")}  # fmt: skip
        assert fetch(site.url, tmp_path) == DownloadSummary(fetched=3, kept=len(FILES) - 3)


def test_a_wrong_address_is_given_up_soon(tmp_path: Path) -> None:
    """When nothing at all comes, the run ends after a few files; what is no web address is refused at once."""
    with serve({}) as site, pytest.raises(InputError, match="HTTP 404"):
        fetch(site.url, tmp_path)
    assert sum(site.hits.values()) < len(FILES)
    with pytest.raises(UsageError, match="no web address"):
        download(ENTRIES, tmp_path, "/some/folder", reporter=QUIET)


def test_an_interrupted_run_continues(tmp_path: Path) -> None:
    """Ctrl-C in the middle leaves whole files only, and the next run fetches just the rest."""

    class Interrupting(Reporter):
        """Raises as Ctrl-C does, at the fifth step of the bar."""

        def _plain(self, task: Any) -> None:
            if task.done == 5:
                raise KeyboardInterrupt

    with serve(routes()) as site, (tmp_path / "log").open("w") as log:
        with pytest.raises(KeyboardInterrupt):
            download(ENTRIES, tmp_path / "set", site.url + "/m", reporter=Interrupting(stream=log), pause=0.01)
        there = content(tmp_path / "set")
        assert 5 <= len(there) < len(FILES)
        assert all(FILES[path] == data for path, data in there.items())
        assert fetch(site.url, tmp_path / "set") == DownloadSummary(fetched=len(FILES) - len(there), kept=len(there))


@pytest.mark.parametrize("name", SETS)
def test_the_listings_are_the_commits_trees(name: str) -> None:
    """The git tree that the listing makes, hashed here anew, is the one of the pinned commit."""
    nested: dict[str, Any] = {}
    for entry in SETS[name].entries():
        folder = nested
        *parents, leaf = entry.path.split("/")
        for parent in parents:
            folder = folder.setdefault(parent, {})
        folder[leaf] = entry.sha1

    def tree(folder: dict[str, Any]) -> str:
        rows = {(key + "/" if isinstance(value, dict) else key): value for key, value in folder.items()}
        body = b"".join(
            b"40000 %s\0" % key[:-1].encode() + bytes.fromhex(tree(value)) if isinstance(value, dict)
            else b"100644 %s\0" % key.encode() + bytes.fromhex(value)
            for key, value in sorted(rows.items(), key=lambda pair: pair[0].encode())
        )  # fmt: skip
        return hashlib.sha1(b"tree %d\0" % len(body) + body).hexdigest()

    assert tree(nested) == TREES[name]


def test_the_checksum_is_gits(tmp_path: Path) -> None:
    """The checksum of bytes is what `git hash-object` prints."""
    (tmp_path / "file").write_bytes(FILES["photos/0009.jpg"])
    printed = subprocess.run(
        ["git", "hash-object", tmp_path / "file"], check=True, capture_output=True, text=True
    ).stdout

    assert blob_sha1(FILES["photos/0009.jpg"]) == printed.strip()


def test_the_command_shows_the_licence_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`data download` prints title, licence and source before it starts, and the counts at the end."""
    monkeypatch.setattr(OpenSet, "entries", lambda _: ENTRIES)
    with serve(routes()) as site:
        words = [
            "-q",
            "data",
            "download",
            "clothing-dataset",
            "--out",
            str(tmp_path / "set"),
            "--from",
            f"{site.url}/m",
        ]
        result = CliRunner().invoke(main, words)
        failed = CliRunner().invoke(
            main, ["-q", "data", "download", "ccp", "--out", str(tmp_path / "b"), "--from", site.url]
        )

    assert result.exit_code == 0
    assert "licence: CC0-1.0" in result.output.splitlines()[1]
    assert f"fetched  {len(FILES)} files" in result.output
    assert failed.exit_code == 1
    assert "licence: Apache-2.0" in failed.output
    assert "did not come" in failed.output
