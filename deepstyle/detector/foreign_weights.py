"""Weights that others saved (.safetensors, .pth, .pkl) -> tensors by name, without running any of their code (edge)."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from deepstyle import weights
from deepstyle.errors import ModelError

# All that a pickle of arrays needs: what builds an array, a number, a text. Nothing here calls anything.
HARMLESS = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("collections", "OrderedDict"), ("_codecs", "encode"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
}  # fmt: skip


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only the names in HARMLESS; numpy's old module names lead to the new ones."""
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def read_foreign(path: Path) -> tuple[dict[str, Tensor], str]:
    """Read a weights file: tensors by name, and who wrote it (``__author__`` of detectron2's model zoo; ``""`` otherwise).

    A .pkl is read as plain arrays, a .pth with ``weights_only=True``; a ``model`` entry is unpacked. Raises ModelError
    naming the file when it is unreadable or holds more than arrays.
    """
    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path)), ""
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path}: no readable safetensors file ({error})") from error
    state = _unpickle(path) if path.suffix == ".pkl" else weights.load_checkpoint(path)
    author = str(state.get("__author__", "Caffe2" if path.suffix == ".pkl" else ""))  # Detectron 1's files say nothing
    inner = state.get("model", state.get("blobs", state))
    if not isinstance(inner, Mapping):
        raise ModelError(f"{path}: its `model` is a {type(inner).__name__}, not tensors by name")
    found = {str(key): _tensor(value) for key, value in inner.items() if isinstance(value, Tensor | np.ndarray)}
    if not found:
        raise ModelError(f"{path}: holds no tensors by name; give the file that detectron2's training saved")
    return {key: value for key, value in found.items() if not key.endswith("_momentum")}, author


def _tensor(value: Tensor | np.ndarray[Any, Any]) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


def _unpickle(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            state = _ArraysOnly(file, encoding="latin1").load()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise ModelError(f"{path}: refused, it is no pickle of plain arrays ({error}); code could run") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: no weights by name, but a {type(state).__name__}")
    return state
