"""Photos into the workspace and out of it: scrape, add, photos export."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from deepstyle.commands.options import (
    Ordered,
    Session,
    build_config,
    configured,
    configured_with,
    has_catalog,
    json_option,
    open_catalog,
)
from deepstyle.commands.tables import counts, print_json, show
from deepstyle.errors import UsageError

# How pages end that were read, or where nothing is missing: the others may have had photos.
_ORDINARY = frozenset({"ok", "redirect", "off-site", "image", "not-page", "queued"})


def _header(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    pairs = [value.partition(":") for value in values]
    if wrong := [name for name, mark, _ in pairs if not mark]:
        raise UsageError(f"--header {wrong[0]}: write it as 'Name: value'")
    return {name.strip(): value.strip() for name, _, value in pairs} or None


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Python looks for circles of garbage seldom: what has been imported stays, and a photo leaves hardly any."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@click.command()
@json_option
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--template", multiple=True, metavar="URL", help="An address with gaps: https://site/{house}/{season}.")
@click.option(
    "--values",
    default="runway-houses",
    show_default=True,
    metavar="FILE",
    help="YAML file of what fills them, a line a gap: `house: [chanel, dior]`.",
)
@click.option("--allow-private", is_flag=True, help="Permit loopback and private addresses.")
@click.option("--max-photos", type=int, help="Stop after this many photos.")
@click.option("--rate", type=float, help="Requests per second and host.")
@click.option("--depth", "max_depth", type=int, help="Links from the start page to the farthest page.")
@click.option("--also-host", "also_hosts", multiple=True, metavar="HOST", help="Visit this host's pages, too.")
@click.option("--contact", metavar="TEXT", help="Your mail or web address, told to sites in the User-Agent.")
@click.option("--header", "headers", multiple=True, callback=_header, metavar="'NAME: VALUE'",
              help="Send this header to the hosts of the SOURCEs.")  # fmt: skip
@click.option("--cookies", metavar="FILE", help="A browser's cookies.txt (Netscape form).")
@click.option("--proxy", metavar="URL", help="Ask through this proxy, http://host:port.")
@click.option("--render", is_flag=True, help="Run the pages' scripts in a headless Chromium: deepstyle[browser].")
@click.option("--fresh", is_flag=True, help="Visit the pages again, in a new crawl.")
@configured_with(dry_run="Visit the pages, list what would be fetched, and stop.")
@click.pass_obj
def scrape(session: Session, /, sources: tuple[str, ...], template: tuple[str, ...], values: str, fresh: bool,
           config: str | None, overrides: tuple[str, ...], dry_run: bool, **flags: Any) -> None:  # fmt: skip
    """Collect the photos of galleries, politely.

    A SOURCE is the address of a gallery, sitemap or feed, or a list of addresses of pictures or pages: .txt, .csv, .tsv,
    .jsonl, .parquet, or - for standard input; its other columns are kept with the photos.

    A saved page (.html with its folder of files, .mht), or a folder of them, is a SOURCE as well: what was saved with it is
    taken from disk. With --dry-run the pages are visited, and each photo is listed with what would become of it, and why.

    Crawls within the site of each address, honours robots.txt, crawl-delay and what sites reserve from AI, takes the largest
    version of each photo, drops exact duplicates, and records where each photo came from.

    \b
    Example:
        deepstyle scrape https://a-gallery.example/fall-2026/ --rate 2
        deepstyle scrape --template "https://a-site.example/{house}/{season}"
        deepstyle scrape looks.csv --contact me@a.example
    """
    rest = "`deepstyle settings scrape` explains them"  # its --dry-run lists photos
    built = build_config(session, "ScrapeConfig", config, overrides, flags, dry_run=False, rest=rest)
    from deepstyle.config import load_values
    from deepstyle.scraper.scrape import scrape_urls
    from deepstyle.scraper.sources import read_sources
    from deepstyle.scraper.templates import expand

    filled = [url for one in template for url in expand(one, load_values(values))]
    if dry_run:
        _show_plan([*sources, *filled], session, built)
        return
    if not has_catalog(session):
        read_sources([*sources, *filled])  # a mistyped address makes no workspace
    with open_catalog(session) as catalog, _seldom_collected():
        summary = scrape_urls([*sources, *filled], catalog, built, reporter=session.reporter, fresh=fresh)
    rows = {key: value for key, value in asdict(summary).items() if not isinstance(value, dict)}
    rows["seconds"] = f"{summary.seconds:.1f}"
    outcomes = {
        name: count for name, count in summary.outcomes.items() if name != "thumbnail"
    }  # they add up to `found`
    rows["outcomes"] = counts(outcomes)
    if small := summary.outcomes.get("thumbnail"):
        rows["thumbnails of these"] = f"{small:,}, passed over"
    unread = {name: count for name, count in summary.page_outcomes.items() if name not in _ORDINARY}
    if unread:
        rows["pages not used"] = counts(unread)
    folder = session.workspace / "photos"
    show(f"photos are in {folder}", rows, folder=folder, **asdict(summary))


def _show_plan(urls: Sequence[str], session: Session, built: Any) -> None:
    from deepstyle.scraper.plan import plan

    found = plan(urls, session.workspace, built, reporter=session.reporter)
    if click.get_current_context().meta["json"]:
        print_json({"planned": [asdict(one) for one in found]})
        return
    for one in found:
        click.echo(f"{one.outcome:<12} {one.url}" + (f"  (on {one.page_url})" if one.page_url else ""))
    wanted = sum(one.outcome == "fetch" for one in found)
    click.echo(f"{wanted:,} photos would be fetched, {len(found) - wanted:,} photos and pages not; nothing was changed")


@click.group(cls=Ordered)
def photos() -> None:
    """The photos of the workspace as files for other programs."""


@photos.command("export")
@json_option
@click.option("--to", "form", type=click.Choice(["csv", "jsonl", "parquet", "webdataset"]), required=True,
              help="A table of all that is known of each photo; or .tar files with the photos in them.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File; a folder for webdataset.")
@click.option("--shard", type=click.IntRange(1), default=1000, show_default=True, help="Photos of one .tar file.")
@click.pass_obj
def export_photos(session: Session, form: str, out: Path, shard: int) -> None:
    """Write the photos' table, or the photos themselves.

    Each row or .json holds hash, size, addresses, title, licence, credit, what was read of reservations, and what stood
    beside the address in a list.

    \b
    Example:
        deepstyle photos export --to csv --out photos.csv
        deepstyle photos export --to webdataset --out shards/
    """
    from deepstyle.export import export

    with open_catalog(session, must_exist=True, reading=True) as catalog:
        count = export(catalog, form, out, shard=shard)
    show(f"{count:,} photos are in {out}", {}, photos=count, out=out)


@click.command()
@json_option
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER|FILE...", type=click.Path(path_type=Path))
@click.option("--licence", default="", metavar="TEXT", help="The photos' licence, kept with each.")
@click.option("--credit", default="", metavar="TEXT", help="Whom to name as their author, kept with each.")
@configured
@click.pass_obj
def add(session: Session, paths: tuple[Path, ...], licence: str, credit: str, config: str | None,
        overrides: tuple[str, ...], dry_run: bool) -> None:  # fmt: skip
    """Add photos of your own, from folders or files.

    Takes every image below the folders, by the same rules of size and safety as scrape, drops exact duplicates, and
    records where each photo came from. Hidden files are passed over, links are followed, nothing of yours is changed.
    Files that were added before are not read again unless they changed. The settings are scrape's.

    \b
    Example:
        deepstyle add my-photos/ --licence "all rights reserved" --credit "Studio Muster"
        deepstyle add look-*.jpg --set min_side=200
    """
    built = build_config(session, "ScrapeConfig", config, overrides, {}, dry_run=dry_run)
    from deepstyle.scraper.add import add as run
    from deepstyle.scraper.add import check_path

    for path in paths:  # before a workspace is made
        check_path(path, session.workspace)
    with open_catalog(session) as catalog:
        summary = run(paths, catalog, built, reporter=session.reporter, licence=licence, credit=credit)
    rows = {key: f"{value:,}" for key, value in asdict(summary).items() if isinstance(value, int)}
    rows["outcomes"] = counts(summary.outcomes)
    for outcome, names in summary.left_out.items():
        more = f" and {left:,} more" if (left := summary.outcomes[outcome] - len(names)) > 0 else ""
        small = f"; --set min_side={built.min_side // 2} takes smaller ones" if outcome == "too-small" else ""
        rows[f"  {outcome}"] = ", ".join(names) + more + small
    folder = session.workspace / "photos"
    show(f"photos are in {folder}", rows, folder=folder, **asdict(summary))
