"""The Detector: uint8 HWC RGB photos in, boxes out, whatever library does the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from deepstyle import weights
from deepstyle.catalog import Catalog
from deepstyle.crop.boxes import Box
from deepstyle.errors import ModelError, UsageError
from deepstyle.images import Pixels
from deepstyle.status import packaged_models

SHIPPED = "garments-small"  # the detector that comes with the package


class Detector(Protocol):
    """What the crop loop needs of a detector."""

    @property
    def name(self) -> str:
        """Identity of the weights, ``<model>@<digest>``: detections in the catalog are kept under it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The garment labels it can say."""

    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """Boxes of each photo, best score first, in pixels of the photo as given (uint8 HWC RGB, any sizes)."""


def load_detector(folder: Path, *, engine: Literal["torch", "openvino"] = "torch") -> Detector:
    """Load a detector folder with the backend it was trained for; ``engine`` is what runs a torchvision network.

    Raises ModelError naming the folder, UsageError for an engine that is not installed or not for this backend.
    """
    about = weights.read_about(folder)
    backend = about.get("backend")
    if engine == "openvino":
        if backend != "torchvision":
            raise UsageError(f"--engine openvino: {folder} is a {backend} detector; only torchvision's can be exported")
        from deepstyle.crop.openvino_detector import OpenvinoDetector

        return OpenvinoDetector.load(folder)
    if backend == "torchvision":
        from deepstyle.crop.torchvision_detector import TorchvisionDetector

        return TorchvisionDetector.load(folder)
    if backend == "detectron2":
        from deepstyle.crop.detectron2_detector import Detectron2Detector

        return Detectron2Detector.load(folder)
    raise ModelError(f"{folder}: unknown backend {backend!r}; train the detector again")


def find_detector(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of a detector: the named one (of the workspace, of the package, or a folder's path), or the newest.

    A workspace without a detector of its own gets the one that ships. Raises UsageError with the remedy.
    """
    if name is not None and (Path(name) / "model.json").is_file():
        return Path(name)
    if (row := catalog.model("detector", name)) is not None:
        return catalog.path(row["path"])
    shipped = {one.name: Path(one.path) for one in packaged_models() if one.kind == "detector" and not one.problem}
    if (folder := shipped.get(name or SHIPPED)) is not None:
        return folder
    known = [r["name"] for r in catalog.query("SELECT name FROM models WHERE kind = 'detector' ORDER BY name")]
    raise UsageError(
        f"--detector {name or SHIPPED}: no such detector in {catalog.root}; there are: {', '.join([*known, *shipped])}; "
        "or train one with `deepstyle train-detector TRAIN.json --val VAL.json`"
    )
