"""How good tags are: average precision, F1 at tuned thresholds, and what always saying no would get. Pure: arrays in, values out.

Accuracy over sparse tags means nothing (of 98 tags with 1.5 a photo, "no" is right in 98.5 %), so it is told beside that of no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float32]  # N x T in [0, 1]
Truth = NDArray[np.int8]  # N x T: 1 yes, 0 no, -1 not known
EXPECTATIONS = 200  # steps in which the parts of several taggers settle
MIDDLE = 0.5  # the threshold of a tag that cannot be tuned


@dataclass(frozen=True, kw_only=True)
class TagFigure:
    """One tag on the photos of which it is known: how many have it, its average precision and F1; None where none has it."""

    tag: str
    positives: int
    ap: float | None
    f1: float | None
    threshold: float


@dataclass(frozen=True, kw_only=True)
class TagFigures:
    """All tags together, shares in [0, 1]: means over the tags that occur, and over all decisions.

    ``chance_map`` is the mean average precision of a guess; ``always_no`` the share of decisions that "no" gets right;
    ``groups`` the mean average precision of each group, ``group_f1`` the mean F1 (empty in what older versions trained).
    """

    images: int
    mean_ap: float
    chance_map: float
    macro_f1: float
    micro_f1: float
    accuracy: float
    always_no: float
    groups: dict[str, float]
    tags: tuple[TagFigure, ...]
    group_f1: dict[str, float] = field(default_factory=dict)


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float | None:
    """The area under the steps of the precision-recall curve of N photos; None when none is positive. Ties count as one."""
    if not truth.any():
        return None
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # of each run of equal scores
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def best_threshold(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """The score from which "yes" gives the best F1, half way to the next lower one; 0.5 when there is nothing to tell apart."""
    if not truth.any() or truth.all():
        return MIDDLE
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    hits = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    f1 = 2 * hits[last] / (last + 1 + hits[-1])
    at = last[int(f1.argmax())]
    below = ordered[at + 1] if at + 1 < len(ordered) else 0.0
    return float((ordered[at] + below) / 2)


def tune(truth: Truth, shares: Shares) -> NDArray[np.float64]:
    """Each tag's best threshold on the photos of which it is known."""
    columns = []
    for tag in range(truth.shape[1]):
        known = truth[:, tag] >= 0
        columns.append(best_threshold(truth[known, tag] == 1, shares[known, tag]))
    return np.array(columns)


def fit_shares(truth: Truth, shares: Sequence[Shares]) -> NDArray[np.float64]:
    """The parts of M taggers (N x T shares each) in their mean, summing to 1, under which what is known is most likely.

    A mixture's parts by expectation and maximisation (Dempster, Laird and Rubin 1977): each step is likelier than the last.
    """
    known = truth >= 0
    yes = truth[known] == 1
    said = np.stack([np.where(yes, one[known], 1 - one[known]) for one in shares]).astype(np.float64).clip(1e-6)
    parts = np.full(len(shares), 1 / len(shares))
    for _ in range(EXPECTATIONS if said.size else 0):
        weighed = parts[:, None] * said
        parts = (weighed / weighed.sum(axis=0)).mean(axis=1)
    return parts


def decide(shares: Shares, thresholds: NDArray[np.float64], groups: Sequence[slice]) -> NDArray[np.bool_]:
    """Which tags each photo gets: those that pass and, of a group in which none does, the one that comes nearest to it."""
    passed = shares >= thresholds
    for group in groups:
        empty = np.flatnonzero(~passed[:, group].any(axis=1))
        nearest = (shares[empty, group] / np.maximum(thresholds[group], 1e-9)).argmax(axis=1)
        passed[empty, group.start + nearest] = True
    return np.asarray(passed)


def slices(groups: Mapping[str, Sequence[str]]) -> list[slice]:
    """Where each group's tags stand among all."""
    ends = np.cumsum([len(members) for members in groups.values()])
    return [slice(int(end) - len(members), int(end)) for end, members in zip(ends, groups.values(), strict=True)]


def figures(
    truth: Truth, shares: Shares, groups: Mapping[str, Sequence[str]], half: NDArray[np.bool_] | None = None
) -> TagFigures:
    """The figures of a validation set; ``half``: which photos are in the first of two halves (every other one).

    Average precision needs no threshold. The F1 is honest all the same: each half of the photos is decided by the
    thresholds of the other half; the thresholds told are those of both.
    """
    decided = np.zeros(truth.shape, np.bool_)
    first = alternate(len(truth)) if half is None else half
    for side in (first, ~first):
        decided[side] = decide(shares[side], tune(truth[~side], shares[~side]), slices(groups))
    return figures_of(truth, shares, decided, tune(truth, shares), groups)


def alternate(count: int) -> NDArray[np.bool_]:
    """Every other one of ``count``."""
    return np.asarray(np.arange(count) % 2 == 0)


def figures_of(
    truth: Truth, shares: Shares, decided: NDArray[np.bool_], thresholds: NDArray[np.float64],
    groups: Mapping[str, Sequence[str]],
) -> TagFigures:  # fmt: skip
    """The figures of photos of which it was ``decided`` (N x T) what tags they get."""
    places = slices(groups)
    names = [tag for members in groups.values() for tag in members]
    tags = [_figure(tag, truth[:, j], shares[:, j], decided[:, j], thresholds[j]) for j, tag in enumerate(names)]
    known = truth >= 0
    yes = truth == 1
    occur = [j for j, one in enumerate(tags) if one.ap is not None]
    return TagFigures(
        images=len(truth),
        mean_ap=_mean([one.ap for one in tags]),
        chance_map=_mean([float(yes[known[:, j], j].mean()) for j in occur]),
        macro_f1=_mean([one.f1 for one in tags]),
        micro_f1=_f1(yes[known], decided[known]),
        accuracy=float((yes == decided)[known].mean()),
        always_no=float((~yes)[known].mean()),
        groups={name: _mean([one.ap for one in tags[place]]) for name, place in zip(groups, places, strict=True)},
        tags=tuple(tags),
        group_f1={name: _mean([one.f1 for one in tags[place]]) for name, place in zip(groups, places, strict=True)},
    )


def _figure(tag: str, truth: Truth, shares: Shares, decided: NDArray[np.bool_], threshold: float) -> TagFigure:
    known = truth >= 0
    yes = truth[known] == 1
    ap = average_precision(yes, shares[known])
    f1 = None if ap is None else _f1(yes, decided[known])
    return TagFigure(tag=tag, positives=int(yes.sum()), ap=ap, f1=f1, threshold=float(threshold))


def _f1(truth: NDArray[np.bool_], decided: NDArray[np.bool_]) -> float:
    both = int((truth & decided).sum())
    return 2 * both / max(int(truth.sum()) + int(decided.sum()), 1)


def _mean(values: Sequence[float | None]) -> float:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else 0.0
