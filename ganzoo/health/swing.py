"""Whether a column of rows swings to and fro: the autocorrelation of what is left without its trend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TURNED = -0.3
"""A swing has turned round at the first lag at which the autocorrelation is below this."""


def swing(values: Sequence[float]) -> tuple[float, int, float]:
    """How strongly values come back after a full period, that period in values, and their deviation.

    The linear trend is taken out first. The autocorrelation at lag k is Σ xᵢ xᵢ₊ₖ / Σ xᵢ², so that a pure sine over n
    values has 1 − k/n at its period k; noise has about 1/√n. The strength is its largest value at lags up to n/2 after
    it was once below :data:`TURNED`, and 0 if it never was.
    """
    found = np.asarray(values, dtype=np.float64)
    n = len(found)
    at = np.arange(n) - (n - 1) / 2
    centered = found - found.mean()
    rest = centered - at * (at @ centered) / (at @ at)
    energy = float(rest @ rest)
    if energy <= 0:
        return 0.0, 0, 0.0
    correlation = np.array([rest[: n - lag] @ rest[lag:] for lag in range(n // 2 + 1)]) / energy
    turned = np.flatnonzero(correlation < TURNED)
    if not len(turned):
        return 0.0, 0, float(rest.std())
    first = int(turned[0])
    best = first + int(correlation[first:].argmax())
    return float(correlation[best]), best, float(rest.std())
