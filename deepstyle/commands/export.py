"""Classifiers and taggers for use elsewhere: export."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.options import Session, has_catalog, json_option, open_catalog
from deepstyle.commands.tables import show

WRITTEN = {"onnx": ("model.onnx",), "safetensors": ("weights.safetensors", "config.yaml")}  # beside model.json and card


@click.command()
@json_option
@click.argument("model", metavar="NAME|FOLDER")
@click.option(
    "--to", type=click.Choice(["onnx", "safetensors"]), required=True, help="An ONNX file, or float16 weights."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", required=True,
              help="Where it goes: a folder that is new, or an older export's.")  # fmt: skip
@click.pass_obj
def export(session: Session, model: str, to: Any, out: Path) -> None:
    """Write a classifier or tagger for use elsewhere.

    The ONNX file takes squares of 8-bit pixels and gives the probabilities that `predict --region none` tells; model.json
    beside it says their size, how a picture becomes a square, the labels, and under `beside` the detector whose garment
    `predict` looks at as well. safetensors is a model folder in half precision, for `predict --model DIR` on another
    machine. Generators are written by `sample --export`. Needs no workspace.

    \b
    Example:
        deepstyle export garment-categories --to onnx --out judge
        deepstyle export classifier --to safetensors --out my-classifier
    """
    with open_catalog(session, reading=True) if has_catalog(session) else nullcontext() as catalog:
        from deepstyle.about import CARD
        from deepstyle.classifier.find import find_named
        from deepstyle.folders import check_replaceable

        folder = find_named(catalog, model, flag="NAME|FOLDER")  # before torch is imported
    check_replaceable(out, {"model.json", CARD, *WRITTEN[to]})
    from deepstyle.classifier.export import export_model

    path = export_model(folder, to, out)
    show(f"{folder.name} is exported", {"to": path, "about it": out / "model.json"}, model=folder.name, export=path)
