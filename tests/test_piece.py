"""A garment's pixels: cut, blurred around, padded."""

from __future__ import annotations

import numpy as np
import pytest

from deepstyle import images
from deepstyle.boxes import Box
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.piece import piece_of
from deepstyle.crop.rules import choose
from deepstyle.errors import ConfigError
from deepstyle.images import Pixels
from deepstyle.shape import SIDE

NOISE = np.random.default_rng(0).integers(0, 256, (200, 120, 3), dtype=np.uint8)


def cut(
    *overrides: str, corners: tuple[int, int, int, int] = (40, 50, 80, 150), photo: Pixels = NOISE, shape: bytes = b""
) -> Pixels:
    config = load_config(CropConfig, None, ["margin=0", "min_side=1", *overrides])
    x0, y0, x1, y1 = corners
    found = [Box(x0=x0, y0=y0, x1=x1, y1=y1, label="full", score=0.9, shape=shape)]
    (choice,) = choose(found, config, photo.shape[1], photo.shape[0])
    return piece_of(images.crop(photo, choice.box.corners), choice, config)


def test_tight_is_the_box() -> None:
    """Without rules, the piece is the box's pixels."""
    assert (cut() == NOISE[50:150, 40:80]).all()


def test_square_takes_context_from_the_photo() -> None:
    """A square around the box, moved into the photo at a border."""
    assert (cut("aspect=square") == NOISE[50:150, 10:110]).all()
    assert (cut("aspect=square", corners=(0, 50, 40, 150)) == NOISE[50:150, 0:100]).all()


def test_square_of_a_narrow_photo_is_padded() -> None:
    """Where the photo is narrower than the box is tall, the square's rest repeats the edge."""
    piece = cut("aspect=square", corners=(10, 0, 110, 200))

    assert piece.shape == (200, 200, 3)
    assert (piece[:, 40:160] == NOISE).all()
    assert (piece[:, :40] == NOISE[:, :1]).all()


@pytest.mark.parametrize("aspect", ["pad-edge", "pad-mean"])
def test_padding_keeps_the_box_in_the_middle(aspect: str) -> None:
    """Padded pieces are square with the box in the middle and nothing of its surroundings."""
    piece = cut(f"aspect={aspect}")

    assert piece.shape == (100, 100, 3)
    assert (piece[:, 30:70] == NOISE[50:150, 40:80]).all()


def test_mean_padding_is_the_mean_colour() -> None:
    """The pad is the mean of the piece, each channel by itself."""
    pixels = np.zeros((100, 40, 3), np.uint8)
    pixels[:50] = (10, 20, 40)
    padded = cut("aspect=pad-mean", corners=(0, 0, 40, 100), photo=pixels)

    assert padded[0, 0].tolist() == [5, 10, 20]
    assert (padded[:, 30:70] == pixels).all()


def test_blur_follows_the_margin() -> None:
    """With a margin, the piece keeps its size, the box stays sharp and the margin does not."""
    plain, blurred = cut("margin=0.5"), cut("margin=0.5", "background=blur")

    assert plain.shape == blurred.shape == (200, 80, 3)
    assert (blurred[50:150, 20:60] == plain[50:150, 20:60]).all()
    assert not (blurred[:50] == plain[:50]).all(-1).any(-1).all()


def half() -> bytes:
    """The left half of a box is garment."""
    cells = np.zeros((SIDE, SIDE), np.uint8)
    cells[:, : SIDE // 2] = 255
    return cells.tobytes()


@pytest.mark.parametrize(("background", "colour"), [("remove", (255, 255, 255)), ("'#20c040'", (32, 192, 64))])
def test_a_ground_follows_the_shape(background: str, colour: tuple[int, int, int]) -> None:
    """Where the shape is garment the photo stays; elsewhere, and in the padding, there is the colour; the edge is soft."""
    plain = cut("margin=0.05", corners=(20, 50, 100, 150))
    piece = cut(f"background={background}", "margin=0.05", corners=(20, 50, 100, 150), shape=half())
    square = cut(f"background={background}", "aspect=pad-edge", "margin=0.05", corners=(20, 50, 100, 150), shape=half())

    assert (piece[10:-10, 4:41] == plain[10:-10, 4:41]).all()
    assert (piece[10:-10, 47:] == colour).all()
    assert (square[:, :10] == colour).all()
    assert not (piece[10:-10, 41:47] == plain[10:-10, 41:47]).all()
    assert not (piece[10:-10, 41:47] == colour).all()


def test_transparency_is_a_fourth_channel() -> None:
    """Transparent pieces keep the photo's pixels under an alpha; their file, read as any photo is, has them on white."""
    piece = cut("transparent=true", corners=(20, 50, 100, 150), shape=half())
    square = cut("transparent=true", "aspect=pad-edge", corners=(20, 50, 100, 150), shape=half())
    read = images.decode(images.encode(piece))

    assert (piece[..., :3] == NOISE[50:150, 20:100]).all()
    assert piece[50, [5, 70], 3].tolist() == [255, 0]
    assert square.shape == (100, 100, 4)
    assert square[:, :10, 3].max() == 0
    assert (read[10:-10, 5:36] == NOISE[60:140, 25:56]).all()
    assert (read[:, 50:] == 255).all()


def test_unknown_shapes_are_boxes() -> None:
    """Without a shape all of the garment's own box is garment."""
    piece = cut("background=remove", "margin=0.5")

    assert (piece[50:150, 20:60] == NOISE[50:150, 40:80]).all()
    assert (piece[:, :20] == 255).all()


def test_a_word_that_is_no_colour_is_refused() -> None:
    """Another background is refused by name before anything is done."""
    with pytest.raises(ConfigError, match=r"background 'sky'.*keep, blur, remove, nor a colour"):
        load_config(CropConfig, None, ["background=sky"])


def test_a_see_through_colour_is_refused() -> None:
    """It would have become opaque without a word; an opaque colour with an alpha of its own is one."""
    with pytest.raises(ConfigError, match=r"'#ff000080' is see-through.*--transparent"):
        load_config(CropConfig, None, ["background='#ff000080'"])

    assert (cut("background='#ff0000ff'", "margin=0.5")[0, 0] == (255, 0, 0)).all()
