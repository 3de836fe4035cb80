"""What critics add to a generator's loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from ganzoo.training.attached import attached
from ganzoo.training.balance import norm_of


@dataclass(frozen=True, kw_only=True)
class AdversarialTerms:
    """What critics add to a generator's loss.

    What is told of it is computed when it is first asked for, so that a step in which nobody looks pays nothing. The
    gradient at the fakes is kept as long as this is: to collect numbers over many steps, collect the numbers.

    Attributes:
        total: to be added to your own loss; its gradient reaches the fakes and what made them, nothing else.
        balance: the factor of the balance, 1 without one.
        factor: what all terms are multiplied by: the balance, the weight of the critics, the share of the ramp.
        values: ``CRITIC/TERM`` → its value before ``factor``, detached.
        shares: the same names → what the raw value was multiplied by before ``factor``.
        gradient: that of the sum of ``values`` at the fakes.
        norms: the same names → 2-norm of the gradient of that value alone, where it was observed.
    """

    total: Tensor
    balance: Tensor
    factor: Tensor
    gradient: Tensor = field(repr=False)
    values: Mapping[str, Tensor] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    norms: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def weighted(self) -> dict[str, Tensor]:
        """``CRITIC/TERM`` → its share of ``total``, detached: they add up to it."""
        return {name: value * self.factor for name, value in self.values.items()}

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """The same names → what the raw value was multiplied by."""
        return {name: self.factor * share for name, share in self.shares.items()}

    @cached_property
    def gradient_norm(self) -> Tensor:
        """2-norm of the gradient of ``total`` at the fakes."""
        return norm_of(self.gradient) * self.factor.abs()

    @cached_property
    def gradient_norms(self) -> dict[str, Tensor]:
        """The names of ``weighted`` → 2-norm of the gradient of that term at the fakes, with its weight.

        Of several terms only if ``observe`` asked for it. Gradients may cancel: the norms do not add up.
        """
        if len(self.values) == 1:
            return dict.fromkeys(self.values, self.gradient_norm)
        return {name: norm * self.factor.abs() for name, norm in self.norms.items()}

    def raw(self) -> dict[str, Tensor]:
        """The terms without their weights; one whose weight is 0 is not there."""
        return {name: value / share for name, value in self.values.items() if (share := self.shares[name]) != 0}


def silence(fake: Tensor) -> AdversarialTerms:
    """An exact 0 that can be added and back-propagates zeros, so that processes which wait for gradients get some."""
    zero, nothing = torch.zeros((), device=fake.device), torch.zeros_like(fake)
    return AdversarialTerms(
        total=attached(fake, zero, nothing, factor=zero), balance=torch.ones_like(zero), factor=zero, gradient=nothing
    )
