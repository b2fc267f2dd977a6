"""The model: pose, body and hair, drawn in head units (pure).

A point is (u, v): u heads right of the body's axis, v heads below the crown. The figure is eight heads tall:
chin at 1, shoulders at 1.5, waist at 2.75, hips at 3.7, knees at 5.7, floor at 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepstyle.demo.cloth import Canvas, Folds, Points, Rgb, hsv, solid

if TYPE_CHECKING:
    from collections.abc import Sequence

BODY = 1  # the owner number of skin, hair and shoes in a canvas's owner map
SKINS: tuple[Rgb, ...] = (
    (250, 222, 200), (243, 205, 178), (232, 188, 156), (214, 164, 128), (190, 136, 100), (160, 108, 76), (128, 82, 58),
    (98, 62, 46), (74, 48, 38),
)  # fmt: skip
HAIRS: tuple[Rgb, ...] = (
    (28, 22, 22), (46, 32, 26), (74, 48, 32), (110, 72, 44), (150, 100, 60), (196, 156, 100), (226, 198, 146),
    (140, 58, 34), (176, 172, 168),
)  # fmt: skip
STYLES = ("crop", "slick", "bob", "long", "wavy", "bun", "ponytail", "afro", "fringe")


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where the figure stands and how it moves; lengths in heads unless said otherwise."""

    centre: float  # x of the feet, canvas pixels
    top: float  # y of the crown, canvas pixels
    head: float  # one head, canvas pixels
    mirror: float  # 1, or -1 for the mirror image
    lean: float  # sideways offset of the crown
    hip: float  # sideways offset of the hips
    stride: float  # how far the rear foot is off the floor
    stance: float  # 0 crosses the feet as on a catwalk, 1 sets them apart
    breadth: float  # factor on widths above the hips, about 1
    arms: tuple[tuple[tuple[float, float], tuple[float, float]], ...]  # elbow and wrist, left then right

    def place(self, points: Points) -> Points:
        """Head units to canvas pixels."""
        u, v = points[:, 0], points[:, 1]
        sway = self.lean * (1 - v / 8) + self.hip * np.exp(-(((v - 3.6) / 1.2) ** 2))
        return np.stack([self.centre + self.head * self.mirror * (u + sway), self.top + self.head * v], 1)


def spline(knots: Sequence[tuple[float, ...]], per: int = 8, *, closed: bool = False) -> Points:
    """Return a Catmull-Rom curve through (n, k) knots, `per` samples a span."""
    p = np.asarray(knots, np.float64)
    around = (
        np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    )
    t = np.arange(per)[:, None, None] / per
    a, b, c, d = around[:-3], around[1:-2], around[2:-1], around[3:]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    curve = curve.transpose(1, 0, 2).reshape(-1, p.shape[1])
    return curve if closed else np.concatenate([curve, p[-1:]])


def tube(knots: Sequence[tuple[float, float, float]], *, end: float = 0.5) -> Points:
    """Return the outline of a limb through (u, v, half-width) knots; `end` 0 cuts it straight, 0.5 rounds it off."""
    curve = spline(knots)
    step = np.gradient(curve[:, :2], axis=0)
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    side = np.stack([-step[:, 1], step[:, 0]], 1) * curve[:, 2:]
    start, tip = curve[0, :2] - step[0] * curve[0, 2] * 0.5, curve[-1, :2] + step[-1] * curve[-1, 2] * end
    left, right = curve[:, :2] + side, curve[:, :2] - side
    return np.concatenate([start[None], left, tip[None], right[::-1]])


def both(right: Points) -> Points:
    """Return a symmetric outline from its right half, which runs from the axis down to the axis."""
    return np.concatenate([right, right[::-1] * np.array([-1.0, 1.0])])


def disc(u: float, v: float, ru: float, rv: float | None = None) -> Points:
    """Return an ellipse about (u, v)."""
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]
    return np.stack([u + ru * np.cos(angle), v + (ru if rv is None else rv) * np.sin(angle)], 1)


def random_pose(rng: np.random.Generator, width: int, height: int) -> Pose:
    """Return a walking pose for a canvas of this size in pixels; the figure fills 70 to 92 % of the height."""
    share = float(rng.uniform(0.7, 0.92))
    top = float(rng.uniform(0.25, 0.7)) * (1 - share) * height
    arms = []
    for side in (-1.0, 1.0):
        out, bend, swing = rng.uniform(0.02, 0.2), rng.uniform(-0.1, 0.12), rng.uniform(-0.3, 0.08)
        elbow, wrist = (side * (0.86 + out), 2.82), (side * (0.88 + 1.3 * out + bend), 3.86 + swing)
        if rng.random() < 0.1:  # hand on the hip
            elbow, wrist = (side * 1.42, 2.72), (side * 0.72, 3.3)
        arms.append((elbow, wrist))
    return Pose(
        centre=width * float(rng.uniform(0.4, 0.6)),
        top=top,
        head=share * height / 8.1,
        mirror=float(rng.choice([-1.0, 1.0])),
        lean=float(rng.uniform(-0.12, 0.12)),
        hip=float(rng.uniform(-0.02, 0.12)),
        stride=float(rng.uniform(0.0, 0.38)),
        stance=float(rng.uniform(0.3, 1.3)),
        breadth=float(rng.uniform(0.95, 1.1)),
        arms=tuple(arms),
    )


def arm_path(pose: Pose, side: int) -> list[tuple[float, float]]:
    """Shoulder, elbow and wrist of the left (0) or right (1) arm."""
    sign = 2 * side - 1
    return [(sign * 0.68 * pose.breadth, 1.62), *pose.arms[side]]


def leg_path(pose: Pose, side: int) -> list[tuple[float, float]]:
    """Hip, knee and ankle; side 1 is the leg that carries the weight, 0 the rear leg, nearly crossing it."""
    if side == 1:
        return [(0.33, 3.8), (0.24 + 0.07 * pose.stance, 5.75), (0.1 + 0.18 * pose.stance, 7.62)]
    ankle = (-0.2 - 0.12 * pose.stance + 0.1 * pose.stride, 7.62 - pose.stride)
    return [(-0.33, 3.8), (-0.26 - 0.06 * pose.stance, 5.68), ankle]


def skin_leg(canvas: Canvas, pose: Pose, side: int, colour: Rgb, shoe: Rgb, *, boots: bool) -> None:
    """Draw one bare or stockinged leg and its shoe."""
    (hu, hv), (ku, kv), (au, av) = leg_path(pose, side)
    knots = [(hu, hv, 0.34), ((hu + ku) / 2, (hv + kv) / 2, 0.28), (ku, kv, 0.19),
             (0.6 * ku + 0.4 * au, kv + 0.65, 0.2), (au, av, 0.1), (au, av + 0.12, 0.1)]  # fmt: skip
    dim = 0.8 if side == 0 else 1.0
    shade = solid(scale(colour, dim), relief=0.55)
    canvas.paint([pose.place(tube(knots))], shade, BODY)
    leather = solid(scale(shoe, dim), relief=0.5, sheen=0.6)
    toe = 0.46 - 0.2 * pose.stride * (side == 0)
    foot = spline([(au, av - 0.02), (au + 0.13, av + 0.04), (au + 0.17, av + 0.6 * toe), (au + 0.12, av + 0.92 * toe),
                   (au + 0.02, av + toe), (au - 0.09, av + 0.92 * toe), (au - 0.14, av + 0.6 * toe),
                   (au - 0.12, av + 0.04)], closed=True)  # fmt: skip
    if not boots:
        foot[:, 1] = np.maximum(foot[:, 1], av + 0.12)
        canvas.paint([pose.place(tube([(au, av - 0.1, 0.1), (au, av + 0.22, 0.12)]))], shade, BODY)
    canvas.paint([pose.place(foot)], leather, BODY)
    if boots:
        shaft = [(0.75 * ku + 0.25 * au, kv + 0.5, 0.24), (0.35 * ku + 0.65 * au, kv + 1.1, 0.2), (au, av, 0.14),
                 (au, av + 0.15, 0.14)]  # fmt: skip
        canvas.paint([pose.place(tube(shaft))], leather, BODY)


def skin_arm(canvas: Canvas, pose: Pose, side: int, colour: Rgb) -> None:
    """Draw one bare arm with its hand; sleeves go over it."""
    (su, sv), (eu, ev), (wu, wv) = arm_path(pose, side)
    dx, dy = (wu - eu) / np.hypot(wu - eu, wv - ev), (wv - ev) / np.hypot(wu - eu, wv - ev)
    knots = [(su, sv, 0.17), ((su + eu) / 2, (sv + ev) / 2, 0.155), (eu, ev, 0.125)]
    knots += [((eu + wu) / 2, (ev + wv) / 2, 0.12), (wu, wv, 0.075)]
    knots += [(wu + t * dx, wv + t * dy, w) for t, w in ((0.16, 0.1), (0.36, 0.09), (0.56, 0.035))]  # the hand
    canvas.paint([pose.place(tube(knots))], solid(colour, relief=0.5), BODY)


def skin_torso(canvas: Canvas, pose: Pose, colour: Rgb) -> None:
    """Draw neck, shoulders and trunk."""
    b = pose.breadth
    neck = [(0.0, 0.75), (0.17, 0.8), (0.18, 1.12), (0.26, 1.32)]
    side = [(0.5 * b, 1.42), (0.74 * b, 1.54), (0.72 * b, 1.8), (0.6 * b, 2.0), (0.58 * b, 2.2), (0.47 * b, 2.75)]
    right = spline([*neck, *side, (0.6, 3.3), (0.68, 3.8), (0.5, 4.1), (0.0, 4.15)])
    canvas.paint([pose.place(both(right))], solid(colour, relief=0.45), BODY)
    canvas.tint([pose.place(disc(0.0, 1.02, 0.22, 0.2))], scale(colour, 0.55), 0.55, BODY, blur=pose.head * 0.05)


def head(canvas: Canvas, pose: Pose, skin: Rgb) -> None:
    """Draw ears, face and features."""
    face = both(
        spline([(0.0, 0.02), (0.22, 0.08), (0.325, 0.36), (0.315, 0.58), (0.24, 0.82), (0.1, 0.97), (0.0, 1.0)])
    )
    ears = [pose.place(disc(side * 0.325, 0.55, 0.05, 0.1)) for side in (-1, 1)]
    canvas.paint(ears, solid(scale(skin, 0.85), relief=0.3), BODY)
    canvas.paint([pose.place(face)], solid(skin, relief=0.42), BODY)
    dark = scale(skin, 0.45)
    for side in (-1, 1):
        brow = tube([(side * 0.055, 0.44, 0.012), (side * 0.14, 0.415, 0.018), (side * 0.225, 0.45, 0.012)])
        lid = spline(
            [(side * 0.06, 0.525), (side * 0.135, 0.485), (side * 0.21, 0.52), (side * 0.135, 0.545)], closed=True
        )
        canvas.tint([pose.place(disc(side * 0.135, 0.5, 0.1, 0.065))], dark, 0.2, BODY, blur=pose.head * 0.02)
        canvas.tint([pose.place(brow)], (40, 28, 24), 0.7, BODY)
        canvas.tint([pose.place(lid)], (24, 18, 18), 0.85, BODY)
        canvas.tint([pose.place(disc(side * 0.2, 0.67, 0.09))], (200, 70, 60), 0.1, BODY, blur=pose.head * 0.03)
    canvas.tint([pose.place(tube([(0.03, 0.55, 0.01), (0.045, 0.65, 0.02), (0.0, 0.69, 0.03)]))], dark, 0.35, BODY)
    lips = spline([(-0.11, 0.805), (-0.03, 0.78), (0.0, 0.79), (0.03, 0.78), (0.11, 0.805), (0.0, 0.855)], closed=True)
    canvas.tint([pose.place(lips)], (150, 40, 50), 0.65, BODY)


def scale(colour: Rgb, factor: float) -> Rgb:
    """Return a colour made darker (factor below 1) or lighter, clipped to 8 bits."""
    red, green, blue = (min(255, round(c * factor)) for c in colour)
    return red, green, blue


def strands(count: float) -> Folds:
    """Fine vertical bands that read as hair."""
    return Folds(count=count, depth=0.16, start=-0.4, phase=0.7)


def hair_back(canvas: Canvas, pose: Pose, style: str, colour: Rgb) -> None:
    """Draw the hair that hangs behind the shoulders."""
    dark = solid(scale(colour, 0.8), relief=0.5)
    if style == "afro":
        canvas.paint([pose.place(disc(0, 0.36, 0.66, 0.62))], solid(colour, relief=0.6), BODY, folds=strands(17))
    elif style == "bob":
        right = spline([(0, -0.05), (0.2, 0.0), (0.37, 0.24), (0.44, 0.55), (0.46, 0.9), (0.4, 1.14), (0.0, 1.12)])
        canvas.paint([pose.place(both(right))], dark, BODY, folds=strands(9))
    elif style in {"long", "wavy", "fringe"}:
        wide = 0.12 if style == "wavy" else 0.0
        right = spline([(0, -0.05), (0.2, 0.0), (0.36, 0.24), (0.41, 0.5), (0.42 + wide, 0.9), (0.46, 1.3),
                        (0.5 + wide, 1.7), (0.4, 2.05), (0, 2.0)])  # fmt: skip
        canvas.paint([pose.place(both(right))], dark, BODY, folds=strands(10))
    elif style == "ponytail":
        tail = [(0.1, 0.0, 0.1), (0.42, 0.3, 0.15), (0.52, 0.9, 0.16), (0.46, 1.5, 0.12), (0.5, 1.95, 0.03)]
        canvas.paint([pose.place(tube(tail))], dark, BODY, folds=strands(4))
    elif style == "bun":
        canvas.paint([pose.place(disc(0, -0.12, 0.21, 0.2))], dark, BODY, folds=strands(4))


def hair_front(canvas: Canvas, pose: Pose, style: str, colour: Rgb, parting: float) -> None:
    """Draw the hair over the brow and, for loose styles, the locks before the shoulders; `parting` in heads."""
    lift = {"crop": 0.02, "slick": 0.03, "afro": 0.1}.get(style, 0.06)
    low = {"crop": 0.42, "slick": 0.4, "afro": 0.5, "bun": 0.42, "ponytail": 0.42}.get(style, 0.72)
    line = 0.4 if style == "fringe" else 0.17
    crown = 0.03 - lift / 2
    outer = spline(
        [(-0.345, low), (-0.36, 0.32), (-0.22, crown), (0.0, -lift), (0.22, crown), (0.36, 0.32), (0.345, low)]
    )
    inner = spline([(0.3, low), (0.28, 0.42), (0.2, line + 0.06), (parting, line), (-0.2, line + 0.06), (-0.28, 0.42),
                    (-0.3, low)])  # fmt: skip
    cloth = solid(colour, relief=0.5, sheen=0.3 if style != "afro" else 0.0)
    canvas.paint([pose.place(np.concatenate([outer, inner]))], cloth, BODY, folds=strands(8))
    if style in {"long", "wavy"}:
        wide = 0.07 if style == "wavy" else 0.02
        locks = [tube([(s * 0.34, 0.5, 0.05), (s * (0.38 + wide), 0.95, 0.09), (s * (0.38 - wide), 1.4, 0.11),
                       (s * (0.4 + wide), 1.8, 0.09), (s * 0.36, 2.15, 0.02)]) for s in (-1.0, 1.0)]  # fmt: skip
        for lock in locks:
            canvas.paint([pose.place(lock)], cloth, BODY, folds=strands(3))


def shoe_colour(rng: np.random.Generator) -> Rgb:
    """Black, nude, white or a strong colour."""
    strong = hsv(float(rng.random()), 0.7, 0.7)
    return ((24, 22, 24), (196, 158, 130), (238, 236, 232), strong)[int(rng.choice(4, p=[0.5, 0.2, 0.12, 0.18]))]
