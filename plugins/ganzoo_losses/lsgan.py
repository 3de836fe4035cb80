"""Least squares toward two targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from ganzoo.component import Options
from ganzoo_losses.reduction import REDUCE, Reduce, reduced

if TYPE_CHECKING:
    from torch import Tensor


class Lsgan(Options):
    """Least squares: D pulls real logits to ``b`` and fake logits to ``a``; G pulls fake logits to ``c``.

    Formula:
        D: scale·(E(r−b)² + E(f−a)²)
        G: scale·E(f−c)²

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements. ``b`` must be above
    ``a``, because higher means more real. At zero logits and default options: D = ½, G = ½. With b−c = 1 and b−a = 2,
    as in a = −1, b = 1, c = 0, the pair of objectives minimizes the Pearson χ² divergence between p_data + p_g and
    2·p_g.

    Where implementations differ: MMGeneration uses scale 1; others use ½ for D and 1 for G. For the logged accuracy, a
    logit counts as real above the midpoint (a+b)/2. With ``reduce`` ``sample`` the logits of each sample are averaged
    before the loss, as Open-MAGVIT2 does with ``bce``: patches may then differ among themselves.

    Source: Mao et al. 2017, arXiv:1611.04076, equation 2; the default targets: equation 9.
    """

    a: float = Field(default=0.0, description="D's target for fake logits")
    b: float = Field(default=1.0, description="D's target for real logits; must be above a")
    c: float = Field(default=1.0, description="G's target for fake logits")
    scale: float = Field(default=0.5, gt=0, description="factor of both objectives")
    reduce: Reduce = Field(default="patch", description=REDUCE)

    @model_validator(mode="after")
    def _real_is_above_fake(self) -> Self:
        if self.b <= self.a:
            raise ValueError(f"b, the target for real, must be above a, the target for fake: b={self.b}, a={self.a}")
        return self

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return self.scale * ((real - self.b).square().mean() + (fake - self.a).square().mean())

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return self.scale * (reduced(fake, self.reduce) - self.c).square().mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Accuracy on each side with the midpoint of the targets as threshold, instead of 0."""
        midpoint = (self.a + self.b) / 2
        real, fake = reduced(real, self.reduce), reduced(fake, self.reduce)
        return {
            "accuracy/real": (real > midpoint).float().mean(),
            "accuracy/fake": (fake < midpoint).float().mean(),
        }

    def equilibrium(self) -> dict[str, float]:
        """The values of both objectives at p_g = p_data, where the best D is (a+b)/2 everywhere."""
        midpoint = (self.a + self.b) / 2
        return {"d": self.scale * (self.b - self.a) ** 2 / 2, "g": self.scale * (midpoint - self.c) ** 2}
