"""Weights of others: read as plain tensors, never run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deepstyle.detector.foreign_weights import read_foreign
from deepstyle.errors import ModelError

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


class Trap:
    """An object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def put(path: Path, value: Any) -> Path:
    path.write_bytes(pickle.dumps(value))
    return path


def test_every_form_gives_the_same_tensors(tmp_path: Path) -> None:
    """A zoo pickle, a Detectron 1 pickle, a .pth and a .safetensors hold the same tensor; pickles say who wrote them."""
    torch.save({"model": {"a": torch.from_numpy(WEIGHTS)}, "iteration": 3}, tmp_path / "c.pth")
    save_file({"a": torch.from_numpy(WEIGHTS)}, tmp_path / "d.safetensors")
    forms = {
        put(tmp_path / "a.pkl", {"model": {"a": WEIGHTS}, "__author__": "zoo"}): "zoo",
        put(tmp_path / "b.pkl", {"blobs": {"a": WEIGHTS, "a_momentum": WEIGHTS}}): "Caffe2",
        tmp_path / "c.pth": "",
        tmp_path / "d.safetensors": "",
    }
    for path, author in forms.items():
        found, wrote = read_foreign(path)
        assert list(found) == ["a"]
        assert torch.equal(found["a"], torch.from_numpy(WEIGHTS))
        assert wrote == author


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
def test_code_in_a_file_is_not_run(tmp_path: Path, suffix: str) -> None:
    """A pickle that would run code is refused by name, and the code has not run."""
    path = put(tmp_path / f"bad{suffix}", {"model": {"a": WEIGHTS, "b": Trap(tmp_path / "made")}})
    with pytest.raises(ModelError, match=f"bad{suffix}"):
        read_foreign(path)

    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps([1]), pickle.dumps({"model": {}}), pickle.dumps({"model": 3})]
)
def test_files_without_weights_are_named(tmp_path: Path, content: bytes) -> None:
    """An empty file, a text, and pickles without tensors raise ModelError with the file's name."""
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.pkl"):
        read_foreign(path)
