"""One verdict for both players, that of the discriminator before its update: a single pass through it per step.

The loss is a mean over samples with one logit lᵢ each. At a fake xᵢ the gradient of the discriminator's side is
L_D′(lᵢ)·∂lᵢ/∂xᵢ, and that of the generator's side L_G′(lᵢ)·∂lᵢ/∂xᵢ: the first, times the ratio of the slopes.

Source: Shen et al. 2021, arXiv:2103.00430.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from ganzoo.errors import PluginError
from ganzoo.training import adversary
from ganzoo.training.game import Game, Inputs, Terms
from ganzoo.training.guards import demand_scalar
from ganzoo.training.held import Met
from ganzoo.training.shared_fakes import SharedFakes


class OneVerdict(SharedFakes):
    """The fakes of one step and what the discriminator said of them."""

    _shown: Tensor
    _logits: tuple[Tensor, Tensor]

    def discriminator_terms(self, game: Game, inputs: Inputs, *, observe: bool = False) -> Terms:
        """The discriminator's objective, whose gradient is left at the fakes as well."""
        self._shown = self.make(game, inputs).detach().requires_grad_()
        terms = adversary.discriminator_terms(game, inputs, self._shown, observe=observe)
        assert terms.logits is not None
        real, fake = terms.logits
        # Several processes may have gathered the logits of all.
        own = len(fake) == len(self._shown)
        self._logits = (real, fake) if own else (game.team.part_of(real), game.team.part_of(fake))
        return terms

    def generator_terms(self, game: Game, inputs: Inputs) -> Terms:
        """The generator's objective on that verdict, once the discriminator's has been differentiated."""
        fake, gradient = self.made(), self._shown.grad
        assert gradient is not None, "the gradient of the discriminator's objective comes first"
        (real, logits), loss = self._logits, cast("Any", game.loss)  # which compares no real data in this player's step
        value, mine = value_and_slope(loss.generator_loss, logits)
        demand_scalar(value, game.in_words("loss"), "generator_loss")
        _, its = value_and_slope(loss.discriminator_loss, logits, real=real)
        ratio = (mine / its).reshape(len(fake), -1)
        if inputs.update == 0:
            _demand_one_ratio(game, ratio)
        wanted = gradient * ratio[:, 0].to(gradient.dtype).view(-1, *[1] * (fake.ndim - 1))
        # The share of this process is in the gradient already, so whatever the term is multiplied by leaves it alone.
        return Terms(scalars={"adversarial": Met.apply((wanted,), fake) + value})  # type: ignore[no-untyped-call]


def value_and_slope(side: Callable[..., Tensor], fake: Tensor, **others: Tensor) -> tuple[Tensor, Tensor]:
    """The value of one side of a loss, and its derivative by the logits of fakes."""
    logits = fake.detach().requires_grad_()
    value = side(fake=logits, **others)
    (slope,) = torch.autograd.grad(value, logits)
    return value.detach(), slope


def _demand_one_ratio(game: Game, ratio: Tensor) -> None:
    if torch.allclose(ratio, ratio[:, :1], rtol=1e-3, equal_nan=True):
        return
    raise PluginError(
        f"{game.in_words('discriminator').words} gives several logits of a sample, and does not say so",
        given=f"{ratio.shape[1]} logits per sample, with a loss whose sides are not opposite",
        allowed="with train.updates=simultaneous, one logit per sample; or the tag 'patch', which is told beforehand",
        hint="--set train.updates=alternating",
    )
