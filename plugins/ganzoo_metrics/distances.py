"""Distances between rows of features, block by block, so that not all of them are in memory at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo_metrics.feature_matrix import mean_of

BLOCK_BYTES = 2**26
"""A block of distances takes at most about as much."""
BLOCK_ROWS = 256
"""A block of distances has at most so many rows: more are hardly faster, and the mirror image of a block is wasted."""
ROUNDING = 1e-11
"""Squared distances are off by less than this share of squared lengths, up to some 10,000 features."""


def blocks(rows: Tensor, others: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of some rows to all others, in float64: which rows, and (rows, others) numbers.

    By ‖x‖² + ‖y‖² − 2⟨x, y⟩ around the mean of the others, and never below 0.
    """
    center = mean_of(others)
    others = others - center
    lengths = _lengths(others)
    for which in _slices(len(rows), len(others)):
        yield which, _squared(rows[which] - center, others, lengths)


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
            distances[:, which].fill_diagonal_(torch.inf)
        found[which] = distances.topk(k, dim=1, largest=False).values[:, -1]
    return found


def _slices(count: int, others: int) -> Iterator[slice]:
    size = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (8 * max(1, others))))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _squared(part: Tensor, others: Tensor, lengths: Tensor) -> Tensor:
    """Squared distances of rows to others of the squared lengths, both around the same center."""
    found = torch.addmm(lengths[None], part, others.T, alpha=-2).add_(part.square().sum(1, keepdim=True))
    return found.clamp_(min=0)


def widened(radii: Tensor, around: Tensor, others: Tensor) -> Tensor:
    """Squared radii of spheres around rows, wide enough that what lies on a sphere is inside, whatever the rounding.

    Without it, rounding would decide on ties, which copies of samples make: their distance is 1e-13 as well as 0.

    Args:
        radii: (N,), or one for all.
        around: (N, F); the centers of the spheres.
        others: whose mean distances are computed around, as in :func:`blocks`.
    """
    center = mean_of(others)
    return radii + ROUNDING * (radii + _lengths(around, center))


def _lengths(rows: Tensor, center: Tensor | float = 0.0) -> Tensor:
    """(N,) squared lengths of rows around a center, in float64; never a copy of all of them at once."""
    return torch.cat([(part - center).square_().sum(1) for part in torch.split(rows, BLOCK_ROWS)])
