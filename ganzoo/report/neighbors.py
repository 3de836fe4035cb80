"""The real pictures that are closest to generated ones."""

from __future__ import annotations

import torch
from torch import Tensor


def nearest(real: Tensor, fake: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices of the ``k`` rows of ``real`` (M, F) nearest to each row of ``fake`` (N, F), nearest first.

    Returns:
        Euclidean distances (N, k) in float64, and indices into ``real`` (N, k).
    """
    found = torch.cdist(fake.double(), real.double()).topk(k, dim=1, largest=False)
    return found.values, found.indices
