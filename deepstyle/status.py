"""What a workspace holds and where a model lies, read from the catalog and the models' descriptions alone (no torch)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY, TAG
from deepstyle.errors import InputError, UsageError
from deepstyle.files import is_regular, read_json
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
        models={one.name: {"kind": one.kind, **one.figures} for one in models},
        runs={
            one.name: {"kind": one.kind, "status": _stands(catalog, one), "images": one.images, **one.figures}
            for one in catalog.runs()
        },
    )  # fmt: skip


def _stands(catalog: Catalog, run: RunRecord) -> str:
    """How a run stands: one that the catalog knows as running is ``stopped`` when no process trains it any more."""
    return "stopped" if run.status == "running" and not held(catalog.path(run.path) / ".lock") else run.status


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
    if named:
        return named[0]
    for folder in ([catalog.root / "models" / name] if catalog else []) + [Path(name)]:
        if is_regular(folder / "model.json"):
            if kind and (its := read_model(folder)).kind != kind:
                wrong = its.problem or f"{folder} is a {its.kind}, not a {kind}; see `deepstyle models`"
                raise UsageError(f"{flag} {name}: {wrong}")
            return folder
    there = ", ".join(dict.fromkeys(one.name for one in known)) or "none"
    raise UsageError(
        f"{flag} {name}: no {kind or 'model'} of that name{f' in {catalog.root}' if catalog else ''}, nor a folder of one "
        f"there; known are {there}" + (f"; {remedy}" if remedy else "")
    )


def find_run(catalog: Catalog, name: str | None = None) -> Path:
    """The folder of the named GAN run, or of the newest. Raises UsageError with the remedy when there is none."""
    record = catalog.run("gan", name)
    if record is None:
        known = ", ".join(sorted(one.name for one in catalog.runs() if one.kind == "gan"))
        if name is not None:
            raise UsageError(f"--run {name}: no such run in {catalog.root}; there are: {known or 'none'}")
        raise UsageError(f"no GAN run in {catalog.root}: run `deepstyle train-gan` first, or name a --model")
    return catalog.path(record.path)


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
