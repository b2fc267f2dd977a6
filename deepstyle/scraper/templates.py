"""Addresses with gaps, and what fills them: ``https://site/{house}/{season}`` and a file of values -> addresses (pure)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from deepstyle.errors import UsageError

MOST = 100_000  # addresses of one template
GAP = re.compile(r"\{(\w+)\}")


def expand(template: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Every address that the template stands for, the last gap's values changing first.

    Raises UsageError for a gap without values, or a template without a gap.
    """
    gaps = list(dict.fromkeys(GAP.findall(template)))
    if not gaps:
        raise UsageError(f"--template {template}: has no gap; write one as {{house}}, or give the address as URL")
    if missing := [name for name in gaps if name not in values]:
        raise UsageError(
            f"--template {template}: --values has no {', '.join(missing)}; it has {', '.join(values) or 'none'}"
        )
    count = 1
    for name in gaps:
        count *= len(values[name])
    if count > MOST:
        raise UsageError(f"--template {template}: stands for {count:,} addresses, more than {MOST:,}")
    rows = itertools.product(*(values[name] for name in gaps))
    filled = (dict(zip(gaps, row, strict=True)) for row in rows)
    return [GAP.sub(lambda gap, row=row: quote(row[gap[1]], safe=""), template) for row in filled]  # type: ignore[misc]
