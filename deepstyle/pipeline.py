"""The stages tied together: what needs more than one room, for ``cli.py`` and ``demo``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstyle import images
from deepstyle.annotations.table import read_table
from deepstyle.board import MEASURES, tag
from deepstyle.catalog import Catalog
from deepstyle.catalog_tags import CATEGORY
from deepstyle.classifier.find import find_classifier
from deepstyle.classifier.train import TrainedClassifier, train_classifier
from deepstyle.config import (
    ClassifierConfig,
    GanConfig,
    Stages,
)
from deepstyle.crop.photos import crop_photos
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.data import Conditions
from deepstyle.dcgan.sample import file_name, find_run, generate, latents, load_generator, put_samples
from deepstyle.dcgan.snapshots import OnSnapshot
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.detectors import detector_on, read_pair
from deepstyle.errors import UsageError
from deepstyle.files import as_name, check_name, put_file
from deepstyle.metrics.score import Score, score_samples, to_json
from deepstyle.metrics.tracker import Tracker, histogram_picture
from deepstyle.metrics.weave import weave_figures
from deepstyle.progress import Reporter
from deepstyle.run import watch_command
from deepstyle.scraper.scrape import scrape_urls
from deepstyle.source import check_fits, find_source
from deepstyle.weak import weak_classifier, weak_detector, weak_gan

SCORE_SEED = 10_000_000  # samples that are scored have seeds from here on, away from the grids' 0, 1, 2, ...


def classifier_from(
    table: Path, catalog: Catalog, config: ClassifierConfig, *, reporter: Reporter, images_folder: Path | None = None,
    name: str = "classifier", fresh: bool = False,
) -> TrainedClassifier:  # fmt: skip
    """Train a classifier from a label table (CSV)."""
    check_name(name, "--name")
    rows = read_table(table, images=images_folder)
    return train_classifier(rows, catalog, config, reporter=reporter, name=name, fresh=fresh)


def pack_garments(catalog: Catalog, config: GanConfig, *, reporter: Reporter) -> PackedDataset:
    """The garments of the catalog as squares of ``config.size``, in catalog order. Raises UsageError when there are none."""
    every = catalog.garments(config.labels)
    garments = [one for one in every if one.score >= config.min_score]
    if every and not garments:
        surest = max(one.score for one in every)
        raise UsageError(f"--min-score {config.min_score:g}: no garment has it, the surest {surest:.2f}; ask for less")
    if not garments:
        if known := [*catalog.garment_counts(), *catalog.tags.counts(CATEGORY)]:
            remedy = "" if catalog.tags.counts(CATEGORY) else "; `deepstyle tag` names their categories"
            raise UsageError(
                f"no garments with the label {', '.join(config.labels)}; there are {', '.join(known)}{remedy}"
            )
        raise UsageError(f"{catalog.root} has no garments: run `deepstyle crop` first")
    spelt = {name.lower(): name for name in config.labels}  # a tag is called as it was asked for
    items = [
        Item(source=one.name, path=catalog.path(one.path), label=spelt[one.tag.lower()] if one.tag else one.label)
        for one in garments
    ]
    least = [f"from{config.min_score:g}".replace(".", "")] if config.min_score else []
    words = "-".join(["garments", str(config.size), config.fit, *least, *sorted(config.labels)])
    folder = catalog.root / "datasets" / as_name(words)  # many labels are cut short: the data's key tells them apart
    return PackedDataset.pack(folder, items, size=config.size, fit=config.fit, reporter=reporter)


def gan_from_garments(
    catalog: Catalog, config: GanConfig, *, reporter: Reporter, classifier: str | None = None, fresh: bool = False
) -> TrainedGan:
    """Pack the garments and train the DCGAN on them; Frechet distances are tracked when there is a classifier.

    With ``config.condition`` "category" the networks are told what the classifier takes each garment for. Raises
    UsageError when the run or model that ``config.start_from`` names is not there, or of another architecture.
    """
    source = find_source(catalog, config.start_from) if config.start_from else None
    if source is not None:
        check_fits(source, config)
    data = pack_garments(catalog, config, reporter=reporter)
    judge = find_classifier(catalog, classifier)
    conditions: Conditions | None = None
    if judge is not None and config.condition == "category":
        _, probabilities = judge.embed(data.images)
        conditions = Conditions(names=judge.labels, labels=probabilities.argmax(1))
    on_snapshot: OnSnapshot = weave_figures
    if judge is None:
        reporter.say("no classifier in this workspace: the Frechet distance is not tracked (see train-classifier)")
    else:
        on_snapshot = Tracker(data, judge.embed, judge.labels)
    return train_gan(
        data, catalog, config, on_snapshot=on_snapshot, reporter=reporter, fresh=fresh, conditions=conditions,
        source=source,
    )  # fmt: skip


def score_run(
    catalog: Catalog, *, reporter: Reporter, run: str | None = None, classifier: str | None = None, count: int = 1000
) -> tuple[Score, Path]:
    """Score a run's generator: ``score.json`` and the picture of nearest garments in its folder, figures in TensorBoard."""
    from torch.utils.tensorboard import SummaryWriter

    folder = find_run(catalog, run)
    judge = find_classifier(catalog, classifier)
    if judge is None:
        raise UsageError("score needs a classifier as its judge: run `deepstyle train-classifier TABLE.csv` first")
    generator, config = load_generator(folder)
    data = pack_garments(catalog, config, reporter=reporter)
    reporter.say(f"scoring {count:,} samples of {folder.name} against {len(data):,} garments")
    made = generate(generator, latents(range(SCORE_SEED, SCORE_SEED + count), generator.latent))
    garments = {one.name: one for one in catalog.garments()}
    score, sheet = score_samples(
        made,
        data,
        embed=judge.embed,
        labels=judge.labels,
        features_name=judge.name,
        provenance=garments.__getitem__,
        judge={**judge.describe(), "seed": SCORE_SEED},
    )
    put_file(folder / "score.json", to_json(score).encode())
    put_file(folder / "samples" / "nearest.png", images.encode(sheet))
    record = catalog.run("gan", folder.name)
    assert record is not None
    seen = record.images
    with SummaryWriter(str(folder)) as writer:
        writer.add_image(tag("gan", "score/nearest"), sheet, seen, dataformats="HWC")
        categories = histogram_picture(score.real_histogram, score.histogram)
        writer.add_image(tag("gan", "score/categories"), categories, seen, dataformats="HWC")
        for key in MEASURES:
            writer.add_scalar(tag("gan", f"score/{key}"), getattr(score, key), seen)
    return score, folder / "score.json"


def weak_of(gan: TrainedGan, config: GanConfig) -> list[str]:
    """Why a GAN is too weak to be used as it is, if it is."""
    by_time = config.minutes is not None and gan.images < config.images
    return weak_gan(gan.images, gan.seconds, gan.garments, by_time=by_time, learned=bool(config.start_from))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all stages in a row came to: what a person wants to know, in order; what is too weak; the GAN."""

    told: dict[str, str]
    weak: list[str]
    gan: TrainedGan


def run_all(
    urls: Sequence[str], catalog: Catalog, stages: Stages, *, reporter: Reporter,
    annotations: tuple[Path, Path] | None = None, labels: Path | None = None, count: int = 64,
) -> Outcome:  # fmt: skip
    """All stages in a row. What can be missing is checked before work starts.

    Without ``annotations`` the workspace's detector cuts, or the one that ships. Raises UsageError when there is neither
    a classifier in the workspace nor ``labels`` to train one.
    """
    if labels is None and catalog.model("classifier") is None:
        raise UsageError("no classifier in this workspace: add --labels TABLE.csv")
    pair = read_pair(annotations[:1], annotations[1]) if annotations is not None else None
    table = read_table(labels) if labels is not None else None
    told: dict[str, str] = {}
    weak: list[str] = []
    photos = scrape_urls(urls, catalog, stages.scrape, reporter=reporter)
    told["photos"] = f"{photos.found:,} found, {photos.kept:,} kept, {photos.duplicates:,} duplicates"
    if pair is not None:
        detector = detector_on(pair, catalog, stages.detector, reporter=reporter)
        told["detector"] = (
            f"AP50 {detector.evaluation.ap50:.3f} on {detector.evaluation.photos:,} photos it has not seen"
        )
        weak += weak_detector(detector.evaluation.ap50, detector.evaluation.photos)
    garments = crop_photos(catalog, stages.crop, reporter=reporter)
    told["garments"] = ", ".join(f"{label} {number:,}" for label, number in garments.per_label.items())
    if table is not None:
        judge = train_classifier(table, catalog, stages.classifier, reporter=reporter)
        told["classifier"] = f"top-1 {judge.top1:.3f} on {judge.validation_images:,} images it has not seen"
        weak += weak_classifier(judge.top1, len(judge.labels))
    gan = gan_from_garments(catalog, stages.gan, reporter=reporter)
    told["GAN"] = f"{gan.images:,} images in {gan.seconds / 60:.1f} min, {gan.images_per_second:.0f} images/s"
    weak += weak_of(gan, stages.gan)
    if "frechet" in gan.first and "frechet" in gan.last:
        told["Frechet distance"] = f"{gan.first['frechet']:.2f} at the start, {gan.last['frechet']:.2f} at the end"
    generator, _ = load_generator(gan.folder)
    made = generate(generator, latents(range(count), generator.latent))
    grid = put_samples(gan.folder / "samples", made, [file_name(seed) for seed in range(count)])
    score, path = score_run(catalog, reporter=reporter, run=gan.run)
    told["score"] = f"Frechet {score.frechet:.2f}, KID {score.kid:.4f}; {path}"
    told["samples"] = str(grid)
    told["TensorBoard"] = watch_command(catalog.root / "runs")
    return Outcome(told=told, weak=weak, gan=gan)
