"""The hinge objective with margin 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.component import Options
from ganzoo_losses.margins import margin_loss, margin_violations

if TYPE_CHECKING:
    from torch import Tensor


class Hinge(Options):
    """Hinge loss: only logits inside the margin push D, while all fake logits push G.

    Formula:
        D: E relu(1−r) + E relu(1+f)
        G: −E f

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements. At zero logits: D =
    2, G = 0. A margin is violated where r < 1 or f > −1; the share of violations on each side is logged. Outside the
    margin D gets no gradient, which by itself says nothing about how steep D is.

    Where implementations differ: some average D's real and fake terms (a factor of ½); a generator term relu(1−f) is a
    different loss.

    Source: Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17.
    """

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        return margin_loss(real=real, fake=fake, margin_real=1.0, margin_fake=1.0)

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share of logits that violate the margin, on each side."""
        return margin_violations(real=real, fake=fake, margin_real=1.0, margin_fake=1.0)

    def equilibrium(self) -> dict[str, float]:
        """D's value at p_g = p_data. G's is any constant in [−1, 1], so it is left out."""
        return {"d": 2.0}
