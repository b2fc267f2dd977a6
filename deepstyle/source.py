"""Where a GAN's training starts when it is told to (``train-gan --from``): another run, or a model; without torch (edge).

It has the same architecture, or half the size and twice the width: then it grows (``dcgan/grow.py``). A run holds both
networks, a model the generator, and the discriminator where that stands beside. A run that was begun remembers its source
in source.json, so that it goes on when the source has gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepstyle import images
from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, load_config
from deepstyle.errors import ConfigError, InputError, UsageError
from deepstyle.files import put_file
from deepstyle.status import find_model, gone_words, read_model

RECORD = "source.json"  # in a run folder
RIVAL = "discriminator.safetensors"  # in a model folder: what the generator learned against
BOTH = (
    "network",
    "size",
    "latent",
    "width",
    "upsampling",
)  # settings that decide whether weights fit, of both networks
ONLY_DISCRIMINATOR = ("norm", "minibatch_stddev")
GROWING = ("network", "latent", "upsampling")  # of those, the ones that stay when it grows
ALIKE = {
    "nearest",
    "balanced",
    "filtered",
}  # kinds of upsampling whose weights have the same shapes: one goes on as another
GROWS_FROM = 12  # least width of a network that grows: with half of it, two maps for each colour pass the image through


@dataclass(frozen=True, kw_only=True)
class Source:
    """Weights to start from. ``weights``: a run's snapshot or a model's file, None when it has gone since.

    ``config`` is the one that it was trained with, ``labels`` what it is told, ``whole`` whether both networks are there;
    ``rival``: the file of a model's discriminator. ``digest`` stands for the weights.
    """

    name: str
    weights: Path | None
    whole: bool
    config: GanConfig
    labels: tuple[str, ...]
    digest: str
    rival: Path | None = None


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
        if row is not None:
            raise UsageError(f"--from {name}: {gone_words(folder)}, or start from another") from None
        raise


def _run(name: str, folder: Path) -> Source:
    if (newest := newest_snapshot(folder)) is None:
        raise InputError(f"--from {name}: {folder} has no snapshot yet; train it on, or name another")
    labels = _read(folder / "labels.json", name) if (folder / "labels.json").is_file() else []
    return _source(name, folder, newest, labels, whole=True)


def newest_snapshot(folder: Path) -> Path | None:
    """The last snapshot of a run's folder, which holds both networks; None before its first."""
    return max((path for path in (folder / "snapshots").glob("*.pt") if path.stem.isdigit()), default=None)


def _model(name: str, folder: Path) -> Source:
    rival = path if (path := folder / RIVAL).is_file() else None
    labels = read_model(folder).labels
    return _source(name, folder, folder / "weights.safetensors", labels, whole=rival is not None, rival=rival)


def _source(name: str, folder: Path, weights: Path, labels: Any, *, whole: bool, rival: Path | None = None) -> Source:
    try:
        config, data = load_config(GanConfig, folder / "config.yaml"), weights.read_bytes()
        data += b"" if rival is None else rival.read_bytes()
    except (ConfigError, OSError) as error:
        raise InputError(f"--from {name}: {folder} is not complete ({error})") from error
    return Source(
        name=name,
        weights=weights,
        whole=whole,
        config=config,
        labels=tuple(map(str, labels)),
        digest=images.sha256(data),
        rival=rival,
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
            config = GanConfig.model_validate(about.get("config", config))  # an older run remembers none
        except (ConfigError, InputError, ValueError):
            continue  # that run cannot go on either
        if about["name"] == name:
            return Source(
                name=name, weights=None, whole=bool(about["whole"]), config=config, labels=tuple(about["labels"]),
                digest=str(about["digest"]),
            )  # fmt: skip
    return None


def remember(folder: Path, source: Source) -> None:
    """Write into a run's folder what it started from."""
    about = {
        "name": source.name, "digest": source.digest, "whole": source.whole, "labels": source.labels,
        "config": source.config.model_dump(mode="json"),
    }  # fmt: skip
    put_file(folder / RECORD, json.dumps(about).encode())


def growable(source: Source) -> bool:
    """Whether a source can grow to twice its size: its outermost layers can be taken apart, and its width can be halved."""
    config = source.config
    plain = config.network == "dcgan" and config.upsampling in {"nearest", "balanced", "mixed"}
    return (
        plain and config.width % 2 == 0 and config.width >= GROWS_FROM and (config.norm == "none" or not source.whole)
    )


def grows(source: Source, config: GanConfig) -> bool:
    """Whether a training with ``config`` starts from the source by growing: twice its size, half its width."""
    return growable(source) and (2 * source.config.size, source.config.width) == (config.size, 2 * config.width)


def check_fits(source: Source, config: GanConfig) -> None:
    """Refuse a source of another architecture before slow work. Raises UsageError naming the setting that differs.

    One of half the size and twice the width fits, too, where it can grow.
    """
    if grows(source, config):
        keys = GROWING + (ONLY_DISCRIMINATOR[:1] if source.whole else ())
    elif config.size == 2 * source.config.size and growable(source):
        raise UsageError(
            f"--from {source.name}: it makes {source.config.size} px and can grow to {config.size} with half its width: "
            f"--set width={source.config.width // 2}"
        )
    else:
        alone = ONLY_DISCRIMINATOR if source.whole else ()
        keys = BOTH + (("max_width",) if config.network == "residual" else ()) + alone
    pairs: list[tuple[str, Any, Any]] = [(key, getattr(source.config, key), getattr(config, key)) for key in keys]
    theirs, ours = source.config.condition, config.condition
    if (theirs == "none") != (ours == "none"):
        pairs.append(("condition", theirs, ours))
    for key, theirs, ours in pairs:
        if theirs != ours and not (key == "upsampling" and {theirs, ours} <= ALIKE):
            raise UsageError(
                f"--from {source.name}: its {key} is {_plain(theirs)}, here it is {_plain(ours)}: leave --config and --set "
                f"{key}=... out to take its settings, or --set {key}={_plain(theirs)}"
            )


def _plain(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
