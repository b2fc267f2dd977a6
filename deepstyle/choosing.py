"""The settings that `train-gan` and `run` choose by themselves, and the run whose choices they keep (loop)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import torch

from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.config import GanConfig, keys_of, load_config
from deepstyle.crop.rules import cut_by
from deepstyle.dcgan.choose import Choice, Facts, advice, choose
from deepstyle.errors import ConfigError
from deepstyle.machine import in_bfloat, threads
from deepstyle.progress import Reporter
from deepstyle.records import Garment
from deepstyle.run import BUDGETS

FREE = {*BUDGETS, "chosen", "chosen_for"}  # settings that say nothing of whose run it is


def choices_for(catalog: Catalog, overrides: Sequence[str], *, fresh: bool, advise: bool = False) -> list[Choice]:
    """What to train on the workspace's garments with, beyond the ``key=value`` that are given; nothing without garments.

    A run whose settings were chosen for as many garments keeps them, whatever the budget is now, so that the same
    command goes on with it; unless it is to be ``fresh``, or something else is given. ``advise``: last comes what is said of
    the generator that ships, if anything.
    """
    asked = load_config(GanConfig, None, overrides)
    given = {key: getattr(asked, key) for key in keys_of(overrides)}
    garments = catalog.garments(asked.labels, least=asked.min_score)
    if not garments:
        return []
    kept = None if fresh else _kept(catalog, asked, given.keys(), len(garments))
    cuts = [cut_by(one.rule) for one in garments]
    facts = Facts(
        labels=Counter(one.called(asked.labels) for one in garments),
        categories=_categories(catalog, garments) if not asked.labels else {},
        masks=all(one.share is not None and cut.untouched for one, cut in zip(garments, cuts, strict=True)),
        plain=all(cut.ground == "plain" for cut in cuts),
        side=int(np.median([min(one.width, one.height) for one in garments])),
        cores=threads(), bfloat=in_bfloat(asked.precision), cuda=torch.cuda.is_available(),
        minutes=given.get("minutes"), images=given.get("images"),
    )  # fmt: skip
    made = choose(facts, given) if kept is None else [kept]
    settings = {key: value for choice in made for key, value in choice.settings.items()}
    mark = Choice(settings={"chosen": list(settings), "chosen_for": len(garments)}, reason="")
    told = advice(facts, given | settings) if advise and kept is None else []
    return [*made, *told, mark]  # so that the same command goes on


def _categories(catalog: Catalog, garments: Sequence[Garment]) -> Counter[str]:
    """How many of the garments have each category; nothing where one has none."""
    named = catalog.tags.named(CATEGORY)
    found = [named.get((one.photo, one.k), "") for one in garments]
    return Counter(found) if all(found) else Counter()


def chosen_config(catalog: Catalog, given: Sequence[str], *, reporter: Reporter) -> GanConfig:
    """The config that these choices and the ``key=value`` that are given make; each choice is said."""
    choices = choices_for(catalog, given, fresh=False)
    said = [f"  {choice.said}" for choice in choices if choice.reason]
    for line in ["settings of the GAN, chosen for these garments:", *said] if said else []:
        reporter.say(line)
    own = [one for choice in choices for one in choice.overrides]
    return load_config(GanConfig, None, [*own, *given])


def _kept(catalog: Catalog, asked: GanConfig, given: Collection[str], garments: int) -> Choice | None:
    """The choices of the newest GAN run that has any for as many garments, and is what is ``asked`` in all else."""
    for run in reversed([one for one in catalog.runs() if one.kind == "gan"]):
        try:
            config = load_config(GanConfig, catalog.path(run.path) / "config.yaml")
        except ConfigError:
            continue
        settings = {key: getattr(config, key) for key in config.chosen if key not in given}
        same = config.model_dump(exclude=FREE) == asked.model_copy(update=settings).model_dump(exclude=FREE)
        if same and config.chosen_for == garments:
            plain = config.model_dump(mode="json")
            return Choice(
                settings={key: plain[key] for key in settings},
                reason=f"as {run.name} has it, which was chosen before (--fresh chooses anew)",
            )
    return None
