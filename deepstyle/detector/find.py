"""Finding a detector's folder by name, and loading it with the backend it was trained for (edge)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from deepstyle import weights
from deepstyle.boxes import Detector
from deepstyle.catalog import Catalog
from deepstyle.errors import ModelError, UsageError
from deepstyle.status import find_model

SHIPPED = "garments-lite"  # the detector that comes with the package


def load_detector(folder: Path, *, engine: Literal["torch", "openvino"] = "torch") -> Detector:
    """Load a detector folder with the backend it was trained for; ``engine`` is what runs a torchvision network.

    Raises ModelError naming the folder, UsageError for an engine that is not installed or not for this backend.
    """
    about = weights.read_about(folder)
    backend = about.get("backend")
    if engine == "openvino":
        if backend != "torchvision":
            raise UsageError(f"--engine openvino: {folder} is a {backend} detector; only torchvision's can be exported")
        from deepstyle.detector.openvino_backend import OpenvinoDetector

        return OpenvinoDetector.load(folder)
    if backend == "torchvision":
        from deepstyle.detector.torchvision_backend import TorchvisionDetector

        return TorchvisionDetector.load(folder)
    if backend == "detectron2":
        from deepstyle.detector.detectron2_backend import Detectron2Detector

        return Detectron2Detector.load(folder)
    raise ModelError(f"{folder}: unknown backend {backend!r}; train the detector again")


def find_detector(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of a detector: the named one (of the workspace, of the package, or a folder's path), or the newest.

    A workspace without a detector of its own gets the one that ships. Raises UsageError with the remedy.
    """
    if name is None and (record := catalog.model("detector")) is not None:
        return catalog.path(record.path)
    remedy = "or train one with `deepstyle train-detector TRAIN.json --val VAL.json`"
    return find_model(catalog, name or SHIPPED, flag="--detector", kind="detector", remedy=remedy)
