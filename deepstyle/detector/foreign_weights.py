"""Weights that others saved (.safetensors, .pth, .pkl) -> tensors by name, without running any of their code (edge)."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from deepstyle import weights
from deepstyle.errors import InputError, ModelError
from deepstyle.files import open_regular


class _ArraysOnly(pickle.Unpickler):
    """Reads pickles of arrays, numbers and texts: what they may ask for is given by functions of ours, within the file's size.

    numpy's own would make an array of any size for a pickle of a few bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file, encoding="latin1")
        self._left = 2 * size  # a character of Latin 1 is up to two bytes in a pickle
        multiarray = {f"numpy.{core}.multiarray" for core in ("core", "_core")}
        self._known: dict[tuple[str, str], Any] = {
            ("numpy", "dtype"): np.dtype, ("collections", "OrderedDict"): OrderedDict, ("numpy", "ndarray"): None,
            ("_codecs", "encode"): self._encode, **dict.fromkeys(((core, "_reconstruct") for core in multiarray), _empty),
            **dict.fromkeys(((core, "scalar") for core in multiarray), _scalar),
        }  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        """Only what an array, a number or a text is made with."""
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self._known[module, name]

    def _encode(self, text: str, coding: str) -> bytes:
        """Bytes, as Python 2 and old protocols wrote them."""
        self._left -= len(text)
        if self._left < 0 or coding != "latin1":
            raise pickle.UnpicklingError("it unpacks to more than the file holds")
        return text.encode("latin1")


def _empty(_: None, __: tuple[int, ...], ___: bytes) -> np.ndarray[Any, Any]:
    """An array that its state will fill, whatever size is asked for."""
    return np.empty(0)


def _scalar(kind: np.dtype[Any], data: bytes = b"") -> Any:
    return np.frombuffer(data, kind)[0] if data else kind.type()


def read_foreign(path: Path) -> tuple[dict[str, Tensor], str]:
    """Read a weights file: tensors by name, and who wrote it (``__author__`` of detectron2's model zoo; ``""`` otherwise).

    A .pkl is read as plain arrays, a .pth with ``weights_only=True``; a ``model`` entry is unpacked. Raises ModelError
    naming the file when it is unreadable or holds more than arrays.
    """
    if path.suffix == ".safetensors":
        return weights.read_weights(path), ""
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
        with open_regular(path) as file:
            state = _ArraysOnly(file, path.stat().st_size).load()
    except (OSError, InputError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error
    except Exception as error:  # a pickle that is none of ours may raise anything
        raise ModelError(f"{path}: refused, it is no pickle of plain arrays ({error}); code could run") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: no weights by name, but a {type(state).__name__}")
    return state
