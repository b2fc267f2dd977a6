"""What this machine computes with: device, threads, precision; without the training engine, which use has no need of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import torch

from deepstyle.config import Precision


def in_bfloat(precision: Precision) -> bool:
    """Whether a model of that precision computes in bfloat16 here: ``auto`` does where the processor does."""
    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def threads_for(cores: int, limits: Iterable[str]) -> int:
    """How many threads may compute at once: all the cores, or fewer where a cgroup grants less time than that.

    ``limits`` are cpu.max files of cgroups (version 2): microseconds granted and the period, "50000 100000", or "max 100000".
    """
    granted = [int(quota) / int(period) for quota, period in map(str.split, limits) if quota != "max"]
    return max(1, min([cores, *map(round, granted)]))


def _limits() -> Iterator[str]:
    """The cpu.max of this process's cgroup and of those above it, where the system has them."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::")[2].strip()
    except OSError:
        return
    folder = Path("/sys/fs/cgroup") / own.lstrip("/")
    while folder.is_relative_to("/sys/fs/cgroup"):
        with suppress(OSError):
            yield (folder / "cpu.max").read_text(encoding="utf-8")
        folder = folder.parent


def threads() -> int:
    """How many threads compute here: what OMP_NUM_THREADS says, else every core, or no more than a container is granted."""
    here = torch.get_num_threads()
    return here if "OMP_NUM_THREADS" in os.environ else threads_for(here, _limits())


def best_device() -> torch.device:
    """The device to use a network on: this process's GPU, or the CPU with as many threads as ``threads`` says."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    torch.set_num_threads(threads())
    return torch.device("cpu")
