"""The examination says what is there, what is missing, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.doctor import GIGABYTE, Finding, examine, free_memory, installed_version


def doctor(workspace: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["-w", str(workspace), "doctor", *words])
    return result.exit_code, result.stdout


def look(workspace: Path, **outside: object) -> dict[str, Finding]:
    return {one.name: one for one in examine(workspace, **outside)}  # type: ignore[arg-type]


def test_this_machine_is_usable(tmp_path: Path) -> None:
    """Where the suite runs, deepstyle works: exit 0, a line for each part, and no workspace is made by looking."""
    code, told = doctor(tmp_path / "w")
    names = [line.split()[1] for line in told.splitlines()[1:]]

    assert code == 0
    assert told.startswith("deepstyle works here")
    assert names[:8] == ["deepstyle", "python", "packages", "torch", "torchvision", "device", "memory", "disk"]
    assert {"workspace", "openvino", "detectron2", "video", "onnx"} <= set(names)
    assert not (tmp_path / "w").exists()


def test_programs_read_the_findings(tmp_path: Path) -> None:
    """--json is one object with every finding, and counts what the workspace holds."""
    with Catalog(tmp_path):
        pass
    code, told = doctor(tmp_path, "--json")
    found = {one["name"]: one for one in json.loads(told)["findings"]}

    assert code == 0
    assert json.loads(told)["usable"] is True
    assert found["workspace"]["value"].startswith("0 photos, 0 garments")


def test_a_broken_catalog_is_a_problem_and_exits_1(tmp_path: Path) -> None:
    """A catalog that cannot be read is a problem with a remedy; exit 1."""
    (tmp_path / "catalog.sqlite").write_bytes(b"something else" * 200)
    code, told = doctor(tmp_path, "--json")
    found = {one["name"]: one for one in json.loads(told)["findings"]}

    assert code == 1
    assert found["workspace"]["outcome"] == "problem"
    assert found["workspace"]["remedy"]


@pytest.mark.parametrize(("version", "outcome"), [(None, "problem"), ("1.9", "problem"), ("999.0", "ok")])
def test_a_package_that_is_missing_or_too_old_is_named(tmp_path: Path, version: str | None, outcome: str) -> None:
    """A needed package that is not there, or too old, is a problem whose remedy installs it."""
    found = look(tmp_path, installed=lambda name: version if name == "lightning" else installed_version(name))[
        "packages"
    ]

    assert found.outcome == outcome
    assert ("lightning>=" in found.value) == ("pip install 'lightning>=" in found.remedy) == (outcome == "problem")


def test_an_extra_that_is_missing_says_what_it_is_for(tmp_path: Path) -> None:
    """An optional package that is not there is no problem; its line says what for, and how to get it."""
    found = look(tmp_path, installed=lambda name: None if name == "av" else installed_version(name))["video"]

    assert found.outcome == "no"
    assert "sample --video" in found.remedy
    assert "deepstyle[video]" in found.remedy


def test_little_memory_and_disk_are_told(tmp_path: Path) -> None:
    """Where memory or disk is nearly used up, the line says so and what to do."""
    low = look(tmp_path, memory=lambda: (8 * GIGABYTE, GIGABYTE), disk=lambda _: GIGABYTE)
    fine = look(tmp_path, memory=lambda: (8 * GIGABYTE, 4 * GIGABYTE), disk=lambda _: 4 * GIGABYTE)

    assert (low["memory"].outcome, low["disk"].outcome) == ("no", "no")
    assert (low["memory"].value, low["disk"].value[:11]) == ("1.0 GB available of 8.0 GB", "1.0 GB free")
    assert "batch_size" in low["memory"].remedy
    assert "-w" in low["disk"].remedy
    assert (fine["memory"].outcome, fine["disk"].outcome) == ("ok", "ok")


def test_memory_is_what_the_system_says() -> None:
    """Available memory is part of the total, where the system says so."""
    known = free_memory()

    assert known is None or 0 < known[1] <= known[0]


def test_a_torch_that_cannot_be_imported_is_a_problem(tmp_path: Path) -> None:
    """A torch that fails to import becomes a line with a remedy and exit 1, not a traceback."""
    (tmp_path / "broken" / "torch").mkdir(parents=True)
    (tmp_path / "broken" / "torch" / "__init__.py").write_text("raise ImportError('libtorch.so: cannot open')")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from deepstyle.cli import main; main()"
    words = [str(tmp_path / "broken"), "-w", str(tmp_path / "w"), "doctor"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "problem  torch" in done.stdout
    assert "cannot open" in done.stdout
    assert "pip install" in done.stdout
    assert "Traceback" not in done.stderr
