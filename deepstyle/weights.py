"""Weights on disk: safetensors for models, ``weights_only`` checkpoints for resuming. Opening one runs no foreign code."""

from __future__ import annotations

import io
import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from deepstyle import images
from deepstyle.errors import ModelError
from deepstyle.files import put_file, put_folder


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write tensors to a safetensors file that appears whole; float tensors keep their dtype."""
    put_file(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name. Raises ModelError when it is unreadable."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: no readable safetensors file ({error}); train the model again") from error


def name_of(folder: Path) -> str:
    """``<folder>@<digest of its weights>``: what a model's results are kept under."""
    return f"{folder.name}@{images.sha256((folder / 'weights.safetensors').read_bytes())[:8]}"


def load_weights(path: Path, module: nn.Module) -> None:
    """Fill ``module`` from a safetensors file. Raises ModelError when it is unreadable or of another model."""
    fill(module, read_weights(path), origin=str(path))


def fill(module: nn.Module, state: Mapping[str, Tensor], *, origin: str) -> None:
    """Load a state dict strictly; a mismatch becomes a ModelError that names the first difference."""
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(f"{origin}: these weights belong to another model: {reason}") from error


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a dict of state dicts and plain values; it appears whole."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    put_file(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only=True`` onto the CPU.

    Raises ModelError for anything that is not tensors and plain values (a pickle payload is refused, not run).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a foreign pickle protocol, which is refused right after
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: refused, it holds more than tensors and plain values (code could run)") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path}: not a readable checkpoint ({error}); delete it to resume from the one before"
        ) from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: not a deepstyle checkpoint")
    return state


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Float tensors of two or more dimensions as float16 (half the bytes); norms, biases and statistics stay exact."""
    return {name: t.half() if t.is_floating_point() and t.dim() > 1 else t for name, t in state.items()}


def save_model(
    folder: Path, module: nn.Module, *, config_yaml: str, labels: tuple[str, ...], about: Mapping[str, Any],
    half: bool = False, extra: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write a model folder whole: weights.safetensors (float16 with ``half``), config.yaml, model.json (labels, figures).

    ``extra`` texts stand beside them, by file name.
    """

    def fill_in(place: Path) -> None:
        state = module.state_dict()
        save_weights(place / "weights.safetensors", halved(state) if half else state)
        put_file(place / "config.yaml", config_yaml.encode())
        for name, text in (extra or {}).items():
            put_file(place / name, text.encode())
        put_file(place / "model.json", json.dumps({"labels": list(labels), **about}, indent=2).encode())

    put_folder(folder, fill_in)


def read_about(folder: Path) -> dict[str, Any]:
    """The model.json of a model folder. Raises ModelError when the folder is no complete model."""
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if not isinstance(about["labels"], list):
            raise TypeError("labels is no list")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder} is not a complete model folder ({error}); train it again") from error
    return dict(about)
