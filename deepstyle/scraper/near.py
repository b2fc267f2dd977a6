"""Which photo a photo nearly repeats (pure): dHash within a few bits and the same aspect.

Method: pigeonhole (multi-index hashing, Norouzi, Punjani and Fleet 2012). Of d differing bits at most one lies in some of
d // 2 + 1 bands, so a band's keys at distance 0 and 1 are looked up, and what shares none is never compared. With an even d
the last band is looked up as it is: 2 bits in each of the others and 1 in it are more than d (general pigeonhole principle,
Qin et al. 2018). A band is long enough for a million hashes to spread over; each keeps its photos in chains, which numbers link.
A photo has two hashes, its own and that of its middle (``inner``, 5 % off each side): so it is told from a crop of it.
"""

from __future__ import annotations

import itertools
from array import array

import numpy as np
from numpy.typing import NDArray

ASPECT_TOLERANCE = 0.03  # relative difference of width / height
FIRST_BITS = 12  # of a table's length; it grows fourfold
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hashing
DIGEST = 32  # bytes of a photo's name, when that is a SHA-256 in hex


class NearIndex:
    """Photos by perceptual hash. ``distance``: differing bits of 64 up to which two photos are near duplicates."""

    def __init__(self, distance: int) -> None:
        self._distance = distance
        bands = distance // 2 + 1
        edges = [round(k * 64 / bands) for k in range(bands + 1)]
        flips = [[0, *(1 << bit for bit in range(high - low))] for low, high in itertools.pairwise(edges)]
        if distance % 2 == 0:
            flips[-1] = [0]
        self._bands = [(low, (1 << (high - low)) - 1) for low, high in itertools.pairwise(edges)]
        sizes = [len(one) for one in flips]
        self._low = np.repeat(np.array([low for low, _ in self._bands], np.uint64), sizes)  # of each key to look up
        self._mask = np.repeat(np.array([mask for _, mask in self._bands], np.uint64), sizes)
        self._flip = np.array([flip for one in flips for flip in one], np.uint64)
        self._table = np.repeat(np.arange(bands, dtype=np.int64), sizes)
        self._codes, self._aspects = array("Q"), array("f")
        self._inner = bytearray()  # 1 for a hash of a photo's middle
        self._digests = bytearray()
        self._names: dict[int, str] = {}  # names that are no SHA-256
        self._next: list[array[int]] = [array("i") for _ in self._bands]  # number -> the one before it in its chain
        self._grow(FIRST_BITS)

    def __len__(self) -> int:
        return len(self._codes)

    def _grow(self, bits: int) -> None:
        """Make the tables 2 ** bits long, and link all chains anew."""
        self._shift, self._length = np.uint64(64 - bits), 1 << bits
        self._heads = np.full(len(self._bands) << bits, -1, np.int32)
        codes = np.frombuffer(self._codes, np.uint64).copy()
        for number, (low, mask) in enumerate(self._bands):
            slots = (((codes >> np.uint64(low)) & np.uint64(mask)) * SPREAD >> self._shift).astype(np.int64)
            order = np.argsort(slots, kind="stable").astype(np.int32)
            same = slots[order[1:]] == slots[order[:-1]]
            before = np.full(len(codes), -1, np.int32)
            before[order[1:][same]] = order[:-1][same]
            self._next[number] = array("i", before.tobytes())
            last = np.append(~same, True) if len(order) else np.zeros(0, bool)
            self._heads[number * self._length + slots[order[last]]] = order[last]

    def add(
        self, photo: str, dhash: str, width: int, height: int, *, near_of: str | None = None, inner: str = ""
    ) -> None:
        """Add a photo (hex hash of 16 digits, size in pixels); one that is itself ``near_of`` another stands for that."""
        self._add(near_of or photo, int(dhash, 16), width / height, middle=False)
        if inner:
            self._add(near_of or photo, int(inner, 16), width / height, middle=True)

    def _add(self, name: str, code: int, aspect: float, *, middle: bool) -> None:
        number = len(self._codes)
        if number >= self._length:
            self._grow(self._length.bit_length() + 1)
        self._codes.append(code)
        self._aspects.append(aspect)
        self._inner.append(middle)
        self._digests += self._digest(number, name)
        shift = int(self._shift)
        for band, (low, mask) in enumerate(self._bands):
            slot = band * self._length + ((((code >> low) & mask) * int(SPREAD) & 0xFFFFFFFFFFFFFFFF) >> shift)
            self._next[band].append(int(self._heads[slot]))
            self._heads[slot] = number

    def _digest(self, number: int, name: str) -> bytes:
        """A name as 32 bytes; other names than a SHA-256 are kept apart."""
        if len(name) == 2 * DIGEST:
            try:
                return bytes.fromhex(name)
            except ValueError:
                pass
        self._names[number] = name
        return bytes(DIGEST)

    def _name(self, number: int) -> str:
        return self._names.get(number) or self._digests[DIGEST * number : DIGEST * (number + 1)].hex()

    def find(self, dhash: str, width: int, height: int, *, inner: str = "", mirror: str = "") -> str | None:
        """The nearest photo within the distance, the first among equals; None when there is none.

        ``inner``: the hash of the photo's middle, which finds a crop of it; ``mirror``: that of its mirror image.
        """
        aspect, best = width / height, (self._distance + 1, 0)
        for text, middle in ((dhash, False), (mirror, False), (inner, True)):
            if text:
                best = min(best, self._nearest(int(text, 16), aspect, best, middle=middle))
        return None if best[0] > self._distance else self._name(best[1])

    def _nearest(self, code: int, aspect: float, best: tuple[int, int], *, middle: bool) -> tuple[int, int]:
        """Bits and number of the nearest; of a photo's ``middle`` only among whole photos."""
        slots = (((np.uint64(code) >> self._low) & self._mask) ^ self._flip) * SPREAD >> self._shift
        heads: NDArray[np.int32] = self._heads[slots.astype(np.int64) + self._table * self._length]
        there = heads >= 0
        codes, aspects, inners = self._codes, self._aspects, self._inner
        for band, start in zip(self._table[there].tolist(), heads[there].tolist(), strict=True):
            chain, number, least = self._next[band], start, best[0]
            while number >= 0:
                bits = (code ^ codes[number]).bit_count()
                if (
                    bits <= least  # nearly all chance meetings end here
                    and (bits, number) < best
                    and abs(aspects[number] / aspect - 1) <= ASPECT_TOLERANCE
                    and not (middle and inners[number])
                ):
                    best = bits, number
                number = chain[number]
        return best
