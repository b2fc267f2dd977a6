"""What `deepstyle sample` does with a trained generator: images, animations, nearest real garments, files for elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepstyle import cells, images
from deepstyle.about import card_of
from deepstyle.catalog import Catalog
from deepstyle.classifier.find import find_classifier
from deepstyle.classifier.network import Classifier
from deepstyle.dataset import PackedDataset
from deepstyle.dcgan import trained as models
from deepstyle.dcgan.onnx_export import to_onnx
from deepstyle.dcgan.sample import (
    CHUNK,
    columns_of,
    file_name,
    generate,
    latents,
    put_samples,
    span,
    truncated,
)
from deepstyle.dcgan.trained import TrainedGenerator
from deepstyle.dcgan.video import check_video, enlarged, write_video
from deepstyle.dcgan.walk import walk
from deepstyle.errors import UsageError
from deepstyle.files import as_name, put_file
from deepstyle.learned import cards
from deepstyle.made import marked
from deepstyle.metrics.novelty import Novelty, novelty
from deepstyle.progress import Reporter
from deepstyle.scoring import pack_garments
from deepstyle.status import find_generator
from deepstyle.traces import Near, Trace, to_csv

LONGEST = 60  # characters of the seeds in a walk's file name
MOST_FRAMES = 20_000  # of one animation: at 25 a second, 13 minutes
STRIP = 8  # frames on a filmstrip


@dataclass(frozen=True, kw_only=True)
class Source:
    """A generator and the folder that its samples go to.

    ``best``: it is the run's best generator, not its last; the names of its samples then end on ``-best``. ``run``: it is
    one of this workspace's runs. ``folder``: the run's or the model's, where it was read.
    """

    trained: TrainedGenerator
    folder: Path
    place: Path
    best: bool
    run: bool = True


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to make: one image of each seed and each label.

    Without ``labels`` each seed picks its own. ``truncation`` squeezes the latents into (-truncation, truncation); None
    leaves them as they are. ``upscale``: how many times larger the files are than what the generator makes.
    """

    seeds: Sequence[int]
    labels: tuple[str, ...] = ()
    truncation: float | None = None
    upscale: int = 1

    @property
    def note(self) -> str:
        """What was done to the images, in words."""
        return f"enlarged {self.upscale} times by Lanczos resampling, which adds no detail" if self.upscale > 1 else ""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """N images (uint8 HWC RGB), their seeds, labels ("" when none was asked for) and file names, and the grid's file."""

    pixels: images.Pixels
    seeds: list[int]
    labels: list[str]
    names: list[str]
    grid: Path


def open_source(
    catalog: Catalog, *, run: str | None = None, model: str | None = None, best: bool = False, out: Path | None = None,
    licence: str | None = None,
) -> Source:  # fmt: skip
    """The generator of a run (the newest without a name), or of a ``model`` folder. ``out``: where its samples go instead.

    ``licence``: of what it makes, instead of what its folder says.
    Raises UsageError with the remedy for what does not exist, and ModelError for what cannot be opened.
    """
    folder = find_generator(catalog, run=run, model=model, best=best)
    if model is None:
        trained = models.open_run(folder, _figures(catalog, folder.name, best=best), best=best)
        trained = replace(trained, licence=licence or trained.licence)
        return Source(trained=trained, folder=folder, place=out or folder / "samples", best=best)
    trained = models.open_model(folder)
    trained = replace(trained, licence=licence or trained.licence)
    place = out or catalog.root / "samples" / trained.name
    return Source(trained=trained, folder=folder, place=place, best=False, run=False)


def _figures(catalog: Catalog, run: str, *, best: bool) -> dict[str, float]:
    """What the ledger knows of a run's generator: its Frechet distance, if a classifier judged it, and the images it saw."""
    record = catalog.run("gan", run)
    assert record is not None
    figures = record.figures
    known = figures.get("best", {}) if best else figures.get("last", {}) | {"images": record.images}
    return {key: known[key] for key in ("frechet", "images") if key in known}


def make_samples(source: Source, wish: Wish) -> Samples:
    """Write the image of each seed (and label), and a grid of all with their seeds: with several labels one row each."""
    trained = source.trained
    labels = tuple(trained.labels[number] for number in trained.numbers(wish.labels))  # as they are written there
    drawn, tail = latents(wish.seeds, trained.config.latent), ending(source, wish)
    told = [trained.told([label] if label else [], drawn) for label in labels or ("",)]
    z = truncated(drawn, wish.truncation).repeat(len(told), 1)
    each = [one for one in told if one is not None]
    made = generate(trained.generator, z, torch.cat(each) if each else None)
    seeds = [seed for _ in labels or ("",) for seed in wish.seeds]
    words = [label for label in labels or ("",) for _ in wish.seeds]
    names = [file_name(seed) + suffix(word) + tail for seed, word in zip(seeds, words, strict=True)]
    files = cells.enlarge(made, wish.upscale)
    named = cells.caption(files, [str(seed) for seed in seeds])
    sheet = images.tile(named, columns=len(wish.seeds) if len(labels) > 1 else columns_of(len(made)))
    sheet = images.name_rows(sheet, labels) if len(labels) > 1 else sheet
    grid = "grid" + suffix("labels" if len(labels) > 1 else "".join(labels)) + tail
    path = put_samples(source.place, files, names, seeds, trained.mark(note=wish.note), sheet, grid=grid)
    return Samples(pixels=made, seeds=seeds, labels=words, names=names, grid=path)


def suffix(word: str) -> str:
    """A word as the end of a file name: no separators, whatever somebody's model calls its labels."""
    return "-" + re.sub(r"[^\w]+", "-", word) if word else ""


def ending(source: Source, wish: Wish) -> str:
    """What file names end on, so that images of one seed that differ do not replace one another."""
    squeezed = f"-t{wish.truncation:g}" if wish.truncation is not None else ""
    return ("-best" if source.best else "") + squeezed + (f"-x{wish.upscale}" if wish.upscale > 1 else "")


def through(seeds: Sequence[int]) -> str:
    """What a walk through these seeds is called; so many that no file name holds them are told by their digest."""
    words = "-".join(map(str, seeds))
    return f"walk-{words if len(words) <= LONGEST else images.sha256(words.encode())[:16]}"


def animate(
    source: Source, wish: Wish, *, video: Path | None, frames: int, fps: int, reporter: Reporter
) -> tuple[Path, Path, int]:
    """Walk through the seeds in a closed loop, ``frames`` a leg, at one label; by default to walk-<seeds>.gif among samples.

    Returns the animation, a filmstrip of 8 of its frames (PNG, beside it), and how many frames there are. Raises
    UsageError for fewer than two seeds, more than one label, too many frames, or a file that nothing can write.
    """
    trained, count = source.trained, len(wish.seeds) * frames
    path = video or source.place / f"{through(wish.seeds)}{suffix(''.join(wish.labels))}{ending(source, wish)}.gif"
    check_video(path)
    if len(set(wish.seeds)) < 2 or len(wish.labels) > 1:
        raise UsageError("--interpolate: takes two or more seeds, e.g. 3,17,42, and one --label at most")
    if count > MOST_FRAMES:
        raise UsageError(f"--interpolate: {count:,} frames are too many ({MOST_FRAMES:,} at most); lower --frames")
    stops = latents(wish.seeds, trained.config.latent)
    z = truncated(walk(stops, frames), wish.truncation)
    label = trained.told(wish.labels, stops[:1])  # of the whole walk: the one asked for, else the first seed's own
    with reporter.task("walking", total=count, unit="frames") as task:

        def made() -> Iterator[images.Pixels]:
            for start in range(0, count, CHUNK):
                part = z[start : start + CHUNK]
                yield from generate(trained.generator, part, _repeated(label, len(part)))
                task.advance(len(part))

        write_video(path, made(), fps, trained.mark(span(wish.seeds)))
    some = z[torch.arange(STRIP) * count // STRIP]
    strip = images.tile(_large(generate(trained.generator, some, _repeated(label, STRIP))), columns=STRIP)
    put_file(path.with_suffix(".png"), marked(images.encode(strip), trained.mark(span(wish.seeds))))
    return path, path.with_suffix(".png"), count


def _repeated(label: Tensor | None, count: int) -> Tensor | None:
    return None if label is None else label.repeat(count)


def _large(made: images.Pixels) -> images.Pixels:
    return np.stack([enlarged(pixels) for pixels in made])


@dataclass(frozen=True, kw_only=True)
class Real:
    """The real garments, as squares of the generator's size, and the classifier that compares images with them."""

    data: PackedDataset
    judge: Classifier


def open_real(catalog: Catalog, source: Source, *, classifier: str | None, reporter: Reporter) -> Real:
    """What samples are compared with, by the newest classifier, or the one that ships, without a name.

    Raises UsageError without garments.
    """
    judge = find_classifier(catalog, classifier).quick()
    return Real(data=pack_garments(catalog, source.trained.config, reporter=reporter), judge=judge)


def trace(
    catalog: Catalog, source: Source, samples: Samples, real: Real, *, reporter: Reporter
) -> tuple[Novelty, Path]:
    """Put the nearest real garments and their pages beside the samples: novelty.png and novelty.csv; the CSV's path."""
    data, judge = real.data, real.judge
    reporter.say(f"comparing {len(samples.pixels):,} samples with {len(data):,} garments")
    garments = {one.name: one for one in catalog.garments()}
    found, sheet = novelty(
        samples.pixels, data, embed=judge.embed,
        names=[f"seed {seed} {label}".strip() for seed, label in zip(samples.seeds, samples.labels, strict=True)],
        provenance=garments.__getitem__,
    )  # fmt: skip
    usual = max(found.usual, 1e-12)
    traces = [
        Trace(
            name=f"{name}.png", sha256=images.sha256((samples.grid.parent / f"{name}.png").read_bytes()), seed=seed,
            label=label, copy=round(match.likeness, 3) if match.copied else None,
            repeats=f"{samples.names[again.index]}.png" if again.copied else "",
            near=tuple(
                Near(
                    garment=garments[one.source].path, distance=one.distance, ratio=one.distance / usual,
                    page_url=one.page_url, photo_url=one.image_url, licence=one.licence, credit=one.credit,
                )
                for one in near
            ),
        )
        for name, seed, label, near, match, again in zip(
            samples.names, samples.seeds, samples.labels, found.nearest, found.copies, found.repeats, strict=True
        )
    ]  # fmt: skip
    path = samples.grid.with_name(samples.grid.name.replace("grid", "novelty", 1)).with_suffix(".csv")
    mark = source.trained.mark(span(samples.seeds), composite=True)
    put_file(path.with_suffix(".png"), marked(images.encode(sheet), mark))
    put_file(path, to_csv(traces).encode())
    return found, path


def export(catalog: Catalog, source: Source, kind: str, *, out: Path | None, half: bool) -> Path:
    """Write the generator for use elsewhere: a model folder ("safetensors"), or generator.onnx in a folder ("onnx").

    Without ``out`` a model folder is put among the workspace's models, under the run's name. With it come the
    discriminator, so that it can be trained on, the data card, the garments as a table, and these as Croissant: a model's
    as they stand beside it.
    """
    trained = source.trained
    if kind == "onnx":
        path = (out or source.place) / "generator.onnx"
        put_file(path, to_onnx(trained))
        return path
    name = as_name(trained.name)
    folder = out or catalog.root / "models" / name
    told = card_of(source.folder) | cards(catalog, trained) if source.run else card_of(source.folder, models.CARDS)
    models.save_model(folder, trained, half=half, extra=told, rival=models.rival_of(source.folder))
    if out is None:
        catalog.put_model(name, models.KIND, dict(trained.figures))
    return folder
