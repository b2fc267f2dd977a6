"""What a person sees of long work."""

from __future__ import annotations

import io

from deepstyle.progress import Reporter


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_lines() -> None:
    """Without a terminal there is a plain line per interval and a summary, with count, rate and time left."""
    out = io.StringIO()
    reporter = Reporter(stream=out, every=0.0)
    with reporter.task("cutting", total=2, unit="photos") as task:
        task.advance(note="half")
        task.advance()
    lines = out.getvalue().splitlines()

    assert lines[0].startswith("cutting: 1/2 photos (")
    assert "/s, 0:00 left) half" in lines[0]
    assert lines[-1].startswith("cutting: 2/2 photos (")
    assert "\x1b" not in out.getvalue()


def test_quiet_says_nothing() -> None:
    """--quiet shows neither lines nor bars."""
    out = io.StringIO()
    reporter = Reporter(quiet=True, stream=out, every=0.0)
    reporter.say("hello")
    with reporter.task("cutting", total=2) as task:
        task.advance(2)

    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    """On a terminal the task is a bar with its label, count and rate."""
    out = Terminal()
    with Reporter(stream=out).task("cutting", total=2, unit="photos") as task:
        task.advance(2, note="done")

    assert "cutting" in out.getvalue()
    assert "2/2" in out.getvalue()
