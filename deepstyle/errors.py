"""The error tree. Edges translate foreign errors into these with ``from``; only ``cli.py`` turns them into exits.

DeepstyleError                  a failed job, exit 1
├── UsageError                  wrong use, exit 2: a flag, a URL, a missing earlier stage
│   └── ConfigError             a preset, a config file or a --set value
├── InputError                  a file or folder given by the user is not what it must be
│   └── ImageError              bytes that are no usable image (broken, too large, not an image)
├── StorageError                a file or folder cannot be written: the disk is full, a right is missing
├── CatalogError                the workspace's ledger cannot be opened or is of another version
├── ModelError                  weights or checkpoint: unsafe, from another model, incomplete
└── TrainingError               training went wrong (a loss is not finite, no data left)

Every message names the file or flag it is about, and the remedy. An expected failure (a dead link, a broken photo among
thousands) is data in the catalog, never an exception that leaves its stage.
"""

from __future__ import annotations


class DeepstyleError(Exception):
    """Root of every error deepstyle raises on purpose."""


class UsageError(DeepstyleError):
    """The command was used wrongly; the message says which flag and what to do instead."""


class ConfigError(UsageError):
    """A preset, config file or ``--set`` value is unknown, malformed or out of bounds."""


class InputError(DeepstyleError):
    """A file or folder given by the user is missing or not of the expected form."""


class ImageError(InputError):
    """Bytes that cannot be used as an image. ``reason`` is a short code for the catalog: broken, bomb, not-image."""

    def __init__(self, message: str, reason: str = "broken") -> None:
        super().__init__(message)
        self.reason = reason


class StorageError(DeepstyleError):
    """A file or folder cannot be written; the message says why and what to do."""


class CatalogError(DeepstyleError):
    """The workspace's catalog cannot be opened, or was written by a newer deepstyle."""


class ModelError(DeepstyleError):
    """Weights or a checkpoint that cannot be loaded: unsafe, incomplete, or from another model."""


class TrainingError(DeepstyleError):
    """Training cannot start or go on: no usable data, or a loss that is not finite."""
