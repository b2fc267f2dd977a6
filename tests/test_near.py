"""Near duplicates, at the limits of bits and aspect."""

from __future__ import annotations

import io
import random

import pytest
from loopback import photo
from PIL import Image, ImageOps

from deepstyle import images
from deepstyle.looks import Looks, looks
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


def shown(seed: int, *, crop: float = 0.0, mirrored: bool = False) -> tuple[Looks, int, int]:
    """The looks of a photo of blocks, cropped on each side or mirrored, saved anew and smaller; its size."""
    picture: Image.Image = Image.open(io.BytesIO(photo(seed, 300, 400)))
    x, y = round(300 * crop), round(400 * crop)
    picture = picture.crop((x, y, 300 - x, 400 - y)).resize((225, 300))
    out = io.BytesIO()
    (ImageOps.mirror(picture) if mirrored else picture).save(out, "JPEG", quality=80)
    return looks(Image.fromarray(images.decode(out.getvalue()))), 225, 300


def test_crops_and_mirror_images_are_found_and_nothing_else() -> None:
    """Of photos most are known by a copy with 5 % off each side, as the original by such a crop, and by their mirror image."""
    index, of_crops = NearIndex(4), NearIndex(4)
    for seed in range(12):
        looks, width, height = shown(seed)
        assert index.find(looks.dhash, width, height, inner=looks.inner, mirror=looks.mirror) is None
        index.add(str(seed), looks.dhash, width, height, inner=looks.inner)
        looks, width, height = shown(seed, crop=0.05)
        of_crops.add(str(seed), looks.dhash, width, height, inner=looks.inner)
    found = {"crop": 0, "original": 0, "mirror": 0}
    for seed in range(12):
        for kind, where, (looks, width, height) in (
            ("crop", index, shown(seed, crop=0.05)), ("mirror", index, shown(seed, mirrored=True)),
            ("original", of_crops, shown(seed)),
        ):  # fmt: skip
            name = where.find(looks.dhash, width, height, inner=looks.inner, mirror=looks.mirror)
            assert name in {None, str(seed)}
            found[kind] += name is not None

    assert min(found.values()) >= 6


def test_the_index_grows_and_keeps_names_of_any_form() -> None:
    """Beyond its first length the tables are linked anew: every photo is still found, by its hash in hex or by another name."""
    rng = random.Random(1)
    codes = [rng.getrandbits(64) for _ in range(5000)]
    index = NearIndex(4)
    for number, code in enumerate(codes):
        index.add(f"{number:064x}" if number % 2 else f"photo {number}", f"{code:016x}", 100, 100)

    assert len(index) == 5000
    for number in range(0, 5000, 97):
        wanted = f"{number:064x}" if number % 2 else f"photo {number}"
        assert index.find(f"{codes[number] ^ 0x8000000000000101:016x}", 100, 100) == wanted


def test_the_near_index_finds_what_a_full_search_finds() -> None:
    """Bands lose no pair within the distance; another aspect is no near duplicate."""
    index = NearIndex(4)
    index.add("a", "ffff0000ffff0000", 100, 200)
    for bits, wanted in ((0x8000_0001_0001_0001, "a"), (0x8000_0001_0001_0003, None)):
        assert index.find(f"{0xFFFF0000FFFF0000 ^ bits:016x}", 100, 200) == wanted
    assert index.find("ffff0000ffff0000", 100, 100) is None
    index.add("b", "ffff0000ffff0001", 100, 200, near_of="a")
    assert index.find("ffff0000ffff0001", 100, 200) == "a"
