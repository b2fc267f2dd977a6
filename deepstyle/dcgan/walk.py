"""Walks through the latent space (pure)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Points on the arc from ``start`` to ``end`` (both: latent), at T ``shares`` of it in [0, 1]: T x latent float32.

    A straight line between N(0, 1) vectors passes through lengths that no drawn vector has (White 2016, arXiv
    1609.04468); the arc keeps them. Vectors of one direction, or opposite ones, have no single arc: those
    are joined by a line.
    """
    first, last, t = start.double(), end.double(), shares.double()[:, None]
    angle = F.cosine_similarity(first, last, dim=0).clamp(-1, 1).acos()
    if angle.sin() < 1e-6:
        return (first + t * (last - first)).to(start)
    return ((((1 - t) * angle).sin() * first + (t * angle).sin() * last) / angle.sin()).to(start)


def walk(stops: Tensor, frames: int) -> Tensor:
    """A closed walk through K x latent ``stops``, ``frames`` points a leg: (K * frames) x latent.

    Point ``k * frames`` is stop k; the last leg leads back to the first stop and ends just before it.
    """
    shares = torch.arange(frames, dtype=torch.float64) / frames
    legs = [slerp(start, end, shares) for start, end in zip(stops, stops.roll(-1, 0), strict=True)]
    return torch.cat(legs)
