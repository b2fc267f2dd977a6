"""Near duplicates, at the limits of bits and aspect."""

from __future__ import annotations

import random

import pytest

from deepstyle.scraper.near import NearIndex

HASH = 0xFFFF0000FFFF0000


@pytest.mark.parametrize(
    ("width", "near"),
    [(1000, True), (1029, True), (1032, False), (972, True), (969, False), (1300, False), (700, False)],
)
def test_aspects_agree_to_three_hundredths(width: int, *, near: bool) -> None:
    """A square photo is repeated by one whose aspect differs by 3 % at most, either way."""
    index = NearIndex(4)
    index.add("square", f"{HASH:016x}", 500, 500)

    assert (index.find(f"{HASH:016x}", width, 1000) == "square") == near


@pytest.mark.parametrize("distance", [0, 1, 4, 8])
def test_the_index_finds_what_comparing_all_finds(distance: int) -> None:
    """Of hundreds of hashes a few bits apart the nearest within the distance is found, the first among equals."""
    rng = random.Random(distance)
    index, known = NearIndex(distance), []
    for number in range(200):
        code = HASH
        for bit in rng.sample(range(64), rng.randint(0, 14)):
            code ^= 1 << bit
        known.append(code)
        index.add(str(number), f"{code:016x}", 100, 200)
    found = 0
    for _ in range(200):
        code = HASH
        for bit in rng.sample(range(64), rng.randint(0, 14)):
            code ^= 1 << bit
        bits, number = min(((code ^ other).bit_count(), number) for number, other in enumerate(known))
        answer = index.find(f"{code:016x}", 100, 200)
        if bits > distance:
            assert answer is None
        else:
            assert answer is not None
            assert (code ^ known[int(answer)]).bit_count() == bits
            found += 1

    assert found or distance < 4


@pytest.mark.parametrize("distance", [0, 3, 4])
def test_the_distance_is_a_limit_that_counts(distance: int) -> None:
    """A hash that differs in exactly that many bits is a near duplicate, one bit more is none, wherever the bits are."""
    index = NearIndex(distance)
    index.add("a", f"{HASH:016x}", 100, 100)
    for shift in range(64 - distance):
        bits = ((1 << distance) - 1) << shift

        assert index.find(f"{HASH ^ bits:016x}", 100, 100) == "a"
        assert index.find(f"{HASH ^ bits ^ (1 << (shift - 1) % 64):016x}", 100, 100) is None
