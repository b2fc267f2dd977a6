"""Walks and their videos."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from deepstyle.dcgan.sample import latents
from deepstyle.dcgan.video import check_video, enlarged, write_video
from deepstyle.dcgan.walk import slerp, walk
from deepstyle.errors import UsageError
from deepstyle.images import Pixels


def test_slerp_turns_at_a_constant_rate() -> None:
    """Between vectors of one length the points keep the length, and equal shares are equal angles; the ends are exact."""
    first, last = latents([1, 2], 50)
    last = last * first.norm() / last.norm()
    points = slerp(first, last, torch.linspace(0, 1, 11))
    unit = points / points.norm(dim=1, keepdim=True)
    angles = torch.arccos((unit[1:] * unit[:-1]).sum(1))

    assert torch.equal(points[0], first)
    assert torch.allclose(points[-1], last, atol=1e-6)
    assert torch.allclose(points.norm(dim=1), first.norm(), rtol=1e-5)
    assert torch.allclose(angles, angles.mean(), atol=1e-4)


def test_slerp_joins_what_has_no_arc() -> None:
    """Parallel, opposite and equal vectors are joined by a line: no number becomes infinite."""
    first = latents([1], 8)[0]
    for last in (first, 2 * first, -first):
        assert torch.allclose(slerp(first, last, torch.tensor([0.5]))[0], (first + last) / 2, atol=1e-6)


def test_a_walk_is_a_closed_loop() -> None:
    """Each leg starts at its stop exactly, no point comes twice, and the last step is no longer than the others."""
    stops = latents([3, 17, 42], 100)
    points = walk(stops, 10)
    steps = (points - points.roll(1, 0)).norm(dim=1)

    assert points.shape == (30, 100)
    assert torch.equal(points[::10], stops)
    assert steps.max() < 1.3 * steps.min()


def film() -> list[Pixels]:
    """Ten frames of 33 pixels with soft blobs of colour."""
    y, x = np.mgrid[0:33, 0:33] / 33
    return [
        np.stack([120 + 100 * np.sin(3 * x + k / 3), 255 * y, 30 + 20 * k + 0 * x], axis=2).astype(np.uint8)
        for k in range(10)
    ]


@pytest.mark.skipif(find_spec("av") is None, reason="PyAV is not installed")
def test_an_mp4_shows_its_frames(tmp_path: Path) -> None:
    """Decoded again, an MP4 is H.264 in yuv420p with all frames, the rate, an even size, and the frames' colours."""
    import av

    write_video(tmp_path / "a/film.mp4", film(), 24)
    with av.open(str(tmp_path / "a/film.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate or 0) == 24
        assert (stream.width, stream.height) == (256, 256)
        assert stream.codec_context.colorspace == 1
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]

    assert len(shown) == 10
    for frame, seen in zip(film(), shown, strict=True):
        assert np.abs(enlarged(frame).astype(int) - seen).mean() < 3
    assert all((a != b).any() for a, b in pairwise(shown))


def test_small_frames_grow_and_large_ones_become_even() -> None:
    """Frames have 256 pixels at least, and an even number of them, as yuv420p wants."""
    assert enlarged(np.zeros((32, 32, 3), np.uint8)).shape == (256, 256, 3)
    assert enlarged(np.zeros((301, 301, 3), np.uint8)).shape == (302, 302, 3)


def test_missing_pyav_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyAV an .mp4 names the extra, and a .gif needs nothing; other endings are refused."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"deepstyle\[video\]"):
        check_video(tmp_path / "a.mp4")
    check_video(tmp_path / "a.GIF")
    with pytest.raises(UsageError, match=r"\.mp4 or \.gif"):
        check_video(tmp_path / "a.webm")
