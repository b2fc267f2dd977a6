"""Several taggers as one: the mean of their shares, with weights that are fitted on photos held out (loop, and its folder).

    models/<name>/model.json    kind, labels, groups, thresholds, members (name, weights, share), figures

The members stay where they are, beside it; one that was trained again since is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from deepstyle.about import digest_of, read_about
from deepstyle.annotations.tag_table import TagTable
from deepstyle.catalog import Catalog
from deepstyle.classifier.network import complete
from deepstyle.classifier.tag_figures import Shares, TagFigures, Truth, figures, fit_shares
from deepstyle.classifier.tagger import Tagger, Tags
from deepstyle.classifier.train_tagger import prepare
from deepstyle.classifier.views import Tta
from deepstyle.config import TaggerConfig, load_config
from deepstyle.errors import InputError, ModelError, UsageError
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.images import Pixels
from deepstyle.progress import Reporter

KIND = "taggers"


class Taggers(Tags):
    """Taggers of the same tags, ``members`` with their ``parts`` of the mean (M shares that sum to 1)."""

    def __init__(
        self, members: Sequence[Tagger], parts: NDArray[np.float64], name: str, *,
        thresholds: Sequence[float] | None = None, weights_name: str = "",
    ) -> None:  # fmt: skip
        largest = max(members, key=lambda one: one.preprocessing.image_size)
        super().__init__(largest.preprocessing, largest.groups, name, thresholds, weights_name)
        self.members, self.parts = tuple(members), parts

    @classmethod
    def load(cls, folder: Path, *, device: torch.device | None = None) -> Self:
        """Open a model folder. Raises ModelError when it is incomplete, or a member is gone or has changed."""
        about = read_about(folder)
        with complete(folder, KIND):
            told = [(str(one["name"]), str(one["weights"]), float(one["share"])) for one in about["members"]]
            thresholds = [float(value) for value in about["thresholds"]]
            if not told or len(thresholds) != len(about["labels"]):
                raise ValueError("it has no members, or not one threshold for each tag")
        members = [Tagger.load(folder.parent / Path(name).name, device=device) for name, _, _ in told]
        for one, (name, digest, _) in zip(members, told, strict=True):
            if one.weights_name != digest or list(one.labels) != about["labels"]:
                raise ModelError(f"{folder}: its member {name} was trained again since; average them again")
        parts = np.array([share for _, _, share in told])
        own = f"{folder.name}@{digest_of(folder / 'model.json')[:8]}"
        return cls(members, parts, folder.name, thresholds=thresholds, weights_name=own)

    def save(self, folder: Path, found: Mapping[str, Any]) -> None:
        """Write the model folder; ``found`` are its figures."""
        members = [
            {"name": one.name, "weights": one.weights_name, "share": float(part)}
            for one, part in zip(self.members, self.parts, strict=True)
        ]
        about = {"kind": KIND, "labels": list(self.labels), "groups": self.groups, "figures": dict(found),
                 "thresholds": self.thresholds.tolist(), "members": members}  # fmt: skip
        put_folder(folder, lambda place: put_file(place / "model.json", json.dumps(about, indent=2).encode()))

    def shares(self, pixels: Pixels, *, batch_size: int = 128, tta: Tta | None = None) -> Shares:
        """N x S x S x 3 uint8, any S -> N x T shares in [0, 1]."""
        return mean_of([one.shares(pixels, batch_size=batch_size, tta=tta) for one in self.members], self.parts)


def mean_of(shares: Sequence[Shares], parts: NDArray[np.float64]) -> Shares:
    """The weighted mean of M arrays of N x T."""
    mean: Shares = np.tensordot(parts, np.stack(shares), axes=1).astype(np.float32)
    return mean


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """What averaging came to: each member's share of the mean and its own mean average precision, and the mean's figures."""

    name: str
    folder: Path
    parts: dict[str, float]
    alone: dict[str, float]
    figures: TagFigures


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
    for member in members:
        config = load_config(TaggerConfig, catalog.root / "models" / member.name / "config.yaml")
        learned, _, held_out, _ = prepare(table, config, catalog.root / "datasets", name=member.name, reporter=reporter)
        seen.append((held_out.photos.sources, held_out.truth))
        if learned.groups != members[0].groups or member.groups != members[0].groups or seen[-1][0] != seen[0][0]:
            raise InputError(
                f"--average {member.name}: was not trained on the tags and photos of {members[0].name}; give all of them "
                "one table, one seed, one validation_share and the same groups"
            )
        shares.append(member.shares(held_out.photos.images))
    truth, groups = seen[0][1], members[0].groups
    found = figures(truth, crossed(truth, shares), groups)
    whole = Taggers(members, fit_shares(truth, shares), name)
    whole.thresholds = np.array([one.threshold for one in figures(truth, mean_of(shares, whole.parts), groups).tags])
    alone = {one.name: figures(truth, part, groups).mean_ap for one, part in zip(members, shares, strict=True)}
    folder = catalog.root / "models" / name
    whole.save(folder, {**asdict(found), "alone": alone})
    catalog.put_model(name, KIND, {"mean_ap": found.mean_ap, "micro_f1": found.micro_f1})
    parts = {one.name: float(part) for one, part in zip(members, whole.parts, strict=True)}
    return Averaged(name=name, folder=folder, parts=parts, alone=alone, figures=found)


def crossed(truth: Truth, shares: Sequence[Shares]) -> Shares:
    """The mean of M arrays of N x T, each half of the photos with the parts that were fitted on the other half."""
    mean = np.empty_like(shares[0])
    half = np.arange(len(truth)) % 2 == 0
    for side in (half, ~half):
        parts = fit_shares(truth[~side], [one[~side] for one in shares])
        mean[side] = mean_of([one[side] for one in shares], parts)
    return mean
