"""The real pictures that are closest to generated ones."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 1024
"""Rows of real features that are compared at once."""


def nearest(real: Tensor, fake: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices of the ``k`` rows of ``real`` (M, F) nearest to each row of ``fake`` (N, F), nearest first.

    Real rows are compared some at a time, so that memory does not grow with their number. Of equal distances the row
    that comes first is nearer. The distance to an equal row is 0: differences are taken before squares, for a row that
    is copied should be told from one that is nearly so.

    Returns:
        Euclidean distances (N, k) in float64, and indices into ``real`` (N, k).
    """
    fake = fake.double()
    distances = torch.empty(len(fake), 0, dtype=torch.float64)
    index = torch.empty(len(fake), 0, dtype=torch.int64)
    for start in range(0, len(real), CHUNK):
        part = real[start : start + CHUNK].double()
        found = torch.cdist(fake, part, compute_mode="donot_use_mm_for_euclid_dist")
        places = torch.arange(start, start + len(part)).expand(len(fake), -1)
        # What was nearest so far stands first, and a stable sort keeps it there.
        sorted_ = torch.cat([distances, found], 1).sort(dim=1, stable=True)
        distances = sorted_.values[:, :k]
        index = torch.cat([index, places], 1).gather(1, sorted_.indices[:, :k])
    return distances, index
