"""What critics add to a generator's loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganzoo.training.attached import attached


@dataclass(frozen=True, kw_only=True)
class AdversarialTerms:
    """What critics add to a generator's loss.

    Attributes:
        total: to be added to your own loss; its gradient reaches the fakes and what made them, nothing else.
        weighted: ``CRITIC/TERM`` → its share of ``total``, detached: they add up to it.
        weights: the same names → what the raw value was multiplied by.
        balance: the factor of the balance, 1 without one.
        gradient_norm: 2-norm of the gradient of ``total`` at the fakes.
        gradient_norms: the names of ``weighted`` → 2-norm of the gradient of that term at the fakes, with its weight.
            Of several terms only if ``observe`` asked for it. Gradients may cancel: the norms do not add up.
    """

    total: Tensor
    weighted: Mapping[str, Tensor] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    balance: Tensor
    gradient_norm: Tensor
    gradient_norms: Mapping[str, Tensor] = field(default_factory=dict)

    def raw(self) -> dict[str, Tensor]:
        """The terms without their weights; one whose weight is 0 is not there."""
        return {name: value / self.weights[name] for name, value in self.weighted.items() if self.weights[name] != 0}


def silence(fake: Tensor) -> AdversarialTerms:
    """An exact 0 that can be added and back-propagates zeros, so that processes which wait for gradients get some."""
    zero = torch.zeros((), device=fake.device)
    return AdversarialTerms(
        total=attached(fake, zero, torch.zeros_like(fake)), balance=torch.ones_like(zero), gradient_norm=zero
    )
