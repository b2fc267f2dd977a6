"""The model card that a training leaves beside its weights: one form for classifiers, taggers and detectors (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from deepstyle import __version__
from deepstyle.files import shown

FORGOTTEN = "Forgotten photos"  # the last section of a card, where there is one
USE = "It says nothing about who wears a garment, and should not be used to."
OTHERS = "How it does on photos of another kind than those above nobody has measured."


def model_card(
    name: str, what: str, *, of: str, columns: Sequence[str], rows: Mapping[str, Sequence[float | None]],
    words: Sequence[str], training: str, limits: Sequence[str],
) -> str:  # fmt: skip
    """The card's text. ``rows``: by the name of the photos how many they are, then a share in [0, 1] for each of the ``columns``.

    ``of``: what is counted (``photos``); ``words`` are the paragraphs below the figures, of which there may be none.
    """
    head = [f"| {' | '.join([of, 'how many', *columns])} |", f"|{'---|' * (len(columns) + 2)}"] if rows else []
    told = [part for paragraph in words if paragraph for part in (paragraph, "")]
    return "\n".join([
        f"# Model card: {name}", "", what, "",
        "## Figures", "", *head,
        *(f"| {' | '.join([cell(side), *map(_value, values)])} |" for side, values in rows.items()),
        *([""] if rows else []), *told,
        "## Training", "", training, "",
        "## Limits", "", *(f"- {limit}" for limit in limits), "",
    ])  # fmt: skip


def training_words(command: str, *, run: str, day: str, data: str, network: str, start: str, seen: str) -> str:
    """How it was trained, in a sentence: ``seen`` is a count with its unit, ``day`` is 2026-11-22."""
    return (
        f"`deepstyle {command}` {__version__}, run {run}, {day}, on {data}: {network}, {start}, {seen} seen, repeats counted. "
        "All settings are in config.yaml."
    )


def with_section(text: str, title: str, body: str, *, before: str) -> str:
    """The card with a section, in the place of one of that title; before the heading ``before`` where there is one, else last."""
    kept = re.sub(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip("\n") + "\n"
    head, found, tail = kept.partition(f"\n{before}\n") if before else (kept, "", "")
    return f"{head}\n## {title}\n\n{body}\n{found}{tail}"


def with_forgotten(text: str, sources: Iterable[str]) -> str:
    """The card with what ``sources`` say of forgotten photos: the cards of all that the model's weights derive from."""
    found: dict[str, None] = {}  # lines, each once, in order
    for source in sources:
        section = re.search(rf"\n## {FORGOTTEN}\n(.*?)(?=\n## |\Z)", f"\n{source}", flags=re.DOTALL)
        found |= dict.fromkeys(section[1].strip("\n").split("\n")) if section else {}
    if not found:
        return text
    prose = [line for line in found if line and not line.startswith("- ")]
    rows = [line for line in found if line.startswith("- ")]
    return with_section(text, FORGOTTEN, "\n".join([*prose, *([""] if prose else []), *rows]), before="")


def cell(text: str) -> str:
    """A name as a table's cell takes it: on one line, without a bar."""
    return shown(text).replace("|", "\\|")


def share(value: float | None) -> str:
    """A share in [0, 1] as figures stand in a card; ``none`` where there was nothing to measure."""
    return "none" if value is None else f"{value:.3f}"


def _value(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else share(value)
