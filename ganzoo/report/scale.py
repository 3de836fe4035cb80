"""Where a value stands on an axis, and at which values the axis is labeled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 0.06
"""Share of an axis that is left free at each end."""
TICKS = 5


@dataclass(frozen=True, kw_only=True)
class Scale:
    """An axis from ``low`` to ``high``, in decades if ``log``."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """0 at the lower end, 1 at the upper one; what lies beyond stands at the end."""
        low, high, at = (self._inner(one) for one in (self.low, self.high, max(value, self.low)))
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Round values on it, some five."""
        return _decades(self.low, self.high) if self.log else _round_values(self.low, self.high)

    def _inner(self, value: float) -> float:
        return math.log10(value) if self.log else value


def around(values: Sequence[float], *, log: bool = False, margin: float = MARGIN) -> Scale:
    """A scale for some values; those that are not finite, or have no logarithm, count for nothing."""
    shown = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
    low, high = min(shown), max(shown)
    if log:
        low, high = (low / 1.5, high * 1.5) if low == high else (low, high)
        reach = (high / low) ** margin
        return Scale(low=low / reach, high=high * reach, log=True)
    if low == high:
        low, high = low - (abs(low) / 10 or 1.0), high + (abs(high) / 10 or 1.0)
    reach = (high - low) * margin
    return Scale(low=low - reach, high=high + reach)


def _round_values(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    # Dividing keeps 0.3 from becoming 0.30000000000000004.
    return [round(number * step, 12 - math.floor(math.log10(step))) for number in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, with their double and fivefold where there are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    powers = [10.0**exponent for exponent in exponents if low <= 10.0**exponent <= high]
    if len(powers) > 2:
        return powers[:: -(-len(powers) // TICKS)]
    fine = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    return [value for value in fine if low <= value <= high] or [low, high]
