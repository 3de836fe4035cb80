"""The discriminator's side of one loss with the generator's side of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganzoo.protocols import StatefulLoss
from ganzoo.training.equilibrium import equilibrium
from ganzoo.training.state import restore_states, states


def two_losses(discriminator: Any, generator: Any) -> TwoLosses:
    """Both in one, which adapts if one of them does."""
    adapts = isinstance(discriminator, StatefulLoss) or isinstance(generator, StatefulLoss)
    return (TwoLossesThatAdapt if adapts else TwoLosses)(discriminator=discriminator, generator=generator)


@dataclass(frozen=True, kw_only=True)
class TwoLosses:
    """As VQGAN has it with ``vanilla``: a logistic loss for D, and −E D(x̂) for G.

    What is observed of logits is as the discriminator's loss observes it.

    Attributes:
        discriminator: whose discriminator's side counts.
        generator: whose generator's side counts.
    """

    discriminator: Any
    generator: Any

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """That of the first."""
        value: Tensor = self.discriminator.discriminator_loss(real=real, fake=fake)
        return value

    def generator_loss(self, **logits: Tensor) -> Tensor:
        """That of the second."""
        value: Tensor = self.generator.generator_loss(**logits)
        return value

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Those of the first, which knows at which logit D cannot tell."""
        of_first = getattr(self.discriminator, "diagnostics", None)
        found: dict[str, Tensor] = {} if of_first is None else of_first(real=real, fake=fake)
        return found

    def equilibrium(self) -> dict[str, float]:
        """That of D: what the second states for G holds with a D of its own."""
        return {player: value for player, value in equilibrium(self.discriminator).items() if player == "d"}


@dataclass(frozen=True, kw_only=True)
class TwoLossesThatAdapt(TwoLosses):
    """Two losses of which one or both have a state of their own."""

    def after_update(self, *, real: Tensor, fake: Tensor) -> None:
        """Tell those that adapt."""
        for loss in self._adapting().values():
            loss.after_update(real=real, fake=fake)

    def state_dict(self) -> dict[str, Tensor]:
        """The states of both."""
        return dict(states(self._adapting()))

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        restore_states(self._adapting(), state)

    def _adapting(self) -> dict[str, StatefulLoss]:
        """Side → its loss, if that adapts; an object that is on both sides does so once."""
        sides = {"discriminator": self.discriminator}
        if self.generator is not self.discriminator:
            sides["generator"] = self.generator
        return {side: loss for side, loss in sides.items() if isinstance(loss, StatefulLoss)}
