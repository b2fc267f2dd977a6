"""The model cards of a trained classifier and a trained tagger: what they learned from, what was measured on what (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepstyle import __version__
from deepstyle.config import ClassifierConfig, TaggerConfig
from deepstyle.model_card import OTHERS, USE, cell, model_card, share, training_words
from deepstyle.weak import few_labelled


def card(
    name: str, labels: Sequence[str], config: ClassifierConfig, table: str, figures: Mapping[str, Any], *, day: str
) -> str:
    """The card's text; ``table`` is the name of what it learned from, ``figures`` are those of model.json."""
    test, calibration = figures["test"], figures["calibration"]
    sides = {figures["validation_set"]: {**figures, "images": figures["validation_images"],
                                         "calibration_error": calibration["after"]}}  # fmt: skip
    if test is not None:
        sides[test["name"]] = test
    keys = ("images", "top1", "top3", "top5", "calibration_error")
    recall = [f"{label} {'none' if value is None else f'{value:.2f}'}" for label, value in figures["recall"].items()]
    return model_card(
        name, f"Says which of {len(labels)} categories a garment is of: {', '.join(labels)}.",
        of="images", columns=("top-1", "top-3", "top-5", "calibration error"),
        rows={side: [one[key] for key in keys] for side, one in sides.items()},
        words=(
            f"Recall on the images held out: {', '.join(recall)}.",
            f"{_judged(test is not None)} {calibration_words(calibration)}",
            *(f"Weak: {said}." for said in few_labelled(figures.get("train_images"), figures["validation_images"])),
        ),
        training=_training("train-classifier", config, table, figures["run"], figures["images"], day),
        limits=("It says one of its categories of whatever it is shown.", OTHERS, USE),
    )  # fmt: skip


def tagger_card(
    name: str, groups: Mapping[str, Sequence[str]], config: TaggerConfig, table: str, figures: Mapping[str, Any], *,
    photos: int, region: str, day: str,
) -> str:  # fmt: skip
    """The card's text; ``figures`` are those of model.json, ``photos`` are what it learned from, cut to what ``region`` finds."""
    held_out = (
        "The photos held out chose the thresholds, so F1 and what is right are told of each half of them as the thresholds "
        "of the other half decide; average precision needs none. They chose no snapshot: the last weights are kept. Where "
        "these figures chose the settings, or one of several trainings, they flatter it."
    )
    dropped = ", ".join(map(cell, figures["dropped"]))
    data = f"{cell(table)} ({photos:,} photos trained{', cut to what ' + region + ' finds' if region else ''})"
    words = (
        f"{_judged(bool(figures.get('test')))} {held_out}",
        f"On too few photos, or on nearly all, and left out: {dropped}." if dropped else "",
    )
    training = _training("train-tagger", config, data, figures["run"], figures["seen"], day)
    return _tags_card(name, groups, table, figures, words=words, training=training)


def averaged_card(
    name: str, groups: Mapping[str, Sequence[str]], table: str, figures: Mapping[str, Any], *, parts: Mapping[str, float],
    day: str,
) -> str:  # fmt: skip
    """The card of a mean of taggers; ``figures`` are those of its model.json, ``parts`` its members' shares by name."""
    members = ", ".join(
        f"{cell(one)} {part:.2f} (alone: mean average precision {share(figures['alone'][one])})"
        for one, part in parts.items()
    )
    held_out = (
        "The photos held out from all members chose their shares and the thresholds, so each half of them is judged by the "
        "shares and thresholds of the other half."
    )
    return _tags_card(
        name, groups, table, figures, words=(f"{_judged(bool(figures['test']))} {held_out}",),
        training=f"`deepstyle train-tagger --average` {__version__}, {day}, on {cell(table)}: the mean of what its members say, "
        f"each with its share: {members}. Their own cards say how they were trained.",
    )  # fmt: skip


def _tags_card(
    name: str, groups: Mapping[str, Sequence[str]], table: str, figures: Mapping[str, Any], *, words: Sequence[str],
    training: str,
) -> str:  # fmt: skip
    sides = {f"photos of {table} held out": figures}
    if figures.get("test"):
        sides[figures["test_set"]] = figures["test"]
    keys = ("images", "mean_ap", "chance_map", "micro_f1", "macro_f1", "accuracy", "always_no")
    tags = [f"{cell(one['tag'])} {share(one['ap'])} (on {one['positives']:,})" for one in figures["tags"]]
    told = "; ".join(f"{cell(group)}: {', '.join(map(cell, members))}" for group, members in groups.items())
    return model_card(
        name, f"Says yes or no to each of {sum(map(len, groups.values()))} tags of a photo. {told}.",
        of="photos", rows={side: [one[key] for key in keys] for side, one in sides.items()},
        columns=("mean average precision", "by guessing", "F1 of all decisions", "mean F1", "right", "right by always no"),
        words=(f"Average precision by tag, on the photos held out: {', '.join(tags)}.", *words), training=training,
        limits=("Tags that few photos have are known little: see how many the figures rest on.", OTHERS, USE),
    )  # fmt: skip


def _judged(test: bool) -> str:  # noqa: FBT001 - a sentence of two
    if test:
        return "The images marked test were judged once, at the end; they chose nothing."
    return "There is no test set: no image was marked test."


def _training(command: str, config: ClassifierConfig | TaggerConfig, data: str, run: str, seen: int, day: str) -> str:
    return training_words(
        command, run=run, day=day, data=data, network=f"{config.network} at {config.image_size} px",
        start="from ImageNet weights" if config.pretrained else "from nothing", seen=f"{seen:,} images",
    )  # fmt: skip


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
