"""A number of a run as a function of how far the run is."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Shape = Literal["linear", "cosine", "constant"]
Value = float | tuple[float, ...]
"""A number, or several that move together, such as Adam's two betas."""


@dataclass(frozen=True, kw_only=True)
class ScheduleCurve:
    """Values at points, and a shape between them.

    With t = (x − aᵢ)/(aᵢ₊₁ − aᵢ), the share of the way between two points:

        linear    vᵢ + (vᵢ₊₁ − vᵢ)·t
        cosine    vᵢ₊₁ + (vᵢ − vᵢ₊₁)·½(1 + cos πt)
        constant  vᵢ

    Before the first point it is the first value, from the last point on the last one.

    Attributes:
        at: where the points are, ascending.
        values: a value for each of them, all numbers or all tuples of one length.
        over: what ``at`` counts: real images the discriminator has seen, or generator steps done.
    """

    at: tuple[float, ...]
    values: tuple[Value, ...]
    shape: Shape = "linear"
    over: Literal["images", "steps"] = "images"

    def __call__(self, x: float) -> Value:
        """The value at ``x``."""
        reached = bisect_right(self.at, x)
        if reached == 0:
            return self.values[0]
        if reached == len(self.at) or self.shape == "constant":
            return self.values[reached - 1]
        begin, end = self.at[reached - 1], self.at[reached]
        share = _SHARES[self.shape]((x - begin) / (end - begin))
        return _between(self.values[reached - 1], self.values[reached], share)


_SHARES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: 1 - t,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
}
"""How much of the value at the point before is left."""


def _between(before: Value, after: Value, left: float) -> Value:
    if isinstance(before, tuple) and isinstance(after, tuple):
        return tuple(y + (x - y) * left for x, y in zip(before, after, strict=True))
    assert not isinstance(before, tuple)
    assert not isinstance(after, tuple)
    return after + (before - after) * left


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A number that follows a curve.

    Attributes:
        path: where the number stands in the configuration.
        put: makes a value the one that counts from now on.
    """

    path: str
    curve: ScheduleCurve
    put: Callable[[Value], None]

    def value(self, *, step: int, images: int) -> Value:
        """The value for the generator step after ``step`` of them, before which ``images`` real images were seen."""
        return self.curve(images if self.curve.over == "images" else step)

    def columns(self, *, step: int, images: int) -> dict[str, float]:
        """The same for a row of ``metrics.jsonl``: a column, or one for each of several numbers that ever changes."""
        value, name = self.value(step=step, images=images), f"schedule/{self.path}"
        if not isinstance(value, tuple):
            return {name: value}
        moving = [len(set(numbers)) > 1 for numbers in zip(*self.curve.values, strict=True)]
        return {f"{name}.{number}": one for number, one in enumerate(value) if moving[number]}
