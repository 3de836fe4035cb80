"""A cheap look at samples: how unlike each other they are, and how near to pictures of the training set.

Distances are Euclidean, between vectors, or between pictures that are averaged down to at most 8×8 pixels: enough to
tell one digit or face from another, and nothing that a metric on features should be replaced by.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

SIDE = 8
"""Pixels a side that pictures are averaged down to."""
COPY = 1 / 3
"""A sample is a copy if its nearest picture is at most this share as far away as the second nearest.

The threshold of Yoon et al. 2023 (ICML workshop, “Diffusion Probabilistic Models Generalize when They Fail to
Memorize”) for diffusion models. It is no threshold on a distance, so that it fits all data alike.
"""


def small(data: Tensor) -> Tensor:
    """uint8 (N, C, H, W) → float (N, F): area averages of at most SIDE × SIDE; vectors (N, D) stay as they are."""
    if data.ndim == 2:
        return data.float()
    size = (min(SIDE, data.shape[-2]), min(SIDE, data.shape[-1]))
    return functional.adaptive_avg_pool2d(data.float(), size).flatten(1)


def spread(rows: Tensor, labels: Tensor | None = None) -> float:
    """The mean distance of all pairs of rows, with labels of all pairs of one class; 0 where there is no pair."""
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    pairs = ~torch.eye(len(rows), dtype=torch.bool)
    if labels is not None:
        pairs &= labels[:, None] == labels[None, :]
    return float(distances[pairs].mean()) if pairs.any() else 0.0


def copied(rows: Tensor, of: Tensor) -> float:
    """The share of rows whose nearest row of ``of`` (M, F), M ≥ 2, is so much nearer than the next: :data:`COPY`.

    A row of ``of`` that stands twice cannot be told from a copy of it, so equal rows count once.
    """
    distances = torch.cdist(rows, torch.unique(of, dim=0), compute_mode="donot_use_mm_for_euclid_dist")
    if distances.shape[1] < 2:
        return 0.0
    first, second = distances.topk(2, largest=False).values.T
    return float((first <= COPY * second).float().mean())
