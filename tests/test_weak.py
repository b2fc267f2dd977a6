"""Weak results are called weak, with the reason and the remedy; good ones are not."""

from __future__ import annotations

import pytest

from deepstyle.weak import FEW_GARMENTS, FEW_IMAGES, LOW_AP50, minutes_for, weak_classifier, weak_detector, weak_gan


@pytest.mark.parametrize(
    ("top1", "labels", "weak"),
    [
        (0.15, 20, True), (0.2874, 20, True), (0.2876, 20, False), (0.642, 20, False), (0.6, 2, True), (0.7, 2, False),
        (1.0, 1, True),
    ],
)  # fmt: skip
def test_a_classifier_near_chance_is_weak(top1: float, labels: int, *, weak: bool) -> None:
    """A classifier must get a quarter of what guessing gets wrong; the line names its top-1, chance and the remedy."""
    said = weak_classifier(top1, labels)

    assert bool(said) == weak
    if said:
        assert f"{top1:.0%} over {labels} labels" in said[0]
        assert f"guessing ({1 / labels:.0%})" in said[0]
        assert "--minutes" in said[0]
        assert "--classifier" not in said[0]


def test_a_weak_classifier_that_judges_from_now_on_says_so() -> None:
    """The newest classifier is what commands take by themselves: its line says so, and how to have the one that ships."""
    (said,) = weak_classifier(0.15, 20, newest=True)

    assert "judges from now on" in said
    assert "`--classifier garment-categories`" in said
    assert weak_classifier(0.9, 20, newest=True) == []


@pytest.mark.parametrize(
    ("learned", "judged", "told"),
    [(49, 50, ["learned"]), (50, 49, ["judged"]), (4, 4, ["learned", "judged"]), (50, 50, []), (None, None, [])],
)
def test_a_classifier_of_few_images_is_weak(learned: int | None, judged: int | None, told: list[str]) -> None:
    """However high its top-1 is: fewer than fifty images teach little, and fewer than fifty judge by chance."""
    said = weak_classifier(1.0, 2, learned=learned, judged=judged)

    assert [sentence.split()[0] for sentence in said] == told
    assert all(";" in sentence for sentence in said)
    assert not judged or judged != 49 or "may be 15 points higher or lower" in said[-1]


@pytest.mark.parametrize(("ap50", "weak"), [(0.0, True), (0.2999, True), (LOW_AP50, False), (0.8, False)])
def test_a_detector_below_the_bar_is_weak(ap50: float, *, weak: bool) -> None:
    """Below an AP50 of 0.3 a detector is weak, and the one that ships is named as a way out."""
    said = weak_detector(ap50, 132)

    assert bool(said) == weak
    assert all("garments-lite" in line and "132 photos" in line for line in said)


def test_a_gan_that_saw_little_is_weak() -> None:
    """Few images seen, and few garments, are told apart, each with its remedy; at the bars nothing is said."""
    assert weak_gan(FEW_IMAGES, 60, FEW_GARMENTS, by_time=True) == []
    images, garments = weak_gan(FEW_IMAGES - 1, 60, FEW_GARMENTS - 1, by_time=False)
    assert f"too few: {FEW_IMAGES - 1:,} images" in images
    assert f"--images {FEW_IMAGES}" in images
    assert f"{FEW_GARMENTS - 1:,} garments" in garments
    assert all("--from demo-garments" in line for line in (images, garments))
    (few,) = weak_gan(64, 60, FEW_GARMENTS - 1, by_time=False, learned=True)
    assert "--from" not in few
    assert weak_gan(64, 60, FEW_GARMENTS, by_time=False, learned=True) == []
    (slow,) = weak_gan(FEW_IMAGES // 2, 180, FEW_GARMENTS, by_time=True)
    assert "--minutes 7" in slow


@pytest.mark.parametrize(
    ("wanted", "images", "seconds", "minutes"), [(20_000, 10_000, 180, 7), (20_000, 112, 1, 4), (20, 100, 1, 1), (20, 0, 60, 22)]
)  # fmt: skip
def test_minutes_are_told_by_the_pace_so_far(wanted: int, images: int, seconds: float, minutes: int) -> None:
    """As many minutes as the images need at the pace seen, a tenth to spare, never less than one."""
    assert minutes_for(wanted, images, seconds) == minutes
