"""What every metric on features asks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import Features


def both(metric: str, real: Features, fake: Features, *, least: int) -> tuple[Tensor, Tensor]:
    """Features of both sides in float64. Raises :class:`ConfigError` if there are fewer than ``least`` of either."""
    sides = {"real": real.features, "generated": fake.features}
    for side, features in sides.items():
        if features is None or len(features) < least:
            raise ConfigError(
                f"metric {metric} needs at least {least} {side} samples",
                given=0 if features is None else len(features),
                allowed=f"at least {least}",
                hint="-n 1000",
            )
    assert real.features is not None
    assert fake.features is not None
    return real.features.double(), fake.features.double()


def order_by_content(features: Tensor) -> Tensor:
    """(N,) places of the samples in an order that looks random and follows from their features (N, F) alone.

    Each feature counts by a weight of its own: the sums of probabilities, or of rows of length 1, would all be alike,
    and rounding would then order them.
    """
    weights = torch.arange(1, features.shape[1] + 1, dtype=torch.float64).sin()
    return ((features.double() * weights).sum(1) * 9973.0).sin().argsort(stable=True)


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
