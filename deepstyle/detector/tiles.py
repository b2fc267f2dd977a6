"""Photos much longer than the network's view: looked at in windows as well, and all that was found put together (pure).

A network that sees 512 x 256 pixels shows five people side by side a hundred pixels high each. Windows along the longer
side show them as high as the photo's shorter side allows; neighbours overlap by so much that a person cut by one is whole in
the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deepstyle.boxes import Box, contained, iou
from deepstyle.detector.resize import Sides

LONG = 1.25  # times the network's own aspect, from which a photo is looked at in windows, too
OVERLAP = 0.6  # of the photo's shorter side, that neighbouring windows share
EDGE = 0.01  # of the window's length: a box that ends so near to a cut may be a part of a garment
SAME = 0.5  # IoU from which the less sure of two boxes of a label, found in different windows, goes
INSIDE = 0.8  # share of the smaller box in the surer one, from which it goes as well: a part of the same garment

MOST = 40  # windows of a photo: one that would need more is a strip, no picture of people

Window = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels of the photo


def windows_of(height: int, width: int, sides: Sides) -> list[Window]:
    """The windows along the longer side that cover a photo; none for one that the network sees well as it is, or a strip."""
    short, long = min(height, width), max(height, width)
    if long * sides.image_size <= LONG * short * sides.max_size:
        return []
    length = short * sides.max_size // sides.image_size
    overlap = round(OVERLAP * short)
    count = -(-(long - overlap) // (length - overlap))
    if count > MOST:
        return []
    starts = [round(k * (long - length) / (count - 1)) for k in range(count)]
    return [(a, 0, a + length, height) if width > height else (0, a, width, a + length) for a in starts]


def together(whole: Sequence[Box], parts: Sequence[tuple[Window, Sequence[Box]]], height: int, width: int) -> list[Box]:
    """What was found on the whole photo and on its windows (boxes in their own pixels), each garment once, surest first.

    A box that touches the cut of a window is left to the neighbour that shows all of it.
    """
    every = [(-1, box) for box in whole]
    for number, (window, boxes) in enumerate(parts):
        moved = (_moved(box, window) for box in boxes if not _cut(box, window, height, width))
        every += [(number, box) for box in moved]
    kept: list[tuple[int, Box]] = []
    for number, box in sorted(every, key=lambda pair: -pair[1].score):
        if not any(number != other and _same(box, surer) for other, surer in kept):
            kept.append((number, box))
    return [box for _, box in kept]


def _moved(box: Box, window: Window) -> Box:
    x, y = window[:2]
    return replace(box, x0=box.x0 + x, y0=box.y0 + y, x1=box.x1 + x, y1=box.y1 + y)


def _cut(box: Box, window: Window, height: int, width: int) -> bool:
    """Whether a box, in the window's pixels, ends where the window was cut and the photo goes on."""
    x0, y0, x1, y1 = window
    near = EDGE * max(x1 - x0, y1 - y0)
    return (
        (x0 > 0 and box.x0 < near)
        or (y0 > 0 and box.y0 < near)
        or (x1 < width and box.x1 > x1 - x0 - near)
        or (y1 < height and box.y1 > y1 - y0 - near)
    )


def _same(box: Box, surer: Box) -> bool:
    if box.label != surer.label:
        return False
    return iou(box.corners, surer.corners) > SAME or contained(box.corners, surer.corners) > INSIDE
