"""The GAN: train-gan."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from deepstyle.commands.early import check_gan
from deepstyle.commands.options import (
    Session,
    build_config,
    configured,
    given_config,
    has_catalog,
    json_option,
    open_catalog,
)
from deepstyle.commands.tables import show


@click.command()
@json_option
@click.option("--minutes", type=float, help="Stop after this time; else after --images.")
@click.option(
    "--images", type=int, help="Stop when so many real images were shown, repeats counted; else after a million."
)
@click.option(
    "--label", "labels", multiple=True, help="Learn from this label, or category (see tag), only (may be repeated)."
)
@click.option(
    "--min-score",
    type=float,
    help="Learn only from garments that the detector was so sure of; more garments teach more than purer ones.",
)
@click.option("--from", "start_from", metavar="MODEL|RUN",
              help="Start from this one's weights, with its settings unless --config is given.")  # fmt: skip
@click.option("--classifier", help="Judge of the Frechet distance; the newest, or the one that ships, otherwise.")
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@configured
@click.pass_obj
def train_gan(session: Session, /, start_from: str | None, labels: tuple[str, ...], classifier: str | None, fresh: bool,
              config: str | None, overrides: tuple[str, ...], dry_run: bool, **budget: Any) -> None:  # fmt: skip
    """Train the DCGAN on the garments.

    With neither --config nor --from it chooses size, width, batch, penalty, labels, augmentation and schedule from the
    garments, the machine and the budget, and gives its reasons; --set changes any of them.

    Presets: dcgan-plus-64 (where the choices start) to dcgan-plus-256: the DCGAN's layers with the relativistic loss, told
    each garment's label; dcgan-32 to dcgan-256: the paper's game, worse garments in the same time; residual-64. A game that
    collapses goes back to its last good snapshot. Works under torchrun.

    --from starts from weights that are there: a run gives both networks, and so does a model that brings its discriminator
    (demo-garments does), which is trained on in smaller steps. Labels of the same names are known already. Without --config
    the settings are theirs. With --set size=... of twice theirs it grows: the first images are theirs, enlarged, and details
    come from there.

    While it trains, grids of the same seeds appear in the run's folder, and with the losses in TensorBoard; with a
    classifier, how far the samples are from the real garments, too. The command to watch it is printed.

    \b
    Example:
        deepstyle train-gan --minutes 30
        deepstyle train-gan --minutes 15 --set augment=color,translation,cutout
        deepstyle train-gan --config dcgan-64 --images 500000
        deepstyle train-gan --from demo-garments --minutes 15
        deepstyle train-gan --from demo-garments --set size=128 --minutes 90
        torchrun --nproc-per-node 4 -m deepstyle train-gan --config dcgan-plus-128 --set batch_size=64
    """
    flags = {**budget, "labels": list(labels) or None, "start_from": start_from}
    like, chosen = _beginning(session, config, overrides, flags, classifier, fresh=fresh, reading=dry_run)
    built = build_config(session, "GanConfig", config, overrides, flags, dry_run=dry_run, like=like, chosen=chosen)
    with open_catalog(session, must_exist=True) as catalog:
        from deepstyle import pipeline

        result = pipeline.gan_from_garments(
            catalog, built, reporter=session.reporter, classifier=classifier, fresh=fresh
        )
        following = _after_gan(catalog, result)
    rows = _gan_rows(result) | {"next": following}
    show(f"run {result.run} is in {result.folder}", rows, weak=pipeline.weak_of(result, built), **asdict(result))


def _beginning(
    session: Session, config: str | None, overrides: tuple[str, ...], flags: dict[str, Any], classifier: str | None, *,
    fresh: bool, reading: bool,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """Whose settings a training begins with (None: a preset's), and what it chooses by itself: nothing beside a preset."""
    from deepstyle.config import as_overrides
    from deepstyle.source import find_source

    asked = like = given_config(
        "GanConfig", config, overrides, flags
    )  # what is wrong is told before anything is chosen
    if has_catalog(session):
        with open_catalog(session, reading=reading) as catalog:
            if flags["start_from"]:
                like = find_source(catalog, flags["start_from"]).config
            if config is None and flags["start_from"]:
                asked = given_config("GanConfig", None, overrides, flags, like=like)
            check_gan(session, catalog, None if reading else asked, classifier)
    if config is not None:
        return None, []
    if flags["start_from"]:
        return _as_source(session, overrides, flags)
    return None, _chosen(session, [*overrides, *as_overrides(flags)], fresh=fresh, reading=reading)


def _as_source(session: Session, overrides: tuple[str, ...], flags: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The settings of the source that is named, and what a training chooses beside them."""
    from deepstyle.config import keys_of
    from deepstyle.dcgan.choose import going_on, growing
    from deepstyle.source import check_fits, find_source

    with open_catalog(session, must_exist=True) as catalog:
        source = find_source(catalog, flags["start_from"])
        asked = given_config("GanConfig", None, overrides, flags, like=source.config)
        garments = len(catalog.garments(asked.labels, least=asked.min_score))
    given = set(keys_of(overrides))
    chosen = [*growing(source, asked, given), *going_on(source, asked, given, garments)]
    own = [one for choice in chosen for one in choice.overrides]
    check_fits(source, given_config("GanConfig", None, overrides, flags, like=source.config, own=own))
    return source.config, chosen


def _chosen(session: Session, given: list[str], *, fresh: bool, reading: bool) -> list[Any]:
    """What `train-gan` chooses where it is told neither a preset nor where to start; nothing without a workspace."""
    if not has_catalog(session):
        return []
    with open_catalog(session, must_exist=True, reading=reading) as catalog:
        from deepstyle.choosing import choices_for

        return list(choices_for(catalog, given, fresh=fresh, advise=True))


def _gan_rows(result: Any) -> dict[str, Any]:
    """What a GAN's training came to, for people."""
    from deepstyle.run import watch_command

    rows = {"images seen": f"{result.images:,} in {result.seconds / 60:.1f} min ({result.images_per_second:.0f}/s)"}
    if "frechet" in result.first and "frechet" in result.last:
        rows["Frechet distance"] = (
            f"{result.first['frechet']:.2f} at the start, {result.last['frechet']:.2f} at the end"
        )
    if result.best:
        rows["best"] = f"{result.best['frechet']:.2f} at {result.best['images']:,.0f} images (best.safetensors)"
    if result.rollbacks:
        rows["rollbacks"] = f"{result.rollbacks}, see TensorBoard's texts"
    rows |= {"verdict": "; ".join(result.verdict)} if result.verdict else {}
    return rows | {"last grid": str(result.grid), "curves and grids": watch_command(result.folder.parent)}


def _after_gan(catalog: Any, result: Any) -> str:
    """The commands that come after a GAN's training; one that is not the newest must be named."""
    newest = catalog.run("gan")
    this = f" --run {result.run}" if newest is not None and newest.name != result.run else ""
    return f"deepstyle sample{this}" + (f", deepstyle score{this}" if "frechet" in result.last else "")
