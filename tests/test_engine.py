"""Seeds and streams: what a seed means stays what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import torch

from deepstyle.engine import Stream, make_fabric, seeded
from deepstyle.machine import threads_for


def test_a_stream_is_its_number() -> None:
    """The random numbers of a stream are those of (seed, its number, ...), as in every run so far."""
    assert {stream.name: int(stream) for stream in Stream} == {"ORDER": 1, "STEP": 2, "PROPOSALS": 3, "SETTLE": 4}
    digest = hashlib.sha256(b"7,2,40").digest()
    expected = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    assert seeded(7, Stream.STEP, 40).initial_seed() == expected.initial_seed()


@pytest.mark.parametrize(
    ("cores", "limits", "threads"),
    [
        (8, [], 8), (8, ["max 100000\n"], 8), (8, ["200000 100000\n"], 2), (8, ["max 100000", "350000 100000"], 4),
        (8, ["50000 100000"], 1), (1, ["1000 100000"], 1), (2, ["1600000 100000"], 2), (8, ["300000 100000", "150000 50000"], 3),
    ],
)  # fmt: skip
def test_threads_are_what_a_container_is_granted(cores: int, limits: list[str], threads: int) -> None:
    """Every core, or the whole cores that the tightest cgroup grants the time of, and one at least."""
    assert threads_for(cores, limits) == threads


@pytest.fixture
def threads() -> Iterator[int]:
    """The number of threads now, set back at the end."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_omp_num_threads_wins(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Where OMP_NUM_THREADS is set a Fabric leaves the threads alone; without it there are never more than before."""
    torch.set_num_threads(threads + 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    make_fabric("32")
    assert torch.get_num_threads() == threads + 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    make_fabric("32")

    assert 1 <= torch.get_num_threads() <= threads + 2
