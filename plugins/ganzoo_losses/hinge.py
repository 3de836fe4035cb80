"""The hinge objective with margin 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.margins import margin_loss, margin_violations
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class Hinge(Options):
    """Hinge loss: only logits inside the margin push D, while all fake logits push G.

    Formula:
        D: scale·(E relu(1−r) + E relu(1+f))
        G: −E f, or E relu(1−f) with ``generator=relu``

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements. At zero logits and
    default options: D = 2, G = 0. A margin is violated where r < 1 or f > −1; the share of violations on each side is
    logged. Outside the margin D gets no gradient, which by itself says nothing about how steep D is.

    Where implementations differ: VQGAN's code and its children have ``scale`` ½. EnCodec's paper and Vocos have the
    generator term relu(1−f), which pushes only fakes whose logit is below 1; EnCodec's released code has −E f. With
    ``reduce`` ``sample`` the logits of each sample are averaged before the loss, as Open-MAGVIT2 does with ``bce``: a
    patch outside of the margin then still pushes where its sample is within.

    Source: Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17.
    """

    scale: float = Field(default=1.0, gt=0, description="factor of D's objective, ½ in VQGAN's code")
    generator: Literal["linear", "relu"] = Field(default="linear", description="G's term: −E f, or E relu(1−f)")
    reduce: Reduce = Field(default="patch", description=REDUCE)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return self.scale * margin_loss(real=real, fake=fake, margin_real=1.0, margin_fake=1.0)

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        fake = reduced(fake, self.reduce)
        return -fake.mean() if self.generator == "linear" else F.relu(1 - fake).mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share of logits that violate the margin, on each side."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return margin_violations(real=real, fake=fake, margin_real=1.0, margin_fake=1.0)

    def equilibrium(self) -> dict[str, float]:
        """D's value at p_g = p_data. G's depends on D, which is any constant in [−1, 1], so it is left out."""
        return {"d": 2.0 * self.scale}
