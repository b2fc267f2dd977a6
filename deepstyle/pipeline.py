"""The stages tied together: what needs more than one room, for ``commands`` and ``demo``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepstyle.annotations.coco import AnnotatedSet
from deepstyle.annotations.table import LabelTable
from deepstyle.annotations.worn import surest
from deepstyle.catalog import Catalog
from deepstyle.choosing import chosen_config
from deepstyle.classifier import predict
from deepstyle.classifier.find import find_classifier, find_named
from deepstyle.classifier.tag import tag_garments
from deepstyle.classifier.train import train_classifier
from deepstyle.config import (
    GanConfig,
    Stages,
)
from deepstyle.crop.photos import crop_photos
from deepstyle.dcgan.data import Conditions
from deepstyle.dcgan.sample import file_name, generate, latents, load_generator, put_samples
from deepstyle.dcgan.train import TrainedGan, train_gan
from deepstyle.dcgan.trained import open_run
from deepstyle.detectors import detector_on, masks_on
from deepstyle.metrics.tracker import Tracker
from deepstyle.progress import Reporter
from deepstyle.run import watch_command
from deepstyle.scoring import Wanted, pack_garments, score_wanted
from deepstyle.scraper.scrape import scrape_urls
from deepstyle.source import check_fits, find_source
from deepstyle.weak import weak_classifier, weak_detector, weak_gan


def gan_from_garments(
    catalog: Catalog, config: GanConfig, *, reporter: Reporter, classifier: str | None = None, fresh: bool = False
) -> TrainedGan:
    """Pack the garments and train the DCGAN on them; the classifier (the one that ships, by default) tracks its figures.

    With ``config.condition`` "category" the networks are told what the classifier takes each garment for. Raises
    UsageError when the run or model that ``config.start_from`` names is not there, or of another architecture.
    """
    source = find_source(catalog, config.start_from) if config.start_from else None
    if source is not None:
        check_fits(source, config)
    data = pack_garments(catalog, config, reporter=reporter)
    judge = find_classifier(catalog, classifier)
    conditions: Conditions | None = None
    if config.condition == "category":
        _, probabilities = judge.embed(data.images)
        told = [data.label_names[number] for number in data.labels]
        conditions = Conditions.of(judge.labels, surest(probabilities, judge.labels, told))
    look = judge.quick(config.judge_size)
    return train_gan(
        data, catalog, config, on_snapshot=Tracker(data, look.embed, look.labels), judge=look.identity,
        reporter=reporter, fresh=fresh, conditions=conditions, source=source,
    )  # fmt: skip


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


def _named(catalog: Catalog, reporter: Reporter) -> str:
    """Name each garment's category, so that the GAN can be told it; how many have each."""
    found = tag_garments(catalog, predict.load(find_named(catalog)), reporter=reporter).tags
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def run_all(
    urls: Sequence[str], catalog: Catalog, stages: Stages, *, reporter: Reporter,
    pair: tuple[AnnotatedSet, AnnotatedSet] | None = None, table: LabelTable | None = None, count: int = 64,
) -> Outcome:  # fmt: skip
    """All stages in a row.

    Without a ``pair`` of annotated sets (``read_pair``) the workspace's detector cuts, or the one that ships; without a
    ``table`` of labels (``labels_from``) its classifier, or the one that ships, judges.
    """
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
        if any(one.mask for image in pair[0].images for one in image.annotations):
            shapes = masks_on(pair, catalog, detector.folder, stages.masks, reporter=reporter)
            told["masks"] = f"IoU {shapes.iou:.3f} of {shapes.garments:,} garments it has not seen"
    garments = crop_photos(catalog, stages.crop, reporter=reporter)
    told["garments"] = ", ".join(f"{label} {number:,}" for label, number in garments.per_label.items())
    if table is not None:
        judge = train_classifier(table, catalog, stages.classifier, reporter=reporter)
        told["classifier"] = judge.in_short()
        weak += weak_classifier(
            judge.top1, len(judge.labels), learned=judge.train_images, judged=judge.validation_images, newest=True
        )
    config = stages.gan
    if stages.gan_given is not None:
        told["categories"] = _named(catalog, reporter)
        config = chosen_config(catalog, stages.gan_given, reporter=reporter)
    gan = gan_from_garments(catalog, config, reporter=reporter)
    told["GAN"] = f"{gan.images:,} images in {gan.seconds / 60:.1f} min, {gan.images_per_second:.0f} images/s"
    weak += weak_of(gan, config)
    if "frechet" in gan.first and "frechet" in gan.last:
        told["Frechet distance"] = f"{gan.first['frechet']:.2f} at the start, {gan.last['frechet']:.2f} at the end"
    generator, _ = load_generator(gan.folder)
    made = generate(generator, latents(range(count), generator.latent))
    mark = open_run(gan.folder, {}).mark()
    grid = put_samples(gan.folder / "samples", made, [file_name(seed) for seed in range(count)], range(count), mark)
    scored = score_wanted(catalog, Wanted(run=gan.run), reporter=reporter)
    told["score"] = f"Frechet {scored.score.frechet:.2f}, KID {scored.score.kid:.4f}; {scored.path}"
    told |= {f"score, in words ({number})": said for number, said in enumerate(scored.score.said, 1)}
    told["samples"] = str(grid)
    told["TensorBoard"] = watch_command(catalog.root / "runs")
    return Outcome(told=told, weak=weak, gan=gan)
