"""Distances between rows of features, block by block, so that not all of them are in memory at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_BYTES = 2**27
"""A block of distances takes about as much."""
ROUNDING = 1e-11
"""Squared distances are off by less than this share of squared lengths, up to some 10,000 features."""


def blocks(rows: Tensor, others: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of some rows to all others, in float64: which rows, and (rows, others) numbers.

    By ‖x‖² + ‖y‖² − 2⟨x, y⟩ around the mean of the others, and never below 0.
    """
    center = _center(others)
    others = others.double() - center
    lengths = others.square().sum(1)
    size = max(1, BLOCK_BYTES // (8 * max(1, len(others))))
    for start in range(0, len(rows), size):
        part = rows[start : start + size].double() - center
        found = torch.addmm(lengths[None], part, others.T, alpha=-2).add_(part.square().sum(1, keepdim=True))
        yield slice(start, start + len(part)), found.clamp_(min=0)


def to_nearest(rows: Tensor, others: Tensor, *, themselves: bool = False, k: int = 1) -> Tensor:
    """(N,) squared distances of each row to its k-th nearest of the others.

    Args:
        rows: (N, F).
        others: (M, F); at least k, and one more with ``themselves``.
        themselves: rows are the first of the others, and none is a neighbor of itself.
        k: which neighbor.
    """
    found = torch.empty(len(rows), dtype=torch.float64)
    for which, distances in blocks(rows, others):
        if themselves:
            places = torch.arange(which.start, which.stop)
            distances[torch.arange(len(places)), places] = torch.inf
        found[which] = distances.topk(k, dim=1, largest=False).values[:, -1]
    return found


def widened(radii: Tensor, around: Tensor, others: Tensor) -> Tensor:
    """Squared radii of spheres around rows, wide enough that what lies on a sphere is inside, whatever the rounding.

    Without it, rounding would decide on ties, which copies of samples make: their distance is 1e-13 as well as 0.

    Args:
        radii: (N,), or one for all.
        around: (N, F); the centers of the spheres.
        others: whose mean distances are computed around, as in :func:`blocks`.
    """
    lengths = torch.cat([(part.double() - _center(others)).square().sum(1) for part in torch.split(around, 4096)])
    return radii + ROUNDING * (radii + lengths)


def _center(others: Tensor) -> Tensor:
    return others.mean(0, dtype=torch.float64)
