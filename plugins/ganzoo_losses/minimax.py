"""The original GAN objective with the generator of its minimax game."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.bce import softplus
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class Minimax(Options):
    """Binary cross entropy of real against fake, with the saturating generator: what D loses, G gains.

    Formula:
        D: E sp(−r) + E sp(f)
        G: −E sp(f)

    sp(x) = ln(1 + eˣ) is the softplus, r and f are the logits of real and fake samples. Logits may have any shape; E is
    the mean over all elements, and D's real and fake terms are summed, not averaged. −sp(f) is ln(1 − σ(f)). The value
    is exact and finite for any finite logit. At zero logits: D = 2 ln 2, G = −ln 2.

    G's gradient with respect to a logit is −σ(f): it vanishes as f → −∞, exactly where the fakes are worst. ``bce`` has
    the generator that does not saturate; this loss is here to show why that one is needed, and because at the best D it
    follows the Jensen-Shannon divergence.

    Where implementations differ: some average D's real and fake terms (a factor of ½); ln(1 − σ(f) + ε), computed with
    a separate sigmoid, is off by ε and flat where the sigmoid rounds to 1. With ``reduce`` ``sample`` the logits of
    each sample are averaged before the loss, as Open-MAGVIT2 does with ``bce``.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.
    """

    reduce: Reduce = Field(default="patch", description=REDUCE)

    def tags(self) -> frozenset[str]:
        """G's gradient vanishes where D is certain."""
        return frozenset({"saturating"})

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return softplus(-real).mean() + softplus(fake).mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -softplus(reduced(fake, self.reduce)).mean()

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data, where the best D is 0 everywhere."""
        return {"d": 2 * math.log(2), "g": -math.log(2)}
