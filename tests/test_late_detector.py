"""A detector whose network is read when the first photo comes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepstyle import images
from deepstyle.about import detector_name
from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.cli import main
from deepstyle.detector.find import LateDetector, find_detector
from deepstyle.errors import ModelError


def shipped(root: Path) -> Path:
    """The folder of the detector that ships, as a workspace without one of its own finds it."""
    with Catalog(root) as catalog:
        return find_detector(catalog)


def look(root: Path) -> None:
    """One photo, on which the detector that ships has found a dress before."""
    name = detector_name(shipped(root))
    data = images.encode(np.full((80, 60, 3), 200, np.uint8))
    with Catalog(root) as catalog:
        catalog.add_photo(
            images.sha256(data), data, extension="png", width=60, height=80, dhash="0" * 16,
            image_url="http://127.0.0.1/a.png", page_url="http://127.0.0.1/",
        )  # fmt: skip
        catalog.detections.add(images.sha256(data), name, [(5.0, 5.0, 50.0, 70.0, "full", 0.95)])


def deepstyle(root: Path, *words: str) -> str:
    result = CliRunner().invoke(main, ["-w", str(root), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_marks_leave_the_rules_of_the_last_crop(tmp_path: Path) -> None:
    """With nothing but --exclude or --review crop keeps the rules of the crop before; any other rule is a new crop."""
    look(tmp_path)
    deepstyle(tmp_path, "crop", "--set", "min_side=8", "--background", "green")
    listed = tmp_path / "list.txt"
    listed.write_text("# nothing\n")
    told = deepstyle(tmp_path, "crop", "--exclude", str(listed))
    with Catalog(tmp_path) as catalog:
        assert "green" in catalog.garments()[0].rule
    assert re.search(r"cut +0 garments", told)

    deepstyle(tmp_path, "crop", "--set", "min_side=8", "--exclude", str(listed))
    with Catalog(tmp_path) as catalog:
        assert "green" not in catalog.garments()[0].rule


def test_categories_that_a_cut_takes_are_told(tmp_path: Path) -> None:
    """A re-cut says how many garments have lost the category that `deepstyle tag` gave their former pictures."""
    look(tmp_path)
    assert "lost their category" not in deepstyle(tmp_path, "crop", "--set", "min_side=8")
    with Catalog(tmp_path) as catalog:
        catalog.tags.put(catalog.garments()[0], CATEGORY, "judge@1", [("Dress", 0.9)])
    told = deepstyle(tmp_path, "crop", "--set", "min_side=8", "--margin", "0.2")

    assert "1 garments have lost their category" in told


def test_cutting_again_needs_no_torch(tmp_path: Path) -> None:
    """Other rules are cut from what was found before: neither the network is read nor torch imported."""
    look(tmp_path)
    script = (
        "import sys\nfrom deepstyle.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    sys.exit(f'exit {end.code}, torch {\"torch\" in sys.modules}')\n"
    )
    words = ["-w", str(tmp_path), "crop", "--set", "min_side=8"]
    done = subprocess.run([sys.executable, "-c", script, *words], check=False, capture_output=True, text=True)

    assert "exit 0, torch False" in done.stderr
    assert len(list(tmp_path.glob("garments/full/*.png"))) == 1


def test_a_broken_network_is_told_when_a_photo_comes(tmp_path: Path) -> None:
    """Name, labels and side of a detector are known before its weights are read; damaged ones are named with the first photo."""
    folder = tmp_path / "eye"
    shutil.copytree(shipped(tmp_path), folder)
    (folder / "weights.safetensors").write_bytes(b"damaged")
    detector = LateDetector(folder)

    assert (detector.name[:4], detector.labels, detector.input_side) == ("eye@", ("upper", "lower", "full"), 256)
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        detector.detect([np.zeros((64, 64, 3), np.uint8)])


def test_a_folder_that_is_no_model_is_told_at_once(tmp_path: Path) -> None:
    """What is no model's folder is refused before any photo is opened."""
    with pytest.raises(ModelError, match="not a complete model folder"):
        LateDetector(tmp_path)
