"""Which learning rate to take: a few steps at rates that rise from tiny to huge, and what the loss does (loop).

Smith 2015, arXiv 1506.01186. The network it tries them on is thrown away: a training that follows starts as if this had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle.annotations.table import LabelTable
from deepstyle.catalog import Catalog
from deepstyle.classifier import data
from deepstyle.classifier.build import build_network
from deepstyle.classifier.learner import check, start, trunk_of, view_size
from deepstyle.classifier.train import label_weights, train_step
from deepstyle.config import ClassifierConfig
from deepstyle.engine import make_fabric
from deepstyle.errors import TrainingError
from deepstyle.files import put_file
from deepstyle.images import Pixels, encode
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100  # rates that are tried, evenly by their logarithm
SMOOTH = 0.9  # share of the past in the smoothed loss
LOST = 3.0  # times the best loss from which on a rate is too high to go on
SIZE, MARGIN = (640, 360), 46  # pixels of the picture, and around the curve


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Rates and smoothed losses in their order; ``steepest``: where the loss falls fastest; ``suggested``: a peak for ``lr``."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    steepest: float
    suggested: float
    picture: Path | None = None


def sweep(step: Callable[[int, float], float], *, steps: int = STEPS) -> Sweep:
    """Call ``step`` with its number and a rising rate until the loss it returns is lost.

    The suggestion is a tenth of the rate of the lowest loss, since there the loss is about to rise again. Raises
    TrainingError when the loss is lost at once.
    """
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for number in range(steps):
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / max(steps - 1, 1))
        mean = SMOOTH * mean + (1 - SMOOTH) * step(number, rate)
        smooth = mean / (1 - SMOOTH ** (number + 1))  # as if there had been a past
        if not math.isfinite(smooth) or (losses and smooth > LOST * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    if len(rates) < 3:
        raise TrainingError("the loss is not finite at any rate; look at the data, or use --set precision=32")
    slopes = np.gradient(np.array(losses), np.log(rates))
    return Sweep(
        rates=tuple(rates), losses=tuple(losses), steepest=rates[int(slopes.argmin())],
        suggested=rates[int(np.argmin(losses))] / 10,
    )  # fmt: skip


def find_rate(
    table: LabelTable, catalog: Catalog, config: ClassifierConfig, *, reporter: Reporter, name: str = "classifier",
    steps: int = STEPS, fetch: Fetch = imagenet,
) -> Sweep:  # fmt: skip
    """Try rates on the table's training images, as ``train_classifier`` would begin, and draw ``runs/<name>-rates.png``."""
    check(config)
    fabric = make_fabric(config.precision)
    train = data.pack(table, config, catalog.root / "datasets", name=name, reporter=reporter).train
    trunk, count = trunk_of(config, fetch, reporter), len(train.label_names)
    state = start(config, fabric, lambda: build_network(config.network, count, imagenet=trunk, width=config.width))
    model, optimizer = fabric.setup(state.network, state.optimizer)
    heavier = label_weights(train.labels, count, config.balance).to(fabric.device)
    size = view_size(0.0, config.image_size)
    with reporter.task("trying rates", total=steps, unit="steps") as task:

        def step(number: int, rate: float) -> float:
            for group in state.optimizer.param_groups:
                group["lr"] = rate * group.get("scale", 1.0)
            images = number * config.batch_size
            loss = float(train_step(model, optimizer, train, images, size, heavier, config, fabric)[0])
            task.advance(note=f"rate {rate:.1e}")
            return loss

        found = sweep(step, steps=steps)
    path = catalog.root / "runs" / f"{name}-rates.png"
    put_file(path, encode(draw(found)))
    return Sweep(
        rates=found.rates, losses=found.losses, steepest=found.steepest, suggested=found.suggested, picture=path
    )


def draw(found: Sweep) -> Pixels:
    """The losses over the logarithm of the rate, H x W x 3 uint8; where they fall fastest and what is suggested are marked."""
    sheet = Image.new("RGB", SIZE, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    low, high = min(found.losses), max(found.losses)

    def at(rate: float, loss: float) -> tuple[float, float]:
        x = math.log(rate / found.rates[0]) / math.log(found.rates[-1] / found.rates[0])
        y = (high - loss) / max(high - low, 1e-9)
        return MARGIN + x * (SIZE[0] - 2 * MARGIN), MARGIN + y * (SIZE[1] - 2 * MARGIN)

    for power in range(math.ceil(math.log10(found.rates[0])), math.floor(math.log10(found.rates[-1])) + 1):
        x, y = at(10.0**power, low)
        pen.line([(x, MARGIN), (x, y)], fill=(225, 225, 225))
        pen.text((x, y + 6), f"1e{power}", fill="black", font=font, anchor="ma")
    for loss in (low, high):
        pen.text((MARGIN - 6, at(found.rates[0], loss)[1]), f"{loss:.2f}", fill="black", font=font, anchor="rm")
    _curve(pen, [at(rate, loss) for rate, loss in zip(found.rates, found.losses, strict=True)])
    marks = (("falls fastest", found.steepest, (0, 110, 0)), ("suggested", found.suggested, (190, 0, 0)))
    for row, (words, rate, colour) in enumerate(marks):
        x, y = at(min(max(rate, found.rates[0]), found.rates[-1]), low)
        pen.line([(x, MARGIN), (x, y)], fill=colour)
        pen.text((x + 4, 8 + 14 * row), f"{words}: {rate:.1e}", fill=colour, font=font)
    return np.asarray(sheet)


def _curve(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]]) -> None:
    pen.line(list(points), fill=(40, 70, 160), width=2)
