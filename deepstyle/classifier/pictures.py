"""Pictures of an evaluation for TensorBoard: confusion matrix and worst mistakes. Pure: arrays in, pixels out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepstyle.classifier.evaluate import Predictions
from deepstyle.images import Pixels, resize, tile

CELL = 34  # pixels a side of one field of the confusion matrix
TILE = 160  # pixels a side of one image on the sheet of mistakes
LINE = 15  # pixels a line of text takes
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def confusion_picture(evaluation: Predictions) -> Pixels:
    """The confusion matrix as H x W x 3 uint8: a row a true label, a column a called one, darker for a larger share."""
    labels, counts = evaluation.labels, evaluation.confusion
    font = ImageFont.load_default(size=12)
    margin = 12 + max(round(font.getlength(name)) for name in labels)
    side = margin + CELL * len(labels)
    figures = f"{evaluation.images} images, top-1 {evaluation.top1:.1%}, top-3 {evaluation.top3:.1%}"
    caption = f"row: true, column: called; {figures}"
    sheet = Image.new("RGB", (max(side, 8 + round(font.getlength(caption))), side + LINE), "white")
    sheet.paste(_column_names(labels, margin, font), (margin, 0))
    draw = ImageDraw.Draw(sheet)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for i, name in enumerate(labels):
        y = margin + i * CELL
        draw.text((margin - 6, y + CELL // 2), name, fill="black", font=font, anchor="rm")
        for j in range(len(labels)):
            _field(draw, margin + j * CELL, y, int(counts[i, j]), float(shares[i, j]), good=i == j, font=font)
    draw.text((4, side + LINE // 2), caption, fill="black", font=font, anchor="lm")
    return np.asarray(sheet)


def _column_names(labels: tuple[str, ...], margin: int, font: Font) -> Image.Image:
    """The labels written upwards, one a column."""
    lying = Image.new("RGB", (margin, CELL * len(labels)), "white")
    draw = ImageDraw.Draw(lying)
    for i, name in enumerate(labels):
        draw.text((6, i * CELL + CELL // 2), name, fill="black", font=font, anchor="lm")
    return lying.transpose(Image.Transpose.ROTATE_90)


def _field(draw: ImageDraw.ImageDraw, x: int, y: int, count: int, share: float, *, good: bool, font: Font) -> None:
    pale = round(255 * (1 - share))
    colour = (pale, round(255 - 95 * share), pale) if good else (255, pale, pale)
    draw.rectangle((x, y, x + CELL - 2, y + CELL - 2), fill=colour, outline=(225, 225, 225))
    if count:
        ink = "white" if share > 0.7 else "black"
        draw.text((x + CELL // 2 - 1, y + CELL // 2 - 1), str(count), fill=ink, font=font, anchor="mm")


def mistakes_picture(images: Pixels, evaluation: Predictions, *, count: int = 24, columns: int = 6) -> Pixels | None:
    """The worst mistakes, each with its true and its called label; None when there is no mistake.

    ``images`` are N x S x S x 3 uint8 in the order of the evaluation; the sheet is H x W x 3 uint8.
    """
    worst = evaluation.worst_mistakes(count)
    if not len(worst):
        return None
    return cards_picture([images[i] for i in worst], [_words(evaluation, int(i)) for i in worst], columns=columns)


def cards_picture(images: Sequence[Pixels], words: Sequence[tuple[str, str]], *, columns: int = 6) -> Pixels:
    """Images (S x S x 3 uint8), each with what it is called in red and what is said of it in green: H x W x 3 uint8."""
    cards = [_card(pixels, *lines) for pixels, lines in zip(images, words, strict=True)]
    return tile(np.stack(cards), columns=min(columns, len(cards)))


def _words(evaluation: Predictions, i: int) -> tuple[str, str]:
    row = evaluation.probabilities[i]
    called, true = int(row.argmax()), int(evaluation.truth[i])
    return (
        f"called {evaluation.labels[called]} {row[called]:.0%}",
        f"true {evaluation.labels[true]} {row[true]:.1%}",
    )


def _card(pixels: Pixels, called: str, true: str) -> Pixels:
    card = Image.new("RGB", (TILE, TILE + 2 * LINE + 2), "white")
    card.paste(Image.fromarray(resize(np.asarray(pixels), TILE)))
    draw = ImageDraw.Draw(card)
    font = ImageFont.load_default(size=12)
    draw.text((3, TILE + 1), called, fill=(190, 0, 0), font=font)
    draw.text((3, TILE + LINE + 1), true, fill=(0, 110, 0), font=font)
    return np.asarray(card)
