"""Cloth: colours, woven patterns, and the canvas that turns outlines into shaded fabric (pure).

Everything here works on the supersampled canvas: pixel coordinates are twice those of the finished look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

Rgb: TypeAlias = tuple[int, int, int]
Points: TypeAlias = NDArray[np.float64]  # (n, 2) x and y, in pixels of the supersampled canvas
Plane: TypeAlias = NDArray[np.float32]  # (h, w)

Number = TypeVar("Number", np.uint8, np.float32)

COARSE = 4  # shading is computed on a grid this many canvas pixels apart
MOODS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {  # saturation range, value range, both in [0, 1]
    "saturated": ((0.65, 0.95), (0.7, 0.95)),
    "pastel": ((0.14, 0.34), (0.88, 0.98)),
    "dark": ((0.25, 0.7), (0.14, 0.34)),
    "earthy": ((0.3, 0.6), (0.42, 0.72)),
    "neutral": ((0.0, 0.1), (0.1, 0.98)),
}

TRIMS: tuple[Rgb, ...] = ((30, 26, 26), (236, 228, 214), (120, 74, 44), (170, 30, 40))


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """A fabric: a texture tile and how light behaves on it."""

    tile: NDArray[np.uint8]  # (h, w, 3) RGB
    stretch: bool = False  # True: the tile's height spans the whole garment once; False: the tile repeats
    relief: float = 0.5  # depth of the shading at edges, 0 is flat, 1 is strong
    sheen: float = 0.0  # how much the folds shine, 0 is wool, 1 is satin
    trim: Rgb = TRIMS[0]  # belt and buttons


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Vertical folds as a sum of waves across the cloth, deepening downwards."""

    count: float = 5.0  # waves across the full width
    depth: float = 0.16  # brightness swing, a fraction of the colour
    start: float = 0.1  # where folds begin, a fraction of the height from the top
    phase: float = 0.0  # radians
    sharp: bool = False  # True: knife pleats instead of soft waves

    def field(self, across: Plane, down: Plane) -> Plane:
        """Brightness offsets, (h, w) about zero, at positions `across` and `down` in [0, 1]."""
        turn = 2 * np.pi * self.count * (across + 0.05 * np.sin(3 * down + self.phase)) + self.phase
        if self.sharp:
            wave = 2 * np.mod(turn / (2 * np.pi), 1) - 1
        else:
            wave = 0.65 * np.sin(turn) + 0.35 * np.sin(1.7 * turn + 2.1 * self.phase + 1.5 * down)
        strength = np.clip((down - self.start) / 0.5, 0, 1)
        return np.asarray(self.depth * wave * strength, np.float32)


FLAT = Folds(depth=0.0)
ANY_OWNER = [0] + [255] * 255  # a point table: 255 where any part owns the pixel


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """Return an 8-bit RGB colour from a hue (any real; 1 is a full turn), saturation and value in [0, 1]."""
    turns = [(n + hue * 6) % 6 for n in (5, 3, 1)]
    channels = [value - value * saturation * max(0.0, min(k, 4 - k, 1.0)) for k in turns]
    red, green, blue = (round(255 * c) for c in channels)
    return red, green, blue


def palette(rng: np.random.Generator) -> tuple[Rgb, Rgb, Rgb]:
    """Three colours that go together: a ground, an accent, and a light or dark third."""
    mood = str(rng.choice(list(MOODS), p=[0.3, 0.2, 0.17, 0.18, 0.15]))
    (s0, s1), (v0, v1) = MOODS[mood]
    hue = float(rng.random()) if mood != "earthy" else float(rng.uniform(0.02, 0.3))
    ground = hsv(hue, float(rng.uniform(s0, s1)), float(rng.uniform(v0, v1)))
    turn = float(rng.choice([0.08, -0.1, 0.5, 0.42, 0.33]))
    bright = max(ground) > 150
    strength = float(rng.uniform(0.2, 0.5) if bright else rng.uniform(0.7, 0.95))
    accent = hsv(hue + turn, float(rng.uniform(s0, s1)), strength)
    third = (246, 241, 230) if not bright or rng.random() < 0.6 else (28, 26, 34)
    return ground, accent, third


def solid(colour: Rgb, *, relief: float = 0.5, sheen: float = 0.0, trim: Rgb = TRIMS[0]) -> Cloth:
    """Return a plain fabric of one colour."""
    return Cloth(tile=np.full((1, 1, 3), colour, np.uint8), relief=relief, sheen=sheen, trim=trim)


def stripes(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:
    """Return a (period, period, 3) tile of vertical, horizontal or diagonal stripes."""
    y, x = np.mgrid[0:period, 0:period]
    ramp = (x, y, x + y)[int(rng.integers(3))] % period
    index = (ramp < period * rng.uniform(0.25, 0.6)).astype(np.intp)
    if rng.random() < 0.3:
        index[np.abs(ramp - 0.8 * period) < period * 0.05] = 2
    return np.asarray(np.array(colours, np.uint8)[index])


def checks(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:
    """Return a (period, period, 3) tile of gingham or, with thin overlines, tartan."""
    y, x = np.mgrid[0:period, 0:period]
    share = rng.uniform(0.35, 0.55)
    mix = ((x < share * period).astype(np.float64) + (y < share * period)) / 2
    tile = (1 - mix[..., None]) * np.array(colours[0]) + mix[..., None] * np.array(colours[1])
    if rng.random() < 0.6:
        line = max(1.0, period * 0.04)
        for axis in (x, y):
            tile[np.abs(axis - period * 0.74) < line] = colours[2]
    return np.asarray(tile, np.uint8)


def dots(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:
    """Return a (period, period, 3) tile of polka dots, staggered."""
    tile = Image.new("RGB", (period * 4, period * 4), colours[0])
    pen, radius = ImageDraw.Draw(tile), period * 4 * rng.uniform(0.12, 0.2)
    for cx, cy in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pen.circle((cx * period * 4, cy * period * 4), radius, fill=colours[1])
    pen.circle((period * 2, period * 2), radius, fill=colours[1 if rng.random() < 0.7 else 2])
    return np.asarray(tile.reduce(4))


def floral(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:
    """Return a (2 period, 2 period, 3) tile of five-petalled blossoms and leaves that wraps around."""
    side, leaf = period * 4, hsv(float(rng.uniform(0.22, 0.45)), 0.55, float(rng.uniform(0.35, 0.6)))
    tile = Image.new("RGB", (side, side), colours[0])
    pen = ImageDraw.Draw(tile)
    for k in range(9):
        cx, cy = (k % 3 + rng.uniform(0.1, 0.9)) * side / 3, (k // 3 + rng.uniform(0.1, 0.9)) * side / 3
        radius, turn = side * rng.uniform(0.05, 0.1), rng.uniform(0, 6.3)
        petal = colours[1 if rng.random() < 0.6 else 2]
        for ox in (-side, 0, side):
            for oy in (-side, 0, side):
                if not (-side / 4 < cx + ox < 1.25 * side and -side / 4 < cy + oy < 1.25 * side):
                    continue
                for angle in (turn + 0.6, turn + 3.4):
                    at = (cx + ox + 1.7 * radius * np.cos(angle), cy + oy + 1.7 * radius * np.sin(angle))
                    pen.circle(at, radius * 0.45, fill=leaf)
                for angle in turn + np.arange(5) * 2 * np.pi / 5:
                    at = (cx + ox + radius * np.cos(angle), cy + oy + radius * np.sin(angle))
                    pen.circle(at, radius * 0.62, fill=petal)
                pen.circle((cx + ox, cy + oy), radius * 0.5, fill=(240, 205, 90))
    return np.asarray(tile.reduce(2))


def gradient(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:  # noqa: ARG001
    """Return a (256, 1, 3) ramp from the first colour to the second, to be stretched over a garment."""
    turn = np.clip((np.linspace(0, 1, 256) - rng.uniform(0, 0.3)) / rng.uniform(0.5, 0.8), 0, 1)[:, None, None]
    return np.asarray((1 - turn) * np.array(colours[0]) + turn * np.array(colours[1]), np.uint8)


def blocks(rng: np.random.Generator, period: int, colours: tuple[Rgb, Rgb, Rgb]) -> NDArray[np.uint8]:  # noqa: ARG001
    """Return a (256, 1, 3) ramp of two or three flat bands of colour, to be stretched over a garment."""
    edges = np.sort(rng.uniform(0.2, 0.9, 2))
    index = np.searchsorted(edges, np.linspace(0, 1, 256))
    return np.asarray(np.array((colours[0], colours[2], colours[1]), np.uint8)[index][:, None])


WEAVES: dict[str, Callable[[np.random.Generator, int, tuple[Rgb, Rgb, Rgb]], NDArray[np.uint8]]] = {
    "stripes": stripes, "checks": checks, "dots": dots, "floral": floral, "gradient": gradient, "blocks": blocks,
}  # fmt: skip


def choose_cloth(rng: np.random.Generator, scale: float) -> Cloth:
    """Return a random fabric, its pattern sized to `scale` (canvas pixels of a head), so that 64 px still show it."""
    colours, relief = palette(rng), float(rng.uniform(0.4, 0.65))
    sheen = float(rng.choice([0.0, 0.15, 0.9], p=[0.5, 0.25, 0.25]))
    trim = TRIMS[int(rng.integers(len(TRIMS)))]
    if rng.random() < 0.6:  # plain ones are learned soonest
        return solid(colours[0], relief=relief, sheen=sheen, trim=trim)
    weave = str(rng.choice(list(WEAVES), p=[0.24, 0.16, 0.14, 0.1, 0.18, 0.18]))
    period = max(6, round(scale * float(rng.uniform(0.4, 0.9))))
    tile = WEAVES[weave](rng, period, colours)
    grain = rng.normal(1, 0.02, (*tile.shape[:2], 1)) if weave not in {"gradient", "blocks"} else 1.0
    tile = np.clip(tile * grain, 0, 255).astype(np.uint8)
    return Cloth(tile=tile, stretch=weave in {"gradient", "blocks"}, relief=relief, sheen=sheen, trim=trim)


@dataclass(kw_only=True)
class Canvas:
    """A picture being painted, with a map of which part owns each pixel (0 is the background)."""

    image: Image.Image  # RGB, at twice the final size
    light: float  # where light comes from: -1 left, 1 right
    softness: float  # how far shading reaches inward from an edge, canvas pixels
    owners: Image.Image = field(init=False)  # L, same size: the identity of each pixel's topmost part

    def __post_init__(self) -> None:
        """Start with no owner anywhere."""
        self.owners = Image.new("L", self.image.size, 0)

    def paint(
        self, outlines: list[Points], cloth: Cloth, owner: int, *, folds: Folds = FLAT, clip: bool = False
    ) -> None:
        """Fill the union of polygons with shaded cloth; with `clip`, only where `owner` already is."""
        cut = self._cut(outlines)
        if cut is None:
            return
        box, mask = cut
        shade, across, down = self._shade(mask, cloth, folds)
        texture = weave_texture(cloth, mask.size, across, down, folds)
        factor = grow((shade * 128).astype(np.uint8), mask.size)[..., None]  # 128 is one
        lit = np.minimum(np.multiply(texture, factor, dtype=np.uint16) >> 7, 255).astype(np.uint8)
        if clip:
            mask = ImageChops.multiply(mask, owned(self.owners.crop(box), owner))
        self.image.paste(Image.fromarray(lit), box[:2], mask)
        self.owners.paste(owner, box, mask)

    def tint(
        self, outlines: list[Points], colour: Rgb, opacity: float, owner: int | None = None, *, blur: float = 0
    ) -> None:
        """Lay a translucent colour over polygons: over `owner` only, or over any part (never over the background)."""
        cut = self._cut(outlines, margin=round(2 * blur))
        if cut is None:
            return
        box, mask = cut
        if blur:
            mask = mask.filter(ImageFilter.BoxBlur(blur))
        crop = self.owners.crop(box)
        where = owned(crop, owner) if owner is not None else crop.point(ANY_OWNER)
        mask = ImageChops.multiply(mask.point(dimmer(opacity)), where)
        self.image.paste(colour, box, mask)

    def _cut(self, outlines: list[Points], margin: int = 0) -> tuple[tuple[int, int, int, int], Image.Image] | None:
        """Return the bounding box of polygons, inside the canvas, and their L mask in it; None when nothing is left."""
        every = np.concatenate(outlines)
        low = np.maximum(np.floor(every.min(0)).astype(int) - 2 - margin, 0)
        high = np.minimum(np.ceil(every.max(0)).astype(int) + 2 + margin, self.image.size)
        if (high - low < COARSE).any():
            return None
        mask = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])), 0)
        pen = ImageDraw.Draw(mask)
        for outline in outlines:
            pen.polygon((outline - low).ravel().tolist(), fill=255)
        return (int(low[0]), int(low[1]), int(high[0]), int(high[1])), mask

    def _shade(self, mask: Image.Image, cloth: Cloth, folds: Folds) -> tuple[Plane, Plane, Plane]:
        """Brightness factors about 1 on the coarse grid, and each grid point's place across and down the part."""
        small = mask.reduce(COARSE)
        radius = max(1.0, self.softness / COARSE)
        blurred = small.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius / 2))
        soft = np.asarray(blurred, np.float32) / 255
        inside = np.asarray(small) > 127
        height, width = inside.shape
        left = np.where(inside.any(1), inside.argmax(1), 0).astype(np.float32)
        right = np.where(inside.any(1), width - inside[:, ::-1].argmax(1), width).astype(np.float32)
        across = np.clip((np.arange(width, dtype=np.float32) - left[:, None]) / (right - left)[:, None], 0, 1)
        down = np.broadcast_to((np.arange(height, dtype=np.float32) / max(1, height - 1))[:, None], inside.shape)
        slope = (np.gradient(soft, axis=1) if width > 1 else np.zeros_like(soft)) * radius
        fold = folds.field(across, down)
        shade = 1 - cloth.relief * (0.55 * (1 - soft) + 0.5 * self.light * slope) + fold
        glint = np.exp(-(((across - 0.5 - 0.22 * self.light) / 0.13) ** 2))
        shade += cloth.sheen * (0.35 * np.maximum(fold, 0) + 0.18 * glint)
        return np.clip(shade, 0.3, 1.6).astype(np.float32), across, down


def owned(owners: Image.Image, owner: int) -> Image.Image:
    """Return a mask, 255 where an L owner map equals `owner`."""
    return owners.point([0] * owner + [255] + [0] * (255 - owner))


@cache
def dimmer(opacity: float) -> list[int]:
    """Return a point table that scales 8-bit values by `opacity`."""
    return [round(k * opacity) for k in range(256)]


def grow(plane: NDArray[Number], size: tuple[int, int]) -> NDArray[Number]:
    """Return a coarse plane spread smoothly over (width, height) canvas pixels, (h, w) of the same type."""
    big = Image.fromarray(plane).resize((plane.shape[1] * COARSE, plane.shape[0] * COARSE), Image.Resampling.BILINEAR)
    return np.asarray(big, plane.dtype)[: size[1], : size[0]]


def weave_texture(cloth: Cloth, size: tuple[int, int], across: Plane, down: Plane, folds: Folds) -> NDArray[np.uint8]:
    """Return the unshaded fabric, (h, w, 3), following the part's sides a little and rippling with its folds."""
    rows, columns = cloth.tile.shape[:2]
    if rows == columns == 1:
        return cloth.tile
    ripple = folds.field(across, down)
    if cloth.stretch:
        row = np.clip(grow(down + 0.08 * ripple, size) * rows, 0, rows - 1).astype(np.intp)
        return np.asarray(cloth.tile[row, 0])
    straight = (np.arange(across.shape[1], dtype=np.float32) / across.shape[1])[None]
    x = grow((0.6 * straight + 0.4 * across + 0.06 * ripple) * size[0], size)
    y = grow((down - 0.03 * (2 * across - 1) ** 2 + 0.05 * ripple) * size[1], size)
    packed = np.dstack([cloth.tile, cloth.tile[..., :1]])  # four bytes a texel, to gather them as one
    index = (y.astype(np.int32) % rows) * columns + x.astype(np.int32) % columns
    texels = packed.view(np.uint32).reshape(-1)[index]
    return np.asarray(texels.view(np.uint8).reshape(*index.shape, 4)[..., :3])
