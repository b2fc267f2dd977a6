"""Training the tagger: several tags a photo, each a yes or no of its own.

It steps, resumes and ends as the classifier's training does. What is not known of a photo teaches nothing. Outcomes: see
``train.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deepstyle import weights
from deepstyle.about import today
from deepstyle.annotations.table import LabelRow, require_photos
from deepstyle.annotations.tag_table import YES, TagTable, chosen, named, regrouped
from deepstyle.boxes import Detector
from deepstyle.catalog import Catalog
from deepstyle.classifier import data
from deepstyle.classifier.augment import SLACK, random_views
from deepstyle.classifier.card import tagger_card
from deepstyle.classifier.learner import SAVE_SECONDS, Learner, check, learn, preprocessing_of, start, trunk_of
from deepstyle.classifier.region import cut_table
from deepstyle.classifier.tag_figures import TagFigure, TagFigures, Truth, alternate, figures, figures_of
from deepstyle.classifier.tagger import KIND, Tagger, build_tagger
from deepstyle.config import TaggerConfig, to_yaml
from deepstyle.dataset import Item, PackedDataset
from deepstyle.engine import Stream, agreed, batch_indices, make_fabric, seeded, share_of
from deepstyle.errors import ConfigError, InputError
from deepstyle.pretrained import Fetch, imagenet
from deepstyle.progress import Reporter
from deepstyle.training import Training, opened

VALIDATIONS = 6  # during a run, the last one at its end
HEAVIEST = 20.0  # times that a photo with a rare tag may weigh what one without it does


@dataclass(frozen=True, kw_only=True)
class TrainedTagger:
    """What a training came to: ``tags`` that were learned and those ``dropped`` as too rare (or on nearly all photos).

    ``test``: of photos marked test, which ``test_set`` names, judged once at the end; None where there are none.
    """

    name: str
    folder: Path
    tags: tuple[str, ...]
    dropped: tuple[str, ...]
    figures: TagFigures
    images: int
    seconds: float
    images_per_second: float
    run: str
    test: TagFigures | None = None
    test_set: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """Photos of one side: packed, with the truth of their tags, N x T, and their rows."""

    photos: PackedDataset
    truth: Truth
    rows: tuple[LabelRow, ...]

    def half(self, seed: int) -> NDArray[np.bool_]:
        """Which photos are in one of two halves that share no group; every other one, where there is one group alone."""
        found = data.halves(self.rows, seed)
        return alternate(len(self.rows)) if found is None else found

    @property
    def key(self) -> str:
        """What stands for the photos and their tags."""
        return f"{self.photos.key} {hashlib.sha256(self.truth.tobytes()).hexdigest()}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """The ``table`` of what is learned, its sides, the names of the tags that were ``dropped``."""

    table: TagTable
    train: Side
    validation: Side
    test: Side | None
    dropped: tuple[str, ...]

    @property
    def key(self) -> str:
        """What stands for all of it."""
        sides = [self.train.key, self.validation.key, *([self.test.key] if self.test is not None else [])]
        return hashlib.sha256(f"{' '.join(sides)} {self.table.groups}".encode()).hexdigest()


def marked_test(table: TagTable) -> str:
    """What the test set of a table is called."""
    return f"photos of {table.name} marked test"


def frequent(table: TagTable, rows: Sequence[int], least: float) -> tuple[list[int], tuple[str, ...]]:
    """Numbers of the tags that at least this share of the training rows has, and lacks; and the names of the others."""
    kept = []
    for tag in range(len(table.tags)):
        known = table.values[list(rows), tag]
        known = known[known >= 0]
        share = float((known == YES).mean()) if len(known) else 0.0
        if 0 < share < 1 and least <= share <= 1 - least:
            kept.append(tag)
    return kept, tuple(name for tag, name in enumerate(table.tags) if tag not in set(kept))


def prepare(table: TagTable, config: TaggerConfig, folder: Path, *, name: str, reporter: Reporter) -> Prepared:
    """Split, drop what is too rare, pack."""
    if config.groups:
        table = regrouped(table, config.groups)
    if config.exclude:
        table = chosen(
            table, range(len(table.rows)), [j for j, tag in enumerate(table.tags) if tag not in config.exclude]
        )
    require_photos(table.rows, table.missing)
    parted = data.split_rows(named(table).rows, config)
    data.tell(table.missing, table.dropped, reporter)
    data.tell_split(parted, reporter)
    places = {row.path: i for i, row in enumerate(table.rows)}
    kept, dropped = frequent(table, [places[row.path] for row in parted.train], config.least_share)
    if not kept:
        raise InputError(f"no tag is on {config.least_share:.1%} of the training photos; lower --set least_share")
    table = chosen(table, range(len(table.rows)), kept)
    size = round(config.image_size * SLACK)
    sides: dict[str, Side] = {}
    for side, rows in (("train", parted.train), ("validation", parted.validation), ("test", parted.test)):
        if not rows:
            continue
        items = [Item(source=row.path.as_posix(), path=row.path, label="photo") for row in rows]
        photos = PackedDataset.pack(
            folder / f"{name}-{side}-{size}", items, size=size, fit=config.fit, reporter=reporter
        )
        kept = [places[Path(source)] for source in photos.sources]
        sides[side] = Side(photos=photos, truth=table.values[kept], rows=tuple(table.rows[i] for i in kept))
    return Prepared(
        table=table, train=sides["train"], validation=sides["validation"], test=sides.get("test"), dropped=dropped
    )


def train_tagger(
    table: TagTable, catalog: Catalog, config: TaggerConfig, *, reporter: Reporter, fresh: bool = False,
    name: str = "tagger", save_every: float = SAVE_SECONDS, fetch: Fetch = imagenet,
    region: Detector | None = None,
) -> TrainedTagger:  # fmt: skip
    """Train a tagger on the table's photos into ``models/<name>``, or continue; a finished one is only reported.

    Parameters and errors as ``train_classifier``'s. With a ``region`` photos are cut to what that detector is surest of.
    """
    check(config)
    fabric = make_fabric(config.precision)
    share = share_of(fabric, config.batch_size)
    if share.stop - share.start < 2:
        raise ConfigError("batch_size: must be at least 2 a process, the network normalises over the batch")
    if region is not None:
        table = cut_table(table, region, catalog.root / "datasets" / f"{name}-regions", reporter=reporter)
    found = prepare(table, config, catalog.root / "datasets", name=name, reporter=reporter)
    groups, identity = found.table.groups, f"{name}:{found.key}"
    if out := found.dropped:
        reporter.say(f"{len(out)} tags are on too few photos, or on nearly all, and left out: {', '.join(out)}")
    sizes = [len(members) for members in groups.values()]
    with opened(catalog, KIND, config, data_key=identity, reporter=reporter, fabric=fabric, fresh=fresh) as t:
        trunk = trunk_of(config, fetch, reporter) if t.new else None
        state = start(config, fabric, lambda: build_tagger(config, sizes, imagenet=trunk))
        folder = catalog.root / "models" / name
        known = t.resume(state, model=folder)
        if known is None:
            _learn(t, state, found, save_every)
            known = {}
            if t.run.leads:
                with state.averaged() as network:
                    seen = preprocessing_of(config, config.image_size)
                    tagger = Tagger(network, seen, groups, name, tta=config.tta, region=region.name if region else "")
                    known = _finish(t, tagger, found)
            known = agreed(fabric, known)
        return TrainedTagger(
            name=name, folder=folder, tags=found.table.tags, dropped=found.dropped, run=known["run"], images=known["seen"],
            seconds=known["seconds"], images_per_second=known["images_per_second"], figures=_recorded(known),
            test=_recorded(known["test"]) if known.get("test") else None, test_set=known.get("test_set", ""),
        )  # fmt: skip


def _recorded(known: Mapping[str, Any]) -> TagFigures:
    """Figures as a run keeps them."""
    found = {key: value for key, value in known.items() if key in TagFigures.__dataclass_fields__}
    return TagFigures(**{**found, "tags": tuple(TagFigure(**one) for one in found["tags"])})


def _learn(t: Training[TaggerConfig], state: Learner, prepared: Prepared, save_every: float) -> None:
    """The loop's two parts: a step on views of the training images, a look at the validation images."""
    config, fabric = t.config, t.fabric
    groups, train, validation = prepared.table.groups, prepared.train, prepared.validation
    half = validation.half(config.seed)
    heavier = _weights(train.truth, config.balance).to(fabric.device)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, size: int) -> Tensor:
        return _step(model, optimizer, train, state.images, size, heavier, config, fabric)

    def look(network: nn.Module, size: int) -> tuple[dict[str, float], str]:
        looked = Tagger(network, preprocessing_of(config, size), groups, t.run.name)
        found = figures(validation.truth, looked.shares(validation.photos.images, tta="mirror"), groups, half)
        return {"validation/map": found.mean_ap, "validation/f1": found.micro_f1}, f"mAP {found.mean_ap:.1%}"

    learn(t, state, step, look, names=("loss", "accuracy"), validations=VALIDATIONS, save_every=save_every)


def _weights(truth: Truth, balance: float) -> Tensor:
    """How much heavier a "yes" weighs than a "no" of each tag: (no / yes) ** balance, T float32."""
    yes, no = (truth == YES).sum(axis=0), (truth == 0).sum(axis=0)
    return torch.from_numpy(np.clip((no / np.maximum(yes, 1)) ** balance, 1 / HEAVIEST, HEAVIEST).astype(np.float32))


def _step(
    model: nn.Module, optimizer: torch.optim.Optimizer, train: Side, images: int, size: int, heavier: Tensor,
    config: TaggerConfig, fabric: Fabric,
) -> Tensor:  # fmt: skip
    """One batch, one update; returns (loss, share of decisions that are right) on the device."""
    mine = share_of(fabric, config.batch_size)
    rows = batch_indices(images, config.batch_size, len(train.photos), config.seed)[mine]
    random = seeded(config.seed, Stream.STEP, images)
    views = random_views(
        train.photos.images, rows, size, fabric.device, random, (config.batch_size, mine)
    )  # NCHW in [0, 1]
    truth = torch.from_numpy(train.truth[rows]).to(fabric.device)  # N x T int8
    optimizer.zero_grad(set_to_none=True)
    model.train()
    logits = model(preprocessing_of(config, size)(views)).float()  # N x T
    loss = loss_of(logits, truth, heavier, config.label_smoothing)
    fabric.backward(loss)
    optimizer.step()
    known = truth >= 0
    right = ((logits > 0) == (truth == YES)) & known
    return torch.stack([loss.detach(), right.sum() / known.sum().clamp(min=1)])


def loss_of(logits: Tensor, truth: Tensor, heavier: Tensor, smoothing: float) -> Tensor:
    """Binary cross entropy, the mean over what is known (truth 1 or 0; -1 is not)."""
    known = (truth >= 0).float()
    wanted = (truth == YES).float() * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=heavier, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def _finish(t: Training[TaggerConfig], tagger: Tagger, prepared: Prepared) -> dict[str, Any]:
    """Judge the weights as they are kept, tune the thresholds, write the model folder, tell the catalog; the figures."""
    state, run, validation, test = t.learner, t.run, prepared.validation, prepared.test
    weights.fill(tagger.network, weights.halved(tagger.network.state_dict()), origin=f"run {run.name}")
    shares = tagger.shares(validation.photos.images)
    found = figures(validation.truth, shares, tagger.groups, validation.half(t.config.seed))
    tagger.thresholds = np.array([one.threshold for one in found.tags])
    told = {
        **asdict(found), "tags": [asdict(one) for one in found.tags], "seen": state.images, "seconds": state.spent,
        "images_per_second": state.images / max(state.spent, 1e-9), "run": run.name, "dropped": list(prepared.dropped),
    }  # fmt: skip
    if test is not None:
        shares = tagger.shares(test.photos.images)
        judged = figures_of(test.truth, shares, tagger.decide(shares), tagger.thresholds, tagger.groups)
        told |= {"test": asdict(judged), "test_set": marked_test(prepared.table)}
    words = tagger_card(
        tagger.name, tagger.groups, t.config, prepared.table.name, told, photos=len(prepared.train.photos),
        region=tagger.region, day=today(),
    )  # fmt: skip
    folder, about = run.catalog.root / "models" / tagger.name, {"run": run.name, "figures": told}
    tagger.save(folder, to_yaml(t.config), about, extra=t.card(words))
    t.done(told, model=tagger.name)
    t.reporter.say(
        f"{tagger.name}: mAP {found.mean_ap:.1%} (a guess: {found.chance_map:.1%}), F1 {found.micro_f1:.1%}, right "
        f"{found.accuracy:.1%} (always no: {found.always_no:.1%}) on {found.images} validation photos"
    )
    return told
