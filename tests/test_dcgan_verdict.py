"""The words at the end of a training."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deepstyle.dcgan.verdict import looks_of_one, verdict

HOUR = 3600.0


def stats(distance: Callable[[float], float], images: int = 400_000, **last: float) -> list[dict[str, float]]:
    """A look every twentieth of the training, with a wobble of 1 %, and other points between."""
    points: list[dict[str, float]] = [{"images": 0, "frechet": 90.0}]
    for k in range(1, 21):
        seen = images * k / 20
        points += [
            {"images": seen, "loss/d": 1.0},
            {"images": seen, "frechet": distance(seen) * (1 + 0.01 * (-1) ** k)},
        ]
    return [*points[:-1], points[-1] | last]


@pytest.mark.parametrize(
    ("power", "words"),
    [(0.5, "undertrained: the distance falls by 29%"), (0.1, "still improving at"), (0.0, "no longer improving")],
)
def test_the_trend_of_the_distance(power: float, words: str) -> None:
    """A distance that falls by 29 %, 7 % or nothing when the images double is undertrained, improving, or done."""
    (said,) = verdict(stats(lambda seen: 1000 * seen**-power), images=400_000, seconds=2 * HOUR)

    assert said.startswith(words)


def test_a_distance_that_grows_is_getting_worse() -> None:
    """A distance that grows by 5 % from look to look is told with the remedy; one that wobbles about a level is not."""
    (worse,) = verdict(stats(lambda seen: 100 * 1.05 ** (seen / 20_000)), images=400_000, seconds=HOUR)

    assert worse.startswith("getting worse: the distance grows by")
    assert "--best" in worse


def test_looks_that_differ_too_much_tell_no_trend() -> None:
    """Four late looks of which each is twice or half the one before say neither that it improves nor that it has ended."""
    wild = [{"images": 50_000.0 * k, "frechet": (40.0, 20.0)[k % 2]} for k in range(1, 9)]
    (said,) = verdict(wild[3:], images=400_000, seconds=HOUR)

    assert said.startswith("too early to tell")


def test_improvement_is_told_by_the_hour() -> None:
    """After two hours, an hour more is half as many images again: a distance of images^-0.1 falls by 4 % in it."""
    (said,) = verdict(stats(lambda seen: 1000 * seen**-0.1), images=400_000, seconds=2 * HOUR)
    (slow,) = verdict(stats(lambda seen: 1000 * seen**-0.1), images=400_000, seconds=100 * HOUR)

    assert said == "still improving at 4.0% an hour: train longer"
    assert slow.startswith("no longer improving")


def test_too_few_images_are_undertrained() -> None:
    """Below 20,000 images nothing else is said of the trend, and nothing at all where it started from what had learned."""
    (said,) = verdict(stats(lambda _: 50, 10_000), images=10_000, seconds=60)

    assert said.startswith("undertrained: 10,000 images")
    assert verdict(stats(lambda _: 50, 10_000), images=10_000, seconds=60, learned=True) == []


def test_collapses_copies_and_coverage_are_told() -> None:
    """Where it collapsed, what share of samples are copies beyond chance, and what share of garments it covers."""
    said = verdict(
        stats(lambda _: 50, copies=0.14, coverage=0.4), images=400_000, seconds=HOUR, collapses=[120_000, 300_000]
    )
    few = verdict(stats(lambda _: 50, copies=0.04), images=400_000, seconds=HOUR)

    assert said[1].startswith("collapsed at 120,000, 300,000 images")
    assert said[2].startswith("memorises: 14% of samples")
    assert said[3] == "covers 40% of the real garments"
    assert len(few) == 1


def test_without_looks_there_is_no_trend() -> None:
    """A training that nobody judged, or hardly, has no trend to tell."""
    assert verdict([], images=400_000, seconds=HOUR) == []
    assert verdict(stats(lambda _: 9)[:5], images=400_000, seconds=HOUR) == []


def test_one_line_goes_through_the_looks_of_one_judge() -> None:
    """Distances of a former judge, up to where the present one began, are no part of a trend."""
    former, present = stats(lambda _: 50, 400_000)[:-10], stats(lambda seen: 1000 * seen**-0.5)[-10:]
    since = int(former[-1]["images"])
    looks = looks_of_one([*former, {"images": since, "loss/d": 1.0}, *present], since)

    mine = [point for point in present if "frechet" in point and point["images"] > since]
    assert [point for point in looks if "frechet" in point] == mine
    assert {"images": since, "loss/d": 1.0} in looks
