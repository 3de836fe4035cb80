"""The hinge objective with two margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.margins import margin_loss, margin_violations
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class MarginHinge(Options):
    """Hinge loss with separate margins for real and fake.

    Formula:
        D: E relu(m_r−r) + E relu(m_f+f)
        G: −E f

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements; m_r is
    ``margin_real``, m_f is ``margin_fake``, both ≥ 0. At zero logits: D = m_r + m_f, G = 0. A margin is violated where
    r < m_r or f > −m_f; the share of violations on each side is logged. With both margins 1 this is ``hinge``; with
    both margins 0 the constant critic D = 0 already has loss 0. With ``reduce`` ``sample`` the logits of each sample
    are averaged before the loss.

    Source: after Lim & Ye 2017, arXiv:1705.02894, whose two margins are both 1.
    """

    margin_real: float = Field(default=1.0, ge=0, description="m_r: real logits below m_r push D up")
    margin_fake: float = Field(default=1.0, ge=0, description="m_f: fake logits above −m_f push D down")
    reduce: Reduce = Field(default="patch", description=REDUCE)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return margin_loss(real=real, fake=fake, margin_real=self.margin_real, margin_fake=self.margin_fake)

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share of logits that violate their margin, on each side."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return margin_violations(real=real, fake=fake, margin_real=self.margin_real, margin_fake=self.margin_fake)

    def equilibrium(self) -> dict[str, float]:
        """D's value at p_g = p_data. G's is any constant in [−m_r, m_f], so it is left out."""
        return {"d": self.margin_real + self.margin_fake}
