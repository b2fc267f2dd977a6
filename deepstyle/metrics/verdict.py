"""What a score comes to, in words (pure).

A figure alone looks like success to who does not know what to expect: shares of samples stand beside those of real images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEVELS = ("low", "middling", "high")
NAMED = 3  # copies that are told with their pages
LOW, HIGH = 0.4, 0.8  # of what real images reach at the same count: below the first is low, from the second on high
FAR, FARTHEST = 3.0, 6.0  # times the Frechet distance of as many real images: from these on realism is middling, low


def verdict(
    checked: int,
    copies: Sequence[tuple[str, str]],
    repeats: Sequence[int],
    equal: Mapping[str, Mapping[str, float]],
) -> list[str]:
    """Sentences: copies (what the sample is called, page), repeats, realism and variety; ``equal`` as in a Score, or empty."""
    said = []
    if copies:
        named = ", ".join(f"{name} of {page}" for name, page in copies[:NAMED])
        more = f" and {len(copies) - NAMED} more" if len(copies) > NAMED else ""
        said.append(f"{len(copies)} of {checked} look like copies: {named}{more}")
    else:
        said.append(f"none of {checked} looks like a copy of a real garment")
    if repeats:
        said.append(f"{len(repeats)} of {checked} look like another sample")
    if equal:
        samples, real = equal["samples"], equal["real"]
        count = f"{samples['count']:,.0f}"  # of each: what a share is of
        said.append(_realism(samples, real, count))
        said.append(
            f"variety {LEVELS[_level(samples['coverage'], real['coverage'])]}: {samples['coverage']:.0%} of {count} "
            f"real garments are covered, by as many other real garments {real['coverage']:.0%}"
        )
    return said


def _realism(samples: Mapping[str, float], real: Mapping[str, float], count: str) -> str:
    """By the share of samples among real images and by the Frechet distance: blurred ones lie in the middle of all."""
    times = samples["frechet"] / max(real["frechet"], 1e-9)
    level = min(_level(samples["precision"], real["precision"]), 2 - (times >= FAR) - (times >= FARTHEST))
    but = f"; but their Frechet distance is {times:.1f} times as large" if times >= FAR else ""
    return (
        f"realism {LEVELS[level]}: of {count} samples {samples['precision']:.0%} lie among real garments, "
        f"of {count} other real garments {real['precision']:.0%}{but}"
    )


def _level(share: float, usual: float) -> int:
    """An index of LEVELS."""
    ratio = share / max(usual, 1e-9)
    return 0 if ratio < LOW else 2 if ratio >= HIGH else 1
