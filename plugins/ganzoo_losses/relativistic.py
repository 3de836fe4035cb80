"""The relativistic objective on pairs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo_losses.bce import softplus
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class Relativistic(Options):
    """Binary cross entropy of which of two samples is real: each real logit is compared with the fake one at its place.

    Formula:
        D: E sp(−(r−f))
        G: E sp(−(f−r))

    sp(x) = ln(1 + eˣ) is the softplus, r and f are the logits of real and fake samples. They are paired sample by
    sample and patch by patch, so both must have the same shape; any shape will do. E is the mean over all pairs. The
    value is exact and finite for any finite logit. At zero logits: D = ln 2, G = ln 2.

    Only differences count, so a logit of 0 has no special meaning; the logged accuracy is the share of pairs that are
    in the right order.

    Where implementations differ: where shapes are not checked, logits of shapes (N,) and (N, 1) silently broadcast to
    N×N pairs, which is a different loss; here they are an error. The paper also states bases other than the cross
    entropy (its RpGAN); R3GAN uses this one, together with R1 and R2. With ``reduce`` ``sample`` the logits of each
    sample are averaged first, so that samples are compared and not patches; maps may then be of unlike sizes.

    Raises:
        ConfigError: if the logits of real and fake differ in shape.

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1; R3GAN: Huang et al. 2024, arXiv:2501.05441,
    equation 2.
    """

    reduce: Reduce = Field(default="patch", description=REDUCE)

    def tags(self) -> frozenset[str]:
        """G compares with real logits, pair by pair."""
        return frozenset({"generator_needs_real", "paired"})

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of one shape."""
        return softplus(-self._lead(real, fake)).mean()

    def generator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """G's objective from logits of one shape."""
        return softplus(self._lead(real, fake)).mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share of pairs in the right order, instead of logits on the right side of 0."""
        accuracy = (self._lead(real, fake) > 0).float().mean()
        return {"accuracy/real": accuracy, "accuracy/fake": accuracy}

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data, where the best D is any constant."""
        return {"d": math.log(2), "g": math.log(2)}

    def _lead(self, real: Tensor, fake: Tensor) -> Tensor:
        return lead(reduced(real, self.reduce), reduced(fake, self.reduce))


def lead(real: Tensor, fake: Tensor) -> Tensor:
    """By how much the real sample of each pair looks more real than the fake one."""
    if real.shape != fake.shape:
        raise ConfigError(
            "loss relativistic compares each real logit with the fake logit at its place, but they differ in shape",
            given=f"real {tuple(real.shape)}, fake {tuple(fake.shape)}",
            allowed="equal shapes",
            hint="--loss relativistic-average, which compares with means and takes batches of any size",
        )
    return real - fake
