"""Values of any depth → 8 bits, by the range that a file states, or that its owner does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
BLOCK = 2**20
"""So many values are in double precision at once: of a whole picture of the largest size they would take gigabytes."""


def eight_bit(values: NDArray[Any], lowest: float, highest: float) -> NDArray[np.uint8]:
    """Values from ``lowest`` to ``highest`` → 0 to 255, rounded half up; what lies outside is clipped."""
    if values.dtype == np.uint8 and (lowest, highest) == (0, 255):
        return values
    rounded = np.empty(values.shape, dtype=np.uint8)
    length = max(1, BLOCK * len(values) // max(values.size, 1))
    for start in range(0, len(values), length):
        rows = slice(start, start + length)
        # In double precision, 16-bit values divided by 257 round as integers do.
        scaled = (values[rows].astype(np.float64) - lowest) * (255 / (highest - lowest))
        rounded[rows] = np.floor(scaled + 0.5).clip(0, 255).astype(np.uint8)
    return rounded


def is_narrow(found: Range, of: Range) -> bool:
    """Whether the values that occur take less than an eighth of a range."""
    lowest, highest = max(found[0], of[0]), min(found[1], of[1])
    return 8 * (highest - lowest) < of[1] - of[0]
