"""A detector whose network is read when the first photo comes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepstyle import images
from deepstyle.about import detector_name
from deepstyle.catalog import Catalog
from deepstyle.detector.find import LateDetector, find_detector
from deepstyle.errors import ModelError


def shipped(root: Path) -> Path:
    """The folder of the detector that ships, as a workspace without one of its own finds it."""
    with Catalog(root) as catalog:
        return find_detector(catalog)


def test_cutting_again_needs_no_torch(tmp_path: Path) -> None:
    """Other rules are cut from what was found before: neither the network is read nor torch imported."""
    name = detector_name(shipped(tmp_path))
    data = images.encode(np.full((80, 60, 3), 200, np.uint8))
    with Catalog(tmp_path) as catalog:
        catalog.add_photo(
            images.sha256(data), data, extension="png", width=60, height=80, dhash="0" * 16,
            image_url="http://127.0.0.1/a.png", page_url="http://127.0.0.1/",
        )  # fmt: skip
        catalog.detections.add(images.sha256(data), name, [(5.0, 5.0, 50.0, 70.0, "full", 0.95)])
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
