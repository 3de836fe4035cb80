"""The relativistic objective on means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.bce import softplus
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class RelativisticAverage(Options):
    """Each logit is compared with the mean logit of the other side; both objectives use real and fake logits.

    Formula:
        u = r − E f,  v = f − E r
        D: scale·(E ψ(u) + E ψ(−v))
        G: scale·(E ψ(v) + E ψ(−u))
        ψ(x) = sp(−x) for bce, relu(1−x) for hinge, ½(x−1)² for lsgan

    sp(x) = ln(1 + eˣ) is the softplus, r and f are the logits of real and fake samples, and ``base`` chooses ψ. Logits
    may have any shape and the batches any size; E is the mean over all elements, patches included. The means carry
    gradient: G is also updated through E f. With lsgan, real logits are pulled to 1 above the mean fake logit, and fake
    logits to 1 below the mean real logit. At zero logits and scale 1 (D, G): bce 2 ln 2, 2 ln 2; hinge 2, 2; lsgan 1,
    1.

    The means are those of the batch, so micro-batches (``train.accumulate``) give a different objective. Only
    differences count; the logged accuracy is the share of logits on the right side of the other side's mean.

    Where implementations differ: the authors' code also halves bce and hinge, which is ``scale`` ½; lsgan without the ½
    has twice the value. ESRGAN's code halves both players' terms and detaches the means in D's step (one backward pass
    for each term) and all real logits in G's. With ``reduce`` ``sample`` the logits of each sample are averaged before
    the loss, as Open-MAGVIT2 does with ``bce``.

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.2; hinge and least squares: its appendix.
    """

    base: Literal["bce", "hinge", "lsgan"] = Field(
        default="bce", description="ψ, the loss applied to a difference of logits"
    )
    scale: float = Field(default=1.0, gt=0, description="factor of both objectives, ½ in the authors' code")
    detach_means: bool = Field(
        default=False, description="let no gradient flow through the means, as ESRGAN in D's step"
    )

    reduce: Reduce = Field(default="patch", description=REDUCE)

    def tags(self) -> frozenset[str]:
        """G compares with real logits, and the value of a batch is not the mean over its parts."""
        return frozenset({"generator_needs_real", "batch_nonlinear"})

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shapes."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        if not self.detach_means:
            return self._apart(above=real, below=fake)
        above, below = real - fake.mean().detach(), real.mean().detach() - fake
        return self.scale * (self._psi(above).mean() + self._psi(below).mean())

    def generator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """G's objective from logits of any shapes."""
        return self._apart(above=reduced(fake, self.reduce), below=reduced(real, self.reduce))

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share on the right side of the other side's mean, instead of 0."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return {
            "accuracy/real": (real > fake.mean()).float().mean(),
            "accuracy/fake": (fake < real.mean()).float().mean(),
        }

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data, where the best D is any constant."""
        value = {"bce": 2 * math.log(2), "hinge": 2.0, "lsgan": 1.0}[self.base] * self.scale
        return {"d": value, "g": value}

    def _apart(self, *, above: Tensor, below: Tensor) -> Tensor:
        return self.scale * (self._psi(above - below.mean()).mean() + self._psi(above.mean() - below).mean())

    def _psi(self, difference: Tensor) -> Tensor:
        if self.base == "bce":
            return softplus(-difference)
        if self.base == "hinge":
            return F.relu(1 - difference)
        return (difference - 1).square() / 2
