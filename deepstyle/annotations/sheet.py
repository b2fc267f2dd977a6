"""A contact sheet of annotated photos, for a person who wants to see whether the boxes are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle.annotations.coco import LABELS, AnnotatedImage
from deepstyle.annotations.mask import decode as decode_mask
from deepstyle.errors import InputError
from deepstyle.files import read_regular, shown
from deepstyle.images import MAX_BYTES, Pixels, decode, tile

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour = tuple[int, int, int]
COLOURS: tuple[Colour, ...] = ((230, 25, 75), (0, 160, 60), (0, 90, 230), (245, 130, 0), (145, 30, 180), (0, 170, 190))
GREY: Colour = (200, 200, 200)
TINT = 0.4  # share of a mask's colour in what is shown


def contact_sheet(images: Sequence[AnnotatedImage], *, columns: int = 6, height: int = 300) -> Pixels:
    """Draw every photo ``height`` pixels tall with its boxes and masks, one colour and name a label, ``columns`` a row.

    Returns uint8 HWC RGB. A photo that cannot be read is a grey cell that says so. Raises InputError for no photos.
    """
    if not images:
        raise InputError("no annotated photos to show; convert or read some first")
    found = dict.fromkeys(one.label for image in images for one in image.annotations)
    labels = [*LABELS, *sorted(set(found) - set(LABELS))]
    colours = {label: COLOURS[k % len(COLOURS)] for k, label in enumerate(labels)}
    cells = [_cell(image, height, colours) for image in images]
    sheet = np.full((len(cells), height, max(cell.shape[1] for cell in cells), 3), 255, np.uint8)
    for k, cell in enumerate(cells):
        sheet[k, :, : cell.shape[1]] = cell
    return tile(sheet, columns=columns)


def _cell(image: AnnotatedImage, height: int, colours: dict[str, Colour]) -> Pixels:
    """One photo, scaled to ``height``, with its boxes and its file name."""
    width = max(1, round(image.width * height / image.height))
    try:
        pixels = _tint(decode(read_regular(image.path, MAX_BYTES)), image, colours)
        photo = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
        caption = shown(image.path.name)
    except (OSError, InputError):
        photo, caption = Image.new("RGB", (width, height), GREY), f"{shown(image.path.name)}: unreadable"
    draw, scale = ImageDraw.Draw(photo), height / image.height
    line = max(2, height // 150)
    for one in image.annotations:
        x0, y0, x1, y1 = (value * scale for value in one.box)
        draw.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=colours[one.label], width=line)
    for one in image.annotations:  # names last, so that no box hides them
        name = f"{one.label}: {one.category}" if one.category else one.label
        _text(draw, (one.box[0] * scale, one.box[1] * scale), name, height, colours[one.label])
    _text(draw, (0, height - _size(height) - 4), caption, height, (0, 0, 0))
    return np.asarray(photo)


def _tint(pixels: Pixels, image: AnnotatedImage, colours: dict[str, Colour]) -> Pixels:
    """Lay the masks that are known over the photo (uint8 HWC), each in its label's colour."""
    pixels = pixels.copy()
    for one in image.annotations:
        if one.mask and pixels.shape[:2] == (image.height, image.width):
            shown = decode_mask(one.mask, image.height, image.width)
            pixels[shown] = (1 - TINT) * pixels[shown] + TINT * np.array(colours[one.label])
    return pixels


def _size(height: int) -> int:
    return max(9, height // 28)


def _text(draw: ImageDraw.ImageDraw, corner: tuple[float, float], words: str, height: int, colour: Colour) -> None:
    font = ImageFont.load_default(_size(height))
    draw.rectangle(draw.textbbox(corner, words, font=font), fill=colour)
    draw.text(corner, words, fill=(255, 255, 255), font=font)
