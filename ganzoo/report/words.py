"""Numbers as people read them."""

from __future__ import annotations

import math

PLACES = 4
"""Significant digits of measured values."""


def number(value: float | None) -> str:
    """``12.34``, ``1.2e-05``, ``–`` for nothing, ``not finite`` for NaN and infinity."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.{PLACES}g}" if abs(value) < 10**PLACES or abs(value) >= 10**9 else f"{value:,.0f}"


def count(value: float | None) -> str:
    """``20,000``."""
    return "–" if value is None else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3.2 h``, ``1.5 days``."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    unit, length = time_unit(seconds)
    return f"{seconds / length:.3g} {unit}"


def time_unit(seconds: float) -> tuple[str, int]:
    """The unit in which such a time is said, and its seconds."""
    units = (("days", 2 * 86400, 86400), ("h", 3600, 3600), ("min", 60, 60))
    return next(((unit, length) for unit, least, length in units if seconds >= least), ("s", 1))


def named(things: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(things[:-1]), *things[-1:]]))
