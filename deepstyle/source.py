"""Where a GAN's training starts when it is told to (``train-gan --from``): another run, or a model; without torch (edge).

It has the same architecture, or half the size and twice the width: then it grows (``dcgan/grow.py``). A run holds both
networks, a model the generator alone. A run that was begun remembers its source in source.json, so that it goes on when the
source has gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import ConfigError, InputError, UsageError
from deepstyle.files import put_file
from deepstyle.status import find_model, read_model

RECORD = "source.json"  # in a run folder
BOTH = (
    "network",
    "size",
    "latent",
    "width",
    "upsampling",
)  # settings that decide whether weights fit, of both networks
ONLY_DISCRIMINATOR = ("norm", "minibatch_stddev")
GROWS_WITH = 6  # least width of a network that grows: two maps for each colour pass the image through


@dataclass(frozen=True, kw_only=True)
class Source:
    """Weights to start from. ``weights``: a run's snapshot or a model's file, None when it has gone since.

    ``config`` is the one that it was trained with (or, when it has gone, the one of the run that it began), ``labels``
    what it is told, ``whole`` whether both networks are there. ``digest`` stands for the weights.
    """

    name: str
    weights: Path | None
    whole: bool
    config: GanConfig
    labels: tuple[str, ...]
    digest: str


def find_source(catalog: Catalog, name: str) -> Source:
    """The run of the workspace called ``name``, else the run folder there, else the model of that name or folder.

    Raises UsageError naming what there is, and InputError for one that cannot be read.
    """
    row = catalog.run("gan", name)
    folder = catalog.path(row.path) if row is not None else Path(name)
    if (folder / "snapshots").is_dir():
        return _run(name, folder)
    try:
        return _model(name, find_model(catalog, name, flag="--from", kind="gan", remedy="GAN runs will do, too"))
    except UsageError:
        if (gone := _remembered(catalog, name)) is not None:
            return gone
        raise


def _run(name: str, folder: Path) -> Source:
    snapshots = sorted(path for path in (folder / "snapshots").glob("*.pt") if path.stem.isdigit())
    if not snapshots:
        raise InputError(f"--from {name}: {folder} has no snapshot yet; train it on, or name another")
    labels = _read(folder / "labels.json", name) if (folder / "labels.json").is_file() else []
    return _source(name, folder, snapshots[-1], labels, whole=True)


def _model(name: str, folder: Path) -> Source:
    return _source(name, folder, folder / "weights.safetensors", read_model(folder).labels, whole=False)


def _source(name: str, folder: Path, weights: Path, labels: Any, *, whole: bool) -> Source:
    try:
        config, data = load_config(GanConfig, folder / "config.yaml"), weights.read_bytes()
    except (ConfigError, OSError) as error:
        raise InputError(f"--from {name}: {folder} is not complete ({error})") from error
    return Source(
        name=name,
        weights=weights,
        whole=whole,
        config=config,
        labels=tuple(map(str, labels)),
        digest=images.sha256(data),
    )


def _read(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--from {name}: {path} is unreadable ({error})") from error


def _remembered(catalog: Catalog, name: str) -> Source | None:
    """The source of the newest run that started from ``name``, when the source itself has gone."""
    for path in sorted(
        (catalog.root / "runs").glob(f"gan-*/{RECORD}"), key=lambda path: path.stat().st_mtime, reverse=True
    ):
        try:
            about, config = _read(path, name), load_config(GanConfig, path.with_name("config.yaml"))
        except (ConfigError, InputError):
            continue  # that run cannot go on either
        if about["name"] == name:
            return Source(
                name=name, weights=None, whole=bool(about["whole"]), config=config, labels=tuple(about["labels"]),
                digest=str(about["digest"]),
            )  # fmt: skip
    return None


def remember(folder: Path, source: Source) -> None:
    """Write into a run's folder what it started from."""
    about = {"name": source.name, "digest": source.digest, "whole": source.whole, "labels": source.labels}
    put_file(folder / RECORD, json.dumps(about).encode())


def grows(source: Source, config: GanConfig) -> bool:
    """Whether a training with ``config`` starts from the source by growing: twice its size, half its width."""
    return (source.config.size * 2, source.config.width) == (config.size, config.width * 2)


def check_fits(source: Source, config: GanConfig) -> None:
    """Refuse a source of another architecture before slow work. Raises UsageError naming the setting that differs.

    One of half the size and twice the width fits, too, where it can grow.
    """
    if grows(source, config):
        _check_grows(source, config)
        return
    keys = (
        BOTH + (("max_width",) if config.network == "residual" else ()) + (ONLY_DISCRIMINATOR if source.whole else ())
    )
    pairs: list[tuple[str, Any, Any]] = [(key, getattr(source.config, key), getattr(config, key)) for key in keys]
    if config.size == 2 * source.config.size:
        raise UsageError(
            f"--from {source.name}: it makes {source.config.size} px and can grow to {config.size} with half its width: "
            f"--set width={source.config.width // 2}"
        )
    _refuse(source, [*pairs, *_told(source, config)])


def _check_grows(source: Source, config: GanConfig) -> None:
    for key, value, can in (
        ("network", config.network, ("dcgan",)),
        ("upsampling", config.upsampling, ("nearest", "mixed")),
        ("norm", config.norm, ("none",)),
    ):
        if value not in can:
            raise UsageError(
                f"--from {source.name}: {source.config.size} px grow to {config.size} with {key} {' or '.join(can)} only, "
                f"here it is {value}; --from a model of {config.size} px fits whatever it was trained with"
            )
    if config.width < GROWS_WITH:
        raise UsageError(
            f"--from {source.name}: a width of {source.config.width} is too small to grow, 12 is the least"
        )
    keys = ("network", "latent", "upsampling") + (("norm",) if source.whole else ())
    pairs: list[tuple[str, Any, Any]] = [(key, getattr(source.config, key), getattr(config, key)) for key in keys]
    _refuse(source, [*pairs, *_told(source, config)])


def _told(source: Source, config: GanConfig) -> list[tuple[str, Any, Any]]:
    theirs, ours = source.config.condition, config.condition
    return [("condition", theirs, ours)] if (theirs == "none") != (ours == "none") else []


def _refuse(source: Source, pairs: Sequence[tuple[str, Any, Any]]) -> None:
    for key, theirs, ours in pairs:
        if theirs != ours:
            raise UsageError(
                f"--from {source.name}: its {key} is {_plain(theirs)}, here it is {_plain(ours)}: leave --config and --set "
                f"{key}=... out to take its settings, or --set {key}={_plain(theirs)}"
            )


def _plain(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
