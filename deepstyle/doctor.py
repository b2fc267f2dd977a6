"""What `deepstyle doctor` looks at: versions, device, memory, disk, backends, extras, the workspace (edge).

Outcomes of a finding: ``ok``; ``no`` (something optional is not there, or little is left; the remedy says what for);
``problem`` (deepstyle cannot do its work until the remedy is done). torch is imported inside only.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from deepstyle import __version__
from deepstyle.catalog import Catalog
from deepstyle.errors import CatalogError

Installed = Callable[[str], str | None]  # a distribution's name -> its version, None when it is not installed
GIGABYTE = 2**30
LITTLE_MEMORY = 2 * GIGABYTE  # available: with less, training at the presets' sizes may be killed
LITTLE_DISK = 2 * GIGABYTE  # free: with less, snapshots and packed datasets soon find no room
OPTIONAL = {
    "openvino": (("openvino",), "crop --engine openvino", "python -m pip install 'deepstyle[openvino]'"),
    "detectron2": (
        ("detectron2",),
        "its detectors",
        "`deepstyle train-detector --config detectron2-r50-fpn` tells how",
    ),
    "video": (("av",), "sample --video FILE.mp4", "python -m pip install 'deepstyle[video]'"),
    "timm": (("timm",), "networks called timm/NAME", "python -m pip install 'deepstyle[timm]'"),
    "onnx": (("onnx", "onnxscript"), "sample --export onnx", "python -m pip install 'deepstyle[onnx]'"),
}  # backend or extra -> its distributions, what it is for, how to get it


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the examination; ``remedy`` is empty where nothing is to be done."""

    name: str
    outcome: Literal["ok", "no", "problem"]
    value: str
    remedy: str = ""


def installed_version(name: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def free_memory() -> tuple[int, int] | None:
    """Total and available bytes of memory; None where the system does not say (it is Linux that does)."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        total, available = (int(re.findall(rf"{key}: +(\d+) kB", text)[0]) for key in ("MemTotal", "MemAvailable"))
    except (OSError, IndexError):
        return None
    return total * 1024, available * 1024


def examine(
    workspace: Path, *, installed: Installed = installed_version,
    memory: Callable[[], tuple[int, int] | None] = free_memory,
    disk: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> Iterator[Finding]:  # fmt: skip
    """Everything that decides whether deepstyle works here, and how fast; the outside is handed in for tests."""
    yield Finding(name="deepstyle", outcome="ok", value=f"{__version__} in {Path(__file__).parent}")
    yield Finding(name="python", outcome="ok", value=f"{platform.python_version()} ({sys.executable})")
    yield _requirements(installed)
    yield from _device(installed)
    yield _memory(memory())
    yield from _workspace(workspace, disk)
    for name, (parts, purpose, remedy) in OPTIONAL.items():
        versions = [installed(part) for part in parts]
        if all(versions):
            yield Finding(name=name, outcome="ok", value=", ".join(str(one) for one in versions))
        else:
            yield Finding(name=name, outcome="no", value="not installed", remedy=f"only for {purpose}: {remedy}")


def _requirements(installed: Installed) -> Finding:
    """The packages that deepstyle needs, as its own metadata lists them."""
    try:
        wanted = [one for one in metadata.requires("deepstyle") or [] if ";" not in one]
    except metadata.PackageNotFoundError:
        remedy = "python -m pip install --editable . in the folder that holds pyproject.toml"
        return Finding(name="packages", outcome="problem", value="deepstyle is not installed", remedy=remedy)
    lacking = [one for one in wanted if not _satisfied(one, installed)]
    if lacking:
        remedy = "python -m pip install " + " ".join(f"'{one}'" for one in lacking)
        return Finding(
            name="packages", outcome="problem", value=f"missing or too old: {', '.join(lacking)}", remedy=remedy
        )
    return Finding(name="packages", outcome="ok", value=f"all {len(wanted)} that are needed")


def _satisfied(requirement: str, installed: Installed) -> bool:
    """``name>=1.2``: the distribution is there, in at least that version."""
    name, _, least = requirement.partition(">=")
    version = installed(name)
    return version is not None and _numbers(version) >= _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """``2.15.0+cu132`` -> 2, 15, 0."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _device(installed: Installed) -> Iterator[Finding]:
    """torch, and what it computes on."""
    try:
        import torch
        import torchvision

        from deepstyle.machine import in_bfloat
    except (ImportError, OSError, RuntimeError) as error:
        remedy = "python -m pip install --force-reinstall torch torchvision"
        yield Finding(name="torch", outcome="problem", value=f"{installed('torch')}, but: {error}", remedy=remedy)
        return
    yield Finding(name="torch", outcome="ok", value=torch.__version__)
    yield Finding(name="torchvision", outcome="ok", value=torchvision.__version__)
    half = in_bfloat("auto")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        told = ", ".join(f"{one.name} ({one.total_memory / GIGABYTE:.0f} GB)" for one in names)
        yield Finding(name="device", outcome="ok", value=f"{told}; {'bfloat16' if half else 'float32'}")
        return
    able = torch.cpu.get_capabilities()
    has = [name for name, keys in (("AMX", ("amx_bf16",)), ("AVX-512 bf16", ("avx512_bf16",)), ("bf16", ("bf16",)))
           if any(able.get(key) for key in keys)]  # fmt: skip
    speed = (
        f"{' and '.join(has)}: computes in bfloat16" if half else "no bfloat16 (AMX, AVX-512 bf16): computes in float32"
    )
    cores, threads = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        torch.get_num_threads(),
    )
    yield Finding(name="device", outcome="ok", value=f"CPU, {cores} cores, {threads} threads; {speed}")


def _memory(known: tuple[int, int] | None) -> Finding:
    if known is None:
        return Finding(name="memory", outcome="ok", value="unknown on this system")
    total, available = known
    value = f"{available / GIGABYTE:.1f} GB available of {total / GIGABYTE:.1f} GB"
    if available < LITTLE_MEMORY:
        return Finding(
            name="memory", outcome="no", value=value, remedy="end other programs, or --set batch_size=... smaller"
        )
    return Finding(name="memory", outcome="ok", value=value)


def _workspace(workspace: Path, disk: Callable[[Path], int]) -> Iterator[Finding]:
    """The folder's disk, and whether its catalog opens; nothing is made where there is none."""
    there = next(folder for folder in (workspace.absolute(), *workspace.absolute().parents) if folder.is_dir())
    free = disk(there)
    value = f"{free / GIGABYTE:.1f} GB free for {workspace}"
    if free < LITTLE_DISK:
        yield Finding(name="disk", outcome="no", value=value, remedy="make room, or name another folder with -w")
    else:
        yield Finding(name="disk", outcome="ok", value=value)
    if not (workspace / "catalog.sqlite").is_file():
        writable = os.access(there, os.W_OK)
        yield Finding(
            name="workspace", outcome="ok" if writable else "problem", value=f"{workspace} is not there yet",
            remedy="" if writable else f"{there} cannot be written to: name another folder with -w",
        )  # fmt: skip
        return
    try:
        with Catalog(workspace) as catalog:
            value = f"{catalog.count('photos'):,} photos, {catalog.count('garments'):,} garments in {workspace}"
    except CatalogError as error:
        yield Finding(name="workspace", outcome="problem", value=str(error), remedy="name another folder with -w")
        return
    yield Finding(name="workspace", outcome="ok", value=value)
