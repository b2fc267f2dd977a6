"""The model card of a trained detector, and what a mask head adds to it (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deepstyle import __version__
from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.model_card import OTHERS, USE, cell, model_card, share, training_words
from deepstyle.weak import weak_detector

MASK_HEAD = "Mask head"  # the section's title
UNNAMED = "annotated photos"
CHOSE = (
    "They chose no snapshot: the last weights are kept, whichever did best. Where these figures chose the settings, or one of "
    "several trainings, they flatter it; `deepstyle eval-detector OTHER.json` judges it on photos that chose nothing."
)


def detector_card(
    name: str, train: AnnotatedSet, validation: AnnotatedSet, figures: Mapping[str, Any], *, network: str, start: str, day: str
) -> str:  # fmt: skip
    """The card's text; ``figures`` are those of model.json, ``start`` says what weights it began with."""
    labels = [f"{cell(label)} {share(value)}" for label, value in figures["per_label"].items()]
    held_out = validation.name or UNNAMED
    training = training_words(
        "train-detector", run=figures["run"], day=day, data=counted(train), network=network, start=start,
        seen=f"{figures['images']:,} photos",
    )  # fmt: skip
    return model_card(
        name, f"Finds garments on photos, and says of each which of {len(train.labels)} labels it is of: "
        f"{', '.join(map(cell, train.labels))}.",
        of="photos", columns=("AP50", "AP", "AP75"),
        rows={f"validation photos, {held_out}": (figures["photos"], figures["ap50"], figures["ap"], figures["ap75"])},
        words=(
            f"AP (IoU 0.50:0.95) by label: {', '.join(labels)}. The validation photos are {counted(validation)}.",
            CHOSE,
        ),
        training=training,
        limits=(
            *(f"It is weak: {one}." for one in weak_detector(figures["ap50"], figures["photos"])), OTHERS,
            "Its scores are no probabilities.", USE,
        ),
    )  # fmt: skip


def imported_card(name: str, labels: Sequence[str], *, network: str, source: str, day: str) -> str:
    """The card of a detector that was trained elsewhere: what is known of it, and that nobody has measured it here."""
    return model_card(
        name, f"Finds garments on photos, and says of each which of {len(labels)} labels it is of: "
        f"{', '.join(map(cell, labels))}.",
        of="photos", columns=(), rows={},
        words=("None: it was trained elsewhere. `deepstyle eval-detector OTHER.json` judges it on photos of yours.",),
        training=(
            f"`deepstyle import-detector` {__version__}, {day}: the weights {cell(source)} of detectron2's {cell(network)}. "
            "Which photos it has seen, whose they are and under which licence the weights stand, their makers know."
        ),
        limits=("Its scores are no probabilities.", USE),
    )  # fmt: skip


def masks_words(train: AnnotatedSet, validation: AnnotatedSet, figures: Mapping[str, Any], *, day: str) -> str:
    """The section of the mask head; ``figures`` are those of model.json, the sets hold garments with masks alone."""
    training = training_words(
        "train-masks", run=figures["run"], day=day, data=counted(train), network="a head on the detector's trunk",
        start="from random weights", seen=f"{figures['images']:,} photos",
    ).replace("config.yaml", "masks.yaml")  # fmt: skip
    return (
        f"Says which pixels of a box are garment (masks.safetensors). Mean IoU {share(figures['iou'])} in the true boxes of "
        f"{figures['garments']:,} garments of the validation photos, {counted(validation)}. {CHOSE}\n\n{training}"
    )


def counted(data: AnnotatedSet) -> str:
    """A set by its name, with how many photos it has and how many boxes of each label."""
    boxes = Counter(one.label for image in data.images for one in image.annotations)
    labels = ", ".join(f"{cell(label)} {boxes[label]:,}" for label in data.labels)
    return f"{cell(data.name or UNNAMED)} ({len(data.images):,} photos, {boxes.total():,} boxes: {labels})"
