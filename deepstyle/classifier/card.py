"""The model card of a trained classifier: what it is, what it learned from, what was measured on which images (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepstyle import __version__
from deepstyle.config import ClassifierConfig


def card(name: str, labels: Sequence[str], config: ClassifierConfig, table: str, figures: Mapping[str, Any]) -> str:
    """The card's text; ``table`` is the name of what it learned from, ``figures`` are those of model.json."""
    test, calibration = figures["test"], figures["calibration"]
    sides = {figures["validation_set"]: {**figures, "images": figures["validation_images"],
                                         "calibration_error": calibration["after"]}}  # fmt: skip
    if test is not None:
        sides[test["name"]] = test
    rows = [
        f"| {side} | {one['images']:,} | {one['top1']:.3f} | {one['top3']:.3f} | {one['top5']:.3f} | "
        f"{one['calibration_error']:.3f} |"
        for side, one in sides.items()
    ]
    judged = (
        "The images marked test were judged once, at the end; they chose nothing."
        if test is not None
        else "There is no test set: no image was marked test."
    )
    recall = [f"{label} {'none' if share is None else f'{share:.2f}'}" for label, share in figures["recall"].items()]
    start = "from ImageNet weights" if config.pretrained else "from nothing"
    training = (
        f"`deepstyle train-classifier` {__version__}, run {figures['run']}, on {table}: {config.network} at "
        f"{config.image_size} px, {start}, {figures['images']:,} images seen, repeats counted. All settings are in config.yaml."
    )
    return "\n".join([
        f"# Model card: {name}", "",
        f"Says which of {len(labels)} categories a garment is of: {', '.join(labels)}.", "",
        "## Figures", "",
        "| images | how many | top-1 | top-3 | top-5 | calibration error |", "|---|---|---|---|---|---|", *rows, "",
        f"Recall on the images held out: {', '.join(recall)}.", "", f"{judged} {calibration_words(calibration)}", "",
        "## Training", "", training, "",
    ])  # fmt: skip


def calibration_words(found: Mapping[str, Any]) -> str:
    """How the calibration error was measured, in a sentence."""
    of = (
        "of each half of the images held out at the temperature that the other half chose; no group is in both"
        if found["crossed"]
        else "of the very images that chose the temperature, since they are of one group: on others it will be larger"
    )
    return (
        f"The calibration error was {found['before']:.3f} before the probabilities were scaled (temperature "
        f"{found['temperature']:.2f}, divided into the last layer's weights); the one told is {of}."
    )
