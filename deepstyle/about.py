"""What a model's folder says of itself: labels, figures, the name of its results (edge). torch is not needed for it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from deepstyle.errors import InputError, ModelError, UsageError
from deepstyle.files import open_regular, read_input, read_json

MASKS = "masks.safetensors"  # a detector's mask head, beside its weights
CARD = "MODEL_CARD.md"
MOST_CARD = 1_000_000_000  # bytes
MOST_LABELS = 10_000


def today() -> str:
    """The day that a model card gives its training: 2026-11-22 (UTC)."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def card_of(folder: Path, others: Iterable[str] = ()) -> dict[str, str]:
    """The card of a model or run, which says of which forgotten photos it knows, as file name -> text; nothing without one.

    ``others``: names of files whose texts come with it, where they are there. Raises InputError when one cannot be read.
    """
    there = [path for name in (CARD, *others) if (path := folder / name).is_file()]
    return {path.name: read_input(path, MOST_CARD, "make it readable").decode("utf-8", "replace") for path in there}


def name_of(folder: Path) -> str:
    """``<folder>@<digest of its weights>``: what a model's results are kept under."""
    return f"{folder.name}@{digest_of(folder / 'weights.safetensors')[:8]}"


def digest_of(path: Path) -> str:
    """The hex SHA-256 of a file. Raises ModelError when it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); train the model again") from error


def detector_name(folder: Path) -> str:
    """What a detector's results are kept under: ``name_of``, and another one once it has a mask head."""
    plain = name_of(folder)
    return f"{plain}+{digest_of(folder / MASKS)[:4]}" if (folder / MASKS).exists() else plain


def config_file(folder: Path) -> Path:
    """The config.yaml of a model folder. Raises ModelError when there is none."""
    path = folder / "config.yaml"
    if not path.is_file():
        raise ModelError(f"{folder} is not a complete model folder (it has no config.yaml); train it again")
    return path


def label_numbers(names: Sequence[str], labels: Sequence[str], model: str) -> list[int]:
    """The numbers of these labels of a generator, in any case. Raises UsageError for one that it does not know, or knows none."""
    if names and not labels:
        raise UsageError(
            f"--label {', '.join(names)}: {model} is told no labels; leave --label out, or train one that is: "
            "`deepstyle train-gan --set condition=label` (or category)"
        )
    cased = {one.lower(): one for one in labels}  # `dress` is Dress, as for train-gan
    found = [next((one for one in labels if one == name), cased.get(name.lower())) for name in names]
    if unknown := [name for name, one in zip(names, found, strict=True) if one is None]:
        raise UsageError(f"--label {', '.join(unknown)}: {model} knows {', '.join(labels)}")
    return [labels.index(one) for one in found if one is not None]


def read_about(folder: Path) -> dict[str, Any]:
    """The model.json of a model folder. Raises ModelError when the folder is no complete model."""
    try:
        about = read_json(folder / "model.json")
        if not isinstance(about["labels"], list) or len(about["labels"]) > MOST_LABELS:
            raise TypeError("labels is no list of a model")
        "".join(about["labels"]).encode()
        if len(set(about["labels"])) != len(about["labels"]):
            raise TypeError("a label stands in it twice")
    except (InputError, ValueError, LookupError, TypeError) as error:
        raise ModelError(f"{folder} is not a complete model folder ({error}); train it again") from error
    return dict(about)
