"""The original GAN objective on logits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class Bce(Options):
    """Binary cross entropy of real against fake, with the non-saturating generator.

    Formula:
        D: scale·(E[(1−s)·sp(−r) + s·sp(r)] + E sp(f))
        G: E sp(−f)

    sp(x) = ln(1 + eˣ) is the softplus, r and f are the logits of real and fake samples, and s is ``label_smoothing``.
    Logits may have any shape; E is the mean over all elements, and D's real and fake terms are summed, not averaged.
    The value is exact and finite for any finite logit. At zero logits, s = 0 and scale 1: D = 2 ln 2, G = ln 2.

    Smoothing is one-sided: it changes only the target of real data, to 1−s. At p_g = p_data the best D then has σ(D) =
    (1−s)/2.

    Where implementations differ: some average D's real and fake terms, which is ``scale`` ½; smoothing the fake target
    as well gives a different loss. Open-MAGVIT2 averages the logits of each sample before the loss, which is ``reduce``
    ``sample``. The *saturating* generator −E sp(f) is ``minimax``, not this loss.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3; one-sided smoothing: Salimans et al. 2016,
    arXiv:1606.03498, section 3.4.
    """

    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="s: the target of real data is 1 − s")
    scale: float = Field(default=1.0, gt=0, description="factor of D's objective, ½ where its two terms are averaged")

    reduce: Reduce = Field(default="patch", description=REDUCE)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        smoothing = self.label_smoothing
        on_real = (1 - smoothing) * softplus(-real).mean()
        if smoothing:
            on_real = on_real + smoothing * softplus(real).mean()
        return self.scale * (on_real + softplus(fake).mean())

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return softplus(-reduced(fake, self.reduce)).mean()

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data with the best D."""
        smoothing = self.label_smoothing
        on_real, on_fake = math.log(2 / (1 - smoothing)), math.log(2 / (1 + smoothing))
        return {"d": self.scale * ((1 - smoothing) * on_real + (1 + smoothing) * on_fake), "g": on_real}


def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ), elementwise.

    This goes through ``logsigmoid``, because ``torch.nn.functional.softplus`` returns x itself above a threshold of 20,
    which in float64 is off by 2e-9.
    """
    return -F.logsigmoid(-x)
