"""Finding a detector's folder by name, and loading it with the backend it was trained for, now or when a photo comes (edge)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from deepstyle.about import config_file, detector_name, read_about
from deepstyle.boxes import Box, Detector
from deepstyle.catalog import Catalog
from deepstyle.config import DetectorConfig, load_config
from deepstyle.errors import ModelError, UsageError
from deepstyle.images import Pixels
from deepstyle.status import find_model, newest_model

Engine = Literal["torch", "openvino"]
SHIPPED = "garments-lite"  # the detector that comes with the package


def load_detector(folder: Path, *, engine: Engine = "torch") -> Detector:
    """Load a detector folder with the backend it was trained for; ``engine`` is what runs a torchvision network.

    Raises ModelError naming the folder, UsageError for an engine that is not installed or not for this backend.
    """
    about = read_about(folder)
    backend, labels = about.get("backend"), tuple(str(label) for label in about["labels"])
    if engine == "openvino":
        if backend != "torchvision":
            raise UsageError(f"--engine openvino: {folder} is a {backend} detector; only torchvision's can be exported")
        from deepstyle.detector.openvino_backend import OpenvinoDetector

        return OpenvinoDetector.load(folder, labels)
    if backend == "torchvision":
        from deepstyle.detector.torchvision_backend import TorchvisionDetector

        return TorchvisionDetector.load(folder, labels)
    if backend == "detectron2":
        from deepstyle.detector.detectron2_backend import Detectron2Detector

        return Detectron2Detector.load(folder, labels)
    raise ModelError(f"{folder}: unknown backend {backend!r}; train the detector again")


class LateDetector:
    """A detector whose network is read when the first photo comes: cutting again by other rules needs none, nor torch.

    Raises ModelError naming the folder when it is no complete model; what ``load_detector`` raises, ``detect`` does.
    """

    def __init__(self, folder: Path, *, engine: Engine = "torch") -> None:
        about = read_about(folder)
        self.name, self.labels = detector_name(folder), tuple(str(label) for label in about["labels"])
        known = about.get("backend") == "torchvision"
        self.input_side = load_config(DetectorConfig, config_file(folder)).image_size if known else None
        self._folder, self._engine = folder, engine

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """Boxes of each photo (uint8 HWC RGB), best score first, in that photo's pixels."""
        return self._network.detect(photos)

    @cached_property
    def _network(self) -> Detector:
        return load_detector(self._folder, engine=self._engine)


def find_detector(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of a detector: the named one (of the workspace, of the package, or a folder's path), or the newest.

    A workspace without a detector of its own gets the one that ships. Raises UsageError with the remedy.
    """
    if name is None and (folder := newest_model(catalog, "detector")) is not None:
        return folder
    remedy = "or train one with `deepstyle train-detector TRAIN.json --val VAL.json`"
    return find_model(catalog, name or SHIPPED, flag="--detector", kind="detector", remedy=remedy)
