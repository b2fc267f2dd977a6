"""What a score comes to, in words."""

from __future__ import annotations

from deepstyle.metrics.verdict import verdict

PAGES = [
    ("sample 1", "https://shop.example/a"), ("sample 5", "https://shop.example/b"), ("sample 9", "c.png"),
    ("sample 12", "d.png"),
]  # fmt: skip


def _equal(precision: float, coverage: float, frechet: float = 100) -> dict[str, dict[str, float]]:
    return {
        "samples": {"precision": precision, "coverage": coverage, "frechet": frechet, "count": 500},
        "real": {"precision": 0.8, "coverage": 0.75, "frechet": 50, "count": 500},
    }


def test_copies_are_counted_and_named() -> None:
    """The first three copies are told with their pages, the others counted; repeats have a sentence of their own."""
    said = verdict(64, PAGES, [7, 8], {})

    assert said[0] == (
        "4 of 64 look like copies: sample 1 of https://shop.example/a, sample 5 of https://shop.example/b, "
        "sample 9 of c.png and 1 more"
    )
    assert said[1:] == ["2 of 64 look like another sample"]
    assert verdict(64, [], [], {}) == ["none of 64 looks like a copy of a real garment"]


def test_variety_is_low_beside_what_real_garments_reach() -> None:
    """Realism and variety are told beside those of real garments at the same count, and called low or high by them."""
    said = verdict(64, [], [], _equal(0.7, 0.12))

    assert said[1] == "realism high: of 500 samples 70% lie among real garments, of 500 other real garments 80%"
    assert said[2] == "variety low: 12% of 500 real garments are covered, by as many other real garments 75%"
    assert "variety middling" in verdict(64, [], [], _equal(0.7, 0.45))[2]


def test_realism_is_not_high_far_from_real_garments() -> None:
    """Blurred samples lie among real garments, in their middle: the Frechet distance says what the share does not."""
    assert verdict(64, [], [], _equal(0.9, 0.5, frechet=149))[1].startswith("realism high")
    assert verdict(64, [], [], _equal(0.9, 0.5, frechet=160))[1] == (
        "realism middling: of 500 samples 90% lie among real garments, of 500 other real garments 80%; but their Frechet "
        "distance is 3.2 times as large"
    )
    assert verdict(64, [], [], _equal(0.9, 0.1, frechet=449))[1].startswith("realism low")
