"""Which photo a photo nearly repeats (pure): dHash within a few bits and the same aspect.

Method: pigeonhole. Hashes that differ in at most d bits agree in at least one of d + 1 bands, so only photos that share
a band are compared.
"""

from __future__ import annotations

import itertools

ASPECT_TOLERANCE = 0.03  # relative difference of width / height


class NearIndex:
    """Photos by perceptual hash. ``distance``: differing bits of 64 up to which two photos are near duplicates."""

    def __init__(self, distance: int) -> None:
        self._distance = distance
        edges = [round(k * 64 / (distance + 1)) for k in range(distance + 2)]
        self._bands = list(itertools.pairwise(edges))
        self._table: dict[tuple[int, int], list[tuple[int, float, str]]] = {}

    def _keys(self, code: int) -> list[tuple[int, int]]:
        return [(low, (code >> low) & ((1 << (high - low)) - 1)) for low, high in self._bands]

    def add(self, photo: str, dhash: str, width: int, height: int, *, near_of: str | None = None) -> None:
        """Add a photo (hex hash of 16 digits, size in pixels); one that is itself ``near_of`` another stands for that."""
        code = int(dhash, 16)
        for key in self._keys(code):
            self._table.setdefault(key, []).append((code, width / height, near_of or photo))

    def find(self, dhash: str, width: int, height: int) -> str | None:
        """The nearest photo within the distance, the first among equals; None when there is none."""
        code, aspect = int(dhash, 16), width / height
        nearest, least = None, self._distance + 1
        for key in self._keys(code):
            for other, ratio, photo in self._table.get(key, ()):
                bits = (code ^ other).bit_count()
                if bits < least and abs(ratio / aspect - 1) <= ASPECT_TOLERANCE:
                    nearest, least = photo, bits
        return nearest
