"""The Wasserstein objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.component import Options

if TYPE_CHECKING:
    from torch import Tensor


class Wgan(Options):
    """Wasserstein-1 distance in its dual form, with a critic kept within bounds by clipping its weights.

    Formula:
        D: E f − E r
        G: −E f

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements. At zero logits both
    are 0. −D estimates the distance up to a factor, if the critic is near its optimum and its slope is bounded.

    The bound is not part of this class: the loss *suggests* the regularizer ``weight-clip`` with 0.01, five critic
    steps per generator step, RMSprop at 5e-5 and batches of 64. Without any bound on the critic (``--reg none`` and no
    spectral norm) the objective is unbounded below. A logit of 0 has no special meaning, so the share of logits above 0
    carries no information.

    Where implementations differ: some write the critic's objective as E r − E f and maximize it; the authors' code
    takes 100 critic steps for each of the first 25 generator steps and for every 500th; ganzoo does not.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, equation 2 and algorithm 1.
    """

    def tags(self) -> frozenset[str]:
        """The loss is bounded only where the critic's slope is."""
        return frozenset({"needs_lipschitz"})

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        return fake.mean() - real.mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def equilibrium(self) -> dict[str, float]:
        """D's value at p_g = p_data. G's is any constant, so it is left out."""
        return {"d": 0.0}
