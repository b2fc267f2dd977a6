"""All stages in a row: run on galleries, demo on drawn looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from deepstyle.commands.options import Bounded, Session, json_option, open_catalog, without_secrets
from deepstyle.commands.tables import show
from deepstyle.demo import IMAGES


@click.command()
@json_option
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--annotations", type=(click.Path(path_type=Path, exists=True), click.Path(path_type=Path, exists=True)),
              metavar="TRAIN.json VAL.json",
              help="Train a detector on these first; else the workspace's newest cuts, or the one that ships.")  # fmt: skip
@click.option("--labels", type=click.Path(path_type=Path, exists=True), metavar="TABLE.csv|FOLDER|COCO.json",
              help="Train a classifier on these first; else the workspace's newest judges, or the one that ships.")  # fmt: skip
@click.option("--minutes", type=float, default=15.0, show_default=True, help="Time budget of the GAN.")
@click.option("--allow-private", is_flag=True, help="Permit loopback and private addresses.")
@click.option("--config", "presets", multiple=True, metavar="PRESET|FILE", help="Config of a stage (may be repeated).")
@click.option("--set", "overrides", multiple=True, metavar="STAGE.KEY=VALUE",
              help="Change one value; STAGE is scrape, detector, masks, crop, classifier or gan.")  # fmt: skip
@click.pass_obj
def run(session: Session, urls: tuple[str, ...], annotations: tuple[Path, Path] | None, labels: Path | None,
        minutes: float, allow_private: bool, presets: tuple[str, ...], overrides: tuple[str, ...]) -> None:  # fmt: skip
    """All in a row: scrape, crop, tag, train-gan, sample, score.

    Where the --annotations have masks, the detector learns them, too. What nobody says of the GAN is chosen as train-gan does,
    from the garments, the machine and --minutes.

    \b
    Example:
        deepstyle run https://a-gallery.example/ --annotations ccp/train.json ccp/val.json \\
            --labels clothing-dataset/images.csv --minutes 30
    """
    from deepstyle.annotations.label_sets import labels_from
    from deepstyle.annotations.pair import read_pair
    from deepstyle.config import load_stages
    from deepstyle.scraper.sources import read_sources

    flags = [f"gan.minutes={minutes}"] + (["scrape.allow_private=true"] if allow_private else [])
    origins = {"gan.minutes": "--minutes", "scrape.allow_private": "--allow-private"}
    stages = load_stages(presets, [*overrides, *flags], origins=origins)
    read_sources(urls)  # what is wrong is told before torch is imported, and before a workspace is made
    _tell(session, presets or ("the default presets",), (*overrides, *flags))
    with open_catalog(session) as catalog:
        table = labels_from(labels, catalog, reporter=session.reporter) if labels is not None else None
        pair = read_pair(annotations[:1], annotations[1], session.reporter) if annotations is not None else None
        from deepstyle import pipeline

        outcome = pipeline.run_all(urls, catalog, stages, reporter=session.reporter, pair=pair, table=table)
    title = f"done; see `tensorboard --logdir {session.workspace / 'runs'}`"
    show(title, outcome.told, weak=outcome.weak, **outcome.told, run=asdict(outcome.gan))


@click.command()
@json_option
@click.option("--images", type=click.IntRange(100, 10_000_000), default=IMAGES, show_default=True,
              help="Images that the GAN sees, repeats counted.")  # fmt: skip
@click.option("--minutes", type=Bounded(0.1, 6000), default=15.0, show_default=True,
              help="The GAN stops after this time, if it has not seen them by then.")  # fmt: skip
@click.option(
    "--looks", type=click.IntRange(40, 20_000), default=340, show_default=True, help="Looks of the drawn site."
)
@click.option("--set", "overrides", multiple=True, metavar="STAGE.KEY=VALUE",
              help="Change one value; STAGE is scrape, detector, masks, crop, classifier or gan.")  # fmt: skip
@click.pass_obj
def demo(session: Session, images: int, minutes: float, looks: int, overrides: tuple[str, ...]) -> None:
    """Draw a fashion site, scrape it, train everything on it.

    Needs no network, no data, no GPU. Works in the folder demo-workspace, unless --workspace names another. Where a slow
    machine ran out of --minutes before there were garments, it says so; run again with more, it goes on.

    \b
    Example:
        deepstyle demo
        deepstyle demo --minutes 40
    """
    context = click.get_current_context().find_root()
    if context.get_parameter_source("workspace") is click.core.ParameterSource.DEFAULT:
        session = Session(workspace=Path("demo-workspace"), reporter=session.reporter)
    from deepstyle.demo.stages import demo_stages

    stages = demo_stages(images_seen=images, minutes=minutes, overrides=overrides)  # before a workspace is made
    _tell(session, ("the demo's",), (*overrides, f"gan.images={images}", f"gan.minutes={minutes}"))
    with open_catalog(session) as catalog:
        from deepstyle.demo.tour import tour

        outcome = tour(catalog, stages, looks=looks, reporter=session.reporter)
    show("the demo is done", outcome.told, weak=outcome.weak, **outcome.told, run=asdict(outcome.gan))


def _tell(session: Session, presets: Sequence[str], changed: Sequence[str]) -> None:
    """Say with what settings all stages begin, before the first of them does."""
    told = ", ".join([*presets, *map(without_secrets, changed)])
    session.reporter.say(f"settings: {told} (`deepstyle settings` explains them)")
