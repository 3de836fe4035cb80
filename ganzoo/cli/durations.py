"""Seconds in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """``45 s``, ``30 min``, ``2.5 h``, ``3.0 days``."""
    if seconds < 120:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
