"""Any of six f-divergences by its variational form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.divergences import DIVERGENCES
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class FGan(Options):
    """An f-divergence of p_data from p_g: D finds the bound, G lowers it.

    Formula:
        D: −E g(r) + E h(f)
        G: −E g(f), or with ``saturating`` −E h(f)
        kl                  g = v              h = e^(v−1)
        reverse-kl          g = −e^(−v)        h = v − 1
        pearson             g = v              h = v²/4 + v
        squared-hellinger   g = 1 − e^(−v)     h = e^v − 1
        jensen-shannon      g = ln 2 − sp(−v)  h = sp(v) − ln 2
        gan                 g = −sp(−v)        h = sp(v)

    sp(x) = ln(1 + eˣ) is the softplus, r and f are the logits of real and fake samples, of any shape; E is the mean
    over all elements. g is the paper's activation and h its conjugate of g, written out as one function. At the best D,
    −D is the divergence of p_data from p_g: ∫p ln(p/q) for kl, ∫q ln(q/p) for reverse-kl, ∫(p−q)²/q for pearson,
    ∫(√p−√q)² for squared-hellinger, twice the Jensen-Shannon divergence for jensen-shannon, and 2 ln 2 less than that
    for gan. ``gan`` is ``bce`` (with ``saturating``: ``minimax``); ``jensen-shannon`` is the same up to constants.

    At zero logits (D, G, saturating G): kl 1/e, 0, −1/e; reverse-kl 0, 1, 1; pearson, squared-hellinger and
    jensen-shannon 0, 0, 0; gan 2 ln 2, ln 2, −ln 2. The logged accuracy uses the best logit at p_g = p_data as its
    threshold: 1 for kl, 0 for the others.

    kl, reverse-kl and squared-hellinger contain a true exponential, which is neither clipped nor replaced: in float32
    it overflows for kl where f > 89, for reverse-kl where r < −88 (or f, in G's step), and for squared-hellinger at
    either. The run then stops before the optimizer takes a step. Lower learning rates, ``train.clip_grad_norm`` and
    spectral norm keep the logits small; jensen-shannon (the default), gan and pearson are finite for |logits| ≤ 1e4.

    Where implementations differ: the paper trains with −E g(f) and proves its results for −E h(f), its minimax game.
    For kl, squared-hellinger, jensen-shannon and gan, the latter leaves G without gradient as f → −∞; for pearson, it
    reverses the gradient below f = −2. pearson's h is the conjugate of the unrestricted quadratic; for densities, whose
    ratio is never negative, it could stay at −1 below v = −2. Computing φ*(g(v)) in two steps, instead of h, overflows
    or divides by 0. With ``reduce`` ``sample`` the logits of each sample are averaged before the loss, as Open-MAGVIT2
    does with ``bce``; −D is then the divergence that a critic of whole samples sees.

    Source: Nowozin et al. 2016, arXiv:1606.00709, equation 6, table 2, section 3.2.
    """

    divergence: Literal["kl", "reverse-kl", "pearson", "squared-hellinger", "jensen-shannon", "gan"] = Field(
        default="jensen-shannon", description="what −D estimates at the best D"
    )
    saturating: bool = Field(default=False, description="train G with −E h(f), the true minimax game, not −E g(f)")
    reduce: Reduce = Field(default="patch", description=REDUCE)

    def tags(self) -> frozenset[str]:
        """Whether an exponential may overflow, and whether G's gradient vanishes where D is certain."""
        row = DIVERGENCES[self.divergence]
        tags = {"exponential"} if row.exponential else set()
        return frozenset(tags | {"saturating"} if self.saturating and row.saturating else tags)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        row = DIVERGENCES[self.divergence]
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return row.conjugate(fake).mean() - row.activation(real).mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        row = DIVERGENCES[self.divergence]
        reward = row.conjugate if self.saturating else row.activation
        return -reward(reduced(fake, self.reduce)).mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Accuracy on each side with the best logit at p_g = p_data as threshold, instead of 0."""
        threshold = DIVERGENCES[self.divergence].balance
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return {
            "accuracy/real": (real > threshold).float().mean(),
            "accuracy/fake": (fake < threshold).float().mean(),
        }

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data with the best D."""
        best = torch.tensor(DIVERGENCES[self.divergence].balance, dtype=torch.float64, device="cpu")
        return {
            "d": self.discriminator_loss(real=best, fake=best).item(),
            "g": self.generator_loss(fake=best).item(),
        }
