"""Where the one thing of a photo is: what no smooth path from the photo's edge leads to (pure).

Geodesic saliency (Wei, Wen, Zhu and Sun, "Geodesic saliency using background priors", ECCV 2012): the background is mostly
connected to the photo's edge, and crossing an outline costs more than crossing cloth or floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from deepstyle.annotations.coco_rows import XYXY
from deepstyle.images import Pixels

SIDE = 64  # pixels of the longer side that is looked at
SMOOTH = 0.6  # quantile of the colour steps that cost nothing: floor, cloth, noise
SMALLEST, LARGEST = 0.15, 0.96  # share of the photo that a box may cover
FILLED = 0.42  # share of its box that a garment fills at least


def edge_distance(colours: NDArray[np.float32]) -> NDArray[np.float64]:
    """The cheapest path from each pixel of H x W x 3 to the photo's edge, by its steps in colour: H x W, from 0."""
    height, width = colours.shape[:2]
    number = np.arange(height * width).reshape(height, width)
    start, stop = (
        np.concatenate([number[place].ravel() for place in places])
        for places in zip(  # right, down, and both diagonals
            (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1, :], np.s_[1:, :]), (np.s_[:-1, :-1], np.s_[1:, 1:]),
            (np.s_[:-1, 1:], np.s_[1:, :-1]), strict=True,
        )
    )  # fmt: skip
    flat = colours.reshape(-1, colours.shape[2])
    steps = np.linalg.norm(flat[start] - flat[stop], axis=1)
    steps = np.maximum(steps - np.quantile(steps, SMOOTH), 0) + 1e-6  # a weight of zero would be no edge
    rim = np.unique(np.concatenate([number[0], number[-1], number[:, 0], number[:, -1]]))
    graph = sparse.coo_array((steps, (start, stop)), shape=(number.size, number.size)).tocsr()
    found: NDArray[np.float64] = csgraph.dijkstra(graph, directed=False, indices=rim, min_only=True)
    return found.reshape(height, width)


def salient_box(pixels: Pixels) -> XYXY | None:
    """The box of the one thing on a photo (uint8 HWC RGB), in its pixels; None when none stands out."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX).convert("LAB")
    distance = edge_distance(ndimage.gaussian_filter(np.asarray(small, np.float32), (0.7, 0.7, 0)))
    inside = ndimage.binary_opening(distance > _otsu(distance), iterations=1)
    parts, count = ndimage.label(inside)
    if not count:
        return None
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    rows, columns = ndimage.find_objects(parts)[largest - 1]
    filled = ndimage.binary_fill_holes(parts[rows, columns] == largest).mean()
    share = (rows.stop - rows.start) * (columns.stop - columns.start) / inside.size
    if not SMALLEST <= share <= LARGEST or filled < FILLED:
        return None
    across, down = width / size[0], height / size[1]
    return columns.start * across, rows.start * down, columns.stop * across, rows.stop * down


def _otsu(values: NDArray[np.float64]) -> float:
    """The threshold that parts values into two groups of the least inner variance (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=64)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / total - mass) ** 2 / (below * (total - below))
    return float(edges[1 + int(np.nanargmax(np.where(np.isfinite(between), between, -1)))])
