"""Scoring a run, a model or any folder of images against real garments (loop).

judge = Judge.open()  # the classifier that ships; a name or a folder otherwise
score, sheet = judge.score(Path("samples"), Path("garments"))
print("; ".join(score.said))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deepstyle import images
from deepstyle.board import MEASURES, tag
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier_folder
from deepstyle.classifier.network import Classifier
from deepstyle.config import GanConfig, load_config
from deepstyle.crop.rules import cut_by
from deepstyle.dataset import Item, PackedDataset
from deepstyle.dcgan.build import AnyGenerator
from deepstyle.dcgan.sample import generate, latents, load_generator, span
from deepstyle.dcgan.trained import TrainedGenerator, open_model, open_run
from deepstyle.errors import UsageError
from deepstyle.files import as_name, put_file, shown
from deepstyle.garments import garments_for, require_count
from deepstyle.images import Pixels
from deepstyle.made import Made, marked
from deepstyle.metrics.score import Origin, Real, Score, score_samples, to_json
from deepstyle.metrics.tracker import histogram_picture
from deepstyle.progress import Reporter
from deepstyle.records import Garment
from deepstyle.shape import Outline
from deepstyle.squares import DRAW, Pictures, read_pictures
from deepstyle.status import find_generator, find_run

SEED = 10_000_000  # samples that are scored have seeds from here on, away from the grids' 0, 1, 2, ...


@dataclass(frozen=True, kw_only=True)
class File:
    """Where a picture of a folder is from: its file."""

    image_url: str
    page_url: str = ""
    licence: str = ""
    credit: str = ""


class Judge:
    """A classifier as a judge of images: it looks once at each, at the size that ``train-gan`` looks at, too."""

    def __init__(self, classifier: Classifier, *, size: int | None = None) -> None:
        self.classifier = classifier.quick(size)

    @classmethod
    def open(cls, name: str | None = None, catalog: Catalog | None = None) -> Self:
        """The classifier of that name or folder; without one the workspace's newest, or the one that ships.

        Raises UsageError with the remedy.
        """
        return cls(Classifier.load(find_classifier_folder(catalog, name)))

    def score(
        self, samples: Pixels | Path, real: Real | Path, *,
        provenance: Callable[[str], Origin] | None = None, names: Sequence[str] = (), **about: Any,
    ) -> tuple[Score, Pixels]:  # fmt: skip
        """Score images (N x S x S x 3 uint8, or a folder) against real ones; also a sheet of nearest real images.

        A folder of samples is read at their own size, unless the real images have one; real ones at that of the samples.
        ``provenance`` tells where a real image is from (by default that is its file); ``about``: what else the score
        should name of the samples, their first seed, say; ``names``: their files. Raises InputError when there are too
        few on a side.
        """
        if isinstance(samples, Path):
            size = None if isinstance(real, Path) else real.images.shape[1]
            found = read_pictures(samples, size=size, fit=_fit())
            names, samples = found.names(samples), found.images
        if isinstance(real, Path):
            real = read_pictures(real, size=samples.shape[1], fit=_fit())
        own = self.classifier
        return score_samples(
            samples, real, embed=own.embed, labels=own.labels, features_name=own.name,
            provenance=provenance or (lambda source: File(image_url=source)), judge={**own.describe(), **about},
            names=names,
        )  # fmt: skip


def pack_garments(catalog: Catalog, config: GanConfig, *, reporter: Reporter) -> PackedDataset:
    """The garments of the catalog as squares of ``config.size``, in catalog order. Raises UsageError when there are none."""
    garments = garments_for(catalog, config)
    outlines = _outlines(catalog, garments) if config.ground == "plain" else {}
    items = [
        Item(
            source=one.name, path=catalog.path(one.path), label=one.called(config.labels),
            outline=outlines.get(one.name),
        )
        for one in garments
    ]  # fmt: skip
    data = PackedDataset.pack(pack_place(catalog, config), items, size=config.size, fit=config.fit, reporter=reporter)
    if data.skipped:
        why = Counter(data.skipped.values()).most_common(1)[0][0]
        reporter.say(f"{len(data.skipped):,} of {len(items):,} garments left out, most because: {why}")
    return data


def pack_place(catalog: Catalog, config: GanConfig) -> Path:
    """Where these garments are packed."""
    least = [f"from{config.min_score:g}".replace(".", "")] if config.min_score else []
    ground = [config.ground] if config.ground != "keep" else []
    words = "-".join(["garments", str(config.size), config.fit, *ground, *least, *sorted(config.labels)])
    return catalog.root / "datasets" / as_name(words)  # many labels are cut short: the data's key tells them apart


def _outlines(catalog: Catalog, garments: Sequence[Garment]) -> dict[str, Outline]:
    """Where each garment is on its picture, by its name. Those that were cut on another ground stay as they are.

    Raises UsageError for garments whose shape nobody knows.
    """
    seen = {f"{one.photo}-{one.k}": one for one in catalog.detections.outlines()}
    found, unknown = {}, 0
    for one in garments:
        cut = cut_by(one.rule)
        if cut.ground != "photo":
            continue
        if (shape := seen.get(one.name)) is None or not cut.untouched:
            unknown += 1
            continue
        left, top = int(one.x0), int(one.y0)
        found[one.name] = Outline(
            shape=shape.shape, box=(shape.x0, shape.y0, shape.x1, shape.y1),
            window=(left, top, left + one.width, top + one.height),
        )  # fmt: skip
    if unknown:
        raise UsageError(
            f"ground=plain: of {unknown:,} of {len(garments):,} garments nobody knows the outline, or they were cut with "
            "--aspect; crop with a detector that has masks (garments-lite ships) and without it, or set ground=keep"
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to score: ``folder`` of images, else ``model``, else ``run`` (the newest without a name), and against what.

    ``count`` samples are made, or drawn from the folder at most; ``against`` is a folder of real images in place of the
    workspace's garments.
    """

    run: str | None = None
    model: str | None = None
    folder: Path | None = None
    against: Path | None = None
    classifier: str | None = None
    count: int = 1000


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The score, its file, and the file of the sheet of nearest real images."""

    score: Score
    path: Path
    sheet: Path


def score_wanted(catalog: Catalog, wanted: Wanted, *, reporter: Reporter) -> Scored:
    """Score it; ``score.json`` and the sheet go to the run's folder, or to a folder of the workspace's ``scores``.

    Figures of a run go to TensorBoard, too. Raises UsageError for what is not there, InputError for too few images.
    """
    if wanted.folder is None and wanted.model is None:
        return _score_run(catalog, wanted, reporter)
    judge = Judge.open(wanted.classifier, catalog)
    about: dict[str, Any]
    mark: Made | None = None  # of a folder's images nobody knows what made them
    if wanted.folder is not None:
        name = wanted.folder.resolve().name
        found = _read(wanted.folder, reporter, fit=_fit(), count=wanted.count)
        config = load_config(GanConfig, GanConfig.default_preset, [f"size={found.images.shape[1]}"])
        samples = found.images
        require_count(len(samples), f"{shown(wanted.folder)}: {len(samples)} pictures", "give a folder with more")
        about = {"of": str(wanted.folder), "draw": DRAW, "files": found.files, "unread": found.unread}
        about["names"] = found.names(wanted.folder)
    else:
        folder = find_generator(catalog, run=None, model=wanted.model)
        trained = open_model(folder)
        name, config = trained.name, trained.config
        samples, about = _made(trained.generator, wanted.count), {"of": name, "seed": SEED}
        mark = _mark(trained, wanted.count)
    real = _real(catalog, wanted, config, reporter)
    place = catalog.root / "scores" / as_name(name)
    reporter.say(f"scoring {len(samples):,} images of {name} against {len(real.sources):,} real ones")
    score, sheet = judge.score(samples, real, provenance=_provenance(catalog, wanted), **about)
    put_file(place / "score.json", to_json(score).encode())
    put_file(place / "nearest.png", _encoded(sheet, mark))
    return Scored(score=score, path=place / "score.json", sheet=place / "nearest.png")


def _score_run(catalog: Catalog, wanted: Wanted, reporter: Reporter) -> Scored:
    from torch.utils.tensorboard import SummaryWriter

    from deepstyle.run import put_picture

    folder = find_run(catalog, wanted.run)
    judge = Judge.open(wanted.classifier, catalog)
    generator, config = load_generator(folder)
    real = _real(catalog, wanted, config, reporter)
    reporter.say(f"scoring {wanted.count:,} samples of {folder.name} against {len(real.sources):,} garments")
    made = _made(generator, wanted.count)
    score, sheet = judge.score(made, real, provenance=_provenance(catalog, wanted), of=folder.name, seed=SEED)
    put_file(folder / "score.json", to_json(score).encode())
    data = _encoded(sheet, _mark(open_run(folder, {}), wanted.count))
    put_file(folder / "samples" / "nearest.png", data)
    record = catalog.run("gan", folder.name)
    assert record is not None
    seen = record.images
    with SummaryWriter(str(folder)) as writer:
        put_picture(writer, tag("gan", "score/nearest"), sheet, data, seen)
        categories = histogram_picture(score.real_histogram, score.histogram)
        writer.add_image(tag("gan", "score/categories"), categories, seen, dataformats="HWC")
        for key in MEASURES:
            writer.add_scalar(tag("gan", f"score/{key}"), getattr(score, key), seen)
    return Scored(score=score, path=folder / "score.json", sheet=folder / "samples" / "nearest.png")


def _fit() -> images.Fit:
    """How pictures of any shape become squares: as garments do."""
    return load_config(GanConfig, GanConfig.default_preset).fit


def _made(generator: AnyGenerator, count: int) -> Pixels:
    return generate(generator, latents(range(SEED, SEED + count), generator.latent))


def _mark(trained: TrainedGenerator, count: int) -> Made:
    """The mark of a sheet with samples that were made to be scored."""
    return trained.mark(span(range(SEED, SEED + count)), composite=True)


def _encoded(sheet: Pixels, mark: Made | None) -> bytes:
    return images.encode(sheet) if mark is None else marked(images.encode(sheet), mark)


def _read(folder: Path, reporter: Reporter, **how: Any) -> Pictures:
    """The pictures of a folder; what is left out of it is said."""
    found = read_pictures(folder, **how)
    if found.said:
        reporter.say(f"{folder}: {found.said}")
    return found


def _real(catalog: Catalog, wanted: Wanted, config: GanConfig, reporter: Reporter) -> Real:
    if wanted.against is not None:
        real: Real = _read(wanted.against, reporter, size=config.size, fit=config.fit)
    else:
        real = pack_garments(catalog, config, reporter=reporter)
    place = f"{shown(wanted.against)}: " if wanted.against is not None else ""
    require_count(len(real.sources), f"{place}{len(real.sources)} real garments", "add photos and crop them")
    return real


def _provenance(catalog: Catalog, wanted: Wanted) -> Callable[[str], Origin] | None:
    if wanted.against is not None:
        return None
    garments = {one.name: one for one in catalog.garments()}
    return garments.__getitem__
