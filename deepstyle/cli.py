"""The entry: the global options, the commands in the order of the work, errors into exits. Only this file exits.

Exit codes: 0 done, 1 the job failed, 2 wrong use, 128 and its number for a signal (130: Ctrl-C). `--help` imports
neither torch nor the stages, and a command imports them when its workspace is open: a wrong one is told at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from deepstyle import __version__
from deepstyle.commands import (
    classifier,
    crop,
    data,
    detector,
    export,
    gan,
    manage,
    sample,
    score,
    scrape,
    tagger,
    whole,
)
from deepstyle.commands.hints import hint_for
from deepstyle.commands.options import Ended, Ordered, Session
from deepstyle.commands.tables import LEADS
from deepstyle.errors import DeepstyleError, UsageError
from deepstyle.progress import Reporter

BLAS_SPINS = "14"  # 2 ** 14 cycles that a waiting thread of OpenBLAS spins; its 2 ** 26 cost each start .1 CPU s
SPINS = "2000"  # rounds that a waiting thread of GNU's OpenMP spins; its 300,000 made two threads slower than one beside others


class Commands(Ordered):
    """Turns errors into click's exits: UsageError -> 2, any other DeepstyleError -> 1, a signal -> 128 and its number.

    What is none of our errors ends in one line as well, and exits with 1: nobody is shown a traceback.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the global options; --help and --version are written in here, to a disk that may be full."""
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise
        except OSError as error:
            from deepstyle.trouble import words_for

            raise click.ClickException(words_for(error)) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a pipe that was closed (``| head``) is left to click, which ends quietly."""
        from deepstyle.trouble import Stopped, brief, stoppable, words_for

        for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            with stoppable():
                return super().invoke(ctx)
        except Ended as end:
            sys.exit(end.code)
        except UsageError as error:
            raise click.UsageError(brief(str(error))) from error
        except DeepstyleError as error:
            raise click.ClickException(brief(str(error))) from error
        except KeyboardInterrupt as error:
            number = error.number if isinstance(error, Stopped) else signal.SIGINT
            with suppress(OSError):  # the terminal may be gone
                click.echo("interrupted; the same command continues where it stopped", err=True)
            sys.exit(128 + number)
        except click.NoSuchOption as error:
            if words := hint_for(str(error.ctx.command.name if error.ctx else ""), error.option_name):
                raise click.UsageError(f"No such option '{error.option_name}': {words}", error.ctx) from error
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("DEEPSTYLE_TRACEBACK"):
                traceback.print_exc()
            raise click.ClickException(words_for(error)) from error


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
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", BLAS_SPINS)  # before numpy is
    ctx.obj = Session(workspace=workspace, reporter=Reporter(quiet=quiet or not LEADS))


for command in (
    scrape.scrape,
    scrape.photos,
    scrape.add,
    data.data,
    detector.train_detector,
    detector.train_masks,
    detector.eval_detector,
    detector.import_detector,
    crop.crop,
    classifier.train_classifier,
    classifier.check_labels,
    tagger.train_tagger,
    classifier.predict,
    classifier.tag,
    export.export,
    gan.train_gan,
    sample.sample,
    score.score,
    manage.where,
    manage.status,
    manage.forget,
    manage.doctor,
    manage.settings,
    manage.models,
    whole.run,
    whole.demo,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
