"""Seeds and streams: what a seed means stays what it is."""

from __future__ import annotations

import hashlib

import torch

from deepstyle.engine import Stream, seeded


def test_a_stream_is_its_number() -> None:
    """The random numbers of a stream are those of (seed, its number, ...), as in every run so far."""
    assert {stream.name: int(stream) for stream in Stream} == {"ORDER": 1, "STEP": 2, "PROPOSALS": 3}
    digest = hashlib.sha256(b"7,2,40").digest()
    expected = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    assert seeded(7, Stream.STEP, 40).initial_seed() == expected.initial_seed()
