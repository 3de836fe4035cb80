"""Fakes that serve both players: the generator learns from those that the discriminator judged last in the same step.

Their graph is kept meanwhile, so a step has one forward pass of the generator less. A run may break off between the two
updates, and goes on from what is saved then. So whatever the pass does to buffers, such as the statistics of BatchNorm,
waits for the generator's update.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ganzoo.training import adversary
from ganzoo.training.game import Game, Inputs, Terms
from ganzoo.training.step import fakes
from ganzoo.training.without_trace import buffers_replaced


class SharedFakes:
    """The fakes of one step, from the discriminator's last update to the generator's."""

    def __init__(self) -> None:
        self._made: tuple[Tensor, Callable[[], None]] | None = None

    def make(self, game: Game, inputs: Inputs) -> Tensor:
        """Make them, with a graph; they leave no trace in the generator yet."""
        with buffers_replaced(game.generator) as follow:
            fake = fakes(game, inputs)
        self._made = fake, follow
        return fake

    def made(self) -> Tensor:
        """What was made last, for the generator to learn from: its buffers follow now."""
        assert self._made is not None, "the discriminator's last update makes them"
        fake, follow = self._made
        follow()
        return fake

    def discriminator_terms(self, game: Game, inputs: Inputs, *, observe: bool = False) -> Terms:
        """The discriminator's objective on new fakes, which it sees without their graph."""
        return adversary.discriminator_terms(game, inputs, self.make(game, inputs).detach(), observe=observe)

    def generator_terms(self, game: Game, inputs: Inputs) -> Terms:
        """The generator's objective on the same fakes, against the discriminator as it is by now."""
        return adversary.generator_terms(game, inputs, self.made())
