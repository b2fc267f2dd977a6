"""Several taggers as one: the mean of their shares, with weights of its own (``average.py`` fits them), and its folder.

    models/<name>/model.json    kind, labels, groups, thresholds, members (name, weights, share), figures

The members stay where they are, beside it; one that was trained again since is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from deepstyle.about import CARD, digest_of, read_about
from deepstyle.classifier.network import complete
from deepstyle.classifier.tag_figures import Shares
from deepstyle.classifier.tagger import Tagger, Tags
from deepstyle.classifier.views import Tta
from deepstyle.errors import ModelError
from deepstyle.files import put_file
from deepstyle.folders import put_folder
from deepstyle.images import Pixels

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
    def load(cls, folder: Path, *, device: torch.device | None = None, arranged: bool = False) -> Self:
        """Open a model folder; ``arranged``: see ``network.ready``.

        Raises ModelError when it is incomplete, or a member is gone or has changed.
        """
        about = read_about(folder)
        with complete(folder, KIND):
            told = [(str(one["name"]), str(one["weights"]), float(one["share"])) for one in about["members"]]
            thresholds = [float(value) for value in about["thresholds"]]
            if not told or len(thresholds) != len(about["labels"]):
                raise ValueError("it has no members, or not one threshold for each tag")
        members = [
            Tagger.load(folder.parent / Path(name).name, device=device, arranged=arranged) for name, _, _ in told
        ]
        for one, (name, digest, _) in zip(members, told, strict=True):
            if one.weights_name != digest or list(one.labels) != about["labels"]:
                raise ModelError(f"{folder}: its member {name} was trained again since; average them again")
        parts = np.array([share for _, _, share in told])
        own = f"{folder.name}@{digest_of(folder / 'model.json')[:8]}"
        return cls(members, parts, folder.name, thresholds=thresholds, weights_name=own)

    def save(self, folder: Path, found: Mapping[str, Any], *, card: str) -> None:
        """Write the model folder; ``found`` are its figures, ``card`` is its card's text."""
        members = [
            {"name": one.name, "weights": one.weights_name, "share": float(part)}
            for one, part in zip(self.members, self.parts, strict=True)
        ]
        about = {"kind": KIND, "labels": list(self.labels), "groups": self.groups, "figures": dict(found),
                 "thresholds": self.thresholds.tolist(), "members": members}  # fmt: skip

        def fill_in(place: Path) -> None:
            put_file(place / CARD, card.encode())
            put_file(place / "model.json", json.dumps(about, indent=2).encode())

        put_folder(folder, fill_in)

    def shares(self, pixels: Pixels, *, batch_size: int = 128, tta: Tta | None = None) -> Shares:
        """N x S x S x 3 uint8, any S -> N x T shares in [0, 1]."""
        return mean_of([one.shares(pixels, batch_size=batch_size, tta=tta) for one in self.members], self.parts)


def mean_of(shares: Sequence[Shares], parts: NDArray[np.float64]) -> Shares:
    """The weighted mean of M arrays of N x T."""
    mean: Shares = np.tensordot(parts, np.stack(shares), axes=1).astype(np.float32)
    return mean
