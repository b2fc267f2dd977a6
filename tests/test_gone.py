"""Models and runs whose folders somebody deleted: the catalog still knows them, and no command fails for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.detector.find import find_detector
from deepstyle.errors import UsageError
from deepstyle.run import Run
from deepstyle.source import find_source
from deepstyle.status import find_generator, find_model, find_run, passed_over

GONE = "is gone; put it back, or train it again"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two GAN runs, classifiers and detectors, of which the folder of the newest is gone each time."""
    with Catalog(tmp_path, clock=iter(range(100)).__next__) as catalog:
        for name in ("old", "new"):
            catalog.put_run(f"gan-{name}", "gan", status="done", images=5, figures={})
            for kind in ("classifier", "detector"):
                catalog.put_model(f"{kind}-{name}", kind, {})
        for folder in ("runs/gan-old", "models/classifier-old", "models/detector-old"):
            (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_the_newest_is_the_newest_that_is_there(workspace: Path) -> None:
    """Without a name the newest run, classifier and detector are taken whose folders stand."""
    with Catalog(workspace) as catalog:
        assert find_run(catalog) == workspace / "runs/gan-old"
        assert find_classifier_folder(catalog) == workspace / "models/classifier-old"
        assert find_detector(catalog) == workspace / "models/detector-old"


def test_what_is_passed_over_is_told_with_the_remedy(workspace: Path) -> None:
    """One sentence for each newer one whose folder is gone; nothing of older ones."""
    with Catalog(workspace) as catalog:
        told = [*passed_over(catalog, "run"), *passed_over(catalog, "classifier")]

    assert told == [f"{name} is passed over: its folder {workspace / place}/{name} {GONE}"
                    for name, place in (("gan-new", "runs"), ("classifier-new", "models"))]  # fmt: skip


def test_one_that_is_named_is_told_to_be_gone(workspace: Path) -> None:
    """By the flag that names it, with the remedy and what is there instead."""
    with Catalog(workspace) as catalog:
        with pytest.raises(UsageError, match=rf"^--run gan-new: its folder .* {GONE}; there are: gan-old$"):
            find_generator(catalog, run="gan-new", model=None)
        with pytest.raises(UsageError, match=rf"^--from gan-new: its folder .* {GONE}, or start from another$"):
            find_source(catalog, "gan-new")
        with pytest.raises(
            UsageError, match=rf"^--classifier classifier-new: its folder .* {GONE}; known are classifier-old"
        ):
            find_model(catalog, "classifier-new", flag="--classifier", kind="classifier")


def test_where_all_are_gone_there_is_none(workspace: Path) -> None:
    """What ships is taken in place of the workspace's; a run has to be trained."""
    for folder in ("runs/gan-old", "models/classifier-old"):
        (workspace / folder).rmdir()
    with Catalog(workspace) as catalog:
        assert find_classifier_folder(catalog).name == "garment-categories"
        with pytest.raises(UsageError, match="no GAN run in"):
            find_run(catalog)


def test_a_new_run_takes_no_name_of_one_that_is_gone(workspace: Path) -> None:
    """A deleted run's row says that it is done: a training that took its name would pass for finished, without a file."""
    config = load_config(GanConfig)
    with Catalog(workspace) as catalog:
        catalog.put_run("gan-001", "gan", status="done", images=5, figures={"images": 5})
        with Run.open(catalog, "gan", config, data_key="d") as run:
            assert run.name == "gan-002"
            assert run.recorded() is None


def test_commands_say_so(workspace: Path) -> None:
    """`status` marks them, for people and programs; `score` says that it passes one over, and goes on with the next."""
    told = CliRunner().invoke(main, ["-w", str(workspace), "status"]).output
    found = json.loads(CliRunner().invoke(main, ["-w", str(workspace), "status", "--json"]).output)
    scored = CliRunner().invoke(main, ["-w", str(workspace), "score"]).output

    assert told.count("; its folder is gone: put it back, or train it again\n") == 3
    assert [found["runs"][f"gan-{name}"].get("gone") for name in ("new", "old")] == [True, None]
    assert "gan-new is passed over" in scored
    assert "classifier-new is passed over" in scored
    assert "gone" not in scored.splitlines()[-1]
