"""What a person sees while work goes on: a bar with a rate and the time left, or plain lines for pipes and ``--quiet``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Task:
    """One running count. ``advance`` moves it; the reporter decides what is shown."""

    def __init__(self, show: Callable[[Task], None], label: str, total: float | None, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done, self.note = 0.0, ""
        self.started = time.monotonic()
        self._show = show

    def advance(self, amount: float = 1, *, total: float | None = None, note: str | None = None) -> None:
        """Count ``amount`` more; ``total`` and ``note`` replace the known total and the words beside the bar."""
        self.done += amount
        self.total = total if total is not None else self.total
        self.note = note if note is not None else self.note
        self._show(self)

    def line(self) -> str:
        """The state as one plain line: count, rate, time left, note."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        rate = self.done / seconds
        count = f"{self.done:,.0f}" + (f"/{self.total:,.0f}" if self.total else "")
        left = f", {_clock((self.total - self.done) / rate)} left" if self.total and rate > 0 else ""
        return f"{self.label}: {count} {self.unit} ({rate:.1f}/s{left}) {self.note}".rstrip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Reporter:
    """Where loops report to. ``quiet`` shows no bars; a pipe gets a plain line every ``every`` seconds.

    Progress goes to ``stream`` (standard error by default), so that standard output holds results only.
    """

    def __init__(self, *, quiet: bool = False, every: float = 15.0, stream: TextIO | None = None) -> None:
        self.quiet, self.every = quiet, every
        self.stream = stream if stream is not None else sys.stderr
        self._last = 0.0

    def say(self, text: str) -> None:
        """One line for the person, unless ``quiet``."""
        if not self.quiet:
            print(text, file=self.stream, flush=True)

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Show a task while the block runs, and its summary when it ends well."""
        if self.quiet:
            yield Task(lambda _: None, label, total, unit)
        elif self.stream.isatty():
            yield from self._bar(label, total, unit)
        else:
            self._last = time.monotonic()
            task = Task(self._plain, label, total, unit)
            yield task
            self.say(task.line())

    def _plain(self, task: Task) -> None:
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            self.say(task.line())

    def _bar(self, label: str, total: float | None, unit: str) -> Iterator[Task]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        with Progress(*columns, console=Console(file=self.stream)) as bar:
            key = bar.add_task(label, total=total, rate="", note="")

            def show(task: Task) -> None:
                rate = task.done / max(time.monotonic() - task.started, 1e-9)
                bar.update(key, completed=task.done, total=task.total, rate=f"{rate:.1f}/s", note=task.note)

            yield Task(show, label, total, unit)
