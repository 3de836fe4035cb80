"""Medians, quartiles and least values of turns, and ratios within rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

from ganzoo.benchmarking.rounds import Round

ClockName = Literal["wall", "cpu"]


def seconds_of(rounds: Sequence[Round], name: str, *, clock: ClockName, steps: int = 1) -> list[float]:
    """Seconds per step of one contestant, round by round."""
    return [getattr(row[name], clock) / steps for row in rounds]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Quartiles and the least value; of two values or more."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"least": min(values), "lower_quartile": low, "median": median, "upper_quartile": high}


def ratio(rounds: Sequence[Round], rival: str, ours: str, *, clock: ClockName) -> dict[str, float]:
    """The rival's seconds over ours: above 1 we are faster.

    Quartiles are of ratios within rounds, so that whatever else the machine did hit both. ``of_least_seconds`` compares
    the least values of all rounds, which others disturbed least.
    """
    theirs, own = (seconds_of(rounds, name, clock=clock) for name in (rival, ours))
    quartiles = spread([one / other for one, other in zip(theirs, own, strict=True)])
    del quartiles["least"]
    return {**quartiles, "of_least_seconds": min(theirs) / min(own)}
