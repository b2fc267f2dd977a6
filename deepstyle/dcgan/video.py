"""Images -> an animation that any player shows: GIF by Pillow, MP4 by PyAV (edge). PyAV is imported here only."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from deepstyle.errors import UsageError
from deepstyle.files import put_file
from deepstyle.images import Pixels, resize
from deepstyle.made import Made, marked

SIDE = 256  # pixels that a frame's side has at least: players show smaller ones as a stamp
BT709 = 1  # ITU-T H.273: the number of the colour space, its primaries and its transfer curve
QUALITY = "18"  # x264's rate factor: hardly told from the original


def check_video(path: Path) -> None:
    """Raise UsageError when nothing can write this file: another ending than .mp4 and .gif, or PyAV is missing."""
    if path.suffix.lower() not in {".mp4", ".gif"}:
        raise UsageError(f"--video {path}: name it .mp4 or .gif")
    if path.suffix.lower() == ".mp4":
        _pyav()


def write_video(path: Path, frames: Iterable[Pixels], fps: int, made: Made | None = None) -> None:
    """Write H x H x 3 uint8 RGB frames as a looping GIF or an MP4, by the ending; the file appears whole.

    Small frames are enlarged to 256 pixels. ``made``: the mark that the file carries. Raises UsageError as ``check_video`` does.
    """
    check_video(path)
    large = (enlarged(frame) for frame in frames)
    data = _mp4(large, fps) if path.suffix.lower() == ".mp4" else _gif(large, fps)
    put_file(path, data if made is None else marked(data, made))


def enlarged(frame: Pixels) -> Pixels:
    """H x H x 3 uint8 RGB, 256 pixels a side at least, and an even number of them."""
    return resize(frame, max(SIDE, len(frame) + len(frame) % 2), "stretch")


def _gif(frames: Iterator[Pixels], fps: int) -> bytes:
    """A GIF counts in hundredths of a second: 25 and 50 fps are exact."""
    pictures = (Image.fromarray(frame) for frame in frames)
    out = io.BytesIO()
    next(pictures).save(out, "GIF", save_all=True, append_images=pictures, duration=1000 / fps, loop=0)
    return out.getvalue()


def _mp4(frames: Iterator[Pixels], fps: int) -> bytes:
    """H.264 in yuv420p, tagged as BT.709: what phones, browsers and slides play."""
    av = _pyav()
    first, out = next(frames), io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": QUALITY})
        stream.height, stream.width, stream.pix_fmt = *first.shape[:2], "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = 1  # limited
        for pixels in itertools.chain([first], frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        container.mux(stream.encode(None))  # what the encoder still holds
    return out.getvalue()


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise UsageError(
            "--video: an .mp4 needs PyAV: run `python -m pip install 'deepstyle[video]'` first, or name a .gif"
        ) from error
    return av
