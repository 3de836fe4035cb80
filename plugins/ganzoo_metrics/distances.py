"""Distances between rows of features, block by block, so that not all of them are in memory at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK_BYTES = 2**28
"""A block of distances takes about as much."""


def blocks(rows: Tensor, others: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of some rows to all others, in float64: which rows, and (rows, others) numbers.

    By ‖x‖² + ‖y‖² − 2⟨x, y⟩ around the mean of the others, and never below 0.
    """
    center = others.double().mean(0)
    rows, others = rows.double() - center, others.double() - center
    lengths = others.square().sum(1)
    size = max(1, BLOCK_BYTES // (8 * max(1, len(others))))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
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
        found[which] = distances.kthvalue(k, dim=1).values
    return found
