"""Garments: silhouettes in head units and the sewing details that go on them (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepstyle.demo.cloth import FLAT, Canvas, Cloth, Folds, Points, solid
from deepstyle.demo.figure import Pose, arm_path, both, disc, leg_path, scale, spline, tube

if TYPE_CHECKING:
    from collections.abc import Sequence

NECKS: dict[str, tuple[tuple[float, float], ...]] = {  # right half, from the axis to the shoulder seam
    "v": ((0.0, 1.98), (0.14, 1.66), (0.27, 1.3)),
    "round": ((0.0, 1.52), (0.14, 1.48), (0.25, 1.29)),
    "scoop": ((0.0, 1.82), (0.2, 1.74), (0.36, 1.36)),
    "boat": ((0.0, 1.46), (0.28, 1.43), (0.5, 1.38)),
    "square": ((0.0, 1.76), (0.29, 1.75), (0.31, 1.73), (0.33, 1.34)),
    "high": ((0.0, 1.14), (0.2, 1.12), (0.22, 1.26), (0.3, 1.33)),
    "strapless": ((0.0, 2.0), (0.08, 1.96), (0.28, 1.86), (0.52, 1.84)),
}
SLEEVES = ("none", "short", "long", "puffed", "bell")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One garment, cut and ready to paint."""

    category: str  # a key of draw.CATEGORIES
    body: Points  # outline of the part over the trunk, head units
    neck: str = "round"  # a key of NECKS
    sleeve: str = "none"  # one of SLEEVES
    loose: float = 1.0  # width factor of sleeves
    folds: Folds = FLAT
    belt: bool = False
    lapels: bool = False
    collar: bool = False
    buttons: int = 0  # rows of buttons: 0, 1 or 2
    hem: float = 0.0  # v of the hem, heads
    legs: tuple[float, float, float] | None = None  # trouser half-widths at thigh, knee and hem


def hem_line(width: float, hem: float, drop: float, waves: int) -> Points:
    """Return the right half of a hem, from side seam to axis; `drop` heads lower in the middle, with `waves`."""
    u = np.linspace(1, 0, 17)[1:]
    v = hem + drop * np.cos(np.pi / 2 * u) + 0.05 * (waves > 0) * np.sin(np.pi * waves * u)
    return np.stack([width * u, v], 1)


def shell(neck: str, sides: Sequence[tuple[float, float]], drop: float, waves: int, *, shoulder: float) -> Points:
    """Return the outline of a garment that hangs from the shoulders; `sides` runs from under the arm to the hem."""
    top = spline(NECKS[neck], 5)
    if neck != "strapless":
        top = np.concatenate(
            [
                top,
                spline(
                    [
                        (0.9 * shoulder, 1.45),
                        (shoulder, 1.55),
                        (0.98 * shoulder, 1.68),
                        (sides[0][0], sides[0][1] - 0.1),
                    ],
                    4,
                ),
            ]
        )
    side = spline(sides, 6)
    return both(np.concatenate([top, side, hem_line(*sides[-1], drop, waves)]))


def hanging(waist: float, sides: Sequence[tuple[float, float]], drop: float, waves: int) -> Points:
    """Return the outline of a garment that hangs from the waist at height `waist`."""
    top = np.array([(0.0, waist + 0.04), (0.6 * sides[0][0], waist + 0.02)])
    return both(np.concatenate([top, spline(sides, 6), hem_line(*sides[-1], drop, waves)]))


def swung(outline: Points, swing: float, pivot: float) -> Points:
    """Return an outline whose part below `pivot` sways sideways, by `swing` heads four heads further down."""
    out = outline.copy()
    out[:, 0] += swing * np.maximum(0, outline[:, 1] - pivot) / 4
    return out


def bodice(breadth: float, ease: float) -> list[tuple[float, float]]:
    """Side seam knots from under the arm to the waist, `ease` heads away from the body."""
    return [(0.61 * breadth + ease, 1.98), (0.6 * breadth + ease, 2.2), (0.485 * breadth + ease, 2.74)]


def cut_dress(rng: np.random.Generator, pose: Pose) -> Piece:
    """Return a dress: sheath, A-line, empire, ball, mermaid or shift, of any length, with any neck and sleeve."""
    shape = str(
        rng.choice(["sheath", "aline", "empire", "ball", "mermaid", "shift"], p=[0.2, 0.24, 0.16, 0.18, 0.1, 0.12])
    )
    low, high = ((4.5, 5.0), (5.7, 6.6), (7.2, 7.7))[int(rng.choice(3, p=[0.3, 0.35, 0.35]))]
    hem = {"mermaid": 7.6, "shift": min(float(rng.uniform(4.5, 5.4)), 6)}.get(shape, float(rng.uniform(low, high)))
    b, span, top = pose.breadth, hem - 2.74, bodice(pose.breadth, 0.03)
    flare = float(rng.uniform(0.16, 0.32))
    sides = {
        "sheath": [*top, (0.68, 3.4), (0.72, 3.85), (0.66 - 0.03 * (hem - 4.5), hem)],
        "aline": [*top, (0.62 + 0.3 * flare, 3.25), (0.55 + flare * span, hem)],
        "empire": [top[0], (0.56 * b + 0.04, 2.32), (0.62, 2.8), (0.6 + flare * (hem - 2.4), hem)],
        "ball": [*top, (0.92, 3.05), (1.12 + 0.1 * flare, 3.6), (1.1 + 0.9 * flare * span**0.7, hem)],
        "mermaid": [*top, (0.7, 3.5), (0.7, 4.0), (0.5, 5.4), (0.55, 6.1), (1.0, hem)],
        "shift": [top[0], (0.62 * b + 0.05, 2.4), (0.72, 3.4), (0.74 + 0.4 * flare, hem)],
    }[shape]
    neck = str(rng.choice(list(NECKS), p=[0.22, 0.18, 0.14, 0.13, 0.12, 0.09, 0.12]))
    sleeve = str(rng.choice(SLEEVES, p=[0.38, 0.16, 0.2, 0.16, 0.1])) if neck != "strapless" else "none"
    full = shape in {"aline", "empire", "ball"}
    count = float(rng.uniform(4, 9) if full else rng.uniform(1.5, 3))
    phase, sharp = float(rng.uniform(0, 6)), full and bool(rng.random() < 0.2)
    folds = Folds(count=count, depth=0.2 if full else 0.08, start=0.22, phase=phase, sharp=sharp)
    shoulder = 0.76 * b if sleeve != "none" else float(rng.uniform(0.45, 0.66))
    outline = shell(neck, sides, 0.16 if full else 0.05, round(count) if full else 0, shoulder=shoulder)
    body = swung(outline, float(rng.uniform(-0.3, 0.3)) * (1 if full else 0.3), 2.9)
    belt = shape not in {"empire", "shift"} and bool(rng.random() < 0.4)
    loose = float(rng.uniform(0.9, 1.2))
    return Piece(category="dress", body=body, neck=neck, sleeve=sleeve, folds=folds, belt=belt, hem=hem, loose=loose)


def cut_coat(rng: np.random.Generator, pose: Pose) -> Piece:
    """Return a closed coat: straight, fitted and flared, or cocoon, knee to calf length, with lapels or a collar."""
    shape, hem, b = str(rng.choice(["straight", "flared", "cocoon"])), float(rng.uniform(4.7, 6.9)), pose.breadth
    top = [(0.72 * b, 2.0), (0.7 * b, 2.3)]
    sides = {
        "straight": [*top, (0.72, 3.0), (0.8, 3.8), (0.86, hem)],
        "flared": [*top, (0.6 * b, 2.76), (0.76, 3.4), (0.72 + 0.13 * (hem - 2.74), hem)],
        "cocoon": [*top, (0.86, 3.0), (0.96, 3.9), (0.74, hem)],
    }[shape]
    lapels = bool(rng.random() < 0.68)
    neck = "v" if lapels else str(rng.choice(["round", "high"]))
    folds = Folds(count=float(rng.uniform(2, 4)), depth=0.1, start=0.3, phase=float(rng.uniform(0, 6)))
    outline = shell(neck, sides, 0.06, 0, shoulder=0.84 * b)
    return Piece(category="coat", body=swung(outline, float(rng.uniform(-0.2, 0.2)), 3.0), neck=neck, sleeve="long",
                 loose=float(rng.uniform(1.25, 1.6)), folds=folds, belt=bool(rng.random() < 0.4), lapels=lapels,
                 collar=not lapels, buttons=int(rng.integers(1, 3)), hem=hem)  # fmt: skip


def cut_top(rng: np.random.Generator, pose: Pose, *, tucked: bool) -> Piece:
    """Return a top: tee, shirt, knit or bustier; cropped, tucked, loose or with a peplum."""
    b, fit = pose.breadth, str(rng.choice(["fitted", "boxy", "cropped", "peplum"], p=[0.35, 0.3, 0.2, 0.15]))
    top = bodice(b, 0.03)
    sides = {
        "fitted": [*top, (0.56 * b, 3.0)] if tucked else [*top, (0.6, 3.1), (0.68, 3.4)],
        "boxy": [(0.72 * b, 2.02), (0.72 * b, 2.4), (0.76, 2.9), (0.78, float(rng.uniform(3.2, 3.75)))],
        "cropped": [(0.66 * b, 2.0), (0.64 * b, 2.2), (0.54 * b, float(rng.uniform(2.5, 2.75)))],
        "peplum": [*top, (0.72, 3.05), (0.86, 3.45)],
    }["fitted" if tucked and fit in {"boxy", "peplum"} else fit]
    neck = str(rng.choice(list(NECKS), p=[0.2, 0.26, 0.12, 0.13, 0.09, 0.14, 0.06]))
    sleeve = str(rng.choice(SLEEVES, p=[0.2, 0.22, 0.36, 0.12, 0.1])) if neck != "strapless" else "none"
    shirt = neck in {"v", "round"} and rng.random() < 0.35
    folds = Folds(count=float(rng.uniform(1.5, 4)), depth=0.1, start=0.15, phase=float(rng.uniform(0, 6)))
    outline = shell(neck, sides, 0.06, 3 if fit == "peplum" else 0, shoulder=0.8 * b if sleeve != "none" else 0.58)
    loose = float(rng.uniform(0.95, 1.5 if fit == "boxy" else 1.15))
    return Piece(category="top", body=outline, neck=neck, sleeve=sleeve, folds=folds, collar=bool(shirt),
                 hem=sides[-1][1], buttons=int(shirt), loose=loose)  # fmt: skip


def cut_skirt(rng: np.random.Generator, pose: Pose) -> Piece:
    """Return a skirt: pencil, A-line, circle or pleated; mini, midi or maxi."""
    shape = str(rng.choice(["pencil", "aline", "circle", "pleated"], p=[0.22, 0.28, 0.25, 0.25]))
    low, high = ((4.5, 4.9), (5.6, 6.6), (7.1, 7.6))[int(rng.choice(3, p=[0.3, 0.45, 0.25]))]
    hem, waist = float(rng.uniform(low, high)), float(rng.uniform(2.62, 2.85))
    start, span, flare = 0.5 * pose.breadth + 0.02, hem - waist, float(rng.uniform(0.14, 0.3))
    sides = {
        "pencil": [(start, waist), (0.68, 3.4), (0.72, 3.9), (0.64 - 0.03 * (hem - 4.5), hem)],
        "aline": [(start, waist), (0.7, 3.3), (0.6 + flare * span, hem)],
        "circle": [(start, waist), (0.84, 3.15), (0.8 + 1.3 * flare * span**0.8, hem)],
        "pleated": [(start, waist), (0.72, 3.3), (0.66 + 0.9 * flare * span, hem)],
    }[shape]
    soft = shape != "pencil"
    count = float(rng.uniform(8, 14) if shape == "pleated" else rng.uniform(4, 8) if soft else 1.5)
    phase, sharp = float(rng.uniform(0, 6)), shape == "pleated"
    folds = Folds(count=count, depth=0.2 if soft else 0.07, start=0.06, phase=phase, sharp=sharp)
    outline = hanging(waist, sides, 0.14 if soft else 0.05, round(count) if soft else 0)
    body = swung(outline, float(rng.uniform(-0.35, 0.35)) * (1 if soft else 0.3), 3.0)
    return Piece(category="skirt", body=body, folds=folds, hem=hem, belt=bool(rng.random() < 0.35))


def cut_trousers(rng: np.random.Generator, pose: Pose) -> Piece:
    """Return trousers: slim, straight, wide, flared or cropped."""
    cut = str(rng.choice(["slim", "straight", "wide", "flared", "cropped"]))
    legs = {"slim": (0.35, 0.22, 0.15), "straight": (0.35, 0.24, 0.23), "wide": (0.37, 0.3, 0.4),
            "flared": (0.35, 0.23, 0.4), "cropped": (0.35, 0.24, 0.25)}[cut]  # fmt: skip
    hem = float(rng.uniform(6.4, 6.9)) if cut == "cropped" else float(rng.uniform(7.45, 7.75))
    waist = float(rng.uniform(2.6, 3.0))
    top = 0.5 * pose.breadth + 0.02 + 0.2 * max(0.0, waist - 2.75)
    sides = [(top, waist), (0.64, 3.35), (0.68, 3.75)]
    outline = both(
        np.concatenate([[(0.0, waist + 0.04)], spline(sides, 6), [(0.56, 4.15), (0.3, 4.4), (0.03, 4.25), (0.0, 4.2)]])
    )
    folds = Folds(count=1.2, depth=0.1, start=0.2, phase=float(rng.uniform(0, 6)))
    return Piece(category="trousers", body=outline, folds=folds, hem=hem, legs=legs, belt=bool(rng.random() < 0.4))


def trouser_leg(piece: Piece, pose: Pose, side: int) -> Points:
    """Return the outline of one trouser leg, head units."""
    assert piece.legs is not None, f"{piece.category} has no legs"
    (hu, hv), (ku, kv), (au, av) = leg_path(pose, side)
    thigh, knee, end = piece.legs
    hem = min(piece.hem - 0.6 * pose.stride * (side == 0), av + 0.12)
    t = (hem - kv) / (av - kv)
    u = ku + t * (au - ku)
    return tube([(hu, hv, thigh), ((hu + ku) / 2, (hv + kv) / 2, 0.55 * thigh + 0.45 * knee), (ku, kv, knee),
                 ((ku + u) / 2, (kv + hem) / 2, 0.5 * knee + 0.5 * end), (u, hem, end)], end=0.12)  # fmt: skip


def sleeve_outline(piece: Piece, pose: Pose, side: int) -> Points | None:
    """Return the outline of one sleeve, head units; None when there is none."""
    (su, sv), (eu, ev), (wu, wv) = arm_path(pose, side)
    f, start = piece.loose, (0.97 * su, sv - 0.02)
    upper = [(su + t * (eu - su), sv + t * (ev - sv)) for t in (0.3, 0.55, 0.7)]
    if piece.sleeve == "short":
        return tube([(*start, 0.2), (*upper[0], 0.2 * f), (*upper[1], 0.21 * f)], end=0.12)
    if piece.sleeve == "puffed":
        return tube([(*start, 0.18), (*upper[0], 0.38), (*upper[1], 0.37), (*upper[2], 0.18)], end=0.12)
    if piece.sleeve in {"long", "bell"}:
        wide = 0.34 if piece.sleeve == "bell" else 0.11 * f
        middle = ((eu + wu) / 2, (ev + wv) / 2, 0.14 * f if piece.sleeve == "long" else 0.2)
        return tube(
            [(*start, 0.2), (*upper[0], 0.2 * f**0.6), (eu, ev, 0.165 * f), middle, (wu, wv - 0.04, wide)], end=0.12
        )
    return None


def sew(canvas: Canvas, pose: Pose, piece: Piece, cloth: Cloth, owner: int) -> None:
    """Add lapels, collar, closing, buttons and belt within the garment's own pixels."""
    seam = scale(cloth.trim, 0.6)
    if piece.buttons:
        start, offset = NECKS[piece.neck][0][1], 0.0 if piece.buttons == 1 else 0.2
        line = [(offset, start, 0.012), (offset, (start + piece.hem) / 2, 0.012), (offset, piece.hem + 0.3, 0.012)]
        canvas.tint([pose.place(tube(line))], (0, 0, 0), 0.4, owner)
        last = min(piece.hem - 0.25, 4.3 if piece.category == "coat" else 9)
        places = [(u, v) for u in ((0.06,) if piece.buttons == 1 else (-0.17, 0.12))
                  for v in np.arange(start + 0.2, last, 0.42 if piece.category == "coat" else 0.28)]  # fmt: skip
        size = 0.055 if piece.category == "coat" else 0.032
        canvas.tint([pose.place(disc(u, v, size)) for u, v in places], seam, 0.95, owner)
    if piece.lapels:
        for side in (-1.0, 1.0):
            lapel = np.array(
                [(0.24, 1.26), (0.42, 1.4), (0.36, 1.56), (0.47, 1.58), (0.04, 2.16), (-0.02, 2.04), (0.14, 1.66)]
            )
            flap = pose.place(lapel * np.array([side, 1.0]))
            canvas.tint([flap + np.array([0, pose.head * 0.04])], (0, 0, 0), 0.45, owner, blur=pose.head * 0.03)
            canvas.paint([flap], cloth, owner, clip=True)
    if piece.collar:
        for side in (-1.0, 1.0):
            low = NECKS[piece.neck][0][1]
            flap = pose.place(np.array([(0.2, 1.2), (0.34, 1.34), (0.3, low + 0.16), (0.02, low), (0.14, low - 0.1)])
                              * np.array([side, 1.0]))  # fmt: skip
            canvas.tint([flap + np.array([0, pose.head * 0.03])], (0, 0, 0), 0.4, owner, blur=pose.head * 0.03)
            canvas.paint([flap], cloth, owner, clip=True)
    if piece.belt:
        high = piece.body[:, 1].min() if piece.legs or piece.category == "skirt" else 2.68
        band = np.array([(-1.2, high - 0.02), (1.2, high - 0.02), (1.2, high + 0.17), (-1.2, high + 0.17)])
        canvas.paint([pose.place(band)], solid(cloth.trim, relief=0.2, sheen=0.6), owner, clip=True)
        canvas.tint([pose.place(disc(0.0, high + 0.08, 0.1, 0.09))], (214, 184, 110), 0.9, owner)
