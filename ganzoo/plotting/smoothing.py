"""Running means of noisy curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

WINDOW = 1 / 25
"""Share of the rows that a smoothed line averages over."""


def smoothed(values: Sequence[float], width: int) -> list[float]:
    """Centered running mean over ``width`` values (odd), fewer at both ends; what is not finite is left out."""
    half = width // 2
    means = []
    for center in range(len(values)):
        reach = min(half, center, len(values) - 1 - center)
        near = [value for value in values[center - reach : center + reach + 1] if math.isfinite(value)]
        means.append(sum(near) / len(near) if near else math.nan)
    return means
