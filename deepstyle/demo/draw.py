"""Draw fashion looks: one model on a runway, deterministic from a seed, each garment's exact box and mask (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from deepstyle.annotations.mask import encode
from deepstyle.demo import figure, garments
from deepstyle.demo.cloth import Canvas, Cloth, Folds, Points, Rgb, choose_cloth, hsv, solid
from deepstyle.demo.stage import draw_stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepstyle.demo.figure import Pose

CATEGORIES: dict[str, str] = {"dress": "full", "coat": "full", "top": "upper", "skirt": "lower", "trousers": "lower"}
OVERSAMPLE = 2  # canvas pixels per final pixel, each way
FIRST_GARMENT = figure.BODY + 1  # owner number of the first garment in the canvas's owner map


@dataclass(frozen=True, kw_only=True)
class DrawnGarment:
    """One garment of a look and where it can be seen."""

    category: str  # a key of CATEGORIES
    label: str  # its value: full, upper or lower
    box: tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels around its visible pixels; x1 and y1 exclusive
    mask: str  # the pixels of which it has at least half, as compressed run lengths (annotations/mask.py)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One drawn photograph."""

    pixels: NDArray[np.uint8]  # (height, width, 3) RGB
    garments: tuple[DrawnGarment, ...]


def draw_look(seed: int, *, width: int = 400, height: int = 600) -> Look:
    """Return the look of a seed (0 or more), `width` x `height` pixels; the same arguments give the same look."""
    rng = np.random.default_rng(seed)
    dye = np.random.default_rng([seed, 1])  # colours apart, so that they do not change the cut
    pose = figure.random_pose(rng, OVERSAMPLE * width, OVERSAMPLE * height)
    image = draw_stage(rng, pose, OVERSAMPLE * width, OVERSAMPLE * height)
    canvas = Canvas(image=image, light=float(rng.choice([-0.9, -0.5, 0.5, 0.9])), softness=pose.head * 0.13)
    pieces = choose_pieces(rng, pose)
    if all(piece.legs is None for piece in pieces):
        pose = replace(pose, stance=0.2 * pose.stance)  # skirts keep the feet together
    cloths = [choose_cloth(dye, pose.head) for _ in pieces]
    dress_figure(canvas, pose, pieces, cloths, rng)
    found = []
    for owner, piece in enumerate(pieces, FIRST_GARMENT):
        seen = np.asarray(canvas.owners) == owner
        if seen.any():
            label = CATEGORIES[piece.category]
            found.append(DrawnGarment(category=piece.category, label=label, box=box_of(seen), mask=mask_of(seen)))
    return Look(pixels=np.asarray(canvas.image.reduce(OVERSAMPLE)), garments=tuple(found))


def choose_pieces(rng: np.random.Generator, pose: Pose) -> list[garments.Piece]:
    """Return what the model wears, in the order it is put on: a dress, a coat, or a top with a skirt or trousers."""
    outfit = str(rng.choice(["dress", "coat", "skirt", "trousers"]))
    if outfit == "dress":
        return [garments.cut_dress(rng, pose)]
    if outfit == "coat":
        return [garments.cut_coat(rng, pose)]
    tucked = bool(rng.random() < 0.5)
    top = garments.cut_top(rng, pose, tucked=tucked)
    below = garments.cut_skirt(rng, pose) if outfit == "skirt" else garments.cut_trousers(rng, pose)
    return [top, below] if tucked else [below, top]


def dress_figure(
    canvas: Canvas, pose: Pose, pieces: list[garments.Piece], cloths: list[Cloth], rng: np.random.Generator
) -> None:
    """Paint the model from back to front: hair, legs, trunk, garments, head, arms and sleeves, hair."""
    skin, hair = figure.SKINS[int(rng.integers(len(figure.SKINS)))], figure.HAIRS[int(rng.integers(len(figure.HAIRS)))]
    style, parting = str(rng.choice(figure.STYLES)), float(rng.uniform(-0.16, 0.16))
    stocking = (34, 30, 34) if rng.random() < 0.14 else skin
    shoe, boots = figure.shoe_colour(rng), bool(rng.random() < 0.25) and all(p.legs is None for p in pieces)
    knit = hsv(float(rng.random()), float(rng.uniform(0, 0.4)), float(rng.uniform(0.12, 0.95)))
    figure.hair_back(canvas, pose, style, hair)
    for side in (0, 1):
        figure.skin_leg(canvas, pose, side, stocking, shoe, boots=boots)
    under = knit if pieces[0].category == "coat" and rng.random() < 0.6 else skin
    figure.skin_torso(canvas, pose, under)
    if under != skin:
        canvas.paint(
            [pose.place(figure.tube([(0, 0.8, 0.17), (0, 0.95, 0.17), (0, 1.06, 0.18)]))], solid(skin), figure.BODY
        )
    for owner, (piece, cloth) in enumerate(zip(pieces, cloths, strict=True), FIRST_GARMENT):
        drop_shadow(canvas, pose.place(piece.body), pose, 0.07)
        if piece.legs is None:
            canvas.paint([pose.place(piece.body)], cloth, owner, folds=piece.folds)
        else:
            paint_trousers(canvas, pose, piece, cloth, owner)
        garments.sew(canvas, pose, piece, cloth, owner)
    figure.head(canvas, pose, skin)
    for side in (0, 1):
        paint_arm(canvas, pose, pieces, cloths, skin, side=side)
    figure.hair_front(canvas, pose, style, hair, parting)


def paint_trousers(canvas: Canvas, pose: Pose, piece: garments.Piece, cloth: Cloth, owner: int) -> None:
    """Paint seat and rear leg, shade that leg, then the front leg with its half of the seat."""
    rear, front = (pose.place(garments.trouser_leg(piece, pose, side)) for side in (0, 1))
    canvas.paint([pose.place(piece.body), rear], cloth, owner, folds=piece.folds)
    for start in (4.2, 4.6, 5.1):
        low = np.stack([rear[:, 0], np.maximum(rear[:, 1], pose.top + start * pose.head)], 1)
        canvas.tint([low], (0, 0, 0), 0.12, owner, blur=pose.head * 0.09)
    half = piece.body[piece.body[:, 0] >= 0]
    canvas.paint([pose.place(half), front], cloth, owner, folds=piece.folds)


def paint_arm(
    canvas: Canvas, pose: Pose, pieces: list[garments.Piece], cloths: list[Cloth], skin: Rgb, *, side: int
) -> None:
    """Paint one arm and the sleeve over it, with the shadow they throw on the clothes."""
    shape = np.array([(u, v, 0.17) for u, v in figure.arm_path(pose, side)])
    drop_shadow(canvas, pose.place(figure.tube([(u, v, w) for u, v, w in shape[1:].tolist()])), pose, 0.05)
    figure.skin_arm(canvas, pose, side, skin)
    for owner, (piece, cloth) in enumerate(zip(pieces, cloths, strict=True), FIRST_GARMENT):
        sleeve = garments.sleeve_outline(piece, pose, side)
        if sleeve is not None:
            canvas.paint([pose.place(sleeve)], cloth, owner, folds=Folds(count=1.5, depth=0.06, start=0))


def drop_shadow(canvas: Canvas, outline: Points, pose: Pose, distance: float) -> None:
    """Darken what lies under an outline, `distance` heads below it."""
    canvas.tint([outline + np.array([0, distance * pose.head])], (0, 0, 0), 0.4, blur=pose.head * 0.05)


def box_of(seen: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return the bounds, in final pixels, of the pixels of which any part is seen; H x W on the canvas, some True."""
    rows, columns = np.flatnonzero(seen.any(1)) // OVERSAMPLE, np.flatnonzero(seen.any(0)) // OVERSAMPLE
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def mask_of(seen: NDArray[np.bool_]) -> str:
    """Return the final pixels of which at least half is seen, as compressed run lengths; H x W on the canvas."""
    steps = range(OVERSAMPLE)
    slices = np.stack([seen[y::OVERSAMPLE, x::OVERSAMPLE] for y in steps for x in steps])
    most: NDArray[np.bool_] = 2 * slices.sum(axis=0, dtype=np.uint8) >= OVERSAMPLE**2
    return encode(most)
