"""What a GAN's training is when nobody says: each setting with its reason, from garments, machine and budget (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deepstyle.config import GanConfig, as_overrides
from deepstyle.dcgan.augment import FEW
from deepstyle.source import Source, growable
from deepstyle.weak import FEW_GARMENTS, FEW_IMAGES

RATES = {32: 200.0, 64: 110.0, 128: 18.0, 256: 5.0}  # images/s of one core in float32, by size: careful (docs/log.md)
BFLOAT = 1.8  # times as many where the processor computes in bfloat16
GPU_RATES = {32: 5000.0, 64: 3000.0, 128: 800.0, 256: 250.0}  # images/s, careful guesses
ENOUGH = 300_000  # images after which a larger size is worth its cost
LONG = 100_000  # images from which there is time to begin coarsely and to end finely: 125,888 gain, 32,000 lose (docs/log.md)
FALLING = (200_000, 400_000)  # images between which a penalty that falls helps; of 640,000 one that stays came nearer
ADVISED = 400_000  # images, below which a training from random weights is told of what ships
HEART = 650  # visits to each garment, moved alone, up to which copies stay rare (docs/log.md)
LEAST = 50  # garments of each label that a network can learn the label from
OFTEN = 0.9  # share of garments whose category is not too rare to learn
CAREFUL, BOLD = 8, 4  # parts of a model's rate with which it is trained on few and on more garments (docs/log.md)
MILD = 5  # the same of its penalty
PENALTY = 0.5  # R1 and R2 from 64 px on: four times as much at 128 px is worse (docs/log.md); less below


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is chosen for. ``labels``: garments of each; ``side``: median of their shorter sides in pixels.

    ``categories``: garments of each where every one has been named (`deepstyle tag`), else nothing.

    ``masks``: the detector gave every garment one; ``plain``: all were cut on a plain ground; ``cores``: of the processor,
    ``bfloat``: it computes in bfloat16; ``cuda``: there is a GPU; ``minutes``, ``images``: the budget as far as it is given.
    """

    labels: Mapping[str, int]
    side: int
    cores: int
    cuda: bool
    categories: Mapping[str, int] = field(default_factory=dict)
    bfloat: bool = False
    masks: bool = False
    plain: bool = False
    minutes: float | None = None
    images: int | None = None

    @property
    def garments(self) -> int:
        """How many there are."""
        return sum(self.labels.values())

    @property
    def machine(self) -> str:
        """In words."""
        return "a GPU" if self.cuda else f"{self.cores} CPU core{'s' if self.cores > 1 else ''}"

    def shown(self, size: int) -> int:
        """About how many images the budget shows at that size."""
        rate = GPU_RATES[size] if self.cuda else RATES[size] * self.cores * (BFLOAT if self.bfloat else 1)
        by_time = float("inf") if self.minutes is None else self.minutes * 60 * rate
        by_count = 1_000_000 if self.images is None and self.minutes is None else self.images or float("inf")
        return int(min(by_time, by_count))

    def told(self, size: int) -> str:
        """Why it shows so many: the machine's time, or the number that is asked for."""
        unbound = self.minutes is None or replace(self, images=None).shown(size) > self.shown(size)
        if unbound:
            return f"the budget is {self.shown(size):,} images"
        return f"in the time {self.machine} can show about {self.shown(size):,} images of {size} px"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Settings that go together, and why."""

    settings: Mapping[str, Any]
    reason: str

    @property
    def overrides(self) -> list[str]:
        """The settings as ``key=value``."""
        return as_overrides(self.settings)

    @property
    def said(self) -> str:
        """The settings, if there are any, and the reason, for people."""
        return ": ".join(filter(None, [", ".join(self.overrides), self.reason]))


def choose(facts: Facts, given: Mapping[str, Any]) -> list[Choice]:
    """Every choice, in order; a setting that is ``given`` is never chosen, and what depends on it follows it."""
    known, made = dict(given), []
    for rule in (_ground, _size, _width, _batch, _penalty, _labels, _augmentation, _schedule):
        choice = rule(facts, known)
        settings = {key: value for key, value in choice.settings.items() if key not in given}
        known |= settings
        if settings:
            made.append(Choice(settings=settings, reason=choice.reason))
    return made


def advice(facts: Facts, made: Mapping[str, Any]) -> list[Choice]:
    """What a training with these settings is told where the generator that ships would take it farther.

    That one knows garments on a plain ground, at 64 px. The figures are of a training that was run (docs/log.md).
    """
    plain = "plain" in (made.get("ground"), made.get("fit"))
    if made.get("size") != 64 or not plain or facts.shown(64) >= ADVISED:
        return []
    why = (
        "weights begin at random; `--from demo-garments` begins with a generator that knows garments, of other people's photos: "
        "eight minutes with 1,299 garments reached a recall of 0.73 that way, 0.22 from random weights"
    )
    return [Choice(settings={}, reason=why)]


def growing(source: Source, asked: GanConfig, given: Collection[str]) -> list[Choice]:
    """What a training of twice the size takes from its source, beside what is ``given``; nothing where that cannot grow."""
    like = source.config
    if asked.size != 2 * like.size or not growable(source):
        return []
    part = 1 if source.rival is None else MILD
    settings = {"width": like.width // 2, "r1": like.r1 / part, "r2": like.r2 / part}
    left = {key: value for key, value in settings.items() if key not in given}
    kept = (
        "stay, and so does the penalty"
        if part == 1
        else f"stay, with 1/{MILD} of the penalty: both networks have learned"
    )
    why = f"it grows from {like.size} to {asked.size} px: the inner layers {kept}"
    return [Choice(settings=left, reason=why)] if left else []


def going_on(source: Source, asked: GanConfig, given: Collection[str], garments: int) -> list[Choice]:
    """What a training of a model's size takes from it, beside what is ``given``, where the model brings both networks.

    ``garments``: how many it learns from. A run may be far from its end, and goes on as it was.
    """
    if source.rival is None or asked.size != source.config.size:
        return []
    like = source.config
    part = CAREFUL if garments < FEW_GARMENTS else BOLD
    settings = {"lr": like.lr / part, "r1": like.r1 / MILD, "r2": like.r2 / MILD}
    left = {key: value for key, value in settings.items() if key not in given}
    why = (
        f"both networks have learned: 1/{part} of their rate (1/{CAREFUL} below {FEW_GARMENTS} garments) and 1/{MILD} of the "
        "penalty let them keep what they know"
    )
    return [Choice(settings=left, reason=why)] if left else []


def _ground(facts: Facts, _: Mapping[str, Any]) -> Choice:
    if facts.plain:
        return Choice(settings={"fit": "plain"}, reason="the garments lie on a plain ground: it fills up their squares")
    if not facts.masks:
        return Choice(settings={"ground": "keep"}, reason="not every garment has a mask of the detector")
    why = "the detector gave every garment a mask: it can be shown alone, on a plain ground"
    return Choice(settings={"ground": "plain"}, reason=why)


def _size(facts: Facts, _: Mapping[str, Any]) -> Choice:
    small, large = facts.shown(64), facts.shown(128)
    if small < FEW_IMAGES:
        size = 32
        why = f"{facts.told(64)}, below {FEW_IMAGES:,} samples are seldom garments"
    elif large >= ENOUGH and (facts.cuda or (facts.minutes or 0) >= 180):
        size, why = 128, facts.told(128)
    else:
        size, why = 64, facts.told(64)
    while size > 32 and facts.side < 0.75 * size:
        size //= 2
        why = f"the garments are small: half of them have a side below {facts.side + 1} pixels"
    return Choice(settings={"size": size}, reason=why)


def _width(facts: Facts, known: Mapping[str, Any]) -> Choice:
    size = known["size"]
    if size == 256:
        return Choice(settings={"width": 16}, reason="at 256 px the deepest layers have 512 maps with it")
    if facts.cuda and facts.garments >= FEW:
        return Choice(settings={"width": 64}, reason=f"a GPU has room for it, and {facts.garments:,} garments fill it")
    return Choice(settings={"width": 32}, reason="half of PyTorch's example: four times the images in the same time")


def _batch(facts: Facts, _: Mapping[str, Any]) -> Choice:
    batch = 64 if facts.cuda else 16
    why = "a GPU is as fast with 64 as with 16" if facts.cuda else "many small steps learn most in a processor's time"
    while batch > max(2, facts.garments):
        batch //= 2
        why = f"no more than there are garments ({facts.garments})"
    return Choice(settings={"batch_size": batch}, reason=why)


def _penalty(_: Facts, known: Mapping[str, Any]) -> Choice:
    weight = PENALTY * min(1.0, (known["size"] / 64) ** 2)
    return Choice(settings={"r1": weight, "r2": weight}, reason=f"{PENALTY:g} from 64 px on, less below")


def _labels(facts: Facts, _: Mapping[str, Any]) -> Choice:
    often = {name: count for name, count in facts.categories.items() if count >= LEAST}
    if len(often) > 1 and sum(often.values()) >= OFTEN * facts.garments:
        why = f"{len(often)} categories of {LEAST} garments or more: samples vary more than with the detector's labels"
        return Choice(settings={"condition": "category"}, reason=f"{why}, and `sample` asks for them")
    if len(facts.labels) < 2:
        return Choice(settings={"condition": "none"}, reason="all garments have one label")
    rare = min(facts.labels, key=lambda label: facts.labels[label])
    if facts.labels[rare] < LEAST:
        why = f"only {facts.labels[rare]} garments are {rare}, too few to learn what that is"
        return Choice(settings={"condition": "none"}, reason=why)
    why = f"{len(facts.labels)} labels of {LEAST} garments or more: both networks are told them, and `sample` asks for them"
    return Choice(settings={"condition": "label"}, reason=why)


def _augmentation(facts: Facts, known: Mapping[str, Any]) -> Choice:
    visits = facts.shown(known["size"]) / max(1, facts.garments)
    if facts.garments >= FEW:
        return Choice(settings={"augment": []}, reason=f"{facts.garments:,} garments are enough to do without")
    if known.get("augment") == ():
        return Choice(settings={}, reason="none of them is to be changed")
    seen = f"each of {facts.garments:,} garments is seen about {visits:.0f} times"
    steered = {"strength", "ada_target"} & known.keys() or ("strength_end" in known and known["strength_end"] is None)
    if steered:
        why = f"{seen}; how many of them are changed is given"
        return Choice(settings={"augment": ["translation"]}, reason=why)
    if visits < HEART:
        why = f"{facts.garments:,} garments are few, but each is seen about {visits:.0f} times only"
        return Choice(settings={"augment": ["translation"]}, reason=why)
    settings = {"augment": ["color", "translation", "cutout"], "strength": 0.0, "strength_end": 0.3}
    return Choice(settings=settings, reason=f"{seen}: more and more of them are changed")


def _schedule(facts: Facts, known: Mapping[str, Any]) -> Choice:
    shown = facts.shown(known["size"])
    if shown < LONG:
        why = f"about {shown:,} images leave no time to slow down"
        return Choice(settings={"lr_end": 1.0}, reason=why)
    falls = FALLING[0] <= shown <= FALLING[1]
    settings = {"lr_end": 0.04, "penalty_end": 0.2 if falls else 1.0, "ema_images": max(5_000.0, 0.025 * shown)}
    penalty = "falls to a fifth" if falls else "stays"
    why = f"about {shown:,} images: the rate falls to a twenty-fifth, the penalty {penalty}, the average grows longer"
    return Choice(settings=settings, reason=why)
