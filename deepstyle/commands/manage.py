"""The workspace and the installation: where, status, forget, doctor, settings, models."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import click

from deepstyle.commands.options import Ended, Session, json_option, open_catalog
from deepstyle.commands.tables import counts, print_columns, print_json, print_table, show


@click.command()
@json_option
@click.argument("images", nargs=-1, required=True, metavar="GARMENT|SAMPLE...")
@click.pass_obj
def where(session: Session, images: tuple[str, ...]) -> None:
    """Say which pages an image came from.

    A garment (its file or name) or a photo leads to the pages that show it, with licence and credit. A sample leads to its
    nearest real garments and their pages, as `sample --novelty` and `score` recorded them; a copy of a sample that lies
    elsewhere is known by its bytes. novelty.csv and score.json stand for all samples in them.

    \b
    Example:
        deepstyle where workspace/garments/upper/*-0.png
        deepstyle where workspace/runs/gan-001/samples/seed-000042.png --json
    """
    from deepstyle.where import rows_of
    from deepstyle.where import where as find

    with open_catalog(session, must_exist=True, reading=True) as catalog:
        found = [one for asked in images for one in find(asked, catalog)]
    if click.get_current_context().meta["json"]:
        print_json({"found": [asdict(one) for one in found]})
        return
    for one in found:
        print_table(f"{one.name}: a {one.kind}", rows_of(one))


@click.command()
@json_option
@click.option("--reservations", is_flag=True, help="Hold the photos against what their sites reserve.")
@click.pass_obj
def status(session: Session, reservations: bool) -> None:
    """Show what the workspace holds.

    With --reservations: whether a photo that is kept is reserved from AI or data mining, as its site's robots.txt,
    tdmrep.json, headers and pages were read last. A scrape of known sites reads them again after a day.

    \b
    Example:
        deepstyle status --json
        deepstyle status --reservations
    """
    from deepstyle.status import status_of

    with open_catalog(session, must_exist=True, reading=True) as catalog:
        if reservations:
            _show_audit(catalog)
            return
        state = status_of(catalog)
    rows: dict[str, Any] = {
        "photos": f"{state.photos:,} ({state.near_duplicates:,} near duplicates)", "images found": counts(state.listings),
        "garments": counts(state.garments), "categories": counts(state.categories),
        "tags": counts(state.tags),
    }  # fmt: skip
    rows |= {
        f"model {name}": "; ".join([", ".join([its["kind"], *_main_figure(its)]), *_gone(its)])
        for name, its in state.models.items()
    }
    rows |= {f"run {name}": _run_row(its) for name, its in state.runs.items()}
    show(f"workspace {state.workspace}", rows, **asdict(state))


def _show_audit(catalog: Any) -> None:
    from deepstyle.config import ScrapeConfig
    from deepstyle.scraper.audit import audit

    found = audit(catalog, ScrapeConfig().user_agent)
    rows: dict[str, Any] = {
        "reserved": f"{len(found.reserved):,} of {found.photos:,} photos", "not reserved, as stated": f"{found.stated:,}",
        "nothing stated": f"{found.silent:,}", "not on record": f"{found.unknown:,} (the next scrape of their pages asks)",
        "from files": f"{found.own:,}", "hosts on record": f"{found.hosts:,}",
    }  # fmt: skip
    rows |= {one.sha256[:16]: f"{one.image_url}: {one.words}" for one in found.reserved}
    if found.reserved:
        rows["remedy"] = "`deepstyle forget URL|HOST|FILE|SHA` removes a photo and all that was cut from it"
    show(f"reservations of {catalog.root}", rows, **asdict(found))


@click.command()
@json_option
@click.argument("photos", nargs=-1, required=True, metavar="URL|HOST|FILE|SHA...")
@click.pass_obj
def forget(session: Session, photos: tuple[str, ...]) -> None:
    """Remove photos and all that came of them, for good.

    By the address of a picture or of the page that shows it, by host, by the file or folder that was added (with the folders
    in it), by a garment's file, or by a photo's hash. The photo, its garments and the packed datasets that hold it are
    deleted; no scrape or add takes it again, in no size. Runs and models that were trained on it are named, and marked in
    their MODEL_CARD.md: they cannot unlearn.

    \b
    Example:
        deepstyle forget https://a-gallery.example/looks/17.jpg
        deepstyle forget a-gallery.example
        deepstyle forget my-photos/look-17.jpg
    """
    from deepstyle.forget import forget as run
    from deepstyle.scraper.urls import normalise

    with open_catalog(session, must_exist=True) as catalog:
        gone = run([normalise(one) or one for one in photos], catalog)
    rows: dict[str, Any] = {
        "photos": f"{gone.photos:,}", "garments": f"{gone.garments:,}", "packs": ", ".join(gone.packs) or "none",
        "saw it": ", ".join(gone.saw) or "none", "may have seen it": ", ".join(gone.may_have_seen) or "none",
    }  # fmt: skip
    title = "forgotten, and never taken again" if gone.photos else "no photo here is from there; none is ever taken"
    show(title, rows, **asdict(gone))


MAIN = (  # the figures by which GANs, detectors, masks, classifiers and taggers are known: each has one of them
    ("frechet", "Frechet distance"), ("ap50", "AP50"), ("iou", "IoU"), ("top1", "top-1"), ("mean_ap", "mean AP"),
)  # fmt: skip


def _run_row(its: dict[str, Any]) -> str:
    """How a run stands on one line: kind, status, what it saw, its main figure, why it failed or what it came to."""
    unit = "photos" if its["kind"] in {"detector", "masks"} else "images"
    words = [its["kind"], its["status"], f"{its['images']:,} {unit}", *_main_figure(its.get("last") or its)]
    if best := its.get("best"):
        words.append(f"at best {_short(best['frechet'])} at {best['images']:,.0f} images")
    said = [str(its["complaint"])] if "complaint" in its else its.get("verdict", [])
    return "; ".join([", ".join(words), *said, *_gone(its)])


def _gone(its: dict[str, Any]) -> list[str]:
    """What is said of a model or run whose folder somebody deleted."""
    return ["its folder is gone: put it back, or train it again"] if its.get("gone") else []


def _main_figure(figures: dict[str, Any]) -> list[str]:
    """The main figure of whatever has one, in words; nothing where it is not known."""
    return [f"{name} {_short(figures[key])}" for key, name in MAIN if isinstance(figures.get(key), int | float)][:1]


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


@click.command()
@json_option
@click.pass_obj
def doctor(session: Session) -> None:
    """Say whether deepstyle works here, and what to do if not.

    Versions, device, memory, disk, backends, extras and the workspace, one line each with its remedy. Exit 0 when it
    works, 1 when something that is needed is missing.

    \b
    Example:
        deepstyle doctor
    """
    from deepstyle.doctor import examine

    found = list(examine(session.workspace))
    usable = all(one.outcome != "problem" for one in found)
    if click.get_current_context().meta["json"]:
        print_json({"usable": usable, "findings": [asdict(one) for one in found]})
    else:
        told = [(one.outcome, one.name, " -> ".join(filter(None, (one.value, one.remedy)))) for one in found]
        print_columns(
            "deepstyle works here" if usable else "deepstyle does not work here: see the lines with `problem`", told
        )
    raise Ended(0 if usable else 1)


@click.command()
@json_option
@click.argument("preset", required=False, metavar="[PRESET|FILE]")
def settings(preset: str | None) -> None:
    """Explain what --config and --set can change.

    Lists the presets; of one preset (or YAML file) every setting with its value, unit, bounds and meaning.

    \b
    Example:
        deepstyle settings
        deepstyle settings dcgan-plus-64
    """
    from deepstyle import config as configs
    from deepstyle.settings import list_presets, settings_of

    as_json = click.get_current_context().meta["json"]
    if preset is None:
        found = list_presets()
        if as_json:
            print_json({"presets": [asdict(one) for one in found]})
            return
        for kind in configs.KINDS:
            rows = [(one.name + " (default)" * one.default, one.summary) for one in found if one.kind == kind]
            print_columns(f"{_STAGE_COMMANDS[kind]}", [(f"  {name}", summary) for name, summary in rows])
        click.echo("`deepstyle settings PRESET` shows what one sets; --set KEY=VALUE changes a value")
        return
    built = configs.config_of(preset)
    told = settings_of(built)
    if as_json:
        print_json({"preset": preset, "settings": [asdict(one) for one in told]})
        return
    print_columns(f"{preset}; values of its own are marked *", [
        (f"{'*' if one.value != one.default else ' '} {one.key}", _value(one.value), one.unit, one.allowed, one.meaning)
        for one in told
    ], head=("  setting", "value", "unit", "allowed", "meaning"))  # fmt: skip


_STAGE_COMMANDS = {"scrape": "scrape", "detector": "train-detector", "masks": "train-masks", "crop": "crop",
                   "classifier": "train-classifier",
                   "tagger": "train-tagger", "gan": "train-gan"}  # fmt: skip


def _value(value: Any) -> str:
    """A setting's value as --set takes it."""
    return value if isinstance(value, str) and value else json.dumps(value)


@click.command()
@json_option
@click.pass_obj
def models(session: Session) -> None:
    """List the models: the workspace's, then deepstyle's own.

    \b
    Example:
        deepstyle models --json
    """
    from deepstyle.status import models_of, packaged_models

    found = packaged_models()
    if os.path.lexists(session.workspace / "catalog.sqlite"):
        with open_catalog(session, reading=True) as catalog:
            found = models_of(catalog) + found
    if click.get_current_context().meta["json"]:
        print_json({"models": [asdict(one) for one in found]})
        return
    for one in found:
        figures = ", ".join(
            f"{name} {f'{value:.3f}' if value <= 1 else _short(value)}" for name, value in one.figures.items()
        )
        print_table(f"{one.name}{' (with deepstyle)' if one.packaged else ''}", {
            "kind": f"{one.kind}, {one.backend}", "figures": figures or "none", "labels": ", ".join(one.labels),
            "size": f"{one.size / 1e6:.1f} MB in {one.path}",
        } if not one.problem else {"kind": one.kind, "problem": one.problem})  # fmt: skip
    if not found:
        click.echo(f"no models yet in {session.workspace}: see `deepstyle train-detector --help`")
