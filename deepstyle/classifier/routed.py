"""A first classifier says which model looks at each picture: one tagger for worn clothes and one for flat-lays, say (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from deepstyle.classifier.network import Classifier
from deepstyle.classifier.tagger import Tags
from deepstyle.errors import UsageError
from deepstyle.images import Pixels

Single = Classifier | Tags


class Routed:
    """``routes``: a label of the ``router`` -> the model for such pictures; ``otherwise`` looks at all others."""

    def __init__(self, router: Classifier, routes: Mapping[str, Single], otherwise: Single) -> None:
        if unknown := sorted(set(routes) - set(router.labels)):
            raise UsageError(
                f"--route {unknown[0]}: {router.name} says no such label; it says {', '.join(router.labels)}"
            )
        self.router, self.routes, self.otherwise = router, dict(routes), otherwise
        models = (router, otherwise, *routes.values())
        if len({one.preprocessing.fit for one in models}) > 1:
            told = ", ".join(f"{one.name} {one.preprocessing.fit}" for one in models)
            raise UsageError(
                f"--route: the models make squares of pictures in different ways ({told}); train them with one fit"
            )
        self.preprocessing = max((one.preprocessing for one in models), key=lambda one: one.image_size)
        self.labels = tuple(dict.fromkeys(label for one in (*routes.values(), otherwise) for label in one.labels))
        self.name = f"{router.name} with {', '.join(dict.fromkeys(one.name for one in models[1:]))}"

    def parted(self, pixels: Pixels) -> Iterator[tuple[Single, NDArray[np.int64]]]:
        """Each model with the numbers of its pictures among N x S x S x 3 uint8; every picture is one's."""
        called = [self.router.labels[i] for i in self.router.embed(pixels)[1].argmax(axis=1)]
        for label in dict.fromkeys(called):
            yield self.routes.get(label, self.otherwise), np.array([i for i, one in enumerate(called) if one == label])
