"""What a workspace holds and where a model lies, read from the catalog and the models' descriptions alone (no torch)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import Any

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY, TAG
from deepstyle.errors import InputError, UsageError
from deepstyle.files import is_regular, read_json, shown
from deepstyle.folders import held
from deepstyle.records import RunRecord

FIGURES = (
    "ap",
    "ap50",
    "top1",
    "top3",
    "frechet",
    "mean_ap",
    "micro_f1",
)  # what a list of models shows of a model's figures


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a workspace holds: counts, models and runs with their figures."""

    workspace: str
    photos: int
    near_duplicates: int
    listings: dict[str, int]
    garments: dict[str, int]
    categories: dict[str, int]
    tags: dict[str, int]
    models: dict[str, dict[str, Any]]
    runs: dict[str, dict[str, Any]]


def status_of(catalog: Catalog) -> Status:
    """Count everything in the catalog."""
    models = sorted(catalog.models(), key=lambda one: one.name)
    return Status(
        workspace=str(catalog.root), photos=catalog.count("photos"),
        near_duplicates=catalog.near_duplicates(),
        listings=catalog.outcomes(), garments=catalog.garment_counts(),
        categories=catalog.tags.counts(CATEGORY), tags=catalog.tags.counts(TAG),
        models={one.name: {"kind": one.kind, **_gone(catalog, one.path), **one.figures} for one in models},
        runs={
            one.name: {
                "kind": one.kind, "status": _stands(catalog, one), "images": one.images,
                **_gone(catalog, one.path), **one.figures,
            }
            for one in catalog.runs()
        },
    )  # fmt: skip


def _stands(catalog: Catalog, run: RunRecord) -> str:
    """How a run stands: one that the catalog knows as running is ``stopped`` when no process trains it any more."""
    return "stopped" if run.status == "running" and not held(catalog.path(run.path) / ".lock") else run.status


def _gone(catalog: Catalog, path: str) -> dict[str, bool]:
    """``gone`` for a model or run whose folder somebody deleted; nothing for any other."""
    return {} if os.path.lexists(catalog.path(path)) else {"gone": True}


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """One model folder: ``size`` in bytes, the ``figures`` of its validation; a ``problem`` when it is incomplete."""

    name: str
    kind: str
    backend: str
    labels: tuple[str, ...]
    figures: dict[str, float]
    size: int
    path: str
    packaged: bool
    problem: str = ""


def models_of(catalog: Catalog) -> list[ModelInfo]:
    """The models of a workspace, newest first: the first of a kind is the one that commands take by themselves."""
    return [read_model(catalog.path(one.path), kind=one.kind) for one in catalog.models()]


def packaged_models(folder: Path | None = None) -> list[ModelInfo]:
    """The models shipped inside the package, ``deepstyle/models/<name>/`` (or in ``folder``), by name; maybe none."""
    place = folder or Path(str(resources.files("deepstyle"))) / "models"
    return [read_model(path.parent, packaged=True) for path in sorted(place.glob("*/model.json"))]


def find_model(catalog: Catalog | None, name: str, *, flag: str, kind: str = "", remedy: str = "") -> Path:
    """The folder of a model called ``name``: one of the workspace, else one of the package, else the folder at that path.

    ``catalog``: None where there is no workspace.
    ``kind`` (detector, classifier, gan; empty: any) is what it must be. Raises UsageError naming ``flag``, the models
    that there are, and the ``remedy``.
    """
    known = [one for one in (models_of(catalog) if catalog else []) + packaged_models() if not kind or one.kind == kind]
    named = [Path(one.path) for one in known if one.name == name and not (one.packaged and one.problem)]
    if named and os.path.lexists(named[0]):
        return named[0]
    if named:
        raise UsageError(f"{flag} {name}: {gone_words(named[0])}; known are {_names(known)}")
    for folder in ([catalog.root / "models" / name] if catalog else []) + [Path(name)]:
        if is_regular(folder / "model.json"):
            if kind and (its := read_model(folder)).kind != kind:
                wrong = its.problem or f"{folder} is a {its.kind}, not a {kind}; see `deepstyle models`"
                raise UsageError(f"{flag} {name}: {wrong}")
            return folder
    raise UsageError(
        f"{flag} {name}: no {kind or 'model'} of that name{f' in {catalog.root}' if catalog else ''}, nor a folder of one "
        f"there; known are {_names(known)}" + (f"; {remedy}" if remedy else "")
    )


def _names(known: Sequence[ModelInfo]) -> str:
    return ", ".join(dict.fromkeys(one.name for one in known if os.path.lexists(one.path))) or "none"


def gone_words(folder: Path) -> str:
    """What to do about a folder that the catalog knows and somebody deleted."""
    return f"its folder {shown(folder)} is gone; put it back, or train it again"


def newest_model(catalog: Catalog, kind: str) -> Path | None:
    """The folder of the workspace's newest model of a kind whose folder is there; None when there is none."""
    folders = (catalog.path(one.path) for one in catalog.models() if one.kind == kind)
    return next((folder for folder in folders if os.path.lexists(folder)), None)


def passed_over(catalog: Catalog, kind: str) -> list[str]:
    """What is to be told where the newest model, or GAN run, is to be taken: those before it whose folders are gone."""
    records = [*catalog.models()] if kind != "run" else [one for one in reversed(catalog.runs()) if one.kind == "gan"]
    newest = [one for one in records if kind in {one.kind, "run"}]
    gone = takewhile(lambda one: not os.path.lexists(catalog.path(one.path)), newest)
    return [f"{one.name} is passed over: {gone_words(catalog.path(one.path))}" for one in gone]


def find_run(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of the named GAN run, or of the newest. Raises UsageError with the remedy when there is none."""
    runs = [one for one in catalog.runs() if one.kind == "gan"]
    there = [one for one in runs if os.path.lexists(catalog.path(one.path))]
    found = [one for one in there if name in (None, one.name)]
    if found:
        return catalog.path(found[-1].path)
    known = ", ".join(sorted(one.name for one in there)) or "none"
    if name is None:
        raise UsageError(f"no GAN run in {catalog.root}: run `deepstyle train-gan` first, or name a --model")
    if gone := next((one for one in runs if one.name == name), None):
        raise UsageError(f"--run {name}: {gone_words(catalog.path(gone.path))}; there are: {known}")
    raise UsageError(f"--run {name}: no such run in {catalog.root}; there are: {known}")


def find_generator(catalog: Catalog, *, run: str | None, model: str | None, best: bool = False) -> Path:
    """The folder of a GAN run (the newest without a name), or of a generator's ``model``. Raises UsageError with the remedy."""
    if model is None:
        return find_run(catalog, run)
    if run is not None or best:
        raise UsageError(f"--model {model}: --run and --best are for runs; a model is one generator")
    remedy = "`deepstyle sample --export safetensors` makes one of a run"
    return find_model(catalog, model, flag="--model", kind="gan", remedy=remedy)


def read_model(folder: Path, *, kind: str | None = None, packaged: bool = False) -> ModelInfo:
    """Describe a model folder by its ``model.json``; one that is incomplete is described by its problem."""
    about: dict[str, Any] = {}
    labels: tuple[str, ...] = ()
    problem, size = "", 0
    try:
        about = read_json(folder / "model.json")
        labels = tuple(str(label) for label in about["labels"])
        size = sum(path.stat().st_size for path in folder.iterdir())
    except (OSError, InputError, LookupError, TypeError) as error:
        problem = f"{folder} is not a complete model folder ({error}); train it again"
        about = about if isinstance(about, dict) else {}
    given = about.get("figures")
    given = given if isinstance(given, dict) else {}
    figures = {name: float(given[name]) for name in FIGURES if isinstance(given.get(name), int | float)}
    known = kind or about.get("kind") or ("detector" if "backend" in about else "classifier")
    return ModelInfo(
        name=folder.name, kind=str(known), backend=str(about.get("backend", "torchvision")), labels=labels,
        figures=figures, size=size, path=str(folder), packaged=packaged, problem=problem,
    )  # fmt: skip
