"""trouble.py and the commands' last line of defence: whatever happens, a command ends politely and in words."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from loopback import Exchange, page, serve

from deepstyle.cli import Commands
from deepstyle.errors import InputError
from deepstyle.trouble import Stopped, brief, held, stoppable

PATIENCE = 120.0
SOURCES = {"PYTHONPATH": str(Path(__file__).parents[1])}


def command(*words: str | bytes) -> list[str | bytes]:
    return [sys.executable, "-m", "deepstyle", *words]


AWAKE = """
import signal, sys
from deepstyle.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits signals ignored
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_politely(number: signal.Signals, tmp_path: Path) -> None:
    """In the middle of a crawl: one line, exit 128 + n, threads ended, no half file, and the same command finishes."""
    reached = threading.Event()

    def slow(x: Exchange) -> None:
        reached.set()
        x.site.closing.wait(PATIENCE)

    with serve({"/": page("<img src='/a.jpg'>"), "/a.jpg": slow}) as site:
        words = [sys.executable, "-c", AWAKE, "-w", str(tmp_path), "scrape", site.url + "/", "--allow-private"]
        with subprocess.Popen(words, env=os.environ | SOURCES, stderr=subprocess.PIPE, text=True) as child:
            assert reached.wait(PATIENCE)
            child.send_signal(number)
            _, said = child.communicate(timeout=PATIENCE)

    assert child.returncode == 128 + number
    assert said.splitlines()[-1] == "interrupted; the same command continues where it stopped"
    assert "Traceback" not in said
    assert not list(tmp_path.rglob(".tmp-*"))


HANDLERS = """
import os, signal
from deepstyle.trouble import Stopped, stoppable
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
with stoppable():
    os.kill(os.getpid(), signal.SIGHUP)
    print("still there")
try:
    with stoppable(), stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
        print("never")
except Stopped as stopped:
    print(stopped.number, stopped)
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
"""


def test_an_ignored_signal_stays_ignored_and_handlers_come_back() -> None:
    """What nohup starts outlives its terminal; after a command everything is as it was before."""
    done = subprocess.run(
        [sys.executable, "-c", HANDLERS], check=True, capture_output=True, text=True, env=os.environ | SOURCES
    )

    assert done.stdout.splitlines() == ["still there", "15 SIGTERM", "True"]


TWICE = """
import os, signal
from deepstyle.trouble import stoppable
signal.signal(signal.SIGTERM, signal.SIG_DFL)
with stoppable():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_second_signal_ends_the_process() -> None:
    """Who does not want to wait for the clean end sends the signal again."""
    done = subprocess.run([sys.executable, "-c", TWICE], check=False, env=os.environ | SOURCES)

    assert done.returncode == -signal.SIGTERM


def test_other_threads_have_no_signals_to_take() -> None:
    """A library's user may run our code in any thread."""
    entered: list[bool] = []

    def inside() -> None:
        with stoppable():
            entered.append(True)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()

    assert entered == [True]
    assert issubclass(Stopped, KeyboardInterrupt)


def test_a_closed_pipe_is_quiet() -> None:
    """`deepstyle settings | head -0` says nothing on standard error."""
    with subprocess.Popen(
        command("settings"), env=os.environ | SOURCES, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        said = child.stderr.read()

    assert said == b""


def ended(error: BaseException, **environment: str) -> tuple[int, str]:
    """How a command ends in which this is raised."""

    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    def work() -> None:
        raise error

    result = CliRunner().invoke(group, ["work"], env={"DEEPSTYLE_TRACEBACK": None, **environment})
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ZeroDivisionError("division\nby zero"),
            r"a bug in deepstyle: ZeroDivisionError: division by zero; please report",
        ),
        (KeyError("k"), "a bug in deepstyle: KeyError: 'k'"),
        (RecursionError("maximum"), "a bug in deepstyle: RecursionError"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), "a bug in deepstyle: UnicodeEncodeError"),
        (EOFError(), "a bug in deepstyle: EOFError"),
        (OSError(errno.ENOSPC, "No space left on device", "ws/x"), "ws/x: No space left on device; free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "ws"), "ws: Permission denied; give yourself the right"),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x" * 999),
            r"x\.\.\.x+: File name too long; give a shorter",
        ),
        (OSError("odd"), "Error: odd"),
        (MemoryError(), r"there is not enough memory .*lower\s*batch_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "there is not enough memory"),
        (InputError("a\ud800b" + "x" * 9000), r"a\\ud800bx+ \.\.\. x+$"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_any_error_is_told_in_a_line(error: Exception, words: str) -> None:
    """Exit 1, a line that names what it is about and what to do, no traceback, whatever the error holds."""
    code, said = ended(error)

    assert code == 1
    assert re.search(words, said.strip())
    assert said.startswith("Error: ")
    assert "Traceback" not in said
    assert (said.count("\n"), len(said) < 2100) == (1, True)


def test_a_traceback_is_shown_to_who_asks_for_it() -> None:
    """DEEPSTYLE_TRACEBACK=1 shows where a bug is; the line follows."""
    code, said = ended(ZeroDivisionError("x"), DEEPSTYLE_TRACEBACK="1")

    assert code == 1
    assert "Traceback" in said
    assert "raise error" in said


def test_names_that_are_no_text_can_be_told(tmp_path: Path) -> None:
    """A workspace whose name is not UTF-8 works, and is printed."""
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    done = subprocess.run(command("-w", folder, "models"), capture_output=True, env=os.environ | SOURCES, check=False)

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    """The middle of a message goes when it is too long for a terminal."""
    assert brief("short") == "short"
    assert brief("a" * 90 + "b" * 90, 40) == "a" * 30 + " ... " + "b" * 10


def test_a_held_signal_waits_for_its_release_or_the_end_of_the_block() -> None:
    """The block goes on after it; what ends the block ends the command, and the next signal is met as ever."""
    done = []

    def block() -> None:
        with held() as hold:
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(hold.number)
            with pytest.raises(Stopped):
                hold.release()
            hold.release()  # nothing waits any more
            os.kill(os.getpid(), signal.SIGHUP)
            done.append(hold.number)

    with stoppable(), pytest.raises(Stopped) as told:
        block()
    assert done == [signal.SIGTERM, signal.SIGHUP]
    assert told.value.number == signal.SIGHUP
