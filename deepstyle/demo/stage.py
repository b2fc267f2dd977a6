"""The runway: backdrop, floor, light, audience and the figure's shadow, softly out of focus (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from deepstyle.demo.cloth import Rgb, hsv

if TYPE_CHECKING:
    from deepstyle.demo.figure import Pose

COARSE = 4  # canvas pixels per pixel of the stage, which is drawn small and enlarged
Picture = NDArray[np.float32]  # (h, w, 3), 0 to 255


def draw_stage(rng: np.random.Generator, pose: Pose, width: int, height: int) -> Image.Image:
    """Return a (width, height) RGB picture of an empty runway with the shadow of a figure in `pose`."""
    w, h = -(-width // COARSE), -(-height // COARSE)
    foot = (pose.top + 7.95 * pose.head) / COARSE
    horizon = foot - float(rng.uniform(0.26, 0.4)) * h
    picture = backdrop(rng, w, h, horizon)
    half = lay_floor(rng, picture, horizon, pose.centre / COARSE)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if rng.random() < 0.75:
        seat_audience(rng, image, horizon, half, pose.centre / COARSE)
    image = image.filter(ImageFilter.BoxBlur(1.2))
    image = cast_shadow(image, pose.centre / COARSE, foot, pose.head / COARSE)
    image = image.resize((w * COARSE, h * COARSE), Image.Resampling.BILINEAR)
    return image if image.size == (width, height) else image.crop((0, 0, width, height))


def backdrop(rng: np.random.Generator, w: int, h: int, horizon: float) -> Picture:
    """Return the wall: plain, curtain, panels, light tubes or arches, lit from above, (h, w, 3)."""
    value = float(rng.choice([0.12, 0.3, 0.55, 0.85], p=[0.25, 0.2, 0.25, 0.3])) + float(rng.uniform(-0.05, 0.08))
    base = np.array(
        hsv(float(rng.random()), float(rng.choice([0.04, 0.12, 0.4], p=[0.4, 0.35, 0.25])), value), np.float32
    )
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    glow = 0.88 + 0.3 * np.exp(-(((x / w - rng.uniform(0.35, 0.65)) / 0.4) ** 2) - ((y / h - 0.35) / 0.45) ** 2)
    kind = str(rng.choice(["plain", "curtain", "panels", "tubes", "arches"], p=[0.22, 0.25, 0.2, 0.15, 0.18]))
    step = w / float(rng.integers(4, 8))
    if kind == "curtain":
        phase = x * (2 * np.pi * rng.uniform(9, 18) / w)
        glow *= 1 + 0.13 * np.sin(phase + 0.6 * np.sin(y / h * 2)) + 0.05 * np.sin(2.3 * phase)
    elif kind == "panels":
        glow *= 1 + 0.07 * np.sin(np.floor(x / step) * 2.4)
        glow[(x % step) < 1.5] *= 0.72
    elif kind == "tubes":
        glow += 0.75 * np.exp(-((((x % step) - step / 2) / 1.5) ** 2)) + 0.2 * np.exp(
            -((((x % step) - step / 2) / 8) ** 2)
        )
    elif kind == "arches":
        across, rise = (x % (1.6 * step)) - 0.8 * step, 0.25 * h
        inside = (np.abs(across) < 0.62 * step) & ((y > rise) | (across**2 + (y - rise) ** 2 < (0.62 * step) ** 2))
        glow[inside] *= 0.68
    glow *= 1 - 0.25 * np.clip((y - 0.7 * horizon) / (0.3 * horizon), 0, 1)
    return np.asarray(base * glow[..., None], np.float32)


def lay_floor(rng: np.random.Generator, picture: Picture, horizon: float, centre: float) -> tuple[float, float]:
    """Lay runway and side floor below `horizon`, in place; the runway's half-width there and at the bottom, pixels."""
    h, w = picture.shape[:2]
    top = max(1, int(horizon))
    y, x = np.mgrid[top:h, 0:w].astype(np.float32)
    near = (y - horizon) / (h - horizon)
    far_half, near_half = w * float(rng.uniform(0.14, 0.24)), w * float(rng.uniform(0.5, 0.75))
    edge = far_half + near * (near_half - far_half) - np.abs(x - centre)
    wall = picture[max(0, top - 3) : top].mean((0, 1))
    value = float(rng.choice([40, 110, 190, 228])) + float(rng.uniform(-15, 15))
    runway = 0.3 * wall + 0.7 * np.array([value, value * 0.985, value * 0.96], np.float32)
    pool = 0.78 + 0.34 * np.exp(-(((x - centre) / (0.42 * w)) ** 2) - ((near - 0.75) / 0.5) ** 2)
    if rng.random() < 0.4:  # boards or slabs across the runway
        pool *= 1 - 0.1 * ((6 / (0.25 + near)) % 1 < 0.08)
    mirror = picture[top - 1 - np.minimum((y - top).astype(np.intp), top - 1), x.astype(np.intp)]
    gloss = float(rng.uniform(0, 0.3)) * (1 - near[..., None])
    lit = (1 - gloss) * runway * pool[..., None] + gloss * mirror
    side = 0.42 * lit + 8
    on = np.clip(edge + 0.5, 0, 1)[..., None]
    picture[top:] = on * lit + (1 - on) * side
    return far_half, near_half


def seat_audience(
    rng: np.random.Generator, image: Image.Image, horizon: float, half: tuple[float, float], centre: float
) -> None:
    """Draw dim rows of seated people along both sides of the runway, in place."""
    pen, (w, h) = ImageDraw.Draw(image), image.size
    dim = float(rng.uniform(0.5, 1.1))
    for near in np.linspace(0.06, 0.8, 6):
        y = horizon + near * (h - horizon)
        size = 0.013 * w + 0.055 * w * near
        edge = half[0] + near * (half[1] - half[0]) + 2.2 * size
        for side in (-1, 1):
            for k in range(int(w / (3 * size)) + 1):
                x = centre + side * (edge + 3.1 * size * k + rng.uniform(-0.4, 0.4) * size)
                if not -2 * size < x < w + 2 * size:
                    continue
                lift = y - 4.4 * size + rng.uniform(-0.4, 0.4) * size - 0.4 * k * size
                cloth = hsv(float(rng.random()), float(rng.uniform(0, 0.4)), dim * float(rng.uniform(0.1, 0.28)))
                skin: Rgb = hsv(0.06, 0.4, dim * float(rng.uniform(0.16, 0.42)))
                pen.rounded_rectangle((x - 1.5 * size, lift + size, x + 1.5 * size, y + size), size, fill=cloth)
                pen.ellipse((x - 0.8 * size, lift - size, x + 0.8 * size, lift + 1.1 * size), fill=skin)
                pen.chord(
                    (x - 0.9 * size, lift - 1.15 * size, x + 0.9 * size, lift + 0.9 * size), 180, 360, fill=(18, 15, 15)
                )


def cast_shadow(image: Image.Image, x: float, y: float, head: float) -> Image.Image:
    """Return the picture with a soft shadow on the floor about (x, y), under a head of `head` pixels."""
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((x - 1.5 * head, y - 0.3 * head, x + 1.5 * head, y + 0.22 * head), fill=110)
    pen.ellipse((x - 0.6 * head, y - 0.14 * head, x + 0.6 * head, y + 0.1 * head), fill=190)
    mask = mask.filter(ImageFilter.BoxBlur(0.16 * head)).filter(ImageFilter.BoxBlur(0.16 * head))
    return Image.composite(Image.new("RGB", image.size, (6, 5, 8)), image, mask)
