"""Training the tagger: several tags a photo, each a yes or no of its own.

It steps, resumes and ends as the classifier's training does. What is not known of a photo teaches nothing. Outcomes: see
``train.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from deepstyle import weights
from deepstyle.annotations.tag_table import YES, TagTable, chosen, named, regrouped
from deepstyle.boxes import Detector
from deepstyle.catalog import Catalog
from deepstyle.classifier import data
from deepstyle.classifier.augment import SLACK, augment
from deepstyle.classifier.learner import SAVE_SECONDS, Learner, check, learn, preprocessing_of, start, trunk_of
from deepstyle.classifier.network import to_float
from deepstyle.classifier.region import cut_table
from deepstyle.classifier.tag_figures import TagFigure, TagFigures, Truth, figures
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
    """What a training came to: ``tags`` that were learned and those ``dropped`` as too rare (or on nearly all photos)."""

    name: str
    folder: Path
    tags: tuple[str, ...]
    dropped: tuple[str, ...]
    figures: TagFigures
    images: int
    seconds: float
    images_per_second: float
    run: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """Training or validation photos: packed, with the truth of their tags, N x T."""

    photos: PackedDataset
    truth: Truth

    @property
    def key(self) -> str:
        """What stands for the photos and their tags."""
        return f"{self.photos.key} {hashlib.sha256(self.truth.tobytes()).hexdigest()}"


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


def prepare(
    table: TagTable, config: TaggerConfig, folder: Path, *, name: str, reporter: Reporter
) -> tuple[TagTable, Side, Side, tuple[str, ...]]:
    """Split, drop what is too rare, pack: the table of what is learned, both sides, the names of what was dropped."""
    if config.groups:
        table = regrouped(table, config.groups)
    if config.exclude:
        table = chosen(
            table, range(len(table.rows)), [j for j, tag in enumerate(table.tags) if tag not in config.exclude]
        )
    data.require_photos(table.rows, table.missing)
    parted = data.split_rows(named(table).rows, config)
    data.tell(table.missing, table.dropped, reporter)
    data.tell_split(parted, reporter)
    places = {row.path: i for i, row in enumerate(table.rows)}
    kept, dropped = frequent(table, [places[row.path] for row in parted.train], config.least_share)
    if not kept:
        raise InputError(f"no tag is on {config.least_share:.1%} of the training photos; lower --set least_share")
    table = chosen(table, range(len(table.rows)), kept)
    size = round(config.image_size * SLACK)
    sides = []
    for side, rows in (("train", parted.train), ("validation", parted.validation)):
        items = [Item(source=row.path.as_posix(), path=row.path, label="photo") for row in rows]
        photos = PackedDataset.pack(
            folder / f"{name}-{side}-{size}", items, size=size, fit=config.fit, reporter=reporter
        )
        truth = table.values[[places[Path(source)] for source in photos.sources]]
        sides.append(Side(photos=photos, truth=truth))
    return table, sides[0], sides[1], dropped


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
    table, train, validation, dropped = prepare(table, config, catalog.root / "datasets", name=name, reporter=reporter)
    if dropped:
        reporter.say(f"{len(dropped)} tags are on too few photos, or on nearly all, and left out: {', '.join(dropped)}")
    sizes = [len(members) for members in table.groups.values()]
    key = hashlib.sha256(f"{train.key} {validation.key} {table.groups}".encode()).hexdigest()
    with opened(catalog, KIND, config, data_key=f"{name}:{key}", reporter=reporter, fabric=fabric, fresh=fresh) as t:
        trunk = trunk_of(config, fetch, reporter) if t.new else None
        state = start(config, fabric, lambda: build_tagger(config, sizes, imagenet=trunk))
        folder = catalog.root / "models" / name
        known = t.resume(state, model=folder)
        if known is None:
            _learn(t, state, table, train, validation, save_every)
            known = {}
            if t.run.leads:
                with state.averaged() as network:
                    seen = preprocessing_of(config, config.image_size)
                    tagger = Tagger(
                        network, seen, table.groups, name, tta=config.tta, region=region.name if region else ""
                    )
                    known = _finish(t, tagger, validation, dropped)
            known = agreed(fabric, known)
        found = {key: value for key, value in known.items() if key in TagFigures.__dataclass_fields__}
        tags = tuple(TagFigure(**one) for one in found["tags"])
        return TrainedTagger(
            name=name, folder=folder, tags=table.tags, dropped=dropped, run=known["run"], images=known["seen"],
            seconds=known["seconds"], images_per_second=known["images_per_second"],
            figures=TagFigures(**{**found, "tags": tags}),
        )  # fmt: skip


def _learn(
    t: Training[TaggerConfig], state: Learner, table: TagTable, train: Side, validation: Side, save_every: float
) -> None:
    """The loop's two parts: a step on views of the training images, a look at the validation images."""
    config, fabric = t.config, t.fabric
    heavier = _weights(train.truth, config.balance).to(fabric.device)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, size: int) -> Tensor:
        return _step(model, optimizer, train, state.images, size, heavier, config, fabric)

    def look(network: nn.Module, size: int) -> tuple[dict[str, float], str]:
        looked = Tagger(network, preprocessing_of(config, size), table.groups, t.run.name)
        found = figures(validation.truth, looked.shares(validation.photos.images, tta="mirror"), table.groups)
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
    pixels = to_float(train.photos.images[rows], fabric.device)  # NCHW float32 in [0, 1]
    views = augment(pixels, size, seeded(config.seed, Stream.STEP, images), (config.batch_size, mine))
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


def _finish(t: Training[TaggerConfig], tagger: Tagger, validation: Side, dropped: tuple[str, ...]) -> dict[str, Any]:
    """Judge the weights as they are kept, tune the thresholds, write the model folder, tell the catalog; the figures."""
    state, run = t.learner, t.run
    weights.fill(tagger.network, weights.halved(tagger.network.state_dict()), origin=f"run {run.name}")
    found = figures(validation.truth, tagger.shares(validation.photos.images), tagger.groups)
    tagger.thresholds = np.array([one.threshold for one in found.tags])
    told = {
        **asdict(found), "tags": [asdict(one) for one in found.tags], "seen": state.images, "seconds": state.spent,
        "images_per_second": state.images / max(state.spent, 1e-9), "run": run.name, "dropped": list(dropped),
    }  # fmt: skip
    tagger.save(run.catalog.root / "models" / tagger.name, to_yaml(t.config), {"run": run.name, "figures": told})
    t.done(told, model=tagger.name)
    t.reporter.say(
        f"{tagger.name}: mAP {found.mean_ap:.1%} (a guess: {found.chance_map:.1%}), F1 {found.micro_f1:.1%}, right "
        f"{found.accuracy:.1%} (always no: {found.always_no:.1%}) on {found.images} validation photos"
    )
    return told
