"""Generated garments: sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.early import check_real, check_sample, known_labels, tell_gone
from deepstyle.commands.options import Bounded, Session, has_catalog, json_option, open_catalog
from deepstyle.commands.tables import show
from deepstyle.errors import UsageError

FLAGS = {"labels": "label"}  # options that are called otherwise than their values
FRAMES, FPS = 30, 25  # of a walk: from seed to seed, and a second
NAMED, NEAREST = 20, 3  # samples that are told: copies at most, and those nearest to garments
SEEDS = "is given its own seeds"
ALONE = {  # what is asked for, why, and the flags that say nothing to it
    "mix": (SEEDS, ("seeds", "count")), "interpolate": (f"{SEEDS} and size", ("seeds", "count", "upscale")),
    "like": ("searches for one image of any seed", ("seeds", "count", "truncation")),
    "export": ("writes the generator and no images", ("seeds", "count", "labels", "truncation", "upscale")),
    "seeds": ("names each of them", ("count",)),
}  # fmt: skip


@click.command()
@json_option
@click.option("--count", type=click.IntRange(1, 100_000), help="Seeds 0 to count - 1; 64, or 8 with several labels.")
@click.option("--seeds", metavar="A-B", help="These seeds instead, e.g. 0-63 or 5,8,13.")
@click.option("--run", help="Name of the GAN run; the newest otherwise.")
@click.option("--best", is_flag=True, help="The run's best generator by Frechet distance, not its last.")
@click.option(
    "--model", metavar="NAME|FOLDER", help="A model instead of a run: one of `deepstyle models`, or a folder."
)
@click.option("--label", "labels", multiple=True, metavar="NAME,...",
              help="Only for generators that are told labels: one row each.")  # fmt: skip
@click.option("--truncation", type=Bounded(0, 5, min_open=True), metavar="T",
              help="Squeeze each latent number into (-T, T): 0.5 typical, 1 less so, 5 as if not given.")  # fmt: skip
@click.option("--upscale", type=click.IntRange(1, 16), metavar="N",
              help="Files N times as large, by Lanczos resampling: smooth, with no new detail.")  # fmt: skip
@click.option("--mix", metavar="SEEDS", help="Shapes of one seed with the cloth of another, each with each, e.g. 3,17.")
@click.option("--like", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="PHOTO",
              help="The image nearest to this photo, beside it.")  # fmt: skip
@click.option("--licence", metavar="TEXT", help="Of the images, written into their files; else what the model says.")
@click.option("--interpolate", metavar="SEEDS", help="Walk through these seeds in a closed loop, e.g. 3,17,42.")
@click.option("--video", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where the walk goes: .gif, or .mp4 with `deepstyle[video]`; walk-SEEDS.gif otherwise.")  # fmt: skip
@click.option("--frames", type=click.IntRange(2, 1000), help=f"Frames from seed to seed.  [default: {FRAMES}]")
@click.option("--fps", type=click.IntRange(1, 50), help=f"Frames a second.  [default: {FPS}]")
@click.option("--novelty", is_flag=True, help="Put the nearest real garments and their pages beside the samples.")
@click.option("--classifier", help="What --novelty compares with; the newest, or the one that ships, otherwise.")
@click.option("--export", type=click.Choice(["safetensors", "onnx"]), help="Write the generator for use elsewhere.")
@click.option("--half", is_flag=True, help="Export float16 matrices: half the bytes, nearly the same images.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where samples or the export go, instead of the run's folder or the workspace.")  # fmt: skip
@click.pass_obj
def sample(session: Session, /, **options: Any) -> None:
    """Generate garments: single files and a grid.

    The same seed gives the same garment. With --interpolate an animation, with --novelty what the samples are near to,
    with --export a model folder or an ONNX file that makes the same images on another machine. Every file says inside
    that a model made it, which one, and from which seed.

    \b
    Example:
        deepstyle sample --count 64 --best --upscale 4
        deepstyle sample --seeds 100-107 --label dress,skirt --truncation 0.8
        deepstyle sample --interpolate 3,17,42 --video walk.mp4
        deepstyle sample --mix 3,17
        deepstyle sample --like my-dress.jpg
        deepstyle sample --novelty
        deepstyle sample --export safetensors --half --out my-garments
        deepstyle sample --model my-garments --seeds 0-63
    """
    wanted = _sample_flags(options)
    _check_model(session, None, options)
    reading = options["out"] is not None  # nothing is written into the workspace
    with open_catalog(session, must_exist=options["model"] is None, reading=reading) as catalog:
        _check_model(session, catalog, options)
        from deepstyle import sampling

        source = sampling.open_source(
            catalog, run=options["run"], model=options["model"], best=options["best"], out=options["out"],
            licence=options["licence"],
        )  # fmt: skip
        if options["export"]:
            path = sampling.export(catalog, source, options["export"], out=options["out"], half=options["half"])
            show(f"{source.trained.name} is exported", {"to": path}, model=source.trained.name, export=path)
            return
        labels = _labels(options["labels"], source.trained.labels)
        wish = sampling.Wish(
            seeds=wanted or range(8 if len(labels) > 1 else 64), labels=labels, truncation=options["truncation"],
            upscale=options["upscale"] or 1,
        )  # fmt: skip
        if options["interpolate"] or options["mix"] or options["like"]:
            _vary(session, source, wish, options)
            return
        real = options["novelty"] and sampling.open_real(
            catalog, source, classifier=options["classifier"], reporter=session.reporter
        )
        made = sampling.make_samples(source, wish)
        found, table = sampling.trace(catalog, source, made, real, reporter=session.reporter) if real else (None, None)
    _samples(source, made, found, table, wish.note)


def _check_model(session: Session, catalog: Any, options: dict[str, Any]) -> None:
    """Refuse a run or model that is not there: before torch is imported, and before a ``catalog``, a workspace, is made."""
    from deepstyle.about import label_numbers
    from deepstyle.status import find_generator, find_model

    if catalog is not None:
        if options["run"] is None and options["model"] is None:
            tell_gone(session, catalog, "run")
        folder = find_generator(catalog, run=options["run"], model=options["model"], best=options["best"])
        check_sample(options)
        if (known := known_labels(folder)) is not None:
            label_numbers(_labels(options["labels"], known), known, folder.resolve().name)
        if options["novelty"]:
            check_real(session, catalog, options["classifier"])
    elif options["model"] is not None and not has_catalog(session):
        find_model(None, options["model"], flag="--model", kind="gan")


def _vary(session: Session, source: Any, wish: Any, options: dict[str, Any]) -> None:
    """A walk, a mixture, or the image nearest to a photo."""
    from deepstyle import sampling, varying

    name = source.trained.name
    enlarged = {"files": wish.note} if wish.note else {}
    if options["mix"]:
        grid = varying.mix(source, wish)
        told = {"rows, columns": "shapes of the first seed, cloth of the second"} | enlarged
        show(f"the mixtures are in {grid}", told, model=name, grid=grid)
    elif options["like"]:
        made, beside, far = varying.like(source, wish, options["like"])
        told = {"beside the photo": beside, "apart": f"{far:.1f} grey levels on average"} | enlarged
        show(f"the nearest image is in {made}", told, model=name, image=made, beside=beside, distance=far)
    else:
        film, strip, frames = sampling.animate(
            source,
            wish,
            video=options["video"],
            frames=options["frames"] or FRAMES,
            fps=options["fps"] or FPS,
            reporter=session.reporter,
        )
        rows = {"frames": f"{frames:,}", "filmstrip": strip}
        show(f"the walk is in {film}", rows, model=name, video=film, filmstrip=strip, frames=frames)


def _sample_flags(options: dict[str, Any]) -> Sequence[int]:
    """The seeds asked for, none if nobody said which. Raises UsageError for flags that do not go together."""
    chosen = [f"--{name}" for name in ("interpolate", "novelty", "export", "mix", "like") if options[name]]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)}: one at a time")
    for job, (why, unused) in ALONE.items():
        if options[job] and (beside := [f"--{FLAGS.get(name, name)}" for name in unused if options[name]]):
            raise UsageError(f"{' and '.join(beside)}: --{job} {why}; leave out {' and '.join(beside)}")
    if options["video"] and not options["interpolate"]:
        raise UsageError(f"--video {options['video']}: say which seeds to walk through, e.g. --interpolate 3,17,42")
    for flag, job in (("classifier", "novelty"), ("frames", "interpolate"), ("fps", "interpolate")):
        if options[flag] is not None and not options[job]:
            raise UsageError(f"--{flag}: is for --{job}; give both, or neither")
    if options["half"] and options["export"] != "safetensors":
        raise UsageError("--half: is for --export safetensors")
    for flag in ("--interpolate", "--mix", "--seeds"):
        if text := options[flag[2:]]:
            seeds = _seeds(text, flag)
            if flag == "--interpolate" and len(seeds) < 2:
                raise UsageError("--interpolate: takes two or more seeds, e.g. 3,17,42")
            return list(dict.fromkeys(seeds)) if flag == "--seeds" else seeds  # one seed is one file
    return range(options["count"] or 0)


def _names(texts: Sequence[str]) -> list[str]:
    """``("a,b", "c")`` -> a, b, c, each once."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def _labels(texts: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The labels that are asked for: a text that is a label as it stands, or the names in it between commas."""
    parts = [[text.strip()] if text.strip() in known else _names([text]) for text in texts]
    return tuple(dict.fromkeys(name for part in parts for name in part))


def _samples(source: Any, made: Any, found: Any, table: Path | None, note: str) -> None:
    """Print which samples were made and, if that was asked for, how near they are to real garments."""
    files = [made.grid.parent / f"{name}.png" for name in made.names]
    result = {"model": source.trained.name, "folder": made.grid.parent, "grid": made.grid, "samples": [
        {"seed": seed, "label": label or None, "file": file}
        for seed, label, file in zip(made.seeds, made.labels, files, strict=True)
    ]}  # fmt: skip
    rows: dict[str, Any] = {"grid": made.grid} | ({"files": note} if note else {})
    if table is not None:
        rows["nearest garments"] = f"{table.with_suffix('.png')}, with their pages in {table.name}"
        rows["nearer than garments are to one another"] = (
            f"{found.near:.0%} of samples (of the garments themselves: 50%)"
        )
        near_rows, result["novelty"] = novelty_told(made, found, table)
        rows |= near_rows
    show(f"{len(made.names):,} samples are in {made.grid.parent}", rows, **result)


def novelty_told(made: Any, found: Any, table: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """What is printed of copies, repeats and the nearest samples, and the same for programs."""
    from deepstyle.traces import place_of

    names, count = made.names, len(made.names)
    order = sorted(range(count), key=lambda i: (not found.copies[i].copied, found.ratios[i]))
    places = [place_of(near[0].page_url, near[0].image_url) for near in found.nearest]
    copies = [i for i in order if found.copies[i].copied]
    repeats = {names[i]: names[one.index] for i, one in enumerate(found.repeats) if one.copied}
    rows = {"copies": f"{len(copies)} of {count} look like copies of real garments"}
    rows |= {names[i]: f"a copy of a garment from {places[i]}" for i in copies[:NAMED]}
    if len(copies) > NAMED:
        rows["more copies"] = f"{len(copies) - NAMED} more, in the column copy of {table.name}"
    others = order[len(copies) :][:NEAREST]
    rows |= {names[i]: f"{found.ratios[i]:.2f} of the usual distance to a garment from {places[i]}" for i in others}
    rows["repeats"] = f"{len(repeats)} of {count} look like another sample"
    return rows, {
        "table": table, "near": found.near, "usual": found.usual, "ratios": found.ratios, "repeats": repeats, "copies": [
            {"file": f"{names[i]}.png", "seed": made.seeds[i], "garment": found.nearest[i][0].source, "from": places[i],
             "likeness": round(found.copies[i].likeness, 3)} for i in copies
        ],
    }  # fmt: skip


def _seeds(text: str, flag: str = "--seeds") -> list[int]:
    """``0-63,70`` -> the seeds. Raises UsageError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            start, stop = int(first), int(last) if dash else int(first)
        except ValueError as error:
            raise UsageError(f"{flag} {text}: write seeds as 0-63 or 5,8,13") from error
        if stop < start:
            raise UsageError(f"{flag} {text}: {part} runs backwards; write {stop}-{start}")
        if stop - start >= 100_000:
            raise UsageError(f"{flag} {text}: {part} is not a range of at most 100,000 seeds")
        if stop >= 2**63:
            raise UsageError(f"{flag} {text}: a seed is below 2^63")
        seeds += range(start, stop + 1)
    return seeds
