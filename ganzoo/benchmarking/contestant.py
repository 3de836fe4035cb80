"""Somebody who is timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


class Contestant(ABC):
    """Something that trains, step by step."""

    def active(self) -> AbstractContextManager[None]:
        """Torch's settings while it trains; entering them is no part of a step."""
        return nullcontext()

    @abstractmethod
    def step(self) -> None:
        """Every update of the discriminator that belongs to one of the generator, and that one."""

    def steps(self, count: int, done: Callable[[int], None] = lambda number: None) -> None:
        """So many steps. ``done`` hears after each which it was, from 1 on.

        Whoever has a loop that calls back, and cannot be asked for one step, does it otherwise.
        """
        for number in range(1, count + 1):
            self.step()
            done(number)
