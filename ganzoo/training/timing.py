"""When a critic learns and when a generator hears of it, by the number of steps that were made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Two starts and a ramp.

    Attributes:
        start: the critic's first update is in this step, counted from 0. Before it nothing of the critic moves: an
            optimizer that is stepped on gradients of zero would make its first real step up to 32 times too large.
        generator_start: the first step whose generator term is not zero; ``start`` unless given.
        ramp: steps over which that term grows linearly to its whole weight; 0 is at once.
        every: the critic is updated in every k-th step.
    """

    start: int = 0
    generator_start: int | None = None
    ramp: int = 0
    every: int = 1

    def updates(self, step: int) -> bool:
        """Whether the critic is updated in this step."""
        return step >= self.start and (step - self.start) % self.every == 0

    def push(self, step: int) -> float:
        """The share of the generator's term in this step, from 0 to 1.

        A step is the fewer of the generator's calls and the critics': whoever is called more often in a step of the
        loop, critics have learned for as long as they should before they are heard.
        """
        first = self.start if self.generator_start is None else self.generator_start
        if step < first:
            return 0.0
        return 1.0 if not self.ramp else min(1.0, (step - first + 1) / self.ramp)
