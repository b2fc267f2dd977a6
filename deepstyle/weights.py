"""Weights on disk: safetensors for models, ``weights_only`` checkpoints for resuming. Opening one runs no foreign code.

A checkpoint ends with a line ``sha256 <digest of all before it>``, so that one damaged byte is noticed; torch reads past
it. Weights that are not finite are refused wherever a network is filled: a detector of NaN finds nothing, and says so.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from deepstyle.errors import InputError, ModelError
from deepstyle.files import open_regular, put_file
from deepstyle.folders import put_folder

SEAL = b"\nsha256 "  # between a checkpoint's bytes and their checksum
SEALED = "sealed"  # key in a checkpoint that has one
MOST_HEAD = 4_000_000  # bytes of the list of tensors; that of a thousand has 100,000
M = TypeVar("M", bound=nn.Module)


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write tensors to a safetensors file that appears whole; float tensors keep their dtype."""
    put_file(path, save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name. Raises ModelError when it is unreadable."""
    outline(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: no readable safetensors file ({error}); train the model again") from error


def outline(path: Path) -> dict[str, Tensor]:
    """Names and shapes of a safetensors file, as tensors without memory (on ``meta``), from its first bytes alone.

    Raises ModelError when it is none.
    """
    try:
        with open_regular(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEAD:
                raise ModelError(f"{path}: no safetensors file of a model, its list of tensors has {length:,} bytes")
            head = json.loads(file.read(length))
        shapes = {name: tuple(entry["shape"]) for name, entry in head.items() if name != "__metadata__"}
        return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    except (OSError, InputError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path}: no readable safetensors file ({error}); train the model again") from error


def loaded(path: Path, build: Callable[[Mapping[str, Tensor]], M]) -> M:
    """The network that ``build`` makes of a file's tensors, filled with them.

    It is built without memory first and compared with the file's outline, so that a config of another network, however
    large, costs nothing. Raises ModelError when the file is unreadable or of another network.
    """
    found = outline(path)
    with torch.device("meta"):
        wanted = build(found).state_dict()
    for name in (*wanted, *found):
        shapes = [tuple(side[name].shape) if name in side else "nothing" for side in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise ModelError(
                f"{path}: these weights belong to another model: {name} is {shapes[0]}, its config says {shapes[1]}"
            )
    state = read_weights(path)
    module = build(state)
    fill(module, state, origin=str(path))
    return module


def load_weights(path: Path, module: nn.Module) -> None:
    """Fill ``module`` from a safetensors file. Raises ModelError when it is unreadable or of another model."""
    fill(module, read_weights(path), origin=str(path))


def fill(module: nn.Module, state: Mapping[str, Tensor], *, origin: str) -> None:
    """Load a state dict strictly; a mismatch becomes a ModelError that names the first difference.

    Raises ModelError, too, when a weight is not finite.
    """
    try:
        module.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        if "key(s)" in reason:  # and then all their names
            reason = reason.partition(",")[0].rstrip(". ")
        raise ModelError(f"{origin}: these weights belong to another model: {reason}") from error
    if (bad := not_finite(state)) is not None:
        raise ModelError(f"{origin}: weights that are not finite ({bad}); train the model again, or name another")


def not_finite(state: Mapping[str, Tensor]) -> str | None:
    """The name of a tensor with a value that is no finite number; None when all are."""
    return next((name for name, t in state.items() if t.is_floating_point() and not t.isfinite().all()), None)


@contextmanager
def restoring(origin: str) -> Iterator[None]:
    """Inside, a checkpoint fills what it was saved from: what it lacks, or holds in another form, becomes a ModelError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise ModelError(
            f"{origin}: not a checkpoint of this training ({type(error).__name__}: {error}); use --fresh for a new run"
        ) from error


def fill_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load an optimiser's state dict. Raises ValueError when it is of other parameters (torch would find out at a step)."""
    optimizer.load_state_dict(state)
    for parameter, kept in optimizer.state.items():
        if odd := [
            name for name, t in kept.items() if isinstance(t, Tensor) and t.dim() and t.shape != parameter.shape
        ]:
            raise ValueError(f"the optimizer's {odd[0]} is of another network")


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a dict of state dicts and plain values, sealed by its checksum; it appears whole."""
    buffer = io.BytesIO()
    torch.save({**state, SEALED: True}, buffer)
    buffer.write(SEAL + hashlib.sha256(buffer.getbuffer()).hexdigest().encode() + b"\n")
    put_file(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only=True`` onto the CPU; one from before there were checksums is read without.

    Raises ModelError for a damaged one, and for anything that is not tensors and plain values (a pickle payload is
    refused, not run).
    """
    try:
        sealed = _sealed(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a foreign pickle protocol, which is refused right after
            state = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: refused, it holds more than tensors and plain values (code could run)") from error
    except Exception as error:  # damaged bytes may raise anything
        raise ModelError(f"{path}: not a readable checkpoint ({error})") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: not a deepstyle checkpoint")
    if state.pop(SEALED, False) and not sealed:
        raise ModelError(f"{path}: damaged, its checksum is gone")
    return state


def _sealed(path: Path) -> bool:
    """Whether the file ends with a checksum. Raises ModelError when it is that of other bytes."""
    length = len(SEAL) + 65  # 64 hexadecimal digits and a line's end
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if zipfile.is_zipfile(file) and sum(one.file_size for one in zipfile.ZipFile(file).infolist()) > size:
            raise ModelError(f"{path}: refused, it unpacks to more than it holds; torch packs nothing")
        file.seek(0)
        body = max(0, size - length)
        digest = hashlib.sha256()
        for start in range(0, body, 1 << 20):
            digest.update(file.read(min(1 << 20, body - start)))
        end = file.read()
    if not end.startswith(SEAL):
        return False
    if end != SEAL + digest.hexdigest().encode() + b"\n":
        raise ModelError(f"{path}: damaged, its checksum is that of other bytes")
    return True


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Float tensors of two or more dimensions as float16 (half the bytes); norms, biases and statistics stay exact."""
    return {name: t.half() if t.is_floating_point() and t.dim() > 1 else t for name, t in state.items()}


def save_model(
    folder: Path, module: nn.Module, *, config_yaml: str, labels: tuple[str, ...], about: Mapping[str, Any],
    half: bool = False, extra: Mapping[str, str] | None = None, beside: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:  # fmt: skip
    """Write a model folder whole: weights.safetensors (float16 with ``half``), config.yaml, model.json (labels, figures).

    ``extra`` texts stand beside them, by file name, and so do the states of other networks, ``beside``.
    """

    def fill_in(place: Path) -> None:
        state = module.state_dict()
        for name, one in {"weights.safetensors": state, **(beside or {})}.items():
            save_weights(place / name, halved(one) if half else dict(one))
        put_file(place / "config.yaml", config_yaml.encode())
        for name, text in (extra or {}).items():
            put_file(place / name, text.encode())
        put_file(place / "model.json", json.dumps({"labels": list(labels), **about}, indent=2).encode())

    put_folder(folder, fill_in)
