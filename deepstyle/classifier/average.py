"""Averaging taggers: the weights of their mean are fitted on photos that were held out from all of them (loop)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepstyle.about import CARD, card_of, today
from deepstyle.annotations.tag_table import TagTable
from deepstyle.catalog import Catalog
from deepstyle.classifier.card import averaged_card
from deepstyle.classifier.tag_figures import Shares, TagFigures, Truth, figures, figures_of, fit_shares
from deepstyle.classifier.tagger import Tagger
from deepstyle.classifier.together import KIND, Taggers, mean_of
from deepstyle.classifier.train_tagger import marked_test, prepare
from deepstyle.config import TaggerConfig, load_config
from deepstyle.errors import InputError, UsageError
from deepstyle.model_card import with_forgotten
from deepstyle.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """What averaging came to: each member's share of the mean and its own mean average precision, and the mean's figures.

    ``test``: the mean's figures of photos marked test, which ``test_set`` names; None where there are none.
    """

    name: str
    folder: Path
    parts: dict[str, float]
    alone: dict[str, float]
    figures: TagFigures
    test: TagFigures | None = None
    test_set: str = ""


def average_taggers(
    table: TagTable, catalog: Catalog, names: Sequence[str], *, reporter: Reporter, name: str
) -> Averaged:
    """Average taggers of the workspace that were trained on this table, into ``models/<name>``.

    The parts are fitted on the photos held out, and thresholds tuned there; the figures are honest all the same: each
    half of the photos is judged by the parts and thresholds of the other half. Raises UsageError for fewer than two or
    the same name twice, InputError when they were trained on other tags or photos.
    """
    if len(set(names)) != len(names) or len(names) < 2 or name in names:
        raise UsageError("--average: name two taggers or more, each once, and another --name for their mean")
    members = [Tagger.load(catalog.root / "models" / one) for one in names]
    if cut := next((one for one in members if one.region), None):
        raise UsageError(
            f"--average {cut.name}: learned from regions of photos; taggers of whole photos can be averaged"
        )
    seen: list[tuple[tuple[str, ...], Truth]] = []
    shares: list[Shares] = []
    asked: list[Shares] = []  # of the test photos
    for member in members:
        config = load_config(TaggerConfig, catalog.root / "models" / member.name / "config.yaml")
        ready = prepare(table, config, catalog.root / "datasets", name=member.name, reporter=reporter)
        learned, held_out = ready.table, ready.validation
        if not seen:  # the photos, the split and the seed are the same for all: so are the halves
            half = held_out.half(config.seed)
        seen.append((held_out.photos.sources, held_out.truth))
        if learned.groups != members[0].groups or member.groups != members[0].groups or seen[-1][0] != seen[0][0]:
            raise InputError(
                f"--average {member.name}: was not trained on the tags and photos of {members[0].name}; give all of them "
                "one table, one seed, one validation_share and the same groups"
            )
        shares.append(member.shares(held_out.photos.images))
        asked += [member.shares(ready.test.photos.images)] if ready.test is not None else []
    truth, groups = seen[0][1], members[0].groups
    found = figures(truth, crossed(truth, shares, half), groups, half)
    whole = Taggers(members, fit_shares(truth, shares), name)
    whole.thresholds = np.array(
        [one.threshold for one in figures(truth, mean_of(shares, whole.parts), groups, half).tags]
    )
    alone = {one.name: figures(truth, part, groups, half).mean_ap for one, part in zip(members, shares, strict=True)}
    folder = catalog.root / "models" / name
    test = _tested(whole, ready.test.truth, asked) if ready.test is not None else None
    test_set = marked_test(table) if test is not None else ""
    parts = {one.name: float(part) for one, part in zip(members, whole.parts, strict=True)}
    told = {**asdict(found), "alone": alone, "test": asdict(test) if test else None, "test_set": test_set}
    card = averaged_card(name, groups, table.name, told, parts=parts, day=today())
    seen_by = [card_of(catalog.root / "models" / one).get(CARD, "") for one in names]
    whole.save(folder, told, card=with_forgotten(card, seen_by))
    catalog.put_model(name, KIND, {"mean_ap": found.mean_ap, "micro_f1": found.micro_f1})
    return Averaged(name=name, folder=folder, parts=parts, alone=alone, figures=found, test=test, test_set=test_set)


def _tested(whole: Taggers, truth: Truth, shares: Sequence[Shares]) -> TagFigures:
    """The figures of photos that chose neither parts nor thresholds; ``shares`` are what each member says of them."""
    mean = mean_of(shares, whole.parts)
    return figures_of(truth, mean, whole.decide(mean), whole.thresholds, whole.groups)


def crossed(truth: Truth, shares: Sequence[Shares], half: NDArray[np.bool_]) -> Shares:
    """The mean of M arrays of N x T, each half of the photos with the parts that were fitted on the other ``half``."""
    mean = np.empty_like(shares[0])
    for side in (half, ~half):
        parts = fit_shares(truth[~side], [one[~side] for one in shares])
        mean[side] = mean_of([one[side] for one in shares], parts)
    return mean
