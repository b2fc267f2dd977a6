"""The commands. Thin: read flags, build the config, call the pipeline, print. Only this file exits.

Longer than other files because every command's flags and help stand here, and nowhere else.

Exit codes: 0 done, 1 the job failed, 2 wrong use, 128 and its number for a signal (130: Ctrl-C). `--help` imports
neither torch nor the stages, and a command imports them when its workspace is open: a wrong one is told at once.
"""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from deepstyle import __version__
from deepstyle.errors import DeepstyleError, InputError, UsageError
from deepstyle.progress import Reporter
from deepstyle.weak import weak_classifier, weak_detector

F = TypeVar("F", bound=Callable[..., Any])
LEADS = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts, one speaks
FINE_TUNE = ("pretrained=true", "frozen_share=0.25", "backbone_lr=0.1", "lr=0.002")
SPINS = "2000"  # rounds that a waiting thread of GNU's OpenMP spins; its 300,000 made two threads slower than one beside others


@dataclass(frozen=True, kw_only=True)
class Session:
    """The global options."""

    workspace: Path
    reporter: Reporter


class Commands(click.Group):
    """Turns errors into click's exits: UsageError -> 2, any other DeepstyleError -> 1, a signal -> 128 and its number.

    What is none of our errors ends in one line as well, and exits with 1: nobody is shown a traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a pipe that was closed (``| head``) is left to click, which ends quietly."""
        from deepstyle.trouble import Stopped, brief, stoppable, words_for

        for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            with stoppable():
                return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(brief(str(error))) from error
        except DeepstyleError as error:
            raise click.ClickException(brief(str(error))) from error
        except KeyboardInterrupt as error:
            number = error.number if isinstance(error, Stopped) else signal.SIGINT
            with suppress(OSError):  # the terminal may be gone
                click.echo("interrupted; the same command continues where it stopped", err=True)
            sys.exit(128 + number)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("DEEPSTYLE_TRACEBACK"):
                traceback.print_exc()
            raise click.ClickException(words_for(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the work, not of the alphabet."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-w", "--workspace", type=click.Path(path_type=Path, file_okay=False), default="workspace", show_default=True,
    envvar="DEEPSTYLE_WORKSPACE", show_envvar=True, help="Folder that holds everything.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress, results only.")
@click.version_option(__version__, prog_name="deepstyle")
@click.pass_context
def main(ctx: click.Context, workspace: Path, quiet: bool) -> None:
    """Fashion galleries on the web -> cropped garments -> a generator of new ones.

    \b
    A first look, without network or data:
        deepstyle demo
    Your own photos, or a gallery's (scrape instead of add):
        deepstyle add my-photos/
        deepstyle crop
        deepstyle train-gan --minutes 30
        deepstyle sample
        tensorboard --logdir workspace/runs
    How good is it? (train-classifier brings a judge of your own.)
        deepstyle score
    Does it work here? What can be set?
        deepstyle doctor
        deepstyle settings
    Every command resumes when it is run again.
    """
    if "OMP_WAIT_POLICY" not in os.environ:  # must be there before torch is imported
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    ctx.obj = Session(workspace=workspace, reporter=Reporter(quiet=quiet or not LEADS))


@contextmanager
def _catalog(session: Session, *, must_exist: bool = False, reading: bool = False) -> Iterator[Any]:
    """The workspace's catalog; ``reading``: one that cannot be written will do."""
    from deepstyle.catalog import Catalog

    if must_exist and not os.path.lexists(session.workspace / "catalog.sqlite"):
        raise UsageError(
            f"--workspace {session.workspace}: there is no workspace yet; `deepstyle add` and `deepstyle scrape` make one"
        )
    with Catalog(session.workspace, reading=reading) as catalog:
        yield catalog


def _for_programs(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta["json"] = value


_json_option = click.option("--json", is_flag=True, expose_value=False, callback=_for_programs,
                            help="Print one JSON object, for programs.")  # fmt: skip


def _show(title: str, rows: dict[str, Any], *, weak: list[str] | None = None, **result: Any) -> None:
    """Print what a command came to, on standard output: a table for people or, with --json, ``result`` as one object.

    ``weak``: why the result is too weak to be used, in sentences; empty when it is good enough, None where nobody judges.
    """
    if click.get_current_context().meta["json"]:
        _json(result if weak is None else result | {"weak": weak})
        return
    _table(title, rows)
    for sentence in weak or () if LEADS else ():
        click.echo(f"  weak: {sentence}")


def _json(value: Any) -> None:
    if LEADS:
        click.echo(json.dumps(value, indent=2, default=os.fspath))


def _configured(function: F) -> F:
    """Add the options of the one road of configuration: preset or file, --set, --dry-run."""

    @click.option("--config", metavar="PRESET|FILE", help="A preset (`deepstyle settings` lists them) or a YAML file.")
    @click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                  help="Change one setting (`deepstyle settings PRESET` explains them); may be repeated.")  # fmt: skip
    @click.option("--dry-run", is_flag=True, help="Print all settings and stop.")
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the signature


def _config(
    session: Session, kind: str, config: str | None, overrides: Sequence[str], flags: dict[str, Any], *, dry_run: bool,
    like: Any = None, chosen: Sequence[Any] = (),
) -> Any:  # fmt: skip
    """Build a config from preset (without one from ``like``), --set and the command's own flags, and show it.

    ``chosen``: settings that the command chose, with their reasons.
    """
    from deepstyle import config as configs

    given = _given(flags)
    own = [one for choice in chosen for one in _given(choice.settings)]
    built = configs.load_config(getattr(configs, kind), config, [*own, *overrides, *given], like=like)
    for choice in (one for one in chosen if one.reason):
        session.reporter.say(f"  {', '.join(_given(choice.settings))}: {choice.reason}")
    if dry_run:
        if click.get_current_context().meta["json"]:
            _json(built.model_dump(mode="json"))
        else:
            click.echo(configs.to_yaml(built), nl=False)
        sys.exit(0)
    name = config or (type(built).default_preset if like is None else f"those of {built.start_from}")
    changed = [one for one in (*overrides, *given) if like is None or not one.startswith("start_from=")]
    session.reporter.say(f"settings: {', '.join([name, *changed])} (--dry-run shows them all)")
    return built


def _given(settings: Mapping[str, Any]) -> list[str]:
    """Settings as ``key=value``, those aside of which nothing is said."""
    import yaml

    plain = {key: value for key, value in settings.items() if value is not None and value is not False and value != ()}
    return [
        f"{key}={yaml.safe_dump(value, default_flow_style=True, width=10**9).splitlines()[0]}"
        for key, value in plain.items()
    ]


def _named(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Check a name that becomes a folder before anything is done."""
    from deepstyle.files import check_name

    return check_name(value, "NAME" if isinstance(parameter, click.Argument) else f"--{parameter.name}")


def _table(title: str, rows: dict[str, Any]) -> None:
    """Print a two-column table to standard output."""
    if not LEADS:
        return
    width = max((len(key) for key in rows), default=0)
    click.echo(title)
    for key, value in rows.items():
        click.echo(f"  {key:<{width}}  {value}")


def _header(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    pairs = [value.partition(":") for value in values]
    if wrong := [name for name, mark, _ in pairs if not mark]:
        raise UsageError(f"--header {wrong[0]}: write it as 'Name: value'")
    return {name.strip(): value.strip() for name, _, value in pairs} or None


@main.command()
@_json_option
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--template", multiple=True, metavar="URL", help="An address with gaps: https://site/{house}/{season}.")
@click.option(
    "--values", default="runway-houses", show_default=True, metavar="FILE", help="YAML file of what fills them."
)
@click.option("--allow-private", is_flag=True, help="Permit loopback and private addresses.")
@click.option("--max-photos", type=int, help="Stop after this many photos.")
@click.option("--rate", type=float, help="Requests per second and host.")
@click.option("--depth", type=int, help="Links from the start page to the farthest page.")
@click.option("--also-host", "also_hosts", multiple=True, metavar="HOST", help="Visit this host's pages, too.")
@click.option("--contact", metavar="TEXT", help="Your mail or web address, told to sites in the User-Agent.")
@click.option("--header", "headers", multiple=True, callback=_header, metavar="'NAME: VALUE'",
              help="Send this header to the hosts of the SOURCEs.")  # fmt: skip
@click.option("--cookies", metavar="FILE", help="A browser's cookies.txt (Netscape form).")
@click.option("--proxy", metavar="URL", help="Ask through this proxy, http://host:port.")
@click.option("--render", is_flag=True, help="Run the pages' scripts in a headless Chromium: deepstyle[browser].")
@click.option("--fresh", is_flag=True, help="Visit the pages again, in a new crawl.")
@_configured
@click.pass_obj
def scrape(session: Session, /, sources: tuple[str, ...], template: tuple[str, ...], values: str, depth: int | None,
           fresh: bool, config: str | None, overrides: tuple[str, ...], dry_run: bool, **flags: Any) -> None:  # fmt: skip
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
    built = _config(session, "ScrapeConfig", config, overrides, flags | {"max_depth": depth}, dry_run=False)
    from deepstyle.config import load_values
    from deepstyle.scraper.scrape import scrape_urls
    from deepstyle.scraper.templates import expand

    filled = [url for one in template for url in expand(one, load_values(values))]
    if dry_run:
        _show_plan([*sources, *filled], session, built)
        return
    with _catalog(session) as catalog:
        summary = scrape_urls([*sources, *filled], catalog, built, reporter=session.reporter, fresh=fresh)
    rows = {key: value for key, value in asdict(summary).items() if not isinstance(value, dict)}
    rows["seconds"] = f"{summary.seconds:.1f}"
    folder = session.workspace / "photos"
    _show(f"photos are in {folder}", rows | {"outcomes": _counts(summary.outcomes)}, folder=folder, **asdict(summary))


def _show_plan(urls: Sequence[str], session: Session, built: Any) -> None:
    from deepstyle.scraper.plan import plan

    found = plan(urls, session.workspace, built, reporter=session.reporter)
    if click.get_current_context().meta["json"]:
        _json({"planned": [asdict(one) for one in found]})
        return
    for one in found:
        click.echo(f"{one.outcome:<12} {one.url}" + (f"  (on {one.page_url})" if one.page_url else ""))
    wanted = sum(one.outcome == "fetch" for one in found)
    click.echo(f"{wanted:,} photos would be fetched, {len(found) - wanted:,} photos and pages not; nothing was changed")


@main.group(cls=Commands)
def photos() -> None:
    """The photos of the workspace as files for other programs."""


@photos.command("export")
@_json_option
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

    with _catalog(session, must_exist=True, reading=True) as catalog:
        count = export(catalog, form, out, shard=shard)
    _show(f"{count:,} photos are in {out}", {}, photos=count, out=out)


@main.command()
@_json_option
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER|FILE...", type=click.Path(path_type=Path))
@click.option("--licence", default="", metavar="TEXT", help="The photos' licence, kept with each.")
@click.option("--credit", default="", metavar="TEXT", help="Whom to name as their author, kept with each.")
@_configured
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
    built = _config(session, "ScrapeConfig", config, overrides, {}, dry_run=dry_run)
    from deepstyle.scraper.add import add as run

    with _catalog(session) as catalog:
        summary = run(paths, catalog, built, reporter=session.reporter, licence=licence, credit=credit)
    rows = {key: f"{value:,}" for key, value in asdict(summary).items() if isinstance(value, int)}
    rows["outcomes"] = _counts(summary.outcomes)
    rows |= {f"  {outcome}": ", ".join(names) for outcome, names in summary.left_out.items()}
    folder = session.workspace / "photos"
    _show(f"photos are in {folder}", rows, folder=folder, **asdict(summary))


def _counts(values: dict[str, int]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in sorted(values.items(), key=lambda pair: -pair[1])) or "none"


@main.group(cls=Commands)
def data() -> None:
    """Fetch labelled data sets, turn them into COCO files.

    Those files are what train-detector learns from. Each command writes train.json, val.json and, when there are such
    photos, test.json, names what it left out in dropped.csv, and draws boxes.png to look at.
    """


def _conversion(function: F) -> F:
    """Add the options that every conversion has."""
    folder = click.Path(path_type=Path, file_okay=False)
    out = click.option("--out", type=folder, required=True, help="Folder for the COCO files.")
    return out(click.pass_obj(function))  # type: ignore[return-value]  # click's decorators keep the signature


def _split_options(validation: float, test: float) -> Callable[[F], F]:
    """Add the options of an own split, with these shares as defaults."""

    def add(function: F) -> F:
        for option in (
            click.option("--seed", type=int, default=0, show_default=True, help="Another seed holds out other photos."),
            click.option("--test-share", type=click.FloatRange(0, 0.9), default=test, show_default=True,
                         help="Share of photos in test.json."),
            click.option("--validation-share", type=click.FloatRange(0.01, 0.9), default=validation, show_default=True,
                         help="Share of photos in val.json."),
        ):  # fmt: skip
            function = option(function)
        return function

    return add


_source = click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
_labels = click.option("--labels", type=click.Choice(["type", "category"]), default="type", show_default=True,
                       help="upper, lower, full; or the set's own categories.")  # fmt: skip


def _converted(out: Path, summary: Any) -> None:
    """Draw the contact sheet and print what a conversion made."""
    from deepstyle.annotations.sheet import contact_sheet
    from deepstyle.files import put_file
    from deepstyle.images import encode

    rows: dict[str, Any] = {"photos": _counts(summary.photos), "boxes": _counts(summary.boxes)}
    rows["dropped"] = _counts(summary.dropped)
    rows |= {f"  {reason}": ", ".join(names) for reason, names in summary.examples.items()}
    result = {"folder": out, "photos": summary.photos, "boxes": summary.boxes, "dropped": summary.dropped}
    if summary.sample:
        put_file(out / "boxes.png", encode(contact_sheet(summary.sample)))
        rows["picture"] = result["picture"] = out / "boxes.png"
    _show(f"annotations are in {out}", rows, **result)


@data.command()
@_json_option
@_source
@_split_options(0.15, 0)
@_conversion
def ccp(session: Session, source: Path, out: Path, **shares: Any) -> None:
    """Clothing Co-Parsing: pixel masks -> boxes and masks.

    Yang, Luo and Lin 2014. The labels are upper, lower and full.

    \b
    Example:
        deepstyle data ccp clothing-co-parsing --out workspace/ccp
    """
    from deepstyle.annotations.ccp import convert_ccp

    _converted(out, convert_ccp(source, out, reporter=session.reporter, **shares))


@data.command()
@_json_option
@_source
@_labels
@click.option("--variant", type=click.Choice(["coarse", "fine"]), help="Which annotations; the first found otherwise.")
@click.option("--split", type=click.Choice(["authors", "folder"]), default="authors", show_default=True,
              help="The authors' partition, or an own one that keeps each garment folder together.")  # fmt: skip
@_split_options(0.15, 0.15)
@_conversion
def deepfashion(session: Session, source: Path, out: Path, **options: Any) -> None:
    """DeepFashion: one box a photo, with attributes.

    Category and Attribute Prediction, by Liu, Luo, Qiu, Wang and Tang 2016. SOURCE holds Img/, Eval/ and Anno/,
    Anno_coarse/ or Anno_fine/. The authors' test photos show garments that are in train too; --split folder keeps a
    garment on one side (the shares and the seed are for this split only).

    \b
    Example:
        deepstyle data deepfashion DeepFashion --labels category --split folder --out workspace/deepfashion
    """
    from deepstyle.annotations.deepfashion import convert_deepfashion

    _converted(out, convert_deepfashion(source, out, reporter=session.reporter, **options))


@data.command()
@_json_option
@_source
@_labels
@_conversion
def deepfashion2(session: Session, source: Path, out: Path, labels: Any) -> None:
    """DeepFashion2: boxes and masks, 13 categories.

    Ge, Zhang, Wang, Tang and Luo 2019; a photo may show several garments. SOURCE holds train/ and validation/, each
    with image/ and annos/; the latter becomes val.json. The authors publish no annotations of the test photos.

    \b
    Example:
        deepstyle data deepfashion2 DeepFashion2 --out workspace/deepfashion2
    """
    from deepstyle.annotations.deepfashion2 import convert_deepfashion2

    _converted(out, convert_deepfashion2(source, out, reporter=session.reporter, labels=labels))


@data.command()
@_json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="SOURCE.json")
@click.option("--map", "mapping", required=True, metavar="NAME|PAIRS",
              help="fashionpedia, modanet, or category=label,... (with ; between pairs when names hold commas).")  # fmt: skip
@click.option("--val", "validation", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The authors' validation file; without it --validation-share of SOURCE is held out.")  # fmt: skip
@click.option("--photos", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of the photos; where the file says otherwise.")  # fmt: skip
@_split_options(0.15, 0)
@_conversion
def coco(session: Session, source: Path, out: Path, mapping: str, **options: Any) -> None:
    """Any COCO file, Fashionpedia and ModaNet too.

    Its categories become the labels of a map. Categories that the map leaves out are dropped and counted. Polygons
    become masks.

    \b
    Example:
        deepstyle data coco modanet.json --map modanet --photos photos --out workspace/modanet
        deepstyle data coco shop.json --map "dress=full,shirt=upper,jeans=lower" --out workspace/shop
    """
    from deepstyle.annotations.relabel import convert_coco, read_map

    _converted(out, convert_coco(source, out, read_map(mapping), reporter=session.reporter, **options))


@data.command()
@_json_option
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="IMAGES.csv")
@_split_options(0.15, 0)
@_conversion
def singles(session: Session, table: Path, out: Path, **shares: Any) -> None:
    """Photos of single garments with a category: a box each.

    The box is what stands out from the photo's edge, or the whole photo. Photos of shoes and hats become photos without a
    garment. A sender's photos stay on one side of the split.

    \b
    Example:
        deepstyle data singles clothing-dataset/images.csv --out workspace/singles
    """
    from deepstyle.annotations.singles import convert_singles

    _converted(out, convert_singles(table, out, reporter=session.reporter, **shares))


@data.command()
@_json_option
@click.argument("name", type=click.Choice(["ccp", "clothing-dataset"]))
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder; the repository's name otherwise."
)
@click.option("--from", "mirror", metavar="URL", help="A mirror: the repository's files below this address.")
@click.pass_obj
def download(session: Session, name: str, out: Path | None, mirror: str | None) -> None:
    """Fetch an openly licensed set, every file checked.

    It comes from its public repository, each file checked by its git checksum. Files that are there and whole are kept,
    so that the same command continues. ccp is for `data ccp`, clothing-dataset for `train-classifier
    clothing-dataset/images.csv`.

    \b
    Example:
        deepstyle data download ccp --out clothing-co-parsing
    """
    from deepstyle.annotations import download as downloads

    chosen = downloads.SETS[name]
    folder = out or Path(chosen.repository.partition("/")[2])
    click.echo(f"{chosen.title}\nlicence: {chosen.licence}\nsource: {mirror or chosen.url}", err=True)
    summary = downloads.download(chosen.entries(), folder, mirror or chosen.url, reporter=session.reporter)
    _show(
        f"{name} is in {folder}", {"fetched": f"{summary.fetched:,} files", "kept": f"{summary.kept:,} files"},
        folder=folder, licence=chosen.licence, source=mirror or chosen.url, **asdict(summary),
    )  # fmt: skip


@data.command()
@_json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="COCO file to write.")
@click.option("--detector", help="Name of the detector; the newest otherwise, or the one that ships.")
@click.option("--min-score", type=click.FloatRange(0, 1), default=0.6, show_default=True,
              help="Confidence from which a detection becomes an annotation.")  # fmt: skip
@click.pass_obj
def label(session: Session, source: Path, out: Path, detector: str | None, min_score: float) -> None:
    """Let a detector annotate photos for the next one.

    SOURCE is a folder of photos. If it is Clothing Co-Parsing's, its photos with tags only are annotated, and the tags
    say how many garments of each label to look for (a lower --min-score will do then).

    \b
    Example:
        deepstyle data label clothing-co-parsing --min-score 0.3 --out workspace/ccp/more.json
        deepstyle train-detector workspace/ccp/train.json workspace/ccp/more.json --val workspace/ccp/val.json
    """
    with _catalog(session) as catalog:
        from deepstyle import detectors

        summary = detectors.label_folder(
            source, out, catalog, detector=detector, min_score=min_score, reporter=session.reporter
        )
    rows = asdict(summary) | {"boxes": _counts(summary.boxes)}
    _show(f"annotations are in {out}", rows, file=out, **asdict(summary))


@main.command()
@_json_option
@click.argument("train", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True,
                metavar="TRAIN.json...")  # fmt: skip
@click.option("--val", "validation", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="COCO file of photos that are never trained on.")  # fmt: skip
@click.option("--start-from", metavar="MODEL", help="Detector or small classifier (name or folder) to start from.")
@click.option("--minutes", type=float, help="Stop after this time; else after the photos that the settings say.")
@click.option("--name", default="detector", show_default=True, callback=_named, help="Name of the model folder.")
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@_configured
@click.pass_obj
def train_detector(session: Session, train: tuple[Path, ...], validation: Path, start_from: str | None,
                   minutes: float | None, name: str, fresh: bool, config: str | None, overrides: tuple[str, ...],
                   dry_run: bool) -> None:  # fmt: skip
    """Train a Faster R-CNN on annotated photos (COCO files).

    Presets for CPUs: mobilenet-320 (the default), small-256, small-320, small-wide-256, lite0-256 (what ships);
    for GPUs: r50-fpn, r50-fpn-v2; detectron2-r50-fpn, detectron2-r101-fpn and detectron2-x101-fpn train with detectron2,
    which you install yourself. Several processes share the work under torchrun.

    \b
    Example:
        deepstyle train-detector ccp/train.json --val ccp/val.json --config small-256
        torchrun --nproc-per-node 4 -m deepstyle train-detector ccp/train.json --val ccp/val.json --config r50-fpn
    """
    from deepstyle.config import detector_kind

    flags = {"minutes": minutes, "start_from": start_from}
    built = _config(session, detector_kind(config).__name__, config, overrides, flags, dry_run=dry_run)
    with _catalog(session) as catalog:
        from deepstyle import detectors

        result = detectors.detector_from(
            train, validation, catalog, built, reporter=session.reporter, name=name, fresh=fresh
        )
    rows = _precision_rows(result.evaluation) | {"photos seen": f"{result.images:,} in {result.seconds / 60:.1f} min"}
    weak = weak_detector(result.evaluation.ap50, result.evaluation.photos)
    _show(f"the detector is in {result.folder}", rows, weak=weak, **asdict(result))


def _precision_rows(figures: Any) -> dict[str, Any]:
    return {
        "AP50": f"{figures.ap50:.3f}", "AP": f"{figures.ap:.3f}", "AP75": f"{figures.ap75:.3f}",
        "AP per label": ", ".join(f"{label} {value:.3f}" for label, value in figures.per_label.items()),
        "validation photos": figures.photos,
    }  # fmt: skip


def _judged_crops(crops: Any) -> dict[str, Any]:
    rows = {"crops that are right": crops.precision, "garments cut rightly": crops.recall}
    rows |= {f"right label on {crops.singles} single garments": crops.main} if crops.singles else {}
    rows |= {f"no crop on {crops.bare} photos without a garment": crops.empty} if crops.bare else {}
    shown = {name: "-" if share is None else f"{share:.3f}" for name, share in rows.items()}
    return shown | {"crops, pairs of one cloth": f"{crops.crops}, {crops.doubles}"}


@main.command()
@_json_option
@click.argument("train", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True,
                metavar="TRAIN.json...")  # fmt: skip
@click.option("--val", "validation", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="COCO file of photos that are never trained on.")  # fmt: skip
@click.option("--detector", help="Name of the detector; the newest otherwise, or the one that ships.")
@click.option("--minutes", type=float, help="Stop after this time; else after the photos that the settings say.")
@click.option(
    "--name", callback=lambda c, p, v: v and _named(c, p, v), help="Model folder to write; the detector's own."
)
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@_configured
@click.pass_obj
def train_masks(session: Session, train: tuple[Path, ...], validation: Path, detector: str | None,
                minutes: float | None, name: str | None, fresh: bool, config: str | None, overrides: tuple[str, ...],
                dry_run: bool) -> None:  # fmt: skip
    """Teach a detector what in a box is garment.

    A small head learns from the masks of COCO files; garments without one are passed over. The detector's boxes stay what
    they are. With it `crop` cuts along the garment (--background).

    \b
    Example:
        deepstyle train-masks ccp/train.json --val ccp/val.json --detector detector
    """
    built = _config(session, "MaskConfig", config, overrides, {"minutes": minutes}, dry_run=dry_run)
    with _catalog(session) as catalog:
        from deepstyle import detectors

        result = detectors.masks_from(
            train, validation, catalog, built, reporter=session.reporter, detector=detector, name=name, fresh=fresh
        )
    rows = {
        "mask IoU": f"{result.iou:.3f} in the true boxes of {result.garments:,} garments",
        "photos seen": f"{result.images:,} in {result.seconds / 60:.1f} min",
    }
    _show(f"the detector is in {result.folder}", rows, **asdict(result))


@main.command()
@_json_option
@click.argument("validation", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="VAL.json")
@click.option("--detector", help="Name of the detector; the newest otherwise, or the one that ships.")
@click.option("--choose-rules", "choose", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              metavar="OTHER.json", help="Choose the rules of the crop on these photos first.")  # fmt: skip
@click.option("--recall", type=click.FloatRange(0, 1), default=0.7, show_default=True,
              help="Share of the garments that such rules must find.")  # fmt: skip
@click.pass_obj
def eval_detector(
    session: Session, validation: Path, detector: str | None, choose: Path | None, recall: float
) -> None:  # fmt: skip
    """Measure a detector's average precision, and its crops.

    COCO's AP on annotated photos, whatever backend the detector has. Crops are judged by the default rules: the share with
    the right label and an IoU of 0.5 or more, the share of garments that have such a crop, pairs that show one cloth; with
    masks, how well those of right crops agree with the true ones. --choose-rules looks for the rules whose crops are right
    most often, on photos that report nothing.

    \b
    Example:
        deepstyle eval-detector ccp/val.json --detector detector
        deepstyle eval-detector ccp/test.json --choose-rules ccp/val.json
    """
    with _catalog(session) as catalog:
        from deepstyle import detectors

        judged = detectors.evaluate_detector(
            validation, catalog, reporter=session.reporter, detector=detector, choose=choose, recall=recall
        )
    figures, rules = judged.precision, judged.rules
    weak = weak_detector(figures.ap50, figures.photos)
    rows = _precision_rows(figures) | _judged_crops(judged.crops)
    if judged.mask_iou is not None:
        rows["mask IoU of right crops"] = f"{judged.mask_iou:.3f} of {judged.masks:,}"
    if choose is not None:
        rows["cut so with"] = (
            f"deepstyle crop --min-score {rules.min_score:g} --max-overlap {rules.max_overlap:g} "
            f"--set max_inside={rules.max_inside:g}"
        )
    chosen = {key: getattr(rules, key) for key in ("min_score", "max_overlap", "max_inside")}
    masks = {"mask_iou": judged.mask_iou, "masks": judged.masks}
    _show(f"{judged.name} on {validation}", rows, weak=weak, detector=judged.name, **asdict(figures),
          crop=asdict(judged.crops), rules=chosen, **masks)  # fmt: skip


@main.command()
@_json_option
@click.argument("name", callback=_named)
@click.option("--yaml", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="detectron2's yaml of the network.")  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="Its weights: .pth, .pkl or .safetensors; none of their code runs.")  # fmt: skip
@click.option("--labels", required=True, help="Its labels in the order of its classes, e.g. upper,lower,full.")
@click.pass_obj
def import_detector(session: Session, name: str, yaml: Path, weights: Path, labels: str) -> None:
    """Bring a detector of detectron2 into the workspace.

    Any yaml and weights of that library will do.

    \b
    Example:
        deepstyle import-detector mine --yaml mine.yaml --weights model_final.pth --labels upper,lower,full
    """
    wanted = tuple(part.strip() for part in labels.split(",") if part.strip())
    if not wanted or len(set(wanted)) != len(wanted):
        raise UsageError(f"--labels {labels}: give each label once, with commas between them")
    with _catalog(session) as catalog:
        from deepstyle.detector.detectron2_backend import import_detectron2

        folder = import_detectron2(catalog, name, yaml=yaml, path=weights, labels=wanted)
    rows = {"labels": ", ".join(wanted), "use it": f"deepstyle crop --detector {name}"}
    _show(f"the detector is in {folder}", rows, folder=folder, labels=wanted)


@main.command()
@_json_option
@click.option("--detector", help="Name of the detector; the newest otherwise, or the one that ships.")
@click.option("--label", "labels", multiple=True, help="Cut this label only (may be repeated).")
@click.option("--min-score", type=float, help="Confidence from which a detection is cut.")
@click.option(
    "--per-photo", type=click.Choice(["one", "all"]), help="The surest garment, or all; one a label otherwise."
)
@click.option("--max-overlap", type=float, help="IoU up to which a garment may overlap a surer one; 1: any.")
@click.option("--min-side", type=int, help="Pixels the shorter side must have.")
@click.option("--margin", type=float, help="Context on each side, as a share of the box.")
@click.option("--aspect", type=click.Choice(["tight", "square", "pad-edge", "pad-mean"]),
              help="The box; a square with more of the photo; padded to a square with edge or mean colour.")  # fmt: skip
@click.option("--background", metavar="keep|blur|remove|COLOUR",
              help="What is not garment, along the mask: as it is, blurred, white, or in a colour (green).")  # fmt: skip
@click.option("--transparent", is_flag=True, help="Write it as transparent (RGBA); readers of RGB see white there.")
@click.option("--engine", type=click.Choice(["torch", "openvino"]), help="What runs a torchvision detector.")
@click.option("--review", is_flag=True, help="Also write a page on which bad garments can be marked.")
@click.option("--exclude", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="LIST",
              help="Marked garments (the page saves the list) go, and stay out of later cuts.")  # fmt: skip
@click.option("--include", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="LIST",
              help="Take such marks back.")  # fmt: skip
@_configured
@click.pass_obj
def crop(session: Session, /, detector: str | None, per_photo: str | None, review: bool, exclude: Path | None,
         include: Path | None, config: str | None, overrides: tuple[str, ...], dry_run: bool,
         **flags: Any) -> None:  # fmt: skip
    """Find the garments in the photos and cut them out.

    Detections are kept: other rules (labels, score, margin, aspect, ...) cut again without running the network.

    \b
    Example:
        deepstyle crop --label full --min-score 0.9 --aspect pad-edge
        deepstyle crop --review
        deepstyle crop --exclude ~/Downloads/exclude.txt
    """
    given = {"labels": list(flags.pop("labels")) or None, **flags}
    number = {"one": ("max_per_photo=1",), "all": ("max_per_photo=null", "max_per_label=null"), None: ()}[per_photo]
    built = _config(session, "CropConfig", config, (*overrides, *number), given, dry_run=dry_run)
    with _catalog(session, must_exist=True) as catalog:
        from deepstyle.crop.photos import crop_photos
        from deepstyle.crop.review import write_review

        summary = crop_photos(
            catalog, built, reporter=session.reporter, detector=detector, exclude=exclude, include=include
        )
        page: dict[str, Any] = {}
        if review:
            page = {"review": write_review(catalog, summary.detector, built, reporter=session.reporter)}
    folder, rows = session.workspace / "garments", _crop_rows(summary)
    _show(f"garments are in {folder}", rows | page, folder=folder, **asdict(summary), **page)


def _crop_rows(summary: Any) -> dict[str, Any]:
    """What a cut or a re-cut changed: a re-cut looks at no photo, and cuts all the same."""
    looked = (
        f"{summary.photos:,}" if summary.photos else "none: all were looked at before; cut from what was found then"
    )
    rows = {
        "cut": f"{summary.cut:,} garments", "kept as they were": f"{summary.kept:,}", "removed": f"{summary.removed:,}",
        "photos looked at": looked, "there are now": _counts(summary.per_label), "detector": summary.detector,
    }  # fmt: skip
    if summary.photos:
        rows["detections"] = f"{summary.detections:,}"
    if summary.failed:
        rows["photos that failed"] = f"{summary.failed:,}"
    if summary.excluded:
        rows["left out by marks"] = f"{summary.excluded:,}"
    return rows


@main.command()
@_json_option
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="TABLE.csv")
@click.option("--images", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of the images; beside the table otherwise.")  # fmt: skip
@click.option("--minutes", type=float, help="Stop after this time; else after the images that the settings say.")
@click.option("--name", default="classifier", show_default=True, callback=_named, help="Name of the model folder.")
@click.option("--find-lr", is_flag=True, help="Only try learning rates, draw what the loss does, and suggest one.")
@click.option(
    "--fine-tune", is_flag=True, help=f"Start from ImageNet weights, gently: --set {' --set '.join(FINE_TUNE)}."
)
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@_configured
@click.pass_obj
def train_classifier(session: Session, table: Path, folder: Path | None, minutes: float | None, name: str,
                     find_lr: bool, fine_tune: bool, fresh: bool, config: str | None, overrides: tuple[str, ...],
                     dry_run: bool) -> None:  # fmt: skip
    """Train the category classifier on labelled images.

    The CSV has a column for the image and one for the label; a column sender_id or group keeps related images on one
    side of the split. Works under torchrun.

    --fine-tune starts from ImageNet weights: first the last layer alone learns, then all, the first stages the least.

    \b
    Example:
        deepstyle train-classifier clothing-dataset/images.csv --minutes 10
        deepstyle train-classifier clothing-dataset/images.csv --fine-tune --set network=lite0
    """
    given = (*(FINE_TUNE if fine_tune else ()), *overrides)
    built = _config(session, "ClassifierConfig", config, given, {"minutes": minutes}, dry_run=dry_run)
    with _catalog(session) as catalog:
        from deepstyle import pipeline

        if find_lr:
            from deepstyle.annotations.table import read_table
            from deepstyle.classifier.find_lr import find_rate

            found = find_rate(read_table(table, images=folder), catalog, built, reporter=session.reporter, name=name)
            rows = {
                "suggested": f"--set lr={found.suggested:.1e}",
                "the loss falls fastest at": f"{found.steepest:.1e}",
            }
            _show(f"the losses are drawn in {found.picture}", rows, **asdict(found))
            return
        result = pipeline.classifier_from(
            table, catalog, built, reporter=session.reporter, images_folder=folder, name=name, fresh=fresh
        )
    top5 = {"top-5": f"{result.top5:.3f}"} if result.top5 is not None and len(result.labels) > 5 else {}
    pairs = ", ".join(f"{true} called {called} {count}" for true, called, count in result.confused[:5])
    _show(f"the classifier is in {result.folder}", {
        "top-1": f"{result.top1:.3f}", "top-3": f"{result.top3:.3f}", **top5, "labels": ", ".join(result.labels),
        "validation images": result.validation_images, "most confused": pairs or "none",
        "images seen": f"{result.images:,} in {result.seconds / 60:.1f} min ({result.images_per_second:.0f}/s)",
    }, weak=weak_classifier(result.top1, len(result.labels)), **asdict(result))  # fmt: skip


@main.command()
@_json_option
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="TABLE.csv|FOLDER")
@click.option("--images", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of the images; beside the table otherwise.")  # fmt: skip
@click.option("--minutes", type=float, help="Stop after this time; else after the images that the settings say.")
@click.option("--name", default="tagger", show_default=True, callback=_named, help="Name of the model folder.")
@click.option("--region", metavar="DETECTOR", help="Learn from what this detector is surest of in each photo, cut out.")
@click.option("--average", "members", multiple=True, metavar="TAGGER",
              help="Train nothing: average these taggers of the same table (may be repeated) as --name.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@_configured
@click.pass_obj
def train_tagger(session: Session, source: Path, folder: Path | None, minutes: float | None, name: str, fresh: bool,
                 region: str | None, members: tuple[str, ...], config: str | None, overrides: tuple[str, ...],
                 dry_run: bool) -> None:  # fmt: skip
    """Train a tagger: several tags a photo.

    The source is a CSV (a column a tag, or one column of tags with commas between them, or FashionAI's image,task,nnymn),
    or the folder of Clothing Co-Parsing, DeepFashion or FashionAI. Tags that are on too few photos are left out;
    thresholds are tuned on photos that are held out. Works under torchrun.

    \b
    Example:
        deepstyle train-tagger clothing-co-parsing --minutes 10
        deepstyle train-tagger shoes.csv --set "groups={colour: [black, red], kind: [boot, heel]}"
        deepstyle predict boots.jpg --model tagger
        deepstyle train-tagger shoes.csv --average first --average second --name both
    """
    built = _config(session, "TaggerConfig", config, overrides, {"minutes": minutes}, dry_run=dry_run)
    with _catalog(session) as catalog:
        from deepstyle.annotations.tag_sets import read_any_tags
        from deepstyle.classifier import train_tagger as training

        table = read_any_tags(source, reporter=session.reporter, images=folder)
        if members:
            _averaged(session, table, catalog, members, name)
            return
        result = training.train_tagger(table, catalog, built, reporter=session.reporter, name=name, fresh=fresh,
                                       region=_region(catalog, region))  # fmt: skip
    found = result.figures
    ranked = sorted(((one.ap, one.tag) for one in found.tags if one.ap is not None), reverse=True)
    rows = {
        "mean average precision": f"{found.mean_ap:.3f} ({found.chance_map:.3f} by guessing)",
        "F1": f"{found.micro_f1:.3f} over all decisions, {found.macro_f1:.3f} the mean of the tags",
        "right": f"{found.accuracy:.2%} of all decisions ({found.always_no:.2%} by always saying no)",
        "groups": ", ".join(f"{group} {value:.3f}" for group, value in found.groups.items()),
        "best tags": _tag_figures(ranked[:5]), "worst tags": _tag_figures(ranked[-5:]),
        "tags left out": ", ".join(result.dropped) or "none", "validation images": found.images,
        "images seen": f"{result.images:,} in {result.seconds / 60:.1f} min ({result.images_per_second:.0f}/s)",
    }  # fmt: skip
    _show(f"the tagger is in {result.folder}", rows, **asdict(result))


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER|-...",
                type=click.Path(path_type=Path, exists=True, allow_dash=True))  # fmt: skip
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A classifier or tagger; the newest classifier otherwise, or the one that ships.",
)
@click.option("--top", type=click.IntRange(1, 100), default=3, show_default=True, help="Labels told of each picture.")
@click.option(
    "--batch", type=click.IntRange(1, 4096), default=64, show_default=True, help="Pictures looked at at once."
)
@click.option("--tta", type=click.Choice(["none", "mirror", "ten", "eighteen"]),
              help="Views of a picture whose mean counts: crops are slower; the model's own otherwise.")  # fmt: skip
@click.option("--region", metavar="DETECTOR", help="Look at what this detector is surest of in each picture, cut out.")
@click.option("--router", metavar="CLASSIFIER", help="A classifier that says which model looks at each picture.")
@click.option("--route", "routes", multiple=True, metavar="LABEL=MODEL",
              help="The model for pictures that the router calls so (may be repeated); --model for all others.")  # fmt: skip
@click.option("--csv", "form", flag_value="csv", help="Print comma-separated values.")
@click.option("--json", "form", flag_value="json", help="Print a JSON object a picture, one a line.")
@click.pass_obj
def predict(session: Session, paths: tuple[Path, ...], model: str | None, top: int, batch: int, tta: Any,
            region: str | None, router: str | None, routes: tuple[str, ...], form: str | None) -> None:  # fmt: skip
    """Say what category pictures of garments are of.

    Of a folder every picture in it; of - what comes on standard input: a picture, or the name of a file on each line.
    Needs no workspace. A picture that cannot be read is told of, and stops nothing.

    \b
    Example:
        deepstyle predict jacket.jpg
        deepstyle predict my-photos/ --csv > categories.csv
        deepstyle predict my-photos/ --model flat-tagger --router worn-or-flat --route worn=worn-tagger
        find . -name '*.png' | deepstyle predict - --json
    """
    from contextlib import nullcontext

    there = os.path.lexists(session.workspace / "catalog.sqlite")
    with _catalog(session, reading=True) if there else nullcontext() as catalog:
        from deepstyle.classifier import predict as predicting

        judge, detector = predicting.find(catalog, model, router, routes), _region(catalog, region)
    cut = predicting.region_for(judge, detector, session.reporter)
    pictures = predicting.pictures_of(paths, sys.stdin.buffer)
    looked = failed = 0
    if form == "csv":
        click.echo(predicting.csv_head(top))
    for found in predicting.predict(judge, pictures, top=top, batch_size=batch, tta=tta, region=cut):
        click.echo(predicting.as_line(found, form, top=top, width=max(map(len, judge.labels))))
        looked, failed = looked + 1, failed + bool(found.error)
    if failed == looked:
        raise InputError(f"none of the {looked:,} pictures could be read: {found.file}: {found.error}")
    session.reporter.say(f"{judge.name} looked at {looked - failed:,} pictures; {failed:,} could not be read")


@main.command()
@_json_option
@click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A classifier or tagger; the newest classifier otherwise, or the one that ships.",
)
@click.pass_obj
def tag(session: Session, model: str | None) -> None:
    """Name the category of each garment, or a tagger's tags.

    They stand in the catalog: `train-gan --label dress` learns from those garments, `status` counts them. Garments that
    this model has named are not looked at again; another one's names replace them.

    \b
    Example:
        deepstyle tag
        deepstyle train-gan --label dress --label skirt
    """
    with _catalog(session, must_exist=True) as catalog:
        from deepstyle.classifier.predict import find_folder, load
        from deepstyle.classifier.tag import tag_garments

        judge = load(find_folder(catalog, model))
        summary = tag_garments(catalog, judge, reporter=session.reporter)
    rows = {
        "named now": f"{summary.tagged:,}",
        "named before": f"{summary.kept:,}",
        "names": _counts(summary.tags),
    }
    if summary.failed:
        rows["garments that could not be read"] = f"{summary.failed:,}"
    _show(f"garments were named by {summary.model}", rows, **asdict(summary))


@main.command()
@_json_option
@click.option("--minutes", type=float, help="Stop after this time; else after --images.")
@click.option(
    "--images", type=int, help="Stop when so many real images were shown, repeats counted; else after a million."
)
@click.option(
    "--label", "labels", multiple=True, help="Learn from this label, or category (see tag), only (may be repeated)."
)
@click.option("--min-score", type=float, help="Learn only from garments that the detector was so sure of.")
@click.option("--from", "start_from", metavar="MODEL|RUN",
              help="Start from this one's weights, with its settings unless --config is given.")  # fmt: skip
@click.option("--classifier", help="Judge of the Frechet distance; the newest, or the one that ships, otherwise.")
@click.option("--fresh", is_flag=True, help="Start over in a new run.")
@_configured
@click.pass_obj
def train_gan(session: Session, /, start_from: str | None, labels: tuple[str, ...], classifier: str | None, fresh: bool,
              config: str | None, overrides: tuple[str, ...], dry_run: bool, **budget: Any) -> None:  # fmt: skip
    """Train the DCGAN on the garments.

    With neither --config nor --from it chooses size, width, batch, penalty, labels, augmentation and schedule from the
    garments, the machine and the budget, and gives its reasons; --set changes any of them.

    Presets: dcgan-plus-64 (where the choices start) to dcgan-plus-256: the DCGAN's layers with the relativistic loss, told
    each garment's label; dcgan-32 to dcgan-256: the paper's game, worse garments in the same time; residual-64. A game that
    collapses goes back to its last good snapshot. Works under torchrun.

    --from starts from weights that are there: a run gives both networks, a model (demo-garments ships) its generator.
    Labels of the same names are known already. Without --config the settings are theirs.

    While it trains, grids of the same seeds appear in the run's folder, and with the losses in TensorBoard; with a
    classifier, how far the samples are from the real garments, too. The command to watch it is printed.

    \b
    Example:
        deepstyle train-gan --minutes 30
        deepstyle train-gan --minutes 15 --set augment=color,translation,cutout
        deepstyle train-gan --config dcgan-64 --images 500000
        deepstyle train-gan --from demo-garments --minutes 15
        torchrun --nproc-per-node 4 -m deepstyle train-gan --config dcgan-plus-128 --set batch_size=64
    """
    flags = {**budget, "labels": list(labels) or None, "start_from": start_from}
    like = None
    if start_from and config is None:
        from deepstyle.source import find_source

        with _catalog(session, must_exist=True) as catalog:
            like = find_source(catalog, start_from).config
    chosen = (
        [] if start_from or config else _chosen(session, [*overrides, *_given(flags)], fresh=fresh, reading=dry_run)
    )
    built = _config(session, "GanConfig", config, overrides, flags, dry_run=dry_run, like=like, chosen=chosen)
    with _catalog(session, must_exist=True) as catalog:
        from deepstyle import pipeline

        result = pipeline.gan_from_garments(
            catalog, built, reporter=session.reporter, classifier=classifier, fresh=fresh
        )
        following = _after_gan(catalog, result)
    rows = _gan_rows(result) | {"next": following}
    _show(f"run {result.run} is in {result.folder}", rows, weak=pipeline.weak_of(result, built), **asdict(result))


def _chosen(session: Session, given: list[str], *, fresh: bool, reading: bool) -> list[Any]:
    """What `train-gan` chooses where it is told neither a preset nor where to start; nothing without a workspace."""
    if not os.path.lexists(session.workspace / "catalog.sqlite"):
        return []
    with _catalog(session, must_exist=True, reading=reading) as catalog:
        from deepstyle.choosing import choices_for

        return list(choices_for(catalog, given, fresh=fresh))


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


@main.command()
@_json_option
@click.option("--count", type=click.IntRange(1, 100_000), help="Seeds 0 to count - 1; 64, or 8 with several labels.")
@click.option("--seeds", metavar="A-B", help="These seeds instead, e.g. 0-63 or 5,8,13.")
@click.option("--run", help="Name of the GAN run; the newest otherwise.")
@click.option("--best", is_flag=True, help="The run's best generator by Frechet distance, not its last.")
@click.option(
    "--model", metavar="NAME|FOLDER", help="A model instead of a run: one of `deepstyle models`, or a folder."
)
@click.option("--label", "labels", multiple=True, metavar="NAME,...",
              help="Only for generators that are told labels: one row each.")  # fmt: skip
@click.option("--truncation", type=click.FloatRange(0, 5, min_open=True), metavar="T",
              help="Squeeze each latent number into (-T, T): 0.5 typical, 1 less so, 5 as if not given.")  # fmt: skip
@click.option("--upscale", type=click.IntRange(1, 16), default=1, metavar="N",
              help="Files N times as large, by Lanczos resampling: smooth, with no new detail.")  # fmt: skip
@click.option("--mix", metavar="SEEDS", help="Shapes of one seed with the cloth of another, each with each, e.g. 3,17.")
@click.option("--like", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="PHOTO",
              help="The image nearest to this photo, beside it.")  # fmt: skip
@click.option("--licence", metavar="TEXT", help="Of the images, written into their files; else what the model says.")
@click.option("--interpolate", metavar="SEEDS", help="Walk through these seeds in a closed loop, e.g. 3,17,42.")
@click.option("--video", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where the walk goes: .gif, or .mp4 with `deepstyle[video]`; walk.gif otherwise.")  # fmt: skip
@click.option("--frames", type=click.IntRange(2, 1000), default=30, show_default=True, help="Frames from seed to seed.")
@click.option("--fps", type=click.IntRange(1, 50), default=25, show_default=True, help="Frames a second.")
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
    reading = options["out"] is not None  # nothing is written into the workspace
    with _catalog(session, must_exist=options["model"] is None, reading=reading) as catalog:
        from deepstyle import sampling

        source = sampling.open_source(
            catalog, run=options["run"], model=options["model"], best=options["best"], out=options["out"],
            licence=options["licence"],
        )  # fmt: skip
        if options["export"]:
            path = sampling.export(catalog, source, options["export"], out=options["out"], half=options["half"])
            _show(f"{source.trained.name} is exported", {"to": path}, model=source.trained.name, export=path)
            return
        wish = sampling.Wish(
            seeds=wanted, labels=tuple(_names(options["labels"])), truncation=options["truncation"],
            upscale=options["upscale"],
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


def _vary(session: Session, source: Any, wish: Any, options: dict[str, Any]) -> None:
    """A walk, a mixture, or the image nearest to a photo."""
    from deepstyle import sampling, varying

    name = source.trained.name
    enlarged = {"files": wish.note} if wish.note else {}
    if options["mix"]:
        grid = varying.mix(source, wish)
        told = {"rows, columns": "shapes of the first seed, cloth of the second"} | enlarged
        _show(f"the mixtures are in {grid}", told, model=name, grid=grid)
    elif options["like"]:
        made, beside, far = varying.like(source, wish, options["like"])
        told = {"beside the photo": beside, "apart": f"{far:.1f} grey levels on average"} | enlarged
        _show(f"the nearest image is in {made}", told, model=name, image=made, beside=beside, distance=far)
    else:
        film, strip, frames = sampling.animate(
            source,
            wish,
            video=options["video"],
            frames=options["frames"],
            fps=options["fps"],
            reporter=session.reporter,
        )
        rows = {"frames": f"{frames:,}", "filmstrip": strip}
        _show(f"the walk is in {film}", rows, model=name, video=film, filmstrip=strip, frames=frames)


def _sample_flags(options: dict[str, Any]) -> Sequence[int]:
    """The seeds asked for. Raises UsageError for flags that do not go together."""
    chosen = [f"--{name}" for name in ("interpolate", "novelty", "export", "mix", "like") if options[name]]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)}: one at a time")
    if options["video"] and not options["interpolate"]:
        raise UsageError(f"--video {options['video']}: say which seeds to walk through, e.g. --interpolate 3,17,42")
    if options["half"] and options["export"] != "safetensors":
        raise UsageError("--half: is for --export safetensors")
    for flag in ("--interpolate", "--mix", "--seeds"):
        if text := options[flag[2:]]:
            return _seeds(text, flag)
    return range(options["count"] or (8 if len(_names(options["labels"])) > 1 else 64))


def _region(catalog: Any, name: str | None) -> Any:
    """The detector that cuts regions, if one is named."""
    if name is None:
        return None
    from deepstyle.detector.find import load_detector
    from deepstyle.status import find_model

    return load_detector(find_model(catalog, name, flag="--region", kind="detector"))


def _averaged(session: Session, table: Any, catalog: Any, members: Sequence[str], name: str) -> None:
    """Average taggers, and tell what each of them does and what they do together."""
    from deepstyle.classifier.together import average_taggers

    found = average_taggers(table, catalog, members, reporter=session.reporter, name=name)
    rows = {
        "parts of the mean": ", ".join(f"{one} {part:.2f}" for one, part in found.parts.items()),
        "mean average precision": f"{found.figures.mean_ap:.3f}",
        "alone": ", ".join(f"{one} {value:.3f}" for one, value in found.alone.items()),
        "F1": f"{found.figures.micro_f1:.3f} over all decisions", "validation images": found.figures.images,
    }  # fmt: skip
    _show(f"the taggers are averaged in {found.folder}", rows, **asdict(found))


def _tag_figures(ranked: Sequence[tuple[float, str]]) -> str:
    return ", ".join(f"{tag} {ap:.2f}" for ap, tag in ranked)


def _names(texts: Sequence[str]) -> list[str]:
    """``("a,b", "c")`` -> a, b, c, each once."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))


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
        for i in sorted(range(len(made.names)), key=found.ratios.__getitem__)[:3]:
            near = found.nearest[i][0]
            what = "a copy of" if found.copies[i].copied else f"{found.ratios[i]:.2f} of the usual distance to"
            rows[made.names[i]] = f"{what} a garment from {near.page_url}"
        result["novelty"] = {"table": table, "near": found.near, "usual": found.usual, "ratios": found.ratios}
    _show(f"{len(made.names):,} samples are in {made.grid.parent}", rows, **result)


def _seeds(text: str, flag: str = "--seeds") -> list[int]:
    """``0-63,70`` -> the seeds. Raises UsageError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            start, stop = int(first), int(last) if dash else int(first)
        except ValueError as error:
            raise UsageError(f"{flag} {text}: write seeds as 0-63 or 5,8,13") from error
        if stop < start or stop - start >= 100_000:
            raise UsageError(f"{flag} {text}: {part} is not a range of at most 100,000 seeds")
        if stop >= 2**63:
            raise UsageError(f"{flag} {text}: a seed is below 2^63")
        seeds += range(start, stop + 1)
    return seeds


@main.command()
@_json_option
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--run", help="Name of the GAN run; the newest otherwise.")
@click.option("--model", metavar="NAME|FOLDER", help="Score a generator's model in place of a run.")
@click.option("--against", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
              help="Real images to compare with; the workspace's garments otherwise.")  # fmt: skip
@click.option("--classifier", help="The judge; the newest, or the one that ships, otherwise.")
@click.option(
    "--count", type=click.IntRange(64, 1_000_000), default=1000, show_default=True, help="Images to score, at most."
)
@click.pass_obj
def score(session: Session, /, **options: Any) -> None:
    """Score samples against real garments.

    They are a run's, a model's, or the images of a FOLDER, whatever made them.

    Frechet distance, KID, precision and recall on the classifier's features, its categories over the samples, copies of
    real garments among the samples, and the nearest real garments of 8 samples with the pages they came from; what it
    comes to in words.

    \b
    Example:
        deepstyle score --count 2000
        deepstyle score --model demo-garments
        deepstyle score others-samples/ --against photos/
    """
    if sum(options[name] is not None for name in ("folder", "run", "model")) > 1:
        raise UsageError("score takes one of FOLDER, --run and --model")
    with _catalog(session, must_exist=options["against"] is None) as catalog:
        from deepstyle.classifier.find import weak_judge
        from deepstyle.scoring import Wanted, score_wanted

        scored = score_wanted(catalog, Wanted(**options), reporter=session.reporter)
        weak = weak_judge(catalog, options["classifier"])
    result, path = scored.score, scored.path
    rows = {
        "Frechet distance": f"{result.frechet:.2f} ({result.samples:,} samples, {result.real:,} garments)",
        "features of": result.features,
        "KID": f"{result.kid:.4f} ± {result.kid_std:.4f}", "precision": f"{result.precision:.2f}",
        "recall": f"{result.recall:.2f}", "patches": f"{result.patches:.1f} (a second judge, without a network)",
        "confidence": f"{result.confidence:.2f} on samples, {result.real_confidence:.2f} on garments",
        "categories of samples": _shares(result.histogram), "of garments": _shares(result.real_histogram),
        "nearest garments": scored.sheet,
    }  # fmt: skip
    pages = {
        f"sample {number}": f"nearest garment from {row[0].page_url or row[0].source}"
        for number, row in enumerate(result.nearest, 1)
    }
    words = {"in words" if not number else f"  {number + 1}": said for number, said in enumerate(result.said)}
    _show(f"the score is in {path}", rows | pages | words, weak=weak, file=path, **asdict(result))


def _shares(values: dict[str, float]) -> str:
    top = sorted(values.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{key} {share:.0%}" for key, share in top if share >= 0.005)


@main.command()
@_json_option
@click.argument("images", nargs=-1, required=True, metavar="GARMENT|SAMPLE...")
@click.pass_obj
def where(session: Session, images: tuple[str, ...]) -> None:
    """Say which pages an image came from.

    A garment (its file or name) or a photo leads to the pages that show it, with licence and credit. A sample leads to its
    nearest real garments and their pages, as `sample --novelty` and `score` recorded them; a copy of a sample that lies
    elsewhere is known by its bytes. novelty.csv and score.json stand for all samples in them.

    \b
    Example:
        deepstyle where workspace/garments/upper/*-0.png
        deepstyle where workspace/runs/gan-001/samples/seed-000042.png --json
    """
    from deepstyle.where import rows_of
    from deepstyle.where import where as find

    with _catalog(session, must_exist=True, reading=True) as catalog:
        found = [one for asked in images for one in find(asked, catalog)]
    if click.get_current_context().meta["json"]:
        _json({"found": [asdict(one) for one in found]})
        return
    for one in found:
        _table(f"{one.name}: a {one.kind}", rows_of(one))


@main.command()
@_json_option
@click.option("--reservations", is_flag=True, help="Hold the photos against what their sites reserve.")
@click.pass_obj
def status(session: Session, reservations: bool) -> None:
    """Show what the workspace holds.

    With --reservations: whether a photo that is kept is reserved from AI or data mining, as its site's robots.txt,
    tdmrep.json, headers and pages were read last. A scrape of known sites reads them again after a day.

    \b
    Example:
        deepstyle status --json
        deepstyle status --reservations
    """
    from deepstyle.status import status_of

    with _catalog(session, must_exist=True, reading=True) as catalog:
        if reservations:
            _show_audit(catalog)
            return
        state = status_of(catalog)
    rows: dict[str, Any] = {
        "photos": f"{state.photos:,} ({state.near_duplicates:,} near duplicates)", "images found": _counts(state.listings),
        "garments": _counts(state.garments), "categories": _counts(state.categories),
        "tags": _counts(state.tags),
    }  # fmt: skip
    rows |= {f"model {name}": _figures(figures) for name, figures in state.models.items()}
    rows |= {f"run {name}": _figures(figures) for name, figures in state.runs.items()}
    _show(f"workspace {state.workspace}", rows, **asdict(state))


def _show_audit(catalog: Any) -> None:
    from deepstyle.config import ScrapeConfig
    from deepstyle.scraper.audit import audit

    found = audit(catalog, ScrapeConfig().user_agent)
    rows: dict[str, Any] = {
        "reserved": f"{len(found.reserved):,} of {found.photos:,} photos", "not reserved, as stated": f"{found.stated:,}",
        "nothing stated": f"{found.silent:,}", "not on record": f"{found.unknown:,} (the next scrape of their pages asks)",
        "from files": f"{found.own:,}", "hosts on record": f"{found.hosts:,}",
    }  # fmt: skip
    rows |= {one.sha256[:16]: f"{one.image_url}: {one.words}" for one in found.reserved}
    if found.reserved:
        rows["remedy"] = "`deepstyle forget URL|HOST|SHA` removes a photo and all that was cut from it"
    _show(f"reservations of {catalog.root}", rows, **asdict(found))


@main.command()
@_json_option
@click.argument("photos", nargs=-1, required=True, metavar="URL|HOST|SHA...")
@click.pass_obj
def forget(session: Session, photos: tuple[str, ...]) -> None:
    """Remove photos and all that came of them, for good.

    By the address of a picture or of the page that shows it, by host, or by a photo's hash. The photo, its garments and
    the packed datasets that hold it are deleted; no scrape or add takes it again, in no size. Runs and models that were
    trained on it are named, and marked in their MODEL_CARD.md: they cannot unlearn.

    \b
    Example:
        deepstyle forget https://a-gallery.example/looks/17.jpg
        deepstyle forget a-gallery.example
    """
    from deepstyle.forget import forget as run

    with _catalog(session, must_exist=True) as catalog:
        gone = run(photos, catalog)
    rows: dict[str, Any] = {
        "photos": f"{gone.photos:,}", "garments": f"{gone.garments:,}", "packs": ", ".join(gone.packs) or "none",
        "saw it": ", ".join(gone.saw) or "none", "may have seen it": ", ".join(gone.may_have_seen) or "none",
    }  # fmt: skip
    _show("forgotten, and never taken again", rows, **asdict(gone))


def _figures(values: dict[str, Any]) -> str:
    """Figures by name, those of a part in brackets; what is empty, and lists, are left out."""
    shown = {key: value for key, value in values.items() if not isinstance(value, list) and value != {}}
    return ", ".join(f"{key} {_short(value)}" for key, value in shown.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"({_figures(value)})"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@main.command()
@_json_option
@click.pass_obj
def doctor(session: Session) -> None:
    """Say whether deepstyle works here, and what to do if not.

    Versions, device, memory, disk, backends, extras and the workspace, one line each with its remedy. Exit 0 when it
    works, 1 when something that is needed is missing.

    \b
    Example:
        deepstyle doctor
    """
    from deepstyle.doctor import examine

    found = list(examine(session.workspace))
    usable = all(one.outcome != "problem" for one in found)
    if click.get_current_context().meta["json"]:
        _json({"usable": usable, "findings": [asdict(one) for one in found]})
    else:
        told = [(one.outcome, one.name, " -> ".join(filter(None, (one.value, one.remedy)))) for one in found]
        _columns(
            "deepstyle works here" if usable else "deepstyle does not work here: see the lines with `problem`", told
        )
    sys.exit(0 if usable else 1)


@main.command()
@_json_option
@click.argument("preset", required=False, metavar="[PRESET|FILE]")
def settings(preset: str | None) -> None:
    """Explain what --config and --set can change.

    Lists the presets; of one preset (or YAML file) every setting with its value, unit, bounds and meaning.

    \b
    Example:
        deepstyle settings
        deepstyle settings dcgan-plus-64
    """
    from deepstyle import config as configs
    from deepstyle.settings import list_presets, settings_of

    as_json = click.get_current_context().meta["json"]
    if preset is None:
        found = list_presets()
        if as_json:
            _json({"presets": [asdict(one) for one in found]})
            return
        for kind in configs.KINDS:
            rows = [(one.name + " (default)" * one.default, one.summary) for one in found if one.kind == kind]
            _columns(f"{_STAGE_COMMANDS[kind]}", [(f"  {name}", summary) for name, summary in rows])
        click.echo("`deepstyle settings PRESET` shows what one sets; --set KEY=VALUE changes a value")
        return
    built = configs.config_of(preset)
    told = settings_of(built)
    if as_json:
        _json({"preset": preset, "settings": [asdict(one) for one in told]})
        return
    _columns(f"{preset}; values of its own are marked *", [
        (f"{'*' if one.value != one.default else ' '} {one.key}", _value(one.value), one.unit, one.allowed, one.meaning)
        for one in told
    ], head=("  setting", "value", "unit", "allowed", "meaning"))  # fmt: skip


_STAGE_COMMANDS = {"scrape": "scrape", "detector": "train-detector", "masks": "train-masks", "crop": "crop",
                   "classifier": "train-classifier",
                   "tagger": "train-tagger", "gan": "train-gan"}  # fmt: skip


def _value(value: Any) -> str:
    """A setting's value as --set takes it."""
    return value if isinstance(value, str) and value else json.dumps(value)


def _columns(title: str, rows: Sequence[Sequence[str]], *, head: Sequence[str] = ()) -> None:
    """Print a table whose last column wraps at the terminal's width (130 characters where there is none)."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number in range(len(rows[0])):
        table.add_column(head[number] if head else "", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console(width=None if sys.stdout.isatty() else 130, color_system=None)
    with console.capture() as drawn:
        console.print(table)
    click.echo("\n".join([title, *(line.rstrip() for line in drawn.get().splitlines())]))


@main.command()
@_json_option
@click.pass_obj
def models(session: Session) -> None:
    """List the models: the workspace's, then deepstyle's own.

    \b
    Example:
        deepstyle models --json
    """
    from deepstyle.status import models_of, packaged_models

    found = packaged_models()
    if os.path.lexists(session.workspace / "catalog.sqlite"):
        with _catalog(session, reading=True) as catalog:
            found = models_of(catalog) + found
    if click.get_current_context().meta["json"]:
        _json({"models": [asdict(one) for one in found]})
        return
    for one in found:
        figures = ", ".join(f"{name} {value:.3f}" for name, value in one.figures.items())
        _table(f"{one.name}{' (with deepstyle)' if one.packaged else ''}", {
            "kind": f"{one.kind}, {one.backend}", "figures": figures or "none", "labels": ", ".join(one.labels),
            "size": f"{one.size / 1e6:.1f} MB in {one.path}",
        } if not one.problem else {"kind": one.kind, "problem": one.problem})  # fmt: skip
    if not found:
        click.echo(f"no models yet in {session.workspace}: see `deepstyle train-detector --help`")


@main.command()
@_json_option
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--annotations", type=(click.Path(path_type=Path, exists=True), click.Path(path_type=Path, exists=True)),
              metavar="TRAIN.json VAL.json",
              help="Train a detector on these first; else the workspace's newest cuts, or the one that ships.")  # fmt: skip
@click.option("--labels", type=click.Path(path_type=Path, exists=True), metavar="TABLE.csv",
              help="Train a classifier on these first; else the workspace's newest judges, or the one that ships.")  # fmt: skip
@click.option("--minutes", type=float, default=15.0, show_default=True, help="Time budget of the GAN.")
@click.option("--allow-private", is_flag=True, help="Permit loopback and private addresses.")
@click.option("--config", "presets", multiple=True, metavar="PRESET|FILE", help="Config of a stage (may be repeated).")
@click.option("--set", "overrides", multiple=True, metavar="STAGE.KEY=VALUE",
              help="Change one value; STAGE is scrape, detector, crop, classifier or gan.")  # fmt: skip
@click.pass_obj
def run(session: Session, urls: tuple[str, ...], annotations: tuple[Path, Path] | None, labels: Path | None,
        minutes: float, allow_private: bool, presets: tuple[str, ...], overrides: tuple[str, ...]) -> None:  # fmt: skip
    """All in a row: scrape, crop, train-gan, sample, score.

    \b
    Example:
        deepstyle run https://a-gallery.example/ --annotations ccp/train.json ccp/val.json \\
            --labels clothing-dataset/images.csv --minutes 30
    """
    from deepstyle.config import load_stages

    flags = [f"gan.minutes={minutes}"] + (["scrape.allow_private=true"] if allow_private else [])
    stages = load_stages(presets, [*overrides, *flags])
    with _catalog(session) as catalog:
        from deepstyle import pipeline

        outcome = pipeline.run_all(
            urls, catalog, stages, reporter=session.reporter, annotations=annotations, labels=labels
        )
    title = f"done; see `tensorboard --logdir {session.workspace / 'runs'}`"
    _show(title, outcome.told, weak=outcome.weak, **outcome.told, run=asdict(outcome.gan))


@main.command()
@_json_option
@click.option("--images", type=click.IntRange(100, 10_000_000), default=40_000, show_default=True,
              help="Images that the GAN sees, repeats counted.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0.1, 6000), default=15.0, show_default=True,
              help="The GAN stops after this time, if it has not seen them by then.")  # fmt: skip
@click.option(
    "--looks", type=click.IntRange(40, 20_000), default=300, show_default=True, help="Looks of the drawn site."
)
@click.option("--set", "overrides", multiple=True, metavar="STAGE.KEY=VALUE",
              help="Change one value; STAGE is scrape, detector, crop, classifier or gan.")  # fmt: skip
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
    with _catalog(session) as catalog:
        from deepstyle.demo.tour import demo_stages, tour

        stages = demo_stages(images_seen=images, minutes=minutes, overrides=overrides)
        outcome = tour(catalog, stages, looks=looks, reporter=session.reporter)
    _show("the demo is done", outcome.told, weak=outcome.weak, **outcome.told, run=asdict(outcome.gan))


if __name__ == "__main__":
    main()
