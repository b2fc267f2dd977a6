"""The device, its precision and its randomness, through Lightning's Fabric: one place for all trainers."""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from datetime import timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import MixedPrecision
from lightning.fabric.strategies.ddp import DDPStrategy
from numpy.typing import NDArray
from torch import Tensor

from deepstyle.config import Precision
from deepstyle.errors import ConfigError, UsageError
from deepstyle.machine import in_bfloat, threads

V = TypeVar("V")
PATIENCE = timedelta(hours=12)  # how long processes wait for the one that evaluates; when one ends, torchrun ends all


class Stream(IntEnum):
    """What random numbers are for: each use has a stream of its own. The values decide what a seed means, for ever.

    A training photo's view has none of these: it depends on (seed, step, place in the batch).
    """

    ORDER = 1  # in which order an epoch shows the images
    STEP = 2  # what a step draws itself: a GAN's latents and augmentation, a classifier's views
    PROPOSALS = 3  # which of its proposals a detector learns from
    SETTLE = 4  # latents whose images set the new norm of a generator that grows


class Autocast(MixedPrecision):
    """Mixed precision that leaves the inputs alone: box coordinates do not survive a cast to bfloat16."""

    def convert_input(self, data: Any) -> Any:
        """Hand the inputs on as they are."""
        return data


def make_fabric(precision: Precision) -> Fabric:
    """A Fabric on the best device here: one process, or as many as `torchrun` started (DDP, on one node or several).

    On a CPU OMP_NUM_THREADS says how many threads compute; without it torch takes every core, here no more than a container
    is granted. Raises UsageError when `torchrun` started more processes on this machine than it has GPUs.
    """
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    cuda = torch.cuda.is_available()
    torch.set_num_threads(threads())
    mixed = in_bfloat(precision)
    plugins: list[Any] = [Autocast("bf16-mixed", "cuda" if cuda else "cpu")] if mixed else []
    world, here = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if cuda and here > torch.cuda.device_count():
        raise UsageError(
            f"torchrun started {here} processes for {torch.cuda.device_count()} GPUs; lower --nproc-per-node"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hardware advice of the library, not about this run
        fabric = Fabric(
            accelerator="cuda" if cuda else "cpu", devices=here, num_nodes=world // here,
            strategy=DDPStrategy(timeout=PATIENCE) if world > 1 else "auto", plugins=plugins,
        )  # fmt: skip
        fabric.launch()
    return fabric


def agreed(fabric: Fabric, value: V) -> V:
    """The first process's value, on all processes (with one process: the value)."""
    return fabric.broadcast(value) if fabric.world_size > 1 else value


def averaged(fabric: Fabric, tensor: Tensor) -> Tensor:
    """The mean of a tensor over all processes, on each of them."""
    return torch.as_tensor(fabric.all_reduce(tensor, reduce_op="mean")) if fabric.world_size > 1 else tensor


def share_of(fabric: Fabric, batch: int) -> slice:
    """Which part of a global batch this process works on. Raises ConfigError when the processes cannot share it evenly."""
    if batch % fabric.world_size:
        raise ConfigError(f"batch_size {batch} cannot be shared by {fabric.world_size} processes; make it a multiple")
    size = batch // fabric.world_size
    return slice(fabric.global_rank * size, (fabric.global_rank + 1) * size)


def seeded(seed: int, *numbers: int, device: torch.device | None = None) -> torch.Generator:
    """A generator that depends on (seed, numbers) alone, so a step's randomness never depends on how we got there.

    The first number is a Stream.
    """
    text = ",".join(str(number) for number in (seed, *numbers))
    value = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator(device or torch.device("cpu")).manual_seed(value)


def batch_indices(images: int, batch: int, total: int, seed: int) -> NDArray[np.int64]:
    """Which of ``total`` images the next ``batch`` shows after ``images`` seen: one random order after another."""
    places = np.arange(images, images + batch)
    indices = np.empty(batch, np.int64)
    for epoch in np.unique(places // total):
        here = places // total == epoch
        indices[here] = _order(int(epoch), total, seed)[places[here] % total]
    return indices


@lru_cache(maxsize=4)
def _order(epoch: int, total: int, seed: int) -> NDArray[np.int64]:
    """The order of an epoch, kept because every step of the epoch asks for it."""
    order: NDArray[np.int64] = torch.randperm(total, generator=seeded(seed, Stream.ORDER, epoch)).numpy()
    return order
