"""The discriminator's side of one loss with the generator's side of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TwoLosses:
    """As VQGAN has it with ``vanilla``: a logistic loss for D, and −E D(x̂) for G.

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
