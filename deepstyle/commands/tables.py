"""What the commands print on standard output: a table for people, or one JSON object for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

WHOLE = 100_000  # characters: wider than any row
LEADS = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts, one speaks


def show(title: str, rows: dict[str, Any], *, weak: list[str] | None = None, **result: Any) -> None:
    """Print what a command came to, on standard output: a table for people or, with --json, ``result`` as one object.

    ``weak``: why the result is too weak to be used, in sentences; empty when it is good enough, None where nobody judges.
    """
    if click.get_current_context().meta["json"]:
        print_json(result if weak is None else result | {"weak": weak})
        return
    print_table(title, rows)
    for sentence in weak or () if LEADS else ():
        click.echo(f"  weak: {sentence}")


def print_json(value: Any) -> None:
    """Print one JSON object to standard output."""
    if LEADS:
        click.echo(json.dumps(value, indent=2, default=os.fspath))


def print_table(title: str, rows: dict[str, Any]) -> None:
    """Print a two-column table to standard output."""
    if not LEADS:
        return
    width = max((len(key) for key in rows), default=0)
    click.echo(title)
    for key, value in rows.items():
        click.echo(f"  {key:<{width}}  {value}")


def print_columns(title: str, rows: Sequence[Sequence[str]], *, head: Sequence[str] = ()) -> None:
    """Print a table whose last column wraps at the terminal's width; a pipe gets each row on one line, whole."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number in range(len(rows[0])):
        table.add_column(head[number] if head else "", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console(width=None if sys.stdout.isatty() else WHOLE, color_system=None)
    with console.capture() as drawn:
        console.print(table)
    click.echo("\n".join([title, *(line.rstrip() for line in drawn.get().splitlines())]))


def significant(value: float) -> str:
    """A figure with four significant digits, whole from 1,000 on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def counts(values: dict[str, int]) -> str:
    """How many there are of each, the most frequent first."""
    return ", ".join(f"{key} {count:,}" for key, count in sorted(values.items(), key=lambda pair: -pair[1])) or "none"
