"""The list of models: of the workspace, and of the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.errors import UsageError
from deepstyle.status import find_model, models_of, packaged_models, read_model

ABOUT = {"labels": ["upper", "full"], "backend": "torchvision", "figures": {"ap": 0.5, "ap50": 0.75, "photos": 9}}


def model(folder: Path, about: object = ABOUT) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(about))
    (folder / "weights.safetensors").write_bytes(bytes(1000))
    return folder


def test_a_folder_is_described_by_its_own_words(tmp_path: Path) -> None:
    """Kind, backend, labels, the figures of the validation and the size come from the folder alone."""
    folder = model(tmp_path / "shipped" / "small")
    (one,) = packaged_models(tmp_path / "shipped")

    assert (one.name, one.kind, one.backend, one.labels) == ("small", "detector", "torchvision", ("upper", "full"))
    assert one.figures == {"ap": 0.5, "ap50": 0.75}
    assert one.size == 1000 + (folder / "model.json").stat().st_size
    assert one.packaged
    assert packaged_models(tmp_path / "nothing") == []


def test_broken_folders_are_named(tmp_path: Path) -> None:
    """A folder that is gone, or whose description is no JSON object, has a problem and stops no list."""
    wrong: list[object] = [[], "text", {"figures": 3}]
    for about in wrong:
        assert "complete" in read_model(model(tmp_path / str(about), about)).problem
    assert "complete" in read_model(tmp_path / "gone", kind="classifier").problem


def test_the_command_lists_the_workspace_newest_first(tmp_path: Path) -> None:
    """`deepstyle models` shows workspace models newest first, a lost one with its problem; --json is for programs."""
    now = iter(range(9))
    with Catalog(tmp_path, clock=lambda: float(next(now))) as catalog:
        for name in ("old", "new", "lost"):
            catalog.put_model(name, "detector", {})
        model(tmp_path / "models" / "old")
        model(tmp_path / "models" / "new")
        assert [one.name for one in models_of(catalog)] == ["lost", "new", "old"]
    told = CliRunner().invoke(main, ["-w", str(tmp_path), "models"])
    found = json.loads(CliRunner().invoke(main, ["-w", str(tmp_path), "models", "--json"]).stdout)["models"]

    assert told.exit_code == 0, told.output
    assert "ap 0.500, ap50 0.750" in told.output
    assert "train it again" in told.output
    assert [one["name"] for one in found if not one["packaged"]] == ["lost", "new", "old"]


def test_without_a_workspace_none_is_made(tmp_path: Path) -> None:
    """Looking for models creates nothing."""
    told = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "models"])

    assert told.exit_code == 0
    assert not (tmp_path / "w").exists()


def test_a_name_is_looked_up_in_the_workspace_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workspace, then package, then path; a copied folder needs no row; the kind must fit, and what is known is told."""
    monkeypatch.chdir(tmp_path)
    model(tmp_path / "garments-lite")
    model(tmp_path / "other", {"labels": [], "kind": "gan"})
    with Catalog(tmp_path / "w") as catalog:
        assert find_model(catalog, "garments-lite", flag="--x").parent.name == "models"
        assert find_model(catalog, "./garments-lite", flag="--x") == Path("garments-lite")
        model(tmp_path / "w/models/garments-lite")
        model(tmp_path / "w/models/other", {"labels": [], "kind": "gan"})
        catalog.put_model("garments-lite", "detector", {})

        assert find_model(catalog, "garments-lite", flag="--x") == tmp_path / "w/models/garments-lite"
        assert find_model(catalog, "other", flag="--x", kind="gan") == tmp_path / "w/models/other"
        with pytest.raises(UsageError, match=r"--x other: .* is a gan, not a detector"):
            find_model(catalog, "other", flag="--x", kind="detector")
        model(tmp_path / "w/models/empty", {})
        with pytest.raises(UsageError, match=r"--x empty: .*empty is not a complete model folder"):
            find_model(catalog, "empty", flag="--x", kind="detector")
        with pytest.raises(UsageError, match=r"--x nobody: no detector of that name.*known are garments-lite; train"):
            find_model(catalog, "nobody", flag="--x", kind="detector", remedy="train one")
