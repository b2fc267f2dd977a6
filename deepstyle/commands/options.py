"""What the commands share: the global options, the workspace, the one road of configuration."""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from deepstyle.commands.tables import print_json
from deepstyle.errors import UsageError
from deepstyle.progress import Reporter

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Session:
    """The global options."""

    workspace: Path
    reporter: Reporter


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Where labelled photos are: ``path`` is a CSV, a folder or a COCO file, None the workspace's garments.

    ``images``: the folder of a CSV's photos.
    """

    path: Path | None
    images: Path | None


class Bounded(click.FloatRange):
    """A number within bounds; ``nan``, which no comparison finds outside of any, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that the text says."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


class PhotosFolder(click.Path):
    """A folder of photos that is there; a number, which --images of train-gan takes, is told of the setting that it is here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder's path."""
        if str(value).isdigit() and not os.path.lexists(value):
            self.fail(
                f"{value}: is a folder of photos here; how many images are shown is --set images={value}", param, ctx
            )
        return super().convert(value, param, ctx)


class Ended(Exception):  # noqa: N818
    """A command is through before its last line; ``cli.py`` exits with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Ordered(click.Group):
    """Commands that are listed in the order of the work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Their names."""
        return list(self.commands)


def has_catalog(session: Session) -> bool:
    """Whether the workspace is there."""
    return os.path.lexists(session.workspace / "catalog.sqlite")


@contextmanager
def open_catalog(session: Session, *, must_exist: bool = False, reading: bool = False) -> Iterator[Any]:
    """The workspace's catalog; ``reading``: one that cannot be written will do."""
    from deepstyle.catalog import Catalog

    if must_exist and not has_catalog(session):
        raise UsageError(
            f"--workspace {session.workspace}: there is no workspace yet; `deepstyle add` and `deepstyle scrape` make one"
        )
    with Catalog(session.workspace, reading=reading) as catalog:
        yield catalog


def _for_programs(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta["json"] = value


json_option = click.option("--json", is_flag=True, expose_value=False, callback=_for_programs,
                           help="Print one JSON object, for programs.")  # fmt: skip


def labelled(function: F) -> F:
    """Add the options that name labelled photos; the command gets them as ``source``, a ``Labelled``."""

    @click.argument("path", required=False, metavar="[TABLE.csv|FOLDER|COCO.json]",
                    type=click.Path(path_type=Path, exists=True))  # fmt: skip
    @click.option("--images", type=PhotosFolder(path_type=Path, exists=True, file_okay=False),
                  help="Folder of a CSV's images; beside it otherwise.")  # fmt: skip
    @click.option(
        "--garments", is_flag=True, help="Take the workspace's garments, by category or the detector's label."
    )
    @functools.wraps(function)
    def wrapped(*args: Any, path: Path | None, images: Path | None, garments: bool, **kwargs: Any) -> Any:
        if (path is None) != garments:
            raise UsageError("name a CSV, a folder or a COCO file of labelled photos, or take --garments: one of them")
        if garments and images is not None:
            raise UsageError("--images: is for a CSV; --garments are where the workspace has them")
        return function(*args, source=Labelled(path=path, images=images), **kwargs)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the signature


detector_option = click.option("--detector", help="Name of the detector; the newest otherwise, or the one that ships.")


def configured_with(*, dry_run: str) -> Callable[[F], F]:
    """Add the options of the one road of configuration: preset or file, --set, --dry-run with its help."""

    def add(function: F) -> F:
        @click.option(
            "--config", metavar="PRESET|FILE", help="A preset (`deepstyle settings` lists them) or a YAML file."
        )
        @click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                      help="Change one setting (`deepstyle settings PRESET` explains them); may be repeated.")  # fmt: skip
        @click.option("--dry-run", is_flag=True, help=dry_run)
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]  # click's decorators keep the signature

    return add


configured = configured_with(dry_run="Print all settings and stop.")


def given_config(
    kind: str, config: str | None, overrides: Sequence[str], flags: dict[str, Any], *, like: Any = None,
    own: Sequence[str] = (),
) -> Any:  # fmt: skip
    """The config of preset (without one from ``like``), the command's ``own`` choices, --set and its flags.

    What is wrong with a value is told by the option that gave it.
    """
    from deepstyle import config as configs

    given = configs.as_overrides(flags)
    options = {one.name: max(one.opts, key=len) for one in click.get_current_context().command.params}
    origins = {key: options[key] for key in configs.keys_of(given)}
    return configs.load_config(getattr(configs, kind), config, [*own, *overrides, *given], like=like, origins=origins)


def build_config(
    session: Session, kind: str, config: str | None, overrides: Sequence[str], flags: dict[str, Any], *, dry_run: bool,
    like: Any = None, chosen: Sequence[Any] = (), rest: str = "--dry-run shows them all",
) -> Any:  # fmt: skip
    """Build a config from preset (without one from ``like``), --set and the command's own flags, and show it.

    ``chosen``: settings that the command chose, with their reasons. ``rest``: where all settings can be seen.
    """
    from deepstyle import config as configs

    given = configs.as_overrides(flags)
    own = [one for choice in chosen for one in choice.overrides]
    built = given_config(kind, config, overrides, flags, like=like, own=own)
    said = [f"  {choice.said}" for choice in chosen if choice.reason]
    if dry_run:
        for line in said:
            session.reporter.say(line)
        if click.get_current_context().meta["json"]:
            print_json(built.model_dump(mode="json"))
        else:
            click.echo(configs.to_yaml(built), nl=False)
        raise Ended(0)
    name = config or (type(built).default_preset if like is None else f"those of {built.start_from}")
    changed = [one for one in (*overrides, *given) if like is None or not one.startswith("start_from=")]
    session.reporter.say(f"settings: {', '.join([name, *map(without_secrets, changed)])} ({rest})")
    for line in said:
        session.reporter.say(line)
    return built


def without_secrets(override: str) -> str:
    """An override as it may be shown: what is printed ends in logs, so no header's value and no password of a proxy.

    >>> without_secrets("proxy=http://me:secret@a.example:8080")
    'proxy=http://...@a.example:8080'
    """
    name, mark, value = override.partition("=")
    if name.removeprefix("scrape.").startswith("headers"):
        return f"{name}{mark}(not shown)"
    return f"{name}{mark}{re.sub('//[^/]*@', '//...@', value)}"


def checked_name(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Check a name that becomes a folder before anything is done."""
    from deepstyle.files import check_name

    return check_name(value, "NAME" if isinstance(parameter, click.Argument) else f"--{parameter.name}")


def region_detector(catalog: Any, name: str | None) -> Any:
    """The detector that cuts regions, if one is named."""
    if name is None:
        return None
    from deepstyle.detector.find import load_detector
    from deepstyle.status import find_model

    return load_detector(find_model(catalog, name, flag="--region", kind="detector"))
