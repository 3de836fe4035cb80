"""How far apart a run writes things down: the farther, the longer it gets, so that the disk stays bounded.

Of a run of N times as many there are then at most ``most`` · (1 + log2(N) / 2) instead of ``most`` · N.
"""

from __future__ import annotations

MOST_ROWS = 100_000
"""Rows before every second is left out."""


def apart(step: int, every: int, most: int) -> int:
    """Steps between two of them: ``every`` for the first ``most``, and twice as many once a run is twice as long.

    It follows from the step alone, so that a run that was resumed writes down what one does that never stopped.

    Args:
        step: the later one of the two; at least 1.
        every: steps between two of the first ones.
        most: how many of them there are; an even number, so that what lies farther apart is on the same steps.
    """
    return every << ((step - 1) // (every * most)).bit_length()


def is_due(step: int, every: int, most: int) -> bool:
    """Whether something is written down after a step."""
    return step % apart(step, every, most) == 0
