"""The detectron2 backend of the Detector protocol (edge): any yaml and weights of it, in a model folder of ours.

A folder holds ``model.json``, ``config.yaml`` (ours), ``detectron2.yaml`` (detectron2's settings, complete) and
``weights.safetensors``. detectron2 is imported here and in detectron2_train.py only, inside functions.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from deepstyle import weights
from deepstyle.about import CARD, name_of, today
from deepstyle.boxes import Box
from deepstyle.catalog import Catalog
from deepstyle.config import Detectron2Config, to_yaml
from deepstyle.detector.card import imported_card
from deepstyle.detector.foreign_weights import read_foreign
from deepstyle.errors import ConfigError, ModelError, UsageError
from deepstyle.images import Pixels

INSTALL = (
    "python -m pip install 'setuptools<82' wheel && "
    "python -m pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2.git'"
)
SETTINGS = "detectron2.yaml"


def require_detectron2() -> None:
    """Import detectron2, quietly. Raises UsageError with the command that installs it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its use of older torch and setuptools, which is not about this run
            import detectron2.checkpoint
            import detectron2.model_zoo
            import detectron2.modeling  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"this needs detectron2, which is on no package index ({error}); where torch is installed, run: {INSTALL}"
        ) from error


def read_settings(source: str | Path, labels: Sequence[str]) -> Any:
    """A detectron2 ``CfgNode`` from a yaml file or a model zoo name, for these labels and this machine's device.

    Raises ConfigError naming the yaml. Its yaml is read safely: a tag that would run code is refused.
    """
    require_detectron2()
    import yaml
    from detectron2 import model_zoo
    from detectron2.config import get_cfg

    cfg = get_cfg()
    try:
        path = str(source) if Path(source).is_file() else model_zoo.get_config_file(str(source))
        cfg.merge_from_file(path, allow_unsafe=False)
    except RuntimeError as error:
        raise ConfigError(f"yaml: {source} is neither a file nor in detectron2's model zoo") from error
    except (OSError, KeyError, ValueError, AssertionError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: detectron2 does not read this yaml ({error})") from error
    cfg.MODEL.DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
    cfg.MODEL.MASK_ON = cfg.MODEL.KEYPOINT_ON = False
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = cfg.MODEL.RETINANET.NUM_CLASSES = len(labels)
    return cfg


def build_detectron2(cfg: Any) -> nn.Module:
    """The network that a ``CfgNode`` describes, with random weights, on ``cfg.MODEL.DEVICE``."""
    from detectron2.modeling import build_model

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network: nn.Module = build_model(cfg)
    except (KeyError, ValueError, AssertionError, TypeError) as error:
        raise ConfigError(f"{SETTINGS}: detectron2 cannot build this network ({error!r})") from error
    return network


def fill_detectron2(network: nn.Module, path: Path, *, partly: bool) -> int:
    """Load foreign weights; returns how many tensors fitted. ``partly`` allows a backbone or other labels.

    Weights of the model zoo that carry other names are matched by detectron2's own rules. Raises ModelError.
    """
    from detectron2.checkpoint.c2_model_loading import align_and_update_state_dicts

    found, author = read_foreign(path)
    own = network.state_dict()
    if author and author != "deepstyle" and not set(own) <= set(found):
        found = align_and_update_state_dicts(own, found, c2_conversion=author == "Caffe2")
    fitting = {key: found[key] for key in own if key in found and found[key].shape == own[key].shape}
    computed = {key for key in own if key.endswith("num_batches_tracked")} | {"pixel_mean", "pixel_std"}
    missing = [key for key in own if key not in fitting and key not in computed]
    if not fitting or (missing and not partly):
        raise ModelError(f"{path}: these weights belong to another network: no {missing[0]} of its shape among them")
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def save_detectron2(
    folder: Path, network: nn.Module, cfg: Any, config: Detectron2Config, labels: tuple[str, ...], figures: Mapping[str, Any],
    *, card: Mapping[str, str],
) -> None:  # fmt: skip
    """Write a model folder whole, with its ``card``; nothing in it names this machine."""
    portable = cfg.clone()
    portable.defrost()
    portable.MODEL.WEIGHTS, portable.MODEL.DEVICE = "", "cpu"
    weights.save_model(
        folder, network, config_yaml=to_yaml(config), labels=labels,
        extra={SETTINGS: portable.dump(), **card},
        about={"backend": "detectron2", "figures": dict(figures)},
    )  # fmt: skip


def import_detectron2(catalog: Catalog, name: str, *, yaml: Path, path: Path, labels: tuple[str, ...]) -> Path:
    """Make the model folder ``models/<name>`` of anybody's yaml and weights, in the order of ``labels``; returns it."""
    cfg = read_settings(yaml, labels)
    network = build_detectron2(cfg)
    fill_detectron2(network, path, partly=False)
    folder = catalog.root / "models" / name
    card = imported_card(name, labels, network=yaml.name, source=path.name, day=today())
    save_detectron2(folder, network, cfg, Detectron2Config(yaml=yaml.name), labels, {}, card={CARD: card})
    catalog.put_model(name, "detector", {"imported": path.name})
    return folder


class Detectron2Detector:
    """A detectron2 network; ``detect`` never changes it. ``name`` is ``<folder>@<digest of the weights>``."""

    def __init__(self, network: nn.Module, cfg: Any, labels: tuple[str, ...], name: str) -> None:
        from detectron2.data.transforms import ResizeShortestEdge

        self.name, self.labels = name, labels
        self._network, self._rgb = network.eval(), cfg.INPUT.FORMAT == "RGB"
        sides = [cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MIN_SIZE_TEST]
        self._resize = ResizeShortestEdge(sides, cfg.INPUT.MAX_SIZE_TEST)

    @classmethod
    def load(cls, folder: Path, labels: tuple[str, ...]) -> Self:
        """Load a model folder; ``labels`` as its model.json has them.

        Raises UsageError without detectron2, ModelError for an incomplete folder.
        """
        if not (folder / SETTINGS).is_file():
            raise ModelError(f"{folder} is not a complete model folder (no {SETTINGS}); import or train it again")
        cfg = read_settings(folder / SETTINGS, labels)
        network = build_detectron2(cfg)
        weights.load_weights(folder / "weights.safetensors", network)
        return cls(network, cfg, labels, name_of(folder))

    @torch.inference_mode()
    def detect(self, photos: Sequence[Pixels]) -> list[list[Box]]:
        """Boxes of each photo (uint8 HWC RGB), best score first, in that photo's pixels; all in one forward pass."""
        if not photos:
            return []
        found = self._network([self._input(photo) for photo in photos])
        return [self._boxes(row["instances"]) for row in found]

    def _input(self, photo: Pixels) -> dict[str, Any]:
        """What detectron2's models take: float32 CHW in [0, 255], BGR unless the yaml says RGB."""
        ordered = photo if self._rgb else photo[:, :, ::-1]
        resized = self._resize.get_transform(ordered).apply_image(ordered)
        image: Tensor = torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1), np.float32))
        return {"image": image, "height": photo.shape[0], "width": photo.shape[1]}

    def _boxes(self, found: Any) -> list[Box]:
        rows = zip(
            found.pred_boxes.tensor.tolist(), found.pred_classes.tolist(), found.scores.tolist(), strict=True
        )  # fmt: skip
        boxes = [
            Box(x0=c[0], y0=c[1], x1=c[2], y1=c[3], label=self.labels[k], score=min(1.0, score)) for c, k, score in rows
        ]
        return sorted(boxes, key=lambda box: -box.score)
