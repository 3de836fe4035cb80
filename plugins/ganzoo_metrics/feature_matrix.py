"""What metrics on features share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import Features


CHUNK = 512
"""Rows of which a copy in float64 is in memory at once."""


def mean_of(features: Tensor) -> Tensor:
    """(F,) the mean row in float64. ``features.mean(0, dtype=…)`` would convert all of them at once."""
    total = torch.zeros(features.shape[1], dtype=torch.float64)
    for part in torch.split(features, CHUNK):
        total += part.sum(0, dtype=torch.float64)
    return total / len(features)


def order_by_content(features: Tensor) -> Tensor:
    """(N,) places of the samples in an order that looks random and follows from their features (N, F) alone.

    Each feature counts by a weight of its own: the sums of probabilities, or of rows of length 1, would all be alike,
    and rounding would then order them.
    """
    weights = torch.arange(1, features.shape[1] + 1, dtype=torch.float64).sin()
    sums = torch.cat([(part * weights).sum(1) for part in torch.split(features, CHUNK)])
    return (sums * 9973.0).sin().argsort(stable=True)


def too_few(real: Features, fake: Features) -> list[str]:
    """A warning where a covariance is estimated from fewer samples than it has rows."""
    if real.features is None or fake.features is None:
        return []
    width, fewest = real.features.shape[1], min(len(real.features), len(fake.features))
    if fewest > width:
        return []
    return [
        f"{fewest:,} samples are too few for the covariance of {width:,} features: the distance is far too large, and "
        "comparable only at the same numbers of samples; kernel-distance has no such bias (--metric kernel-distance)"
    ]
